//! A replica's part in a fleet: what it tells, and what it was told.

use std::sync::Arc;

use crate::balance::{Input, Memory, Plan};
use crate::fleet::{Folding, Gathering, Own, ReplicaId, Report};
use crate::model::Time;

/// What one replica keeps to be one of several.
#[derive(Debug)]
pub(super) struct Member {
    own: Own,
    folding: Folding,
    gathering: Gathering,
}

impl Member {
    /// Replica number `replica`, which begins at `since`.
    pub(super) fn new(replica: u64, since: Time) -> Self {
        let id = ReplicaId::new(&format!("r{replica}")).expect("letters and digits are a name");
        Self {
            own: Own::new(id.clone(), since.as_micros(), ""),
            folding: Folding::new(id, since),
            gathering: Gathering::default(),
        }
    }

    /// Notes what this replica measured itself, and adds what the others did.
    pub(super) fn fold(&mut self, plan: &Plan, input: &mut Input) {
        self.own.add(plan, input);
        self.folding.fold(&self.gathering, plan, input.now, input);
        self.own.heard(plan, input);
    }

    pub(super) fn report(&mut self, plan: &Plan, memory: &Memory, now: Time) -> Report {
        self.own.report(plan, memory, 0, now)
    }

    pub(super) fn is_urgent(&self, plan: &Plan, memory: &Memory) -> bool {
        self.own.is_urgent(plan, memory)
    }

    pub(super) fn learn(&mut self, report: &Arc<Report>, at: Time) {
        self.gathering.hear(Arc::clone(report), at);
    }

    /// All that was told until `now` is learned.
    pub(super) fn exchanged(&mut self, now: Time) {
        self.gathering.exchanged(now);
    }
}
