//! Errors as clients read them: OpenAI's shape, with codes from a closed list.
//!
//! Scripts match on `code`, people read `message`, SDKs raise an exception by status. The list is closed so that a code
//! can be documented and alerted on; what a provider said goes into neither, unless its body passes through as it is.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// 401: no key, or one that nobody here knows.
    InvalidApiKey,
    /// 403: a key that may not do this.
    PermissionDenied,
    /// 404: a model that nobody here serves.
    ModelNotFound,
    /// 400: a body that cannot be read or makes no sense.
    InvalidRequestError,
    /// 400: the prompt is longer than the model takes.
    ContextLengthExceeded,
    /// 400: a provider's content policy refused.
    ContentFilter,
    /// 404: no such path.
    NotFound,
    /// 405: the path has no such method.
    MethodNotAllowed,
    /// 408: the client took too long to send its request.
    RequestTimeout,
    /// 409: the conversation holds what only another provider understands, and that one cannot be asked.
    OriginLost,
    /// 413: a body larger than allowed.
    RequestTooLarge,
    /// 429: too many requests for now.
    RateLimitExceeded,
    /// 429: money or a long-term quota is used up.
    InsufficientQuota,
    /// 429: what the operator lets be spent is spent.
    BudgetExceeded,
    /// 500: a fault of this proxy.
    InternalError,
    /// 502: the targets failed.
    UpstreamError,
    /// 503: no target may serve this request.
    NoEligibleTarget,
    /// 503: everybody who may serve it is at a limit.
    Overloaded,
    /// 504: no answer within the time allowed.
    UpstreamTimeout,
}

/// The family of an error, by which older clients tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something about the request.
    InvalidRequestError,
    /// Something about the key.
    AuthenticationError,
    /// The key may not.
    PermissionError,
    /// Too much, for now or for good.
    RateLimitError,
    /// Something here or behind.
    ServerError,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 19] = [
        Self::InvalidApiKey,
        Self::PermissionDenied,
        Self::ModelNotFound,
        Self::InvalidRequestError,
        Self::ContextLengthExceeded,
        Self::ContentFilter,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::OriginLost,
        Self::RequestTooLarge,
        Self::RateLimitExceeded,
        Self::InsufficientQuota,
        Self::BudgetExceeded,
        Self::InternalError,
        Self::UpstreamError,
        Self::NoEligibleTarget,
        Self::Overloaded,
        Self::UpstreamTimeout,
    ];

    /// The code as it stands in bodies and labels.
    pub const fn label(self) -> &'static str {
        match self {
            Self::InvalidApiKey => "invalid_api_key",
            Self::PermissionDenied => "permission_denied",
            Self::ModelNotFound => "model_not_found",
            Self::InvalidRequestError => "invalid_request_error",
            Self::ContextLengthExceeded => "context_length_exceeded",
            Self::ContentFilter => "content_filter",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::OriginLost => "origin_lost",
            Self::RequestTooLarge => "request_too_large",
            Self::RateLimitExceeded => "rate_limit_exceeded",
            Self::InsufficientQuota => "insufficient_quota",
            Self::BudgetExceeded => "budget_exceeded",
            Self::InternalError => "internal_error",
            Self::UpstreamError => "upstream_error",
            Self::NoEligibleTarget => "no_eligible_target",
            Self::Overloaded => "overloaded",
            Self::UpstreamTimeout => "upstream_timeout",
        }
    }

    /// The status that goes with the code.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequestError | Self::ContextLengthExceeded | Self::ContentFilter => 400,
            Self::InvalidApiKey => 401,
            Self::PermissionDenied => 403,
            Self::ModelNotFound | Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::OriginLost => 409,
            Self::RequestTooLarge => 413,
            Self::RateLimitExceeded | Self::InsufficientQuota | Self::BudgetExceeded => 429,
            Self::InternalError => 500,
            Self::UpstreamError => 502,
            Self::NoEligibleTarget | Self::Overloaded => 503,
            Self::UpstreamTimeout => 504,
        }
    }

    /// The family of the code.
    pub const fn kind(self) -> Kind {
        match self {
            Self::ModelNotFound
            | Self::InvalidRequestError
            | Self::ContextLengthExceeded
            | Self::ContentFilter
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::RequestTimeout
            | Self::OriginLost
            | Self::RequestTooLarge => Kind::InvalidRequestError,
            Self::InvalidApiKey => Kind::AuthenticationError,
            Self::PermissionDenied => Kind::PermissionError,
            Self::RateLimitExceeded | Self::InsufficientQuota | Self::BudgetExceeded => {
                Kind::RateLimitError
            }
            Self::InternalError
            | Self::UpstreamError
            | Self::NoEligibleTarget
            | Self::Overloaded
            | Self::UpstreamTimeout => Kind::ServerError,
        }
    }
}

