//! What the controller works for: upstreams, routes and what people configured. Plain checked data, made from the
//! configuration by the daemon and from scenarios by the simulator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::decision::is_nothing;
use super::goal::{Goal, Statistic};
use super::overruled::Overruled;
use super::table::{WeightTable, in_tiers};
use super::trial::Trial;
use super::{Share, Weight};
use crate::model::{Price, RouteName, TargetName, UpstreamName};

/// How shares come about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The configured shares; ejection, blocks and failover still act.
    Fixed,
    /// Shares follow latency, cost and errors around the configured ones.
    #[default]
    Adaptive,
    /// Another core on the same safety layer, for comparisons: no configuration can say it.
    #[serde(skip)]
    Trial(Trial),
}

/// How much each part of the loss counts; see [`super::step()`] for the formula.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Weight of latency.
    pub latency: f64,
    /// Weight of cost.
    pub cost: f64,
    /// Weight of errors.
    pub errors: f64,
    /// Weight of what applications say of the answers; 0 is off.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub quality: f64,
    /// What a second is worth, in dollars: then latency and cost count as the money that they are, and their weights
    /// above do not.
    pub second_is_worth: Option<f64>,
    /// Which latency is compared.
    pub statistic: Statistic,
}

impl Objective {
    const fn weighing(latency: f64, cost: f64, errors: f64) -> Self {
        Self {
            latency,
            cost,
            errors,
            quality: 0.0,
            second_is_worth: None,
            statistic: Statistic::Mean,
        }
    }

    const fn and_quality(self, quality: f64) -> Self {
        Self { quality, ..self }
    }

    /// The presets by name.
    pub const PRESETS: &[(&str, Self)] = &[
        ("balanced", Self::weighing(1.0, 0.5, 5.0)),
        ("latency", Self::weighing(1.0, 0.0, 5.0)),
        ("cost", Self::weighing(0.3, 2.0, 5.0)),
        ("quality", Self::weighing(0.3, 0.3, 5.0).and_quality(5.0)),
    ];
}

impl Default for Objective {
    /// The preset `balanced`.
    fn default() -> Self {
        Self::weighing(1.0, 0.5, 5.0)
    }
}

/// A route as asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteSpec {
    /// Its name.
    pub name: RouteName,
    /// How its shares come about.
    pub strategy: Strategy,
    /// How much latency, cost and errors count.
    pub objective: Objective,
    /// What is good enough: comes before the objective.
    pub goal: Goal,
    /// The mean score below which a target leaves, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_quality: Option<f64>,
    /// Whether shares may move between different models.
    pub mix_models: bool,
    /// Whether requests stay with their conversation's target, so that moving shares costs caches.
    pub sticky: bool,
    /// Its targets, at least one of weight > 0.
    pub targets: Vec<TargetSpec>,
}

/// A target as asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetSpec {
    /// Its name within the route.
    pub name: TargetName,
    /// What serves it.
    pub upstream: UpstreamName,
    /// The configured weight, relative within the tier.
    pub weight: Weight,
    /// Lower tiers are filled first; all the same is no tiers.
    pub tier: u8,
    /// The share it is never given less of while it works.
    pub min_share: Share,
    /// The share it is never given more of.
    pub max_share: Share,
    /// A price of its own (prepaid is 0); `None` takes its upstream's.
    pub price: Option<Price>,
    /// The share that the files ask for, where an operator's order makes it another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_filed: Option<Share>,
    /// The operator's order that made weight or bounds what they are, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overruled: Option<Overruled>,
}

/// A target with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) spec: TargetSpec,
    /// Position among the plan's upstreams.
    pub(super) upstream: usize,
    /// The configured share, as a fraction of the route.
    pub(super) anchor: f64,
}

/// A route with the places of its targets.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Route {
    pub(super) spec: RouteSpec,
    pub(super) targets: Vec<Target>,
    /// The targets' configured shares, and the table nearest to them.
    pub(super) anchors: Vec<f64>,
    pub(super) configured: WeightTable,
    /// Targets among which shares move: all of them, or one group a model.
    pub(super) groups: Vec<Vec<usize>>,
    /// Each group's targets by tier, the lowest first.
    pub(super) tiers: Vec<Vec<Vec<usize>>>,
}

/// Everything that the controller works for.
///
/// Upstreams that share a route are compared with each other, so they form a *cohort*: the connected components of
/// "serves the same route". Evidence from unrelated models would only blur the comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub(super) upstreams: Vec<UpstreamName>,
    pub(super) routes: Vec<Route>,
    /// The cohort of each upstream.
    pub(super) cohort_of: Vec<usize>,
    /// The members of each cohort.
    pub(super) cohorts: Vec<Vec<usize>>,
    /// Of each upstream, whether a route asks how its times are distributed: for a level or a percentile.
    pub(super) timed: Vec<bool>,
}

