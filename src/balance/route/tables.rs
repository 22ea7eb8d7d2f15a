//! The table to have in force, from the shares that a tick worked out.

use super::{
    BLOCK_WORTH, Bounds, DEAD_BAND, Outcome, Rail, Route, RouteMemory, Scene, WeightTable, project,
    spill_blocked,
};

/// The least step of a tick is just the dead-band, so that sums of shares meet it to the last digits: what those are
/// depends on the order of the targets, and must not decide.
const NOISE: f64 = 1e-9;

impl RouteMemory {
    /// The table to have in force: blocked targets masked, small changes left out.
    pub(super) fn publish(
        &mut self,
        route: &Route,
        scene: &Scene<'_>,
        outcome: &mut Outcome,
    ) -> (WeightTable, bool) {
        let shares = unblocked(route, scene, outcome);
        let table = WeightTable::nearest(&shares, &route.anchors);
        let mut pairs = table.shares().iter().zip(self.table.shares());
        let switched = pairs.any(|(a, b)| (a.ppm() == 0) != (b.ppm() == 0));
        let moved = self.distance(&shares) >= DEAD_BAND - NOISE || switched;
        if moved {
            let sum: f64 = shares.iter().sum();
            for (memory, share) in self.targets.iter_mut().zip(&shares) {
                memory.in_force = (sum > 0.0).then_some(share / sum);
            }
            self.table = table;
        } else if table != self.table {
            for (i, rails) in outcome.rails.iter_mut().enumerate() {
                if table.shares()[i] != self.table.shares()[i] {
                    rails.insert(Rail::DeadBand);
                }
            }
        }
        (self.table.clone(), moved)
    }

    /// Half the sum of what each target would gain or lose against what is in force, before rounding: the parts per million
    /// that a table's rounding gives to one or another depend on the order of the targets.
    fn distance(&self, shares: &[f64]) -> f64 {
        let sum: f64 = shares.iter().sum();
        let sum = if sum > 0.0 { sum } else { 1.0 };
        let rounded = self.table.shares().iter().map(|share| share.fraction());
        let changes = self.targets.iter().zip(rounded).zip(shares);
        changes
            .map(|((memory, rounded), share)| {
                (share / sum - memory.in_force.unwrap_or(rounded)).abs()
            })
            .sum::<f64>()
            / 2.0
    }
}

/// The shares without blocked targets. What these leave goes to the rest of their group, within ceilings where that fits;
/// only if all of a group are blocked does it go elsewhere, and if everybody is, nothing is masked.
fn unblocked(route: &Route, scene: &Scene<'_>, outcome: &mut Outcome) -> Vec<f64> {
    let worth = scene.now.after_secs(BLOCK_WORTH);
    let blocked: Vec<bool> = route
        .targets
        .iter()
        .map(|target| scene.upstreams[target.upstream].blocked_until > worth)
        .collect();
    let mut shares = outcome.shares.clone();
    for i in (0..shares.len()).filter(|i| blocked[*i]) {
        outcome.rails[i].insert(Rail::Blocked);
        shares[i] = 0.0;
    }
    if route.has_tiers() {
        spill_blocked(route, outcome, &blocked, &mut shares);
    } else {
        for group in &route.groups {
            take_over(route, outcome, (group, &blocked), &mut shares);
        }
    }
    if shares.iter().sum::<f64>() > 1e-9 {
        shares
    } else {
        outcome.shares.clone()
    }
}

/// Gives what the blocked targets of a group leave to its others.
fn take_over(
    route: &Route,
    outcome: &Outcome,
    (group, blocked): (&[usize], &[bool]),
    shares: &mut [f64],
) {
    let total: f64 = group.iter().map(|i| outcome.shares[*i]).sum();
    let open: Vec<usize> = group.iter().copied().filter(|i| !blocked[*i]).collect();
    let parts: Vec<f64> = open.iter().map(|i| outcome.shares[*i]).collect();
    let ceiling = |i: &usize| Bounds {
        low: 0.0,
        high: outcome.shares[*i].max(route.targets[*i].spec.max_share.fraction()),
    };
    let bounds: Vec<Bounds> = open.iter().map(ceiling).collect();
    let sum: f64 = parts.iter().sum();
    let scaled = || {
        parts
            .iter()
            .map(|part| part * total / sum.max(1e-12))
            .collect()
    };
    let found: Vec<f64> = project(&parts, &bounds, total).unwrap_or_else(scaled);
    for (i, share) in open.iter().zip(found) {
        shares[*i] = share;
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::plan::tests::route;
    use super::super::super::{Input, Memory, Plan, RouteInput, UpstreamInput, step};
    use crate::model::{Time, UpstreamName};

    #[test]
    fn what_a_blocked_tier_leaves_is_given_on_once_however_many_models_there_are() {
        let mut spec = route(0, &[0, 1, 2, 3]);
        spec.mix_models = false;
        let models = ["p/one", "q/one", "p/two", "q/two"];
        for (target, (model, tier)) in spec.targets.iter_mut().zip(models.iter().zip([1, 2, 1, 2]))
        {
            target.upstream = UpstreamName::new(model).unwrap();
            target.tier = tier;
        }
        let plan = Plan::new(vec![spec], []);
        let mut upstreams = vec![UpstreamInput::default(); 4];
        let blocked = plan.routes[0].targets[0].upstream;
        upstreams[blocked].blocked_until = Time::from_secs_f64(9.0);
        let input = Input {
            now: Time::from_secs_f64(1.0),
            elapsed: 0.25,
            upstreams,
            routes: vec![RouteInput::default()],
        };
        let decision = step(&plan, &mut Memory::new(&plan), &input)
            .decisions
            .remove(0);
        let shares: Vec<f64> = decision
            .rows
            .iter()
            .map(|row| row.granted.fraction())
            .collect();
        for (share, expected) in shares.iter().zip([0.0, 0.5, 0.5, 0.0]) {
            assert!(
                (share - expected).abs() < 0.01,
                "the split between models holds: {shares:?}"
            );
        }
    }
}
