//! The fault sum of the fleet: the same running test as at the gate, over everybody's answers and faults.
//!
//! Ten replicas with a tenth of the traffic each would need ten times as many faults until each has seen enough. So what the
//! others saw lowers what it takes here; and where it is enough by itself, it ejects. But not the word of one alone: whoever
//! else asks the upstream must have seen a fault as well.

use serde::{Deserialize, Serialize};

use super::super::gate::Cause;
use super::super::input::UpstreamInput;
use super::super::peers::Ends;

/// The sum, and whose faults are in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::balance) struct FleetSum {
    sum: f64,
    /// The first whose fault is in it: a peer's number, or this replica.
    first: Option<Witness>,
    /// Whether others' are as well.
    is_agreed: bool,
    /// Faults in it that were silences of streams.
    gaps: f64,
    faults: f64,
    /// Good answers since it was 0.
    ok: f64,
}

/// Who saw a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Witness {
    Here,
    Peer(u32),
}

impl FleetSum {
    /// Takes a tick's answers and faults in, this replica's and others'.
    pub(super) fn take(&mut self, input: &UpstreamInput, steps: (f64, f64)) {
        let Some(peers) = &input.peers else {
            *self = Self::default();
            return;
        };
        for ends in &peers.ends {
            self.add(Witness::Peer(ends.who), *ends, steps);
        }
        let (ok, faults) = input.own_outcomes();
        let gaps = peers.ends.iter().fold(input.batch.gaps, |gaps, ends| {
            gaps.saturating_sub(ends.gaps)
        });
        let own = Ends {
            who: 0,
            ok,
            faults,
            gaps,
        };
        self.add(Witness::Here, own, steps);
    }

    /// The order within a tick is not known: faults come last, so that a fresh outage is not hidden by answers of before.
    fn add(&mut self, who: Witness, ends: Ends, (fault_step, ok_step): (f64, f64)) {
        self.sum += f64::from(ends.ok) * ok_step;
        self.ok += f64::from(ends.ok);
        if self.sum <= 0.0 {
            *self = Self::default();
        }
        if ends.faults > 0 {
            self.sum += f64::from(ends.faults) * fault_step;
            self.faults += f64::from(ends.faults);
            self.gaps += f64::from(ends.gaps);
            self.is_agreed |= self.first.is_some_and(|first| first != who);
            self.first = self.first.or(Some(who));
        }
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What it has beyond this replica's own sum.
    pub(super) fn beyond(&self, own: f64) -> f64 {
        (self.sum - own).max(0.0)
    }

    /// Good answers and faults since it was 0.
    pub(super) const fn run(&self) -> (f64, f64) {
        (self.ok, self.faults)
    }

    /// Why to eject, if it is above `enough` and more than one saw it.
    pub(super) fn ejects(&self, enough: f64) -> Option<Cause> {
        (self.is_agreed && self.sum > enough).then(|| self.cause())
    }

    /// Why to eject where one fault is enough, whoever saw it.
    pub(super) fn ejects_at_once(&self) -> Option<Cause> {
        (self.faults > 0.0).then(|| self.cause())
    }

    fn cause(&self) -> Cause {
        if 2.0 * self.gaps > self.faults {
            Cause::Stalls
        } else {
            Cause::Faults
        }
    }

    /// Whether there is nothing in it.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
