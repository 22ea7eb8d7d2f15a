//! What is known about one upstream, and how a tick changes it: `hear`, `judge`, `expose`.

use serde::{Deserialize, Serialize};

use super::attain::Distribution;
use super::capacity::Capacity;
use super::cohort::{CohortMemory, Pool};
use super::filter::{Filter, Quantity, Shift};
use super::gate::{Cause, GateOrder, Standing, Watch};
use super::health::{Change, Health, HealthMemory};
use super::inflight::InFlight;
use super::input::{Flight, MOST_FIRST_TOKEN, MOST_PER_TOKEN, Moments, UpstreamInput};
use super::prompts::Prompts;
use super::rate::Rate;
use crate::model::{AnswerKind, Class, Time};

mod at_gate;
mod estimate;
mod faults;

/// Half-life of answers and faults: this many answers, between these many seconds.
const HALF_LIFE_ANSWERS: f64 = 12.0;
const HALF_LIFE: (f64, f64) = (20.0, 300.0);
/// Requests per second and target from which knowledge fades at its usual pace, and the least pace: fifteen answers in the
/// filters' time constant of five minutes, and a time constant of eight hours. Halved, a difference between targets that are
/// asked once in five minutes is never believed; doubled, a change takes twice as long to be.
const FORGETS_FROM: f64 = 0.05;
const LEAST_FORGETTING: f64 = 0.01;
/// Fault sum that ejects: three consecutive faults where peers fail in 2 % of cases.
const EJECT_ABOVE: f64 = 9.0;
/// Peers' fault rate from which a returning target may fail once without being ejected again.
const PEERS_FAIL_TOO: f64 = 0.05;
/// A first token is overdue at this age, and never before so many times the target's own time.
const OVERDUE_LEAST: f64 = 2.5;
const OVERDUE_FACTOR: f64 = 6.0;
/// A unary answer is overdue at so many times the p99, and before it is known as if that were ten seconds.
const UNARY_OVERDUE_FACTOR: f64 = 2.0;
const UNARY_P99_UNKNOWN: f64 = 10.0;
/// Bounds on how much slower than the hazard's ages a target's unary answers are taken to be.
const PACE: (f64, f64) = (0.1, 10.0);
/// Time constant with which knowledge fades while a target is away, in seconds.
const AWAY_MEMORY: f64 = 30.0;
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
}

