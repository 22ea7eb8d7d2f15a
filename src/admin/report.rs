//! A route's shares with what led to them, as the API shows them and `status` and `explain` read them.
//!
//! What the controller decided comes in the shape and the sentences of [`balance`](crate::balance); beside it stands what
//! was measured in the last minute. The shares are those in force, also in the quarter of a second after a start or a
//! reload in which the last decision is about another table, or there is none.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Admin;
use super::budgets::{self, BudgetReport};
use super::chance::{self, wilson};
use super::fleet::{self, SameName};
use super::history::{Doings, Lately};
use super::near::{nearest, unknown};
use super::reply::{self, Reply};
use crate::balance::{
    Decision, Evidence, Health, Rail, Row, Strategy, TargetView, Terms, explain, view,
};
use crate::config::{Mode, Problem, StandingOrder};
use crate::live::{Clock, Member, Route};
use crate::model::{RouteName, TargetIndex, Time};

/// All routes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reports {
    /// Counts configurations that were put in force.
    pub config_generation: u64,
    /// Seconds since the controller last decided.
    pub decided_seconds_ago: f64,
    /// Whether the kill switch is off: configured shares, nothing guarded.
    #[serde(default)]
    pub switch_off: bool,
    /// What is wrong with the files as they are now; left out where they are in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusedFiles>,
    /// The other replicas; left out where there may be none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterState>,
    /// By name.
    pub routes: Vec<RouteReport>,
    /// What may be spent and what was; left out where there is no budget.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<BudgetReport>,
}

/// Whether this replica decides with the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterState {
    /// `joined`, or `degraded`: out of reach of the others, which it goes on without.
    pub state: String,
    /// Since when, in seconds since 1970.
    pub since: f64,
    /// Why it is out of reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Replicas that were heard of in the last five seconds and have not left, this one counted.
    pub replicas: usize,
    /// Another process that calls itself as this replica does; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_name: Option<SameName>,
}

