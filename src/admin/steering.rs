//! Operators' orders and the kill switch.

use std::time::Duration;

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Admin;
use super::operations::Ask;
use super::reply::{self, Reply};
use crate::config::{Fault, Order, Refused, StandingOrder, Wish};
use crate::control::{self, SteeringError};
use crate::live::{Thrown, Told, ToldSwitch};

/// How long an answer waits for the books.
const WRITTEN: Duration = Duration::from_secs(2);
/// How long an answer waits for the other replicas: a round and a little.
const TOLD: Duration = Duration::from_millis(1_500);
/// Longest reason and name for the kill switch, in characters: a line of a log.
const LONGEST: usize = 300;

/// What is overruled.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Steering {
    /// The orders that hold, the earliest first.
    pub orders: Vec<StandingOrder>,
    /// Whether a restart goes on with them.
    pub kept: bool,
    /// What there is to say about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The kill switch.
    pub switch: SwitchState,
}

/// The kill switch.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SwitchState {
    /// Whether the configured shares are in force, unguarded.
    pub off: bool,
    /// Who threw it last, when and why; `None` if nobody has.
    pub thrown: Option<Thrown>,
    /// What there is to say about other replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An order that was given.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Given {
    /// The order, and what it does.
    #[serde(flatten)]
    pub standing: StandingOrder,
    /// Whether a restart goes on with it.
    pub kept: bool,
    /// What there is to say about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An order that was ended.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// The order.
    pub ended: Order,
    /// What there is to say about other replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A wish to throw the kill switch.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throw {
    /// `true` puts the configured shares in force, unguarded; `false` has files and orders say again.
    pub off: bool,
    /// Why.
    pub reason: String,
    /// Who; `api` if nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// `GET /api/v1/steering`.
pub(super) fn list(admin: &Admin) -> Reply {
    let message = (!admin.books.are_kept()).then(forgotten);
    let steering = Steering {
        orders: admin.board.steering().as_ref().clone(),
        kept: message.is_none(),
        message,
        switch: switch_state(admin),
    };
    reply::json(StatusCode::OK, &steering)
}

/// `POST /api/v1/steering`.
pub(super) async fn give(ask: &Ask<'_>) -> Reply {
    let wish: Wish = match reply::read(&ask.body) {
        Ok(wish) => wish,
        Err(message) => return reply::error(StatusCode::BAD_REQUEST, &message),
    };
    match ask.admin.handle.give(wish).await {
        Ok(standing) => {
            let written = written(ask.admin).await;
            let untold = untold(ask.admin).await;
            let given = Given {
                standing,
                kept: written.is_none(),
                message: both(written, untold),
            };
            reply::json(StatusCode::CREATED, &given)
        }
        Err(error) => refused(&error),
    }
}

/// `DELETE /api/v1/steering/{id}`.
pub(super) async fn end(ask: &Ask<'_>) -> Reply {
    let by = ask.query.text("by").unwrap_or("api").to_owned();
    match ask.admin.handle.end(ask.name.clone(), by).await {
        Ok(ended) => {
            // Who was told that it has ended must not find it again after a kill.
            is_written(ask.admin).await;
            let message = untold(ask.admin).await;
            reply::json(StatusCode::OK, &Ended { ended, message })
        }
        Err(error) => refused(&error),
    }
}

/// `GET /api/v1/switch`.
pub(super) fn switch(admin: &Admin) -> Reply {
    reply::json(StatusCode::OK, &switch_state(admin))
}

/// `POST /api/v1/switch`. Asks nobody: it must work when nobody answers. Only the answer waits for the other replicas.
pub(super) async fn throw(ask: &Ask<'_>) -> Reply {
    let wish: Throw = match reply::read(&ask.body) {
        Ok(wish) => wish,
        Err(message) => return reply::error(StatusCode::BAD_REQUEST, &message),
    };
    let is_line = |text: &str| {
        let length = text.trim().chars().count();
        (1..=LONGEST).contains(&length) && !text.chars().any(char::is_control)
    };
    let by = wish.by.unwrap_or_else(|| "api".to_owned());
    for (key, text) in [("reason", &wish.reason), ("by", &by)] {
        if !is_line(text) {
            let message = format!("{key}: expected a line of 1 to {LONGEST} characters");
            return reply::error(StatusCode::BAD_REQUEST, &message);
        }
    }
    let thrown = Thrown {
        off: wish.off,
        by: by.trim().to_owned(),
        reason: wish.reason.trim().to_owned(),
        since: ask.admin.clock.unix_seconds(),
    };
    control::throw(&ask.admin.published, &ask.admin.books, &thrown);
    let state = SwitchState {
        message: untold(ask.admin).await,
        ..switch_state(ask.admin)
    };
    reply::json(StatusCode::OK, &state)
}

/// The kill switch as it is.
pub(super) fn switch_state(admin: &Admin) -> SwitchState {
    let snapshot = admin.published.read();
    let thrown = snapshot.switch.thrown();
    SwitchState {
        off: snapshot.switch.is_off(),
        thrown: thrown.map(|thrown| (*thrown).clone()),
        message: None,
    }
}

/// What is to be said about the other replicas once they should know; `None` if they do, or there are none.
pub(super) async fn untold(admin: &Admin) -> Option<String> {
    let cell = admin.handle.told()?;
    let mut told = Told::clone(&cell.told());
    let switch = admin.published.read().switch.told();
    told.switch = switch.map(|switch| ToldSwitch::clone(&switch));
    let waited = tokio::time::timeout(TOLD, cell.until_told(&told)).await;
    waited.err().map(|_| {
        "in force here; the other replicas hear of it when the engine of [cluster] answers again"
            .to_owned()
    })
}

/// Two things that there are to say, as one.
pub(super) fn both(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    }
}

/// What is to be said about the books once they should have it; `None` if they do.
async fn written(admin: &Admin) -> Option<String> {
    if !admin.books.are_kept() {
        return Some(forgotten());
    }
    if is_written(admin).await {
        return None;
    }
    Some("the books cannot be written now: a restart may forget this order".to_owned())
}

/// Waits until the books have what was done; whether they have.
pub(super) async fn is_written(admin: &Admin) -> bool {
    let books = admin.books.clone();
    let written = tokio::task::spawn_blocking(move || books.flush(WRITTEN)).await;
    let condition = admin.books.condition();
    matches!(written, Ok(true)) && condition.is_some_and(|it| it.failing.is_none())
}

fn forgotten() -> String {
    "server.state is not set, so that a restart forgets orders".to_owned()
}

fn refused(error: &SteeringError) -> Reply {
    let message = error.to_string();
    match error {
        SteeringError::Refused(refused) => wrong(refused),
        SteeringError::NoSuchOrder(_) => reply::error(StatusCode::NOT_FOUND, &message),
        SteeringError::Stuck | SteeringError::Stopping => {
            reply::error(StatusCode::SERVICE_UNAVAILABLE, &message)
        }
    }
}

/// What is wrong with a wish.
pub(super) fn wrong(refused: &Refused) -> Reply {
    let status = match refused.kind {
        Fault::Wrong => StatusCode::BAD_REQUEST,
        Fault::Unknown => StatusCode::NOT_FOUND,
        Fault::Conflict => StatusCode::CONFLICT,
    };
    let (message, nearest) = (refused.to_string(), &refused.nearest);
    let body = json!({ "error": { "message": message, "nearest": nearest } });
    reply::json(status, &body)
}
