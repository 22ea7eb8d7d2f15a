//! What is known about one upstream, and how a tick changes it: `hear`, `judge`, `expose`.

use serde::{Deserialize, Serialize};

use super::attain::Distribution;
use super::capacity::Capacity;
use super::cohort::{CohortMemory, Pool};
use super::filter::{Filter, Quantity, Shift};
use super::health::{Health, HealthMemory};
use super::inflight::InFlight;
use super::input::{MOST_FIRST_TOKEN, MOST_PER_TOKEN, Moments, UpstreamInput};
use super::possible::{MOST_COUNT, Mending, numbers, past};
use super::prompts::Prompts;
use super::rate::Rate;
use crate::model::{Class, Time};

mod among;
mod at_gate;
mod estimate;
mod fault_sum;
mod faults;
mod fleet_sum;
mod flights;
mod overdue;

use among::Among;
use fleet_sum::FleetSum;
use flights::Waiting;

/// Half-life of answers and faults: this many answers, between these many seconds.
const HALF_LIFE_ANSWERS: f64 = 12.0;
const HALF_LIFE: (f64, f64) = (20.0, 300.0);
/// Requests per second and target from which knowledge fades at its usual pace, and the least pace: fifteen answers in the
/// filters' time constant of five minutes, and a time constant of eight hours. Halved, a difference between targets that are
/// asked once in five minutes is never believed; doubled, a change takes twice as long to be.
const FORGETS_FROM: f64 = 0.05;
const LEAST_FORGETTING: f64 = 0.01;
/// Part of the prior's uncertainty that a change of one kind of answer adds to the others. Halved, a target that is well
/// again for streams stays sick by its last unary answers for a minute; doubled changes nothing.
const SHARED_CHANGE: f64 = 0.5;

/// All that is known about one upstream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct UpstreamMemory {
    first_token: Filter,
    per_token: Filter,
    unary: Filter,
    /// Decayed answers and faults.
    pub(super) ok: f64,
    pub(super) faults: f64,
    /// Those of them that came while it was out of traffic, where it is.
    #[serde(default, skip_serializing_if = "are_nothing")]
    while_out: (f64, f64),
    /// How its times are distributed.
    pub(super) times: Distribution,
    /// What its prompts have in its cache.
    #[serde(default)]
    pub(super) prompts: Prompts,
    /// Requests that ended.
    #[serde(default)]
    ends: Rate,
    pub(super) health: HealthMemory,
    pub(super) capacity: Capacity,
    #[serde(default)]
    pub(super) queueing: InFlight,
    /// Expected and seen unary answers, decayed.
    expected: (f64, f64),
    /// Of those expected, what this replica's own requests were expected to bring, all together; only counted among several
    /// replicas, who are told of it.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub(super) due_here: f64,
    /// When its first request was sent.
    born: Option<Time>,
    /// Answers since the start.
    pub(super) samples: u64,
    /// Whether this tick's batch showed a sudden slowness.
    pub(super) alarm: bool,
    /// When a batch last showed that it is suddenly quicker.
    pub(super) improved_at: Option<Time>,
    /// What this tick's single values deviate by, by quantity.
    pub(super) residuals: [Option<f64>; 3],
    /// In-flight first tokens and unary answers that push the estimate up, this tick.
    waiting: Waiting,
    /// No requests before this moment.
    pub(super) blocked_until: Time,
    /// Requests in flight at the tick.
    pub(super) in_flight: u32,
    /// What it goes by as one of several replicas.
    #[serde(default, skip_serializing_if = "Among::is_alone")]
    among: Among,
    #[serde(default, skip_serializing_if = "FleetSum::is_nothing")]
    fleet_sum: FleetSum,
    /// The gate's fault sum at the tick.
    #[serde(default, skip)]
    own_sum: f64,
}

/// What surrounds an upstream at a tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub(super) now: Time,
    pub(super) elapsed: f64,
    pub(super) pool: &'a Pool,
    pub(super) rates: Rates,
    /// Whether somebody asks how its times are distributed; else they are not followed, since that is a sixth of a tick.
    pub(super) is_timed: bool,
}

