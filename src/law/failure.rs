//! What an error says, apart from how a provider puts it.

use serde::{Deserialize, Serialize};

/// What an error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// Too many requests or tokens: wait and try again.
    RateLimit,
    /// Nothing is left of what was paid for.
    Quota,
    /// The provider has too much to do.
    Overloaded,
    /// The provider failed.
    Server,
    /// The credential is not accepted.
    Auth,
    /// There is no such model.
    Model,
    /// The prompt does not fit the model.
    Context,
    /// The prompt is not allowed.
    Content,
    /// The request is wrong in another way.
    Client,
}

impl ErrorKind {
    /// What an error of this status says where nobody wrote it.
    pub const fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Auth,
            402 => Self::Quota,
            404 => Self::Model,
            429 => Self::RateLimit,
            400..=499 => Self::Client,
            503 | 529 => Self::Overloaded,
            _ => Self::Server,
        }
    }
}
