//! Events of a chat stream that say the same as one before, but for a piece of text.
//!
//! Problem: each event is split into lines, searched for keys that matter and for state that has to be marked, and looked at
//! for counts that are not for the client. Nearly all differ from the one before in one text alone. Choice: what stands
//! before and behind the text of an event that was looked at in full is kept; another event with the same around a text says
//! the same. That is two comparisons of bytes.
//!
//! It is sound since keys are told by their quotes, and a quote inside a text has a backslash before it: whatever the text
//! is, no key can begin or end in it. The text is the value of a key that holds nothing but what is said. A stream whose
//! events differ elsewhere too (padding, timings) is looked at in full, and after a few events nothing is kept any more.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// What stands before a text that is said.
static SAID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"content\":\""));
/// What of its key may stand before that.
const KEYS: [&[u8]; 2] = [b"\"", b"\"reasoning_"];
/// Longest event that is kept: other than in the text, a chunk has some 300 bytes.
const LONGEST: usize = 2_048;
/// After so many events in a row that were like none before, nothing is kept any more.
const PATIENCE: u8 = 8;

/// An event that was looked at in full.
#[derive(Clone, Debug, Default)]
pub struct Usual {
    /// From its beginning to the text's opening quote; empty if none is kept.
    before: Vec<u8>,
    /// From the text's closing quote to the end.
    after: Vec<u8>,
    /// Events since the last one that was like one before.
    misses: u8,
}

impl Usual {
    /// How many events `chunk` is, if all of them are like the one that is kept; else 0.
    pub fn count(&mut self, chunk: &[u8]) -> u32 {
        if self.before.is_empty() {
            return 0;
        }
        let (mut events, mut rest) = (0, chunk);
        while !rest.is_empty() {
            match self.without_first(rest) {
                Some(behind) => rest = behind,
                None => return 0,
            }
            events += 1;
        }
        if events > 0 {
            self.misses = 0;
        }
        events
    }

    /// What follows the first event of `chunk`, if that is like the one that is kept.
    fn without_first<'c>(&self, chunk: &'c [u8]) -> Option<&'c [u8]> {
        let said = chunk.strip_prefix(self.before.as_slice())?;
        let end = end_of_text(said)?;
        said.get(end..)?.strip_prefix(self.after.as_slice())
    }

    /// Keeps `chunk`, which was looked at in full: it is one event that says a piece of text and nothing else.
    pub fn keep(&mut self, chunk: &[u8]) {
        if self.misses > PATIENCE {
            return;
        }
        self.misses += 1;
        self.before.clear();
        self.after.clear();
        if self.misses > PATIENCE {
            return;
        }
        if let Some((before, after)) = around(chunk) {
            self.before.extend_from_slice(before);
            self.after.extend_from_slice(after);
        }
    }
}

/// What stands before and behind the text of `event`, if it is one line of data with a blank line behind it.
fn around(event: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = event.strip_suffix(b"\n\n")?;
    let is_line = line.starts_with(b"data:") && memchr::memchr2(b'\n', b'\r', line).is_none();
    if !is_line || event.len() > LONGEST {
        return None;
    }
    let key = SAID.find(line)?;
    let before = line.get(..key)?;
    if !KEYS.iter().any(|start| before.ends_with(start)) {
        return None;
    }
    let (before, said) = event.split_at_checked(key + SAID.needle().len())?;
    let after = said.get(end_of_text(said)?..)?;
    // Behind a value, and so not behind what is a key.
    let is_value = matches!(after, [b'"', b',' | b'}', ..]);
    is_value.then_some((before, after))
}

/// Where the text at the start of `said` ends: the place of its closing quote. `None` if a line ends before.
fn end_of_text(said: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr3(b'"', b'\\', b'\n', said.get(at..)?)?;
        match said.get(at)? {
            b'"' => break,
            b'\\' if !matches!(said.get(at + 1)?, b'\n' | b'\r') => at += 2,
            _ => return None,
        }
    }
    let text = said.get(..at)?;
    memchr::memchr(b'\r', text).is_none().then_some(at)
}

#[cfg(test)]
#[path = "usual_tests.rs"]
mod tests;