/// Requests per second around an upstream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    /// That could come here.
    pub(super) demand: f64,
    /// That its shares send here.
    pub(super) expected: f64,
    /// That would come here if all targets of its routes had the same share.
    pub(super) even: f64,
}

impl Rates {
    /// How fast knowledge fades, as a part of the usual: where few requests come, it must last until the next ones. What is
    /// remembered for five minutes is nothing to a target that is asked every ten, and then chance is all that is left.
    pub(super) fn pace(&self) -> f64 {
        (self.even / FORGETS_FROM).clamp(LEAST_FORGETTING, 1.0)
    }
}

/// What is expected of an answer, in units of the cohort's reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    /// Slowness of a typical answer; 1 is the reference.
    pub(super) slowness: f64,
    /// Its squared uncertainty.
    pub(super) variance: f64,
    /// The same by what was measured alone, where a target is too young to be believed.
    pub(super) measured_variance: f64,
    /// Fault probability.
    pub(super) faults: f64,
    /// Its squared uncertainty.
    pub(super) faults_variance: f64,
}

impl UpstreamMemory {
    pub(super) fn new(newcomer: bool) -> Self {
        Self {
            first_token: Filter::new(Quantity::FirstToken),
            per_token: Filter::new(Quantity::PerToken),
            unary: Filter::new(Quantity::Unary),
            ok: 0.0,
            faults: 0.0,
            while_out: (0.0, 0.0),
            times: Distribution::default(),
            prompts: Prompts::default(),
            ends: Rate::default(),
            health: if newcomer {
                HealthMemory::newcomer()
            } else {
                HealthMemory::default()
            },
            capacity: Capacity::default(),
            queueing: InFlight::default(),
            expected: (0.0, 0.0),
            due_here: 0.0,
            born: None,
            samples: 0,
            alarm: false,
            improved_at: None,
            residuals: [None; 3],
            waiting: Waiting::default(),
            blocked_until: Time::ZERO,
            in_flight: 0,
            among: Among::default(),
            fleet_sum: FleetSum::default(),
            own_sum: 0.0,
        }
    }

    /// A newcomer that nothing was sent to yet.
    pub(super) fn is_untried(&self) -> bool {
        self.born.is_none()
            && matches!(
                self.health.state,
                Health::Returning {
                    on_probation: false,
                    ..
                }
            )
    }

    pub(super) const fn filter(&self, quantity: Quantity) -> &Filter {
        match quantity {
            Quantity::FirstToken => &self.first_token,
            Quantity::PerToken => &self.per_token,
            Quantity::Unary => &self.unary,
        }
    }

    pub(super) const fn filter_mut(&mut self, quantity: Quantity) -> &mut Filter {
        match quantity {
            Quantity::FirstToken => &mut self.first_token,
            Quantity::PerToken => &mut self.per_token,
            Quantity::Unary => &mut self.unary,
        }
    }

    /// It leaves the cohort `was` for `is`: what it knows is re-expressed in units of the other reference.
    pub(super) fn move_to(&mut self, was: &CohortMemory, is: &CohortMemory) {
        let (old, new) = (was.reference, is.reference);
        self.first_token.rescale(old.first_token / new.first_token);
        self.per_token.rescale(old.per_token / new.per_token);
        self.unary
            .rescale(is.seconds_at(old) / is.typical_seconds());
    }

    /// `seconds` have passed until `now` in which nothing was sent here and nothing seen.
    pub(super) fn rest(&mut self, pool: &Pool, rates: Rates, now: Time, seconds: f64) {
        for quantity in [Quantity::FirstToken, Quantity::PerToken, Quantity::Unary] {
            let mean = pool.mean(quantity);
            let fading = seconds * rates.pace();
            self.filter_mut(quantity).rest(quantity, fading, mean);
        }
        self.fade(rates.pace(), seconds);
        self.times.rest(self.ends(), seconds);
        self.health.rest(now, seconds);
        self.alarm = false;
        self.residuals = [None; 3];
        self.waiting = Waiting::default();
        self.in_flight = 0;
    }

