//! How many requests an upstream should have in flight at most, learned from its queueing.
//!
//! Problem: a target that is quick while it has room becomes slow all at once when its servers are full, and a tilt by
//! latency then swings between "quick, send more" and "slow, send less". So the controller stays below the knee: the limit
//! is cut to a part of what is in flight when answers queue, grows slowly while it is used, and is forgotten when it is not
//! met. There is none before a queue was seen. Growth is in proportion, so that ten replicas with a tenth of the traffic
//! each behave as one.
//!
//! A limit is soft: a request that finds nobody with room goes to whoever is the least above theirs.

use serde::{Deserialize, Serialize};

use super::congestion::{Congestion, STREAMED, UNARY};
use super::input::{Reference, UpstreamInput};
use super::possible::{Odd, number, past};
use super::upstream::Around;
use crate::model::Time;

/// A queue cuts the limit to this part of what is in flight, at most once in so many seconds: the answers that show what
/// a cut did come after one time to first token.
const CUT: f64 = 0.9;
const CUT_EVERY: f64 = 1.0;
/// The same among several replicas, where most of the answers come late: with 1.25 s, answers of before a cut bring about the
/// next one, and ten replicas at the knee lose a tenth more.
const CUT_EVERY_OF_MANY: f64 = 2.0;
/// Least limit, and least in flight that can queue.
const LEAST_LIMIT: f64 = 2.0;
const LEAST_IN_FLIGHT: u32 = 3;
/// Growth a second while it is used: this part, and a little so that small limits grow too. Doubled, one replica runs
/// into the queue twice as often; halved, room that was added is used a minute later.
const GROWTH: f64 = 0.006;
const GROWTH_LEAST: f64 = 0.02;
/// Part of the limit that counts as used.
const USED: f64 = 0.8;
/// From so many seconds without a queue on growth doubles every so many, so often: then the room is new.
const QUIET: f64 = 30.0;
const DOUBLES_EVERY: f64 = 5.0;
const MOST_DOUBLINGS: f64 = 7.0;
/// From so many seconds without a queue on an unmet limit is forgotten at this rate, and none is left above this.
const FORGOTTEN_AFTER: f64 = 60.0;
const FORGETTING: f64 = 0.05;
const NONE_ABOVE: f64 = 1e4;
/// Below this part of what it usually holds without a queue, load cannot be why it is slow: then the target is slow by
/// itself and must not stay behind a limit that its own slowness shrank.
const CANNOT_BE_LOAD: f64 = 0.5;
/// What a limit is raised to then, as a part of the usual.
const RESTORED: f64 = 0.5;
/// Time constant of the usual number in flight, in seconds.
const USUAL_MEMORY: f64 = 300.0;
/// How far above the rate that just meets the limit a share may go: the gate keeps the limit itself, and a share that is
/// cut too far leaves room unused.
const RATE_ROOM: f64 = 1.05;
/// Tokens of the answer that unary times are expressed for. Any number would do: only their ratios count.
const TOKENS: f64 = 150.0;
/// Unary answers of one tick that are taken in. They are known by their mean alone, which so many have made the usual time
/// already; and a journal that was written by hand may tell of any number.
const MOST_UNARY: f64 = 1e4;

/// The limit and what it is learned from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct InFlight {
    /// `None` while no queue was seen.
    limit: Option<f64>,
    cut_at: Time,
    /// Decayed maximum of what was in flight without a queue.
    usual: f64,
    congested: bool,
    streamed: Congestion,
    unary: Congestion,
}

impl InFlight {
    /// One tick.
    pub(super) fn observe(&mut self, input: &UpstreamInput, around: &Around<'_>) {
        self.hear(input, around.now);
        self.congested = self.streamed.shows_queue(STREAMED, around.now)
            || self.unary.shows_queue(UNARY, around.now);
        let in_flight = f64::from(input.all_in_flight());
        self.usual *= (-around.elapsed / USUAL_MEMORY).exp();
        if !self.congested && (self.streamed.is_full(STREAMED) || self.unary.is_full(UNARY)) {
            self.usual = self.usual.max(in_flight);
        }
        let by_itself = self.is_by_itself(in_flight);
        if by_itself && let Some(limit) = &mut self.limit {
            *limit = limit.max(RESTORED * self.usual);
        }
        if self.congested && input.all_in_flight() >= LEAST_IN_FLIGHT && !by_itself {
            let every = match &input.peers {
                Some(peers) if peers.share_of > 1 => CUT_EVERY_OF_MANY,
                Some(_) | None => CUT_EVERY,
            };
            self.cut(in_flight, around.now, every);
        } else {
            self.grow(in_flight, around);
        }
    }

