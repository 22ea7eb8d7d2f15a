//! One tick of everything: observe each upstream once, then decide each route once.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::attain::Distribution;
use super::cohort::{CohortMemory, Pool, RATIO};
use super::decision::Decision;
use super::gate::{Cause, GateOrder};
use super::plan::Plan;
use super::prompts::Usual;
use super::route::{RouteMemory, Scene};
use super::signal::typical_cost;
use super::upstream::{Around, Estimate, Rates, UpstreamMemory};
use super::{Input, WeightTable};
use crate::model::{Price, UpstreamName};

/// Time constant of the ratio between unary totals and slowness by streams, in seconds, and the one that it begins with.
const RATIO_MEMORY: f64 = 120.0;
const RATIO_FIRST: f64 = 2.5;

/// What the controller remembers from tick to tick. Opaque outside; serialised, a restart resumes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    pub(super) cohorts: Vec<CohortMemory>,
    pub(super) upstreams: Vec<UpstreamMemory>,
    pub(super) routes: Vec<RouteMemory>,
}

/// What a tick brings.
#[derive(Clone, Debug, PartialEq)]
pub struct Stepped {
    /// One a route, in the plan's order.
    pub decisions: Vec<Decision>,
    /// One an upstream, in the plan's order.
    pub orders: Vec<GateOrder>,
}

impl Memory {
    /// Nothing is known: the configured shares.
    pub fn new(plan: &Plan) -> Self {
        Self {
            cohorts: vec![CohortMemory::default(); plan.cohorts.len()],
            upstreams: vec![UpstreamMemory::new(false); plan.upstreams.len()],
            routes: plan.routes.iter().map(RouteMemory::new).collect(),
        }
    }

    /// What is known of a plan that follows another: upstreams and routes by name, cohorts by their first known member, in
    /// whose units those who join are re-expressed.
    /// Upstreams that are new while others work begin with a part of their share.
    pub fn carried(&self, old: &Plan, new: &Plan) -> Self {
        let place = |name: &UpstreamName| old.upstreams.binary_search(name).ok();
        // What no route names has no share to ramp up to.
        let mut routed = vec![false; new.upstreams.len()];
        for target in new.routes.iter().flat_map(|route| &route.targets) {
            routed[target.upstream] = true;
        }
        let known = |name| place(name).and_then(|i| self.upstreams.get(i).cloned());
        let names = new.upstreams.iter().zip(routed);
        let mut upstreams: Vec<UpstreamMemory> = names
            .map(|(name, routed)| known(name).unwrap_or_else(|| UpstreamMemory::new(routed)))
            .collect();
        let cohort_of = |name| self.cohorts.get(*old.cohort_of.get(place(name)?)?);
        let cohort = |members: &Vec<usize>| {
            let first = members
                .iter()
                .find_map(|i| cohort_of(&new.upstreams[*i]))
                .cloned()
                .unwrap_or_default();
            for i in members {
                // What a filter holds was divided by the reference of the cohort that its upstream comes from.
                if let Some(was) = cohort_of(&new.upstreams[*i]) {
                    upstreams[*i].move_to(was, &first);
                }
            }
            first
        };
        let cohorts: Vec<CohortMemory> = new.cohorts.iter().map(cohort).collect();
        for (upstream, timed) in upstreams.iter_mut().zip(&new.timed) {
            if !timed {
                upstream.times = Distribution::default();
            }
        }
        let before: HashMap<_, _> = old
            .routes
            .iter()
            .zip(&self.routes)
            .map(|(was, memory)| (&was.spec.name, (was, memory)))
            .collect();
        let route = |route: &super::plan::Route| match before.get(&route.spec.name) {
            Some((was, memory)) => {
                let mut carried = memory.carried(was, route, &upstreams);
                let old_cohort = self.cohorts.get(old.cohort(was));
                if let (Some(was), Some(is)) = (old_cohort, cohorts.get(new.cohort(route))) {
                    carried.refitted(is.seconds_at(was.reference) / is.typical_seconds());
                }
                carried
            }
            None => RouteMemory::new(route),
        };
        let mut carried = Self {
            routes: new.routes.iter().map(route).collect(),
            cohorts,
            upstreams,
        };
        carried.wake_whole_routes(new);
        carried
    }

