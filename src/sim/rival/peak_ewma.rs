//! `p2c-ewma`: power of two choices over Finagle's peak EWMA, as in Finagle, Linkerd and tower.
//!
//! Source: `finagle-core/.../loadbalancer/PeakEwma.scala` and `P2CPick.scala` of twitter/finagle at ad0c9d1; Linkerd and
//! tower-load (`PeakEwma`) are the same formula.
//!
//! A node's cost is a moving average of its round-trip times that jumps up to every peak and decays with a mean life of
//! ten seconds, also when it is merely looked at. Its load is cost × (in flight + 1). Of two nodes drawn evenly, the one
//! with less load gets the request. A node that never answered is tried, but not by a second request at once.
//!
//! What it cannot see: any end counts as a round trip, so a 503 that comes at once is the best latency there is; a
//! long answer counts as a slow node; with three nodes the worst still gets what falls to pairs of it and a busy one.
//!
//! Tuned: nothing; ten seconds is Finagle's and Linkerd's default.

use super::choice::{Luck, members};
use crate::model::{Event, Time};
use crate::sim::policy::{Asked, Attempt, Picked, Policy, Score};

/// Mean life of a cost, in seconds: `decayTime`.
const DECAY: f64 = 10.0;
/// Load of a node that is being tried for the first time: `Long.MaxValue >> 16` nanoseconds there, anything larger than
/// all real loads here.
const PENALTY: f64 = 1e9;

/// One node's `Metric`.
#[derive(Clone, Debug, Default)]
struct Node {
    /// Peak-sensitive average of round-trip times, in seconds.
    cost: f64,
    seen: Time,
    in_flight: u32,
}

impl Node {
    fn observe(&mut self, round_trip: f64, now: Time) {
        let kept = (-now.secs_since(self.seen) / DECAY).exp();
        self.cost = if round_trip > self.cost {
            round_trip
        } else {
            self.cost * kept + round_trip * (1.0 - kept)
        };
        self.seen = now;
    }

    fn load(&mut self, now: Time) -> f64 {
        self.observe(0.0, now);
        if self.cost <= 0.0 && self.in_flight > 0 {
            PENALTY + f64::from(self.in_flight)
        } else {
            self.cost * f64::from(self.in_flight + 1)
        }
    }
}

/// Power of two choices by peak EWMA.
#[derive(Debug)]
pub(super) struct PeakEwma {
    nodes: Vec<Node>,
    luck: Luck,
}

impl PeakEwma {
    pub(super) fn new(count: usize, luck: Luck) -> Self {
        Self {
            nodes: vec![Node::default(); count],
            luck,
        }
    }
}

impl Policy for PeakEwma {
    fn set_present(&mut self, _: usize, _: bool, _: Time) {}

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        let mut candidates = members(asked.eligible, self.nodes.len());
        let first = self.luck.one_of(&candidates)?;
        candidates.retain(|target| *target != first);
        let Some(second) = self.luck.one_of(&candidates) else {
            return Some(Picked::of(first));
        };
        let (one, other) = (
            self.nodes[first].load(asked.now),
            self.nodes[second].load(asked.now),
        );
        Some(Picked::of(if one <= other { first } else { second }))
    }

    fn began(&mut self, attempt: &Attempt, _: Time) {
        self.nodes[attempt.target].in_flight += 1;
    }

    fn happened(&mut self, attempt: &Attempt, event: &Event, _: Option<&Score>, now: Time) {
        if let Event::Finished(end) = event {
            let node = &mut self.nodes[attempt.target];
            node.in_flight = node.in_flight.saturating_sub(1);
            node.observe(end.total.as_secs_f64(), now);
        }
    }

    fn tick(&mut self, _: Time) {}
}
