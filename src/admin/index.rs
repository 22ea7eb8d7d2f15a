//! What there is, and the metrics.

use http::StatusCode;
use http::header;
use serde_json::json;

use super::operations::{Ask, all};
use super::reply::{self, Reply};
use crate::telemetry::Exposition;

/// `GET /api/v1`.
pub(super) fn index() -> Reply {
    let paths = all().map(|it| format!("{} {}", it.method, it.path));
    let paths: Vec<String> = paths.collect();
    reply::json(StatusCode::OK, &json!({ "paths": paths }))
}

/// `GET /metrics`.
pub(super) fn metrics(ask: &Ask<'_>) -> Reply {
    let admin = ask.admin;
    let accept = ask.headers.get(header::ACCEPT);
    let format = Exposition::wanted(accept.and_then(|accept| accept.to_str().ok()));
    let snapshot = admin.published.read();
    let now = admin.clock.now();
    let Ok(text) = admin.metrics.render(&snapshot, &admin.board, now, format) else {
        let message = "the metrics could not be printed";
        return reply::error(StatusCode::INTERNAL_SERVER_ERROR, message);
    };
    reply::reply(StatusCode::OK, format.content_type(), text.into_bytes())
}
