//! What one target did in a while.

use std::collections::BTreeMap;

use crate::live::Call;
use crate::model::{Class, Outcome, PicoUsd};

/// What one target did in a while.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::admin) struct Doings {
    /// Requests that were sent there first.
    pub(in crate::admin) picked: u64,
    /// Calls that ended, whatever became of them.
    pub(in crate::admin) calls: u64,
    /// Those that were answered.
    pub(super) answered: u64,
    /// Those that failed for a reason of the target's or of ours.
    failed: u64,
    /// Milliseconds of answers, in all.
    millis: f64,
    /// Dollars.
    pub(in crate::admin) cost_usd: f64,
    /// Tokens of prompts, and those of them that came from a cache.
    pub(in crate::admin) prompt: [u64; 2],
    /// Ends that are no answers, by outcome.
    pub(in crate::admin) errors: BTreeMap<Outcome, u64>,
}

impl Doings {
    pub(super) fn saw(&mut self, call: &Call) {
        self.calls += 1;
        self.cost_usd += call.cost.map_or(0.0, PicoUsd::usd);
        if let Some(tokens) = call.tokens {
            self.prompt[0] += tokens.input;
            self.prompt[1] += tokens.cached_input;
        }
        match call.outcome.class() {
            Class::Ok => {
                self.answered += 1;
                self.millis += call.total.as_secs_f64() * 1e3;
                return;
            }
            Class::Fault | Class::Throttle | Class::OurFault => self.failed += 1,
            Class::ClientFault | Class::Cancelled => {}
        }
        *self.errors.entry(call.outcome).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.picked += other.picked;
        self.calls += other.calls;
        self.answered += other.answered;
        self.failed += other.failed;
        self.millis += other.millis;
        self.cost_usd += other.cost_usd;
        self.prompt[0] += other.prompt[0];
        self.prompt[1] += other.prompt[1];
        for (outcome, n) in &other.errors {
            *self.errors.entry(*outcome).or_default() += n;
        }
    }

    /// Dollars, milliseconds and failures of one call; `None` before one ended.
    pub(super) fn mean(&self) -> Option<[f64; 3]> {
        let calls = self.calls as f64;
        let answered = self.answered.max(1) as f64;
        (self.calls > 0).then(|| {
            [
                self.cost_usd / calls,
                self.millis / answered,
                self.failed as f64 / calls,
            ]
        })
    }
}
