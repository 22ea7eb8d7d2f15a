//! From what is known about upstreams to losses that a route's targets are compared by.
//!
//! ```text
//! loss = (1 − p) · (a_L · min(x, 6) + a_C · c) + p · (a_E + 0.3)
//! ```
//!
//! x is the slowness of a typical answer relative to the route's running mean (1.1 is the mean), c its cost relative to
//! the mean of the configured shares, p the fault probability; the objective has the weights.

use super::Objective;
use super::cohort::{CohortMemory, Pool};
use super::decision::{Evidence, Terms};
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

/// One target's loss with its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Signal {
    pub(super) terms: Terms,
    pub(super) variance: f64,
    pub(super) evidence: Evidence,
}

impl Signal {
    pub(super) fn loss(&self) -> f64 {
        self.terms.loss()
    }
}

/// What a route's comparison needs of one target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) memory: &'a UpstreamMemory,
    pub(super) price: Option<Price>,
    /// The configured share.
    pub(super) anchor: f64,
    /// The share in force.
    pub(super) share: f64,
}

/// Dollars of a typical answer of this cohort at `price`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "mean token counts are positive and far below 2^64"
)]
pub(super) fn typical_cost(cohort: &CohortMemory, price: Price) -> f64 {
    // A thousand typical answers, so that rounding the mean token counts loses nothing that matters. They have the rates
    // of one prompt and the price of one request.
    let tokens = Tokens {
        input: (cohort.tokens.0 * 1e3).max(0.0) as u64,
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

/// The losses of a route's targets; updates the route's mean slowness.
pub(super) fn signals(
    objective: &Objective,
    known: &[Known<'_>],
    cohort: &CohortMemory,
    pool: &Pool,
    mean_slowness: &mut Option<f64>,
    now: Time,
    elapsed: f64,
) -> Vec<Signal> {
    let estimates: Vec<Estimate> = known
        .iter()
        .map(|target| target.memory.estimate(cohort, pool, now))
        .collect();
    let seen: f64 = known
        .iter()
        .zip(&estimates)
        .map(|(t, e)| t.share * e.slowness)
        .sum();
    let mean = match *mean_slowness {
        Some(mean) => mean + (elapsed / MEAN_MEMORY).min(1.0) * (seen - mean),
        None => seen,
    };
    let measured = known.iter().any(|target| target.memory.samples > 0);
    *mean_slowness = measured.then_some(mean);
    let scale = MEAN_SLOWNESS / mean.max(1e-6);
    let costs: Vec<Option<f64>> = known
        .iter()
        .map(|target| target.price.map(|price| typical_cost(cohort, price)))
        .collect();
    let mean_cost = mean_cost(known, &costs);
    known
        .iter()
        .zip(&estimates)
        .zip(&costs)
        .map(|((target, estimate), cost)| {
            let relative = cost.map_or(1.0, |cost| cost / mean_cost);
            let mut signal = signal(objective, estimate, scale, relative);
            let (first_token, per_token) = target.memory.seconds(cohort);
            signal.evidence.first_token = first_token;
            signal.evidence.per_token = per_token;
            signal.evidence.cost = *cost;
            signal
        })
        .collect()
}

/// Mean cost by configured share, among those with a price; 1 if that is nothing.
fn mean_cost(known: &[Known<'_>], costs: &[Option<f64>]) -> f64 {
    let priced = known
        .iter()
        .zip(costs)
        .filter_map(|(t, cost)| cost.map(|cost| (t.anchor, cost)));
    let (sum, weight) = priced.fold((0.0, 0.0), |(s, w), (a, c)| (s + a * c, w + a));
    if sum > 0.0 && weight > 0.0 {
        sum / weight
    } else {
        1.0
    }
}

fn signal(objective: &Objective, estimate: &Estimate, scale: f64, relative_cost: f64) -> Signal {
    let slowness = (estimate.slowness * scale).min(MOST_SLOWNESS);
    let served = 1.0 - estimate.faults;
    let terms = Terms {
        latency: served * objective.latency * slowness,
        cost: served * objective.cost * relative_cost,
        error: estimate.faults * (objective.errors + FAULT_TIME),
    };
    let latency_weight = objective.latency * scale;
    let variance = latency_weight * latency_weight * estimate.variance
        + objective.errors * objective.errors * estimate.faults_variance;
    let evidence = Evidence {
        slowness: slowness / MEAN_SLOWNESS,
        faults: estimate.faults,
        deviation: variance.sqrt(),
        ..Evidence::default()
    };
    Signal {
        terms,
        variance,
        evidence,
    }
}
