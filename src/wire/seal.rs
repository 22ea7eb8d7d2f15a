//! Whose state a conversation carries.
//!
//! Signatures of thoughts, encrypted reasoning, ids of stored responses and containers mean something only to the provider
//! that made them; another one answers 400. So where a route has several providers, each such value gets a mark of its
//! origin in front of it on its way out: `wb1_` and eight hexadecimal digits of a digest of the provider's name. On the way
//! back the mark says who can go on, and is taken off again. Nothing is stored: it holds over restarts and in every replica
//! that has the same configuration.
//!
//! The marks are put in and taken out as bytes: everything else of a body stays as it is. A key inside a text is written
//! with escaped quotes, so no text of a prompt is ever taken for a member.

use bytes::Bytes;
use memchr::memmem;
use serde_json::Value;

/// What a mark begins with.
const MARK: &[u8] = b"wb1_";
/// `wb1_`, eight digits and `_`.
const MARK_LEN: usize = 13;

/// Members that hold state wherever they stand.
const STATE: [&str; 6] = [
    "signature",
    "encrypted_content",
    "thought_signature",
    "thoughtSignature",
    "container_id",
    "previous_response_id",
];
/// Members that hold state in Responses: items are looked up by their ids.
const IDS: [&str; 3] = ["id", "item_id", "response_id"];
/// The member of unreadable thoughts in Anthropic's and OpenRouter's dialects.
const DATA: &str = "data";
/// Kinds of objects that are nothing without their state.
const NOTHING_WITHOUT: [&str; 6] = [
    "thinking",
    "redacted_thinking",
    "reasoning",
    "reasoning.encrypted",
    "item_reference",
    "compaction",
];

/// A provider as its marks name it: a digest of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(u32);

/// Where state stands in an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Answers of chat and of Anthropic's Messages: signatures and unreadable thoughts.
    Thoughts,
    /// Responses: ids too.
    Items,
}

impl Origin {
    /// The origin of a provider called `name`. (FNV-1a, 32 bits:
    /// <http://www.isthe.com/chongo/tech/comp/fnv/index.html>, 2026-11-23.)
    pub fn of(name: &str) -> Self {
        let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        Self(name.bytes().fold(0x811C_9DC5, step))
    }

    fn mark(self) -> String {
        format!("wb1_{:08x}_", self.0)
    }

    /// The origin whose mark `bytes` begins with.
    fn at_start(bytes: &[u8]) -> Option<Self> {
        let digits = bytes
            .get(..MARK_LEN)?
            .strip_prefix(MARK)?
            .strip_suffix(b"_")?;
        let text = std::str::from_utf8(digits).ok()?;
        let plain = text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        plain.then(|| u32::from_str_radix(text, 16).ok().map(Self))?
    }
}

/// The origins whose marks stand in a request's `body`, each once, the last one first: whoever answered last made the
/// newest state. Linear.
pub fn origins(body: &[u8]) -> Vec<Origin> {
    let mut found: Vec<Origin> = Vec::new();
    for at in memmem::rfind_iter(body, MARK) {
        let here = body.get(at..).and_then(Origin::at_start);
        if let Some(origin) = here.filter(|origin| !found.contains(origin)) {
            found.push(origin);
            // Nobody has this many providers; more are a hostile body's.
            if found.len() == 64 {
                break;
            }
        }
    }
    found
}

/// `body` without the marks of `origin`.
pub fn unsealed(body: &Bytes, origin: Origin) -> Bytes {
    let mark = origin.mark();
    let finder = memmem::Finder::new(mark.as_bytes());
    if finder.find(body).is_none() {
        return body.clone();
    }
    let mut out = Vec::with_capacity(body.len());
    let mut done = 0;
    for at in finder.find_iter(body) {
        out.extend_from_slice(body.get(done..at).unwrap_or_default());
        done = at + mark.len();
    }
    out.extend_from_slice(body.get(done..).unwrap_or_default());
    out.into()
}

/// Puts the mark of one origin in front of all state in a body that passes in any chunks.
///
/// State is looked for line by line: a document is one line or many, an event's data is one. A line of more than
/// [`super::sse::MAX_EVENT`] bytes passes as it is.
#[derive(Clone, Debug)]
pub struct Sealer {
    mark: String,
    shape: Shape,
    line: Vec<u8>,
    /// A line that outgrew the bound is passing.
    skipping: bool,
}

impl Sealer {
    /// Marks state of `origin` in answers of this `shape`.
    pub fn new(origin: Origin, shape: Shape) -> Self {
        Self {
            mark: origin.mark(),
            shape,
            line: Vec::new(),
            skipping: false,
        }
    }

    /// The whole document `body`, sealed; the same bytes if there is no state in it.
    pub fn document(&self, body: &Bytes) -> Bytes {
        let mut out = Vec::new();
        if self.seal(body, &mut out) {
            out.into()
        } else {
            body.clone()
        }
    }

