//! What a passing chat stream says: when content begins, how much there was, what it cost, and how it ended.
//!
//! Until the first content every event is read as JSON, since that moment decides whether another target may still be
//! tried. After it most events are only searched: an event is read when it has a `usage`, an `error` or a `finish_reason`
//! that is not null. A key inside a text is written with escaped quotes, so the search never takes a prompt for a key.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::value::RawValue;

use super::place::At;
use super::raw::{elements, members};
use super::refusal::FILTERED;
use super::reported::Reported;
use super::shape::Shape;
use super::sse::{Item, Splitter};
use super::watched::Watched;
use super::{typed, usage};
use crate::model::{Outcome, Tokens};

/// Most choices of one event that are looked into.
pub(super) const MAX_CHOICES: usize = 1024;
/// Choices whose ends are waited for: the most that a request may ask for (`n`). Beyond, one is as good as ended.
const MAX_TOLD_APART: u32 = 128;

/// Fields of a delta that are content: something that a client shows, or acts upon. `role` alone is not.
pub(super) const CONTENT: [&str; 8] = [
    "content",
    "reasoning",
    "reasoning_content",
    "refusal",
    "tool_calls",
    "function_call",
    "audio",
    "reasoning_details",
];

/// What has been seen of a stream so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something that has come or not"
)]
pub struct Seen {
    /// Whether any content has come.
    pub first_content: bool,
    /// Events of any kind, up to the end.
    pub events: u32,
    /// Events with content: about one a token, where the provider reports no usage.
    pub content_events: u32,
    /// The last token counts that were reported.
    pub usage: Option<Tokens>,
    /// Every choice that has begun, at least one, has said why it ended.
    pub finished: bool,
    /// Everything that has said why it ended was ended by a content policy. Not kept up once content has come.
    pub refused: bool,
    /// `[DONE]` has come.
    pub done: bool,
    /// The stream reported an error of its own; the first one.
    pub error: Option<Reported>,
    /// Events that were neither JSON nor `[DONE]`.
    pub unreadable: u32,
}

impl Seen {
    /// How the stream went, if it ended here.
    ///
    /// An error of the stream's own is `CutStream` once content has passed; before that it is left to
    /// `provider::fault`, which knows the codes, and `None` here. A stream without `[DONE]` and without a reason to end is
    /// cut, or malformed if nothing had come.
    pub const fn outcome(&self) -> Option<Outcome> {
        match (&self.error, self.first_content) {
            (Some(_), false) => None,
            (None, true) if self.done || self.finished => Some(Outcome::Ok),
            (Some(_) | None, true) => Some(Outcome::CutStream),
            // An answer may be empty; a stream of nothing but `[DONE]`, or of nothing at all, is none.
            (None, false) if self.finished => Some(Outcome::Ok),
            (None, false) => Some(Outcome::Malformed),
        }
    }
}

impl Seen {
    pub(super) const fn count_content(&mut self) {
        self.first_content = true;
        self.content_events = self.content_events.saturating_add(1);
    }

    pub(super) fn note_error(&mut self, error: Reported) {
        self.error.get_or_insert(error);
    }

    /// An event that is not JSON.
    pub(super) fn note_unreadable(&mut self, name: &[u8]) {
        if name == b"error" {
            self.note_error(Reported {
                message: "an error event that is not JSON".to_owned(),
                ..Reported::default()
            });
        } else {
            self.unreadable = self.unreadable.saturating_add(1);
        }
    }
}

/// Watches one stream, a chat stream unless told otherwise. Linear in the bytes; keeps at most [`super::sse::MAX_EVENT`] of them.
#[derive(Clone, Debug)]
pub struct StreamReader {
    /// `None` where bytes are content, whatever they are.
    splitter: Option<Splitter>,
    watch: Watch,
}

impl Default for StreamReader {
    fn default() -> Self {
        Self::new()
    }
}

impl StreamReader {
    /// Before the first byte of a chat stream.
    pub fn new() -> Self {
        Self::of(Watched::Chat)
    }

    /// Before the first byte of a stream of this kind.
    pub fn of(watched: Watched) -> Self {
        Self {
            splitter: Some(Splitter::new()),
            watch: Watch {
                watched,
                seen: Seen::default(),
                choices: Choices::default(),
                items: 0,
                plain: 0,
            },
        }
    }

    /// Before the first byte of a stream that nobody reads and that has no events of text: each chunk is content.
    pub fn unframed() -> Self {
        Self {
            splitter: None,
            ..Self::of(Watched::Any)
        }
    }