/// Evidence from requests that are still out, recomputed each tick and never accumulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Waiting {
    /// First tokens later than expected: how many, weighed by how late, and their mean normalised age.
    late: f64,
    late_age: f64,
    /// Requests of before the last ejection: streamed, unary. They hang on what is known already, and take no place of
    /// those that are sent now.
    stale: [u32; 2],
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
            born: None,
            samples: 0,
            alarm: false,
            improved_at: None,
            residuals: [None; 3],
            waiting: Waiting::default(),
            blocked_until: Time::ZERO,
            in_flight: 0,
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

    /// A tick, first part: takes the batch in.
    pub(super) fn hear(
        &mut self,
        cohort: &mut CohortMemory,
        input: &UpstreamInput,
        around: &Around<'_>,
    ) {
        self.born = self.born.or(first_dispatch(input, around.now));
        self.in_flight = input.in_flight;
        self.blocked_until = input.blocked_until;
        self.count(input, around);
        self.health.suspicion.observe(
            f64::from(input.batch.count(Class::Ok)),
            f64::from(input.batch.count(Class::Fault) + input.batch.gaps),
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
        self.ok += f64::from(batch.count(Class::Ok));
        self.faults += f64::from(faults);
        self.samples += u64::from(batch.count(Class::Ok));
        let most = HALF_LIFE.1 / around.rates.pace();
        let half_life = (HALF_LIFE_ANSWERS / self.ends().max(1e-6)).clamp(HALF_LIFE.0, most);
        let keep = 0.5f64.powf(around.elapsed / half_life);
        self.ok *= keep;
        self.faults *= keep;
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

    /// How many times slower its unary answers are than those that the cohort's hazard speaks of.
    ///
    /// Not "than the peers": the peers' mean jumps when one of them falls sick, and then the answers of all the others
    /// would seem to be missing.
    fn unary_pace(&self, cohort: &CohortMemory, pool: &Pool) -> f64 {
        let own = self.unary.value(pool.mean(Quantity::Unary));
        (own / cohort.hazard_unit).clamp(PACE.0, PACE.1)
    }

    /// Compares the unary answers that came with those that were due, and notes late first tokens.
    fn look_at_flights(
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
            self.times.wait(current.iter());
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
    fn current<'a>(
        &self,
        input: &'a UpstreamInput,
        now: Time,
    ) -> impl Iterator<Item = &'a Flight> + use<'a> {
        let since = (self.health.ejections > 0).then(|| now.secs_since(self.health.ejected_at));
        let flights = input.flights.iter();
        flights.filter(move |flight| since.is_none_or(|since| flight.age < since))
    }

    /// A tick, last part: its unary requests that are out join the cohort's exposure.
    pub(super) fn expose(
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
    }

    /// Seconds to its first token.
    fn seconds_to_first(&self, cohort: &CohortMemory, pool: &Pool) -> f64 {
        self.first_token.value(pool.mean(Quantity::FirstToken)) * cohort.reference.first_token
    }

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

    fn judge_health(&mut self, cohort: &CohortMemory, input: &UpstreamInput, around: &Around<'_>) {
        match self
            .health
            .hear(around.now, &input.news, around.rates.demand)
        {
            Change::None => {}
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
        if late.is_empty() {
            return;
        }
        let unary = late.iter().any(|flight| flight.kind == AnswerKind::Unary);
        let cause = if unary { Cause::Stalls } else { Cause::Overdue };
        let virtual_faults =
            late.len() as f64 * fault_step(around.pool.peers_fault_rate(self)).max(0.3);
        if self.health.is_serving() && input.fault_sum + virtual_faults > EJECT_ABOVE {
            self.health.suspicion.ejected(late.len() as f64, 0.0);
            self.health.eject(around.now, cause, around.rates.demand);
            self.expected = (0.0, 0.0);
        } else if let (Health::Probing { cause, .. }, true) =
            (self.health.state, late.iter().any(|flight| flight.probe))
        {
            self.health.eject(around.now, cause, around.rates.demand);
        }
    }

    /// The fault is gone: what was known before counts less the longer it was away.
    fn come_back(&mut self, around: &Around<'_>) {
        self.ok *= 0.1;
        self.faults *= 0.1;
        self.times.fade(0.1);
        let away = around.now.secs_since(self.health.gone_at);
        let forgotten = 1.0 - (-away / AWAY_MEMORY).exp();
        for quantity in [Quantity::FirstToken, Quantity::PerToken, Quantity::Unary] {
            let pool = around.pool.mean(quantity);
            self.filter_mut(quantity).forget(forgotten, quantity, pool);
        }
    }
}

fn first_dispatch(input: &UpstreamInput, now: Time) -> Option<Time> {
    (input.batch.dispatched.iter().sum::<u32>() > 0).then_some(now)
}

/// Fault rates that the fault sum tells apart: half again the peers' rate against three times that.
fn rates(peers: f64) -> (f64, f64) {
    let usual = (1.5 * peers).clamp(0.02, 0.4);
    (usual, (3.0 * usual).clamp(0.5, 0.9))
}

/// What a fault adds to the fault sum.
fn fault_step(peers: f64) -> f64 {
    let (usual, sick) = rates(peers);
    (sick / usual).ln()
}

/// What a success adds to it; below 0.
fn ok_step(peers: f64) -> f64 {
    let (usual, sick) = rates(peers);
    ((1.0 - sick) / (1.0 - usual)).ln()
}

#[cfg(test)]
mod tests;
