//! What is remembered about one route, and how a tick decides its shares: `decide`.

use serde::{Deserialize, Serialize};

use super::cohort::{CohortMemory, Pool};
use super::decision::{Decision, Rail};
use super::health::Health;
use super::plan::{Route, Strategy};
use super::project::{Bounds, project};
use super::quality::{Ageing, Best, Scores};
use super::rate::Rate;
use super::signal::{Before, Compared, Known, signals, typical_cost};
use super::strategy::Candidate;
use super::upstream::{Estimate, UpstreamMemory};
use super::{RouteInput, WeightTable};
use crate::model::{Price, Time};

mod bursts;
mod carried;
mod kept;
mod mend;
mod quality;
mod response;
mod rows;
mod share_out;
mod tables;
mod tiers;

use bursts::BURST_MOST;
use response::Response;
use rows::rows;
use share_out::{Outcome, outage_shares};
use tiers::spill_blocked;

/// Changes of less than this (half the sum of absolute differences) are not published, unless somebody starts or stops
/// getting traffic.
const DEAD_BAND: f64 = 0.005;
/// How long a target that fell sick is explored more.
const SICK_MEMORY: f64 = 600.0;
/// A sudden slowness makes a target sick if it had this part of its configured share within so many seconds: what is
/// still out often takes the share away before the slow answers that prove it come in.
const FELL_FROM: f64 = 0.5;
const FELL_WITHIN: f64 = 10.0;
/// A target counts as well again above this part of its configured share, this many seconds after the alarm.
const WELL_PART: f64 = 0.7;
const WELL_AFTER: f64 = 10.0;
/// A block this close to its end is not worth a new table, in seconds.
const BLOCK_WORTH: f64 = 0.3;

/// What is remembered about one target of a route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct TargetMemory {
    /// The share after the last tick, before the dead-band.
    share: f64,
    /// The share in force, before it was rounded to the table: what is learned must not hang on whom rounding favours, which
    /// is the order of the targets.
    #[serde(default)]
    in_force: Option<f64>,
    /// The share it had when it was ejected.
    before_ejection: f64,
    was_serving: bool,
    /// When it last had a fair part of its configured share.
    had_share_at: Option<Time>,
    /// When it last fell sick, while it is not well.
    sick: Option<Time>,
    returned_at: Option<Time>,
    burst_at: Option<Time>,
    /// On a sticky route: the gap that its share goes by.
    #[serde(default)]
    followed: f64,
    /// How its loss answers to its share.
    #[serde(default)]
    response: Response,
    /// What applications said of its answers.
    #[serde(default, skip_serializing_if = "Scores::is_empty")]
    scores: Scores,
}

/// What is remembered about one route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RouteMemory {
    targets: Vec<TargetMemory>,
    /// The shares in force.
    pub(super) table: WeightTable,
    /// How many requests come.
    #[serde(default)]
    arrivals: Rate,
    mean_slowness: Option<f64>,
    /// Saved-up extra requests.
    bursts: f64,
    /// How old scores have become, and what they are compared with.
    #[serde(default, skip_serializing_if = "is_new")]
    ageing: Ageing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    best: Option<Best>,
}

/// Whether nobody ever rated anything.
fn is_new(ageing: &Ageing) -> bool {
    *ageing == Ageing::default()
}

/// What a decision is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    pub(super) now: Time,
    pub(super) elapsed: f64,
    pub(super) upstreams: &'a [UpstreamMemory],
    /// By upstream: what is expected of it now, its price, and dollars of a typical answer at that.
    pub(super) estimates: &'a [Estimate],
    pub(super) prices: &'a [Option<Price>],
    pub(super) costs: &'a [Option<f64>],
    pub(super) cohort: &'a CohortMemory,
    pub(super) pool: &'a Pool,
}

impl RouteMemory {
    /// A route that nothing is known of: the configured shares.
    pub(super) fn new(route: &Route) -> Self {
        let target = |anchor: &f64| TargetMemory {
            share: *anchor,
            in_force: Some(*anchor),
            before_ejection: *anchor,
            was_serving: true,
            ..TargetMemory::default()
        };
        Self {
            targets: route.anchors.iter().map(target).collect(),
            table: route.configured.clone(),
            arrivals: Rate::default(),
            mean_slowness: None,
            bursts: BURST_MOST,
            ageing: Ageing::default(),
            best: None,
        }
    }

    /// The shares in force, as fractions.
    pub(super) fn in_force(&self) -> impl Iterator<Item = f64> {
        let shares = self.targets.iter().zip(self.table.shares());
        shares.map(|(memory, share)| memory.in_force.unwrap_or_else(|| share.fraction()))
    }

    /// Whether it is a memory of as many targets.
    pub(super) fn fits(&self, route: &Route) -> bool {
        let targets = route.targets.len();
        self.targets.len() == targets && self.table.len() == targets
    }

