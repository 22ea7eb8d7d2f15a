//! The queue between those who have something for the journal and the one who writes it.
//!
//! Problem: the data plane must not wait for a disk, and a journal with holes must say so. Choice: a bounded queue behind a
//! lock of a few instructions. What does not fit is counted and told in the file; a line about a request is dropped long
//! before one about a tick, since only the ticks make a replay. How it fails: while the disk stands still the journal loses
//! lines, first of requests, after two minutes of ticks; traffic does not notice.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::balance::{Input, Stepped};
use crate::journal::{CheckpointLine, ConfigLine, DrawLine};
use crate::model::Time;

/// Most waiting lines about requests: a second of 8,000 requests/s, some 3 MB.
const MOST_DRAWS: usize = 8_192;
/// Waiting ticks from which no line about a request is kept: a minute at four a second.
const MANY_TICKS: usize = 256;
/// Most waiting ticks. A tick with a thousand requests in flight takes 100 kB.
const MOST_TICKS: usize = 512;
/// While only lines about requests get lost, this often a checkpoint is written.
const LOSS_PAUSE: Duration = Duration::from_secs(5);

/// One thing to be written.
#[derive(Debug)]
pub enum Entry {
    /// Where reading may begin.
    Heading(Box<Heading>),
    /// A tick.
    Tick(Box<Ticked>),
    /// An attempt of a request.
    Draw(Box<DrawLine>),
}

/// What is in force and what is remembered.
#[derive(Debug)]
pub struct Heading {
    /// What is in force.
    pub config: ConfigLine,
    /// What is remembered.
    pub checkpoint: CheckpointLine,
}

/// A tick as the controller hands it over.
#[derive(Debug)]
pub struct Ticked {
    /// Its number.
    pub n: u64,
    /// What it was told.
    pub input: Input,
    /// What it decided; `None` if it went wrong.
    pub stepped: Option<Stepped>,
}

/// Lines that were not written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// About ticks.
    pub ticks: u64,
    /// About requests.
    pub draws: u64,
}

/// The queue, and what is known of the writing.
#[derive(Debug, Default)]
pub struct Journal {
    queue: Mutex<Queue>,
    /// Something that should be written soon, or the end.
    wake: Condvar,
    /// The writer has ended.
    ended: Condvar,
    wants_heading: AtomicBool,
    headed_at: AtomicU64,
    failing: AtomicBool,
    ticks_lost: AtomicU64,
    draws_lost: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    entries: VecDeque<Entry>,
    ticks: usize,
    draws: usize,
    /// Lost since the last heading was written.
    lost: Lost,
    is_closed: bool,
    has_ended: bool,
}

impl Journal {
    /// A queue that nobody writes from yet.
    pub fn new() -> Self {
        let journal = Self::default();
        journal.wants_heading.store(true, Ordering::Relaxed);
        journal
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An attempt has ended.
    pub fn drawn(&self, line: DrawLine) {
        let mut queue = self.queue();
        if queue.draws >= MOST_DRAWS || queue.ticks >= MANY_TICKS || queue.is_closed {
            self.lose(&mut queue, 0, 1);
            return;
        }
        queue.draws += 1;
        queue.entries.push_back(Entry::Draw(Box::new(line)));
    }

    /// A tick was made. Wakes the writer.
    pub fn ticked(&self, tick: Ticked) {
        let mut queue = self.queue();
        if queue.ticks >= MANY_TICKS && queue.draws > 0 {
            let draws = queue.draws as u64;
            queue
                .entries
                .retain(|entry| !matches!(entry, Entry::Draw(_)));
            queue.draws = 0;
            self.lose(&mut queue, 0, draws);
        }
        if queue.ticks >= MOST_TICKS || queue.is_closed {
            self.lose(&mut queue, 1, 0);
            return;
        }
        queue.ticks += 1;
        queue.entries.push_back(Entry::Tick(Box::new(tick)));
        drop(queue);
        self.wake.notify_one();
    }

    /// Whether a heading should come before the next tick.
    pub fn wants_heading(&self, now: Time) -> bool {
        if self.wants_heading.load(Ordering::Relaxed) {
            return true;
        }
        let headed_at = Time::from_micros(self.headed_at.load(Ordering::Relaxed));
        now.since(headed_at) >= LOSS_PAUSE && self.queue().lost != Lost::default()
    }

    /// What is in force and remembered before the next tick.
    pub fn headed(&self, heading: Heading) {
        let mut queue = self.queue();
        if queue.ticks >= MOST_TICKS || queue.is_closed {
            return;
        }
        let at = heading.checkpoint.at.as_micros();
        self.headed_at.store(at, Ordering::Relaxed);
        self.wants_heading.store(false, Ordering::Relaxed);
        queue.ticks += 1;
        queue.entries.push_back(Entry::Heading(Box::new(heading)));
    }

    fn lose(&self, queue: &mut Queue, ticks: u64, draws: u64) {
        queue.lost.ticks += ticks;
        queue.lost.draws += draws;
        self.ticks_lost.fetch_add(ticks, Ordering::Relaxed);
        self.draws_lost.fetch_add(draws, Ordering::Relaxed);
        if ticks > 0 {
            self.wants_heading.store(true, Ordering::Relaxed);
        }
    }

    /// No more lines; waits until what is there is written, at most for `patience`. Whether it was.
    pub fn close(&self, patience: Duration) -> bool {
        let mut queue = self.queue();
        queue.is_closed = true;
        self.wake.notify_one();
        let waiting = self
            .ended
            .wait_timeout_while(queue, patience, |queue| !queue.has_ended);
        let (queue, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        queue.has_ended
    }

    /// Lines that were lost since the start, of ticks and of requests.
    pub fn lost(&self) -> Lost {
        Lost {
            ticks: self.ticks_lost.load(Ordering::Relaxed),
            draws: self.draws_lost.load(Ordering::Relaxed),
        }
    }

    /// Whether the last attempt to write failed.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Bytes written since the start.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// For the writer: all that waits, after a tick came or `patience` is over; `None` when it is closed and empty.
    pub fn take(&self, patience: Duration) -> Option<VecDeque<Entry>> {
        let waiting = self
            .wake
            .wait_timeout_while(self.queue(), patience, |queue| {
                queue.ticks == 0 && !queue.is_closed
            });
        let (mut queue, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        if queue.is_closed && queue.entries.is_empty() {
            return None;
        }
        (queue.ticks, queue.draws) = (0, 0);
        Some(std::mem::take(&mut queue.entries))
    }

    /// For the writer: a heading is being written, and these lines were lost since the last one.
    pub fn losses(&self) -> Lost {
        std::mem::take(&mut self.queue().lost)
    }

    /// For the writer: this could not be written.
    pub fn not_written(&self, lost: Lost) {
        self.lose(&mut self.queue(), lost.ticks, lost.draws);
    }

    /// For the writer: a file is to begin, or to begin anew.
    pub fn ask_heading(&self) {
        self.wants_heading.store(true, Ordering::Relaxed);
    }

    /// For the writer: how it goes.
    pub fn goes(&self, is_failing: bool) {
        self.failing.store(is_failing, Ordering::Relaxed);
    }

    /// For the writer: so many bytes more are written.
    pub fn wrote(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// For the writer: it ends.
    pub fn ended(&self) {
        self.queue().has_ended = true;
        self.ended.notify_all();
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
