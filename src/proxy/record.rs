//! Sees to it that exactly one [`RequestEnd`] is told per request that reached the handler, whatever becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderValue;

use super::dispatch::Pick;
use super::failed::Failed;
use crate::live::{
    Allowance, CLIENT_CLOSED, Call, Clock, MOST_CALLS, Recorder, RequestEnd, Served, UnderWay,
};
use crate::model::{Finished, Operation, Outcome, Time};

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
    /// What is odd about the request and was put up with.
    pub(super) warnings: Vec<String>,
    /// Who was called and why each failed.
    failures: Vec<String>,
    /// Whose parts of the conversation were left out; empty if nobody's.
    pub(super) stripped: String,
    /// What is known so far.
    pub(super) end: RequestEnd,
    /// Budgets that it will be charged to.
    under_way: Vec<UnderWay>,
    told: bool,
    /// Whether the log hears of it elsewhere.
    pub(super) is_told: bool,
}

impl Ending {
    /// A request came in; `open` counts those that have not ended.
    pub(super) fn begin(
        recorder: Arc<dyn Recorder>,
        open: Arc<AtomicUsize>,
        clock: Clock,
        route: Arc<str>,
        id: HeaderValue,
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
            warnings: Vec::new(),
            failures: Vec::new(),
            stripped: String::new(),
            end: unended(id, started, route),
            under_way: Vec::new(),
            told: false,
            is_told: false,
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

    /// Whether spans are made of it.
    pub(super) fn is_traced(&self) -> bool {
        let trace = self.end.trace.as_ref();
        trace.is_some_and(|trace| trace.is_sampled())
    }

    /// The request's last byte has come.
    pub(super) fn asked(&mut self) {
        self.asked = self.clock.now();
    }

    /// It will be charged to this budget; of one that replicas share, that is counted until it has been.
    pub(super) fn charged_to(&mut self, budget: Option<&Arc<Allowance>>) {
        if let Some(under_way) = budget.and_then(|budget| budget.under_way()) {
            self.under_way.push(under_way);
        }
    }

    /// `served` is about to be called.
    pub(super) fn calls(&mut self, served: Served, pick: Pick) {
        self.end.attempts += 1;
        self.end.served = Some(served.clone());
        if self.end.calls.is_empty() {
            // Nearly always the only one, and the record is kept for a while: a vector would make room for four.
            self.end.calls.reserve_exact(1);
        }
        self.end.calls.push(Call {
            served,
            reason: pick.reason,
            propensity: pick.propensity,
            after: self.elapsed(),
            outcome: Outcome::Cancelled,
            status: None,
            total: Duration::ZERO,
            first_content: None,
            tokens: None,
            estimated: false,
            cost: None,
        });
    }

    /// The call that was made last.
    fn last_call(&mut self) -> Option<&mut Call> {
        self.end.calls.last_mut()
    }

    /// The call that was made last ended so.
    pub(super) fn called(&mut self, end: &Finished) {
        if let Some(call) = self.last_call() {
            call.ended(end);
        }
    }

    /// The target that was called last failed.
    pub(super) fn tried(&mut self, failed: &Failed) {
        let elapsed = self.elapsed();
        if let Some(call) = self.last_call() {
            call.outcome = failed.outcome;
            call.status = failed.status.map(|status| status.as_u16());
            call.total = elapsed.saturating_sub(call.after);
        }
        if self.failures.len() < MOST_CALLS {
            let target = self
                .end
                .served
                .as_ref()
                .map_or("?", |served| served.target());
            self.failures.push(format!("{target}: {}", failed.told()));
        }
    }

    /// Who was called and why each failed, for people; empty if nobody was.
    pub(super) fn failures(&self) -> String {
        let told = self.failures.len();
        let more = usize::try_from(self.end.attempts)
            .unwrap_or(usize::MAX)
            .saturating_sub(told);
        let runs = self.failures.chunk_by(|a, b| a == b);
        let run = |run: &[String]| match run {
            [one] => one.clone(),
            [first, ..] => format!("{first} ({} times)", run.len()),
            [] => String::new(),
        };
        let text = runs.map(run).collect::<Vec<_>>().join("; ");
        if told == MOST_CALLS && more > 0 {
            return format!("{text}; and {more} more");
        }
        text
    }

    /// Tells the operator of a request that failed for no reason of the client's.
    fn log(&self) {
        let end = &self.end;
        if end.is_failed() && !self.is_told {
            let served = end.served.as_ref();
            tracing::warn!(
                request_id = end.id.to_str().unwrap_or_default(),
                route = &*end.route,
                target = served.map_or("", |served| served.target()),
                status = end.status,
                outcome = end.outcome.label(),
                attempts = end.attempts,
                tried = self.failures(),
                "a request failed"
            );
        }
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
        if self.end.first_content.is_none() {
            self.end.first_content = Some(self.elapsed());
        }
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
            if let Some(call) = self
                .end
                .calls
                .last_mut()
                .filter(|call| call.total.is_zero())
            {
                // Let go of before it ended.
                call.total = self.end.total.saturating_sub(call.after);
            }
            self.log();
            let (id, route) = (self.end.id.clone(), Arc::clone(&self.end.route));
            let end = std::mem::replace(&mut self.end, unended(id, self.started, route));
            self.recorder.request_ended(&Arc::new(end));
        }
    }
}

/// The record of a request that nothing has become of.
fn unended(id: HeaderValue, at: Time, route: Arc<str>) -> RequestEnd {
    RequestEnd {
        id,
        at,
        key: None,
        tags: None,
        trace: None,
        route,
        operation: Operation::Other,
        served: None,
        status: CLIENT_CLOSED,
        code: None,
        outcome: Outcome::Refused,
        sticky: None,
        attempts: 0,
        calls: Vec::new(),
        budget_spent: false,
        total: Duration::ZERO,
        first_content: None,
        overhead: Duration::ZERO,
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
