//! Credentials that are worked out: fetched and renewed beside the requests, never on their way.
//!
//! One task a provider with `credentials` fetches a token, puts it where requests read it ([`Access`]) and sleeps until four
//! fifths of its life are over, at the latest five minutes before its end. A failure is said and tried again, ever later up
//! to a minute; the old token is used to its end, and after that requests go elsewhere at once.
//!
//! The code that speaks to Google is our own: two requests and one RSA signature. `gcp_auth` renews a token only once it has
//! ended, in front of whoever asks next, and `google-cloud-auth` brings a client of its own. The chain of AWS (profiles, web
//! identities, machines) is Amazon's own code, behind the feature `aws` for its forty packages.
//!
//! [`Access`]: crate::provider::access::Access

#[cfg(feature = "aws")]
mod aws;
mod google;
mod keeper;

pub use keeper::Keeper;

use std::time::Duration;

use crate::provider::access::Pass;

/// A credential that has just come.
#[derive(Debug)]
struct Fresh {
    pass: Pass,
    /// How long it can be used.
    life: Duration,
}

/// Why none came. No variant repeats what was sent or answered.
#[derive(Debug, thiserror::Error)]
enum NoToken {
    /// The key of the file can't be used.
    #[error("the private key of its file can't be used")]
    Key,
    /// Nobody there, or no answer.
    #[error("where its tokens are made can't be reached: {0}")]
    Unreachable(String),
    /// Refused.
    #[error("where its tokens are made answered {0}")]
    Refused(String),
    /// An answer that is none.
    #[error("where its tokens are made answered with something else than a token")]
    Malformed,
    /// The chain of AWS has none.
    #[cfg(feature = "aws")]
    #[error("no keys of AWS: {0}")]
    Aws(&'static str),
}

#[cfg(test)]
mod tests;
