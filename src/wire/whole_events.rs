//! A stream's events, passed on whole, and without the token counts that the client did not ask for.
//!
//! An event that has not ended is held back. A provider may break off in the middle of one, and what follows then, the
//! event that says so, must not be read as the end of a document that makes no sense: the official clients would raise an
//! error about JSON in place of the one that they are told.
//!
//! The proxy asks for the counts of every stream, since they are what the answer costs. A client that had not asked gets its
//! stream without the one chunk that this adds, the one without choices (source:
//! <https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options>, read 2026-11-23). Every other
//! byte passes unchanged; the `"usage":null` that some servers then put into all chunks is harmless and stays.

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::{self, Finder};
use serde_json::value::RawValue;

use super::raw::members;
use super::shape::Shape;
use super::sse::{Item, Splitter};

/// Largest event that is held back to be looked at. A chunk of counts has some 500 bytes.
const MAX_HELD: usize = 1 << 16;

/// Looks for the counts.
static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"usage\""));

/// Passes whole events, and takes the usage-only chunk out of a chat stream where that is wanted. Linear in the bytes; holds
/// at most the unfinished event.
#[derive(Debug)]
pub struct WholeEvents {
    /// Whether counts are for the books alone.
    hides_usage: bool,
    /// The bytes of the unfinished event.
    held: Vec<u8>,
    /// The unfinished event has outgrown the bound: its bytes pass.
    passing: bool,
    /// Whether the line that the last byte belongs to has bytes yet.
    in_line: bool,
    /// The last byte was a CR: an LF right behind it belongs to the same line end.
    after_cr: AfterCr,
}

/// What an LF at the start of the next bytes would belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum AfterCr {
    /// To itself.
    #[default]
    Nothing,
    /// To a line of the unfinished event.
    Line,
    /// To an event that passed.
    Passed,
    /// To an event that was taken out.
    TakenOut,
}

impl WholeEvents {
    /// At the start of a stream; `hides_usage` if its token counts are not for the client.
    pub const fn new(hides_usage: bool) -> Self {
        Self {
            hides_usage,
            held: Vec::new(),
            passing: false,
            in_line: false,
            after_cr: AfterCr::Nothing,
        }
    }

    /// Takes the next chunk; gives what may pass now. The same `Bytes` where nothing is held back or taken out.
    pub fn push(&mut self, chunk: &Bytes) -> Bytes {
        if self.passes_at_once(chunk) {
            return chunk.clone();
        }
        let was_empty = self.held.is_empty();
        let mut out = Vec::new();
        let mut rest: &[u8] = chunk;
        let mut taken_out = 0_usize;
        while !rest.is_empty() {
            let (event, tail, is_whole) = self.split(rest);
            rest = tail;
            let before = out.len() + self.held.len();
            self.take(event, is_whole, &mut out);
            let after = out.len() + self.held.len();
            taken_out += (before + event.len()).saturating_sub(after);
        }
        if was_empty && self.held.is_empty() && taken_out == 0 {
            return chunk.clone();
        }
        out.into()
    }

    /// Whether nothing is under way.
    pub fn is_between(&self) -> bool {
        let is_between = self.held.is_empty() && !self.passing && !self.in_line;
        is_between && self.after_cr == AfterCr::Nothing
    }

    /// Whether nothing is under way, `chunk` ends with an event and nothing needs to be looked for in it.
    fn passes_at_once(&self, chunk: &Bytes) -> bool {
        self.is_between()
            && (!self.hides_usage || !may_have_counts(chunk))
            && (chunk.ends_with(b"\n\n") || chunk.ends_with(b"\r\n\r\n"))
    }

    /// The stream is over: gives what was held back, unless it is the chunk without its blank line.
    pub fn finish(&mut self) -> Bytes {
        let held = std::mem::take(&mut self.held);
        if self.is_out(&held) {
            return Bytes::new();
        }
        held.into()
    }

