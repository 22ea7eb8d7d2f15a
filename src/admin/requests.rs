//! The latest requests, as people look at them.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::operations::Ask;
use super::reply::{self, Reply};
use crate::balance::gate::Reason;
use crate::live::{Call, RequestEnd};
use crate::model::{Time, Tokens};

/// So many are shown unless asked otherwise.
const SHOWN: usize = 100;

/// The latest requests.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Requests {
    /// Newest first, by when they ended.
    pub requests: Vec<Request>,
}

/// One request.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Request {
    /// Counts requests that ended since the start; the later the higher.
    pub number: u64,
    /// What its client knows it by.
    pub id: String,
    /// When it came, in seconds since 1970, by UTC; it ended `total_ms` later.
    pub at: f64,
    /// The route's name, `inline` or `direct`; empty if it was refused before it had one.
    pub route: String,
    /// The client key that it came with.
    pub key: Option<String>,
    /// Whom its cost is put down to.
    pub team: Option<String>,
    /// Whom its cost is put down to.
    pub feature: Option<String>,
    /// Whom its cost is put down to.
    pub user: Option<String>,
    /// Who served it or was tried last.
    pub target: Option<String>,
    /// The status that the client saw; 499 if it left.
    pub status: u16,
    /// The error's code, if it was ours.
    pub code: Option<String>,
    /// Who ended it and in which phase, in one token: `target.done`, `target.first_token`, `client.left_waiting`.
    pub ended_by: String,
    /// Whether it ended as a request should.
    pub good: bool,
    /// Calls to targets.
    pub attempts: u32,
    /// The first of them.
    pub calls: Vec<CallView>,
    /// The tokens of its answer.
    pub tokens: Option<TokensView>,
    /// What all its calls cost, in dollars.
    pub cost_usd: Option<f64>,
    /// What its application said of the answer, if it did.
    pub feedback: Option<FeedbackView>,
    /// From its head to the last byte of the answer.
    pub total_ms: f64,
    /// From its head to the first content of a stream.
    pub first_content_ms: Option<f64>,
    /// What was our own part, up to the response's header.
    pub overhead_ms: f64,
}

/// What an application said of an answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct FeedbackView {
    /// How good it was, 0 to 1.
    pub score: f64,
    /// A word of the application's own.
    pub label: Option<String>,
}

/// A call to a target.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct CallView {
    /// The target's name within its route, or `provider/model`.
    pub target: String,
    /// Provider and model.
    #[serde(rename = "use")]
    pub upstream: String,
    /// Why it was called: `drawn`, `probe` and so on.
    #[schemars(with = "String")]
    pub reason: Reason,
    /// With which probability it was chosen; known for first calls while a journal is kept.
    pub propensity: Option<f64>,
    /// When, counted from the request's head.
    pub after_ms: f64,
    /// How it ended.
    pub outcome: String,
    /// The status that it answered with, if that was no success.
    pub status: Option<u16>,
    /// How long it took.
    pub total_ms: f64,
    /// From its beginning to its first content.
    pub first_content_ms: Option<f64>,
    /// Its tokens.
    pub tokens: Option<TokensView>,
    /// What it cost, in dollars.
    pub cost_usd: Option<f64>,
}

/// Tokens of an answer.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct TokensView {
    /// Of the prompt, those from a cache included.
    pub input: u64,
    /// Of the prompt, read from a cache.
    pub cached_input: u64,
    /// Of the answer, those of thoughts included.
    pub output: u64,
    /// Of the answer, thoughts.
    pub reasoning: u64,
    /// Whether they were worked out from sizes.
    pub estimated: bool,
}

/// `GET /api/v1/requests`.
pub(super) fn list(ask: &Ask<'_>) -> Reply {
    let limit = ask.query.whole("limit");
    let most = limit.map_or(SHOWN, |limit| usize::try_from(limit).unwrap_or(SHOWN));
    let (route, failed) = (ask.query.text("route"), ask.query.flag("failed"));
    let before = ask.query.whole("before");
    let wanted = |end: &RequestEnd| {
        route.is_none_or(|route| &*end.route == route) && !(failed && end.is_good())
    };
    let found = ask.admin.ledger.latest(most, before, wanted);
    let requests = found
        .iter()
        .map(|(number, end)| view(ask, *number, end))
        .collect();
    reply::json(StatusCode::OK, &Requests { requests })
}

/// `GET /api/v1/requests/{id}`.
pub(super) fn one(ask: &Ask<'_>) -> Reply {
    let wanted = |end: &RequestEnd| end.id.as_bytes() == ask.name.as_bytes();
    let found = ask.admin.ledger.latest(1, None, wanted);
    let Some((number, end)) = found.first() else {
        let message = "expected the id of one of the latest requests, which are the last 8,192 and the last 512 that \
            failed; found none of them";
        return reply::error(StatusCode::NOT_FOUND, message);
    };
    reply::json(StatusCode::OK, &view(ask, *number, end))
}

fn view(ask: &Ask<'_>, number: u64, end: &RequestEnd) -> Request {
    let tag = |of: fn(&crate::live::Tags) -> Option<&std::sync::Arc<str>>| {
        end.tags.as_deref().and_then(of).map(ToString::to_string)
    };
    Request {
        number,
        id: end.id.to_str().unwrap_or_default().to_owned(),
        at: end.at.secs_since(Time::ZERO),
        route: end.route.to_string(),
        key: end.key.as_ref().map(ToString::to_string),
        team: tag(|tags| tags.team.as_ref()),
        feature: tag(|tags| tags.feature.as_ref()),
        user: tag(|tags| tags.user.as_ref()),
        target: end.served.as_ref().map(|served| served.target().to_owned()),
        status: end.status,
        code: end.code.map(str::to_owned),
        ended_by: end.ended_by().to_string(),
        good: end.is_good(),
        attempts: end.attempts,
        calls: end.calls.iter().map(call).collect(),
        tokens: end.calls.last().and_then(tokens),
        cost_usd: end.cost().map(crate::model::PicoUsd::usd),
        feedback: feedback(ask, end),
        total_ms: millis(end.total),
        first_content_ms: end.first_content.map(millis),
        overhead_ms: millis(end.overhead),
    }
}

fn feedback(ask: &Ask<'_>, end: &RequestEnd) -> Option<FeedbackView> {
    end.served.as_ref()?;
    let snapshot = ask.admin.published.read();
    let given = snapshot
        .ratings
        .given(end.id.as_bytes(), ask.admin.clock.now())?;
    Some(FeedbackView {
        score: given.score,
        label: given.label.map(String::from),
    })
}

fn call(call: &Call) -> CallView {
    CallView {
        target: call.served.target().to_owned(),
        upstream: call.served.upstream.to_string(),
        reason: call.reason,
        propensity: call.propensity,
        after_ms: millis(call.after),
        outcome: call.outcome.label().to_owned(),
        status: call.status,
        total_ms: millis(call.total),
        first_content_ms: call.first_content.map(millis),
        tokens: tokens(call),
        cost_usd: call.cost.map(crate::model::PicoUsd::usd),
    }
}

fn tokens(call: &Call) -> Option<TokensView> {
    let Tokens {
        input,
        cached_input,
        output,
        reasoning,
        ..
    } = call.tokens?;
    Some(TokensView {
        input,
        cached_input,
        output,
        reasoning,
        estimated: call.estimated,
    })
}

fn millis(span: std::time::Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e3
}
