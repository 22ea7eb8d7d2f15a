//! What is told about a finished request: exactly one [`RequestEnd`] per request that reached the handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::live::{Clock, Witness};
use crate::model::{Outcome, TargetName, Time, UpstreamName};

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
    /// Who served it or was tried last; `None` if nobody was.
    pub served: Option<Served>,
    /// The status that the client saw; 499 if it left.
    pub status: u16,
    /// The error's code from the closed list; `None` for answers, and for errors in a provider's own words.
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

/// A target that was called.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A request that has not ended. Dropped, it ends as left by the client.
#[derive(Debug)]
pub(super) struct Ending {
    recorder: Arc<dyn Recorder>,
    open: Arc<AtomicUsize>,
    clock: Clock,
    started: Time,
    /// When its last byte came.
    asked: Time,
    /// Time spent waiting for targets since then.
    waited: Duration,
    /// What is known so far.
    pub(super) end: RequestEnd,
    told: bool,
}

impl Ending {
    /// A request came in; `open` counts those that have not ended.
    pub(super) fn begin(
        recorder: Arc<dyn Recorder>,
        open: Arc<AtomicUsize>,
        clock: Clock,
        route: Arc<str>,
    ) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        let started = clock.now();
        Self {
            recorder,
            open,
            clock,
            started,
            asked: started,
            waited: Duration::ZERO,
            end: RequestEnd {
                route,
                served: None,
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

    /// How long ago the request came in.
    pub(super) fn elapsed(&self) -> Duration {
        self.clock.now().since(self.started)
    }

    /// The request's last byte has come.
    pub(super) fn asked(&mut self) {
        self.asked = self.clock.now();
    }

    /// Awaits `work` of a target; its time is not ours.
    pub(super) async fn waiting<T>(&mut self, work: impl Future<Output = T>) -> T {
        let since = self.clock.now();
        let result = work.await;
        self.waited += self.clock.now().since(since);
        result
    }

    /// The response's header is about to go out: settles and tells the overhead.
    pub(super) fn settle_overhead(&mut self) -> Duration {
        let since_asked = self.clock.now().since(self.asked);
        self.end.overhead = since_asked.saturating_sub(self.waited);
        self.end.overhead
    }

    /// The first content of a stream is about to go out.
    pub(super) fn first_content(&mut self) {
        let after = self.elapsed();
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
            self.open.fetch_sub(1, Ordering::Relaxed);
            self.end.total = self.elapsed();
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
