//! Errors in Anthropic's shape.

use serde_json::json;

use crate::wire::{Code, ErrorBody};

/// An error's document: `{"type": "error", "error": {type, message}, "request_id": null}`.
pub fn write_error(error: &ErrorBody) -> Vec<u8> {
    let message = match error.code {
        // For clients that look for Anthropic's own words to know that they must shorten the conversation.
        Code::ContextLengthExceeded if !error.message.contains(TOO_LONG) => {
            format!("{TOO_LONG}: {}", error.message)
        }
        Code::ContextLengthExceeded
        | Code::InvalidApiKey
        | Code::PermissionDenied
        | Code::ModelNotFound
        | Code::InvalidRequestError
        | Code::ContentFilter
        | Code::NotFound
        | Code::MethodNotAllowed
        | Code::RequestTimeout
        | Code::RequestTooLarge
        | Code::OriginLost
        | Code::RateLimitExceeded
        | Code::InsufficientQuota
        | Code::BudgetExceeded
        | Code::InternalError
        | Code::UpstreamError
        | Code::NoEligibleTarget
        | Code::Overloaded
        | Code::UpstreamTimeout => error.message.clone(),
    };
    let error = json!({"type": kind(error), "message": message});
    json!({"type": "error", "error": error, "request_id": null})
        .to_string()
        .into_bytes()
}

/// What Anthropic says of a prompt that is longer than the model takes.
const TOO_LONG: &str = "prompt is too long";

/// The word of Anthropic's list. The code decides; an error of a target's that goes out under the target's status is named
/// by that.
fn kind(error: &ErrorBody) -> &'static str {
    if error.code == Code::UpstreamError && error.status != error.code.status() {
        return kind_of_status(error.status);
    }
    match error.code {
        Code::InvalidApiKey => "authentication_error",
        Code::PermissionDenied => "permission_error",
        Code::ModelNotFound | Code::NotFound => "not_found_error",
        Code::InvalidRequestError
        | Code::ContextLengthExceeded
        | Code::ContentFilter
        | Code::MethodNotAllowed
        | Code::OriginLost => "invalid_request_error",
        Code::RequestTooLarge => "request_too_large",
        Code::RateLimitExceeded | Code::InsufficientQuota | Code::BudgetExceeded => {
            "rate_limit_error"
        }
        Code::InternalError | Code::UpstreamError | Code::NoEligibleTarget => "api_error",
        Code::Overloaded => "overloaded_error",
        Code::RequestTimeout | Code::UpstreamTimeout => "timeout_error",
    }
}

/// Source: <https://platform.claude.com/docs/en/api/errors>, read 2026-11-24.
const fn kind_of_status(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        408 | 504 => "timeout_error",
        503 | 529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}
