//! On a route that keeps conversations together: gaps count as far as moving them pays.

use super::super::plan::{Route, Strategy};
use super::super::strategy::{BETA, Candidate, Proposal, tilt};
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
        // Fixed shares follow no gap, and other cores make theirs of something else.
        if !route.spec.sticky || route.spec.strategy != Strategy::Adaptive {
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
            proposal.parts[*i] = candidate.anchor * candidate.ramp * tilt(memory.followed);
            candidate.ramp > 0.0 && held.abs() > WORTH_SAYING
        });
        kept.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::plan::tests::route;
    use super::super::super::{
        Decision, Input, Memory, Plan, RouteInput, Share, Trial, UpstreamInput, step,
    };
    use super::*;
    use crate::model::{Price, Time};

    /// The last of forty decisions about two targets of which the second is dear beyond all measure.
    fn decided(strategy: Strategy, sticky: bool) -> Decision {
        let mut spec = route(0, &[0, 1]);
        (spec.strategy, spec.sticky) = (strategy, sticky);
        spec.objective.cost = 200.0;
        spec.targets[0].max_share = Share::from_fraction(0.4);
        spec.targets[0].price = Some(Price::flat(1, 1));
        spec.targets[1].price = Some(Price::flat(1_000_000, 1_000_000));
        let plan = Plan::new(vec![spec], []);
        let mut memory = Memory::new(&plan);
        let decide = |tick: u32| {
            let input = Input {
                now: Time::from_secs_f64(0.25 * f64::from(tick)),
                elapsed: 0.25,
                upstreams: vec![UpstreamInput::default(); 2],
                routes: vec![RouteInput::default()],
            };
            step(&plan, &mut memory, &input).decisions.remove(0)
        };
        (1..=40).map(decide).last().unwrap()
    }

    #[test]
    fn who_is_all_but_out_takes_what_the_ceilings_of_others_leave() {
        let decision = decided(Strategy::Adaptive, true);
        assert!(
            decision.rows[0].evidence.gap < 1e-9 && decision.rows[1].evidence.gap > 50.0,
            "{decision:?}"
        );
        let held = decision.rows[0].granted.fraction();
        assert!(held < 0.41, "{held} above its max_share of 0.4");
    }

    #[test]
    fn another_core_has_its_own_shares_on_a_sticky_route() {
        for core in [Trial::Thompson, Trial::Latency] {
            let of = |sticky| decided(Strategy::Trial(core), sticky).rows;
            let proposed = |sticky: bool| -> Vec<Share> {
                of(sticky).iter().map(|row| row.proposed).collect()
            };
            assert_eq!(proposed(true), proposed(false), "{core:?}");
        }
    }
}
