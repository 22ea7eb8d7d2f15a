//! What was used, from the books.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::operations::{Answering, Ask};
use super::query::Query as Parameters;
use super::reply::{self, Reply};
use crate::model::Time;
use crate::store::{Dimension, MOMENTS, Query, StoreError, moment};

/// So many rows are shown unless asked otherwise.
const SHOWN: u64 = 1_000;

/// What was used; the shape of `store::Usage` as it is printed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct UsageAnswer {
    /// What it is split by.
    by: Vec<String>,
    /// A value for each of these, and sums: requests, calls, tokens by kind, dollars, mean times. The dearest first, or in
    /// the order of time where time comes first.
    rows: Vec<Map<String, Value>>,
    /// The sums of all, also of what is in no row.
    total: Map<String, Value>,
    /// Whether there were more rows than asked for.
    is_cut: bool,
}

/// Answers; the reading waits for a disk.
pub(super) fn answer<'a>(ask: &'a Ask<'a>) -> Answering<'a> {
    Box::pin(async move {
        let query = match query(&ask.query, ask.admin.clock.now()) {
            Ok(query) => query,
            Err(message) => return reply::error(StatusCode::BAD_REQUEST, &message),
        };
        let books = ask.admin.books.clone();
        let reading = tokio::task::spawn_blocking(move || books.usage(&query));
        match reading.await {
            Ok(Ok(usage)) => reply::json(StatusCode::OK, &usage),
            Ok(Err(error)) => unread(&error),
            Err(_) => reply::error(
                StatusCode::SERVICE_UNAVAILABLE,
                "the daemon is shutting down",
            ),
        }
    })
}

/// Why the books could not be read.
pub(super) fn unread(error: &StoreError) -> Reply {
    let status = match error {
        StoreError::NotKept => StatusCode::CONFLICT,
        StoreError::Folder { .. }
        | StoreError::Held { .. }
        | StoreError::Newer { .. }
        | StoreError::NotOurs
        | StoreError::Sqlite(_)
        | StoreError::InFile { .. }
        | StoreError::Unreadable { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    reply::error(status, &error.to_string())
}

fn query(parameters: &Parameters, now: Time) -> Result<Query, String> {
    let by = parameters.text("by").unwrap_or("route,target");
    let by = Dimension::list(by).map_err(|word| {
        let known: Vec<&str> = Dimension::ALL.iter().map(|it| it.name()).collect();
        format!("by: expected {}, found {word:?}", known.join(", "))
    })?;
    let (since, until) = since_until(parameters, "1mo", now)?;
    let only = [Dimension::Route, Dimension::Team, Dimension::Key].map(|dimension| {
        let value = parameters.text(dimension.name())?;
        Some((dimension, value.to_owned()))
    });
    let most = parameters.whole("limit").unwrap_or(SHOWN);
    Ok(Query {
        by,
        since,
        until,
        only: only.into_iter().flatten().collect(),
        most: usize::try_from(most).unwrap_or(usize::MAX),
    })
}

/// The moments that are asked about; since `otherwise` if nothing is said.
pub(super) fn since_until(
    parameters: &Parameters,
    otherwise: &str,
    now: Time,
) -> Result<(Time, Time), String> {
    let when = |name: &str, otherwise: &str| {
        let text = parameters.text(name).unwrap_or(otherwise);
        moment(text, now).ok_or_else(|| format!("{name}: expected {MOMENTS}, found {text:?}"))
    };
    Ok((when("since", otherwise)?, when("until", "now")?))
}
