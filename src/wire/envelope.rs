//! The envelope of a request: what routing needs from its body, and the body as a target gets it.
//!
//! A chat body is a few short members and one long one. One walk over it notes the short ones and *where* things are; the
//! long one is skipped and stays bytes. A target's body is then made by cutting the members that only this proxy
//! understands and putting the target's model in place of the client's: every other byte, known or not, arrives as it was
//! sent. Parsing and printing again was rejected: it costs more, reorders keys, and changes numbers.

use std::ops::Range;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::extension::Extension;
use super::list::read_model;
use super::place::{At, Error};
use super::raw::{Known, Member, boolean, members};
use super::shape::Shape;
use super::sticky::Noted;
use crate::model::AnswerKind;

/// Members with a meaning here. Each may be written only once.
const READ: [&str; 15] = [
    "model",
    "stream",
    "stream_options",
    "seed",
    "orq",
    "load_balancer",
    "retry",
    "retries",
    "timeout",
    "fallbacks",
    "fallback_on_codes",
    "cache",
    "thread",
    "identity",
    "contact",
];

/// Members that no target gets to see: providers refuse keys that they do not know.
pub const REMOVED: [&str; 11] = [
    "orq",
    "load_balancer",
    "fallbacks",
    "fallback_on_codes",
    "retry",
    "retries",
    "timeout",
    "cache",
    "thread",
    "identity",
    "contact",
];

/// What routing needs from a request's body.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The client's `model`; empty if it sent none, which only a request with its own list may.
    pub model: String,
    /// Whether the answer is to come in pieces.
    pub stream: bool,
    /// Whether the client wants the token counts at the end of its stream.
    pub include_usage: bool,
    /// The client's `seed`, a negative one in two's complement; `None` also where it is not a whole number, which is the
    /// provider's to refuse.
    pub seed: Option<u64>,
    /// Size of the body in bytes: the estimate of the prompt's size, about four bytes a token.
    pub prompt_bytes: usize,
    /// What the request says about its own routing.
    pub extension: Extension,
    edits: Edits,
    /// Where it says what it belongs to.
    pub(super) noted: Noted,
}

/// Where a body is to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Edits {
    /// Ranges to leave out, ascending and apart: removed members with the comma and the space that belong to them.
    cuts: Vec<Range<usize>>,
    /// The model's value; where there is none, the empty range after the opening brace.
    model: Range<usize>,
    /// Whether another member follows where a model has to be put in.
    others: bool,
    /// Whether the model stands as it is, without quotes, as in a form.
    bare: bool,
    /// How to ask for token counts; `None` where they are asked for.
    usage: Option<UsageEdit>,
}

/// How a body comes to ask for token counts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct UsageEdit {
    range: Range<usize>,
    put: UsagePut,
}

/// What is put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UsagePut {
    /// `stream_options` as a member of the body.
    Options,
    /// The object alone, in place of a null or of an empty one.
    Object,
    /// `include_usage` as the first of the options.
    Member,
    /// `true` in place of a false or a null.
    Value,
}

impl UsageEdit {
    /// How to ask in a body whose `stream_options` are these.
    fn of(layout: &Layout<'_>, top: &Known<'_>, brace: usize) -> Option<Self> {
        let Some(options) = top.written("stream_options") else {
            let range = brace..brace;
            return Some(Self {
                range,
                put: UsagePut::Options,
            });
        };
        let whole = layout.range(options.get());
        let (mut is_empty, mut value) = (true, None);
        if Shape::of(options) == Shape::Object {
            let walked = members(options.get(), |member| {
                is_empty = false;
                if member.key == "include_usage" {
                    value = Some(member.value);
                }
                Ok(())
            });
            walked.ok()?;
        }
        let (range, put) = match value {
            Some(value) if value.get() == "true" => return None,
            Some(value) => (layout.range(value.get()), UsagePut::Value),
            None if is_empty => (whole, UsagePut::Object),
            None => (whole.start + 1..whole.start + 1, UsagePut::Member),
        };
        Some(Self { range, put })
    }