    /// A tick, first part: takes the batch in.
    pub(super) fn hear(
        &mut self,
        cohort: &mut CohortMemory,
        input: &UpstreamInput,
        around: &Around<'_>,
    ) {
        self.born = self.born.or(first_dispatch(input, around.now));
        self.look_around(input, around);
        self.in_flight = input.all_in_flight();
        self.blocked_until = input.blocked_until;
        self.count(input, around);
        let (ok, faults) = input.own_outcomes();
        self.health.suspicion.observe(
            f64::from(ok),
            f64::from(faults),
            input.fault_sum <= 0.0 && input.news.ejected.is_none(),
            around.elapsed,
        );
        if around.is_timed {
            self.times
                .take(&input.batch.times, self.ends(), around.elapsed);
        }
        self.prompts.take(&input.batch);
        self.learn(cohort, input, around);
    }

    /// A tick, second part, when the cohort knows all batches: looks at what is still out and judges health.
    pub(super) fn judge(
        &mut self,
        cohort: &CohortMemory,
        input: &UpstreamInput,
        around: &Around<'_>,
    ) {
        self.look_at_flights(cohort, input, around);
        self.capacity
            .observe(input, around, self.seconds_to_first(cohort, around.pool));
        self.queueing.observe(input, around);
        self.judge_health(cohort, input, around);
        self.health.advance(around.now, around.elapsed);
    }

    /// Requests that ended per second.
    pub(super) fn ends(&self) -> f64 {
        self.ends.per_second()
    }

    fn count(&mut self, input: &UpstreamInput, around: &Around<'_>) {
        let batch = &input.batch;
        let ends: u32 = batch.classes.iter().sum();
        self.ends.count(f64::from(ends), around.elapsed);
        let faults = batch.count(Class::Fault) + batch.count(Class::OurFault) + batch.gaps;
        let ok = batch.count(Class::Ok);
        self.ok += f64::from(ok);
        self.faults += f64::from(faults);
        if self.health.is_serving() {
            self.while_out = (0.0, 0.0);
        } else {
            self.while_out.0 += f64::from(ok);
            self.while_out.1 += f64::from(faults);
        }
        // A stored count is as large as its writer made it.
        self.samples = self.samples.saturating_add(u64::from(ok));
        self.fade(around.rates.pace(), around.elapsed);
    }

    /// Answers and faults count less as time passes.
    fn fade(&mut self, pace: f64, elapsed: f64) {
        let most = HALF_LIFE.1 / pace;
        let half_life = (HALF_LIFE_ANSWERS / self.ends().max(1e-6)).clamp(HALF_LIFE.0, most);
        let keep = 0.5f64.powf(elapsed / half_life);
        let (ok, faults) = &mut self.while_out;
        for count in [&mut self.ok, &mut self.faults, ok, faults] {
            *count *= keep;
        }
    }

    fn learn(&mut self, cohort: &mut CohortMemory, input: &UpstreamInput, around: &Around<'_>) {
        let (used, now) = (input.reference, cohort.reference);
        let batches = [
            (
                Quantity::FirstToken,
                input.batch.first_token,
                used.first_token / now.first_token,
            ),
            (
                Quantity::PerToken,
                input.batch.per_token,
                used.per_token / now.per_token,
            ),
            (
                Quantity::Unary,
                input.batch.unary,
                cohort.seconds_at(used) / cohort.typical_seconds(),
            ),
        ];
        let mut shifts = [Shift::None; 3];
        let fading = around.elapsed * around.rates.pace();
        for (quantity, moments, factor) in batches {
            // The tally keeps values within these bounds; a journal that was written by hand may not.
            let most = match quantity {
                Quantity::FirstToken => MOST_FIRST_TOKEN,
                Quantity::PerToken | Quantity::Unary => MOST_PER_TOKEN,
            };
            let moments = Moments {
                sum: moments.sum.clamp(0.0, most * moments.n) * factor.clamp(1e-6, 1e6),
                ..moments
            };
            let pool = around.pool.mean(quantity);
            let noise = cohort.noise[quantity.index()];
            let filter = self.filter_mut(quantity);
            let seen = filter.observe(quantity, &moments, fading, pool, noise);
            shifts[quantity.index()] = seen.shift;
            self.residuals[quantity.index()] = seen.residual;
        }
        self.alarm = shifts.contains(&Shift::Rose);
        if shifts.contains(&Shift::Fell) {
            self.improved_at = Some(around.now);
            self.queueing.improved(self.in_flight);
        }
        self.doubt_the_rest(shifts, around.pool);
        for seconds in &input.batch.unary_totals {
            let age = f64::from(*seconds) / self.unary_pace(cohort, around.pool);
            cohort.hazard.answered(age, 1.0);
        }
    }