    /// The upstream was sick and comes back: what it held without a queue is allowed again, and the times of its sickness,
    /// some of which arrive only now, are no queue.
    ///
    /// Without this a target that was slow for ten seconds stayed behind the limit of that time for another fifty, in half
    /// of all cases: growth needs half a minute without a cut before it is quick.
    pub(super) fn come_back(&mut self) {
        self.forget_times();
        if let Some(limit) = &mut self.limit {
            *limit = limit.max(self.usual);
        }
    }

    /// Answers became quicker while `in_flight` were out. If so few cannot have been the load, the times of before were the
    /// upstream's own, and say nothing of a queue.
    pub(super) fn improved(&mut self, in_flight: u32) {
        if self.is_by_itself(f64::from(in_flight)) {
            self.forget_times();
        }
    }

    fn is_by_itself(&self, in_flight: f64) -> bool {
        in_flight < CANNOT_BE_LOAD * self.usual
    }

    fn forget_times(&mut self) {
        self.streamed.forget_last();
        self.unary.forget_last();
    }

    fn hear(&mut self, input: &UpstreamInput, now: Time) {
        let congested = self.congested;
        let first = input.batch.recent.iter();
        for seconds in first.filter_map(|recent| recent.first_token) {
            self.streamed.add(STREAMED, seconds, now, congested);
        }
        let unary = &input.batch.unary;
        if let Some(mean) = unary.mean() {
            let Reference {
                first_token,
                per_token,
            } = input.reference;
            let seconds = mean * (first_token + TOKENS * per_token);
            let mut left = unary.n.min(MOST_UNARY);
            while left > 0.0 {
                self.unary.add(UNARY, seconds, now, congested);
                left -= 1.0;
            }
        }
    }

    fn cut(&mut self, in_flight: f64, now: Time, every: f64) {
        if self.limit.is_some() && now.secs_since(self.cut_at) <= every {
            return;
        }
        let least = self.limit.unwrap_or(f64::INFINITY).min(in_flight);
        self.limit = Some((CUT * least).max(LEAST_LIMIT));
        self.cut_at = now;
        self.streamed.forget_half();
        self.unary.forget_half();
    }

    fn grow(&mut self, in_flight: f64, around: &Around<'_>) {
        let Some(mut limit) = self.limit else { return };
        let quiet = around.now.secs_since(self.cut_at);
        if in_flight >= USED * limit {
            let doublings = ((quiet - QUIET) / DOUBLES_EVERY).clamp(0.0, MOST_DOUBLINGS);
            limit += (GROWTH * limit + GROWTH_LEAST) * doublings.exp2() * around.elapsed;
        }
        if quiet > FORGOTTEN_AFTER {
            limit *= (FORGETTING * around.elapsed).exp();
        }
        self.limit = (limit <= NONE_ABOVE).then_some(limit);
    }

    /// Most requests in flight; `None` while no queue was seen.
    pub(super) const fn limit(&self) -> Option<f64> {
        self.limit
    }

    /// What was learned was of `1 / factor` times as much traffic.
    pub(super) fn rescale(&mut self, factor: f64) {
        self.limit = self.limit.map(|limit| (limit * factor).max(LEAST_LIMIT));
        self.usual *= factor;
    }

    /// Requests per second that keep it within its limit where an answer takes `seconds` (Little's law); `None` while no
    /// queue was seen.
    pub(super) fn rate(&self, seconds: f64) -> Option<f64> {
        self.limit
            .map(|limit| RATE_ROOM * limit / seconds.max(1e-3))
    }
}

impl InFlight {
    /// Whether a run can have written it.
    pub(super) fn possible(&self, stored: Time) -> Result<(), Odd> {
        if let Some(limit) = self.limit {
            // What it held before is allowed, whatever that was.
            number("limit", limit, (LEAST_LIMIT, f64::from(u32::MAX)))?;
        }
        number("usual", self.usual, (0.0, f64::from(u32::MAX)))?;
        past("cut_at", self.cut_at, stored)?;
        self.streamed.possible(STREAMED, stored)?;
        self.unary.possible(UNARY, stored)
    }
}

#[cfg(test)]
#[path = "inflight_tests.rs"]
mod tests;