    fn text(&self, has_more: bool) -> String {
        let comma = if has_more { "," } else { "" };
        match self.put {
            UsagePut::Options => format!(r#""stream_options":{{"include_usage":true}}{comma}"#),
            UsagePut::Object => r#"{"include_usage":true}"#.to_owned(),
            UsagePut::Member => r#""include_usage":true,"#.to_owned(),
            UsagePut::Value => "true".to_owned(),
        }
    }
}

impl Envelope {
    /// Reads the envelope of `body`. Linear, without recursion, and without copying what it does not keep.
    ///
    /// # Errors
    /// A body that is not UTF-8, not one JSON object, has no `model` (a request with a list may leave it out), gives a
    /// routing key a value of the wrong type, or gives one twice or in other letters. The error names the place, what was expected and what
    /// was found.
    pub fn read(body: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(body).map_err(|error| {
            At::ROOT.error(format!(
                "expected UTF-8, found another byte at offset {}",
                error.valid_up_to()
            ))
        })?;
        let mut top = Known::new(&READ);
        let mut layout = Layout::new(text);
        members(text, |member| {
            if !top.put(&member, &At::ROOT)? {
                refuse_twin(&member.key)?;
            }
            layout.note(&member);
            Ok(())
        })?;
        let extension = Extension::read(&top)?;
        let model = read_own_model(&top, extension.list.is_some())?;
        Ok(Self {
            model,
            stream: read_flag(top.value("stream"), &At::ROOT.key("stream"))?,
            include_usage: read_include_usage(&top)?,
            seed: top.value("seed").and_then(read_seed),
            prompt_bytes: body.len(),
            extension,
            noted: std::mem::take(&mut layout.noted),
            edits: layout.finish(&top),
        })
    }

    /// The envelope of a body of `prompt_bytes` bytes that is not read here, for a request about `model`, which stands at
    /// `place` if it is in the body.
    pub fn opaque(model: String, prompt_bytes: usize, place: Option<Range<usize>>) -> Self {
        Self {
            model,
            stream: false,
            include_usage: false,
            seed: None,
            prompt_bytes,
            extension: Extension::default(),
            noted: Noted::default(),
            edits: Edits {
                bare: true,
                model: place.unwrap_or(0..0),
                ..Edits::default()
            },
        }
    }

    /// Whether the answer comes in pieces, in the words of the meters.
    pub const fn answer_kind(&self) -> AnswerKind {
        if self.stream {
            AnswerKind::Streamed
        } else {
            AnswerKind::Unary
        }
    }

    /// The body for a target that calls its model `model`: `body` without the members that only this proxy understands,
    /// and with that model. All other bytes are the client's. The same `Bytes`, without a copy, if nothing is to change.
    ///
    /// `body` must be the one that the envelope was read from.
    pub fn rewrite(&self, body: &Bytes, model: &str) -> Bytes {
        debug_assert_eq!(body.len(), self.prompt_bytes, "another request's body");
        self.edit(body, model, None)
    }

    /// The same, and with the token counts asked for (`stream_options.include_usage`) if the answer streams and the client
    /// has not asked. They are for the books; [`super::WholeEvents`] takes them out of the client's stream again.
    pub fn rewrite_asking_usage(&self, body: &Bytes, model: &str) -> Bytes {
        debug_assert_eq!(body.len(), self.prompt_bytes, "another request's body");
        let asks = self.stream && !self.include_usage;
        self.edit(body, model, self.edits.usage.as_ref().filter(|_| asks))
    }

    fn edit(&self, body: &Bytes, model: &str, usage: Option<&UsageEdit>) -> Bytes {
        let nowhere = self.edits.bare && self.edits.model.is_empty();
        let same_model = self.model == model || nowhere;
        if same_model && self.edits.cuts.is_empty() && usage.is_none() {
            return body.clone();
        }
        let mut edits: Vec<(Range<usize>, String)> = Vec::with_capacity(self.edits.cuts.len() + 2);
        if let Some(usage) = usage {
            let has_more = self.edits.others || (self.edits.model.is_empty() && !same_model);
            edits.push((usage.range.clone(), usage.text(has_more)));
        }
        if !same_model {
            edits.push((self.edits.model.clone(), self.model_text(model)));
        }
        let cuts = self.edits.cuts.iter();
        edits.extend(cuts.map(|cut| (cut.clone(), String::new())));
        // What is put in at a place comes before what is cut from there.
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        let more = edits.iter().map(|(_, text)| text.len()).sum();
        let mut pieces = Pieces::new(body, more);
        for (range, text) in &edits {
            pieces.replace(range, text.as_bytes());
        }
        pieces.finish()
    }

