//! How many retries there may be in all.
//!
//! The problem: a request that fails is tried again, so a fleet that begins to fail gets more work the more it fails, and
//! stays down on retries alone. The choice: every request deposits a fifth of a retry that lives for ten seconds, ten more a
//! second come for free, and what is tried again beyond that is not. The same numbers serve Finagle and Linkerd
//! (source: `RetryBudget` in <https://twitter.github.io/finagle/guide/Clients.html#retries>, 2026-11-24).
//!
//! Rejected: a limit per request alone (three attempts each are still three times the load), and a share of failures
//! (everything fails in an outage, which is when it matters).
//!
//! What it promises: in any stretch of `t` seconds there are at most `100 + 10 · t` retries and a fifth of the requests of
//! that stretch and of the ten seconds before it, to a thousandth of one.

use std::time::Duration;

use super::retry::Tried;
use crate::model::{Outcome, Time};

/// One retry, in the unit of the counts here: thousandths, so that nothing is rounded.
const ONE: u64 = 1000;

/// What a request deposits: 20 %.
const DEPOSIT: u64 = ONE / 5;

/// How long a deposit lives, in seconds. Half of it and requests that fail after ten seconds, as calls to models do, find
/// nothing left; twice of it and the calm before an outage pays for much of its first minute.
const LIFE: usize = 10;

/// Microseconds in which a thousandth of a free retry comes: ten retries a second.
const MICROS_PER_FREE: u64 = 100;

/// Most free retries that are kept: those of ten seconds.
const MOST_FREE: u64 = 100 * ONE;

/// Whether a retry may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// It may; it is spent.
    Granted,
    /// It may not: the client gets the last error, and should be told not to retry at once.
    Spent,
}

/// What may still be tried again. A plain value with one owner, who locks it for a moment; all times are passed in, and one
/// that is earlier than the last counts as the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryBudget {
    /// Free retries that have come, in thousandths.
    free: u64,
    /// Up to when they have come.
    free_until: Time,
    /// Deposits by the second in which they came, modulo [`LIFE`], in thousandths.
    deposits: [u64; LIFE],
    /// The second of the newest deposits.
    newest: u64,
}

impl RetryBudget {
    /// At the start of the program: the free retries of ten seconds are there.
    pub const fn new(now: Time) -> Self {
        Self {
            free: MOST_FREE,
            free_until: now,
            deposits: [0; LIFE],
            newest: second(now),
        }
    }

    /// A request came: deposits its fifth. Not for its retries.
    pub fn deposit(&mut self, now: Time) {
        self.pass(now);
        if let Some(slot) = self.deposits.get_mut(slot(self.newest)) {
            *slot = slot.saturating_add(DEPOSIT);
        }
    }

    /// Asks for one retry. The oldest deposits are spent first, free retries last.
    pub fn spend(&mut self, now: Time) -> Grant {
        self.pass(now);
        if self.sum() < ONE {
            return Grant::Spent;
        }
        let mut due = ONE;
        for age in (0..LIFE as u64).rev() {
            let Some(slot) = self.deposits.get_mut(slot(self.newest.saturating_sub(age))) else {
                continue;
            };
            let part = due.min(*slot);
            *slot -= part;
            due -= part;
        }
        self.free = self.free.saturating_sub(due);
        Grant::Granted
    }

    /// Retries that could be made now.
    pub fn left(&mut self, now: Time) -> u64 {
        self.pass(now);
        self.sum() / ONE
    }

    fn sum(&self) -> u64 {
        let deposits = self.deposits.iter().copied();
        deposits.fold(self.free, u64::saturating_add)
    }

    /// Lets old deposits die and free retries come.
    fn pass(&mut self, now: Time) {
        let second = second(now);
        let passed = second.saturating_sub(self.newest).min(LIFE as u64);
        self.newest = self.newest.max(second);
        for age in 0..passed {
            if let Some(slot) = self.deposits.get_mut(slot(self.newest.saturating_sub(age))) {
                *slot = 0;
            }
        }
        let micros = now.as_micros().saturating_sub(self.free_until.as_micros());
        let came = micros / MICROS_PER_FREE;
        self.free = self.free.saturating_add(came).min(MOST_FREE);
        let used = Duration::from_micros(came.saturating_mul(MICROS_PER_FREE));
        self.free_until = self.free_until.after(used);
    }
}

/// The second of `now`, counted so that there are ten before the first.
const fn second(now: Time) -> u64 {
    now.as_micros() / 1_000_000 + LIFE as u64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the remainder is below ten"
)]
const fn slot(second: u64) -> usize {
    (second % LIFE as u64) as usize
}

/// Whether the move after `history` is charged to the budget. The first attempt is no retry; the first move after it is
/// free, so that one failing target never shows while another serves; every further one is charged. What was never sent
/// (refused here) is no attempt.
pub fn is_charged(history: &[Tried]) -> bool {
    let sent = |tried: &&Tried| tried.outcome != Outcome::Refused;
    history.iter().filter(sent).count() >= 2
}

#[cfg(test)]
#[path = "retry_budget_tests.rs"]
mod tests;
