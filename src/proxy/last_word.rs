//! What the client hears when no target answered.
//!
//! Its own mistakes come back in the provider's words. Everything else is told in ours: which provider failed, how often we
//! tried, and (by `x-should-retry: false`, which the official clients obey) that trying again at once would only repeat what
//! was done here.

use http::StatusCode;

use super::failed::Failed;
use super::reply::{Reject, Reply};
use crate::live::RequestEnd;
use crate::model::Outcome;
use crate::provider::surface::{NamedBy, Surface, surface};
use crate::wire::{Code, ErrorBody};

/// The answer after the `last` failure of a request whose models were `named` by somebody; `spent` if more attempts would
/// have been right.
pub(super) fn last_word(
    last: Option<Failed>,
    named: NamedBy,
    end: &RequestEnd,
    spent: bool,
) -> Reply {
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
            let provider = end.served.as_ref().map_or("", |served| served.provider());
            let message = if failed.outcome == Outcome::MoveRefused {
                not_taken(provider, &failed)
            } else {
                told(provider, &failed, end.attempts, spent)
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

fn told(provider: &str, failed: &Failed, attempts: u32, spent: bool) -> String {
    let tries = match (attempts, spent) {
        (0 | 1, false) => String::new(),
        (1, true) => " after 1 attempt".to_owned(),
        (n, _) => format!(" after {n} attempts"),
    };
    format!("provider {provider:?} failed{tries}: {}", failed.detail)
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
