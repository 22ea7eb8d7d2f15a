//! How much an upstream can take: a rate learned from its refusals, and how many answers it should owe at most.

use serde::{Deserialize, Serialize};

use super::input::UpstreamInput;
use super::upstream::Around;
use crate::model::{AnswerKind, Class, Time};

/// A refusal lowers the rate to this part of what it accepted.
const CUT: f64 = 0.92;
/// Growth of the cap while it is used or after quiet seconds, per second.
const GROWTH: f64 = 0.01;
const QUIET: f64 = 20.0;
/// Part of the cap that counts as used.
const USED: f64 = 0.7;
/// Time constant of the accepted rate, in seconds.
const ACCEPTED_MEMORY: f64 = 4.0;
/// Time constant of the rate of dispatches, in seconds.
const DISPATCH_MEMORY: f64 = 1.5;
/// Age of a target from which its pending requests are capped: before it nothing is known of its times.
const CAP_FROM: f64 = 4.0;
/// Unary answers from which their time is known well enough for a cap.
const KNOWN_UNARY: f64 = 3.0;

/// What is learned about capacity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Capacity {
    /// Requests per second that it accepts; `None` while no limit is known.
    pub(super) cap: Option<f64>,
    accepted: f64,
    refused_at: Option<Time>,
    dispatched: [f64; 2],
    unary_seconds: f64,
    unary_seen: f64,
    born: Option<Time>,
    pending_cap: [u32; 2],
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            cap: None,
            accepted: 0.0,
            refused_at: None,
            dispatched: [0.0; 2],
            unary_seconds: 3.0,
            unary_seen: 0.0,
            born: None,
            pending_cap: [u32::MAX; 2],
        }
    }
}

impl Capacity {
    /// One tick.
    pub(super) fn observe(
        &mut self,
        input: &UpstreamInput,
        around: &Around<'_>,
        seconds_to_first: f64,
    ) {
        let elapsed = around.elapsed.max(1e-3);
        self.learn_rate(input, around, elapsed);
        let gain = (elapsed / DISPATCH_MEMORY).min(1.0);
        for (rate, sent) in self.dispatched.iter_mut().zip(input.batch.dispatched) {
            *rate += gain * (f64::from(sent) / elapsed - *rate);
            if sent > 0 && self.born.is_none() {
                self.born = Some(around.now);
            }
        }
        for total in &input.batch.unary_totals {
            self.unary_seen = (self.unary_seen + 1.0).min(30.0);
            let gain = 1.0 / self.unary_seen.max(KNOWN_UNARY);
            self.unary_seconds += gain * (f64::from(*total) - self.unary_seconds);
        }
        self.pending_cap = self.caps(around, seconds_to_first);
    }

    fn learn_rate(&mut self, input: &UpstreamInput, around: &Around<'_>, elapsed: f64) {
        let served = f64::from(input.batch.count(Class::Ok));
        let gain = (elapsed / ACCEPTED_MEMORY).min(1.0);
        self.accepted += gain * (served / elapsed - self.accepted);
        if input.batch.count(Class::Throttle) > 0 {
            let known = self.cap.unwrap_or(f64::INFINITY);
            self.cap = Some((CUT * self.accepted.max(0.02).min(known)).max(0.02));
            self.refused_at = Some(around.now);
            return;
        }
        let Some(cap) = self.cap else { return };
        let quiet = self
            .refused_at
            .is_none_or(|at| around.now.secs_since(at) > QUIET);
        let used = around.expected_rate > USED * cap;
        let grown = if quiet || used {
            cap * (GROWTH * elapsed).exp()
        } else {
            cap
        };
        let grown = grown + 0.002 * elapsed;
        self.cap = (grown <= 1.5 * around.demand + 1.0).then_some(grown);
    }

    /// Little's law with room for chance: 4 + N + 4√N, where N is the rate times the time to content.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 4, and a float cast saturates"
    )]
    fn caps(&self, around: &Around<'_>, seconds_to_first: f64) -> [u32; 2] {
        let young = self
            .born
            .is_none_or(|born| around.now.secs_since(born) < CAP_FROM);
        if young {
            return [u32::MAX; 2];
        }
        let sum: f64 = self.dispatched.iter().sum();
        let unary_part = if sum > 1e-6 {
            self.dispatched[1] / sum
        } else {
            0.0
        };
        let streamed = self.dispatched[0].max(around.expected_rate * (1.0 - unary_part));
        let unary = self.dispatched[1].max(around.expected_rate * unary_part);
        let cap = |n: f64| (4.0 + n + 4.0 * n.sqrt()).ceil() as u32;
        let known = self.unary_seen >= KNOWN_UNARY;
        [
            cap(streamed * seconds_to_first),
            if known {
                cap(unary * self.unary_seconds)
            } else {
                u32::MAX
            },
        ]
    }

    /// Requests of one kind sent per second.
    pub(super) const fn dispatch_rate(&self, kind: AnswerKind) -> f64 {
        self.dispatched[kind.index()]
    }

    /// Most requests without content: streamed, unary.
    pub(super) const fn pending_cap(&self) -> [u32; 2] {
        self.pending_cap
    }
}
