//! From what is known about upstreams to losses that a route's targets are compared by.
//!
//! ```text
//! loss = (1 − p) · (a_L · min(x, 6) + a_C · c) + p · (a_E + 0.3) + a_Q · q
//! ```
//!
//! x is the slowness of a typical answer relative to the route's running mean (1.1 is the mean), c its cost relative to
//! the mean of the configured shares, p the fault probability, q how far its scores are below those of the best, beyond chance
//! ([`super::quality`]); the objective has the weights. The mean is that of before the
//! tick: a target's late answer would else make times of all count less against costs, and whom that helps may be itself.
//!
//! Where a second has a price, latency and cost are parts of one sum of money. Its mean is scaled to the mean loss of the
//! preset `balanced`, which is what the gate's constants are made for:
//!
//! ```text
//! S · (seconds · worth + cost) / (mean seconds · worth + mean cost)   is   a_L · x + a_C · c
//!                  with  a_L = S / 1.1 · time's part of the mean,  a_C = S · cost's part of it
//! ```

use super::attain::Violation;
use super::cohort::{CohortMemory, Pool};
use super::decision::{Evidence, Terms};
use super::goal::Attainment;
use super::plan::{Objective, RouteSpec};
use super::prompts::{Prompts, seconds_per_token};
use super::quality::{Best, Scores};
use super::upstream::{Estimate, UpstreamMemory};
use crate::model::{PicoUsd, Price, Time, Tokens};

/// The normalised slowness of the route's mean. Anything above 1 would do; this keeps the significance gate's constants
/// at the scale they were found at.
const MEAN_SLOWNESS: f64 = 1.1;
/// Slowness beyond which slower is not worse: past it a target gets only exploration anyway.
const MOST_SLOWNESS: f64 = 6.0;
/// A fault also costs the time it took.
const FAULT_TIME: f64 = 0.3;
/// Time constant of the route's mean slowness, in seconds.
const MEAN_MEMORY: f64 = 120.0;

/// Mean loss of the preset `balanced` without errors, to which money is scaled.
const MEAN_LOSS: f64 = MEAN_SLOWNESS + 0.5;
/// Times that a percentile is known from, for each one above it, before a target's own counts as much as the peers'.
const TAIL_KNOWN: f64 = 5.0;

/// One target's loss with its uncertainty.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Signal {
    /// How it stands to the route's goal.
    pub(super) attainments: Vec<Attainment>,
    pub(super) violation: Violation,
    pub(super) terms: Terms,
    pub(super) variance: f64,
    /// Loss of a turn of a typical conversation here that finds nothing cached, above one that does.
    pub(super) uncached: f64,
    pub(super) evidence: Evidence,
}

impl Signal {
    pub(super) fn loss(&self) -> f64 {
        self.terms.loss()
    }
}

/// A route's targets, compared.
#[derive(Clone, Debug)]
pub(super) struct Compared {
    pub(super) signals: Vec<Signal>,
    /// The route's slowness that they were compared by, and the one for the next tick; `None` while nothing was measured.
    pub(super) mean_slowness: Option<f64>,
    pub(super) next_mean: Option<f64>,
}

/// What a route's comparison needs of one target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) memory: &'a UpstreamMemory,
    /// What is expected of it now.
    pub(super) estimate: &'a Estimate,
    pub(super) price: Option<Price>,
    /// Dollars of a typical answer.
    pub(super) cost: Option<f64>,
    /// The configured share.
    pub(super) anchor: f64,
    /// The share in force.
    pub(super) share: f64,
    /// What applications said of its answers.
    pub(super) scores: &'a Scores,
}

/// What was known of a route before the tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before<'a> {
    /// Its slowness, if anything was measured.
    pub(super) mean_slowness: Option<f64>,
    /// The best by scores, if there were any.
    pub(super) best: Option<&'a Best>,
}

