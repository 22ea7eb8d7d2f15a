//! Who is sent nothing more: requests that are overdue count as faults, and eject; and what is left of what was known when
//! a target comes back.

use super::super::cohort::{CohortMemory, Pool};
use super::super::filter::Quantity;
use super::super::gate::Cause;
use super::super::health::{Change, Health};
use super::super::input::{Flight, UpstreamInput};
use super::super::peers::Pending;
use super::fault_sum::{EJECT_ABOVE, fault_step};
use super::{Around, UpstreamMemory};
use crate::model::AnswerKind;

/// A first token is overdue at this age, and never before so many times the target's own time.
const OVERDUE_LEAST: f64 = 2.5;
const OVERDUE_FACTOR: f64 = 6.0;
/// A unary answer is overdue at so many times the p99, and before it is known as if that were ten seconds.
const UNARY_OVERDUE_FACTOR: f64 = 2.0;
const UNARY_P99_UNKNOWN: f64 = 10.0;
/// What is left of the answers and faults of before at a return: ten times as many new ones weigh as much. Kept whole, those who
/// come back from an outage of all are a quarter further from their configured shares half a minute later; a third makes no
/// difference.
const LEFT: f64 = 0.1;
/// Time constant with which knowledge fades while a target is away, in seconds.
const AWAY_MEMORY: f64 = 30.0;

impl UpstreamMemory {
    /// The age in seconds from which a request without content counts as a fault.
    fn overdue_age(&self, kind: AnswerKind, cohort: &CohortMemory, pool: &Pool) -> f64 {
        match kind {
            AnswerKind::Streamed => {
                OVERDUE_LEAST.max(OVERDUE_FACTOR * self.seconds_to_first(cohort, pool))
            }
            AnswerKind::Unary => {
                let peers = pool.mean(Quantity::Unary);
                let slowest = self.unary.value(peers).max(peers);
                let p99 = match cohort.hazard.p99() {
                    Some(p99) => p99 * slowest / cohort.hazard_unit,
                    None => UNARY_P99_UNKNOWN * slowest / peers,
                };
                OVERDUE_LEAST.max(UNARY_OVERDUE_FACTOR * p99)
            }
        }
    }

    pub(super) fn judge_health(
        &mut self,
        cohort: &CohortMemory,
        input: &UpstreamInput,
        around: &Around<'_>,
    ) {
        self.count_all(input, around);
        match self
            .health
            .hear(around.now, &input.news, around.rates.demand)
        {
            Change::None => match self.hear_peers(input, around) {
                Change::None => {}
                Change::Ejected => self.expected = (0.0, 0.0),
                Change::Passed => self.come_back(around),
            },
            Change::Ejected => self.expected = (0.0, 0.0),
            Change::Passed => self.come_back(around),
        }
        let limits = [AnswerKind::Streamed, AnswerKind::Unary]
            .map(|kind| self.overdue_age(kind, cohort, around.pool));
        for flight in &input.flights {
            self.waiting.stale[flight.kind.index()] += 1;
        }
        for flight in self.current(input, around.now) {
            self.waiting.stale[flight.kind.index()] -= 1;
        }
        let overdue = |flight: &&Flight| flight.age > limits[flight.kind.index()];
        let current = self.current(input, around.now);
        let late: Vec<&Flight> = current.filter(overdue).collect();
        let elsewhere = self.current_elsewhere(input, around);
        let elsewhere = elsewhere.filter(|it| it.age > limits[it.kind.index()]);
        let elsewhere: Vec<&Pending> = elsewhere.collect();
        let count = elsewhere
            .iter()
            .fold(late.len() as f64, |sum, it| sum + f64::from(it.count));
        if count <= 0.0 {
            return;
        }
        let kinds = late.iter().map(|flight| flight.kind);
        let mut kinds = kinds.chain(elsewhere.iter().map(|it| it.kind));
        let unary = kinds.any(|kind| kind == AnswerKind::Unary);
        let cause = if unary { Cause::Stalls } else { Cause::Overdue };
        let virtual_faults = count * fault_step(around.pool.peers_fault_rate(self)).max(0.3);
        if self.health.is_serving() && input.fault_sum + virtual_faults > EJECT_ABOVE {
            self.health.suspicion.ejected(count, 0.0);
            self.health.eject(around.now, cause, around.rates.demand);
            self.expected = (0.0, 0.0);
        } else if let (Health::Probing { cause, .. }, true) =
            (self.health.state, late.iter().any(|flight| flight.probe))
        {
            self.health
                .probe_failed(around.now, cause, around.rates.demand);
        }
    }

    /// The fault is gone: what was known before counts less the longer it was away.
    ///
    /// What it showed while it was out counts for nothing, since it was part of that fault. Where all are out they are asked all
    /// the same, and fail hundreds of times; whoever comes back first would be taken for the only one that works, and no
    /// answers of the others would say anything else for minutes.
    fn come_back(&mut self, around: &Around<'_>) {
        let (ok, faults) = std::mem::take(&mut self.while_out);
        self.ok = LEFT * (self.ok - ok).max(0.0);
        self.faults = LEFT * (self.faults - faults).max(0.0);
        self.times.fade(LEFT);
        self.queueing.come_back();
        let away = around.now.secs_since(self.health.gone_at);
        let forgotten = 1.0 - (-away / AWAY_MEMORY).exp();
        for quantity in [Quantity::FirstToken, Quantity::PerToken, Quantity::Unary] {
            let pool = around.pool.mean(quantity);
            self.filter_mut(quantity).forget(forgotten, quantity, pool);
        }
    }
}
