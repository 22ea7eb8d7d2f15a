//! On a route that keeps conversations together: gaps count as far as moving them pays.

use super::super::plan::{Route, Strategy};
use super::super::strategy::{BETA, Candidate, Proposal};
use super::super::switching::followed;
use super::{RouteMemory, Scene};

/// A share that is held back by more than this part of it is worth a word.
const WORTH_SAYING: f64 = 0.02;

impl RouteMemory {
    /// Puts the gaps that are followed in place of the measured ones of `group`; tells for each of its members whether that
    /// holds its share back.
    pub(super) fn keep(
        &mut self,
        route: &Route,
        scene: &Scene<'_>,
        candidates: &[Candidate<'_>],
        group: &[usize],
        proposal: &mut Proposal,
    ) -> Vec<bool> {
        if !route.spec.sticky || route.spec.strategy == Strategy::Fixed {
            return vec![false; group.len()];
        }
        let targets = self.targets.iter().zip(candidates);
        let lost = targets.map(|(memory, candidate)| memory.share * candidate.signal.uncached);
        let lost: f64 = lost.sum();
        let kept = group.iter().map(|i| {
            let (gap, candidate) = (proposal.gaps[*i], &candidates[*i]);
            let memory = &mut self.targets[*i];
            memory.followed = followed(memory.followed, gap, lost, scene.elapsed);
            let held = BETA * (gap - memory.followed);
            proposal.parts[*i] =
                candidate.anchor * candidate.ramp * (-BETA * memory.followed).exp();
            candidate.ramp > 0.0 && held.abs() > WORTH_SAYING
        });
        kept.collect()
    }
}