    /// Looks at the next chunk of the body.
    pub fn push(&mut self, chunk: &[u8]) -> &Seen {
        let watch = &mut self.watch;
        (watch.items, watch.plain) = (0, 0);
        match &mut self.splitter {
            Some(splitter) => splitter.push(chunk, |item| watch.note(item)),
            None if chunk.is_empty() => {}
            None => watch.seen.count_content(),
        }
        // Bytes of something that is no event stream are content as well.
        let is_any = matches!(watch.watched, Watched::Any | Watched::Embeddings);
        watch.seen.first_content |= is_any && !chunk.is_empty();
        &self.watch.seen
    }

    /// The body is over: an event that lacks only its blank line still counts.
    pub fn finish(&mut self) -> &Seen {
        let watch = &mut self.watch;
        if let Some(splitter) = &mut self.splitter {
            splitter.finish(|item| watch.note(item));
        }
        // Nobody knows what ends such a stream but its end.
        if matches!(watch.watched, Watched::Any | Watched::Embeddings) {
            watch.seen.finished |= watch.seen.error.is_none();
        }
        &self.watch.seen
    }

    /// What has been seen so far.
    pub const fn seen(&self) -> &Seen {
        &self.watch.seen
    }

    /// Whether the last chunk was one whole event that said a piece of content and nothing else.
    pub fn was_plain(&self) -> bool {
        let is_between = self.splitter.as_ref().is_some_and(Splitter::is_between);
        (self.watch.items, self.watch.plain) == (1, 1) && is_between
    }

    /// So many events came, each as plain as that one.
    pub fn count_plain(&mut self, events: u32) {
        let seen = &mut self.watch.seen;
        seen.events = seen.events.saturating_add(events);
        seen.content_events = seen.content_events.saturating_add(events);
    }
}

/// Keys for whose sake an event is read even after the first content.
const MARKS: [&[u8]; 3] = [b"\"usage\"", b"\"error\"", b"\"finish_reason\""];

/// Key for whose sake an event is read if its value is not 0: it may belong to a choice that is not known yet.
const INDEX: &[u8] = b"\"index\"";

/// Look for them. Made once for all streams.
static FINDERS: LazyLock<[Finder<'static>; MARKS.len() + 1]> = LazyLock::new(|| {
    let [usage, error, finish] = MARKS;
    [usage, error, finish, INDEX].map(Finder::new)
});

#[derive(Clone, Debug)]
struct Watch {
    watched: Watched,
    seen: Seen,
    choices: Choices,
    /// Items of the last chunk, and those of them that were searched and said a piece of content, and nothing else.
    items: u32,
    plain: u32,
}

/// Which choices have begun and which have ended, a bit each.
#[derive(Clone, Copy, Debug, Default)]
struct Choices {
    begun: u128,
    ended: u128,
}

impl Choices {
    const fn note(&mut self, index: u32, has_ended: bool) {
        if index < MAX_TOLD_APART {
            self.begun |= 1 << index;
            self.ended |= (has_ended as u128) << index;
        }
    }

    const fn have_ended(self) -> bool {
        self.ended != 0 && self.begun == self.ended
    }
}

impl Watch {
    fn note(&mut self, item: Item<'_>) {
        self.items += 1;
        self.seen.events = self.seen.events.saturating_add(u32::from(!self.seen.done));
        match item {
            // Something this large is content, whatever else it is.
            Item::TooLong => self.seen.count_content(),
            // Typed streams have an end of their own; gateways put this behind it.
            Item::Event {
                data: b"[DONE]", ..
            } => self.seen.done |= !self.is_typed(),
            // What follows the end is not part of the answer.
            Item::Event { .. } if self.seen.done => {}
            Item::Event { name, data } => match self.watched {
                Watched::Chat | Watched::Completions => self.note_chunk(name, data),
                Watched::Responses => typed::note_responses(&mut self.seen, name, data),
                Watched::Messages => typed::note_messages(&mut self.seen, name, data),
                Watched::Embeddings | Watched::Any => typed::note_any(&mut self.seen, name, data),
            },
        }
    }

    const fn is_typed(&self) -> bool {
        matches!(self.watched, Watched::Responses | Watched::Messages)
    }

    fn note_chunk(&mut self, name: &[u8], data: &[u8]) {
        if self.seen.first_content && name != b"error" && !is_marked(data) {
            self.seen.count_content();
            self.plain += 1;
        } else {
            self.read(name, data);
        }
    }