/// Dollars of a typical answer of this cohort at `price`, with as much of its prompt in the cache as is seen, if the target
/// caches.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "mean token counts are positive and far below 2^64"
)]
pub(super) fn typical_cost(cohort: &CohortMemory, price: Price, prompts: &Prompts) -> f64 {
    // A thousand typical answers, so that rounding the mean token counts loses nothing that matters. They have the rates
    // of one prompt and the price of one request.
    let tokens = Tokens {
        input: (cohort.tokens.0 * 1e3).max(0.0) as u64,
        cached_input: if prompts.caches() {
            (cohort.cached * 1e3).max(0.0) as u64
        } else {
            0
        },
        output: (cohort.tokens.1 * 1e3).max(0.0) as u64,
        ..Tokens::default()
    };
    let request = PicoUsd::new(u128::from(price.request)).usd();
    let rates = Price {
        request: 0,
        ..price.for_prompt(cohort.tokens.0.max(0.0) as u64)
    };
    rates.of(tokens).usd() / 1e3 + request
}

/// The losses of a route's targets.
pub(super) fn signals(
    spec: &RouteSpec,
    known: &[Known<'_>],
    cohort: &CohortMemory,
    pool: &Pool,
    before: Before<'_>,
    now: Time,
    elapsed: f64,
) -> Compared {
    let mut estimates: Vec<Estimate> = known.iter().map(|target| *target.estimate).collect();
    if let Some(above) = spec.objective.statistic.above() {
        stretch(&mut estimates, known, above, cohort);
    }
    let seen: f64 = known
        .iter()
        .zip(&estimates)
        .map(|(t, e)| t.share * e.slowness)
        .sum();
    let mean = before.mean_slowness.unwrap_or(seen);
    let next = mean + (elapsed / MEAN_MEMORY).min(1.0) * (seen - mean);
    let measured = known.iter().any(|target| target.memory.samples > 0);
    let scale = MEAN_SLOWNESS / mean.max(1e-6);
    let mean_cost = mean_cost(known);
    let mean_seconds = mean * cohort.typical_seconds();
    let weights = Weights::of(&spec.objective, mean_seconds, mean_cost);
    let uncached = Uncached {
        seconds: scale * seconds_per_token(known.iter().map(|t| &t.memory.prompts))
            / cohort.typical_seconds(),
        mean_cost,
    };
    let signals = known.iter().zip(&estimates).map(|(target, estimate)| {
        let relative = match (target.cost, mean_cost) {
            (Some(cost), Some(mean)) => cost / mean,
            (None, _) | (_, None) => 1.0,
        };
        let mut signal = weights.signal(estimate, scale, relative);
        signal.terms.quality = spec.objective.quality * target.scores.behind(before.best);
        signal.evidence.quality = target.scores.quality();
        signal.attainments = target.memory.attainments(&spec.goal, cohort, pool, now);
        signal.violation = Violation::of(&signal.attainments);
        signal.uncached = uncached.loss(&weights, target, cohort);
        signal.evidence.cached = target.memory.prompts.ratio();
        let (first_token, per_token) = target.memory.seconds(cohort);
        signal.evidence.first_token = first_token;
        signal.evidence.per_token = per_token;
        signal.evidence.cost = target.cost;
        signal
    });
    Compared {
        signals: signals.collect(),
        mean_slowness: measured.then_some(mean),
        next_mean: measured.then_some(next),
    }
}

/// Replaces means by what is exceeded by a part `above` of the answers.
///
/// The filters follow a target within seconds and know no tails; the sketches know tails and take minutes. So the filter's
/// mean is kept and stretched by the ratio of percentile and mean, which is a property of the target rather than of the
/// moment; where few times are known, by that of its peers.
fn stretch(estimates: &mut [Estimate], known: &[Known<'_>], above: f64, cohort: &CohortMemory) {
    let part = cohort.first_part();
    let tails: Vec<Option<(f64, f64)>> = known
        .iter()
        .map(|target| target.memory.times.tail(above, part))
        .collect();
    let (sum, n) = tails.iter().flatten().fold((0.0, 0.0), |(sum, n), tail| {
        (sum + tail.0 * tail.1, n + tail.1)
    });
    let peers = if n > 0.0 { sum / n } else { 1.0 };
    for (estimate, tail) in estimates.iter_mut().zip(tails) {
        let (ratio, n) = tail.unwrap_or((peers, 0.0));
        let own = n / (n + TAIL_KNOWN / above);
        let ratio = peers + own * (ratio - peers);
        estimate.slowness *= ratio;
        estimate.variance *= ratio * ratio;
    }
}

/// Mean cost by configured share, among those with a price; `None` if that is nothing.
fn mean_cost(known: &[Known<'_>]) -> Option<f64> {
    let priced = known.iter().filter_map(|t| Some((t.anchor, t.cost?)));
    let (sum, weight) = priced.fold((0.0, 0.0), |(s, w), (a, c)| (s + a * c, w + a));
    (sum > 0.0 && weight > 0.0).then(|| sum / weight)
}

/// What tokens of a prompt cost that are not cached.
#[derive(Clone, Copy, Debug)]
struct Uncached {
    /// Slowness that one of them adds.
    seconds: f64,
    mean_cost: Option<f64>,
}

impl Uncached {
    /// Loss of a turn of a typical conversation at `target` that finds nothing cached, above one that does.
    fn loss(&self, weights: &Weights, target: &Known<'_>, cohort: &CohortMemory) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "mean token counts are positive and far below 2^64"
        )]
        let prompt = cohort.tokens.0.max(0.0) as u64;
        let dollars = target.price.map_or(0.0, |price| {
            let rates = price.for_prompt(prompt);
            let less = rates.input.saturating_sub(rates.cached_input);
            PicoUsd::new(u128::from(less)).usd()
        });
        let cost = self.mean_cost.map_or(0.0, |mean| dollars / mean);
        target.memory.prompts.cached() * (weights.latency * self.seconds + weights.cost * cost)
    }
}

/// What a unit of each part of the loss weighs.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Weights {
    latency: f64,
    cost: f64,
    errors: f64,
}

