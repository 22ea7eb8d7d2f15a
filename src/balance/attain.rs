//! How an upstream stands to a route's levels, and how sure that is.
//!
//! Problem: "p95 ≤ 1.5 s" is a claim about one request in twenty, so ten requests say little about it; the percentile of a
//! few values jumps, and that of two modes jumps at any number of them. Choice: the excess over the level is averaged over a
//! window of percentiles, from the level's own down to the one with twice as many answers above it, but no further than half
//! way to the quickest answer (p95: from p95 to p90; p50: from p50 to p25, since twice as many would be all). It is 0 exactly
//! where the level is met, never less when a time gets worse, and has no jumps. Chance is what moves the whole window:
//! shifted by one binomial deviation, it gives the excess that is there even so, and shifted the other way, the one that
//! may be there as well. Whoever is judged gets the first difference off, and whom it is compared with the second. With one
//! deviation for both a late answer could help: it makes an excess that is there already surer, and so the lead over others.
//!
//! Requests that are out and already later than the level count at once: nothing that comes later changes that. One that
//! failed before it had the time is over every level: otherwise failing quickly would look like being quick.

use serde::{Deserialize, Serialize};

use super::cohort::{CohortMemory, Pool};
use super::filter::Quantity;
use super::goal::{Attainment, Goal, Level, Measure, Timing};
use super::input::Flight;
use super::peers::Pending;
use super::possible::Odd;
use super::sketch::{Followed, MOST_EXCESS, Sketch, Times};
use super::upstream::UpstreamMemory;
use crate::model::Time;

/// Half-life of times: this many answers, between these many seconds. A p95 is known to within a percentage point or two
/// from two hundred; with half of it levels are judged by single answers, with twice of it a slow drift is seen late.
const HALF_LIFE_ANSWERS: f64 = 200.0;
const HALF_LIFE: (f64, f64) = (30.0, 600.0);
/// Chance, in binomial deviations.
const DEVIATIONS: f64 = 1.5;
/// Good requests that an error rate begins with.
const FIRST_GOOD: f64 = 10.0;
/// Percentage points of errors that weigh as much as being over a time by all of it, beside the level itself.
const ERRORS_UNIT: f64 = 0.05;

/// The times of one upstream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Distribution {
    first_token: Followed,
    per_token: Followed,
    total: Followed,
    /// Ages of what is out without content: streamed, unary. Recomputed each tick.
    waiting: [Sketch; 2],
}

/// How a target stands to a goal as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Violation {
    /// Sum of the excesses.
    pub(super) excess: f64,
    /// Its variance by chance: how much less it may be.
    pub(super) variance: f64,
    /// The same upwards: how much more it may be.
    pub(super) doubt: f64,
}

// === impl Distribution ===

impl Distribution {
    /// Whether a run can have written it; what is out is looked at anew with each tick.
    pub(super) fn possible(&self) -> Result<(), Odd> {
        self.first_token.possible()?;
        self.per_token.possible()?;
        self.total.possible()
    }

    /// Takes a tick's times in, of an upstream that ends `rate` attempts a second.
    pub(super) fn take(&mut self, times: &Times, rate: f64, elapsed: f64) {
        self.rest(rate, elapsed);
        self.first_token.take(&times.first_token);
        self.per_token.take(&times.per_token);
        self.total.take(&times.total);
    }

    /// `elapsed` seconds pass without an answer, where `rate` come a second.
    pub(super) fn rest(&mut self, rate: f64, elapsed: f64) {
        let half_life = (HALF_LIFE_ANSWERS / rate.max(1e-3)).clamp(HALF_LIFE.0, HALF_LIFE.1);
        self.fade(0.5f64.powf(elapsed / half_life));
    }

    /// This part of what was known is kept.
    pub(super) fn fade(&mut self, keep: f64) {
        for times in [&mut self.first_token, &mut self.per_token, &mut self.total] {
            times.fade(keep);
        }
    }

    /// What is out without content now, and at peers.
    pub(super) fn wait<'a>(
        &mut self,
        flights: impl Iterator<Item = &'a Flight>,
        elsewhere: impl Iterator<Item = &'a Pending>,
    ) {
        self.waiting = [Sketch::default(), Sketch::default()];
        for flight in flights {
            self.waiting[flight.kind.index()].add(flight.age, 1.0);
        }
        for pending in elsewhere {
            let count = f64::from(pending.count);
            self.waiting[pending.kind.index()].add(pending.age, count);
        }
    }

    /// Whether the last times were surprisingly quick.
    pub(super) fn quickens(&self) -> bool {
        let times = [&self.first_token, &self.per_token, &self.total];
        times.into_iter().any(Followed::quickens)
    }

    /// How many times longer than the mean the time is that a part `above` of the answers exceed, and how many answers say
    /// so; `part` of an answer's time is that to its first token. By unary answers where there are no streams.
    pub(super) fn tail(&self, above: f64, part: f64) -> Option<(f64, f64)> {
        let of = |times: &Followed| Some((times.all().stretch(above)?, times.weight()));
        match (of(&self.first_token), of(&self.per_token)) {
            (Some(first), Some(each)) => {
                let ratio = part * first.0 + (1.0 - part) * each.0;
                Some((ratio, first.1.min(each.1)))
            }
            (None, _) | (_, None) => of(&self.total),
        }
    }

    fn percentile(&self, level: Level, timing: Timing, above: f64) -> Attainment {
        let [streamed, unary] = &self.waiting;
        let limit = level.at_most;
        let followed = match timing {
            Timing::FirstToken => &self.first_token,
            Timing::PerToken => &self.per_token,
            Timing::Total => &self.total,
        };
        let judged = |times: &Sketch| {
            let times = match timing {
                Timing::FirstToken => times.with_late(streamed, limit),
                Timing::PerToken => times.clone(),
                Timing::Total => times.with_late(streamed, limit).with_late(unary, limit),
            };
            attained(&times, level, above)
        };
        let known = judged(&followed.all());
        match followed.slowing().as_ref().map(judged) {
            Some(slowing) => worse_of(known, slowing),
            None => known,
        }
    }
}

