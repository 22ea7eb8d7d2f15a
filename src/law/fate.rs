//! From a law to what one request will experience.
//!
//! In this order: the limits (a request over quota costs the target nothing and learns so in 80 ms), then absence and
//! black holes, then errors, then the request's own fault, then the answer. An answer's first token comes after the
//! wait in line, at the pace that those in service leave it, and its tokens follow evenly; one draw stretches the first
//! token, another the stream as a whole, and a slow one (`tail`) is slow in both. The order is a choice: a provider that is
//! over quota refuses before it could fail, and a dead one can't tell a client that its request is wrong.

use std::time::Duration;

use super::state::seconds;
use super::{Draws, ErrorKind, Law, Misbehave, State, Ticket, noise, whole};
use crate::model::Time;

/// Most tokens of one answer, whatever is asked for: eight times the longest that providers offer (131,072 tokens in
/// 2025), small enough that an answer is a few megabytes.
pub const MAX_TOKENS: u64 = 1 << 20;

/// How soon a request over quota is refused.
const REFUSAL: Duration = Duration::from_millis(80);

/// How soon a client learns that its request is wrong.
const CLIENT_FAULT: Duration = Duration::from_millis(150);

/// What a 429 drawn by `error_rate` asks for; there is no bucket that would know better.
const COURTESY: Duration = Duration::from_secs(1);

/// What matters about a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask {
    /// Tokens of the answer; `None` takes the law's own length.
    pub tokens_out: Option<u64>,
    /// Most tokens of the answer, whoever says how many.
    pub at_most: Option<u64>,
    /// The request itself is wrong.
    pub client_fault: bool,
    /// Tokens of the prompt that are in no cache.
    pub uncached: u64,
    /// After which time the asker is gone, if that is known; a place in line is not held longer.
    pub patience: Option<Duration>,
}

/// What one request will experience. Spans count from its arrival.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// An answer, maybe not to its end.
    Answer(Answer),
    /// An error.
    Error {
        /// What it says.
        kind: ErrorKind,
        /// 400 to 599, where the law has one; else the provider's own for such an error.
        status: Option<u16>,
        /// When it comes.
        after: Duration,
        /// How long the target asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// Silence until the asker leaves.
    Hang(Hang),
    /// Something that is not the protocol.
    Wrong {
        /// What comes instead.
        how: Wrong,
        /// When it comes.
        after: Duration,
    },
}

/// Where a silence begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hang {
    /// Not even a header comes.
    Header,
    /// A header comes at once, and nothing after it.
    Body,
}

/// What comes instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Status 200 and a page of HTML.
    Html,
    /// Status 302.
    Redirect,
    /// Status 200 and no byte of a body.
    Empty,
    /// Status 200 and half a JSON document.
    HalfJson,
}

/// An answer and its times.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// How long it stands in line; part of the times below.
    pub wait: Duration,
    /// When the first token comes.
    pub first_token: Duration,
    /// When the last byte comes.
    pub total: Duration,
    /// Tokens of the whole answer, at least 1.
    pub tokens_out: u64,
    /// How it ends.
    pub ending: Ending,
    /// Whether it calls a tool, where one may be called.
    pub calls: bool,
    /// Its place in the queue, if there is one: for whoever leaves early.
    pub ticket: Option<Ticket>,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Complete,
    /// Silence after this many tokens; the connection stays.
    Stall {
        /// 1 or more, fewer than the answer has unless it has only one.
        tokens: u64,
    },
    /// The connection is closed after this many tokens.
    Cut {
        /// As in `Stall`.
        tokens: u64,
    },
    /// An error event after this many tokens.
    ErrorEvent {
        /// 0 or more.
        tokens: u64,
    },
}

impl Answer {
    /// When token `index` (from 0) comes. Tokens are evenly spaced: the first at `first_token`, the end of the answer
    /// one token's time after the last.
    pub fn token_at(&self, index: u64) -> Duration {
        let stream = self.total.saturating_sub(self.first_token);
        let nanos = stream.as_nanos().saturating_mul(u128::from(index))
            / u128::from(self.tokens_out.max(1));
        self.first_token.saturating_add(Duration::from_nanos(
            u64::try_from(nanos).unwrap_or(u64::MAX),
        ))
    }
}

/// What a request that arrives at `now` (the law's own time) will experience.
pub fn fate(law: &Law, state: &mut State, ask: &Ask, draws: &Draws, now: Time) -> Fate {
    let moment = now.as_secs_f64();
    if let Err(wait) = state.limits.admit(&law.rate_limit, &law.window_limit, now) {
        return Fate::Error {
            kind: ErrorKind::RateLimit,
            status: None,
            after: REFUSAL,
            retry_after: law.retry_after.then_some(wait),
        };
    }
    if let Some(hang) = silence(law, draws, moment) {
        return Fate::Hang(hang);
    }
    if draws.error < law.error_rate.at(moment) {
        return error(law, draws);
    }
    if ask.client_fault {
        return Fate::Error {
            kind: ErrorKind::Client,
            status: None,
            after: CLIENT_FAULT,
            retry_after: None,
        };
    }
    answer(law, state, ask, draws, now)
}

