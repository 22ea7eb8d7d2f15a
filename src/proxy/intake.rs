//! A request as it comes in: what it may be, and its body under a bound.
//!
//! hyper refuses what is not HTTP. What is HTTP but nobody's business here (tunnels, upgrades, encodings, a second `Host`)
//! is refused before anything is read, and none of the client's framing goes further: a target gets a request of our own.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Version};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;

use super::reply::Reject;
use super::room::Held;
use super::through::Through;
use crate::config::Server;
use crate::dialect::Front;
use crate::wire::Code;

/// Where the API hangs: our own place, and those that clients of the hosted API know.
const BASES: [&str; 6] = [
    "/v1",
    "/v2/proxy",
    "/v2/gateway",
    "/v2/router",
    "/v3/router",
    "/v3/anthropic/v1",
];
/// Longest id of a request that is taken over from the client.
const MAX_ID: usize = 128;
/// Longest head of a request.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// Most bytes of memory that are taken for a body because its length says so, before they come.
const MOST_AHEAD: usize = 256 * 1024;

/// What a path is for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    /// A request for a target.
    Ask(Front),
    /// `GET …/models`.
    Models,
    /// `GET …/models/NAME`.
    Model(String),
    /// `POST …/feedback`: what an application says of an answer.
    Feedback,
    /// Anything else that a provider may have.
    Through(Through),
}

/// What a client calls, as far as its path tells: errors come in its dialect.
pub(super) fn front(head: &Parts) -> Front {
    let path = head.uri.path();
    let below = BASES.iter().find_map(|base| under(path, base));
    below.and_then(Front::at).unwrap_or(Front::Other)
}

/// The head is as long as one may be. The transport reads more than that at a time, since bodies come in fewer pieces so.
///
/// # Errors
/// It is longer.
pub(super) fn check_size(head: &Parts) -> Result<(), Reject> {
    let address = head.uri.path_and_query().map_or(0, |it| it.as_str().len());
    let headers = head.headers.iter();
    let lines = headers.map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    if address + lines.sum::<usize>() <= MAX_HEAD {
        return Ok(());
    }
    let message = "expected a head of at most 64 KiB";
    let reject = Reject::new(Code::InvalidRequestError, message).status(431);
    Err(reject.final_word().closing())
}

/// What the request is for; `is_provider` tells whether a provider is called that.
///
/// # Errors
/// It is for nothing here, or not well-formed as HTTP goes.
pub(super) fn purpose(head: &Parts, is_provider: impl Fn(&str) -> bool) -> Result<Purpose, Reject> {
    if head.method == Method::CONNECT || head.method == Method::TRACE {
        return Err(wrong_method(&head.method, "GET, POST").closing());
    }
    check_host(head)?;
    if asks_for_websocket(&head.headers) {
        let message = "this server does not speak WebSocket; send chat completions as HTTP requests, streamed if \
                       \"stream\" is true";
        let reject = Reject::new(Code::InvalidRequestError, message);
        return Err(reject.final_word().closing());
    }
    let path = head.uri.path();
    let Some(below) = BASES.iter().find_map(|base| under(path, base)) else {
        return at_provider(head, path, is_provider);
    };
    let (purpose, method, allow) = match (below, Front::at(below)) {
        ("/models", _) => (Purpose::Models, Method::GET, "GET, HEAD"),
        ("/feedback", _) => (Purpose::Feedback, Method::POST, "POST"),
        (_, Some(front)) => (Purpose::Ask(front), Method::POST, "POST"),
        ("" | "/", None) => return Err(no_such_path(path)),
        (other, None) => match other.strip_prefix("/models/") {
            Some(name) if head.method == Method::GET => return Ok(Purpose::Model(name.to_owned())),
            _ => return Through::new(head, below, None).map(Purpose::Through),
        },
    };
    let head_of_get = head.method == Method::HEAD && method == Method::GET;
    if head.method != method && !head_of_get {
        return Err(wrong_method(&head.method, allow));
    }
    Ok(purpose)
}

/// What follows `base` in `path`, if it is a whole part of it.
fn under<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(base)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// `/PROVIDER/…`.
fn at_provider(
    head: &Parts,
    path: &str,
    is_provider: impl Fn(&str) -> bool,
) -> Result<Purpose, Reject> {
    let named = path.strip_prefix('/').and_then(|rest| rest.split_once('/'));
    match named {
        Some((provider, rest)) if is_provider(provider) => {
            let below = path.get(path.len() - rest.len() - 1..).unwrap_or("/");
            Through::new(head, below, Some(provider)).map(Purpose::Through)
        }
        _ => Err(no_such_path(path)),
    }
}

fn wrong_method(method: &Method, allow: &'static str) -> Reject {
    let message = format!("expected {allow} here, found {method}");
    Reject::new(Code::MethodNotAllowed, message)
        .allow(allow)
        .final_word()
}

