//! Puts marks into answers.

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;

use super::scan::{self, Shape};
use super::{MARK_LEN, Origin};
use crate::wire::sse::MAX_EVENT;

/// What every document with state of thoughts has one of.
const HINTS: [&[u8]; 5] = [
    b"ignature\"",
    b"redacted_thinking",
    // As a kind of reasoning, and in keys.
    b"encrypted",
    b"\"container",
    b"\"file_id\"",
];

/// Looks for them. Made once: making one takes more than looking through a short answer.
static FINDERS: LazyLock<[Finder<'static>; HINTS.len()]> = LazyLock::new(|| HINTS.map(Finder::new));

/// The whole document `body` with the marks of `origin`; the same bytes if there is no state in it.
pub fn sealed(body: &Bytes, origin: Origin, shape: Shape) -> Bytes {
    let mut out = Vec::new();
    if seal(body, origin, shape, &mut out) {
        out.into()
    } else {
        body.clone()
    }
}

/// Puts the marks of one origin into a stream of events that passes in any chunks.
///
/// An event's data is one line of JSON in all dialects; a line of more than [`MAX_EVENT`] bytes passes as it is. The last
/// line is held back until its end has come.
#[derive(Clone, Debug)]
pub struct StreamSealer {
    origin: Origin,
    shape: Shape,
    line: Vec<u8>,
    /// A line that outgrew the bound is passing.
    skipping: bool,
}

impl StreamSealer {
    /// Marks state of `origin` in streams of this `shape`.
    pub const fn new(origin: Origin, shape: Shape) -> Self {
        Self {
            origin,
            shape,
            line: Vec::new(),
            skipping: false,
        }
    }

    /// The next `chunk`, as far as its lines are complete; the same bytes where nothing is held or marked.
    pub fn push(&mut self, chunk: &Bytes) -> Bytes {
        let (mut out, mut rest, mut changed) = (Vec::new(), chunk.as_ref(), !self.line.is_empty());
        // Either sign may end a line, so that no stream waits for the other one.
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, tail) = rest.split_at(end + 1);
            rest = tail;
            if std::mem::take(&mut self.skipping) {
                out.extend_from_slice(line);
            } else if self.line.is_empty() {
                changed |= self.line_to(line, &mut out);
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.line_to(&whole, &mut out);
            }
        }
        if self.skipping {
            out.extend_from_slice(rest);
        } else if self.line.len() + rest.len() > MAX_EVENT {
            out.append(&mut self.line);
            out.extend_from_slice(rest);
            self.skipping = true;
        } else {
            changed |= !rest.is_empty();
            self.line.extend_from_slice(rest);
        }
        if changed { out.into() } else { chunk.clone() }
    }

    /// Whether nothing is held back, and no long line is passing.
    pub const fn is_between(&self) -> bool {
        self.line.is_empty() && !self.skipping
    }

    /// The stream is over: what was held back.
    pub fn finish(&mut self) -> Bytes {
        let (line, mut out) = (std::mem::take(&mut self.line), Vec::new());
        self.line_to(&line, &mut out);
        out.into()
    }

    /// Writes `line` and says whether it was changed.
    fn line_to(&self, line: &[u8], out: &mut Vec<u8>) -> bool {
        if let Some(data) = line.strip_prefix(b"data:") {
            let before = out.len();
            out.extend_from_slice(b"data:");
            if seal(data, self.origin, self.shape, out) {
                return true;
            }
            out.truncate(before);
        }
        out.extend_from_slice(line);
        false
    }
}

/// Writes `text` with marks to `out`, if there is anything to mark; else writes nothing.
fn seal(text: &[u8], origin: Origin, shape: Shape, out: &mut Vec<u8>) -> bool {
    let hinted = || FINDERS.iter().any(|hint| hint.find(text).is_some());
    if shape == Shape::Thoughts && !hinted() {
        return false;
    }
    let places = scan::places(text, shape);
    if places.is_empty() {
        return false;
    }
    let (mark, mut done) = (origin.mark(), 0);
    out.reserve(text.len() + places.len() * MARK_LEN);
    for at in places {
        out.extend_from_slice(text.get(done..at).unwrap_or_default());
        out.extend_from_slice(mark.as_bytes());
        done = at;
    }
    out.extend_from_slice(text.get(done..).unwrap_or_default());
    true
}
