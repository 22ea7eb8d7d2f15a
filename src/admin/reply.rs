//! Answers: JSON, never cached, one shape for errors.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use http_body_util::{Either, Full};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::feed::Feed;
use super::operations::Operation;

/// An answer, in one piece or as a stream of events.
pub(super) type Reply = Response<Either<Full<Bytes>, Feed>>;

/// `value` as JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    match serde_json::to_vec_pretty(value) {
        Ok(mut body) => {
            body.push(b'\n');
            reply(status, "application/json", body)
        }
        Err(problem) => {
            tracing::error!(%problem, "an answer of the admin API could not be printed");
            let body = r#"{"error":{"message":"the answer could not be printed"}}"#;
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            reply(status, "application/json", body.into())
        }
    }
}

/// Most characters that are told of what is wrong with a body: it repeats what came.
const LONGEST: usize = 300;

/// What a request's body says, or what is wrong with it.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let reader = &mut serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(reader).map_err(|problem| {
        let told: String = problem.to_string().chars().take(LONGEST).collect();
        format!("the body is not what was expected: {told}")
    })
}

/// An error: what is wrong and what to do about it.
pub(super) fn error(status: StatusCode, message: &str) -> Reply {
    json(status, &json!({ "error": { "message": message } }))
}

/// 405: the path exists and takes only the methods of these operations.
pub(super) fn wrong_method(operations: &[&Operation]) -> Reply {
    let mut methods = Vec::new();
    for operation in operations {
        methods.push(operation.method);
        if operation.reads() {
            methods.push("HEAD");
        }
    }
    allows(&methods.join(", "))
}

/// 405: the path exists and takes only these methods.
pub(super) fn allows(methods: &str) -> Reply {
    let mut reply = error(
        StatusCode::METHOD_NOT_ALLOWED,
        &format!("expected {methods}"),
    );
    if let Ok(methods) = HeaderValue::from_str(methods) {
        reply.headers_mut().insert(ALLOW, methods);
    }
    reply
}

/// `body` as it is.
pub(super) fn reply(status: StatusCode, media: &'static str, body: Vec<u8>) -> Reply {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, media),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
