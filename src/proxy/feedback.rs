//! `POST /v1/feedback`: what an application says of an answer.
//!
//! A score is about an answer that the client has, so it names the request's id, which every answer brings as
//! `x-request-id`. Nobody is asked anything for it: it is looked up, put into its route's cells, and the next tick takes it.
//! Where clients have keys, a key rates the answers to its own requests; another's are as unknown to it as none.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Proxy;
use super::handler::json_headers;
use super::record::Ending;
use super::reply::{Reject, Reply};
use crate::live::{Rated, Rating, Ratings, Snapshot, Unrated};
use crate::model::Outcome;
use crate::wire::Code;

/// Longest label that is kept, in bytes.
const MOST_LABEL: usize = 64;
/// Longest id that a request can have.
const MOST_ID: usize = 128;
/// How often, and after how long, an id is looked for again: the last byte of an answer may be with the client a moment
/// before its record is closed here.
const AGAIN: usize = 5;
const AFTER: Duration = Duration::from_millis(40);

/// What the body says.
#[derive(Clone, Debug, PartialEq)]
struct Feedback {
    id: String,
    score: f64,
    label: Option<String>,
}

/// Takes the score in `body`.
///
/// # Errors
/// It is none, or nobody knows what it is about.
pub(super) async fn take(
    proxy: &Proxy,
    snapshot: &Snapshot,
    body: &Bytes,
    ending: &mut Ending,
) -> Result<Reply, Reject> {
    let feedback = read(body)?;
    let rating = Rating {
        id: feedback.id.as_bytes(),
        key: ending.end.key.as_deref(),
        score: feedback.score,
        label: feedback.label.as_deref(),
    };
    let mut rated = snapshot.ratings.rate(snapshot, &rating, proxy.clock.now());
    for _ in 0..AGAIN {
        if rated != Err(Unrated::Unknown) {
            break;
        }
        tokio::time::sleep(AFTER).await;
        rated = snapshot.ratings.rate(snapshot, &rating, proxy.clock.now());
    }
    let rated = rated.map_err(|why| refused(why, &feedback.id))?;
    proxy
        .recorder
        .answer_rated(&rated.route, &rated.served, feedback.score);
    ending.end.outcome = Outcome::Ok;
    Ok(Reply::Whole {
        status: StatusCode::OK,
        headers: json_headers(),
        body: told(&feedback, &rated).to_string().into(),
    })
}

fn refused(why: Unrated, id: &str) -> Reject {
    match why {
        Unrated::Unknown => {
            let (most, hours) = Ratings::BOUNDS;
            let message = format!(
                "no answer to a request {id:?} can be rated here; expected the x-request-id of an answer that is complete, \
                 is one of the last {most}, was given within {hours} hours and since this server started, and was asked for \
                 with the same key"
            );
            Reject::new(Code::NotFound, message)
                .about("request_id")
                .final_word()
        }
        Unrated::TooMany => {
            let message = "more scores came at once than are taken; send it again in a second";
            Reject::new(Code::Overloaded, message).retry_after(Some(Duration::from_secs(1)))
        }
    }
}

fn told(feedback: &Feedback, rated: &Rated) -> Value {
    let mut told = json!({
        "request_id": feedback.id,
        "route": &*rated.route,
        "target": rated.served.target(),
        "score": feedback.score,
        "label": feedback.label,
        "replaced": rated.before,
        "counts": rated.counts,
    });
    if !rated.counts {
        let why = "the request named its targets itself, or its target is no longer configured as it was: no route's \
                   shares can follow this score";
        told["why"] = why.into();
    }
    told
}

/// What `body` says.
fn read(body: &[u8]) -> Result<Feedback, Reject> {
    const EXAMPLE: &str = "{\"request_id\": \"req_…\", \"score\": 0.8, \"label\": \"thumbs\"}";
    let object: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
        let message = format!("expected an object such as {EXAMPLE}: {error}");
        Reject::new(Code::InvalidRequestError, message).final_word()
    })?;
    let known = ["request_id", "score", "label"];
    if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
        let shown: String = key.chars().take(100).collect();
        return Err(bad(
            &shown,
            format!("unknown field {shown:?}; expected an object such as {EXAMPLE}"),
        ));
    }
    let id = match object.get("request_id") {
        Some(Value::String(id)) if !id.is_empty() && id.len() <= MOST_ID => id.clone(),
        other => {
            return Err(bad(
                "request_id",
                expected("the x-request-id of an answer", other),
            ));
        }
    };
    let score = match object.get("score").map(|score| (score, score.as_f64())) {
        Some((_, Some(score))) if (0.0..=1.0).contains(&score) => score,
        other => {
            let found = other.map(|(value, _)| value);
            let what = "a number from 0 (bad) to 1 (good)";
            return Err(bad("score", expected(what, found)));
        }
    };
    let label = match object.get("label") {
        None | Some(Value::Null) => None,
        Some(Value::String(label)) if label.len() <= MOST_LABEL => Some(label.clone()),
        other => {
            let what = format!("a text of at most {MOST_LABEL} bytes, or none");
            return Err(bad("label", expected(&what, other)));
        }
    };
    Ok(Feedback { id, score, label })
}

fn expected(what: &str, found: Option<&Value>) -> String {
    let found = found.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let shown: String = found.chars().take(100).collect();
    format!("expected {what}, found {shown}")
}

fn bad(param: &str, message: String) -> Reject {
    Reject::new(Code::InvalidRequestError, message)
        .about(param)
        .final_word()
}

#[cfg(test)]
#[path = "feedback_tests.rs"]
mod tests;