    /// A route all of whose targets are newcomers has nobody to ramp against: they begin whole.
    fn wake_whole_routes(&mut self, plan: &Plan) {
        for (route, memory) in plan.routes.iter().zip(&mut self.routes) {
            let fresh = |target: &super::plan::Target| self.upstreams[target.upstream].is_untried();
            if route.targets.iter().all(fresh) {
                for target in &route.targets {
                    self.upstreams[target.upstream] = UpstreamMemory::new(false);
                }
                *memory = RouteMemory::new(route);
            }
        }
    }

    /// Those upstreams of `plan` that `renewed` says are called in another way now (another key, another address) are
    /// probed at once: what they are out for may be mended.
    pub fn probe_again(&mut self, plan: &Plan, renewed: impl Fn(&UpstreamName) -> bool) {
        for (name, upstream) in plan.upstreams.iter().zip(&mut self.upstreams) {
            if renewed(name) {
                upstream.health.probe_now();
            }
        }
    }

    /// Whether it is a memory of this plan's cohorts, upstreams, routes and targets, as far as their numbers tell.
    pub fn fits(&self, plan: &Plan) -> bool {
        let mut routes = plan.routes.iter().zip(&self.routes);
        self.cohorts.len() == plan.cohorts.len()
            && self.upstreams.len() == plan.upstreams.len()
            && self.routes.len() == plan.routes.len()
            && routes.all(|(route, memory)| memory.fits(route))
    }

    /// Halvings of the weight of scores since the beginning, in the order of the plan's routes: a score of then weighs 2 to
    /// the power of minus the difference.
    pub fn halvings(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        self.routes.iter().map(RouteMemory::halvings)
    }

    /// Of each upstream, in the plan's order, why it is out of traffic and whether a probe of it is under way; `None` of one
    /// that is not out.
    pub fn out(&self) -> impl ExactSizeIterator<Item = Option<(Cause, bool)>> + '_ {
        self.upstreams.iter().map(|upstream| upstream.health.out())
    }

    /// Of each upstream, in the plan's order, how many first tokens are later than expected, as of the last tick.
    pub fn late(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        self.upstreams.iter().map(UpstreamMemory::late)
    }

    /// Of each upstream, in the plan's order, how many probes of this replica's have failed since the beginning. One that hangs
    /// has failed when a tick finds it late, long before its request ends.
    pub fn failed_probes(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        let health = self.upstreams.iter().map(|upstream| &upstream.health);
        health.map(|health| health.failed_probes)
    }

    /// Of each upstream, in the plan's order, how many unary answers this replica's own requests were expected to bring since
    /// the beginning; counted only among several replicas.
    pub fn due(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        self.upstreams.iter().map(|upstream| upstream.due_here)
    }

    /// The tables in force, in the plan's order.
    pub fn tables(&self) -> impl ExactSizeIterator<Item = &WeightTable> {
        self.routes.iter().map(|route| &route.table)
    }
}

/// One tick. `input` has one entry for each of the plan's upstreams and routes, in their order.
pub fn step(plan: &Plan, memory: &mut Memory, input: &Input) -> Stepped {
    let Memory {
        cohorts,
        upstreams,
        routes,
    } = memory;
    for (route, arrived) in routes.iter_mut().zip(&input.routes) {
        route.count(arrived, input.elapsed);
    }
    let mut surroundings = Surroundings {
        plan,
        input,
        pools: pools(plan, upstreams),
        rates: rates(plan, routes, upstreams),
    };
    let refits = observe(&surroundings, cohorts, upstreams);
    for (route, memory) in plan.routes.iter().zip(&mut *routes) {
        memory.refitted(refits.get(plan.cohort(route)).copied().unwrap_or(1.0));
    }
    surroundings.pools = pools(plan, upstreams);
    let expected = Expected::of(&surroundings, cohorts, upstreams);
    let (decisions, bursts) = decide(&surroundings, &expected, cohorts, upstreams, routes);
    for (members, cohort) in plan.cohorts.iter().zip(&mut *cohorts) {
        learn_ratio(cohort, members, upstreams, input.elapsed);
    }
    let order = |(i, upstream): (usize, &UpstreamMemory)| {
        let (cohort, around) = (&cohorts[plan.cohort_of[i]], surroundings.around(i));
        let (estimate, cost) = (&expected.estimates[i], expected.costs[i]);
        upstream.order(cohort, &around, estimate, cost, bursts[i])
    };
    let orders = upstreams.iter().enumerate().map(order).collect();
    Stepped { decisions, orders }
}

