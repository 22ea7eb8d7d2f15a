//! What the client hears when no target answered.
//!
//! Its own mistakes come back in the provider's words. Everything else is told in ours: which provider failed, how often we
//! tried, and (by `x-should-retry: false`, which the official clients obey) that trying again at once would only repeat what
//! was done here.

use http::StatusCode;

use super::failed::Failed;
use super::record::Ending;
use super::reply::{Reject, Reply};
use crate::model::Outcome;
use crate::provider::surface::{NamedBy, Surface, surface};
use crate::wire::{Code, ErrorBody};

/// Why nothing else is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It would be wrong after this failure.
    Final,
    /// Attempts, places or time of the request are spent.
    Spent,
    /// The retries of all requests are spent.
    Budget,
}

/// The answer after the `last` failure of a request whose models were `named` by somebody, and `why` there is no other.
pub(super) fn last_word(last: Option<Failed>, named: NamedBy, ending: &Ending, why: Why) -> Reply {
    let Some(failed) = last else {
        let message = "no target may serve this request";
        return Reply::Reject(Reject::new(Code::NoEligibleTarget, message));
    };
    if failed.outcome == Outcome::Refused {
        return Reply::Reject(refused(&failed));
    }
    match surface(failed.outcome, named) {
        Surface::PassThrough => passed_through(failed),
        Surface::Replace(code) => {
            let message = if failed.outcome == Outcome::MoveRefused {
                let served = ending.end.served.as_ref();
                not_taken(served.map_or("", |served| served.provider()), &failed)
            } else {
                told(&failed, ending, why)
            };
            Reply::Reject(
                Reject::new(code, message)
                    .retry_after(failed.wait)
                    .final_word(),
            )
        }
    }
}

/// Nothing was sent: everybody is at a limit, or nobody is there.
fn refused(failed: &Failed) -> Reject {
    if failed.wait.is_some() {
        let message = "all targets asked to be left alone for a while";
        return Reject::new(Code::Overloaded, message).retry_after(failed.wait);
    }
    let message = format!("no target can serve this request now: {}", failed.detail);
    Reject::new(Code::NoEligibleTarget, message)
}

/// One target that failed is told alone; of several each with its reason.
fn told(failed: &Failed, ending: &Ending, why: Why) -> String {
    let end = &ending.end;
    let served = end.served.as_ref();
    let provider = served.map_or("", |served| served.provider());
    let tries = match (end.attempts, why) {
        (0 | 1, Why::Final) => String::new(),
        (0 | 1, Why::Spent | Why::Budget) => " after 1 attempt".to_owned(),
        (n, _) => format!(" after {n} attempts"),
    };
    let spent = match why {
        Why::Budget => "; the retry budget is spent",
        Why::Final | Why::Spent => "",
    };
    if end.attempts > 1 {
        let failures = ending.failures();
        return format!("provider {provider:?} failed{tries}{spent}; tried {failures}");
    }
    format!(
        "provider {provider:?} failed{tries}: {}{spent}",
        failed.detail
    )
}

/// A conversation that nobody takes over.
fn not_taken(provider: &str, failed: &Failed) -> String {
    format!(
        "the provider that this conversation began at cannot be asked now, and provider {provider:?} does not go on with \
         it: {}; begin the conversation anew",
        failed.detail
    )
}

/// The client's own mistake, in the provider's words.
fn passed_through(failed: Failed) -> Reply {
    let code = match failed.outcome {
        Outcome::ContextTooLong => Code::ContextLengthExceeded,
        Outcome::ContentFiltered => Code::ContentFilter,
        Outcome::ClientFault
        | Outcome::MoveRefused
        | Outcome::Ok
        | Outcome::RateLimited
        | Outcome::QuotaExhausted
        | Outcome::Overloaded
        | Outcome::ServerError
        | Outcome::Auth
        | Outcome::NoSuchModel
        | Outcome::Timeout(_)
        | Outcome::Transport
        | Outcome::Malformed
        | Outcome::CutStream
        | Outcome::Cancelled
        | Outcome::Refused => Code::InvalidRequestError,
    };
    let Some(answer) = failed.answer else {
        let mut body = ErrorBody::new(code, failed.detail);
        body.status = failed.status.map_or(body.status, |status| status.as_u16());
        return Reply::Reject(Reject::of(body).final_word());
    };
    let (headers, body) = *answer;
    // An error under a status of success is an error all the same.
    let status = failed.status.unwrap_or(StatusCode::BAD_REQUEST);
    Reply::Whole {
        status,
        headers,
        body,
    }
}