fn silence(law: &Law, draws: &Draws, moment: f64) -> Option<Hang> {
    let swallowed = law.black_hole.at(moment);
    if law.present.at(moment) < 0.5 || draws.hole < swallowed {
        Some(Hang::Header)
    } else if draws.hole < swallowed + law.hang_body.at(moment) {
        Some(Hang::Body)
    } else {
        None
    }
}

fn error(law: &Law, draws: &Draws) -> Fate {
    let [least, most] = law.error_ms;
    let kind = law.error_kind.unwrap_or_else(|| match law.error_status {
        Some(status) => ErrorKind::of_status(status),
        None => ErrorKind::Server,
    });
    Fate::Error {
        kind,
        status: law.error_status,
        after: seconds((least + (most - least) * draws.error_time) / 1e3),
        retry_after: (kind == ErrorKind::RateLimit && law.retry_after).then_some(COURTESY),
    }
}

fn answer(law: &Law, state: &mut State, ask: &Ask, draws: &Draws, now: Time) -> Fate {
    let moment = now.as_secs_f64();
    let tokens_out = ask
        .tokens_out
        .unwrap_or_else(|| law.tokens_out.tokens(draws.tokens, moment))
        .min(ask.at_most.unwrap_or(MAX_TOKENS))
        .clamp(1, MAX_TOKENS);
    let spread = law.spread.at(moment);
    let slow = if draws.tail < law.tail.p.at(moment) {
        law.tail.factor.at(moment)
    } else {
        1.0
    };
    let prefill = law.prefill_ms.at(moment) * ask.uncached as f64 / 1e3;
    let first = law.ttft_ms.at(moment) + prefill;
    let first = first / 1e3 * noise::factor(spread, draws.first) * slow;
    let stream = law.tpot_ms.at(moment) / 1e3
        * tokens_out as f64
        * noise::factor(spread / 2.0, draws.stream)
        * slow;
    let places = law.places(moment);
    let wait = state.queue.wait(places, now);
    let pace = law.pace(&state.queue, now);
    let (first, stream) = (seconds(first * pace.first), seconds(stream * pace.stream));
    let ticket = state
        .queue
        .admit(places, first.saturating_add(stream), ask.patience, now);
    let first_token = wait.saturating_add(first);
    if let Some(how) = wrong(law, draws, moment) {
        return Fate::Wrong {
            how,
            after: first_token,
        };
    }
    Fate::Answer(Answer {
        wait,
        first_token,
        total: first_token.saturating_add(stream),
        tokens_out,
        ending: ending(law, draws, moment, tokens_out),
        calls: draws.tools < law.tools.at(moment),
        ticket,
    })
}

fn misbehaviour(law: &Law, draws: &Draws, moment: f64) -> Option<Misbehave> {
    law.misbehave
        .filter(|_| draws.misbehave < law.misbehave_share.at(moment))
}

fn wrong(law: &Law, draws: &Draws, moment: f64) -> Option<Wrong> {
    match misbehaviour(law, draws, moment)? {
        Misbehave::Html => Some(Wrong::Html),
        Misbehave::Redirect => Some(Wrong::Redirect),
        Misbehave::Empty => Some(Wrong::Empty),
        Misbehave::HalfJson => Some(Wrong::HalfJson),
        Misbehave::ErrorFirst | Misbehave::ErrorMidway => None,
    }
}

fn ending(law: &Law, draws: &Draws, moment: f64, tokens_out: u64) -> Ending {
    let most = tokens_out.saturating_sub(1).max(1);
    let tokens = whole((draws.place * most as f64).floor()).min(most - 1) + 1;
    match misbehaviour(law, draws, moment) {
        Some(Misbehave::ErrorFirst) => return Ending::ErrorEvent { tokens: 0 },
        Some(Misbehave::ErrorMidway) => return Ending::ErrorEvent { tokens },
        Some(Misbehave::Html | Misbehave::Redirect | Misbehave::Empty | Misbehave::HalfJson)
        | None => {}
    }
    if draws.stall < law.stall.at(moment) {
        Ending::Stall { tokens }
    } else if draws.cut < law.cut.at(moment) {
        Ending::Cut { tokens }
    } else {
        Ending::Complete
    }
}

#[cfg(test)]
#[path = "fate_tests.rs"]
mod tests;
