//! What goes out: the headers that every answer has, and errors in the client's dialect.

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::body::{Body, Passing};
use super::record::Ending;
use crate::dialect::Front;
use crate::dialect::any::write_error;
use crate::wire::{Code, ErrorBody};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The same id where Anthropic's official clients look for it.
/// Source: <https://platform.claude.com/docs/en/api/errors>, read 2026-11-24.
const MESSAGES_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const ROUTE: HeaderName = HeaderName::from_static("x-weighbridge-route");
const TARGET: HeaderName = HeaderName::from_static("x-weighbridge-target");
const PROVIDER: HeaderName = HeaderName::from_static("x-weighbridge-provider");
const MODEL: HeaderName = HeaderName::from_static("x-weighbridge-model");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-weighbridge-attempts");
const WARNING: HeaderName = HeaderName::from_static("x-weighbridge-warning");
const STRIPPED: HeaderName = HeaderName::from_static("x-weighbridge-stripped");
const CONFIG: HeaderName = HeaderName::from_static("x-weighbridge-config");
const OVERHEAD: HeaderName = HeaderName::from_static("x-weighbridge-overhead-ms");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Why a request gets no answer of a target.
#[derive(Debug)]
pub(super) struct Reject {
    body: ErrorBody,
    /// Asks clients not to try again by themselves.
    is_final: bool,
    /// When it may be worth trying again, in seconds.
    retry_after: Option<u64>,
    /// The methods that the path has.
    allow: Option<&'static str>,
    /// Whether the connection cannot be used again, since the rest of the request will not be read.
    pub(super) close: bool,
}

impl Reject {
    /// An error with the status of its `code`.
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self::of(ErrorBody::new(code, message))
    }

    /// This error.
    pub(super) fn of(body: ErrorBody) -> Self {
        Self {
            body,
            is_final: false,
            retry_after: None,
            allow: None,
            close: false,
        }
    }

    /// What went wrong.
    pub(super) const fn code(&self) -> Code {
        self.body.code
    }

    /// The same, about `param`.
    pub(super) fn about(mut self, param: &str) -> Self {
        self.body = self.body.about(param);
        self
    }

    /// The same with another status of the same meaning.
    pub(super) fn status(mut self, status: u16) -> Self {
        self.body.status = status;
        self
    }

    /// The same; trying again cannot help, or was done here already.
    pub(super) fn final_word(mut self) -> Self {
        self.is_final = true;
        self
    }

    /// The same; it may help after `wait`.
    pub(super) fn retry_after(mut self, wait: Option<std::time::Duration>) -> Self {
        // Rounded up: a client that comes early would be refused again.
        let up = |wait: std::time::Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.retry_after = wait.map(|wait| up(wait).max(1));
        self
    }

    /// The same; the path has these methods.
    pub(super) fn allow(mut self, methods: &'static str) -> Self {
        self.allow = Some(methods);
        self
    }

    /// The same; the connection ends with the answer.
    pub(super) fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if self.is_final {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(methods) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        headers
    }
}

/// What goes out.
#[derive(Debug)]
pub(super) enum Reply {
    /// An answer that is known in full.
    Whole {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: HeaderMap,
        /// Its body.
        body: Bytes,
    },
    /// An answer that passes.
    Passing {
        /// Its headers.
        headers: HeaderMap,
        /// The rest of it.
        passing: Box<Passing>,
    },
    /// An error of ours.
    Reject(Reject),
}

/// What the headers of every answer tell, beside what the request's record holds.
#[derive(Debug)]
pub(super) struct Told {
    /// The request's id.
    pub(super) request_id: HeaderValue,
    /// The configuration's generation.
    pub(super) generation: u64,
    /// What the client called: errors come in its dialect.
    pub(super) front: Front,
}