/// How these times stand to a percentile's level.
fn attained(times: &Sketch, level: Level, above: f64) -> Attainment {
    let seen = times.weight();
    // As many good requests as bear one bad: a single late answer never is a proof.
    let all = seen + 1.0 / above;
    // Counted from the slowest: half way to the quickest is (1 + above) / 2.
    let (from, to) = (above * all, (2.0 * above).min(0.5 * (1.0 + above)) * all);
    let chance = DEVIATIONS * (above * (1.0 - above) * all).sqrt() + 1.0;
    let excess = times.excess(level.at_most, (from, to));
    let least = times.excess(level.at_most, (from + chance, to + chance));
    let most = times.excess(level.at_most, (from - chance, to - chance));
    Attainment {
        level,
        value: times.exceeded_by(above * seen),
        samples: seen,
        excess,
        deviation: excess - least,
        doubt: most - excess,
    }
}

/// Of two opinions on a level the worse one, bound by bound: so a time that makes one of them worse never helps.
fn worse_of(one: Attainment, other: Attainment) -> Attainment {
    let bounds = |it: &Attainment| (it.excess - it.deviation, it.excess + it.doubt);
    let ((least, most), (other_least, other_most)) = (bounds(&one), bounds(&other));
    let excess = one.excess.max(other.excess);
    let shown = if other.excess > one.excess {
        other
    } else {
        one
    };
    Attainment {
        excess,
        deviation: (excess - least.max(other_least)).max(0.0),
        doubt: (most.max(other_most) - excess).max(0.0),
        ..shown
    }
}

// === impl UpstreamMemory ===

impl UpstreamMemory {
    /// How it stands to each level of `goal`.
    pub(super) fn attainments(
        &self,
        goal: &Goal,
        cohort: &CohortMemory,
        pool: &Pool,
        now: Time,
    ) -> Vec<Attainment> {
        let levels = goal.levels.iter();
        levels
            .map(|level| match level.measure {
                Measure::Errors => self.errors(*level),
                Measure::Time(timing, statistic) => match statistic.above() {
                    Some(above) => self.times.percentile(*level, timing, above),
                    None => self.mean(*level, timing, cohort, pool, now),
                },
            })
            .collect()
    }

    fn errors(&self, level: Level) -> Attainment {
        let (seen, most) = (self.ok + self.faults, level.at_most);
        let all = seen + FIRST_GOOD;
        let rate = self.faults / all;
        // Few faults are spread more widely than a normal distribution says: one request more.
        let deviation = (rate.max(most) * (1.0 - most) / all).sqrt() + 1.0 / all;
        let unit = ERRORS_UNIT + most;
        Attainment {
            level,
            value: (seen > 0.0).then(|| self.faults / seen),
            samples: seen,
            excess: ((rate - most) / unit).clamp(0.0, MOST_EXCESS),
            deviation: deviation / unit,
            doubt: deviation / unit,
        }
    }

    fn mean(
        &self,
        level: Level,
        timing: Timing,
        cohort: &CohortMemory,
        pool: &Pool,
        now: Time,
    ) -> Attainment {
        let (first, each) = (
            self.first_token_now(pool, now),
            self.filter(Quantity::PerToken),
        );
        let reference = cohort.reference;
        let (seconds, deviation, samples) = match timing {
            Timing::FirstToken => (
                first * reference.first_token,
                self.filter(Quantity::FirstToken).uncertainty().sqrt() * reference.first_token,
                self.times.first_token.weight(),
            ),
            Timing::PerToken => (
                each.value(pool.mean(Quantity::PerToken)) * reference.per_token,
                each.uncertainty().sqrt() * reference.per_token,
                self.times.per_token.weight(),
            ),
            Timing::Total => {
                let (whole, variance) = self.whole(cohort, pool, now);
                (
                    whole * cohort.typical_seconds(),
                    variance.sqrt() * cohort.typical_seconds(),
                    self.times.total.weight(),
                )
            }
        };
        // Beyond what an excess can be there is no uncertainty either.
        let over = |seconds: f64| (seconds / level.at_most - 1.0).min(MOST_EXCESS);
        let excess = over(seconds).max(0.0);
        Attainment {
            level,
            value: (samples > 0.0).then_some(seconds),
            samples,
            excess,
            deviation: excess - over(seconds - deviation),
            doubt: over(seconds + deviation).max(0.0) - excess,
        }
    }
}

// === impl Violation ===

impl Violation {
    pub(super) fn of(attainments: &[Attainment]) -> Self {
        attainments.iter().fold(Self::default(), |sum, one| Self {
            excess: sum.excess + one.excess,
            variance: sum.variance + one.deviation * one.deviation,
            doubt: sum.doubt + one.doubt * one.doubt,
        })
    }
}

#[cfg(test)]
#[path = "attain_tests.rs"]
mod tests;
