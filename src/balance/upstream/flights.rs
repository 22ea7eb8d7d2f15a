//! What is still out: first tokens that are late, and unary answers that were due and have not come.

use serde::{Deserialize, Serialize};

use super::super::cohort::{CohortMemory, Pool};
use super::super::filter::Quantity;
use super::super::input::{Flight, MOST_FIRST_TOKEN, UpstreamInput};
use super::{Around, UpstreamMemory};
use crate::model::{AnswerKind, Time};

/// Bounds on how much slower than the hazard's ages a target's unary answers are taken to be.
const PACE: (f64, f64) = (0.1, 10.0);

/// Evidence from requests that are still out, recomputed each tick and never accumulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// First tokens later than expected: how many, weighed by how late, and their mean normalised age.
    pub(super) late: f64,
    pub(super) late_age: f64,
    /// Requests of before the last ejection: streamed, unary. They hang on what is known already, and take no place of
    /// those that are sent now.
    pub(super) stale: [u32; 2],
}

impl UpstreamMemory {
    /// How many times slower its unary answers are than those that the cohort's hazard speaks of.
    ///
    /// Not "than the peers": the peers' mean jumps when one of them falls sick, and then the answers of all the others
    /// would seem to be missing.
    pub(super) fn unary_pace(&self, cohort: &CohortMemory, pool: &Pool) -> f64 {
        let own = self.unary.value(pool.mean(Quantity::Unary));
        (own / cohort.hazard_unit).clamp(PACE.0, PACE.1)
    }

    /// First tokens that are later than expected, weighed by how late.
    pub(in crate::balance) const fn late(&self) -> f64 {
        self.waiting.late
    }

    /// Compares the unary answers that came with those that were due, and notes late first tokens.
    pub(super) fn look_at_flights(
        &mut self,
        cohort: &CohortMemory,
        input: &UpstreamInput,
        around: &Around<'_>,
    ) {
        let pace = self.unary_pace(cohort, around.pool);
        let first = self
            .first_token
            .value(around.pool.mean(Quantity::FirstToken));
        let late_from =
            first * (1.0 + 2.0 * self.first_token.spread()) * cohort.reference.first_token;
        let (mut due, mut late, mut late_age) = (0.0, 0.0, 0.0);
        let current: Vec<Flight> = self.current(input, around.now).copied().collect();
        if around.is_timed {
            let elsewhere = self.current_elsewhere(input, around);
            self.times.wait(current.iter(), elsewhere);
        }
        for flight in &current {
            match flight.kind {
                AnswerKind::Unary => {
                    let age = flight.age / pace;
                    due += cohort.hazard.rate(age) * around.elapsed / pace;
                }
                AnswerKind::Streamed if flight.age > late_from => {
                    // One in thirty is a little late by chance; at twice that age it counts in full.
                    let weight = (flight.age / late_from - 1.0).min(1.0);
                    let normal = flight.age / cohort.reference.first_token;
                    late += weight;
                    late_age += weight * normal.min(MOST_FIRST_TOKEN);
                }
                AnswerKind::Streamed => {}
            }
        }
        if let Some(peers) = &input.peers {
            self.due_here += due;
            // By their own looks at their requests. To go by the few that a report finds under way would be chance: of
            // answers that take a tenth of a second each would stand for the ten of the second until the next report.
            due += peers.due;
        }
        for flight in self.current_elsewhere(input, around) {
            match flight.kind {
                AnswerKind::Streamed if flight.age > late_from => {
                    // What has waited for so long will likely wait for as long again, and has come if that was long ago.
                    let waits = (flight.age / flight.behind.max(1e-3)).min(1.0);
                    let weight =
                        f64::from(flight.count) * waits * (flight.age / late_from - 1.0).min(1.0);
                    let normal = flight.age / cohort.reference.first_token;
                    late += weight;
                    late_age += weight * normal.min(MOST_FIRST_TOKEN);
                }
                AnswerKind::Streamed | AnswerKind::Unary => {}
            }
        }
        self.waiting = Waiting {
            late,
            late_age: if late > 0.0 { late_age / late } else { 0.0 },
            stale: [0; 2],
        };
        let came = input.batch.unary.n;
        let rate = self.capacity.dispatch_rate(AnswerKind::Unary).max(0.01);
        let keep = (-around.elapsed / (10.0 / rate).clamp(2.0, 30.0)).exp();
        self.expected = (
            (self.expected.0 + due) * keep,
            (self.expected.1 + came) * keep,
        );
    }

    /// The requests without content that were sent since its last ejection.
    pub(super) fn current<'a>(
        &self,
        input: &'a UpstreamInput,
        now: Time,
    ) -> impl Iterator<Item = &'a Flight> + use<'a> {
        let since = (self.health.ejections > 0).then(|| now.secs_since(self.health.ejected_at));
        let flights = input.flights.iter();
        flights.filter(move |flight| since.is_none_or(|since| flight.age < since))
    }

    /// A tick, last part: its unary requests that are out join the cohort's exposure.
    pub(in crate::balance) fn expose(
        &self,
        cohort: &mut CohortMemory,
        input: &UpstreamInput,
        around: &Around<'_>,
    ) {
        let pace = self.unary_pace(cohort, around.pool);
        let unary = input.flights.iter();
        for flight in unary.filter(|flight| flight.kind == AnswerKind::Unary) {
            cohort
                .hazard
                .exposed(flight.age / pace, around.elapsed / pace);
        }
        let elsewhere = input.pending_elsewhere().iter();
        for flight in elsewhere.filter(|flight| flight.kind == AnswerKind::Unary) {
            let seconds = f64::from(flight.count) * around.elapsed;
            cohort.hazard.exposed(flight.age / pace, seconds / pace);
        }
    }

    /// Seconds to its first token.
    pub(super) fn seconds_to_first(&self, cohort: &CohortMemory, pool: &Pool) -> f64 {
        self.first_token.value(pool.mean(Quantity::FirstToken)) * cohort.reference.first_token
    }
}
