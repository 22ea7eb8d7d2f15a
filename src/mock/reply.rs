//! Replies: a status, the headers that go with it, and a body.

use std::time::Duration;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use super::answer;
use super::body::Answering;
use super::laws::{End, Flight};
use super::question::Form;
use crate::law::{Answer, Law, Wrong};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const WAIT_US: HeaderName = HeaderName::from_static("x-mock-wait-us");
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

pub(super) type Reply = Response<Answering>;

pub(super) fn json(status: StatusCode, body: Answering) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, JSON);
    reply
}

pub(super) fn events(body: Answering) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply
}

pub(super) fn document(status: StatusCode, text: String) -> Reply {
    json(status, Answering::plain(text))
}

pub(super) fn problem(status: u16, message: &str) -> Reply {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(code, Answering::plain(answer::error(status, message)))
}

pub(super) fn waited(mut reply: Reply, answer: &Answer) -> Reply {
    if !answer.wait.is_zero() {
        let micros = u64::try_from(answer.wait.as_micros()).unwrap_or(u64::MAX);
        reply
            .headers_mut()
            .insert(WAIT_US, HeaderValue::from(micros));
    }
    reply
}

// === what the law wants ===

pub(super) fn refusal(status: u16, retry_after: Option<Duration>, flight: Flight) -> Reply {
    let body = Answering::ending(
        answer::error(status, answer::message(status)),
        flight,
        End::Error,
    );
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = json(status, body);
    if let Some(wait) = retry_after {
        let millis = u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
        let headers = reply.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from(millis.div_ceil(1_000)));
        headers.insert(RETRY_AFTER_MS, HeaderValue::from(millis));
    }
    reply
}

pub(super) fn silent(form: Form, flight: Flight) -> Reply {
    let body = Answering::Silent { flight };
    match form {
        Form::Unary => json(StatusCode::OK, body),
        Form::Stream | Form::StreamWithUsage => events(body),
    }
}

pub(super) fn wrong(how: Wrong, form: Form, flight: Flight) -> Reply {
    let body = |text: &'static str| Answering::ending(text, flight, End::Wrong);
    match how {
        Wrong::Html => {
            let mut reply = json(StatusCode::OK, body(answer::PAGE));
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            reply.headers_mut().insert(CONTENT_TYPE, html);
            reply
        }
        Wrong::Redirect => {
            let mut reply = json(StatusCode::FOUND, body(""));
            let elsewhere = HeaderValue::from_static("/elsewhere");
            reply.headers_mut().insert(LOCATION, elsewhere);
            reply
        }
        Wrong::Empty => match form {
            Form::Unary => json(StatusCode::OK, body("")),
            Form::Stream | Form::StreamWithUsage => events(body("")),
        },
        Wrong::HalfJson => match form {
            Form::Unary => json(
                StatusCode::OK,
                body("{\"id\":\"chatcmpl-mock\",\"object\":"),
            ),
            Form::Stream | Form::StreamWithUsage => {
                events(body("data: {\"id\":\"chatcmpl-mock\",\"object\":\n\n"))
            }
        },
    }
}

pub(super) fn law_document(law: &Law) -> Reply {
    match serde_json::to_string(law) {
        Ok(text) => document(StatusCode::OK, text),
        Err(error) => problem(500, &format!("the law can't be written: {error}")),
    }
}

pub(super) fn no_target(name: &str) -> Reply {
    problem(
        404,
        &format!("no target {name:?} here; PUT /{name}/_law makes one"),
    )
}

pub(super) fn wrong_method(allowed: &'static str) -> Reply {
    let mut reply = problem(405, &format!("expected {allowed}"));
    reply
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    reply
}
