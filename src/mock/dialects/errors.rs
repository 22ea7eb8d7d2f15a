//! Errors, as each provider words them.
//!
//! Sources, 2026-11-24: <https://platform.openai.com/docs/guides/error-codes>, <https://docs.anthropic.com/en/api/errors>,
//! <https://ai.google.dev/gemini-api/docs/troubleshooting>,
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors>,
//! <https://docs.cohere.com/reference/errors>.

use std::time::Duration;

use serde_json::{Value, json};

use super::Dialect;
use crate::law::ErrorKind;

/// What Bedrock puts behind the type of an exception.
const CORAL: &str = ":http://internal.amazon.com/coral/com.amazon.bedrock/";

/// An error to be told.
#[derive(Clone, Copy, Debug)]
pub(in crate::mock) struct Fault<'a> {
    pub(in crate::mock) kind: ErrorKind,
    /// The status that it is to have, if not the provider's own.
    pub(in crate::mock) status: Option<u16>,
    /// What it says, if not the provider's own words.
    pub(in crate::mock) words: Option<&'a str>,
    pub(in crate::mock) param: Option<&'a str>,
    pub(in crate::mock) code: Option<&'a str>,
    /// How long to wait.
    pub(in crate::mock) wait: Option<Duration>,
    pub(in crate::mock) model: &'a str,
    /// Seconds since 1970.
    pub(in crate::mock) now: u64,
}

impl<'a> Fault<'a> {
    /// An error of this kind in the provider's own words.
    pub(in crate::mock) const fn plain(kind: ErrorKind) -> Self {
        Self {
            kind,
            status: None,
            words: None,
            param: None,
            code: None,
            wait: None,
            model: "this model",
            now: 0,
        }
    }

