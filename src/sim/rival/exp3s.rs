//! `exp3s`: EXP3.S, the adversarial bandit with sharing.
//!
//! Source: Auer, Cesa-Bianchi, Freund, Schapire, "The nonstochastic multiarmed bandit problem", SIAM J. Comput. 2002,
//! section 8.
//!
//! An arm is drawn with probability (1 − γ) · its weight / all weights + γ / K. Its reward, divided by that probability,
//! multiplies its weight by exp(γ · reward / K); then every weight gets e · α / K of the sum of all, so that none is ever
//! too small to come back.
//!
//! Rewards must be within 0 and 1: one less an eighth of the loss, where eight is above what an attempt can cost in
//! practice. Its guarantee needs no assumption about the world, and at practical horizons it stays close to even.
//!
//! Tuned: γ among 0.02, 0.05, 0.1, 0.13 and 0.2 over the base scenarios; α as for some hundred changes in a
//! hundred thousand rounds.

use std::collections::BTreeMap;

use super::choice::{Luck, members};
use super::verdict::{Verdict, end};
use crate::model::{Event, Time};
use crate::sim::policy::{Asked, Attempt, Picked, Policy, Score};

/// γ: the part that is drawn evenly, and the speed of learning.
const EXPLORATION: f64 = 0.1;
/// α: what a round shares out.
const SHARING: f64 = 1e-3;
/// The loss that is worth no reward.
const WORST: f64 = 8.0;
/// Largest exponent of one round: a reward drawn at a tiny probability must not overflow.
const LARGEST_STEP: f64 = 2.0;

/// The bandit.
#[derive(Debug)]
pub(super) struct Exp3S {
    weights: Vec<f64>,
    /// Probability of the latest draw, for the attempt that is about to begin.
    drawn: f64,
    /// Probabilities of the attempts in flight.
    in_flight: BTreeMap<u64, f64>,
    luck: Luck,
}

impl Exp3S {
    pub(super) fn new(count: usize, luck: Luck) -> Self {
        Self {
            weights: vec![1.0; count],
            drawn: 1.0,
            in_flight: BTreeMap::new(),
            luck,
        }
    }

    fn reward(&mut self, arm: usize, reward: f64, probability: f64) {
        let count = self.weights.len() as f64;
        let step = EXPLORATION * reward / probability / count;
        self.weights[arm] *= step.min(LARGEST_STEP).exp();
        let total: f64 = self.weights.iter().sum();
        let shared = std::f64::consts::E * SHARING / count * total;
        let largest = self.weights.iter().copied().fold(0.0, f64::max) + shared;
        for weight in &mut self.weights {
            *weight = (*weight + shared) / largest;
        }
    }
}

impl Policy for Exp3S {
    fn set_present(&mut self, _: usize, _: bool, _: Time) {}

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        let candidates = members(asked.eligible, self.weights.len());
        let total: f64 = candidates.iter().map(|target| self.weights[*target]).sum();
        let even = EXPLORATION / candidates.len().max(1) as f64;
        let weights = &self.weights;
        let probability = |target: usize| (1.0 - EXPLORATION) * weights[target] / total + even;
        let target = self.luck.by_weight(&candidates, probability)?;
        self.drawn = probability(target);
        Some(Picked {
            propensity: Some(self.drawn),
            ..Picked::of(target)
        })
    }

    fn began(&mut self, attempt: &Attempt, _: Time) {
        self.in_flight.insert(attempt.id, self.drawn);
    }

    fn happened(&mut self, attempt: &Attempt, event: &Event, score: Option<&Score>, _: Time) {
        let Some((_, verdict)) = end(event) else {
            return;
        };
        let probability = self.in_flight.remove(&attempt.id);
        if let (Some(probability), Some(score)) = (probability, score)
            && verdict != Verdict::Nothing
        {
            let reward = 1.0 - (score.loss / WORST).clamp(0.0, 1.0);
            self.reward(attempt.target, reward, probability);
        }
    }

    fn tick(&mut self, _: Time) {}
}
