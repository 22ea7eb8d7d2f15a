//! Client keys, without the keys.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::Admin;
use super::reply::{self, Reply};
use crate::config::ClientKey;
use crate::model::{Time, minute_of};

/// Client keys.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct KeyReports {
    /// By name.
    keys: Vec<KeyReport>,
}

/// A client key, without anything that it could be told by.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct KeyReport {
    /// Its name.
    name: String,
    /// The routes that it may ask for; `None` for everything.
    routes: Option<Vec<String>>,
    /// Tags that its targets must have.
    require: Vec<String>,
    /// Requests a minute.
    requests_per_minute: Option<u32>,
    /// Tokens a minute.
    tokens_per_minute: Option<u32>,
    /// Until when it is accepted.
    expires: Option<String>,
    /// The team that its cost is put down to.
    team: Option<String>,
    /// The feature that its cost is put down to.
    feature: Option<String>,
    /// The user that its cost is put down to.
    user: Option<String>,
    /// `active` or `expired`.
    state: String,
}

/// `GET /api/v1/keys`.
pub(super) fn list(admin: &Admin) -> Reply {
    let (snapshot, now) = (admin.published.read(), admin.clock.now());
    let keys = snapshot.config.keys.values();
    let keys = keys.map(|key| report(key, now)).collect();
    reply::json(StatusCode::OK, &KeyReports { keys })
}

fn report(key: &ClientKey, now: Time) -> KeyReport {
    let names =
        |routes: &Vec<crate::model::RouteName>| routes.iter().map(ToString::to_string).collect();
    let has_expired = key.expires.is_some_and(|expires| now >= expires);
    KeyReport {
        name: key.name.to_string(),
        routes: key.routes.as_ref().map(names),
        require: key.require.clone(),
        requests_per_minute: key.requests_per_minute,
        tokens_per_minute: key.tokens_per_minute,
        expires: key.expires.map(minute_of),
        team: key.team.as_ref().map(ToString::to_string),
        feature: key.feature.as_ref().map(ToString::to_string),
        user: key.user.as_ref().map(ToString::to_string),
        state: if has_expired { "expired" } else { "active" }.to_owned(),
    }
}
