//! What is expected of an upstream now: what was measured, and what is still out.

use super::super::cohort::{CohortMemory, Pool};
use super::super::filter::Quantity;
use super::super::health::Health;
use super::faults::belief;
use super::{Estimate, UpstreamMemory};
use crate::model::Time;

/// Part of a time to first token that long prompts cannot explain.
const LEAST_LEFT: f64 = 0.1;
/// Age of a target in seconds from which its first answers are taken as they are. Doubled, a bad start costs seconds more;
/// halved, identical targets stray from their configured shares while the first answers come.
const SETTLED_AFTER: f64 = 6.0;
/// Waiting first tokens are read as evidence from this age of a target on; before it the quick answers come first.
const CENSOR_FROM: f64 = 4.0;

impl UpstreamMemory {
    /// What is expected of it now: what was measured, and what is still out.
    pub(in crate::balance) fn estimate(
        &self,
        cohort: &CohortMemory,
        pool: &Pool,
        now: Time,
    ) -> Estimate {
        let (slowness, variance) = self.slowness(cohort, pool, now, cohort.unary_ratio);
        let faults = belief(self.ok, self.faults, pool.fault_rate());
        Estimate {
            slowness,
            variance: variance.max(self.first_doubt(cohort, pool, now)),
            measured_variance: variance,
            faults: faults.mean,
            faults_variance: faults.variance,
        }
    }

    /// Requests per second that keep it within its in-flight limit; `None` while no queue was seen.
    pub(in crate::balance) fn rate_in_room(
        &self,
        cohort: &CohortMemory,
        estimate: &Estimate,
    ) -> Option<f64> {
        let seconds = estimate.slowness * cohort.typical_seconds();
        self.queueing.rate(seconds)
    }

    /// The least variance that a young target has: the answers that are seen first are the quick ones, so they say more than
    /// they know until those that began with them have come as well.
    fn first_doubt(&self, cohort: &CohortMemory, pool: &Pool, now: Time) -> f64 {
        let age = self.born.map_or(0.0, |born| now.secs_since(born));
        let part = cohort.first_part();
        let prior = |q: Quantity| q.prior(pool.mean(q));
        let all = part * part * prior(Quantity::FirstToken)
            + (1.0 - part) * (1.0 - part) * prior(Quantity::PerToken);
        all * (1.0 - age / SETTLED_AFTER).max(0.0)
    }

    /// How slow a typical answer is as the client sees it, with its squared uncertainty: unary answers count as they are,
    /// since a level is on seconds and not on a comparison with peers that may have the other kind.
    pub(in crate::balance) fn whole(
        &self,
        cohort: &CohortMemory,
        pool: &Pool,
        now: Time,
    ) -> (f64, f64) {
        let (slowness, variance) = self.slowness(cohort, pool, now, 1.0);
        (slowness, variance.max(self.first_doubt(cohort, pool, now)))
    }

    /// Slowness of a typical answer with its squared uncertainty, where unary answers take `ratio` times what streams do.
    fn slowness(&self, cohort: &CohortMemory, pool: &Pool, now: Time, ratio: f64) -> (f64, f64) {
        let part = cohort.first_part();
        let first = self.first_token.value(pool.usual(Quantity::FirstToken));
        let longer = self.prompts.excess(&cohort.prompts) / cohort.reference.first_token;
        let shorter = |first: f64| (first - longer).max(LEAST_LEFT * first);
        let each = self.per_token.value(pool.usual(Quantity::PerToken));
        let unary = self.unary.value(pool.usual(Quantity::Unary));
        let first_now = shorter(self.first_token_now(pool, now));
        let first = shorter(first);
        let unary_now = self.with_missing(unary, cohort);
        let rest = 1.0 - part;
        let streamed_variance = part * part * self.first_token.uncertainty()
            + rest * rest * self.per_token.uncertainty();
        let unary_variance = self.unary.uncertainty() / (ratio * ratio);
        let (by_stream, by_unary) = (part * first_now + rest * each, unary_now / ratio);
        let has_streams = self.first_token.known().is_some() || self.per_token.known().is_some();
        match (has_streams, self.unary.known().is_some()) {
            (true, false) => (by_stream, streamed_variance),
            (false, true) => (by_unary, unary_variance),
            (false, false) => {
                let prior = |q: Quantity| q.prior(pool.usual(q));
                let variance = part * part * prior(Quantity::FirstToken)
                    + rest * rest * prior(Quantity::PerToken);
                (by_stream, variance)
            }
            (true, true) => {
                let precision = 1.0 / streamed_variance + 1.0 / unary_variance;
                let both = (by_stream / streamed_variance + by_unary / unary_variance) / precision;
                // What is out now counts, whichever kind it is.
                let late = (part * (first_now - first)).max((unary_now - unary) / ratio);
                let settled = (part * first + rest * each).min(unary / ratio);
                (
                    if late > 0.0 {
                        both.max(settled + late)
                    } else {
                        both
                    },
                    1.0 / precision,
                )
            }
        }
    }

