//! What an attempt turned out to be, and what follows from it.

use serde::{Deserialize, Serialize};

/// The part of an attempt in which a deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the connection stood.
    Connect,
    /// Before the response's header.
    Header,
    /// After the header, before the first content.
    FirstToken,
    /// Between two pieces of content.
    BetweenTokens,
    /// The attempt's own time, whatever it was doing.
    Attempt,
    /// The whole request's time.
    Request,
}

impl Phase {
    /// Name in metrics, logs and messages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Header => "header",
            Self::FirstToken => "first_token",
            Self::BetweenTokens => "between_tokens",
            Self::Attempt => "attempt",
            Self::Request => "request",
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A complete answer.
    Ok,
    /// 429: too many requests for now.
    RateLimited,
    /// 429 or 402 because money or a long-term quota is used up: waiting a minute will not help.
    QuotaExhausted,
    /// 503 with Retry-After, or 529: the provider asks to be spared for a while.
    Overloaded,
    /// 5xx without a wait.
    ServerError,
    /// 401 or 403: our credential is wrong.
    Auth,
    /// 404: the target has no such model.
    NoSuchModel,
    /// The client's own mistake.
    ClientFault,
    /// The target refused a conversation that was moved there from another provider: our own mistake.
    MoveRefused,
    /// The prompt is longer than the model takes.
    ContextTooLong,
    /// The provider's content policy refused.
    ContentFiltered,
    /// A deadline passed.
    Timeout(Phase),
    /// Refused, reset, or not reachable at all.
    Transport,
    /// An answer that is not the protocol's: HTML, broken JSON, a redirect, an empty stream.
    Malformed,
    /// A stream that ended without its end, or with an error event, after content had passed.
    CutStream,
    /// The client went away.
    Cancelled,
    /// Nothing was sent upstream: no capacity here, no eligible target.
    Refused,
}

/// What an outcome says about the target, in the controller's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It served.
    Ok,
    /// It asks for less: a signal about capacity, not a fault.
    Throttle,
    /// It failed.
    Fault,
    /// Our credential or our model name is wrong there: ejects at once, and an operator is needed.
    OurFault,
    /// The client's request was wrong: says nothing about the target.
    ClientFault,
    /// The client left: says nothing but what was measured before.
    Cancelled,
}

impl Class {
    /// All classes, in the order of their positions in counters.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Throttle,
        Self::Fault,
        Self::OurFault,
        Self::ClientFault,
        Self::Cancelled,
    ];

    /// Position in arrays of counters.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::Ok,
        Self::RateLimited,
        Self::QuotaExhausted,
        Self::Overloaded,
        Self::ServerError,
        Self::Auth,
        Self::NoSuchModel,
        Self::ClientFault,
        Self::MoveRefused,
        Self::ContextTooLong,
        Self::ContentFiltered,
        Self::Timeout(Phase::Connect),
        Self::Timeout(Phase::Header),
        Self::Timeout(Phase::FirstToken),
        Self::Timeout(Phase::BetweenTokens),
        Self::Timeout(Phase::Attempt),
        Self::Timeout(Phase::Request),
        Self::Transport,
        Self::Malformed,
        Self::CutStream,
        Self::Cancelled,
        Self::Refused,
    ];

    /// What the outcome says about the target.
    pub const fn class(self) -> Class {
        match self {
            Self::Ok => Class::Ok,
            Self::RateLimited | Self::QuotaExhausted | Self::Overloaded => Class::Throttle,
            Self::ServerError
            | Self::Timeout(_)
            | Self::Transport
            | Self::Malformed
            | Self::CutStream => Class::Fault,
            Self::Auth | Self::NoSuchModel => Class::OurFault,
            Self::ClientFault | Self::ContextTooLong | Self::ContentFiltered => Class::ClientFault,
            Self::Cancelled | Self::Refused | Self::MoveRefused => Class::Cancelled,
        }
    }

    /// Name in metrics, logs and messages; timeouts carry their phase apart.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server_error",
            Self::Auth => "auth",
            Self::NoSuchModel => "no_such_model",
            Self::ClientFault => "client_fault",
            Self::MoveRefused => "move_refused",
            Self::ContextTooLong => "context_too_long",
            Self::ContentFiltered => "content_filtered",
            Self::Timeout(Phase::Connect) => "timeout_connect",
            Self::Timeout(Phase::Header) => "timeout_header",
            Self::Timeout(Phase::FirstToken) => "timeout_first_token",
            Self::Timeout(Phase::BetweenTokens) => "timeout_between_tokens",
            Self::Timeout(Phase::Attempt) => "timeout_attempt",
            Self::Timeout(Phase::Request) => "timeout_request",
            Self::Transport => "transport",
            Self::Malformed => "malformed",
            Self::CutStream => "cut_stream",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
        }
    }
}
