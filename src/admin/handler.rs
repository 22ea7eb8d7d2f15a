//! One request, start to finish.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;

use super::operations::{Ask, Operation, Run, at};
use super::query::Query;
use super::reply::{self, Reply};
use super::{Admin, dashboard, origin};

/// Largest body: an order to steer or a key takes less than 1 kB.
pub(super) const MAX_BODY: usize = 64 * 1024;
/// For a client to send it.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Answers `request`.
pub(super) async fn handle(admin: &Admin, request: Request<Incoming>) -> Reply {
    let allow_remote = admin.published.read().config.admin.allow_remote;
    if !allow_remote && !origin::is_named_by_address(&request) {
        let message = "expected an address or localhost as this listener's name, found another name; \
            admin.allow_remote = true allows any";
        return reply::error(StatusCode::FORBIDDEN, message);
    }
    if let Some(file) = dashboard::file(&request) {
        return file;
    }
    let (found, name) = at(request.uri().path());
    if found.is_empty() {
        let message = "there is nothing here; GET /api/v1 lists what there is";
        return reply::error(StatusCode::NOT_FOUND, message);
    }
    let Some(operation) = found.iter().find(|it| it.takes(request.method())) else {
        return reply::wrong_method(&found);
    };
    if operation.is_guarded() && !may_come_in(admin, request.headers()) {
        return unknown_client();
    }
    let query = request.uri().query().unwrap_or_default();
    let query = match Query::read(query, operation.parameters) {
        Ok(query) => query,
        Err(message) => return reply::error(StatusCode::BAD_REQUEST, &message),
    };
    let headers = request.headers().clone();
    let guard = if admin.published.read().config.admin.token.is_some() {
        origin::Guard::Token
    } else {
        origin::Guard::Nothing
    };
    let body = match taken(operation, request, guard).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    if !operation.reads() && admin.board.is_draining() {
        return ending();
    }
    let ask = Ask {
        admin,
        name,
        query,
        headers,
        body,
    };
    match operation.run {
        Run::Now(run) => run(&ask),
        Run::Later(run) => run(&ask).await,
    }
}

/// Whether the client holds the token, where one is asked for. Compared in constant time.
pub(super) fn may_come_in(admin: &Admin, headers: &HeaderMap) -> bool {
    let snapshot = admin.published.read();
    let Some(token) = &snapshot.config.admin.token else {
        return true;
    };
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(given), None) = (given.next(), given.next()) else {
        return false;
    };
    let bytes = given.as_bytes();
    let Some((scheme, held)) = bytes.split_at_checked("Bearer ".len()) else {
        return false;
    };
    scheme.eq_ignore_ascii_case(b"Bearer ")
        && aws_lc_rs::constant_time::verify_slices_are_equal(held, token.expose().as_bytes())
            .is_ok()
}

fn unknown_client() -> Reply {
    let message = "expected the admin token: Authorization: Bearer TOKEN, as admin.token has it; \
        the commands take it from WEIGHBRIDGE_ADMIN_TOKEN";
    let mut reply = reply::error(StatusCode::UNAUTHORIZED, message);
    let challenge = HeaderValue::from_static("Bearer realm=\"weighbridge\"");
    reply.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    reply
}

/// 503 to what would change something in a process that ends: one that takes this address over has read the books already,
/// and would not know of it. The connection ends, so that what is sent again is not sent to this process for ever.
fn ending() -> Reply {
    let message = "this daemon is shutting down, so nothing is changed; send it again: once it has ended, the daemon that \
        takes its place answers";
    let mut reply = reply::error(StatusCode::SERVICE_UNAVAILABLE, message);
    let headers = reply.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

/// The body of what may change something: from here, and one that comes to its end.
async fn taken(
    operation: &Operation,
    request: Request<Incoming>,
    guard: origin::Guard,
) -> Result<Bytes, Reply> {
    if operation.reads() {
        return Ok(Bytes::new());
    }
    if !origin::is_own(request.headers(), guard) {
        let message = "expected a program or a page of this listener, found another site's page";
        return Err(reply::error(StatusCode::FORBIDDEN, message));
    }
    let body = Limited::new(request.into_body(), MAX_BODY).collect();
    match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => {
            let message = format!("expected a body of at most {MAX_BODY} bytes");
            Err(reply::error(StatusCode::PAYLOAD_TOO_LARGE, &message))
        }
        Err(_) => {
            let message = "the body did not come to its end in time";
            Err(reply::error(StatusCode::REQUEST_TIMEOUT, message))
        }
    }
}
