//! What happens to an attempt, each step stamped once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Outcome, PicoUsd};

/// Whether an answer comes in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    /// Server-sent events: has a time to first token.
    Streamed,
    /// One JSON document: its first byte is its last.
    Unary,
}

impl AnswerKind {
    /// Position in arrays that keep both kinds: streamed 0, unary 1.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name in what is written of an attempt.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Streamed => "streamed",
            Self::Unary => "unary",
        }
    }
}

/// Tokens of one answer.
///
/// Providers count differently; whoever reads their counts brings them into this one form. A part may come out larger than
/// its whole, since that is what some of them report: sums take no more of a part than the whole has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// Of the prompt, with those found in the provider's cache and those written to it.
    pub input: u64,
    /// Of the prompt, found in the provider's cache.
    pub cached_input: u64,
    /// Of the prompt, written to the provider's cache for later requests.
    pub cache_write: u64,
    /// Of the answer, with those of reasoning that nobody sees.
    pub output: u64,
    /// Of the answer, spent on reasoning.
    pub reasoning: u64,
}

/// The end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// How it ended.
    pub outcome: Outcome,
    /// From the start of the attempt to its end.
    pub total: Duration,
    /// From the start to the first content; `None` for unary answers and where none came.
    pub first_content: Option<Duration>,
    /// Tokens of the answer; `None` where neither reported nor countable.
    pub tokens: Option<Tokens>,
    /// Whether `tokens` were worked out from sizes, since the provider reported none.
    pub estimated: bool,
    /// What the answer cost at the configured price; `None` where there is no price or no token count.
    pub cost: Option<PicoUsd>,
    /// How long the target asks to be left alone.
    pub wait: Option<Duration>,
}

/// One step of an attempt, as the meter and the gate see it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Sent to the target.
    Dispatched(AnswerKind),
    /// The first content of a stream arrived, this long after the start.
    FirstContent(Duration),
    /// A stream was silent for longer than its gap allows; it may still go on.
    Gap,
    /// It is over.
    Finished(Finished),
}
