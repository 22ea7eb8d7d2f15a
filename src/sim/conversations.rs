//! Conversations in the load: requests that are turns, one after the other, each with a longer prompt than the last.
//!
//! A conversation begins where a request without conversations would come, at a rate that makes the load's `rps` of all
//! turns together once the first ones have had their time. Its turns come `gap` seconds apart, whatever their answers take,
//! since the requests of a scenario must be the same for every policy; after each one it goes on with a probability of
//! 1 − 1 / turns, so that it has `turns` of them in the mean.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Deserialize;

use crate::law::{Generator, non_negative};

/// The part of turns in the noise.
const SALT: u64 = 3;

/// `[load.conversations]`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversations {
    /// Mean number of turns, at least 1.
    #[serde(deserialize_with = "at_least_one")]
    pub turns: f64,
    /// Mean seconds between the arrivals of two turns; exponentially distributed.
    #[serde(deserialize_with = "non_negative")]
    pub gap: f64,
    /// Tokens by which each turn's prompt is longer than the last one's: an answer and the next question.
    #[serde(deserialize_with = "non_negative")]
    pub growth: f64,
    /// Seconds for which a target has a prompt in its cache after it was used.
    #[serde(default = "five_minutes", deserialize_with = "non_negative")]
    pub lifetime: f64,
}

impl Conversations {
    /// Tokens by which the prompt of a turn is longer than a first turn's, in the mean over all turns: a conversation goes on
    /// with the same probability after each, so as many turns lie behind one as are to come.
    pub(super) fn mean_more(&self) -> f64 {
        self.growth * (self.turns - 1.0)
    }
}

/// Anthropic's and `OpenAI`'s caches keep a prompt for five minutes after its last use.
/// Sources: <https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching>,
/// <https://platform.openai.com/docs/guides/prompt-caching>, 2026-11.
const fn five_minutes() -> f64 {
    300.0
}

fn at_least_one<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(from)?;
    if value.is_finite() && value >= 1.0 {
        return Ok(value);
    }
    Err(serde::de::Error::custom(format_args!(
        "expected a number from 1 up, found {value}"
    )))
}

/// One turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn {
    /// Seconds.
    pub(super) at: f64,
    /// The conversation's number.
    pub(super) conversation: u64,
    /// The turn's number, from 0.
    pub(super) number: u32,
    /// Tokens of its prompt beyond those of the first turn.
    pub(super) more: f64,
}

/// Turns that are still to come, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Coming(BinaryHeap<Reverse<Due>>);

/// Positive times in seconds are in the order of their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due(u64, u64, u32);

impl Coming {
    /// When the next one comes.
    pub(super) fn next_at(&self) -> Option<f64> {
        self.0.peek().map(|Reverse(due)| f64::from_bits(due.0))
    }

    /// Takes the next one out.
    pub(super) fn pop(&mut self, told: &Conversations) -> Option<Turn> {
        let Reverse(Due(at, conversation, number)) = self.0.pop()?;
        Some(Turn {
            at: f64::from_bits(at),
            conversation,
            number,
            more: told.growth * f64::from(number),
        })
    }

    /// Puts the turn after this one among those to come, if there is one.
    pub(super) fn go_on(&mut self, told: &Conversations, after: &Turn, luck: &mut Generator) {
        let (whether, when) = (luck.uniform(), luck.uniform());
        if whether * told.turns < 1.0 {
            return;
        }
        let at = after.at - told.gap * (1.0 - when).ln();
        let due = Due(at.to_bits(), after.conversation, after.number + 1);
        self.0.push(Reverse(due));
    }
}

/// The luck of a turn: of how it goes on, then of the request itself.
pub(super) fn luck(seed: u64, turn: &Turn) -> Generator {
    let number = turn.conversation.wrapping_mul(1 << 20) + u64::from(turn.number);
    Generator::of(seed, number, SALT)
}