    fn read(&mut self, name: &[u8], data: &[u8]) {
        let Some(event) = std::str::from_utf8(data).ok().and_then(ChatEvent::read) else {
            return self.seen.note_unreadable(name);
        };
        if let Some(tokens) = event.usage {
            self.seen.usage = Some(tokens);
        }
        if event.has_content {
            self.seen.count_content();
        }
        for (index, end) in event.choices {
            if end != End::None {
                let was_refused = self.seen.refused || self.choices.ended == 0;
                self.seen.refused = end == End::Filtered && was_refused;
            }
            self.choices.note(index, end != End::None);
            self.seen.finished = self.choices.have_ended();
        }
        if let Some(error) = event.error {
            self.seen.note_error(error);
        } else if name == b"error" {
            self.seen
                .note_error(Reported::read(data).unwrap_or_default());
        }
    }
}

/// Whether one of the marks stands in `data` with a value other than null, or an index with one other than 0.
fn is_marked(data: &[u8]) -> bool {
    let has_other = |mark: &Finder<'_>, usual: &[u8]| {
        let mut places = mark.find_iter(data);
        places.any(|place| {
            let after = data.get(place + mark.needle().len()..).unwrap_or_default();
            let value = after.trim_ascii_start().strip_prefix(b":");
            value.is_some_and(|value| !value.trim_ascii_start().starts_with(usual))
        })
    };
    let usual: [&[u8]; 4] = [b"null", b"null", b"null", b"0"];
    let mut marks = FINDERS.iter().zip(usual);
    marks.any(|(mark, usual)| has_other(mark, usual))
}

/// How an event ends a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Not at all.
    None,
    /// By a content policy.
    Filtered,
    /// For another reason.
    Other,
}

impl End {
    fn of(reason: &RawValue) -> Self {
        match Shape::of(reason) {
            Shape::Null => Self::None,
            _ if reason.get() == FILTERED => Self::Filtered,
            _ => Self::Other,
        }
    }
}

/// What one event says.
#[derive(Default)]
struct ChatEvent {
    has_content: bool,
    /// The choices that it speaks of, and how it ends them.
    choices: Vec<(u32, End)>,
    usage: Option<Tokens>,
    error: Option<Reported>,
}

impl ChatEvent {
    /// Reads the JSON object `text`; `None` if it is not one.
    fn read(text: &str) -> Option<Self> {
        let mut event = Self::default();
        let walked = members(text, |member| {
            match member.key.as_ref() {
                "choices" => event.read_choices(member.value),
                "usage" => event.usage = usage::read(member.value).or(event.usage),
                "error" => event.error = Reported::from_member(member.value),
                // Groq's place, also where nobody asked for counts.
                "x_groq" => each_member(member.value, |key, value| {
                    if key == "usage" {
                        event.usage = event.usage.or_else(|| usage::read(value));
                    }
                }),
                _ => {}
            }
            Ok(())
        });
        walked.ok().map(|()| event)
    }

    fn read_choices(&mut self, choices: &RawValue) {
        let choices = elements(choices, MAX_CHOICES, &At::ROOT).unwrap_or_default();
        for (choice, place) in choices.into_iter().zip(0..) {
            let (mut index, mut end) = (place, End::None);
            each_member(choice, |key, value| match key {
                "delta" | "message" => each_member(value, |key, value| {
                    self.has_content |= CONTENT.contains(&key) && is_filled(value);
                }),
                // The older completions API.
                "text" => self.has_content |= is_filled(value),
                "finish_reason" => end = End::of(value),
                // What is no index is beyond those that are told apart.
                "index" => index = value.get().parse().unwrap_or(MAX_TOLD_APART),
                _ => {}
            });
            self.choices.push((index, end));
        }
    }
}

/// Visits the members of `value` if it is an object.
pub(super) fn each_member(value: &RawValue, mut visit: impl FnMut(&str, &RawValue)) {
    if Shape::of(value) != Shape::Object {
        return;
    }
    let walked = members(value.get(), |member| {
        visit(member.key.as_ref(), member.value);
        Ok(())
    });
    debug_assert!(walked.is_ok(), "a RawValue is valid JSON");
}

/// Whether a field says something: not null, not false, not an empty text, array or object.
pub(super) fn is_filled(value: &RawValue) -> bool {
    let text = value.get();
    let inner = || text.get(1..text.len() - 1).unwrap_or_default();
    match Shape::of(value) {
        Shape::Null => false,
        Shape::Boolean => text == "true",
        Shape::Number => true,
        Shape::Text => !inner().is_empty(),
        Shape::Array | Shape::Object => !inner().trim_ascii().is_empty(),
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
