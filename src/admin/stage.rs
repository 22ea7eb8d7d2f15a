//! The demo's stage: what can be done to its simulated providers, and what it counted so far.

use std::fmt;

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operations::Ask;
use super::reply::{self, Reply};
use crate::control::Why;

/// What is done to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Four times as slow.
    Slow,
    /// Never answers.
    Hang,
    /// Refuses almost everything with 429.
    Throttle,
    /// Closes the connection in the middle of each answer.
    Cut,
    /// Costs three times as much.
    TriplePrice,
    /// Answers everything with 503, at once.
    Kill,
    /// Nothing: it is well again.
    Heal,
}

/// What the stage shows.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Scene {
    /// The providers of the adaptive route; what is done to one is done to its copy as well.
    pub providers: Vec<Actor>,
    /// What adaptive shares made of the traffic.
    pub adaptive: Count,
    /// What fixed weights made of the same traffic.
    pub fixed: Count,
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Actor {
    /// Its name.
    pub name: String,
    /// What is done to it.
    pub act: Act,
}

/// What one policy made of the traffic so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Count {
    /// Requests that ended.
    pub requests: u64,
    /// Those without a complete answer.
    pub failed: u64,
    /// The 95th percentile of the last 500 answers; `None` before the first.
    pub p95_ms: Option<f64>,
    /// What the answers cost.
    pub cost_usd: f64,
}

/// A demo that can be acted on.
pub trait Stage: Send + Sync + fmt::Debug {
    /// What there is to see.
    fn scene(&self) -> Scene;
    /// Does something to a provider; whether the configuration has to be read again for it.
    ///
    /// # Errors
    /// There is no such provider.
    fn act(&self, provider: &str, act: Act) -> Result<bool, String>;
    /// The configuration was read again, which gave simulated providers the laws that stand there.
    fn settle(&self);
}

/// What is asked of the stage.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Direction {
    /// To whom.
    provider: String,
    /// What.
    act: Act,
}

const NO_DEMO: &str = "this is no demo; `weighbridge demo` runs one";

/// `GET /api/v1/demo`.
pub(super) fn scene(ask: &Ask<'_>) -> Reply {
    match ask.admin.stage.get() {
        Some(stage) => reply::json(StatusCode::OK, &stage.scene()),
        None => reply::error(StatusCode::NOT_FOUND, NO_DEMO),
    }
}

/// `POST /api/v1/demo`.
pub(super) async fn direct(ask: &Ask<'_>) -> Reply {
    let Some(stage) = ask.admin.stage.get() else {
        return reply::error(StatusCode::NOT_FOUND, NO_DEMO);
    };
    let direction: Direction = match reply::read(&ask.body) {
        Ok(direction) => direction,
        Err(message) => return reply::error(StatusCode::BAD_REQUEST, &message),
    };
    match stage.act(&direction.provider, direction.act) {
        Err(message) => return reply::error(StatusCode::BAD_REQUEST, &message),
        Ok(false) => {}
        Ok(true) => {
            if let Err(error) = ask.admin.handle.reload(Why::Asked).await {
                return reply::error(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
            }
            stage.settle();
        }
    }
    reply::json(StatusCode::OK, &stage.scene())
}
