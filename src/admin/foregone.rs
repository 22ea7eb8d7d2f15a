//! What the shares that were not in force would have brought.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::operations::{Answering, Ask};
use super::reply::{self, Reply};
use super::usage::{since_until, unread};
use crate::store::{Foregone, RESTS_ON};

/// What would have been.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ForegoneAnswer {
    /// From when on, in seconds since 1970.
    since: f64,
    /// Until when, in seconds since 1970.
    until: f64,
    /// What the estimates rest on, in words.
    rests_on: String,
    /// By route, and by whether it was obeyed.
    routes: Vec<Foregone>,
}

/// Answers; the reading waits for a disk.
pub(super) fn answer<'a>(ask: &'a Ask<'a>) -> Answering<'a> {
    Box::pin(async move {
        let (since, until) = match since_until(&ask.query, "7d", ask.admin.clock.now()) {
            Ok(span) => span,
            Err(message) => return reply::error(StatusCode::BAD_REQUEST, &message),
        };
        let books = ask.admin.books.clone();
        let route = ask.query.text("route").map(str::to_owned);
        let reading =
            tokio::task::spawn_blocking(move || books.foregone(since, until, route.as_deref()));
        match reading.await {
            Ok(Ok(routes)) => {
                let answer = ForegoneAnswer {
                    since: since.as_secs_f64(),
                    until: until.as_secs_f64(),
                    rests_on: RESTS_ON.to_owned(),
                    routes,
                };
                reply::json(StatusCode::OK, &answer)
            }
            Ok(Err(error)) => unread(&error),
            Err(_) => going(),
        }
    })
}

fn going() -> Reply {
    let message = "the daemon is shutting down";
    reply::error(StatusCode::SERVICE_UNAVAILABLE, message)
}