    /// The normalised time to first token, given that some have been waiting for longer; the peers' where there is no data.
    pub(in crate::balance) fn first_token_now(&self, pool: &Pool, now: Time) -> f64 {
        self.with_late(
            self.first_token.value(pool.usual(Quantity::FirstToken)),
            now,
        )
    }

    /// The time to first token, given that some have been waiting for longer.
    fn with_late(&self, first: f64, now: Time) -> f64 {
        let young = self
            .born
            .is_none_or(|born| now.secs_since(born) < CENSOR_FROM);
        if young || self.waiting.late == 0.0 {
            return first;
        }
        let prior = self.first_token.uncertainty().max(0.1);
        let deviation = first * self.first_token.spread();
        let gain = prior / (prior + deviation * deviation / self.waiting.late);
        first + gain * (self.waiting.late_age - first).max(0.0)
    }

    /// The unary total, given that answers which were due have not come.
    fn with_missing(&self, unary: f64, cohort: &CohortMemory) -> f64 {
        let (due, came) = self.expected;
        let missing = due - came - 2.0 * (came + 1.0).sqrt();
        if !cohort.hazard.is_known() || missing <= 0.0 {
            return unary;
        }
        let scaled = (unary * (1.0 + missing / (came + 1.0))).min(20.0);
        unary + (scaled - unary) * missing / (missing + 2.0)
    }

    /// What a cohort learns from a member that has both kinds: how well it is known, and the logarithm of the ratio of a
    /// unary total to the slowness that streams show.
    ///
    /// A member that is falling sick or coming back shows it in one kind before the other: its ratio says nothing.
    pub(in crate::balance) fn both_kinds(&self, part: f64) -> Option<(f64, f64)> {
        if self.alarm || self.health.state != Health::Serving {
            return None;
        }
        let (first, each) = (self.first_token.known()?, self.per_token.known()?);
        let (unary, streamed) = (self.unary.known()?, part * first + (1.0 - part) * each);
        if unary <= 0.0 || streamed <= 0.0 {
            return None;
        }
        let rest = 1.0 - part;
        let variance = part * part * self.first_token.uncertainty()
            + rest * rest * self.per_token.uncertainty();
        let relative =
            variance / (streamed * streamed) + self.unary.uncertainty() / (unary * unary);
        Some((1.0 / relative.max(1e-6), (unary / streamed).ln()))
    }

    /// How surprisingly good its last values were.
    pub(in crate::balance) const fn improving(&self) -> f64 {
        let (a, b) = (self.first_token.improving(), self.per_token.improving());
        a.max(b).max(self.unary.improving())
    }

    /// Seconds to the first token and per token, where measured.
    pub(in crate::balance) fn seconds(&self, cohort: &CohortMemory) -> (Option<f64>, Option<f64>) {
        (
            self.first_token
                .known()
                .map(|mean| mean * cohort.reference.first_token),
            self.per_token
                .known()
                .map(|mean| mean * cohort.reference.per_token),
        )
    }
}

impl Estimate {
    /// How much is known, 0 to 1: the part of the prior's uncertainty that the data took away.
    pub(in crate::balance) fn confidence(&self, cohort: &CohortMemory, pool: &Pool) -> f64 {
        let part = cohort.first_part();
        let (a, b) = (Quantity::FirstToken, Quantity::PerToken);
        let prior = part * part * a.prior(pool.mean(a))
            + (1.0 - part) * (1.0 - part) * b.prior(pool.mean(b));
        (1.0 - self.measured_variance / prior).clamp(0.0, 1.0)
    }
}