impl Weights {
    fn of(objective: &Objective, mean_seconds: f64, mean_cost: Option<f64>) -> Self {
        let errors = objective.errors;
        let Some(worth) = objective.second_is_worth else {
            return Self {
                latency: objective.latency,
                cost: objective.cost,
                errors,
            };
        };
        let (time, cost) = (worth * mean_seconds.max(0.0), mean_cost.unwrap_or(0.0));
        let whole = (time + cost).max(f64::MIN_POSITIVE);
        Self {
            latency: MEAN_LOSS / MEAN_SLOWNESS * time / whole,
            cost: MEAN_LOSS * cost / whole,
            errors,
        }
    }

    fn signal(&self, estimate: &Estimate, scale: f64, relative_cost: f64) -> Signal {
        let slowness = (estimate.slowness * scale).min(MOST_SLOWNESS);
        let served = 1.0 - estimate.faults;
        let terms = Terms {
            latency: served * self.latency * slowness,
            cost: served * self.cost * relative_cost,
            error: estimate.faults * (self.errors + FAULT_TIME),
            quality: 0.0,
        };
        let latency_weight = self.latency * scale;
        let variance = latency_weight * latency_weight * estimate.variance
            + self.errors * self.errors * estimate.faults_variance;
        let evidence = Evidence {
            slowness: slowness / MEAN_SLOWNESS,
            faults: estimate.faults,
            deviation: variance.sqrt(),
            ..Evidence::default()
        };
        Signal {
            attainments: Vec::new(),
            violation: Violation::default(),
            terms,
            variance,
            uncached: 0.0,
            evidence,
        }
    }
}

#[cfg(test)]
#[path = "signal_tests.rs"]
mod tests;
