use serde_json::{Value, json};

use super::{events, start, text};
use crate::dialect::messages::{Writer, write_error};
use crate::dialect::neutral::{Piece, Request};
use crate::wire::{Code, ErrorBody, Reported};

fn written(error: &ErrorBody) -> Value {
    serde_json::from_slice(&write_error(error)).unwrap()
}

#[test]
fn an_error_has_anthropics_shape() {
    let error = ErrorBody::new(Code::ModelNotFound, "no model \"x\"").about("model");
    assert_eq!(
        written(&error),
        json!({"type": "error", "request_id": null,
            "error": {"type": "not_found_error", "message": "no model \"x\""}})
    );
}

#[test]
fn every_code_has_a_type_that_clients_know() {
    for code in Code::ALL {
        let expected = match code {
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
        };
        let body = written(&ErrorBody::new(code, "m"));
        assert_eq!(body["error"]["type"], expected, "{code:?}");
    }
}

#[test]
fn an_error_under_a_targets_status_is_named_by_it() {
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ] {
        let error = ErrorBody {
            status,
            ..ErrorBody::new(Code::UpstreamError, "m")
        };
        assert_eq!(written(&error)["error"]["type"], kind, "{status}");
    }
}

#[test]
fn a_prompt_that_is_too_long_is_said_in_anthropics_words() {
    let message = |words: &str| {
        let body = written(&ErrorBody::new(Code::ContextLengthExceeded, words));
        body["error"]["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(message("9 of 8"), "prompt is too long: 9 of 8");
    assert_eq!(message("prompt is too long"), "prompt is too long");
}

#[test]
fn an_error_ends_a_stream_without_a_stop() {
    let (mut writer, mut out) = (Writer::new(&Request::default(), 1, 2), Vec::new());
    writer.piece(&start(), &mut out);
    writer.error(&ErrorBody::new(Code::UpstreamTimeout, "late"), &mut out);
    writer.error(&ErrorBody::new(Code::UpstreamError, "again"), &mut out);
    writer.piece(&text(0, "more"), &mut out);
    writer.piece(&Piece::Done, &mut out);
    let events = events(&out);
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["error"]["type"], "timeout_error");
}

#[test]
fn a_providers_words_are_not_passed_on() {
    let (mut writer, mut out) = (Writer::new(&Request::default(), 1, 2), Vec::new());
    let reported = Reported {
        message: "bad key sk-123".to_owned(),
        ..Reported::default()
    };
    writer.piece(&Piece::Error(reported), &mut out);
    assert_eq!(events(&out)[0]["error"]["type"], "api_error");
    assert!(!String::from_utf8(out).unwrap().contains("sk-123"));
}
