//! What the client sees of an attempt that failed for good.
//!
//! The client's own mistakes come back in the provider's words, untouched: they are about the client's request. Everything
//! else is told in ours: a provider's "incorrect API key sk-…ab" is about the operator's key, and its 404 about the
//! operator's configuration.

use crate::model::Outcome;
use crate::wire::Code;

/// Who chose the model at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The request, as `provider/model`.
    Client,
    /// The configuration, as a route's target.
    Operator,
}

/// What the client sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// The provider's status and body as they are.
    PassThrough,
    /// An error of ours with this code.
    Replace(Code),
}

/// What the client sees of an attempt that ended with `outcome` at a target `named` by somebody.
pub const fn surface(outcome: Outcome, named: NamedBy) -> Surface {
    match outcome {
        Outcome::Ok | Outcome::ClientFault | Outcome::ContextTooLong | Outcome::ContentFiltered => {
            Surface::PassThrough
        }
        Outcome::RateLimited => Surface::Replace(Code::RateLimitExceeded),
        Outcome::QuotaExhausted => Surface::Replace(Code::InsufficientQuota),
        Outcome::Overloaded => Surface::Replace(Code::Overloaded),
        Outcome::NoSuchModel => match named {
            NamedBy::Client => Surface::Replace(Code::ModelNotFound),
            NamedBy::Operator => Surface::Replace(Code::UpstreamError),
        },
        Outcome::ServerError
        | Outcome::Auth
        | Outcome::Transport
        | Outcome::Malformed
        | Outcome::CutStream => Surface::Replace(Code::UpstreamError),
        Outcome::MoveRefused => Surface::Replace(Code::OriginLost),
        Outcome::Timeout(_) => Surface::Replace(Code::UpstreamTimeout),
        // Nobody reads it; should it be written all the same, it says that this side ended it.
        Outcome::Cancelled => Surface::Replace(Code::InternalError),
        Outcome::Refused => Surface::Replace(Code::NoEligibleTarget),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_clients_own_mistakes_come_back_in_the_providers_words() {
        let passes = |outcome| surface(outcome, NamedBy::Operator) == Surface::PassThrough;
        assert!(passes(Outcome::ClientFault) && passes(Outcome::ContextTooLong));
        assert!(!passes(Outcome::Auth), "it may quote the operator's key");
        assert!(!passes(Outcome::NoSuchModel) && !passes(Outcome::ServerError));
    }

    #[test]
    fn an_unknown_model_is_whose_it_is() {
        assert_eq!(
            surface(Outcome::NoSuchModel, NamedBy::Client),
            Surface::Replace(Code::ModelNotFound)
        );
        assert_eq!(
            surface(Outcome::NoSuchModel, NamedBy::Operator),
            Surface::Replace(Code::UpstreamError)
        );
    }
}
