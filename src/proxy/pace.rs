//! How long a passing body may take: the clockwork of [`super::body`].
//!
//! Deadlines count while *we* wait for the provider. The time that a client takes to read is added to them, since a slow
//! reader says nothing about the target; comments and pings do not count as life, since a dead target can send them too.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::Sleep;

use super::upstream::Due;
use crate::live::Clock;
use crate::model::{Phase, Time};

/// Silence of a stream after which it counts as a gap, once.
const GAP: Duration = Duration::from_secs(5);
/// How long after its end a stream's connection may take to finish, so that it can be used again.
const AFTER_DONE: Duration = Duration::from_secs(1);

/// The deadlines of a passing body.
#[derive(Debug)]
pub(super) struct Timers {
    clock: Clock,
    /// Silence that is allowed.
    between: Duration,
    /// When it must be over.
    due: Due,
    /// Since when the provider is silent.
    silent_since: Time,
    /// When the last chunk was handed on, until it is asked for the next one.
    handed_on: Option<Time>,
    gap_counted: bool,
    sleep: Pin<Box<Sleep>>,
    /// When it wakes: not after what is next; before that where a deadline was put off, as each piece of an answer does,
    /// and arming it anew each time is dearer than waking once for nothing. [`Time::ZERO`] if it is not armed.
    armed: Time,
    /// Whom it wakes.
    waits: Option<Waker>,
}

/// What a timer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fired {
    /// The provider has been silent for long enough to be noted; said once.
    Gap,
    /// A deadline has passed.
    Deadline(Phase),
}

impl Timers {
    /// Timers that start now.
    pub(super) fn start(clock: Clock, between: Duration, due: Due) -> Self {
        let now = clock.now();
        Self {
            clock,
            between,
            due,
            silent_since: now,
            handed_on: Some(now),
            gap_counted: false,
            sleep: Box::pin(tokio::time::sleep_until(clock.instant_of(now))),
            armed: Time::ZERO,
            waits: None,
        }
    }

    /// The client asks for more: what it took to read does not count as silence.
    pub(super) fn resume(&mut self) {
        if let Some(then) = self.handed_on.take() {
            let pause = self.clock.now().since(then);
            self.silent_since = self.silent_since.after(pause);
        }
    }

    /// Something came; `content` if it was a piece of the answer.
    pub(super) fn came(&mut self, content: bool) {
        let now = self.clock.now();
        self.handed_on = Some(now);
        if content {
            self.silent_since = now;
        }
    }

    /// The answer is complete: what is left is the end of the connection.
    pub(super) fn answer_is_done(&mut self) {
        self.between = AFTER_DONE;
    }

    /// Ready when something is over; to be asked only while the provider has nothing to give.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Fired> {
        loop {
            let (at, fired) = self.next();
            let is_armed = self.armed != Time::ZERO && self.armed <= at;
            if !is_armed {
                if self.clock.now() >= at {
                    self.gap_counted |= matches!(fired, Fired::Gap);
                    return Poll::Ready(fired);
                }
                self.armed = at;
                self.waits = None;
                self.sleep.as_mut().reset(self.clock.instant_of(at));
            }
            let is_in_line = |waker: &Waker| waker.will_wake(cx.waker());
            if !self.sleep.is_elapsed() && self.waits.as_ref().is_some_and(is_in_line) {
                return Poll::Pending;
            }
            self.waits = Some(cx.waker().clone());
            // Not bounded by what a task may do in one go: then it would ask for another turn instead of standing in line.
            let mut sleep = unconstrained(self.sleep.as_mut());
            // A timer may fire a little early by the clock of microseconds: the loop arms it again.
            std::task::ready!(Pin::new(&mut sleep).poll(cx));
            self.armed = Time::ZERO;
        }
    }

    fn next(&self) -> (Time, Fired) {
        let silence = self.silent_since.after(self.between);
        let first = Due::new(silence, Phase::BetweenTokens).or(self.due);
        let gap = self.silent_since.after(GAP);
        if !self.gap_counted && gap < first.at {
            return (gap, Fired::Gap);
        }
        (first.at, Fired::Deadline(first.phase))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BETWEEN: Duration = Duration::from_secs(20);

    fn timers(clock: Clock, attempt: u64) -> Timers {
        let at = clock.now().after(Duration::from_secs(attempt));
        Timers::start(clock, BETWEEN, Due::new(at, Phase::Attempt))
    }

    /// What fires next, and after how many seconds.
    async fn next(timers: &mut Timers, clock: Clock) -> (Fired, u64) {
        let before = clock.now();
        let fired = std::future::poll_fn(|cx| timers.poll(cx)).await;
        (fired, clock.now().since(before).as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_noted_once_and_then_ends_the_stream() {
        let clock = Clock::start();
        let mut timers = timers(clock, 600);
        timers.resume();
        assert_eq!(next(&mut timers, clock).await, (Fired::Gap, 5));
        let end = Fired::Deadline(Phase::BetweenTokens);
        assert_eq!(next(&mut timers, clock).await, (end, 15), "20 s in all");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_has_spent_its_turn_is_woken_all_the_same() {
        use tokio::task::coop::{consume_budget, has_budget_remaining};
        let clock = Clock::start();
        let mut timers = timers(clock, 5);
        while has_budget_remaining() {
            consume_budget().await;
        }
        let fired = next(&mut timers, clock);
        let fired = tokio::time::timeout(Duration::from_secs(60), fired).await;
        assert!(fired.is_ok(), "it is in line to be woken");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_not_the_providers_silence() {
        let clock = Clock::start();
        let mut timers = timers(clock, 600);
        timers.resume();
        timers.came(true);
        tokio::time::advance(Duration::from_secs(100)).await;
        timers.resume();
        assert_eq!(
            next(&mut timers, clock).await,
            (Fired::Gap, 5),
            "counted from the return on"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn pings_do_not_count_as_content() {
        let clock = Clock::start();
        let mut timers = timers(clock, 600);
        timers.resume();
        tokio::time::advance(Duration::from_secs(4)).await;
        timers.came(false);
        timers.resume();
        assert_eq!(
            next(&mut timers, clock).await,
            (Fired::Gap, 1),
            "5 s since the last content"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_attempts_end_comes_whatever_is_sent() {
        let clock = Clock::start();
        let mut timers = timers(clock, 3);
        timers.resume();
        timers.came(true);
        timers.resume();
        let end = Fired::Deadline(Phase::Attempt);
        assert_eq!(next(&mut timers, clock).await, (end, 3));
    }
}
