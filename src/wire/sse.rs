//! Server-sent events, split while they pass.
//!
//! The proxy sends the bytes of a stream on as they came; this only looks at them. Chunks end anywhere, also inside a line
//! end or a byte-order mark, so the splitter keeps what is unfinished, and no more: every byte is looked at once, whatever
//! the chunking, and an event that outgrows the bound is dropped to its end and reported as such. Rules:
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>, with one
//! leniency: at the end of the stream an event without its blank line still counts, since some servers forget it after
//! `[DONE]`.

use memchr::memchr2;

/// Largest event that is looked into unless told otherwise, in bytes of its lines. A chunk of chat has some 300 bytes; with audio, some 100 KB.
pub const MAX_EVENT: usize = 1 << 20;

/// What the splitter found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// An event with data.
    Event {
        /// The last `event` field; empty if there was none.
        name: &'a [u8],
        /// The `data` fields, joined by line feeds.
        data: &'a [u8],
    },
    /// An event of more bytes than the splitter's bound; its contents are gone, the stream goes on behind it.
    TooLong,
}

/// Splits a stream of bytes into events. Keeps at most [`MAX_EVENT`] bytes, or what [`Splitter::up_to`] was told.
#[derive(Clone, Debug)]
pub struct Splitter {
    /// Most bytes of an event.
    most: usize,
    /// The unfinished line.
    line: Vec<u8>,
    /// The unfinished event's name and data; `data` has a line feed after every line.
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    skip: Skip,
    /// The last chunk ended with CR: an LF right after it belongs to the same line end.
    after_cr: bool,
    /// A first line has passed: a byte-order mark can no longer come.
    begun: bool,
}

/// Whether the event outgrew the bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Skip {
    /// No: it is kept.
    #[default]
    No,
    /// Yes, and a line begins: if it is empty, the event ends.
    LineStart,
    /// Yes, inside a line that has bytes: its end is not the event's.
    InLine,
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Splitter {
    /// At the start of a stream.
    pub fn new() -> Self {
        Self::up_to(MAX_EVENT)
    }

    /// At the start of a stream whose events have up to `most` bytes.
    pub fn up_to(most: usize) -> Self {
        Self {
            most,
            line: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            skip: Skip::No,
            after_cr: false,
            begun: false,
        }
    }

    /// Looks at the next `chunk` and hands each event that ends in it to `sink`. Linear in the chunk.
    pub fn push(&mut self, chunk: &[u8], mut sink: impl FnMut(Item<'_>)) {
        let mut rest = chunk;
        if std::mem::take(&mut self.after_cr) {
            rest = match rest {
                [] => {
                    self.after_cr = true;
                    return;
                }
                [b'\n', rest @ ..] => rest,
                other => other,
            };
        }
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
            let (line, tail) = rest.split_at(end);
            rest = match tail {
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                [b'\r', b'\n', tail @ ..] | [_, tail @ ..] => tail,
                [] => &[],
            };
            self.end_line(line, &mut sink);
        }
        self.keep(rest);
    }

    /// The stream is over: an event that lacks only its blank line is handed to `sink`.
    pub fn finish(&mut self, mut sink: impl FnMut(Item<'_>)) {
        if !self.line.is_empty() {
            self.end_line(&[], &mut sink);
        }
        self.end_event(&mut sink);
    }

    /// Whether nothing has begun that has not ended.
    pub(super) fn is_between(&self) -> bool {
        self.begun && !self.after_cr && !self.has_data && self.skip == Skip::No && self.held() == 0
    }

    /// Keeps the beginning of a line whose end has not come.
    fn keep(&mut self, part: &[u8]) {
        if part.is_empty() {
            return;
        }
        self.bound(part);
        match self.skip {
            Skip::No => self.line.extend_from_slice(part),
            Skip::LineStart | Skip::InLine => self.skip = Skip::InLine,
        }
    }

    /// A line ends, of which `part` is what has not been kept.
    fn end_line(&mut self, part: &[u8], sink: &mut impl FnMut(Item<'_>)) {
        self.bound(part);
        match self.skip {
            Skip::No => {}
            Skip::LineStart if part.is_empty() => return self.end_event(sink),
            Skip::LineStart | Skip::InLine => {
                self.skip = Skip::LineStart;
                return;
            }
        }
        if self.line.is_empty() {
            self.read_line(part, sink);
        } else {
            self.line.extend_from_slice(part);
            let mut line = std::mem::take(&mut self.line);
            self.read_line(&line, sink);
            line.clear();
            self.line = line;
        }
    }

    fn read_line(&mut self, line: &[u8], sink: &mut impl FnMut(Item<'_>)) {
        let line = if self.begun {
            line
        } else {
            line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
        };
        self.begun = true;
        if line.is_empty() {
            self.end_event(sink);
            return;
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => line.split_at(colon),
            None => (line, &b":"[..]),
        };
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
                self.has_data = true;
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // Comments, ids, reconnection times and unknown fields say nothing about the answer.
            _ => {}
        }
    }

    fn end_event(&mut self, sink: &mut impl FnMut(Item<'_>)) {
        if self.skip != Skip::No {
            sink(Item::TooLong);
        } else if self.has_data {
            let data = self.data.strip_suffix(b"\n").unwrap_or(&self.data);
            sink(Item::Event {
                name: &self.name,
                data,
            });
        }
        self.skip = Skip::No;
        self.has_data = false;
        self.name.clear();
        self.data.clear();
    }

    /// Bytes of the unfinished event.
    fn held(&self) -> usize {
        self.line.len() + self.name.len() + self.data.len()
    }

    /// Gives the event up, and its memory with it, if `part` is more than may be kept of it.
    fn bound(&mut self, part: &[u8]) {
        let is_full = !part.is_empty() && self.held() + part.len() > self.most;
        if self.skip == Skip::No && is_full {
            self.skip = Skip::InLine;
            self.line = Vec::new();
            self.name = Vec::new();
            self.data = Vec::new();
            self.begun = true;
        }
    }
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