impl Kind {
    /// The family as it stands in bodies.
    pub const fn label(self) -> &'static str {
        match self {
            Self::InvalidRequestError => "invalid_request_error",
            Self::AuthenticationError => "authentication_error",
            Self::PermissionError => "permission_error",
            Self::RateLimitError => "rate_limit_error",
            Self::ServerError => "server_error",
        }
    }
}

/// An error's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorBody {
    /// The HTTP status.
    pub status: u16,
    /// The family: `type` in the body.
    pub kind: Kind,
    /// What it is about, for example `load_balancer.models[2].weight`.
    pub param: Option<String>,
    /// What went wrong, for programs.
    pub code: Code,
    /// What went wrong, for people. Holds nothing private.
    pub message: String,
}

impl ErrorBody {
    /// An error with the status and family of its `code`.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            status: code.status(),
            kind: code.kind(),
            param: None,
            code,
            message: message.into(),
        }
    }

    /// The same, about `param`.
    pub fn about(self, param: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..self
        }
    }

    /// The body: `{"error":{"message","type","param","code"}}`.
    pub fn json(&self) -> Bytes {
        let param = self.param.as_deref();
        let body = format!(
            r#"{{"error":{{"message":{},"type":"{}","param":{},"code":"{}"}}}}"#,
            Value::from(self.message.as_str()),
            self.kind.label(),
            param.map_or(Value::Null, Value::from),
            self.code.label()
        );
        body.into()
    }

    /// The same as the last event of a stream that has begun: `data: {"error":{…}}` and a blank line. No `[DONE]` follows,
    /// so that no client takes the stream for complete. It starts with a line end of its own, since the stream may have
    /// broken off inside a line.
    pub fn event(&self) -> Bytes {
        let body = self.json();
        [b"\n\ndata: ", body.as_ref(), b"\n\n"].concat().into()
    }
}

impl From<super::Error> for ErrorBody {
    fn from(error: super::Error) -> Self {
        Self {
            message: error.to_string(),
            param: error.param,
            ..Self::new(Code::InvalidRequestError, "")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_openais_shape() {
        let error = ErrorBody::new(Code::ModelNotFound, "no model \"x\"\nhere").about("model");
        assert_eq!(error.status, 404);
        assert_eq!(
            error.json().as_ref(),
            br#"{"error":{"message":"no model \"x\"\nhere","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#
        );
    }

    #[test]
    fn an_event_ends_a_stream_that_broke_inside_a_line() {
        let error = ErrorBody::new(Code::UpstreamError, "gone");
        let mut reader = crate::wire::StreamReader::new();
        reader.push(br#"data: {"choices":[{"delta":{"content":"a"}}]}"#);
        reader.push(&error.event());
        let seen = reader.seen();
        assert!(
            seen.error
                .as_ref()
                .is_some_and(|error| error.is("upstream_error"))
        );
        assert!(!seen.done, "the stream must not look complete");
    }

    #[test]
    fn labels_are_what_bodies_say_and_statuses_are_errors() {
        for code in Code::ALL {
            assert_eq!(serde_json::json!(code), code.label());
            assert_eq!(serde_json::json!(code.kind()), code.kind().label());
            assert!((400..600).contains(&code.status()), "{code:?}");
        }
    }

    #[test]
    fn a_bad_request_says_where() {
        let error = crate::wire::Envelope::read(br#"{"model":7}"#).unwrap_err();
        let body = ErrorBody::from(error);
        assert_eq!((body.status, body.param.as_deref()), (400, Some("model")));
        assert_eq!(
            body.message,
            "model: expected a model's name as a string, found 7"
        );
    }
}