    /// Splits off the bytes up to the end of the event, and says whether it ends there.
    fn split<'a>(&mut self, bytes: &'a [u8]) -> (&'a [u8], &'a [u8], bool) {
        if self.after_cr != AfterCr::Nothing && bytes.first() == Some(&b'\n') {
            let (line_feed, rest) = bytes.split_at(1);
            return (line_feed, rest, false);
        }
        let mut from = 0;
        while let Some(found) = bytes
            .get(from..)
            .and_then(|rest| memchr::memchr2(b'\n', b'\r', rest))
        {
            let at = from + found;
            self.in_line |= found > 0;
            let is_crlf = bytes.get(at..at + 2) == Some(b"\r\n");
            let end = at + if is_crlf { 2 } else { 1 };
            let is_blank = !std::mem::replace(&mut self.in_line, false);
            let (head, tail) = bytes.split_at(end);
            if is_blank {
                return (head, tail, true);
            }
            from = end;
        }
        self.in_line |= from < bytes.len();
        (bytes, &[], false)
    }

    fn take(&mut self, bytes: &[u8], is_whole: bool, out: &mut Vec<u8>) {
        let after = std::mem::take(&mut self.after_cr);
        let is_line_feed = bytes == b"\n" && !is_whole;
        match after {
            AfterCr::TakenOut if is_line_feed => return,
            AfterCr::Passed if is_line_feed => return out.extend_from_slice(bytes),
            AfterCr::Nothing | AfterCr::Line | AfterCr::Passed | AfterCr::TakenOut => {}
        }
        let has_cr = bytes.last() == Some(&b'\r');
        if self.passing {
            out.extend_from_slice(bytes);
            self.passing = !is_whole;
            self.after_cr = match (has_cr, is_whole) {
                (false, _) => AfterCr::Nothing,
                (true, true) => AfterCr::Passed,
                (true, false) => AfterCr::Line,
            };
            return;
        }
        self.held.extend_from_slice(bytes);
        if !is_whole {
            if has_cr {
                self.after_cr = AfterCr::Line;
            }
            if self.held.len() > MAX_HELD {
                self.passing = true;
                out.append(&mut self.held);
            }
            return;
        }
        let is_out = self.is_out(&self.held);
        if is_out {
            self.held.clear();
        } else {
            out.append(&mut self.held);
        }
        self.after_cr = match (has_cr, is_out) {
            (false, _) => AfterCr::Nothing,
            (true, false) => AfterCr::Passed,
            (true, true) => AfterCr::TakenOut,
        };
    }

    /// Whether these bytes of an event are not for the client.
    fn is_out(&self, event: &[u8]) -> bool {
        self.hides_usage && is_usage_only(event)
    }
}

/// Whether the bytes of an event are a chunk of counts and nothing else: no choices, a `usage`, no error.
fn is_usage_only(event: &[u8]) -> bool {
    if !may_have_counts(event) || memmem::find(event, b"\"choices\"").is_none() {
        return false;
    }
    let (mut splitter, mut found) = (Splitter::new(), false);
    let mut look = |item: Item<'_>| {
        if let Item::Event { data, .. } = item {
            found = std::str::from_utf8(data).is_ok_and(is_counts);
        }
    };
    splitter.push(event, &mut look);
    splitter.finish(&mut look);
    found
}

/// Whether a `usage` stands in it that is something. Whoever asked for counts gets `"usage":null` in each of the other
/// chunks, and reading all of those would be most of what a chunk costs.
fn may_have_counts(event: &[u8]) -> bool {
    let mut places = USAGE.find_iter(event);
    places.any(|place| {
        let after = event.get(place + USAGE.needle().len()..);
        let value = after.unwrap_or_default().trim_ascii_start();
        let value = value.strip_prefix(b":").unwrap_or(value);
        !value.trim_ascii_start().starts_with(b"null")
    })
}

fn is_counts(text: &str) -> bool {
    let (mut is_empty, mut has_usage, mut has_error) = (false, false, false);
    let walked = members(text, |member| {
        match member.key.as_ref() {
            "choices" => is_empty = is_empty_list(member.value),
            "usage" => has_usage = Shape::of(member.value) == Shape::Object,
            "error" => has_error = Shape::of(member.value) != Shape::Null,
            _ => {}
        }
        Ok(())
    });
    walked.is_ok() && is_empty && has_usage && !has_error
}

fn is_empty_list(value: &RawValue) -> bool {
    let inner = value
        .get()
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| inner.trim_ascii().is_empty())
}

#[cfg(test)]
#[path = "whole_events_tests.rs"]
mod tests;
