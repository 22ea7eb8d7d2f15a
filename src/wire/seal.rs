//! Whose state a conversation carries.
//!
//! Signatures of thoughts, encrypted reasoning, ids of stored responses and containers mean something only to the provider
//! that made them; another one answers 400. So where a request may be served by several providers, each such value gets a
//! mark of its origin in front of it on its way out: `wb1_` and eight hexadecimal digits of a digest of the provider's name.
//! On the way back the mark says who can go on, and is taken off again. Nothing is stored: it holds over restarts and in
//! every replica that has the same configuration.
//!
//! The marks are put in and taken out as bytes: everything else of a body stays as it is. What is marked is told by the
//! kind of the object that it stands in and never below what a tool, a model or a client wrote (see [`scan`]); a mark that
//! stands elsewhere, as in the text of a prompt, is text.

mod scan;
mod sealer;
mod strip;

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::{self, Finder};

pub use scan::Shape;
pub use sealer::{StreamSealer, sealed};
pub use strip::{Bound, Stripped, stripped, without_capsules, without_idle_thinking};

/// What a mark begins with.
const MARK: &[u8] = b"wb1_";
/// Looks for it in each request.
static MARK_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK));
/// `wb1_`, eight digits and `_`.
const MARK_LEN: usize = 13;
/// Most origins that are told apart in one body. Nobody has this many providers; more are a hostile body's.
const MOST_ORIGINS: usize = 64;

/// Members whose values may begin with a mark.
const MARKED: [&[u8]; 14] = [
    b"signature",
    b"thought_signature",
    b"thoughtSignature",
    b"data",
    b"encrypted_content",
    b"encrypted_index",
    b"encrypted_stdout",
    b"id",
    b"container",
    b"container_id",
    b"file_id",
    b"conversation",
    b"previous_response_id",
    b"approval_request_id",
];

/// A provider as its marks name it: a digest of its name. All keys and models of a provider share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(u32);

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

impl std::fmt::Display for Origin {
    /// The eight digits of its marks.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// The origins whose marks stand in a request's `body`, each once, the last one first: whoever answered last made the
/// newest state. Linear; a body without marks is looked through once.
pub fn origins(body: &[u8]) -> Vec<Origin> {
    let mut found: Vec<Origin> = Vec::new();
    if MARK_FINDER.find(body).is_none() {
        return found;
    }
    for at in memmem::rfind_iter(body, MARK) {
        let here = body.get(at..).and_then(Origin::at_start);
        let Some(origin) = here.filter(|origin| !found.contains(origin)) else {
            continue;
        };
        if begins_state(body, at) {
            found.push(origin);
            if found.len() == MOST_ORIGINS {
                break;
            }
        }
    }
    found
}

/// Whether the value of a member that may be marked begins at `at`.
fn begins_state(body: &[u8], at: usize) -> bool {
    let key = || {
        let before = body.get(..at)?.strip_suffix(b"\"")?;
        let before = before.trim_ascii_end().strip_suffix(b":")?;
        let before = before.trim_ascii_end().strip_suffix(b"\"")?;
        let from = memchr::memrchr(b'"', before)?;
        // A quote that is escaped belongs to a text.
        let escaped = from > 0 && before.get(from - 1) == Some(&b'\\');
        before.get(from + 1..).filter(|_| !escaped)
    };
    key().is_some_and(|key| MARKED.contains(&key))
}

/// `body` without the marks of `origin`. A value that came in pieces, each with its mark, loses all of them.
pub fn unsealed(body: &Bytes, origin: Origin) -> Bytes {
    let mark = origin.mark();
    let (mut out, mut done, mut inside) = (Vec::new(), 0, 0..0);
    for at in memmem::find_iter(body, mark.as_bytes()) {
        if !inside.contains(&at) {
            if !begins_state(body, at) {
                continue;
            }
            inside = at..scan::end_of_text(body, at).unwrap_or(at + 1);
        }
        out.extend_from_slice(body.get(done..at).unwrap_or_default());
        done = at + mark.len();
    }
    if done == 0 {
        return body.clone();
    }
    out.extend_from_slice(body.get(done..).unwrap_or_default());
    out.into()
}

/// `path` without marks, whosever they are: the provider is named elsewhere.
pub fn without_marks(path: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(path.len()), path);
    while let Some((before, after)) = rest.split_once("wb1_") {
        out.push_str(before);
        let here = rest.get(before.len()..).unwrap_or_default();
        if Origin::at_start(here.as_bytes()).is_some() {
            rest = here.get(MARK_LEN..).unwrap_or_default();
        } else {
            out.push_str("wb1_");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