/// What upstreams are judged against.
struct Surroundings<'a> {
    plan: &'a Plan,
    input: &'a Input,
    /// By cohort.
    pools: Vec<Pool>,
    /// By upstream.
    rates: Vec<Rates>,
}

impl Surroundings<'_> {
    fn around(&self, i: usize) -> Around<'_> {
        Around {
            now: self.input.now,
            elapsed: self.input.elapsed,
            pool: &self.pools[self.plan.cohort_of[i]],
            rates: self.rates[i],
            is_timed: self.plan.timed[i],
        }
    }
}

/// What is expected of upstreams, worked out once for all routes and gates.
struct Expected {
    estimates: Vec<Estimate>,
    prices: Vec<Option<Price>>,
    /// Dollars of a typical answer.
    costs: Vec<Option<f64>>,
}

impl Expected {
    fn of(
        surroundings: &Surroundings<'_>,
        cohorts: &[CohortMemory],
        upstreams: &[UpstreamMemory],
    ) -> Self {
        let (plan, input) = (surroundings.plan, surroundings.input);
        let mut expected = Self {
            estimates: Vec::with_capacity(upstreams.len()),
            prices: Vec::with_capacity(upstreams.len()),
            costs: Vec::with_capacity(upstreams.len()),
        };
        for (i, upstream) in upstreams.iter().enumerate() {
            let (cohort, around) = (&cohorts[plan.cohort_of[i]], surroundings.around(i));
            let price = input.upstreams.get(i).and_then(|told| told.price);
            let cost = price.map(|price| typical_cost(cohort, price, &upstream.prompts));
            let estimate = upstream.estimate(cohort, around.pool, around.now);
            expected.estimates.push(estimate);
            expected.prices.push(price);
            expected.costs.push(cost);
        }
        expected
    }
}

pub(super) fn pools(plan: &Plan, upstreams: &[UpstreamMemory]) -> Vec<Pool> {
    let members = plan.cohorts.iter();
    members
        .map(|members| Pool::of(members.iter().map(|i| &upstreams[*i])))
        .collect()
}

/// Takes the batches in. Whoever comes first in the plan must not be judged by less than the others: each part is done for
/// all before the next. Tells of each cohort by what a slowness is to be multiplied that was known before.
fn observe(
    surroundings: &Surroundings<'_>,
    cohorts: &mut [CohortMemory],
    upstreams: &mut [UpstreamMemory],
) -> Vec<f64> {
    let (plan, input) = (surroundings.plan, surroundings.input);
    for (i, (upstream, told)) in upstreams.iter_mut().zip(&input.upstreams).enumerate() {
        let cohort = &mut cohorts[plan.cohort_of[i]];
        upstream.hear(cohort, told, &surroundings.around(i));
    }
    for (i, (upstream, told)) in upstreams.iter_mut().zip(&input.upstreams).enumerate() {
        let cohort = &cohorts[plan.cohort_of[i]];
        upstream.judge(cohort, told, &surroundings.around(i));
    }
    for (i, (upstream, told)) in upstreams.iter().zip(&input.upstreams).enumerate() {
        let cohort = &mut cohorts[plan.cohort_of[i]];
        upstream.expose(cohort, told, &surroundings.around(i));
    }
    for (members, cohort) in plan.cohorts.iter().zip(&mut *cohorts) {
        cohort.mix(members.iter().filter_map(|i| input.upstreams.get(*i)));
        cohort.learn_noise(members.iter().map(|i| &upstreams[*i]));
        cohort.hazard.decay(input.elapsed);
        cohort.prompts = Usual::of(members.iter().map(|i| &upstreams[*i].prompts));
    }
    let mut own: Vec<Vec<&mut UpstreamMemory>> = Vec::new();
    own.resize_with(cohorts.len(), Vec::new);
    for (upstream, cohort) in upstreams.iter_mut().zip(&plan.cohort_of) {
        own[*cohort].push(upstream);
    }
    let refits = cohorts.iter_mut().zip(&mut own);
    refits.map(|(cohort, own)| cohort.refit(own)).collect()
}

