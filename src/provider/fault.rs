//! From a provider's answer to what it means: status, headers and body to an [`Outcome`] and a wait.
//!
//! The status alone misleads: a 429 may mean "in 174 ms" or "when somebody pays", a 400 may be the prompt's length, a 404
//! the operator's typing error. The body's code decides where it can, its message only where nothing else does.
//!
//! | status | body or header | outcome |
//! |---|---|---|
//! | 2xx | – | ok (the body is checked by `wire::answer`) |
//! | 401, 403, 407 | `model_not_found` | no such model, else auth |
//! | 402 | – | quota exhausted |
//! | 404, 405, 410 | – | no such model: the path or the model is the operator's |
//! | 408 | – | timeout, at the provider |
//! | 429 | code or type `insufficient_quota`, `billing_…` | quota exhausted, else rate limited |
//! | other 4xx | `context_length_exceeded`, or words for it | context too long |
//! | other 4xx | `content_filter`, `content_policy_violation` | content filtered |
//! | other 4xx | `model_not_found` | no such model |
//! | other 4xx | – | client's fault |
//! | 503 | Retry-After | overloaded |
//! | 529 | – | overloaded |
//! | other 5xx | – | server error |
//! | 1xx, 3xx, 6xx and up | – | malformed |
//!
//! Sources, read 2026-11-22: <https://community.openai.com/t/api-error-codes-in-json-response-not-http-status/298219>
//! (the codes), <https://learn.microsoft.com/en-us/microsoft-cloud/dev/dev-proxy/concepts/anthropic-529-overloaded-error>
//! (529).

use std::time::Duration;

use http::HeaderMap;

use super::wait;
use crate::model::{Outcome, Phase};
use crate::wire::{Reported, Seen};

/// What a provider's answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How the attempt ended.
    pub outcome: Outcome,
    /// How long the provider asks to be left alone, at most a day; `None` if it does not say.
    pub wait: Option<Duration>,
}

/// Judges an answer by its `status`, `headers` and `body`; `now` is in seconds since 1970, for a `Retry-After` that is a
/// date. Linear in the body.
pub fn classify(status: u16, headers: &HeaderMap, body: &[u8], now: u64) -> Fault {
    let reported = match status {
        400..=499 => Reported::read(body).unwrap_or_default(),
        _ => Reported::default(),
    };
    let asked = wait::from_retry_after(headers, now);
    let outcome = match status {
        200..=299 => Outcome::Ok,
        400..=499 => request_error(status, &reported),
        503 if asked.is_some() => Outcome::Overloaded,
        529 => Outcome::Overloaded,
        500..=599 => Outcome::ServerError,
        _ => Outcome::Malformed,
    };
    let wait = match outcome {
        Outcome::RateLimited | Outcome::QuotaExhausted => asked
            .or_else(|| wait::from_message(&reported.message))
            .or_else(|| wait::from_limits(headers)),
        Outcome::Overloaded | Outcome::ServerError | Outcome::Timeout(_) => asked,
        Outcome::Ok
        | Outcome::Auth
        | Outcome::NoSuchModel
        | Outcome::ClientFault
        | Outcome::ContextTooLong
        | Outcome::ContentFiltered
        | Outcome::Transport
        | Outcome::Malformed
        | Outcome::CutStream
        | Outcome::Cancelled
        | Outcome::Refused => None,
    };
    Fault { outcome, wait }
}

fn request_error(status: u16, reported: &Reported) -> Outcome {
    match status {
        401 | 403 | 407 if reported.is("model_not_found") => Outcome::NoSuchModel,
        401 | 403 | 407 => Outcome::Auth,
        402 => Outcome::QuotaExhausted,
        404 | 405 | 410 => Outcome::NoSuchModel,
        408 => Outcome::Timeout(Phase::Header),
        429 if is_about_money(reported) => Outcome::QuotaExhausted,
        429 => Outcome::RateLimited,
        _ => by_body(reported),
    }
}

/// What a body means whose status says only that the request was refused.
fn by_body(reported: &Reported) -> Outcome {
    if is_about_length(reported) {
        Outcome::ContextTooLong
    } else if ["content_filter", "content_policy_violation"]
        .iter()
        .any(|name| reported.is(name))
    {
        Outcome::ContentFiltered
    } else if reported.is("model_not_found") {
        Outcome::NoSuchModel
    } else {
        Outcome::ClientFault
    }
}

fn is_about_money(reported: &Reported) -> bool {
    let names = [&reported.code, &reported.kind];
    names
        .into_iter()
        .flatten()
        .any(|name| name == "insufficient_quota" || name.starts_with("billing"))
}

/// OpenAI has a code for it, llama.cpp and Cohere a type, vLLM only words.
fn is_about_length(reported: &Reported) -> bool {
    reported.is("context_length_exceeded")
        || reported.is("exceed_context_size_error")
        || reported.is("TOO_MANY_TOKENS")
        || reported.message.contains("maximum context length")
}

/// Judges an error that came inside an answer of status 200: in a stream before its first content, or as a whole document.
/// It is judged by its code, as the status that it stands for; one that names none is the server's.
pub fn of_reported(reported: &Reported) -> Fault {
    let code = reported.code.as_deref().and_then(|code| code.parse().ok());
    let by_code = match code {
        Some(429) => Some(Outcome::RateLimited),
        Some(503 | 529) => Some(Outcome::Overloaded),
        Some(status @ 400..=499) => Some(request_error(status, reported)),
        Some(_) | None => None,
    };
    let outcome = if is_about_money(reported) {
        Outcome::QuotaExhausted
    } else if reported.is("rate_limit_exceeded") || reported.is("rate_limit_error") {
        Outcome::RateLimited
    } else if reported.is("overloaded_error") {
        Outcome::Overloaded
    } else {
        by_code.unwrap_or_else(|| by_words(reported))
    };
    let is_limited = outcome == Outcome::RateLimited;
    let wait = is_limited.then(|| wait::from_message(&reported.message));
    Fault {
        outcome,
        wait: wait.flatten(),
    }
}

/// What an error without a status means: the server's, unless it says otherwise.
fn by_words(reported: &Reported) -> Outcome {
    let told = by_body(reported);
    if told == Outcome::ClientFault && !reported.is("invalid_request_error") {
        Outcome::ServerError
    } else {
        told
    }
}

/// How a stream went that ended here.
pub fn of_stream(seen: &Seen) -> Fault {
    let told = || seen.error.as_ref().map(of_reported);
    match seen.outcome() {
        Some(outcome) => Fault {
            outcome,
            wait: None,
        },
        None => told().unwrap_or(Fault {
            outcome: Outcome::Malformed,
            wait: None,
        }),
    }
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