fn no_such_path(path: &str) -> Reject {
    let shown: String = path.chars().take(100).collect();
    let message = format!(
        "nothing is at {shown:?}; this server has POST /v1/chat/completions, /v1/messages, /v1/responses, \
         /v1/embeddings, /v1/completions and /v1/feedback, GET /v1/models, and what providers have under /PROVIDER/…"
    );
    Reject::new(Code::NotFound, message).final_word()
}

/// Exactly one `Host` on HTTP/1.1, and nobody's password in it.
fn check_host(head: &Parts) -> Result<(), Reject> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let bad = |message: &str| Err(Reject::new(Code::InvalidRequestError, message).closing());
    if second.is_some() {
        return bad("expected one Host header, found several");
    }
    let Some(host) = first else {
        return match head.version {
            Version::HTTP_11 => bad("expected a Host header, found none"),
            _ => Ok(()),
        };
    };
    let bytes = host.as_bytes();
    if bytes.iter().any(|byte| b"@/\\?# \t".contains(byte)) || std::str::from_utf8(bytes).is_err() {
        return bad("expected a host name in the Host header");
    }
    let authority = head.uri.authority();
    if authority.is_some_and(|authority| authority.as_str().contains('@')) {
        return bad("expected an address without a user in it");
    }
    Ok(())
}

/// Other upgrades may be ignored, and are; a client of this one would wait for ever.
fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let upgrades = headers.get_all(header::UPGRADE).iter();
    upgrades.into_iter().any(|value| {
        value
            .as_bytes()
            .to_ascii_lowercase()
            .starts_with(b"websocket")
    })
}

/// The whole body, within the bounds and the time of `server`; its bytes are `held`.
///
/// # Errors
/// It is encoded, too large, too slow or broken, or finds no room; then the connection must end, since the rest of it was
/// not read.
pub(super) async fn body(
    head: &Parts,
    body: Incoming,
    server: &Server,
    held: &mut Held,
) -> Result<Bytes, Reject> {
    check_encodings(&head.headers)?;
    let (max, time) = (server.max_body, server.body_timeout);
    if body.size_hint().lower() > max {
        return Err(too_large(max));
    }
    let collecting = pin!(collect(body, server, held));
    timeout(time, collecting).await.unwrap_or_else(|_| {
        let message = format!("the request's body did not come within {time:?}");
        Err(Reject::new(Code::RequestTimeout, message).closing())
    })
}

fn check_encodings(headers: &HeaderMap) -> Result<(), Reject> {
    let is =
        |value: &HeaderValue, only: &[u8]| value.as_bytes().trim_ascii().eq_ignore_ascii_case(only);
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    if encodings.any(|value| !is(value, b"identity")) {
        let message = "expected a body without content-encoding; send it plain";
        let reject = Reject::new(Code::InvalidRequestError, message).status(415);
        return Err(reject.about("content-encoding").final_word().closing());
    }
    let mut transfers = headers.get_all(header::TRANSFER_ENCODING).iter();
    let odd =
        transfers.next().is_some_and(|value| !is(value, b"chunked")) || transfers.next().is_some();
    if odd {
        let message = "expected transfer-encoding: chunked or none";
        return Err(Reject::new(Code::InvalidRequestError, message).closing());
    }
    Ok(())
}

async fn collect(mut body: Incoming, server: &Server, held: &mut Held) -> Result<Bytes, Reject> {
    let max = server.max_body;
    let most = usize::try_from(max).unwrap_or(usize::MAX);
    let said = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            let message = "the request's body broke off or was not framed as HTTP asks for";
            Reject::new(Code::InvalidRequestError, message).closing()
        })?;
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        held.take(chunk.len(), server.max_buffered)?;
        if first.is_empty() && all.is_empty() {
            first = chunk;
        } else {
            if all.is_empty() {
                // Once, where the client says how much comes; what it only says takes no more than this.
                all.reserve(said.min(MOST_AHEAD).max(first.len() + chunk.len()));
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&chunk);
        }
        if first.len().max(all.len()) > most {
            return Err(too_large(max));
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn too_large(max: u64) -> Reject {
    let size = match max {
        mebi if mebi >= 1 << 20 && mebi % (1 << 20) == 0 => format!("{} MiB", mebi >> 20),
        bytes => format!("{bytes} bytes"),
    };
    let message = format!("expected a body of at most {size} (server.max_body)");
    Reject::new(Code::RequestTooLarge, message)
        .final_word()
        .closing()
}

/// The client's id for the request, if it is one that may stand in headers and logs.
pub(super) fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get("x-request-id")?;
    let bytes = id.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let fits = !bytes.is_empty() && bytes.len() <= MAX_ID && bytes.iter().all(plain);
    fits.then(|| id.clone())
}
