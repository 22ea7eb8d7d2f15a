//! Replies: a status, the headers that go with it, and a body.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, LOCATION};
use http::{HeaderValue, Response, StatusCode};

use super::body::Answering;
use super::dialects::{Dialect, Told, errors};
use super::laws::{End, Flight};
use super::question::{Form, Refused};
use crate::law::{Answer, ErrorKind, Law, Wrong};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const WAIT_US: HeaderName = HeaderName::from_static("x-mock-wait-us");

/// A page as a captive portal sends it.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>Please sign in.</body></html>\n";

pub(super) type Reply = Response<Answering>;

pub(super) fn json(status: StatusCode, body: Answering) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, JSON);
    reply
}

/// How an answer is told: in which dialect, and how it is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) dialect: Dialect,
    pub(super) form: Form,
}

pub(super) fn events(manner: Manner, body: Answering) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    let kind = match (manner.form, manner.dialect) {
        (Form::Array, _) => "application/json; charset=UTF-8",
        (_, Dialect::Converse) => "application/vnd.amazon.eventstream",
        _ => "text/event-stream; charset=utf-8",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply
}

pub(super) fn document(status: StatusCode, text: String) -> Reply {
    json(status, Answering::plain(text))
}

/// A reply to what is asked of the mock itself.
pub(super) fn problem(status: u16, message: &str) -> Reply {
    let fault = errors::Fault {
        status: Some(status),
        words: Some(message),
        ..errors::Fault::plain(ErrorKind::of_status(status))
    };
    fault_reply(Dialect::Chat, &fault, Answering::plain)
}

/// A reply to a request that the law never sees.
pub(super) fn refused(dialect: Dialect, refused: &Refused) -> Reply {
    let fault = errors::Fault {
        status: refused.status,
        words: Some(&refused.words),
        param: refused.param,
        code: refused.code,
        ..errors::Fault::plain(refused.kind)
    };
    fault_reply(dialect, &fault, Answering::plain)
}

fn fault_reply(
    dialect: Dialect,
    fault: &errors::Fault<'_>,
    body: impl FnOnce(Bytes) -> Answering,
) -> Reply {
    let document = Bytes::from(errors::document(dialect, fault).to_string());
    let status = StatusCode::from_u16(errors::status(dialect, fault));
    let mut reply = json(
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        body(document),
    );
    for (name, value) in errors::headers(dialect, fault) {
        if let Ok(value) = HeaderValue::try_from(value) {
            reply
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    reply
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

/// The error that the law wants.
pub(super) fn refusal(manner: Manner, fault: &errors::Fault<'_>, flight: Flight) -> Reply {
    let is_answer = errors::status(manner.dialect, fault) == 200;
    if is_answer && manner.form == Form::Stream {
        // What is told in an answer comes as an event of a stream.
        let document = errors::document(manner.dialect, fault);
        let body = Answering::ending(format!("data: {document}\n\n"), flight, End::Error);
        return events(manner, body);
    }
    fault_reply(manner.dialect, fault, |document| {
        Answering::ending(document, flight, End::Error)
    })
}

pub(super) fn silent(manner: Manner, flight: Flight) -> Reply {
    let body = Answering::Silent { flight };
    if manner.form.is_stream() {
        events(manner, body)
    } else {
        json(StatusCode::OK, body)
    }
}

/// An error where an answer was promised.
pub(super) fn broken(dialect: Dialect, flight: Flight) -> Reply {
    let fault = errors::Fault::plain(ErrorKind::Server);
    let document = errors::document(dialect, &fault).to_string();
    let body = Answering::ending(document, flight, End::Wrong);
    json(StatusCode::OK, body)
}

pub(super) fn wrong(how: Wrong, manner: Manner, flight: Flight) -> Reply {
    let body = |bytes: Bytes| Answering::ending(bytes, flight, End::Wrong);
    let framed = |body| {
        if manner.form.is_stream() {
            events(manner, body)
        } else {
            json(StatusCode::OK, body)
        }
    };
    match how {
        Wrong::Html => {
            let mut reply = json(StatusCode::OK, body(Bytes::from_static(PAGE.as_bytes())));
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            reply.headers_mut().insert(CONTENT_TYPE, html);
            reply
        }
        Wrong::Redirect => {
            let mut reply = json(StatusCode::FOUND, body(Bytes::new()));
            let elsewhere = HeaderValue::from_static("/elsewhere");
            reply.headers_mut().insert(LOCATION, elsewhere);
            reply
        }
        Wrong::Empty => framed(body(Bytes::new())),
        Wrong::HalfJson if manner.form.is_stream() => framed(body(Told::half(manner.dialect))),
        Wrong::HalfJson => framed(body(Bytes::from_static(
            b"{\"id\":\"chatcmpl-mock\",\"object\":",
        ))),
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
