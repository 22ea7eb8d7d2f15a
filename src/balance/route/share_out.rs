//! How a route's shares are worked out: a proposal and its bounds, for each group of targets among which shares may move.

use std::collections::BTreeSet;

use super::super::decision::Rail;
use super::super::health::Health;
use super::super::plan::{Route, Strategy};
use super::super::rails::{Limits, bound, unbounded};
use super::super::strategy::{Candidate, propose};
use super::tiers::{mark_spills, takes};
use super::{RouteMemory, SICK_MEMORY, Scene};

/// What a tick worked out for each target, before it is published.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) proposed: Vec<f64>,
    pub(super) shares: Vec<f64>,
    pub(super) gaps: Vec<f64>,
    pub(super) rails: Vec<BTreeSet<Rail>>,
    /// The best of each group.
    pub(super) best: Vec<usize>,
}

impl Outcome {
    pub(super) fn new(count: usize) -> Self {
        Self {
            proposed: vec![0.0; count],
            shares: vec![0.0; count],
            gaps: vec![0.0; count],
            rails: vec![BTreeSet::new(); count],
            best: Vec::new(),
        }
    }
}

impl RouteMemory {
    /// Proposes and bounds each group of targets among which shares may move.
    pub(super) fn groups(
        &mut self,
        route: &Route,
        scene: &Scene<'_>,
        candidates: &[Candidate<'_>],
        healths: &[(Health, f64)],
    ) -> Outcome {
        let count = route.targets.len();
        let mut outcome = Outcome::new(count);
        let weight = |group: &[usize]| {
            let alive = group
                .iter()
                .any(|i| candidates[*i].ramp > 0.0 && candidates[*i].anchor > 0.0);
            if alive {
                group.iter().map(|i| candidates[*i].anchor).sum()
            } else {
                0.0
            }
        };
        let sum: f64 = route.groups.iter().map(|group| weight(group)).sum();
        for (group, tiers) in route.groups.iter().zip(&route.tiers) {
            let limits: Vec<Limits> = (0..count)
                .map(|i| self.limits(route, scene, i, healths[i]))
                .collect();
            let total = weight(group) / sum;
            for (tier, take) in tiers.iter().zip(takes(route, tiers, &limits, total)) {
                self.share_out(
                    route,
                    scene,
                    candidates,
                    &limits,
                    (tier, take),
                    &mut outcome,
                );
            }
            mark_spills(tiers, &limits, &mut outcome);
            if route.groups.len() > 1 {
                for i in group {
                    outcome.rails[*i].insert(Rail::ModelSplit);
                }
            }
        }
        outcome
    }

    /// Proposes and bounds the shares of targets that get `take` of the route together.
    fn share_out(
        &mut self,
        route: &Route,
        scene: &Scene<'_>,
        candidates: &[Candidate<'_>],
        limits: &[Limits],
        (members, take): (&[usize], f64),
        outcome: &mut Outcome,
    ) {
        let mut proposal = propose(route.spec.strategy, candidates, members);
        let kept = self.keep(route, scene, candidates, members, &mut proposal);
        self.steady(candidates, limits, (members, take), &mut proposal);
        let parts: Vec<f64> = members.iter().map(|i| proposal.parts[*i]).collect();
        let anchors: f64 = members.iter().map(|i| candidates[*i].anchor).sum();
        let own = |i: &usize| Limits {
            // Of what its tier takes, it is configured to have this.
            anchor: if route.has_tiers() && anchors > 0.0 {
                candidates[*i].anchor / anchors * take
            } else {
                candidates[*i].anchor
            },
            ..limits[*i]
        };
        let limits: Vec<Limits> = members.iter().map(own).collect();
        let bounded = match route.spec.strategy {
            Strategy::Adaptive | Strategy::Trial(_) => {
                bound(&parts, &limits, self.demand(), scene.elapsed, take)
            }
            Strategy::Fixed => unbounded(&parts, &limits, take),
        };
        let whole: f64 = parts.iter().sum();
        for (place, i) in members.iter().enumerate() {
            outcome.proposed[*i] = if whole > 0.0 {
                parts[place] / whole * take
            } else {
                0.0
            };
            outcome.shares[*i] = bounded.shares[place];
            outcome.gaps[*i] = proposal.gaps[*i];
            outcome.rails[*i].clone_from(&bounded.rails[place]);
            if kept[place] {
                outcome.rails[*i].insert(Rail::Kept);
            }
        }
        outcome.best.extend(proposal.best);
    }

    fn limits(
        &self,
        route: &Route,
        scene: &Scene<'_>,
        index: usize,
        (health, ramp): (Health, f64),
    ) -> Limits {
        let (target, memory) = (&route.targets[index], &self.targets[index]);
        let upstream = &scene.upstreams[target.upstream];
        // Both are rates; as shares they are of this route's demand.
        let share =
            |rate: Option<f64>| rate.map_or(f64::INFINITY, |rate| rate / self.demand().max(1e-3));
        Limits {
            anchor: target.anchor,
            before: memory.share,
            before_ejection: memory.before_ejection,
            health,
            ramp,
            min_share: target.spec.min_share.fraction(),
            max_share: target.spec.max_share.fraction(),
            rate_cap: share(upstream.capacity.cap(scene.now)),
            is_announced: upstream.capacity.is_announced(scene.now),
            room_cap: share(upstream.rate_in_room(scene.cohort, &scene.estimates[target.upstream])),
            lately_sick: memory
                .sick
                .is_some_and(|at| scene.now.secs_since(at) < SICK_MEMORY),
        }
    }
}

/// All are ejected: somebody has to be asked. Requests go by the configured shares then, and so does what is told; how often each
/// failed says who was ejected first, not who will be well again.
pub(super) fn outage_shares(route: &Route) -> Outcome {
    let mut outcome = Outcome::new(route.anchors.len());
    outcome.proposed.clone_from(&route.anchors);
    outcome.shares.clone_from(&route.anchors);
    for rails in &mut outcome.rails {
        rails.insert(Rail::HeldOutage);
    }
    outcome
}
