//! Percentiles of the last minute: of this replica, or of all of them together.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::Admin;
use super::operations::{Answering, Ask};
use super::reply::{self, Reply};
use crate::live::{COST_UNIT_USD, Spread};

/// How long the other replicas' histograms are waited for: a round of the exchange, and some.
const PATIENCE: Duration = Duration::from_secs(1);

/// Percentiles of the last minute.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct PercentileReports {
    /// `replica`: of the one that answers; `fleet`: of all.
    scope: String,
    /// The replicas that are in it, by name; nothing where there is no `[cluster]`.
    replicas: Vec<String>,
    /// Replicas that are live and whose histograms could not be had in time, or that have measured nothing.
    missing: Vec<String>,
    /// By name, those that answered somebody in the last minute.
    upstreams: Vec<UpstreamPercentiles>,
}

/// Percentiles of one upstream.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct UpstreamPercentiles {
    /// `provider/model`.
    name: String,
    /// Milliseconds to the first token.
    first_token_ms: Option<Percentiles>,
    /// Milliseconds of whole answers.
    total_ms: Option<Percentiles>,
    /// Milliseconds per token of the answer.
    per_token_ms: Option<Percentiles>,
    /// Dollars for 1,000 tokens.
    usd_per_1k_tokens: Option<Percentiles>,
}

/// A distribution in some figures, to 1 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Percentiles {
    count: u64,
    mean: f64,
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

/// `GET /api/v1/percentiles`.
pub(super) fn answer<'a>(ask: &'a Ask<'a>) -> Answering<'a> {
    Box::pin(async {
        match ask.query.text("scope") {
            None | Some("replica") => reply::json(StatusCode::OK, &of_replica(ask.admin)),
            Some("fleet") => reply::json(StatusCode::OK, &of_fleet(ask.admin).await),
            Some(_) => wrong_scope(),
        }
    })
}

fn wrong_scope() -> Reply {
    let message = "scope: expected replica or fleet, found something else";
    reply::error(StatusCode::BAD_REQUEST, message)
}

fn own(admin: &Admin) -> BTreeMap<String, Spread> {
    let (snapshot, now) = (admin.published.read(), admin.clock.now());
    let members = snapshot.upstreams.values();
    let spreads = members.map(|it| (it.config.name.to_string(), it.upstream.spread(now)));
    spreads.filter(|(_, spread)| !spread.is_empty()).collect()
}

fn of_replica(admin: &Admin) -> PercentileReports {
    let post = admin.board.post();
    PercentileReports {
        scope: "replica".to_owned(),
        replicas: post
            .map(|it| it.replica().to_string())
            .into_iter()
            .collect(),
        missing: Vec::new(),
        upstreams: told(&own(admin)),
    }
}

async fn of_fleet(admin: &Admin) -> PercentileReports {
    let Some(post) = admin.board.post() else {
        return PercentileReports {
            scope: "fleet".to_owned(),
            ..of_replica(admin)
        };
    };
    let others = tokio::time::timeout(PATIENCE, post.ask_spreads()).await;
    let others = others.unwrap_or_default();
    let mut all = own(admin);
    for (name, spread) in others.values().flat_map(|spreads| spreads.iter()) {
        all.entry(name.to_string()).or_default().add(spread);
    }
    let (gathering, now) = (post.theirs(), admin.clock.now());
    let live = gathering
        .live(now)
        .map(|heard| heard.report.replica.to_string());
    let missing = live.filter(|it| !others.contains_key(it) && it != post.replica().as_str());
    let mut replicas = vec![post.replica().to_string()];
    replicas.extend(others.keys().cloned());
    PercentileReports {
        scope: "fleet".to_owned(),
        replicas,
        missing: missing.collect(),
        upstreams: told(&all),
    }
}

fn told(all: &BTreeMap<String, Spread>) -> Vec<UpstreamPercentiles> {
    let one = |(name, spread): (&String, &Spread)| UpstreamPercentiles {
        name: name.clone(),
        first_token_ms: percentiles(spread.first_token.as_ref(), 1e-3),
        total_ms: percentiles(spread.total.as_ref(), 1e-3),
        per_token_ms: percentiles(spread.per_token.as_ref(), 1e-3),
        usd_per_1k_tokens: percentiles(spread.cost.as_ref(), COST_UNIT_USD),
    };
    all.iter().map(one).collect()
}

fn percentiles(histogram: Option<&Histogram<u32>>, unit: f64) -> Option<Percentiles> {
    let histogram = histogram.filter(|it| !it.is_empty())?;
    let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 * unit;
    Some(Percentiles {
        count: histogram.len(),
        mean: histogram.mean() * unit,
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        max: histogram.max() as f64 * unit,
    })
}
