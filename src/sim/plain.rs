//! Policies that learn nothing: the configured shares, or equal ones, and no safety layer.

use super::policy::{Asked, Attempt, Picked, Policy, Score};
use crate::balance::Weight;
use crate::law::Generator;
use crate::model::{Event, TargetIndex, Time};

/// The part of the draws in the noise.
const SALT: u64 = 4;

/// Draws by shares that never move, each draw on its own.
#[derive(Debug)]
pub struct Plain {
    weights: Vec<f64>,
    configured: bool,
    luck: Generator,
}

impl Plain {
    /// By configured weight.
    pub fn configured(weights: &[Weight], seed: u64, replica: u64) -> Self {
        Self {
            weights: weights.iter().map(|weight| weight.value()).collect(),
            configured: true,
            luck: Generator::of(seed, replica, SALT),
        }
    }

    /// The same for each of so many targets.
    pub fn equal(targets: usize, seed: u64, replica: u64) -> Self {
        Self {
            weights: vec![1.0; targets],
            configured: false,
            luck: Generator::of(seed, replica, SALT),
        }
    }
}

impl Policy for Plain {
    fn set_present(&mut self, _target: usize, _present: bool, _now: Time) {}

    fn reloaded(&mut self, weights: &[Weight], _now: Time) {
        if self.configured {
            self.weights = weights.iter().map(|weight| weight.value()).collect();
        }
    }

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        let places = || {
            let weighed = self.weights.iter().copied().enumerate();
            weighed.filter(|(i, _)| asked.eligible.contains(TargetIndex::at(*i)))
        };
        let total: f64 = places().map(|(_, weight)| weight).sum();
        let mut left = self.luck.uniform() * total;
        let drawn = places().find(|(_, weight)| {
            left -= weight;
            left < 0.0
        });
        drawn.map(|(target, _)| Picked::of(target))
    }

    fn began(&mut self, _attempt: &Attempt, _now: Time) {}

    fn happened(&mut self, _: &Attempt, _: &Event, _: Option<&Score>, _now: Time) {}

    fn tick(&mut self, _now: Time) {}
}
