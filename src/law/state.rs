//! What a simulated target remembers between two requests: who stands in line, and what is left of its limits.
//!
//! Plain values that are asked with the time. The queue does not simulate servers: it computes, at arrival, when the
//! request will be served, because with known service times first-in-first-out leaves nothing to chance. That makes a
//! request's whole fate known when it arrives, for the event queue of the simulator and for a real socket alike. What
//! is lost by it: a request that leaves the line early frees its place only if nobody was put behind it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Number;
use crate::model::Time;

/// A limit by token bucket: `burst` requests at once, `rps` a second in the long run. `rps = 0` is no limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimit {
    /// Requests a second that flow back. Where it changes over time, what flowed since the last request is counted
    /// at the rate of the moment.
    #[serde(deserialize_with = "super::number::non_negative")]
    pub rps: Number,
    /// Requests that fit in; below 1 counts as 1, else no request could ever pass.
    #[serde(deserialize_with = "super::check::non_negative")]
    pub burst: f64,
}

/// A limit by fixed window: `requests` in each `seconds`, counted from time 0. `requests = 0` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WindowLimit {
    /// Requests that one window takes.
    pub requests: u64,
    /// Length of a window.
    #[serde(deserialize_with = "super::check::non_negative")]
    pub seconds: f64,
}

/// The level of a token bucket. A new one is full.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    filled: Option<(Time, f64)>,
}

/// Less than this part of a request is rounding: a caller who waited as long as it was told is let in.
const CRUMB: f64 = 1e-6;

fn rps(limit: &RateLimit, now: Time) -> f64 {
    limit.rps.at(now.as_secs_f64())
}

impl Bucket {
    fn level(&self, limit: &RateLimit, now: Time) -> f64 {
        let full = limit.burst.max(1.0);
        self.filled.map_or(full, |(then, level)| {
            (level + now.secs_since(then) * rps(limit, now)).min(full)
        })
    }

    /// How long until the bucket holds a request; zero if it does now.
    pub fn wait(&self, limit: &RateLimit, now: Time) -> Duration {
        let rps = rps(limit, now);
        let missing = 1.0 - self.level(limit, now);
        if rps <= 0.0 || missing <= CRUMB {
            return Duration::ZERO;
        }
        seconds(missing / rps)
    }

    /// Takes one request out.
    fn take(&mut self, limit: &RateLimit, now: Time) {
        if rps(limit, now) > 0.0 {
            self.filled = Some((now, (self.level(limit, now) - 1.0).max(0.0)));
        }
    }
}

/// The count of a fixed window.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// Which window since time 0, and requests counted in it.
    counted: (u64, u64),
}

impl Window {
    fn length(limit: &WindowLimit) -> Option<u64> {
        let micros = Time::from_secs_f64(limit.seconds).as_micros();
        (limit.requests > 0 && micros > 0).then_some(micros)
    }

    /// How long until the window takes a request; zero if it does now.
    pub fn wait(&self, limit: &WindowLimit, now: Time) -> Duration {
        let Some(length) = Self::length(limit) else {
            return Duration::ZERO;
        };
        let (index, used) = self.counted;
        if now.as_micros() / length != index || used < limit.requests {
            return Duration::ZERO;
        }
        Duration::from_micros(length - now.as_micros() % length)
    }

    fn take(&mut self, limit: &WindowLimit, now: Time) {
        if let Some(length) = Self::length(limit) {
            let index = now.as_micros() / length;
            let used = if index == self.counted.0 {
                self.counted.1
            } else {
                0
            };
            self.counted = (index, used.saturating_add(1));
        }
    }
}

/// What is left of a target's limits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// The token bucket.
    pub bucket: Bucket,
    /// The fixed window.
    pub window: Window,
}

impl Limits {
    /// Lets one request through, or says how long to wait. A request that is refused by one limit costs the other
    /// nothing.
    ///
    /// # Errors
    /// The time until both limits would let it through.
    pub fn admit(
        &mut self,
        rate: &RateLimit,
        window: &WindowLimit,
        now: Time,
    ) -> Result<(), Duration> {
        let wait = self
            .bucket
            .wait(rate, now)
            .max(self.window.wait(window, now));
        if !wait.is_zero() {
            return Err(wait);
        }
        self.bucket.take(rate, now);
        self.window.take(window, now);
        Ok(())
    }
}

/// A place in a queue, to leave it early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    start: Time,
    end: Time,
    number: u64,
}

/// Servers that work one request at a time, and one line before them, first in first out.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// Per server in use, when it has done all that was given to it so far.
    busy: BTreeSet<(Time, u64)>,
    given: u64,
}

impl Queue {
    /// How long a request that arrives now stands in line before `servers` servers; 0 servers is no line.
    pub fn wait(&self, servers: u64, now: Time) -> Duration {
        let waiting_on = (self.busy.len() as u64)
            .checked_sub(servers)
            .filter(|_| servers > 0)
            .and_then(|skip| usize::try_from(skip).ok())
            .and_then(|skip| self.busy.iter().nth(skip));
        waiting_on.map_or(Duration::ZERO, |(free, _)| free.since(now))
    }

    /// How many others are in service when a request that arrives now begins.
    pub fn others(&self, servers: u64, now: Time) -> u64 {
        let start = now.after(self.wait(servers, now));
        let later = self.busy.iter().rev();
        later.take_while(|(free, _)| *free > start).count() as u64
    }

    /// Puts a request that needs `service` in line; it holds its server until it is done, or until `patience` after
    /// its arrival if it is not willing to wait longer. Who would not even be begun by then holds nothing.
    ///
    /// The number of servers may change from call to call: new ones are free at once, and those that go finish what
    /// they have.
    pub fn admit(
        &mut self,
        servers: u64,
        service: Duration,
        patience: Option<Duration>,
        now: Time,
    ) -> Option<Ticket> {
        let wait = self.wait(servers, now);
        if servers == 0 || patience.is_some_and(|patience| wait >= patience) {
            return None;
        }
        while self.busy.first().is_some_and(|(free, _)| *free <= now)
            || self.busy.len() as u64 >= servers
        {
            self.busy.pop_first();
        }
        let start = now.after(wait);
        let gone = patience.map_or(Time::NEVER, |patience| now.after(patience));
        self.given += 1;
        let ticket = Ticket {
            start,
            end: start.after(service).min(gone),
            number: self.given,
        };
        self.busy.insert((ticket.end, ticket.number));
        Some(ticket)
    }

    /// The holder of this place goes before its end: its server is free, unless it already has a next one.
    pub fn leave(&mut self, ticket: Ticket, now: Time) {
        if now < ticket.end && self.busy.remove(&(ticket.end, ticket.number)) {
            self.busy.insert((ticket.start.max(now), ticket.number));
        }
    }
}

/// All that a target remembers.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// What is left of its limits.
    pub limits: Limits,
    /// Who stands in line.
    pub queue: Queue,
}

/// Seconds as a span, rounded up to whole microseconds; what is no length is none.
pub(super) fn seconds(seconds: f64) -> Duration {
    let span = Time::from_secs_f64((seconds * 1e6 - 1e-3).ceil() / 1e6 + 5e-7);
    Duration::from_micros(span.as_micros())
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
