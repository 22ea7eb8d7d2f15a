//! What the gate goes by until the next tick.

use super::super::cohort::CohortMemory;
use super::super::gate::{Cause, GateOrder, Standing, Watch};
use super::fault_sum::{EJECT_ABOVE, fault_step, ok_step};
use super::{Around, Estimate, UpstreamMemory};

/// Peers' fault rate from which a returning target may fail once without being ejected again.
const PEERS_FAIL_TOO: f64 = 0.05;

impl UpstreamMemory {
    /// What the gate goes by until the next tick.
    pub(in crate::balance) fn order(
        &self,
        cohort: &CohortMemory,
        around: &Around<'_>,
        estimate: &Estimate,
        cost: Option<f64>,
        burst: bool,
    ) -> GateOrder {
        let peers = around.pool.peers_fault_rate(self);
        let eject_above = match (self.health.is_on_probation(), self.is_on_trial(around)) {
            (_, true) => 0.0,
            (true, false) => EJECT_ABOVE / 3.0,
            (false, false) => self.eject_above(around),
        };
        let measured = self.samples > 0;
        GateOrder {
            watch: Watch {
                fault_sum: 0.0,
                fault_step: fault_step(peers),
                ok_step: ok_step(peers),
                eject_above,
                serving: self.health.is_serving(),
                probe_needs_end: self.health.cause() == Some(Cause::Stalls),
                ejected_at: self.health.ejected_at,
                ours: 0,
            },
            probe_wanted: (self.health.wants_probe() && self.among.probe_here)
                || (burst && self.among.extra_here),
            limit: self.most_in_flight(),
            pending_cap: self.pending_cap(),
            standing: Standing {
                seconds: measured.then(|| estimate.slowness * cohort.typical_seconds()),
                variance: estimate.variance / (estimate.slowness * estimate.slowness).max(1e-6),
                faults: estimate.faults,
                cost,
                ramp: self.health.ramp(),
            },
            reference: cohort.reference,
        }
    }

    /// Whether one fault ejects it: it comes back, and its peers hardly fail.
    pub(super) fn is_on_trial(&self, around: &Around<'_>) -> bool {
        self.health.is_on_probation() && around.pool.peers_fault_rate(self) < PEERS_FAIL_TOO
    }

    fn most_in_flight(&self) -> u32 {
        let limit = self.queueing.limit();
        limit.map_or(u32::MAX, |limit| {
            self.among.most_in_flight(limit, self.in_flight)
        })
    }

    /// Most requests without content: those of before the last ejection are let be.
    fn pending_cap(&self) -> [u32; 2] {
        let [streamed, unary] = self.among.most_pending(self.capacity.pending_cap());
        [
            streamed.saturating_add(self.waiting.stale[0]),
            unary.saturating_add(self.waiting.stale[1]),
        ]
    }
}
