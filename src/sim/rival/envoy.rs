//! `envoy`: outlier detection with client-side weighted round robin.
//!
//! Source: gRFC A58 (`grpc/proposal`, A58-client-side-weighted-round-robin-lb-policy.md), which Envoy's
//! `client_side_weighted_round_robin` follows; [`super::outlier`] for the ejections.
//!
//! A58 weighs an endpoint by requests per second over utilisation + errors per request × penalty, recomputed every
//! second, with the mean weight for one that has no report. Providers of language models report no utilisation. What a
//! busy server would report as being busy is taken from what a slow one shows: the time of its answers relative to a
//! typical answer of the same length, as a moving average. The weight so found multiplies the configured one, and the
//! requests follow a smooth weighted round robin, so short-term shares are as even as Envoy's scheduler makes them.
//!
//! What it cannot do: a target twice as slow still gets half of its share, whatever the others could take.
//!
//! Tuned: averages over about twenty answers; ten answers instead of ten seconds before a target's own figure counts, so
//! that busy targets are known sooner.

use super::choice::members;
use super::outlier::Outliers;
use super::verdict::{averaged, said};
use crate::balance::Weight;
use crate::model::{Event, Time};
use crate::sim::policy::{Asked, Attempt, Picked, Policy, Score};

/// `error_utilization_penalty`.
const ERROR_PENALTY: f64 = 1.0;
/// `weight_update_period`, in seconds.
const UPDATE: f64 = 1.0;
/// Part of an average that a new answer makes up.
const GAIN: f64 = 0.05;
/// Answers before a target's own average counts.
const ENOUGH: u32 = 10;

#[derive(Clone, Debug)]
struct Endpoint {
    configured: f64,
    /// Average time relative to a typical answer of the same length; `None` before the first.
    slowness: Option<f64>,
    /// Average share of faults.
    faults: f64,
    answers: u32,
    weight: f64,
    /// Credit of the smooth weighted round robin.
    credit: f64,
}

impl Endpoint {
    /// The weight that its own reports give it, if there are enough.
    fn reported(&self) -> Option<f64> {
        let slowness = self.slowness.filter(|_| self.answers >= ENOUGH)?;
        Some(1.0 / (slowness + self.faults * ERROR_PENALTY))
    }
}

/// Envoy's weighted round robin behind its outlier detection.
#[derive(Debug)]
pub(super) struct Envoy {
    endpoints: Vec<Endpoint>,
    outliers: Outliers,
    next_update: Time,
}

impl Envoy {
    pub(super) fn new(configured: &[Weight]) -> Self {
        let outliers = Outliers::new(configured.len());
        let endpoint = |weight: &Weight| Endpoint {
            configured: weight.value(),
            slowness: None,
            faults: 0.0,
            answers: 0,
            weight: weight.value(),
            credit: 0.0,
        };
        Self {
            endpoints: configured.iter().map(endpoint).collect(),
            outliers,
            next_update: Time::ZERO,
        }
    }

    /// The next of the candidates in a smooth weighted round robin: each earns its weight, the richest is taken and
    /// pays for all.
    fn next(&mut self, candidates: &[usize], weight: impl Fn(&Endpoint) -> f64) -> Option<usize> {
        let mut total = 0.0;
        for target in candidates {
            let endpoint = &mut self.endpoints[*target];
            let earned = weight(endpoint);
            endpoint.credit += earned;
            total += earned;
        }
        let credit = |a: &&usize, b: &&usize| {
            let (a, b) = (&self.endpoints[**a], &self.endpoints[**b]);
            a.credit.total_cmp(&b.credit)
        };
        let richest = *candidates
            .iter()
            .filter(|target| weight(&self.endpoints[**target]) > 0.0)
            .max_by(credit)?;
        self.endpoints[richest].credit -= total;
        Some(richest)
    }
}

impl Policy for Envoy {
    fn set_present(&mut self, target: usize, present: bool, _: Time) {
        self.outliers.set_present(target, present);
    }

    fn reloaded(&mut self, weights: &[Weight], _: Time) {
        for (endpoint, weight) in self.endpoints.iter_mut().zip(weights) {
            endpoint.configured = weight.value();
        }
    }

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        let all = members(asked.eligible, self.endpoints.len());
        let serving = all.iter().copied();
        let serving: Vec<usize> = serving
            .filter(|target| !self.outliers.is_ejected(*target, asked.now))
            .collect();
        let picked = match self.next(&serving, |endpoint| endpoint.weight) {
            Some(target) => Some(target),
            None => self
                .next(&all, |endpoint| endpoint.configured)
                .or_else(|| all.first().copied()),
        };
        picked.map(Picked::of)
    }

    fn began(&mut self, _: &Attempt, _: Time) {}

    fn happened(&mut self, attempt: &Attempt, event: &Event, score: Option<&Score>, now: Time) {
        let Some(verdict) = said(event) else {
            return;
        };
        self.outliers.note(attempt.target, verdict, now);
        let endpoint = &mut self.endpoints[attempt.target];
        let fault = f64::from(u8::from(verdict.is_fault()));
        endpoint.faults += GAIN * (fault - endpoint.faults);
        endpoint.answers += 1;
        if let Some(found) = score.and_then(|score| score.slowness) {
            endpoint.slowness = Some(averaged(endpoint.slowness, found, GAIN));
        }
    }

    fn tick(&mut self, now: Time) {
        self.outliers.tick(now);
        if now < self.next_update {
            return;
        }
        self.next_update = now.after_secs(UPDATE);
        let reported: Vec<f64> = self
            .endpoints
            .iter()
            .filter_map(Endpoint::reported)
            .collect();
        let mean = if reported.is_empty() {
            1.0
        } else {
            reported.iter().sum::<f64>() / reported.len() as f64
        };
        for endpoint in &mut self.endpoints {
            endpoint.weight = endpoint.configured * endpoint.reported().unwrap_or(mean);
        }
    }
}
