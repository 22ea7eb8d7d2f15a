//! What is told about a finished request: exactly one [`RequestEnd`] per request that reached the data plane's handler.
//!
//! The words stand here, below both planes, so that those who count can listen and those who serve can tell without
//! knowing each other.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::attempt::Witness;
use super::trace::Trace;
use crate::balance::gate::Reason;
use crate::model::{
    Class, Finished, Operation, Outcome, PicoUsd, TargetName, Time, Tokens, UpstreamName,
};

/// Status that is counted where the client left before its answer was complete.
pub const CLIENT_CLOSED: u16 = 499;

/// Told about attempts and requests as they end.
pub trait Recorder: Witness {
    /// A request is over. The record is shared, for those who keep it.
    fn request_ended(&self, end: &Arc<RequestEnd>);

    /// An application rated an answer that `served` gave to a request of `route`: a score from 0 to 1.
    fn answer_rated(&self, _route: &str, _served: &Served, _score: f64) {}
}

/// The end of a request, and with it the whole record of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestEnd {
    /// What the client knows it by.
    pub id: HeaderValue,
    /// When its head came, by the daemon's clock.
    pub at: Time,
    /// The client key that it came with; `None` where none is asked for.
    pub key: Option<Arc<str>>,
    /// Whom its cost is put down to.
    pub tags: Option<Arc<Tags>>,
    /// The trace that it is part of, where traces are sent anywhere.
    pub trace: Option<Box<Trace>>,
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
    /// All calls in their order, so that their sums are what the request used. How many there can be is bounded by what
    /// routes say: retries, and the lists of fallbacks, each of whose entries is called once.
    pub calls: Vec<Call>,
    /// Whether it ended with a failure because there had been too many retries of all requests.
    pub budget_spent: bool,
    /// From the request's head to the last byte of the answer.
    pub total: Duration,
    /// From the request's head to the first content of a stream.
    pub first_content: Option<Duration>,
    /// From the request's last byte to the response's header, less the time spent waiting for targets.
    pub overhead: Duration,
}

/// So many calls of a request are told of one by one, in its error and as spans.
pub const MOST_CALLS: usize = 8;

/// One call of a request: to whom, why, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Who was called.
    pub served: Served,
    /// Why that one.
    pub reason: Reason,
    /// With which probability it was chosen, where that is known and was asked for.
    pub propensity: Option<f64>,
    /// When, counted from the request's head.
    pub after: Duration,
    /// How it ended. [`Outcome::Cancelled`] until then: a call that is let go of has been cancelled.
    pub outcome: Outcome,
    /// The status that it answered with, where one came and was not a success.
    pub status: Option<u16>,
    /// How long it took.
    pub total: Duration,
    /// From its beginning to its first content.
    pub first_content: Option<Duration>,
    /// Its tokens, if known.
    pub tokens: Option<Tokens>,
    /// Whether they were worked out from sizes.
    pub estimated: bool,
    /// Its cost, if known.
    pub cost: Option<PicoUsd>,
}

impl Call {
    /// It ended so.
    pub fn ended(&mut self, end: &Finished) {
        self.outcome = end.outcome;
        self.total = end.total;
        self.first_content = end.first_content;
        self.tokens = end.tokens;
        self.estimated = end.estimated;
        self.cost = end.cost;
    }
}

/// Whom a request's cost is put down to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tags {
    /// A team.
    pub team: Option<Arc<str>>,
    /// A feature of the application.
    pub feature: Option<Arc<str>>,
    /// A user of the application.
    pub user: Option<Arc<str>>,
}

/// Who ended a request, and in which phase: `target.first_token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedBy {
    /// `target`, `client` or `weighbridge`.
    pub who: &'static str,
    /// What it was doing, or why.
    pub phase: &'static str,
}

impl RequestEnd {
    /// Whether it ended as a request should.
    pub fn is_good(&self) -> bool {
        self.status < 400 && self.outcome.class() == Class::Ok
    }

    /// Whether it failed for no reason of the client's.
    pub fn is_failed(&self) -> bool {
        match self.outcome.class() {
            Class::Fault | Class::Throttle | Class::OurFault => true,
            Class::Cancelled => self.outcome == Outcome::Refused && self.status >= 500,
            Class::Ok | Class::ClientFault => false,
        }
    }

    /// What all its calls cost, as far as known.
    pub fn cost(&self) -> Option<PicoUsd> {
        let known = || self.calls.iter().filter_map(|call| call.cost);
        known().next().map(|_| known().sum())
    }

    /// The tokens of the call that answered, if known.
    pub fn tokens(&self) -> Option<Tokens> {
        self.calls.last()?.tokens
    }

    /// Who ended it, in which phase.
    pub fn ended_by(&self) -> EndedBy {
        let (who, phase) = match (self.outcome, self.code) {
            (Outcome::Ok, _) if self.status < 400 => ("target", "done"),
            (Outcome::Cancelled, _) if self.first_content.is_some() => ("client", "left_in_stream"),
            (Outcome::Cancelled, _) => ("client", "left_waiting"),
            (Outcome::Refused, None) if self.status == CLIENT_CLOSED => ("client", "left_asking"),
            (Outcome::Refused, code) => ("weighbridge", code.unwrap_or("refused")),
            (Outcome::Timeout(phase), _) => ("target", phase.label()),
            (Outcome::ClientFault | Outcome::ContextTooLong | Outcome::ContentFiltered, _) => {
                ("client", self.outcome.label())
            }
            (outcome, _) => ("target", outcome.label()),
        };
        EndedBy { who, phase }
    }
}

impl fmt::Display for EndedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.who, self.phase)
    }
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::Phase;

    /// The record of a request of `route` that ended with `status`, without calls.
    pub(crate) fn ended(route: &str, status: u16) -> RequestEnd {
        let outcome = if status == 200 {
            Outcome::Ok
        } else {
            Outcome::ServerError
        };
        RequestEnd {
            id: HeaderValue::from_static("req_of_a_test"),
            at: Time::ZERO,
            key: None,
            tags: None,
            trace: None,
            route: route.into(),
            operation: Operation::Chat,
            served: None,
            status,
            code: None,
            outcome,
            sticky: None,
            attempts: 0,
            calls: Vec::new(),
            budget_spent: false,
            total: Duration::from_millis(900),
            first_content: None,
            overhead: Duration::from_micros(40),
        }
    }

    #[test]
    fn who_ended_a_request_is_one_word_and_a_phase() {
        let end = |outcome, status, code| RequestEnd {
            code,
            outcome,
            ..ended("chat", status)
        };
        let left = RequestEnd {
            first_content: Some(Duration::from_millis(3)),
            ..end(Outcome::Cancelled, CLIENT_CLOSED, None)
        };
        for (end, expected) in [
            (ended("chat", 200), "target.done"),
            (left, "client.left_in_stream"),
            (end(Outcome::Cancelled, 499, None), "client.left_waiting"),
            (end(Outcome::Refused, 499, None), "client.left_asking"),
            (
                end(Outcome::Refused, 404, Some("model_not_found")),
                "weighbridge.model_not_found",
            ),
            (
                end(Outcome::Timeout(Phase::FirstToken), 504, None),
                "target.first_token",
            ),
            (end(Outcome::ClientFault, 400, None), "client.client_fault"),
            (end(Outcome::CutStream, 200, None), "target.cut_stream"),
        ] {
            assert_eq!(end.ended_by().to_string(), expected, "{end:?}");
        }
    }
}
