//! Somebody who knows: the yardstick of all policies.
//!
//! The oracle is shown the laws, the queues and the quotas at the moment of each arrival, and sends it where its expected
//! loss is least. It does not know the luck of single requests, or nobody could be measured against it. Where several
//! are equally good it draws by configured weight. That is the best choice for each request alone; where requests stand in
//! each other's way (queues), it is not the best for all, so a second oracle avoids queues at a price.

use super::arrivals::Arrival;
use super::decides::Decides;
use super::loss;
use super::policy::{Asked, Picked};
use super::scenario::{Scenario, SimTarget};
use super::world::World;
use crate::law::Generator;
use crate::model::{TargetIndex, Time};

/// The part of the oracle's draws in the noise.
const SALT: u64 = 3;
/// Losses that differ by less are equal.
const EQUAL: f64 = 1e-6;
/// What the considerate oracle adds for standing in line at all, and for each second of it.
const IN_LINE: f64 = 2.0;

/// What an oracle looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Each request's own expected loss.
    Greedy,
    /// The same, and keeps out of queues, in which it would delay those behind.
    NoQueues,
}

#[derive(Debug)]
pub(super) struct Oracle {
    sight: Sight,
    seed: u64,
    losses: Vec<f64>,
}

impl Oracle {
    pub(super) fn new(scenario: &Scenario, seed: u64, sight: Sight) -> Self {
        Self {
            sight,
            seed,
            losses: vec![f64::INFINITY; scenario.targets.len()],
        }
    }
}

impl Decides for Oracle {
    fn choose(
        &mut self,
        world: &World<'_>,
        arrival: &Arrival,
        asked: &Asked<'_>,
    ) -> Option<Picked> {
        for target in 0..self.losses.len() {
            self.losses[target] = if asked.eligible.contains(TargetIndex::at(target)) {
                expected(world, target, arrival, asked.now, self.sight)
            } else {
                f64::INFINITY
            };
        }
        let best = self.losses.iter().copied().fold(f64::INFINITY, f64::min);
        let weights = world.scenario.weights(asked.now.as_secs_f64());
        let among = || {
            let weighed = self.losses.iter().zip(&weights).enumerate();
            weighed
                .filter(|(_, (loss, _))| loss.is_finite() && **loss <= best + EQUAL)
                .map(|(target, (_, weight))| (target, weight.value()))
        };
        let total: f64 = among().map(|(_, weight)| weight).sum();
        let salt = SALT + u64::from(asked.attempts);
        let mut left = Generator::of(self.seed, arrival.request, salt << 8).uniform() * total;
        let drawn = among().find(|(_, weight)| {
            left -= weight;
            left < 0.0
        });
        let (target, _) = drawn.or_else(|| among().next())?;
        Some(Picked::of(target))
    }
}

/// What this request would lose at `target`, in the mean over its luck.
fn expected(world: &World<'_>, target: usize, arrival: &Arrival, now: Time, sight: Sight) -> f64 {
    let at = &world.targets[target];
    let (law, seconds) = (&at.told.law, now.as_secs_f64());
    let limits = &at.state.limits;
    let full = !limits.bucket.wait(&law.rate_limit, now).is_zero()
        || !limits.window.wait(&law.window_limit, now).is_zero();
    if full {
        return loss::of_failure(0.0);
    }
    let queue = &at.state.queue;
    let wait = queue.wait(law.places(seconds), now).as_secs_f64();
    let pace = law.pace(queue, now);
    let typical = loss::typical_seconds(arrival.tokens_out);
    let timeout = world.scenario.load.timeout;
    let hopeless = loss::of_failure(timeout / typical);
    let bill = world.bill(target, arrival, now);
    let (price, uncached) = (bill.price, bill.tokens.input - bill.tokens.cached_input);
    let answer = |slow: f64| {
        let stream = law.tpot_ms.at(seconds) * arrival.tokens_out as f64;
        let prefill = law.prefill_ms.at(seconds) * uncached as f64 / 1e3;
        let first = (law.ttft_ms.at(seconds) + prefill) * pace.first;
        let took = wait + slow * (first + stream * pace.stream) / 1e3;
        if took > timeout {
            hopeless
        } else {
            loss::of_answer(took / typical, price)
        }
    };
    let tail = law.tail.p.at(seconds);
    let complete = (1.0 - tail) * answer(1.0) + tail * answer(law.tail.factor.at(seconds));
    let silent = (law.black_hole.at(seconds) + law.hang_body.at(seconds)).min(1.0);
    let failed = (1.0 - silent) * law.error_rate.at(seconds);
    let served = 1.0 - silent - failed;
    let stalled = law.stall.at(seconds);
    let broken = law
        .misbehave
        .map_or(0.0, |_| law.misbehave_share.at(seconds));
    let cut = (law.cut.at(seconds) + broken).min(1.0);
    let after_content = stalled * hopeless + (1.0 - stalled) * cut * loss::of_failure(1.0);
    let mut expected = silent * hopeless
        + failed * loss::of_failure(0.0)
        + served * (after_content + (1.0 - stalled) * (1.0 - cut) * complete);
    if sight == Sight::NoQueues && wait > 0.0 {
        expected += IN_LINE + wait;
    }
    expected
}

/// How far apart the targets' expected losses of a usual answer are, at most at any time; `None` where limits or absences
/// make one different from another.
pub(super) fn widest_gap(scenario: &Scenario) -> Option<f64> {
    let limited = |target: &SimTarget| {
        let law = &target.law;
        law.servers.bounds().1 > 0.0
            || law.sharing.is_felt()
            || law.rate_limit.rps.bounds().1 > 0.0
            || law.window_limit.requests > 0
            || law.present.bounds().0 < 0.5
    };
    if scenario.targets.values().any(limited) {
        return None;
    }
    let world = World::new(scenario, 0);
    let mut widest: f64 = 0.0;
    for look in scenario.looks() {
        let now = Time::from_secs_f64(look);
        let usual = Arrival::usual(scenario, now);
        let losses = (0..scenario.targets.len())
            .map(|target| expected(&world, target, &usual, now, Sight::Greedy));
        let (low, high) = losses.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), loss| {
            (low.min(loss), high.max(loss))
        });
        widest = widest.max(high - low);
    }
    Some(widest)
}
