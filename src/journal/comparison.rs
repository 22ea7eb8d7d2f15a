//! The same inputs before another strategy or another configuration: what would have differed?

use std::collections::BTreeMap;

use serde::Serialize;

use super::follower::{Follower, Other};
use super::replay::{Heard, Replay};
use crate::balance::Decision;
use crate::model::{RouteName, TargetName};

/// Half the sum of absolute differences from which two tables are told apart.
const APART: f64 = 0.02;

/// How two controllers differ over a journal.
#[derive(Debug)]
pub struct Comparison {
    follower: Follower,
    routes: BTreeMap<RouteName, Tally>,
}

/// Sums over the ticks of one route.
#[derive(Debug, Default)]
struct Tally {
    ticks: u64,
    seconds: f64,
    apart: f64,
    first_apart: Option<u64>,
    distance: f64,
    farthest: (f64, Option<u64>),
    /// Σ share × seconds: then, and by the other.
    shares: BTreeMap<TargetName, [f64; 2]>,
    order: Vec<TargetName>,
}

/// What would have differed on one route.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RouteDifference {
    /// The route.
    pub route: RouteName,
    /// Ticks on which both decided.
    pub ticks: u64,
    /// Seconds that they cover.
    pub seconds: f64,
    /// Seconds in which the shares were more than 2 points apart.
    pub seconds_apart: f64,
    /// When they first were, in microseconds since 1970.
    pub first_apart_us: Option<u64>,
    /// The mean distance of the shares: half the sum of absolute differences, 0 to 1.
    pub mean_distance: f64,
    /// The largest.
    pub farthest: f64,
    /// When it was, in microseconds since 1970.
    pub farthest_at_us: Option<u64>,
    /// Mean shares by target, in the route's order.
    pub targets: Vec<TargetDifference>,
}

/// Mean shares of one target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetDifference {
    /// Its name.
    pub name: TargetName,
    /// Then.
    pub recorded: f64,
    /// By the other.
    pub other: f64,
}

impl Comparison {
    /// A comparison with `other`.
    pub fn new(other: Other) -> Self {
        Self {
            follower: Follower::new(other),
            routes: BTreeMap::new(),
        }
    }

    /// `replay` has read a line, and this is what it was.
    pub fn follow(&mut self, replay: &Replay, heard: &Heard) {
        let step = match heard {
            Heard::Config => return self.follower.configured(replay.player()),
            Heard::Checkpoint => return self.follower.resumed(replay.player()),
            Heard::Draw(_) | Heard::Other => return,
            Heard::Tick(step) => step,
        };
        let Some(other) = self.follower.step(replay.player(), step) else {
            return;
        };
        let at = replay.unix_us(step.input.now);
        for ours in &other.decisions {
            let same = |theirs: &&Decision| theirs.route == ours.route;
            let Some(theirs) = step.stepped.decisions.iter().find(same) else {
                continue;
            };
            let tally = self.routes.entry(ours.route.clone()).or_default();
            tally.add(at, step.input.elapsed, [theirs, ours]);
        }
    }

    /// What would have differed, by route.
    pub fn differences(&self) -> Vec<RouteDifference> {
        let of = |(route, tally): (&RouteName, &Tally)| tally.difference(route);
        self.routes.iter().map(of).collect()
    }
}

impl Tally {
    /// Takes a tick in: the decisions of then and of the other.
    fn add(&mut self, at: u64, elapsed: f64, pair: [&Decision; 2]) {
        self.ticks += 1;
        self.seconds += elapsed;
        let mut distances: BTreeMap<&TargetName, f64> = BTreeMap::new();
        for (side, decision) in pair.into_iter().enumerate() {
            for (row, share) in decision.rows.iter().zip(decision.table.shares()) {
                if !self.shares.contains_key(&row.name) {
                    self.order.push(row.name.clone());
                }
                let sums = self.shares.entry(row.name.clone()).or_default();
                sums[side] += share.fraction() * elapsed;
                let sign = if side == 0 { 1.0 } else { -1.0 };
                *distances.entry(&row.name).or_default() += sign * share.fraction();
            }
        }
        let distance = distances.values().map(|d| d.abs()).sum::<f64>() / 2.0;
        self.distance += distance * elapsed;
        if distance > APART {
            self.apart += elapsed;
            self.first_apart.get_or_insert(at);
        }
        if distance > self.farthest.0 {
            self.farthest = (distance, Some(at));
        }
    }

    fn difference(&self, route: &RouteName) -> RouteDifference {
        let seconds = self.seconds.max(1e-9);
        let target = |name: &TargetName| {
            let [recorded, other] = self.shares.get(name).copied().unwrap_or_default();
            TargetDifference {
                name: name.clone(),
                recorded: recorded / seconds,
                other: other / seconds,
            }
        };
        RouteDifference {
            route: route.clone(),
            ticks: self.ticks,
            seconds: self.seconds,
            seconds_apart: self.apart,
            first_apart_us: self.first_apart,
            mean_distance: self.distance / seconds,
            farthest: self.farthest.0,
            farthest_at_us: self.farthest.1,
            targets: self.order.iter().map(target).collect(),
        }
    }
}
