//! Where those who have something to write and the thread that writes it meet: a bounded queue and a few counts.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::StoreError;
use super::write::{Losses, Write};

/// Writes that stand in line, at most. The thread takes all of them twice a second; what is more comes from something that
/// runs wild, and would only wait longer elsewhere.
const MOST: usize = 4_096;

/// How the books fare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BooksCondition {
    /// Why they cannot be written, while they cannot.
    pub failing: Option<String>,
    /// What became of a file that was of no use, since the start.
    pub refused: Option<String>,
    /// How often a file was begun in place of one that was open: what is kept elsewhere has to be written again.
    pub renewed: u64,
    /// Transactions that went through.
    pub written: u64,
    /// What was lost.
    pub lost: Losses,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Write>,
    condition: BooksCondition,
    is_closed: bool,
    has_ended: bool,
    /// Somebody waits for what stands in line.
    is_urgent: bool,
    /// Rounds that the thread began and ended.
    begun: u64,
    ended: u64,
}

/// The meeting place.
#[derive(Debug, Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

/// What the thread is to write.
pub(super) struct Taken {
    pub(super) writes: VecDeque<Write>,
    /// Whether nothing comes after it.
    pub(super) is_last: bool,
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts one into the queue; false, and counted, if there is no room.
    pub(super) fn put(&self, write: Write) -> bool {
        let mut state = self.state();
        if state.queue.len() >= MOST || state.is_closed {
            let lost = lost(&write);
            state.condition.lost = state.condition.lost.and(lost);
            return false;
        }
        state.queue.push_back(write);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Takes all that stands in line; waits until something does.
    pub(super) fn take(&self) -> Taken {
        let mut state = self.state();
        while state.queue.is_empty() && !state.is_closed && !state.is_urgent {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.begun += 1;
        state.is_urgent = false;
        Taken {
            writes: std::mem::take(&mut state.queue),
            is_last: state.is_closed,
        }
    }

    /// Waits, but not for somebody who waits.
    pub(super) fn pause(&self, gap: Duration) {
        let state = self.state();
        let until = |state: &mut State| !state.is_closed && !state.is_urgent;
        drop(self.changed.wait_timeout_while(state, gap, until));
    }

    /// How a round ended.
    pub(super) fn went(&self, written: &Result<(), StoreError>) {
        let mut state = self.state();
        state.ended = state.begun;
        state.condition.failing = written.as_ref().err().map(ToString::to_string);
        if written.is_ok() {
            state.condition.written += 1;
        }
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn lost(&self, lost: Losses) {
        let mut state = self.state();
        state.condition.lost = state.condition.lost.and(lost);
    }

    pub(super) fn refused(&self, told: String) {
        self.state().condition.refused = Some(told);
    }

    pub(super) fn renewed(&self) {
        self.state().condition.renewed += 1;
    }

    pub(super) fn failing(&self, why: String) {
        self.state().condition.failing = Some(why);
    }

    pub(super) fn ended(&self) {
        self.state().has_ended = true;
        self.changed.notify_all();
    }

    pub(super) fn condition(&self) -> BooksCondition {
        self.state().condition.clone()
    }

    /// Has all that stands in line written now; whether it was within `patience`.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let mut state = self.state();
        state.is_urgent = true;
        self.changed.notify_all();
        // A round that has begun may have taken its writes before ours.
        let round = state.begun + 1;
        let until = |state: &mut State| state.ended < round && !state.has_ended;
        let waited = self.changed.wait_timeout_while(state, patience, until);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.ended >= round && state.condition.failing.is_none()
    }

    /// Nothing more comes; whether the thread has ended within `patience`, with all written.
    pub(super) fn close(&self, patience: Duration) -> bool {
        let mut state = self.state();
        state.is_closed = true;
        self.changed.notify_all();
        let until = |state: &mut State| !state.has_ended;
        let waited = self.changed.wait_timeout_while(state, patience, until);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.has_ended && state.condition.failing.is_none()
    }
}

impl Losses {
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            rows: self.rows.saturating_add(other.rows),
        }
    }
}

fn lost(write: &Write) -> Losses {
    match write {
        Write::Usage(rows) => Losses {
            requests: rows.iter().map(|(_, sums)| sums.requests).sum(),
            rows: 0,
        },
        // The next ones bring the same.
        Write::Shares(_) | Write::Learned(_) | Write::Sweep(_) => Losses::default(),
        Write::Moved(_)
        | Write::Proposed(_)
        | Write::Alert(_)
        | Write::Telling(_)
        | Write::Told(_)
        | Write::Steering(_)
        | Write::SteeringEnded(_)
        | Write::Key(_)
        | Write::Keys(_)
        | Write::KeyForgotten(_) => Losses {
            requests: 0,
            rows: 1,
        },
    }
}
