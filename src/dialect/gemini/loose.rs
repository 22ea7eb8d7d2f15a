//! An error that stands in a stream without being an event of it.
//!
//! Google breaks a stream off by writing an error's whole document, over several lines, behind the last event: no `data:`
//! before it, so that a reader of events passes over it line by line. Seen by others, for example
//! <https://github.com/googleapis/js-genai/issues/461> and <https://github.com/maximhq/bifrost/pull/5262>, read 2026-11-24.

use memchr::memchr2;
use serde_json::value::RawValue;

use crate::wire::Reported;

/// Most bytes of a document that are kept. The errors that were recorded have up to 1.5 KB.
const MOST: usize = 64 * 1024;

/// Looks for a line that begins a document, and keeps what follows.
#[derive(Debug, Default)]
pub(super) struct Loose {
    /// What came since that line began, up to [`MOST`] bytes; empty before it.
    text: Vec<u8>,
    /// Inside a line that is none.
    in_line: bool,
}

impl Loose {
    /// The next chunk of the stream. Linear in it.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while self.text.is_empty() {
            if self.in_line {
                let Some(end) = memchr2(b'\n', b'\r', rest) else {
                    return;
                };
                rest = rest.get(end..).unwrap_or_default();
                self.in_line = false;
            }
            match rest {
                [] => return,
                [b'{' | b'[', ..] => break,
                [b'\n' | b'\r', tail @ ..] => rest = tail,
                _ => self.in_line = true,
            }
        }
        let room = MOST - self.text.len();
        self.text
            .extend_from_slice(rest.get(..room).unwrap_or(rest));
    }

    /// The error that was found, at the end of the stream.
    pub(super) fn error(&self) -> Option<Reported> {
        let text = String::from_utf8_lossy(&self.text);
        let mut values = serde_json::Deserializer::from_str(&text).into_iter::<&RawValue>();
        Reported::read(values.next()?.ok()?.get().as_bytes())
    }
}
