//! What is told about a finished request: exactly one [`RequestEnd`] per request that reached the handler.

use std::sync::Arc;
use std::time::Duration;

use crate::live::{Clock, Witness};
use crate::model::{Outcome, Time};

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
    /// The target that served or was tried last, by its name within the route; empty if none was.
    pub target: Arc<str>,
    /// Its provider; empty if none was tried.
    pub provider: Arc<str>,
    /// Its model; empty if none was tried.
    pub model: Arc<str>,
    /// The status that the client saw; 499 if it left.
    pub status: u16,
    /// The error's code from the closed list; `None` for answers.
    pub code: Option<&'static str>,
    /// How the last attempt ended; [`Outcome::Refused`] if there was none.
    pub outcome: Outcome,
    /// Calls to targets.
    pub attempts: u32,
    /// From the request's head to the last byte of the answer.
    pub total: Duration,
    /// From the request's head to the first content of a stream.
    pub first_content: Option<Duration>,
    /// From the request's last byte to the response's header, less the time spent waiting for targets.
    pub overhead: Duration,
}

/// A request that has not ended. Dropped, it ends as left by the client.
#[derive(Debug)]
pub(super) struct Ending {
    recorder: Arc<dyn Recorder>,
    clock: Clock,
    started: Time,
    /// What is known so far.
    pub(super) end: RequestEnd,
    told: bool,
}

impl Ending {
    /// A request came in.
    pub(super) fn begin(recorder: Arc<dyn Recorder>, clock: Clock) -> Self {
        let nothing: Arc<str> = Arc::from("");
        Self {
            recorder,
            clock,
            started: clock.now(),
            end: RequestEnd {
                route: Arc::clone(&nothing),
                target: Arc::clone(&nothing),
                provider: Arc::clone(&nothing),
                model: nothing,
                status: CLIENT_CLOSED,
                code: None,
                outcome: Outcome::Refused,
                attempts: 0,
                total: Duration::ZERO,
                first_content: None,
                overhead: Duration::ZERO,
            },
            told: false,
        }
    }

    /// When the request came in.
    pub(super) fn started(&self) -> Time {
        self.started
    }

    /// The first content of a stream is about to go out.
    pub(super) fn first_content(&mut self) {
        let after = self.clock.now().since(self.started);
        self.end.first_content.get_or_insert(after);
    }

    /// The answer is complete, as far as it will ever be.
    pub(super) fn finish(mut self, status: u16) {
        self.end.status = status;
        self.tell();
    }

    fn tell(&mut self) {
        if !self.told {
            self.told = true;
            self.end.total = self.clock.now().since(self.started);
            self.recorder.request_ended(&self.end);
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.told {
            self.end.status = CLIENT_CLOSED;
            if self.end.attempts > 0 {
                self.end.outcome = Outcome::Cancelled;
            }
            self.tell();
        }
    }
}
