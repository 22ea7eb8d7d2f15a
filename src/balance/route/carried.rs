//! What a route's memory becomes when others put its shares in force, or its configuration changes.

use super::super::plan::{Route, Target};
use super::super::quality::Scores;
use super::super::upstream::UpstreamMemory;
use super::{RouteMemory, TargetMemory, WeightTable};

impl RouteMemory {
    /// These shares are in force, in the targets' order.
    pub(in crate::balance) fn put_shares(&mut self, shares: &[f64], anchors: &[f64]) {
        for (target, share) in self.targets.iter_mut().zip(shares) {
            target.share = *share;
            target.in_force = Some(*share);
        }
        self.table = WeightTable::nearest(shares, anchors);
    }

    /// The same route with other targets or weights: learned tilts stay, configured shares change at once, newcomers
    /// begin with what their ramp allows.
    pub(in crate::balance) fn carried(
        &self,
        old: &Route,
        new: &Route,
        upstreams: &[UpstreamMemory],
    ) -> Self {
        let carry = |target: &Target| {
            let before = old.targets.iter().zip(&self.targets).find(|(was, _)| {
                let (was_spec, spec) = (&was.spec, &target.spec);
                was_spec.name == spec.name && was_spec.tier == spec.tier && was.anchor > 0.0
            });
            let ramp = upstreams
                .get(target.upstream)
                .map_or(1.0, |memory| memory.health.ramp());
            match before {
                Some((was, memory)) => TargetMemory {
                    share: target.anchor * memory.share / was.anchor,
                    before_ejection: target.anchor * memory.before_ejection / was.anchor,
                    ..memory.clone()
                },
                None => TargetMemory {
                    share: target.anchor * ramp,
                    before_ejection: target.anchor,
                    was_serving: ramp > 0.0,
                    ..TargetMemory::default()
                },
            }
        };
        let mut targets: Vec<TargetMemory> = new.targets.iter().map(carry).collect();
        // Scores are of what a model said, whatever its tier, and stay while it is drained.
        for (target, memory) in new.targets.iter().zip(&mut targets) {
            let before = old.targets.iter().zip(&self.targets).find(|(was, _)| {
                let (was, is) = (&was.spec, &target.spec);
                was.name == is.name && was.upstream == is.upstream
            });
            memory.scores = before.map_or_else(Scores::default, |(_, was)| was.scores.clone());
        }
        let sum: f64 = targets.iter().map(|target| target.share).sum();
        for (target, spec) in targets.iter_mut().zip(&new.targets) {
            target.share = if sum > 0.0 {
                target.share / sum
            } else {
                spec.anchor
            };
            target.in_force = Some(target.share);
        }
        let shares: Vec<f64> = targets.iter().map(|target| target.share).collect();
        Self {
            targets,
            table: WeightTable::nearest(&shares, &new.anchors),
            ..self.clone()
        }
    }
}
