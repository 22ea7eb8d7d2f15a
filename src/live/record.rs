//! What is told about a finished request: exactly one [`RequestEnd`] per request that reached the data plane's handler.
//!
//! The words stand here, below both planes, so that those who count can listen and those who serve can tell without
//! knowing each other.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::Witness;
use crate::model::{Operation, Outcome, TargetName, UpstreamName};

/// Status that is counted where the client left before its answer was complete.
pub const CLIENT_CLOSED: u16 = 499;

/// Told about attempts and requests as they end.
pub trait Recorder: Witness {
    /// A request is over.
    fn request_ended(&self, end: &RequestEnd);
}

/// The end of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestEnd {
    /// The route's name, `inline` or `direct`; empty if the request was refused before it had one.
    pub route: Arc<str>,
    /// What it asked for.
    pub operation: Operation,
    /// Who served it or was tried last; `None` if nobody was.
    pub served: Option<Served>,
    /// The status that the client saw; 499 if it left.
    pub status: u16,
    /// The error's code from the closed list; `None` for answers, and for errors in a provider's own words.
    pub code: Option<&'static str>,
    /// How the last attempt ended; [`Outcome::Refused`] if there was none.
    pub outcome: Outcome,
    /// Whether the target that its conversation falls to was the one that was called last; `None` where nothing is kept
    /// together, or nobody was called.
    pub sticky: Option<Stuck>,
    /// Calls to targets.
    pub attempts: u32,
    /// Whether it ended with a failure because there had been too many retries of all requests.
    pub budget_spent: bool,
    /// From the request's head to the last byte of the answer.
    pub total: Duration,
    /// From the request's head to the first content of a stream.
    pub first_content: Option<Duration>,
    /// From the request's last byte to the response's header, less the time spent waiting for targets.
    pub overhead: Duration,
}

/// Where a request of a sticky route went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stuck {
    /// To the target that its key falls to by the shares in force.
    Kept,
    /// To another: that one was shut, failed, or made way for a probe.
    Moved,
}

impl Stuck {
    /// Its label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Moved => "moved",
        }
    }
}

/// A target that was called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Served {
    /// Its name within its route; `None` if the request named it itself.
    pub name: Option<TargetName>,
    /// Provider and model.
    pub upstream: UpstreamName,
}

impl Served {
    /// Its name within its route, or `provider/model`.
    pub fn target(&self) -> &str {
        let own = self.name.as_ref().map(TargetName::as_str);
        own.unwrap_or_else(|| self.upstream.as_str())
    }

    /// Its provider.
    pub fn provider(&self) -> &str {
        self.upstream.provider().as_str()
    }

    /// Its model, as the provider calls it.
    pub fn model(&self) -> &str {
        self.upstream.model()
    }
}