/// Decides each route; tells which upstreams should get an extra request.
fn decide(
    surroundings: &Surroundings<'_>,
    expected: &Expected,
    cohorts: &[CohortMemory],
    upstreams: &[UpstreamMemory],
    routes: &mut [RouteMemory],
) -> (Vec<Decision>, Vec<bool>) {
    let (plan, input) = (surroundings.plan, surroundings.input);
    let mut bursts = vec![false; upstreams.len()];
    let mut decisions = Vec::with_capacity(plan.routes.len());
    for (route, memory) in plan.routes.iter().zip(routes) {
        let cohort = plan.cohort(route);
        let scene = Scene {
            now: input.now,
            elapsed: input.elapsed,
            upstreams,
            estimates: &expected.estimates,
            prices: &expected.prices,
            costs: &expected.costs,
            cohort: &cohorts[cohort],
            pool: &surroundings.pools[cohort],
        };
        let (decision, extra) = memory.decide(route, &scene);
        for i in extra {
            bursts[i] = true;
        }
        decisions.push(decision);
    }
    (decisions, bursts)
}

/// How many requests come to the upstreams' routes, and to them.
pub(super) fn rates(
    plan: &Plan,
    routes: &[RouteMemory],
    upstreams: &[UpstreamMemory],
) -> Vec<Rates> {
    let mut rates = vec![Rates::default(); upstreams.len()];
    for (route, memory) in plan.routes.iter().zip(routes) {
        let demand = memory.demand();
        let takers = route.targets.iter().filter(|target| target.anchor > 0.0);
        let even = demand / takers.count().max(1) as f64;
        for (target, share) in route.targets.iter().zip(memory.in_force()) {
            let rates = &mut rates[target.upstream];
            if target.anchor > 0.0 {
                rates.demand += demand;
                rates.even += even;
            }
            rates.expected += demand * share;
        }
    }
    for (rates, upstream) in rates.iter_mut().zip(upstreams) {
        // Request lists send here too.
        let ends = upstream.ends();
        rates.demand = rates.demand.max(ends);
        rates.even = rates.even.max(ends);
    }
    rates
}

/// What a cohort learns from those of its members that have both kinds of answers, at the end of a tick.
///
/// After the decisions, so that each answer is judged by a ratio that it had no part in: a target's late unary answer would
/// else make the unary answers of all the others count for quicker, more of some than of others, and the shares that move
/// among them may come to the target that was late.
fn learn_ratio(
    cohort: &mut CohortMemory,
    members: &[usize],
    upstreams: &[UpstreamMemory],
    elapsed: f64,
) {
    let part = cohort.first_part();
    let both = members
        .iter()
        .filter_map(|i| upstreams[*i].both_kinds(part));
    let (weights, sum) = both.fold((0.0, 0.0), |(weights, sum), (weight, ratio)| {
        (weights + weight, sum + weight * ratio)
    });
    if weights > 0.0 {
        // The plain mean while young, so that the first answers count for no more than the others.
        let gain = (elapsed / cohort.age.clamp(RATIO_FIRST, RATIO_MEMORY)).min(1.0);
        let ratio = (sum / weights).exp().clamp(RATIO.0, RATIO.1);
        cohort.unary_ratio += gain * (ratio - cohort.unary_ratio);
    }
    cohort.age += elapsed;
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
