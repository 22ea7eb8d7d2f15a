//! What decides in a simulated world: Weighbridge's own controller or a rival.
//!
//! All are told the same things at the same moments and see nothing of the laws; one that wants to know how a target does
//! has to ask it. A replica has a policy of its own, and replicas share only the targets.

use crate::balance::{Mask, Weight};
use crate::model::{AnswerKind, Event, Time};

/// A request that needs a target: at its arrival, and again after an attempt of it failed.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The time.
    pub now: Time,
    /// The request's number, from 0 in the order of arrival over all replicas.
    pub request: u64,
    /// Streamed or unary.
    pub kind: AnswerKind,
    /// Targets that are configured now and were not tried for this request.
    pub eligible: &'a Mask,
    /// Attempts of this request before this one.
    pub attempts: u32,
    /// The conversation that it belongs to, if it belongs to one.
    pub conversation: Option<u64>,
}

/// A target for a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Picked {
    /// Its position in the scenario's targets.
    pub target: usize,
    /// Whether this request is sent to find out how the target is.
    pub probe: bool,
    /// The probability with which the policy chose it, where the policy knows it.
    pub propensity: Option<f64>,
}

impl Picked {
    /// An ordinary pick whose probability nobody asks for.
    pub const fn of(target: usize) -> Self {
        Self {
            target,
            probe: false,
            propensity: None,
        }
    }
}

/// One request at one target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attempt {
    /// Its number, from 0 in the order in which attempts begin.
    pub id: u64,
    /// The request's number.
    pub request: u64,
    /// The target's position.
    pub target: usize,
    /// Streamed or unary.
    pub kind: AnswerKind,
    /// Whether the policy sent it as a probe.
    pub probe: bool,
    /// When it began.
    pub started: Time,
    /// Tokens of the answer, if one comes.
    pub tokens_out: u64,
    /// Relative price of the answer: 1 is the scenario's typical one.
    pub price: f64,
}

/// How an attempt ended, in the terms that all policies are scored by; beside the event that it ended with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The attempt's loss, as the report counts it.
    pub loss: f64,
    /// Its time relative to that of a typical answer of the same length, where it is an answer.
    pub slowness: Option<f64>,
}

/// Something that chooses targets.
pub trait Policy {
    /// A target was added to the configuration or removed from it. Called for every target before the first request.
    fn set_present(&mut self, target: usize, present: bool, now: Time);

    /// The configured weights changed; by target. Who was made for the first ones and does not look at weights ignores it.
    fn reloaded(&mut self, _weights: &[Weight], _now: Time) {}

    /// Chooses a target among the eligible; `None` if it would rather send the request nowhere, which counts as a failure.
    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked>;

    /// The request was sent.
    fn began(&mut self, attempt: &Attempt, now: Time);

    /// Something happened to an attempt of this replica; `score` comes with its end.
    fn happened(&mut self, attempt: &Attempt, event: &Event, score: Option<&Score>, now: Time);

    /// A quarter of a second has passed.
    fn tick(&mut self, now: Time);
}

impl<P: Policy + ?Sized> Policy for Box<P> {
    fn set_present(&mut self, target: usize, present: bool, now: Time) {
        (**self).set_present(target, present, now);
    }

    fn reloaded(&mut self, weights: &[Weight], now: Time) {
        (**self).reloaded(weights, now);
    }

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        (**self).pick(asked)
    }

    fn began(&mut self, attempt: &Attempt, now: Time) {
        (**self).began(attempt, now);
    }

    fn happened(&mut self, attempt: &Attempt, event: &Event, score: Option<&Score>, now: Time) {
        (**self).happened(attempt, event, score, now);
    }

    fn tick(&mut self, now: Time) {
        (**self).tick(now);
    }
}