/// Makes the response and settles the request's record: at once if the answer is known in full, else with its last byte.
pub(super) fn respond(reply: Reply, told: Told, mut ending: Ending) -> Response<Body> {
    let id = told.request_id.clone();
    let (overhead, front) = (ending.settle_overhead(), told.front);
    let mut ours = told.headers(&ending);
    ours.push((OVERHEAD, millis(overhead)));
    let (status, mut headers, body) = match reply {
        Reply::Whole {
            status,
            headers,
            body,
        } => {
            ending.finish(status.as_u16());
            (status, headers, Body::whole(body))
        }
        Reply::Passing {
            mut headers,
            mut passing,
        } => {
            if passing.flow.is_some() {
                headers.insert(
                    header::CACHE_CONTROL,
                    HeaderValue::from_static("no-cache, no-transform"),
                );
                headers.insert(BUFFERING, HeaderValue::from_static("no"));
            }
            let status = StatusCode::OK;
            passing.status = status.as_u16();
            if passing.has_content() {
                ending.first_content();
            }
            passing.ending = Some(ending);
            (status, headers, Body::passing(passing))
        }
        Reply::Reject(reject) => {
            ending.end.code = Some(reject.body.code.label());
            let status = StatusCode::from_u16(reject.body.status);
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            ending.finish(status.as_u16());
            (
                status,
                reject.headers(),
                Body::whole(error_body(front, &reject.body, &id)),
            )
        }
    };
    // One growth at most, and nothing is put into one map to be taken over into another.
    headers.reserve(ours.len());
    for (name, value) in ours {
        headers.insert(name, value);
    }
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

impl Told {
    fn headers(self, ending: &Ending) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::with_capacity(10);
        if matches!(self.front, Front::Messages | Front::CountTokens) {
            headers.push((MESSAGES_REQUEST_ID, self.request_id.clone()));
        }
        headers.push((REQUEST_ID, self.request_id));
        headers.push((CONFIG, HeaderValue::from(self.generation)));
        headers.push((ATTEMPTS, HeaderValue::from(ending.end.attempts)));
        if !ending.warnings.is_empty()
            && let Ok(warning) = HeaderValue::try_from(ending.warnings.join("; "))
        {
            headers.push((WARNING, warning));
        }
        let mut name = |header: HeaderName, text: &str| {
            // Names hold visible ASCII only; anything else would be left out rather than refused.
            if let (false, Ok(value)) = (text.is_empty(), HeaderValue::from_str(text)) {
                headers.push((header, value));
            }
        };
        name(ROUTE, &ending.end.route);
        name(STRIPPED, &ending.stripped);
        if let Some(served) = &ending.end.served {
            name(TARGET, served.target());
            name(PROVIDER, served.provider());
            name(MODEL, served.model());
        }
        headers
    }
}

/// Milliseconds with three digits after the point, by whole numbers: printing a float costs several times as much.
fn millis(span: std::time::Duration) -> HeaderValue {
    let mut micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    // As many digits as the longest span has, and the point.
    let mut text = [b'0'; 21];
    let (mut first, least) = (text.len(), text.len() - 5);
    for (at, place) in text.iter_mut().enumerate().rev() {
        if at == least + 1 {
            *place = b'.';
        } else {
            *place = b'0' + u8::try_from(micros % 10).unwrap_or_default();
            micros /= 10;
        }
        first = at;
        if micros == 0 && at <= least {
            break;
        }
    }
    let shown = HeaderValue::from_bytes(text.get(first..).unwrap_or_default());
    shown.unwrap_or(HeaderValue::from_static("0.000"))
}

/// An error in the dialect of `front`; Anthropic's holds the request's id.
fn error_body(front: Front, error: &ErrorBody, id: &HeaderValue) -> Bytes {
    let body = write_error(front, error);
    let (Some(bare), Ok(id)) = (body.strip_suffix(NO_ID), id.to_str()) else {
        return body.into();
    };
    let id = serde_json::Value::from(id).to_string();
    [bare, b"\"request_id\":", id.as_bytes(), b"}"]
        .concat()
        .into()
}

/// The end of an error of Anthropic's that knows no id.
const NO_ID: &[u8] = b"\"request_id\":null}";