/// Files that were read and are not in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedFiles {
    /// Since when no read was good, in seconds since 1970.
    pub since: f64,
    /// Since when the configuration is in force that goes on instead, in seconds since 1970.
    pub serving_since: f64,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteReport {
    /// Its name.
    #[schemars(with = "String")]
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
    /// Operators' orders about it. One that does not name it among its `routes` does nothing here, and says why in `idle`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<StandingOrder>,
    /// That this replica is out of reach of the others and decides by itself, since when, and with which part of the fleet's
    /// room; left out where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<String>,
    /// The same in sentences: one for the route, one for each target, one for each order, the kill switch where it is off, and
    /// what `apart` says.
    pub explanation: Vec<String>,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetReport {
    /// What was decided. Its `actual` is the part of first picks since the start or since the route's targets changed.
    #[serde(flatten)]
    pub view: TargetView,
    /// Milliseconds to the first token in the last minute: median, 95th, 99th percentile.
    pub first_token_ms: Option<[f64; 3]>,
    /// Milliseconds of whole answers in the last minute: the same.
    pub total_ms: Option<[f64; 3]>,
    /// Median dollars of 1,000 tokens, those of prompt and answer together, by the last minute's answers; `None` without a
    /// price.
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
    /// Requests of the route that were sent there first in the last minute.
    #[serde(default)]
    pub requests_last_minute: u64,
    /// Where the part of first picks that it should have got lies, by those of the last minute: Wilson's interval of
    /// 95 %; `None` without any.
    #[serde(default)]
    pub interval: Option<[f64; 2]>,
    /// Until when a spent budget keeps requests away (`at_limit = "avoid"`) or has them refused (`"refuse"`), in seconds
    /// since 1970; left out where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent_until: Option<f64>,
    /// Whether the part that it got differs from its share by more than chance.
    #[serde(default)]
    pub noise: String,
    /// Calls of the route that ended there in the last minute otherwise than with an answer, by outcome.
    #[serde(default)]
    pub errors: BTreeMap<String, u64>,
    /// The part of prompts' tokens that came from a cache in the last minute; `None` if none are known.
    #[serde(default)]
    pub cached_ratio: Option<f64>,
    /// Times to the first token in the last minute: an upper bound in milliseconds, and how many were at most that and
    /// above the one before.
    #[serde(default)]
    pub first_token_histogram: Vec<(f64, u64)>,
    /// The same of whole answers.
    #[serde(default)]
    pub latency_histogram: Vec<(f64, u64)>,
}

/// `GET /api/v1/routes/{route}`.
pub(super) fn route(admin: &Admin, name: &str) -> Reply {
    let snapshot = admin.published.read();
    match snapshot.route(name) {
        Some(route) => reply::json(StatusCode::OK, &of(admin, route, admin.clock.now())),
        None => unknown_route(admin, name),
    }
}

/// `GET /api/v1/routes`.
pub(super) fn routes(admin: &Admin) -> Reply {
    let snapshot = admin.published.read();
    let now = admin.clock.now();
    let reports = Reports {
        config_generation: snapshot.generation,
        decided_seconds_ago: now.secs_since(admin.board.decided_at()),
        switch_off: snapshot.switch.is_off(),
        cluster: fleet::state(admin),
        refused: admin.board.refusal().map(|refusal| RefusedFiles {
            since: refusal.since.as_secs_f64(),
            serving_since: admin.board.change().at.max(admin.started).as_secs_f64(),
            problems: refusal.problems,
        }),
        routes: snapshot
            .routes
            .iter()
            .map(|it| of(admin, it, now))
            .collect(),
        budgets: budgets::reports(&snapshot, now),
    };
    reply::json(StatusCode::OK, &reports)
}

fn of(admin: &Admin, route: &Route, now: Time) -> RouteReport {
    let last = admin.board.decision(&route.label);
    let decision = current(route, last.as_deref(), admin.clock);
    let shown = view(&decision, route.table_version, &actual(route));
    let lately = admin.watch.history().lately(&route.label);
    let orders = orders(admin, route);
    let mut explanation = explain(&decision);
    let name = &route.config.name;
    explanation.extend(orders.iter().map(|order| order.told_at(name)));
    explanation.extend(switched(route));
    let apart = fleet::apart(admin);
    explanation.extend(apart.clone());
    let targets = shown.targets.into_iter().zip(route.members.iter());
    RouteReport {
        route: shown.route,
        strategy: shown.strategy,
        mode: route.config.mode,
        aims: shown.aims,
        table_version: shown.table_version,
        demand: shown.demand,
        targets: targets
            .enumerate()
            .zip(decision.rows.iter())
            .map(|((i, (view, member)), row)| TargetReport {
                spent_until: row.spent.as_ref().map(|it| it.until.as_secs_f64()),
                ..measured(view, member, now, (&lately, i))
            })
            .collect(),
        orders,
        apart,
        explanation,
    }
}

/// The orders about this route, also those that another order or the files keep from changing anything.
fn orders(admin: &Admin, route: &Route) -> Vec<StandingOrder> {
    let all = admin.board.steering();
    let here = all.iter().filter(|it| it.is_about(&route.config));
    here.cloned().collect()
}

/// What the kill switch does to it, if it is off.
fn switched(route: &Route) -> Option<String> {
    let thrown = route.switch.thrown().filter(|thrown| thrown.off)?;
    let (by, reason) = (&thrown.by, &thrown.reason);
    let mut targets = route.config.targets.iter();
    let orders = if targets.any(|it| it.overruled.is_some() || it.as_filed.is_some()) {
        " with the orders on top"
    } else {
        ""
    };
    Some(format!(
        "the kill switch is off, by {by}: {reason}; the configured shares{orders} are in force, and nothing is guarded"
    ))
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
fn current(route: &Route, last: Option<&Decision>, clock: Clock) -> Decision {
    let rows = (0..route.config.targets.len()).filter_map(|i| row(route, last, i));
    let mut decision = Decision {
        route: route.config.name.clone(),
        at: last.map_or_else(|| clock.now(), |decision| decision.at),
        strategy: route.config.strategy,
        goal: route.config.goal.clone(),
        objective: route.config.objective,
        min_quality: route.config.min_quality,
        demand: last.map_or(0.0, |decision| decision.demand),
        table: route.in_force().clone(),
        moved: last.is_some_and(|decision| decision.moved),
        rows: rows.collect(),
    };
    route.note_spent(&mut decision, clock);
    decision
}

/// The row of the target at `index`: what the last decision says about it, if it was about this one.
fn row(route: &Route, last: Option<&Decision>, index: usize) -> Option<Row> {
    let target = route.config.targets.get(index)?;
    let place = TargetIndex::at(index);
    let (configured, granted) = (route.configured.share(place), route.in_force().share(place));
    let off = route.switch.is_off().then_some(Rail::Off);
    let decided = last.and_then(|decision| {
        let mut rows = decision.rows.iter();
        rows.find(|row| row.name == target.name && row.upstream == target.upstream.name)
    });
    if let Some(row) = decided {
        let mut rails = row.rails.clone();
        rails.extend(off);
        return Some(Row {
            configured,
            granted,
            rails,
            as_filed: target.as_filed,
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
        if_obeyed: None,
        samples: 0,
        confidence: 0.0,
        health: Health::Serving,
        blocked_until: Time::ZERO,
        terms: Terms::default(),
        evidence: Evidence::default(),
        levels: Vec::new(),
        rails: BTreeSet::from([Rail::ColdStart]),
        overruled: target.overruled.clone(),
        as_filed: target.as_filed,
        spent: None,
    })
}

/// What was measured at a target, beside what was decided; `lately` is the last minute and its place there.
fn measured(
    view: TargetView,
    member: &Member,
    now: Time,
    (lately, place): (&Lately, usize),
) -> TargetReport {
    let recently = member.upstream.recently(now);
    let totals = member.upstream.totals();
    let histograms = member.upstream.distributions(now);
    let none = Doings::default();
    let doings = lately.doings.get(place).unwrap_or(&none);
    let all = lately.doings.iter().map(|doings| doings.picked).sum();
    let share = lately
        .granted
        .as_ref()
        .and_then(|it| it.get(place).copied());
    let [prompt, cached] = doings.prompt;
    let errors = doings.errors.iter();
    TargetReport {
        view,
        first_token_ms: recently.first_token_ms,
        total_ms: recently.total_ms,
        usd_per_1k_tokens: recently.usd_per_1k_tokens,
        spent_usd: totals.cost.usd(),
        calls: totals.attempts(),
        failed: totals.failed(),
        in_flight: member.upstream.gate().in_flight,
        requests_last_minute: doings.picked,
        interval: wilson(doings.picked, all),
        spent_until: None,
        noise: chance::verdict(doings.picked, all, share),
        errors: errors
            .map(|(outcome, n)| (outcome.label().to_owned(), *n))
            .collect(),
        cached_ratio: (prompt > 0).then(|| cached as f64 / prompt as f64),
        first_token_histogram: histograms.first_token,
        latency_histogram: histograms.total,
    }
}

/// 404, with the names that may have been meant.
pub(super) fn unknown_route(admin: &Admin, name: &str) -> Reply {
    let snapshot = admin.published.read();
    let names: Vec<&str> = snapshot.routes.iter().map(|route| &*route.label).collect();
    let nearest = nearest(name, &names);
    let message = unknown("route", name, &names);
    let body = json!({ "error": { "message": message, "nearest": nearest } });
    reply::json(StatusCode::NOT_FOUND, &body)
}

/// A part as a percentage with one digit.
pub(super) fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}
