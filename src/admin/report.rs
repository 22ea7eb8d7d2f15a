//! A route's shares with what led to them, as the API shows them and `status` and `explain` read them.
//!
//! What the controller decided comes in the shape and the sentences of [`balance`](crate::balance); beside it stands what
//! was measured in the last minute. The shares are those in force, also in the quarter of a second after a start or a
//! reload in which the last decision is about another table, or there is none.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Admin;
use crate::balance::{
    Decision, Evidence, Health, Rail, Row, Strategy, TargetView, Terms, explain, view,
};
use crate::config::Mode;
use crate::live::{Member, Route};
use crate::model::{RouteName, TargetIndex, Time};

/// All routes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reports {
    /// Counts configurations that were put in force.
    pub config_generation: u64,
    /// Seconds since the controller last decided.
    pub decided_seconds_ago: f64,
    /// By name.
    pub routes: Vec<RouteReport>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteReport {
    /// Its name.
    pub route: RouteName,
    /// How its shares come about.
    pub strategy: Strategy,
    /// Whether the controller decides, and is obeyed.
    pub mode: Mode,
    /// What they are after, in words.
    #[serde(default)]
    pub aims: String,
    /// Counts the tables published for it.
    pub table_version: u64,
    /// Requests per second, smoothed.
    pub demand: f64,
    /// Its targets, in the order of the configuration.
    pub targets: Vec<TargetReport>,
    /// The same in sentences: one for the route, one for each target.
    pub explanation: Vec<String>,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetReport {
    /// What was decided. Its `actual` is the part of first picks since the start or since the route's targets changed.
    #[serde(flatten)]
    pub view: TargetView,
    /// Milliseconds to the first token in the last minute: median, 95th, 99th percentile.
    pub first_token_ms: Option<[f64; 3]>,
    /// Milliseconds of whole answers in the last minute: the same.
    pub total_ms: Option<[f64; 3]>,
    /// Median dollars of 1,000 tokens of the last minute's answers; `None` without a price.
    pub usd_per_1k_tokens: Option<f64>,
    /// Dollars since the start, over all routes that use the same upstream.
    pub spent_usd: f64,
    /// Calls that have ended since the start, over all routes that use the same upstream.
    pub calls: u64,
    /// How many of them failed: faults, refusals for lack of capacity, and what is wrong with our credential or model
    /// name there.
    pub failed: u64,
    /// Calls under way, over all routes that use the same upstream.
    pub in_flight: u32,
}

/// The route of this name.
pub(super) fn report(admin: &Admin, name: &str) -> Option<RouteReport> {
    let snapshot = admin.published.read();
    let route = snapshot.route(name)?;
    Some(of(admin, route, admin.clock.now()))
}

/// All routes.
pub(super) fn reports(admin: &Admin) -> Reports {
    let snapshot = admin.published.read();
    let now = admin.clock.now();
    Reports {
        config_generation: snapshot.generation,
        decided_seconds_ago: now.secs_since(admin.board.decided_at()),
        routes: snapshot
            .routes
            .iter()
            .map(|it| of(admin, it, now))
            .collect(),
    }
}

fn of(admin: &Admin, route: &Route, now: Time) -> RouteReport {
    let last = admin.board.decision(&route.label);
    let decision = current(route, last.as_deref(), now);
    let shown = view(&decision, route.table_version, &actual(route));
    let targets = shown.targets.into_iter().zip(route.members.iter());
    RouteReport {
        route: shown.route,
        strategy: shown.strategy,
        mode: route.config.mode,
        aims: shown.aims,
        table_version: shown.table_version,
        demand: shown.demand,
        targets: targets
            .map(|(view, member)| measured(view, member, now))
            .collect(),
        explanation: explain(&decision),
    }
}

/// Each target's part of first picks; empty before the first.
fn actual(route: &Route) -> Vec<f64> {
    let picked = route.cells.picked_ever();
    let all: u64 = picked.iter().sum();
    if all == 0 {
        return Vec::new();
    }
    picked
        .iter()
        .map(|mine| *mine as f64 / all as f64)
        .collect()
}

/// The last decision, about the targets and the shares that are in force now.
fn current(route: &Route, last: Option<&Decision>, now: Time) -> Decision {
    let rows = (0..route.config.targets.len()).filter_map(|i| row(route, last, i));
    Decision {
        route: route.config.name.clone(),
        at: last.map_or(now, |decision| decision.at),
        strategy: route.config.strategy,
        goal: route.config.goal.clone(),
        objective: route.config.objective,
        demand: last.map_or(0.0, |decision| decision.demand),
        table: route.granted.clone(),
        moved: last.is_some_and(|decision| decision.moved),
        rows: rows.collect(),
    }
}

/// The row of the target at `index`: what the last decision says about it, if it was about this one.
fn row(route: &Route, last: Option<&Decision>, index: usize) -> Option<Row> {
    let target = route.config.targets.get(index)?;
    let place = TargetIndex::at(index);
    let (configured, granted) = (route.configured.share(place), route.granted.share(place));
    let decided = last.and_then(|decision| {
        let mut rows = decision.rows.iter();
        rows.find(|row| row.name == target.name && row.upstream == target.upstream.name)
    });
    if let Some(row) = decided {
        return Some(Row {
            configured,
            granted,
            ..row.clone()
        });
    }
    Some(Row {
        name: target.name.clone(),
        upstream: target.upstream.name.clone(),
        tier: target.tier,
        configured,
        proposed: configured,
        granted,
        samples: 0,
        confidence: 0.0,
        health: Health::Serving,
        blocked_until: Time::ZERO,
        terms: Terms::default(),
        evidence: Evidence::default(),
        levels: Vec::new(),
        rails: BTreeSet::from([Rail::ColdStart]),
    })
}

fn measured(view: TargetView, member: &Member, now: Time) -> TargetReport {
    let recently = member.upstream.recently(now);
    let totals = member.upstream.totals();
    TargetReport {
        view,
        first_token_ms: recently.first_token_ms,
        total_ms: recently.total_ms,
        usd_per_1k_tokens: recently.usd_per_1k_tokens,
        spent_usd: totals.cost.usd(),
        calls: totals.attempts(),
        failed: totals.failed(),
        in_flight: member.upstream.gate().in_flight,
    }
}