    /// `model` as JSON: the bare value in place of the client's, or a member where the client sent none.
    fn model_text(&self, model: &str) -> String {
        if self.edits.bare {
            return model.to_owned();
        }
        let value = serde_json::Value::from(model);
        match (self.edits.model.is_empty(), self.edits.others) {
            (false, _) => value.to_string(),
            (true, true) => format!("\"model\":{value},"),
            (true, false) => format!("\"model\":{value}"),
        }
    }
}

/// Refuses a key that is one of [`READ`] but for the size of its letters: servers written in Go take it for that one, and
/// the later of the two, so that another model would answer than was checked.
/// Source: <https://pkg.go.dev/encoding/json#Unmarshal>, 2026-11.
fn refuse_twin(key: &str) -> Result<(), Error> {
    // Go folds these two to letters of ASCII as well.
    let small = |c: char| match c {
        'ſ' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    let is_twin = |name: &&&str| key.chars().map(small).eq(name.chars());
    READ.iter().find(is_twin).map_or(Ok(()), |name| {
        let message = format!("expected this key as {name:?}, found it in other letters");
        Err(At::ROOT.key(key).error(message))
    })
}

/// Reads `model`. With a list it is not routed by, so it may be absent or null.
fn read_own_model(top: &Known<'_>, has_list: bool) -> Result<String, Error> {
    let at = At::ROOT.key("model");
    match top.written("model") {
        Some(value) if has_list && Shape::of(value) == Shape::Null => Ok(String::new()),
        Some(value) => read_model(value, &at),
        None if has_list => Ok(String::new()),
        None => Err(at.error("expected a model's name as a string, found nothing")),
    }
}

fn read_flag(value: Option<&RawValue>, at: &At<'_>) -> Result<bool, Error> {
    value.map_or(Ok(false), |value| boolean(value, at))
}

fn read_include_usage(top: &Known<'_>) -> Result<bool, Error> {
    let at = At::ROOT.key("stream_options");
    let Some(options) = top.value("stream_options") else {
        return Ok(false);
    };
    let options = Known::read(&["include_usage"], options, &at)?;
    read_flag(options.value("include_usage"), &at.key("include_usage"))
}

fn read_seed(value: &RawValue) -> Option<u64> {
    let text = value.get();
    let signed = || text.parse().ok().map(i64::cast_unsigned);
    text.parse().ok().or_else(signed)
}

/// Notes where the members of a body are while it is walked.
struct Layout<'a> {
    text: &'a str,
    cuts: Vec<Range<usize>>,
    /// Start of the first of the removed members that the walk has just passed.
    open: Option<usize>,
    /// End of the last member that stays.
    kept_end: Option<usize>,
    /// End of the last member.
    end: usize,
    noted: Noted,
}

impl<'a> Layout<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            cuts: Vec::new(),
            open: None,
            kept_end: None,
            end: 0,
            noted: Noted::default(),
        }
    }

    /// Where `part`, a slice of the text, is in it.
    fn range(&self, part: &str) -> Range<usize> {
        let start = part
            .as_ptr()
            .addr()
            .saturating_sub(self.text.as_ptr().addr());
        start..start + part.len()
    }

    fn note(&mut self, member: &Member<'a>) {
        let start = self.range(member.key_text).start;
        let value = self.range(member.value.get());
        self.end = value.end;
        self.noted.note(&member.key, &value);
        if REMOVED.contains(&member.key.as_ref()) {
            self.open.get_or_insert(start);
            return;
        }
        // Up to the next key, so that the removed member's comma and the space after it go with it.
        if let Some(open) = self.open.take() {
            self.cuts.push(open..start);
        }
        self.kept_end = Some(self.end);
    }

    fn finish(mut self, top: &Known<'_>) -> Edits {
        // Removed members at the end take the comma before them along.
        if let Some(open) = self.open {
            self.cuts.push(self.kept_end.unwrap_or(open)..self.end);
        }
        let brace = self.text.find('{').map_or(0, |brace| brace + 1);
        let model = top.written("model");
        let model = model.map_or(brace..brace, |model| self.range(model.get()));
        let usage = UsageEdit::of(&self, top, brace);
        Edits {
            bare: false,
            usage,
            cuts: self.cuts,
            model,
            others: self.kept_end.is_some(),
        }
    }
}

/// A copy of a body with some ranges replaced, made from front to back.
struct Pieces<'a> {
    body: &'a [u8],
    out: Vec<u8>,
    done: usize,
}

impl<'a> Pieces<'a> {
    fn new(body: &'a [u8], more: usize) -> Self {
        Self {
            body,
            // The model as a member of its own, with room for a few escapes.
            out: Vec::with_capacity(body.len() + more + 16),
            done: 0,
        }
    }

    fn replace(&mut self, range: &Range<usize>, with: &[u8]) {
        let kept = self.body.get(self.done..range.start).unwrap_or_default();
        self.out.extend_from_slice(kept);
        self.out.extend_from_slice(with);
        self.done = range.end;
    }

    fn finish(mut self) -> Bytes {
        let rest = self.body.get(self.done..).unwrap_or_default();
        self.out.extend_from_slice(rest);
        self.out.into()
    }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