impl Plan {
    /// The plan of these routes, with further upstreams that no route names.
    pub fn new(routes: Vec<RouteSpec>, strangers: impl IntoIterator<Item = UpstreamName>) -> Self {
        let named = routes
            .iter()
            .flat_map(|route| &route.targets)
            .map(|t| t.upstream.clone());
        let index: BTreeMap<UpstreamName, usize> = named
            .chain(strangers)
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .enumerate()
            .map(|(i, name)| (name, i))
            .collect();
        let routes: Vec<Route> = routes
            .into_iter()
            .map(|spec| Route::new(spec, &index))
            .collect();
        let upstreams: Vec<UpstreamName> = index.into_keys().collect();
        let cohort_of = components(upstreams.len(), &routes);
        let count = cohort_of.iter().max().map_or(0, |most| most + 1);
        let mut cohorts = vec![Vec::new(); count];
        for (i, cohort) in cohort_of.iter().enumerate() {
            cohorts[*cohort].push(i);
        }
        let mut timed = vec![false; upstreams.len()];
        let asks = |route: &&Route| {
            let (goal, objective) = (&route.spec.goal, &route.spec.objective);
            !goal.levels.is_empty() || objective.statistic.above().is_some()
        };
        for target in routes.iter().filter(asks).flat_map(|route| &route.targets) {
            timed[target.upstream] = true;
        }
        Self {
            upstreams,
            routes,
            cohort_of,
            cohorts,
            timed,
        }
    }

    /// The cohort of a route's targets.
    pub(super) fn cohort(&self, route: &Route) -> usize {
        let first = route.targets.first();
        first.map_or(0, |target| self.cohort_of[target.upstream])
    }

    /// Upstreams, in the order of [`super::Input::upstreams`].
    pub fn upstreams(&self) -> &[UpstreamName] {
        &self.upstreams
    }

    /// Of each upstream, whether a route asks how its times are distributed.
    pub fn timed(&self) -> &[bool] {
        &self.timed
    }

    /// Routes, in the order of [`super::Input::routes`].
    pub fn routes(&self) -> impl ExactSizeIterator<Item = &RouteSpec> {
        self.routes.iter().map(|route| &route.spec)
    }
}

impl Route {
    /// Whether some targets come before others.
    pub(super) fn has_tiers(&self) -> bool {
        self.tiers.iter().any(|tiers| tiers.len() > 1)
    }

    fn new(spec: RouteSpec, index: &BTreeMap<UpstreamName, usize>) -> Self {
        let weights: Vec<(Weight, u8)> = spec
            .targets
            .iter()
            .map(|target| (target.weight, target.tier))
            .collect();
        let place = |(target, anchor): (&TargetSpec, f64)| Target {
            upstream: index.get(&target.upstream).copied().unwrap_or_default(),
            anchor,
            spec: target.clone(),
        };
        let targets: Vec<Target> = spec
            .targets
            .iter()
            .zip(in_tiers(&weights))
            .map(place)
            .collect();
        let groups = if spec.mix_models {
            vec![(0..targets.len()).collect()]
        } else {
            by_model(&targets)
        };
        let tiers = groups
            .iter()
            .map(|group| by_tier(&targets, group))
            .collect();
        let anchors: Vec<f64> = targets.iter().map(|target| target.anchor).collect();
        Self {
            spec,
            configured: WeightTable::nearest(&anchors, &anchors),
            anchors,
            targets,
            groups,
            tiers,
        }
    }
}

fn by_tier(targets: &[Target], group: &[usize]) -> Vec<Vec<usize>> {
    let mut tiers: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
    for i in group {
        tiers.entry(targets[*i].spec.tier).or_default().push(*i);
    }
    tiers.into_values().collect()
}

fn by_model(targets: &[Target]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, target) in targets.iter().enumerate() {
        groups
            .entry(target.spec.upstream.model())
            .or_default()
            .push(i);
    }
    groups.into_values().collect()
}

/// Numbers the connected components of upstreams that share a route, in the order of their first members.
fn components(upstreams: usize, routes: &[Route]) -> Vec<usize> {
    let mut above: Vec<usize> = (0..upstreams).collect();
    for route in routes {
        let Some(first) = route.targets.first() else {
            continue;
        };
        for target in &route.targets {
            let (a, b) = (
                first_member(&mut above, first.upstream),
                first_member(&mut above, target.upstream),
            );
            above[a.max(b)] = a.min(b);
        }
    }
    let mut numbers = BTreeMap::new();
    (0..upstreams)
        .map(|i| {
            let next = numbers.len();
            *numbers.entry(first_member(&mut above, i)).or_insert(next)
        })
        .collect()
}

/// The first member of the component that `place` is in. Each place knows one above it; ways are halved while they are
/// walked, so that thousands of upstreams cost hardly more than their number.
fn first_member(above: &mut [usize], mut place: usize) -> usize {
    while above[place] != place {
        above[place] = above[above[place]];
        place = above[place];
    }
    place
}

#[cfg(test)]
#[path = "plan_tests.rs"]
pub(super) mod tests;