    /// Takes the arrivals in, and what was said of answers.
    pub(super) fn count(&mut self, input: &RouteInput, elapsed: f64) {
        self.arrivals.count(f64::from(input.arrivals), elapsed);
        self.hear(&input.scores, elapsed);
    }

    /// Requests per second, smoothed.
    pub(super) fn demand(&self) -> f64 {
        self.arrivals.per_second()
    }

    /// The reference of its cohort has moved: what is remembered in units of it is multiplied by `factor`.
    pub(super) fn refitted(&mut self, factor: f64) {
        self.mean_slowness = self.mean_slowness.map(|mean| mean * factor);
        for target in &mut self.targets {
            target.response.rescale(factor);
        }
    }

    /// One tick: the next table with its reasons, and the upstreams that should get an extra request.
    pub(super) fn decide(&mut self, route: &Route, scene: &Scene<'_>) -> (Decision, Vec<usize>) {
        let Compared {
            signals,
            mean_slowness,
            next_mean,
        } = self.compare(route, scene);
        self.mean_slowness = mean_slowness;
        let healths = self.healths(route, scene);
        self.respond(scene, &signals, &healths);
        let admission = self.admission(route, &healths);
        let healths = admission.of(healths);
        let candidates: Vec<Candidate<'_>> = route
            .targets
            .iter()
            .zip(&signals)
            .zip(&healths)
            .map(|((t, signal), (_, ramp))| Candidate {
                anchor: t.anchor,
                signal,
                ramp: *ramp,
            })
            .collect();
        let outage = candidates.iter().all(|c| c.ramp <= 0.0 || c.anchor <= 0.0);
        let strategy = route.spec.strategy;
        let mut outcome = if outage {
            outage_shares(route)
        } else {
            self.groups(route, scene, &candidates, &healths)
        };
        let bursts = match (outage, strategy) {
            (false, Strategy::Adaptive | Strategy::Trial(_)) => {
                self.bursts(route, scene, &signals, &outcome)
            }
            _ => Vec::new(),
        };
        self.remember(route, scene, &outcome);
        self.mean_slowness = next_mean;
        self.note_best(route, scene);
        self.mark_away(&admission, &mut outcome);
        let (table, moved) = self.publish(route, scene, &mut outcome);
        let rows = rows(route, scene, &signals, outcome, &table);
        let decision = Decision {
            route: route.spec.name.clone(),
            at: scene.now,
            strategy,
            goal: route.spec.goal.clone(),
            objective: route.spec.objective,
            min_quality: route.spec.min_quality,
            demand: self.demand(),
            table,
            moved,
            rows,
        };
        (decision, bursts)
    }

    fn compare(&self, route: &Route, scene: &Scene<'_>) -> Compared {
        let targets = route.targets.iter().zip(&self.targets);
        let known = targets.zip(self.in_force()).map(|((target, told), share)| {
            let (i, own) = (target.upstream, target.spec.price);
            let memory = &scene.upstreams[i];
            let cost = |price| typical_cost(scene.cohort, price, &memory.prompts);
            Known {
                memory,
                estimate: &scene.estimates[i],
                price: own.or(scene.prices[i]),
                cost: own.map_or(scene.costs[i], |price| Some(cost(price))),
                anchor: target.anchor,
                share,
                scores: &told.scores,
            }
        });
        let known: Vec<Known<'_>> = known.collect();
        signals(
            &route.spec,
            &known,
            scene.cohort,
            scene.pool,
            Before {
                mean_slowness: self.mean_slowness,
                best: self.best.as_ref(),
            },
            scene.now,
            scene.elapsed,
        )
    }

    /// Each target's health and ramp; notes who went and who came back.
    fn healths(&mut self, route: &Route, scene: &Scene<'_>) -> Vec<(Health, f64)> {
        let mut healths = Vec::with_capacity(route.targets.len());
        for (target, memory) in route.targets.iter().zip(&mut self.targets) {
            let upstream = &scene.upstreams[target.upstream];
            let serving = upstream.health.is_serving();
            if memory.was_serving && !serving {
                memory.before_ejection = memory.share;
            }
            if !memory.was_serving && serving {
                memory.returned_at = Some(scene.now);
            }
            if memory.share >= FELL_FROM * target.anchor {
                memory.had_share_at = Some(scene.now);
            }
            let lately = |at: Time| scene.now.secs_since(at) < FELL_WITHIN;
            if !serving || (upstream.alarm && memory.had_share_at.is_some_and(lately)) {
                memory.sick = Some(scene.now);
            }
            memory.was_serving = serving;
            healths.push((upstream.health.state, upstream.health.ramp()));
        }
        healths
    }

    fn remember(&mut self, route: &Route, scene: &Scene<'_>, outcome: &Outcome) {
        for (i, memory) in self.targets.iter_mut().enumerate() {
            memory.share = outcome.shares[i];
            let well = outcome.shares[i] > WELL_PART * route.targets[i].anchor
                && memory
                    .sick
                    .is_some_and(|at| scene.now.secs_since(at) > WELL_AFTER);
            if well {
                memory.sick = None;
            }
        }
    }
}