    /// The next `chunk` of a stream, sealed as far as its lines are complete. The last line is kept until its end comes.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, tail) = rest.split_at(end + 1);
            rest = tail;
            if std::mem::take(&mut self.skipping) {
                out.extend_from_slice(line);
            } else if self.line.is_empty() {
                self.line_to(line, out);
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.line_to(&whole, out);
            }
        }
        if self.skipping {
            out.extend_from_slice(rest);
        } else if self.line.len() + rest.len() > super::sse::MAX_EVENT {
            out.append(&mut self.line);
            out.extend_from_slice(rest);
            self.skipping = true;
        } else {
            self.line.extend_from_slice(rest);
        }
    }

    /// The stream is over: what was kept.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.line);
        self.line_to(&line, out);
    }

    fn line_to(&self, line: &[u8], out: &mut Vec<u8>) {
        if !self.seal(line, out) {
            out.extend_from_slice(line);
        }
    }

    /// Writes `text` with marks to `out`, if there is anything to mark; else writes nothing.
    fn seal(&self, text: &[u8], out: &mut Vec<u8>) -> bool {
        let mut places: Vec<usize> = Vec::new();
        for key in self.keys() {
            state_of(text, key, &mut places);
        }
        places.sort_unstable();
        let mut done = 0;
        for at in &places {
            out.extend_from_slice(text.get(done..*at).unwrap_or_default());
            out.extend_from_slice(self.mark.as_bytes());
            done = *at;
        }
        if !places.is_empty() {
            out.extend_from_slice(text.get(done..).unwrap_or_default());
        }
        !places.is_empty()
    }

    fn keys(&self) -> impl Iterator<Item = &'static str> {
        let more: &'static [&'static str] = match self.shape {
            Shape::Thoughts => &[DATA],
            Shape::Items => &IDS,
        };
        STATE.iter().chain(more).copied()
    }
}

/// Notes where in `text` the values of members called `key` begin that are texts of at least one byte.
fn state_of(text: &[u8], key: &str, places: &mut Vec<usize>) {
    let quoted = format!("\"{key}\"");
    for at in memmem::find_iter(text, quoted.as_bytes()) {
        let after = at + quoted.len();
        if let Some(value) = text.get(after..).and_then(text_value) {
            places.push(after + value);
        }
    }
}

/// Where the text of a member's value begins, counted from the end of its key; `None` unless it is a text with something
/// in it.
fn text_value(rest: &[u8]) -> Option<usize> {
    let blank = |bytes: &[u8]| bytes.len() - bytes.trim_ascii_start().len();
    let before = blank(rest);
    let after = rest.get(before..)?.strip_prefix(b":")?;
    let inner = blank(after);
    let value = after.get(inner..)?.strip_prefix(b"\"")?;
    let filled = value.first().is_some_and(|byte| *byte != b'"');
    // An echo of what a client sent has its mark already.
    let marked = Origin::at_start(value).is_some();
    (filled && !marked).then_some(before + 1 + inner + 1)
}

/// What [`stripped`] made.
#[derive(Clone, Debug, PartialEq)]
pub struct Stripped {
    /// The body without the state of others.
    pub body: Bytes,
    /// How many parts were dropped.
    pub dropped: usize,
}

/// The state that cannot be left out: what it refers to is only there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("previous_response_id names a conversation that only its origin has")]
pub struct Bound;

/// `body` without all state but that of `keep`: thoughts that nobody else can read are dropped whole, ids and signatures
/// from what is otherwise visible. Marks of `keep` are left for [`unsealed`].
///
/// # Errors
/// The request continues a conversation that is stored at another origin.
pub fn stripped(body: &Bytes, keep: Option<Origin>) -> Result<Stripped, Bound> {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        return Ok(Stripped {
            body: body.clone(),
            dropped: 0,
        });
    };
    let foreign = |value: &Value| is_foreign(value, keep);
    if value.get("previous_response_id").is_some_and(foreign) {
        return Err(Bound);
    }
    let mut dropped = 0;
    strip(&mut value, keep, &mut dropped);
    let body = if dropped == 0 {
        body.clone()
    } else {
        value.to_string().into()
    };
    Ok(Stripped { body, dropped })
}

fn is_foreign(value: &Value, keep: Option<Origin>) -> bool {
    let origin = value
        .as_str()
        .and_then(|text| Origin::at_start(text.as_bytes()));
    origin.is_some_and(|origin| Some(origin) != keep)
}

/// Recursion is bounded by the reader's own limit of 128 levels.
fn strip(value: &mut Value, keep: Option<Origin>, dropped: &mut usize) {
    match value {
        Value::Array(items) => {
            let before = items.len();
            items.retain(|item| !is_nothing_without(item, keep));
            *dropped += before - items.len();
            for item in items {
                strip(item, keep, dropped);
            }
        }
        Value::Object(members) => {
            let before = members.len();
            members.retain(|_, member| !is_foreign(member, keep));
            *dropped += before - members.len();
            for (_, member) in members {
                strip(member, keep, dropped);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_nothing_without(item: &Value, keep: Option<Origin>) -> bool {
    let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
    let Some(members) = item.as_object() else {
        return false;
    };
    NOTHING_WITHOUT.contains(&kind) && members.values().any(|member| is_foreign(member, keep))
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
