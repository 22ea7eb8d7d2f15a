//! The configuration in force, and reading the files again.

use http::StatusCode;
use serde_json::json;

use super::Admin;
use super::health::last_read;
use super::reply::{self, Reply};
use crate::control::{ReloadError, Why};
use crate::model::Time;

/// The configuration in force: merged, credentials masked.
pub(super) fn shown(admin: &Admin) -> Reply {
    let snapshot = admin.published.read();
    let change = admin.board.change();
    let since = change.at.max(admin.started);
    let body = json!({
        "environment": admin.environment,
        "config_generation": snapshot.generation,
        "loaded_at": since.secs_since(Time::ZERO),
        "changes": change.lines,
        "digest": format!("{:016x}", snapshot.config.digest),
        "config": admin.board.shown().map(|shown| shown.to_json()),
        "last_read": last_read(admin),
    });
    reply::json(StatusCode::OK, &body)
}

/// Has the files read, and answers once they are in force or refused.
pub(super) async fn reload(admin: &Admin) -> Reply {
    match admin.handle.reload(Why::Asked).await {
        Ok(applied) => reply::json(StatusCode::OK, &applied),
        Err(ReloadError::Refused(problems)) => {
            let body = json!({
                "config_generation": admin.published.read().generation,
                "problems": problems,
            });
            reply::json(StatusCode::CONFLICT, &body)
        }
        Err(stopping @ ReloadError::Stopping) => {
            reply::error(StatusCode::SERVICE_UNAVAILABLE, &stopping.to_string())
        }
    }
}
