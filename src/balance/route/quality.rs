//! Scores of a route's answers: how they are taken in, and whom `min_quality` keeps from its share.

use super::super::health::Health;
use super::super::input::Scored;
use super::super::overruled::Hold;
use super::super::plan::Route;
use super::super::quality::{best, take};
use super::{Outcome, Rail, RouteMemory, Scene};

/// What `min_quality` leaves of the targets' shares.
#[derive(Clone, Debug)]
pub(super) struct Admission {
    /// By target, the part of its share that it may get.
    parts: Vec<f64>,
    /// Whether nobody else is left, so that those below get theirs all the same.
    is_lifted: bool,
}

impl RouteMemory {
    /// Takes in what applications said of the answers since the last tick.
    pub(super) fn hear(&mut self, came: &[Scored], elapsed: f64) {
        let targets = self.targets.iter_mut();
        let mut scores: Vec<_> = targets.map(|target| &mut target.scores).collect();
        take(&mut self.ageing, &mut scores, came, elapsed);
    }

    /// `elapsed` seconds have passed without a score.
    pub(in crate::balance) fn rest(&mut self, elapsed: f64) {
        self.hear(&[], elapsed);
    }

    /// Halvings of the weight of scores since the beginning.
    pub(in crate::balance) fn halvings(&self) -> f64 {
        self.ageing.halvings
    }

    /// Who is away because of `min_quality`, given everybody's health. It never leaves a route without anybody: where
    /// nobody else works, those below are let in again.
    pub(super) fn admission(&mut self, route: &Route, healths: &[(Health, f64)]) -> Admission {
        let floor = route.spec.min_quality;
        let held = |target: &super::super::plan::Target| {
            let hold = target.spec.overruled.as_ref().map(|order| order.hold);
            // Who gives a target a share by order has seen its scores.
            matches!(hold, Some(Hold::Pinned | Hold::Frozen))
        };
        let targets = route.targets.iter().zip(&mut self.targets);
        let parts: Vec<f64> = targets
            .map(|(target, memory)| {
                let floor = floor.filter(|_| !held(target));
                memory.scores.part_above(floor)
            })
            .collect();
        let mut works = route.targets.iter().zip(healths).zip(&parts);
        let is_lifted =
            !works.any(|((target, (_, ramp)), part)| target.anchor > 0.0 && ramp * part > 0.0);
        Admission { parts, is_lifted }
    }

    /// Notes which of its working targets the others will be compared with at the next tick.
    pub(super) fn note_best(&mut self, route: &Route, scene: &Scene<'_>) {
        let targets = route.targets.iter().zip(&self.targets);
        let working = targets.filter(|(target, memory)| {
            let health = &scene.upstreams[target.upstream].health;
            target.anchor > 0.0 && health.is_serving() && !memory.scores.is_away()
        });
        self.best = best(working.map(|(_, memory)| &memory.scores));
    }

    /// Says whom `min_quality` holds.
    pub(super) fn mark_away(&self, admission: &Admission, outcome: &mut Outcome) {
        let rail = if admission.is_lifted {
            Rail::MinQualityLifted
        } else {
            Rail::MinQuality
        };
        for (memory, rails) in self.targets.iter().zip(&mut outcome.rails) {
            if memory.scores.is_away() {
                rails.insert(rail);
            }
        }
    }
}

impl Admission {
    /// The healths with what `min_quality` leaves of each ramp.
    pub(super) fn of(&self, healths: Vec<(Health, f64)>) -> Vec<(Health, f64)> {
        if self.is_lifted {
            return healths;
        }
        let healths = healths.into_iter().zip(&self.parts);
        healths
            .map(|((health, ramp), part)| (health, ramp * part))
            .collect()
    }
}

#[cfg(test)]
#[path = "quality_tests.rs"]
mod tests;
