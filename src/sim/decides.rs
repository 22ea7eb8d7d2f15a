//! Who chooses in the engine: a policy a replica, or the oracle, which is shown the world instead.

use super::arrivals::Arrival;
use super::engine::TICK;
use super::policy::{Asked, Attempt, Picked, Policy, Score};
use super::world::World;
use crate::balance::Weight;
use crate::model::{Event, Time};

/// What the engine asks and tells. All but `choose` may be ignored.
pub(super) trait Decides {
    fn choose(&mut self, world: &World<'_>, arrival: &Arrival, asked: &Asked<'_>)
    -> Option<Picked>;

    fn set_present(&mut self, _target: usize, _present: bool, _now: Time) {}

    fn reloaded(&mut self, _weights: &[Weight], _now: Time) {}

    fn began(&mut self, _replica: usize, _attempt: &Attempt, _now: Time) {}

    fn happened(&mut self, _replica: usize, _attempt: &Attempt, _heard: &Heard<'_>, _now: Time) {}

    /// When to tick after a tick at `last`.
    fn next_tick(&self, last: Time) -> Time {
        last.after(TICK)
    }

    fn tick(&mut self, _now: Time) {}
}

/// An event, and the attempt's score if the event is its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard<'a> {
    pub(super) event: &'a Event,
    pub(super) score: Option<&'a Score>,
}

/// A policy for each replica.
#[derive(Debug)]
pub(super) struct Replicas<'a, P>(pub(super) &'a mut [P]);

impl<P: Policy> Replicas<'_, P> {
    /// One of them ticks.
    pub(super) fn tick_one(&mut self, replica: usize, now: Time) {
        if let Some(policy) = self.0.get_mut(replica) {
            policy.tick(now);
        }
    }
}

impl<P: Policy> Decides for Replicas<'_, P> {
    fn choose(&mut self, _: &World<'_>, arrival: &Arrival, asked: &Asked<'_>) -> Option<Picked> {
        self.0.get_mut(arrival.replica)?.pick(asked)
    }

    fn set_present(&mut self, target: usize, present: bool, now: Time) {
        for policy in &mut *self.0 {
            policy.set_present(target, present, now);
        }
    }

    fn reloaded(&mut self, weights: &[Weight], now: Time) {
        for policy in &mut *self.0 {
            policy.reloaded(weights, now);
        }
    }

    fn began(&mut self, replica: usize, attempt: &Attempt, now: Time) {
        if let Some(policy) = self.0.get_mut(replica) {
            policy.began(attempt, now);
        }
    }

    fn happened(&mut self, replica: usize, attempt: &Attempt, heard: &Heard<'_>, now: Time) {
        if let Some(policy) = self.0.get_mut(replica) {
            policy.happened(attempt, heard.event, heard.score, now);
        }
    }

    fn tick(&mut self, now: Time) {
        for policy in &mut *self.0 {
            policy.tick(now);
        }
    }
}