    /// What makes one kind of answer quicker makes the others quicker too: those that did not show it yet are known less
    /// well. Only for improvements: times have long tails, so a rise may be one slow answer, and opening all filters at
    /// each would let identical targets stray from their configured shares.
    fn doubt_the_rest(&mut self, shifts: [Shift; 3], pool: &Pool) {
        if !shifts.contains(&Shift::Fell) {
            return;
        }
        for quantity in [Quantity::FirstToken, Quantity::PerToken, Quantity::Unary] {
            if shifts[quantity.index()] != Shift::Fell {
                self.filter_mut(quantity)
                    .forget(SHARED_CHANGE, quantity, pool.mean(quantity));
            }
        }
    }
}

impl UpstreamMemory {
    /// Lets go of what no run can have written.
    pub(super) fn mend(&mut self, mending: &mut Mending) {
        let stored = mending.stored;
        let filters = [
            ("time to first token", Quantity::FirstToken),
            ("time per token", Quantity::PerToken),
            ("time of unary answers", Quantity::Unary),
        ];
        for (what, quantity) in filters {
            let filter = self.filter_mut(quantity);
            mending.part(what, filter, Filter::possible, || Filter::new(quantity));
        }
        let mut counts = (self.ok, self.faults);
        let count =
            |counts: &(f64, f64)| numbers("answers", [&counts.0, &counts.1], (0.0, MOST_COUNT));
        mending.part("answers and faults", &mut counts, count, || (0.0, 0.0));
        (self.ok, self.faults) = counts;
        mending.part(
            "answers while it was out",
            &mut self.while_out,
            count,
            || (0.0, 0.0),
        );
        mending.part("unary answers due", &mut self.expected, count, || {
            (0.0, 0.0)
        });
        let due = |due: &f64| numbers("answers due", [due], (0.0, f64::MAX));
        mending.part("unary answers due here", &mut self.due_here, due, || 0.0);
        mending.part(
            "how its times are spread",
            &mut self.times,
            Distribution::possible,
            Distribution::default,
        );
        mending.part(
            "its prompts",
            &mut self.prompts,
            Prompts::possible,
            Prompts::default,
        );
        mending.part("its rate", &mut self.ends, Rate::possible, Rate::default);
        mending.health(&mut self.health);
        mending.part(
            "what it can take",
            &mut self.capacity,
            |capacity| capacity.possible(stored),
            Capacity::default,
        );
        mending.part(
            "what it can have in flight",
            &mut self.queueing,
            |queueing| queueing.possible(stored),
            InFlight::default,
        );
        mending.part(
            "its place among replicas",
            &mut self.among,
            Among::possible,
            Among::default,
        );
        for (what, at) in [
            ("born", &mut self.born),
            ("improved_at", &mut self.improved_at),
        ] {
            mending.part("when it changed", at, |at| past(what, *at, stored), || None);
        }
    }

    /// Its times were told in units that nobody knows any more.
    pub(super) fn forget_times(&mut self) {
        for quantity in [Quantity::FirstToken, Quantity::PerToken, Quantity::Unary] {
            *self.filter_mut(quantity) = Filter::new(quantity);
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_nothing(value: &f64) -> bool {
    *value == 0.0
}

fn are_nothing(counts: &(f64, f64)) -> bool {
    *counts == (0.0, 0.0)
}

fn first_dispatch(input: &UpstreamInput, now: Time) -> Option<Time> {
    (input.batch.dispatched.iter().sum::<u32>() > 0).then_some(now)
}

#[cfg(test)]
mod tests;