    fn says(&self, words: &'a str) -> &'a str {
        self.words.unwrap_or(words)
    }
}

/// The status of an error: the wanted one, else the provider's own.
pub(in crate::mock) const fn status(dialect: Dialect, fault: &Fault<'_>) -> u16 {
    if let Some(status) = fault.status {
        return status;
    }
    match (fault.kind, dialect) {
        // First those who are vague: a bad request may be anything.
        (ErrorKind::Quota, Dialect::Messages | Dialect::Converse)
        | (ErrorKind::Auth, Dialect::Gemini) => 400,
        (ErrorKind::RateLimit | ErrorKind::Quota, _) => 429,
        (ErrorKind::Overloaded, Dialect::Messages) => 529,
        (ErrorKind::Overloaded, _) => 503,
        (ErrorKind::Server, _) => 500,
        (ErrorKind::Auth, Dialect::Converse) => 403,
        (ErrorKind::Auth, _) => 401,
        (ErrorKind::Model, _) => 404,
        // Gemini answers, and says in the answer that there is none.
        (ErrorKind::Content, Dialect::Gemini) => 200,
        (ErrorKind::Context | ErrorKind::Content | ErrorKind::Client, _) => 400,
    }
}

/// The document of an error.
pub(in crate::mock) fn document(dialect: Dialect, fault: &Fault<'_>) -> Value {
    match dialect {
        Dialect::Chat | Dialect::Completions | Dialect::Responses => openai(fault),
        Dialect::Messages => anthropic(fault),
        Dialect::Gemini => google(fault),
        Dialect::Converse => json!({"message": amazon(fault).1}),
        Dialect::Cohere => cohere(fault),
    }
}

/// Headers beside the document's own.
pub(in crate::mock) fn headers(dialect: Dialect, fault: &Fault<'_>) -> Vec<(&'static str, String)> {
    match dialect {
        Dialect::Chat | Dialect::Completions | Dialect::Responses => waits(fault, openai_limits),
        Dialect::Messages => waits(fault, anthropic_limits),
        Dialect::Converse => vec![("x-amzn-errortype", format!("{}{CORAL}", amazon(fault).0))],
        Dialect::Gemini | Dialect::Cohere => Vec::new(),
    }
}

fn waits(
    fault: &Fault<'_>,
    limits: impl Fn(&Fault<'_>, Duration) -> Vec<(&'static str, String)>,
) -> Vec<(&'static str, String)> {
    fault.wait.map_or_else(Vec::new, |wait| limits(fault, wait))
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

fn seconds(wait: Duration) -> u64 {
    millis(wait).div_ceil(1_000)
}

fn openai_limits(_: &Fault<'_>, wait: Duration) -> Vec<(&'static str, String)> {
    vec![
        ("retry-after", seconds(wait).to_string()),
        ("retry-after-ms", millis(wait).to_string()),
        ("x-ratelimit-remaining-requests", "0".to_owned()),
        ("x-ratelimit-reset-requests", format!("{}ms", millis(wait))),
    ]
}

fn anthropic_limits(fault: &Fault<'_>, wait: Duration) -> Vec<(&'static str, String)> {
    let reset = rfc3339(fault.now.saturating_add(seconds(wait)));
    vec![
        ("retry-after", seconds(wait).to_string()),
        ("anthropic-ratelimit-requests-remaining", "0".to_owned()),
        ("anthropic-ratelimit-requests-reset", reset),
    ]
}

fn openai(fault: &Fault<'_>) -> Value {
    let missing = format!(
        "The model `{}` does not exist or you do not have access to it.",
        fault.model
    );
    let (words, kind, code) = match fault.kind {
        ErrorKind::RateLimit => (
            "Rate limit reached for requests. Please try again later.",
            "requests",
            Some("rate_limit_exceeded"),
        ),
        ErrorKind::Quota => (
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            Some("insufficient_quota"),
        ),
        ErrorKind::Overloaded => (
            "The engine is currently overloaded, please try again later.",
            "server_error",
            None,
        ),
        ErrorKind::Server => (
            "The server had an error while processing your request. Sorry about that!",
            "server_error",
            None,
        ),
        ErrorKind::Auth if fault.status == Some(403) => (
            "You are not allowed to use this model.",
            "permission_error",
            None,
        ),
        ErrorKind::Auth => (
            "Incorrect API key provided.",
            "invalid_request_error",
            Some("invalid_api_key"),
        ),
        ErrorKind::Model => (
            missing.as_str(),
            "invalid_request_error",
            Some("model_not_found"),
        ),
        ErrorKind::Context => (
            "This model's maximum context length is 8192 tokens. However, your messages resulted in more tokens. Please reduce the length of the messages.",
            "invalid_request_error",
            Some("context_length_exceeded"),
        ),
        ErrorKind::Content => (
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt.",
            "invalid_request_error",
            Some("invalid_prompt"),
        ),
        ErrorKind::Client => (
            "The request is not acceptable here.",
            "invalid_request_error",
            None,
        ),
    };
    json!({"error": {
        "message": fault.words.unwrap_or(words), "type": kind, "param": fault.param,
        "code": fault.code.or(code),
    }})
}

fn anthropic(fault: &Fault<'_>) -> Value {
    let missing = format!("model: {}", fault.model);
    let (kind, words) = match fault.kind {
        ErrorKind::RateLimit => (
            "rate_limit_error",
            "This request would exceed your organization's rate limit. Please try again later.",
        ),
        ErrorKind::Quota => (
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
        ),
        ErrorKind::Overloaded => ("overloaded_error", "Overloaded"),
        ErrorKind::Server => ("api_error", "Internal server error"),
        ErrorKind::Auth if fault.status == Some(403) => (
            "permission_error",
            "Your API key does not have permission to use the specified resource.",
        ),
        ErrorKind::Auth => ("authentication_error", "invalid x-api-key"),
        ErrorKind::Model => ("not_found_error", missing.as_str()),
        ErrorKind::Context => (
            "invalid_request_error",
            "prompt is too long: 200001 tokens > 200000 maximum",
        ),
        ErrorKind::Content => (
            "invalid_request_error",
            "Output blocked by content filtering policy",
        ),
        ErrorKind::Client => (
            "invalid_request_error",
            "The request is not acceptable here.",
        ),
    };
    let error = json!({"type": kind, "message": fault.words.unwrap_or(words)});
    json!({"type": "error", "error": error, "request_id": "req_mock"})
}

fn google(fault: &Fault<'_>) -> Value {
    if fault.kind == ErrorKind::Content && fault.status.is_none() {
        return json!({
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 1},
            "modelVersion": fault.model,
        });
    }
    let missing = format!(
        "models/{} is not found for API version v1beta, or is not supported for generateContent.",
        fault.model
    );
    let (state, words) = match fault.kind {
        ErrorKind::RateLimit => (
            "RESOURCE_EXHAUSTED",
            "Resource has been exhausted (e.g. check quota).",
        ),
        ErrorKind::Quota => (
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        ErrorKind::Overloaded => (
            "UNAVAILABLE",
            "The model is overloaded. Please try again later.",
        ),
        ErrorKind::Server => ("INTERNAL", "An internal error has occurred."),
        ErrorKind::Auth if fault.status == Some(403) => {
            ("PERMISSION_DENIED", "The caller does not have permission")
        }
        ErrorKind::Auth => (
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
        ),
        ErrorKind::Model => ("NOT_FOUND", missing.as_str()),
        ErrorKind::Context => (
            "INVALID_ARGUMENT",
            "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
        ),
        ErrorKind::Content => ("INVALID_ARGUMENT", "The prompt is not allowed."),
        ErrorKind::Client => ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    };
    let mut error = json!({
        "code": status(Dialect::Gemini, fault), "message": fault.says(words), "status": state,
    });
    let details = google_details(fault);
    if !details.is_empty() {
        error["details"] = json!(details);
    }
    json!({"error": error})
}

fn google_details(fault: &Fault<'_>) -> Vec<Value> {
    let of = |kind: &str| format!("type.googleapis.com/google.rpc.{kind}");
    let mut details = Vec::new();
    match fault.kind {
        ErrorKind::Auth if fault.status != Some(403) => details.push(json!({
            "@type": of("ErrorInfo"), "reason": "API_KEY_INVALID", "domain": "googleapis.com",
        })),
        ErrorKind::Quota => details.push(json!({
            "@type": of("QuotaFailure"),
            "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
        })),
        ErrorKind::RateLimit
        | ErrorKind::Overloaded
        | ErrorKind::Server
        | ErrorKind::Auth
        | ErrorKind::Model
        | ErrorKind::Context
        | ErrorKind::Content
        | ErrorKind::Client => {}
    }
    if let Some(wait) = fault.wait {
        let delay = format!("{}s", millis(wait) as f64 / 1_000.0);
        details.push(json!({"@type": of("RetryInfo"), "retryDelay": delay}));
    }
    details
}

/// An exception's type and words.
fn amazon<'a>(fault: &Fault<'a>) -> (&'static str, &'a str) {
    let (kind, words) = match fault.kind {
        ErrorKind::RateLimit => (
            "ThrottlingException",
            "Too many requests, please wait before trying again.",
        ),
        ErrorKind::Quota => (
            "ServiceQuotaExceededException",
            "Your request exceeds the service quota for your account.",
        ),
        ErrorKind::Overloaded => (
            "ServiceUnavailableException",
            "Bedrock is unable to process your request.",
        ),
        ErrorKind::Server => (
            "InternalServerException",
            "The system encountered an unexpected error during processing. Try your request again.",
        ),
        ErrorKind::Auth => (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        ErrorKind::Model => (
            "ResourceNotFoundException",
            "Could not resolve the foundation model from the provided model identifier.",
        ),
        ErrorKind::Context => (
            "ValidationException",
            "Input is too long for requested model.",
        ),
        ErrorKind::Content => (
            "ValidationException",
            "The model returned the following errors: Output blocked by content filtering policy",
        ),
        ErrorKind::Client => ("ValidationException", "The request is not acceptable here."),
    };
    (kind, fault.says(words))
}

fn cohere(fault: &Fault<'_>) -> Value {
    let missing = format!(
        "model '{}' not found, make sure the correct model ID was used and that you have access to the model.",
        fault.model
    );
    let words = match fault.kind {
        ErrorKind::RateLimit => {
            "You are past the per minute request limit, please wait and try again later."
        }
        ErrorKind::Quota => {
            "You are using a Trial key, which is limited to 1000 API calls / month."
        }
        ErrorKind::Overloaded => "the service is currently overloaded, please try again later",
        ErrorKind::Server => "internal server error",
        ErrorKind::Auth => "invalid api token",
        ErrorKind::Model => missing.as_str(),
        ErrorKind::Context => {
            "too many tokens: total number of tokens in the prompt cannot exceed 128000 - received 128001. Try using a shorter prompt."
        }
        ErrorKind::Content => {
            "invalid request: your prompt was blocked by our content management policy"
        }
        ErrorKind::Client => "invalid request: the request is not acceptable here",
    };
    json!({"id": "00000000-0000-4000-8000-000000000000", "message": fault.words.unwrap_or(words)})
}

/// A second as a date of RFC 3339, by Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
fn rfc3339(unix: u64) -> String {
    let (days, second) = (unix / 86_400, unix % 86_400);
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * index + 2) / 5 + 1;
    let month = if index < 10 { index + 3 } else { index - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z",
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(unix), date);
        }
    }
}
