//! A route's shares with what led to them, as the API shows them and `status` and `explain` read them.
//!
//! Numbers are plain and sums are left to the reader; shares are fractions of 1. Rows are in the order of the
//! configuration. Before the first decision (a quarter of a second) only what is configured is known.

use serde::{Deserialize, Serialize};

use super::Admin;
use super::sentences::sentences;
use crate::balance::{Decision, Rail, Row, Share, Strategy};
use crate::config::Mode;
use crate::live::{Member, Route};
use crate::model::{TargetIndex, Time};
use crate::telemetry::state;

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
    pub route: String,
    /// How its shares come about.
    pub strategy: Strategy,
    /// Whether the controller decides, and is obeyed.
    pub mode: Mode,
    /// Counts the tables published for it.
    pub table_version: u64,
    /// Requests per second, smoothed.
    pub demand: f64,
    /// Its targets, in the order of the configuration.
    pub targets: Vec<TargetReport>,
    /// The same in sentences; left out in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanation: Vec<String>,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetReport {
    /// Its name within the route.
    pub name: String,
    /// What serves it: `provider/model`.
    #[serde(rename = "use")]
    pub upstream: String,
    /// The share that the configured weights ask for.
    pub configured: f64,
    /// The share that the strategy proposes.
    pub proposed: f64,
    /// The share in force.
    pub granted: f64,
    /// Its part of first picks since the start; `None` before the first.
    pub actual: Option<f64>,
    /// Answers since the start.
    pub samples: u64,
    /// How much is known, 0 to 1.
    pub confidence: f64,
    /// One word; see [`state`].
    pub state: String,
    /// Its loss, in parts; lower is better.
    pub terms: TermsReport,
    /// What stood between proposal and grant.
    pub rails: Vec<Rail>,
    /// Fault probability as the controller sees it, 0 to 1.
    pub faults: f64,
    /// Dollars of a typical answer of the route there; `None` without a price.
    pub answer_usd: Option<f64>,
    /// Median dollars of 1,000 tokens of the last minute's answers.
    pub usd_per_1k_tokens: Option<f64>,
    /// Dollars since the start, over all routes that use the same upstream.
    pub spent_usd: f64,
    /// Milliseconds to the first token in the last minute: median, 95th, 99th percentile.
    pub first_token_ms: Option<[f64; 3]>,
    /// Milliseconds of whole answers in the last minute: the same.
    pub total_ms: Option<[f64; 3]>,
    /// Calls under way.
    pub in_flight: u32,
}

/// The loss of a typical answer, in parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TermsReport {
    /// By slowness.
    pub latency: f64,
    /// By cost.
    pub cost: f64,
    /// By faults.
    pub error: f64,
}

/// The route of this name, in numbers and sentences.
pub(super) fn report(admin: &Admin, name: &str) -> Option<RouteReport> {
    let snapshot = admin.published.read();
    let route = snapshot.route(name)?;
    let now = admin.clock.now();
    let decision = admin.board.decision(name);
    let mut report = of(route, decision.as_deref(), now);
    report.explanation = sentences(route, decision.as_deref(), now);
    Some(report)
}

/// All routes, in numbers.
pub(super) fn reports(admin: &Admin) -> Reports {
    let snapshot = admin.published.read();
    let now = admin.clock.now();
    let routes = snapshot.routes.iter().map(|route| {
        let decision = admin.board.decision(&route.label);
        of(route, decision.as_deref(), now)
    });
    Reports {
        config_generation: snapshot.generation,
        decided_seconds_ago: now.secs_since(admin.board.decided_at()),
        routes: routes.collect(),
    }
}

fn of(route: &Route, decision: Option<&Decision>, now: Time) -> RouteReport {
    let picked = route.cells.picked_ever();
    let all: u64 = picked.iter().sum();
    let targets = route.members.iter().enumerate().map(|(i, member)| {
        let mut target = unmeasured(route, i, member);
        let mine = picked.get(i).copied().unwrap_or_default();
        target.actual = (all > 0).then(|| mine as f64 / all as f64);
        measured(&mut target, member, now);
        // A decision of before a reload may have other rows, or the same in another order.
        let row = decision.and_then(|decision| {
            let mut rows = decision.rows.iter();
            rows.find(|row| {
                row.name.as_str() == target.name && row.upstream.as_str() == target.upstream
            })
        });
        if let Some(row) = row {
            decided(&mut target, row, now);
        }
        target
    });
    RouteReport {
        route: route.label.to_string(),
        strategy: route.config.strategy,
        mode: route.config.mode,
        table_version: route.table_version,
        demand: decision.map_or(0.0, |decision| decision.demand),
        targets: targets.collect(),
        explanation: Vec::new(),
    }
}

/// What the configuration says.
fn unmeasured(route: &Route, index: usize, member: &Member) -> TargetReport {
    let configured = route.configured.share(TargetIndex::at(index));
    let granted = route.granted.share(TargetIndex::at(index));
    let name = route
        .config
        .targets
        .get(index)
        .map(|target| target.name.to_string());
    let drained = configured == Share::ZERO;
    TargetReport {
        name: name.unwrap_or_default(),
        upstream: member.config.name.to_string(),
        configured: configured.fraction(),
        proposed: configured.fraction(),
        granted: granted.fraction(),
        actual: None,
        samples: 0,
        confidence: 0.0,
        state: if drained { "drained" } else { "serving" }.to_owned(),
        terms: TermsReport::default(),
        rails: Vec::new(),
        faults: 0.0,
        answer_usd: None,
        usd_per_1k_tokens: None,
        spent_usd: 0.0,
        first_token_ms: None,
        total_ms: None,
        in_flight: 0,
    }
}

/// What was measured of its upstream.
fn measured(target: &mut TargetReport, member: &Member, now: Time) {
    let recently = member.upstream.recently(now);
    target.first_token_ms = recently.first_token_ms;
    target.total_ms = recently.total_ms;
    target.usd_per_1k_tokens = recently.usd_per_1k_tokens;
    target.spent_usd = member.upstream.totals().cost.usd();
    target.in_flight = member.upstream.gate().in_flight;
}

/// What the controller made of it. The share in force stays that of the table: a reload may have come after the decision.
fn decided(target: &mut TargetReport, row: &Row, now: Time) {
    target.proposed = row.proposed.fraction();
    target.samples = row.samples;
    target.confidence = row.confidence;
    state(row, now).clone_into(&mut target.state);
    target.terms = TermsReport {
        latency: row.terms.latency,
        cost: row.terms.cost,
        error: row.terms.error,
    };
    target.rails = row.rails.iter().copied().collect();
    target.faults = row.evidence.faults;
    target.answer_usd = row.evidence.cost;
}
