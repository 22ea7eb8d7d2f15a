//! A rate per minute that several replicas share: a common bucket, and a purse of each replica that is filled from it.
//!
//! Problem and choice are those of [`lease`](super::lease): a request asks nobody, so what it takes must be in the purse
//! already. A purse is a counter that only grows and a cap that it may grow to; what the common bucket has been charged for
//! a process is the larger of both, so that giving back lowers a cap and nothing is ever counted twice.
//! Tokens are known when an answer has ended; a counter above its cap is owed, and the bucket pays before it grants.
//! How it fails: while the engine is away, and until a key that was idle has been asked for, each replica has its part of
//! the rate in a bucket of its own ([`PerMinute`]). What it lets through there is charged to the
//! common bucket as soon as there is one, so it is late by a round at most; only what the rate itself would have brought
//! while nobody could be heard for longer than a bucket takes to fill is not charged.

use std::collections::BTreeMap;
use std::time::Duration;

use super::lease::{AHEAD_SECONDS, LIFE_MS, grant};
use super::quota::{MOST_PER_MINUTE, PerMinute};
use crate::model::Time;

/// Deepest debt of a common bucket, as of one replica's.
const DEEPEST: f64 = 100e6;
/// For so long an answer holds. Rounds come every second: with half of it one late round has a replica go by its own part.
const FRESH: Duration = Duration::from_secs(3);
/// A key that nobody came with for so long rests: its purse is given back, and no round asks for it.
const IDLE: Duration = Duration::from_secs(10);
/// Shortest wait that a client is told where the others' purses may come back at any moment: a few trips.
const SHORTEST: Duration = Duration::from_millis(100);

/// An ask of a purse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateAsk {
    /// Its number: each of a process is greater than the one before.
    pub sequence: u64,
    /// What the process has let through.
    pub used: u64,
    /// What it may let through at the moment.
    pub cap: u64,
    /// What the bucket had been charged for it when it answered last.
    pub charged: u64,
    /// What it wants beyond what it has used.
    pub want: u64,
    /// The rate.
    pub per_minute: u32,
    /// What should be in the bucket, as it has it, should the bucket have been lost.
    pub level: f64,
    /// Whether it gives back all that it has not used.
    pub is_last: bool,
}

/// What the bucket answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RateGranted {
    /// The number of the ask.
    pub sequence: u64,
    /// What the process may let through.
    pub cap: u64,
    /// What it should keep beyond its use.
    pub fair: u64,
    /// What is left in the bucket; below 0 if it is owed.
    pub level: f64,
}

/// The common bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Common {
    /// What is in it, and when that was; `None` as long as nobody has asked.
    pub level: Option<(f64, u64)>,
    /// By `replica:epoch`: the number of the last ask, what was charged, until when it counts as live.
    pub lines: BTreeMap<String, (u64, u64, u64)>,
}

impl Common {
    /// Answers `who`; `None` to an ask that is not later than the last one.
    pub fn answer(&mut self, who: &str, ask: &RateAsk, now_ms: u64) -> Option<RateGranted> {
        let capacity = f64::from(ask.per_minute.min(MOST_PER_MINUTE));
        let mut level = match self.level {
            Some((level, at_ms)) => {
                level + now_ms.saturating_sub(at_ms) as f64 * capacity / 60_000.0
            }
            None => ask.level,
        };
        level = level.clamp(-DEEPEST, capacity);
        self.lines
            .retain(|other, (_, _, until)| other == who || *until >= now_ms);
        let before = match self.lines.get(who) {
            Some((sequence, ..)) if *sequence >= ask.sequence => return None,
            Some((_, charged, _)) => *charged,
            None => ask.charged,
        };
        let lines = self.lines.keys().filter(|other| *other != who).count() as u64 + 1;
        let kept = ask.used.max(ask.cap);
        level = (level + before as f64 - kept as f64).clamp(-DEEPEST, capacity);
        let fair = if ask.is_last {
            0
        } else {
            grant(whole(level) + (kept - ask.used), ask.want, 1, lines)
        };
        let cap = kept.max(ask.used.saturating_add(fair));
        level -= (cap - kept) as f64;
        self.level = Some((level, now_ms));
        let line = (ask.sequence, cap, now_ms + LIFE_MS);
        self.lines.insert(who.to_owned(), line);
        Some(RateGranted {
            sequence: ask.sequence,
            cap,
            fair,
            level,
        })
    }
}

/// The whole ones in a bucket.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to the largest rate"
)]
fn whole(level: f64) -> u64 {
    level.max(0.0) as u64
}

/// What one replica may let through without asking.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Purse {
    sequence: u64,
    used: u64,
    cap: u64,
    charged: u64,
    fair: u64,
    level: f64,
    /// When it was answered last; [`Time::ZERO`] if it rests.
    answered: Time,
    /// When it was asked for last, what had been used then, and since when nothing more was.
    told: (Time, u64),
    idle_since: Time,
    each_second: u64,
    /// When the first was let through that nobody has heard of; [`Time::ZERO`] if there is none.
    unheard_since: Time,
}

/// How long a common bucket takes to fill.
const FULL_AFTER: Duration = Duration::from_secs(60);

impl Purse {
    /// Whether what was granted is what counts.
    pub fn is_fresh(&self, now: Time) -> bool {
        self.answered > Time::ZERO && now.since(self.answered) < FRESH
    }

    /// Whether there is one left.
    ///
    /// # Errors
    /// There is none; when there may be.
    pub fn is_open(&self, per_minute: u32, now: Time) -> Result<(), Duration> {
        if self.used < self.cap {
            return Ok(());
        }
        let filled = now.secs_since(self.answered) * f64::from(per_minute) / 60.0;
        let missing = (1.0 - self.level - filled).max(0.0);
        let wait = missing * 60.0 / f64::from(per_minute.max(1));
        Err(Duration::from_secs_f64(wait.min(3_600.0)).max(SHORTEST))
    }

    /// So many were let through.
    pub fn took(&mut self, amount: u64, now: Time) {
        self.used = self.used.saturating_add(amount);
        if self.unheard_since == Time::ZERO {
            self.unheard_since = now;
        }
    }

    /// While nobody could be heard, the bucket filled up and then no further, and this replica went by its part of the rate:
    /// that part of the time since is not charged, or a key would be in debt for as long as the engine was away.
    fn forgive(&mut self, rate: PerMinute, now: Time) {
        let beyond = now.since(self.unheard_since).saturating_sub(FULL_AFTER);
        if self.unheard_since == Time::ZERO || beyond.is_zero() {
            return;
        }
        let part = f64::from(rate.all) / f64::from(rate.parts.max(1));
        let brought = whole(part * beyond.as_secs_f64() / 60.0);
        let (_, told) = self.told;
        let least = told.max(self.cap).max(self.charged).min(self.used);
        self.used = self.used.saturating_sub(brought).max(least);
        self.unheard_since = self.unheard_since.after(beyond);
    }

    /// Whether it should be filled before the next round: it is nearly empty, or nobody has filled it yet.
    pub fn is_low(&self, now: Time) -> bool {
        !self.is_fresh(now) || self.cap.saturating_sub(self.used) <= self.fair / 4
    }

    /// The next ask; `None` if there is nothing to ask for.
    pub fn ask(&mut self, rate: PerMinute, now: Time, is_last: bool) -> Option<RateAsk> {
        self.forgive(rate, now);
        let per_minute = rate.all;
        let (at, before) = self.told;
        if self.used != before || at == Time::ZERO {
            self.idle_since = now;
        }
        let rests = self.answered == Time::ZERO && self.used == self.charged;
        if rests {
            return None;
        }
        let span = now.secs_since(at);
        if at > Time::ZERO && span >= 0.01 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count of requests or tokens by a time of at least 10 ms"
            )]
            let since = ((self.used - before) as f64 / span) as u64;
            self.each_second = since.max(self.each_second / 2 + since / 2);
        }
        self.told = (now, self.used);
        self.sequence += 1;
        let is_last = is_last || now.since(self.idle_since) >= IDLE;
        let keep = if is_last { 0 } else { self.fair };
        self.cap = self.cap.min(self.used.saturating_add(keep));
        if is_last {
            self.answered = Time::ZERO;
        }
        let filled = now.secs_since(at).min(60.0) * f64::from(per_minute) / 60.0;
        let is_new = self.sequence == 1;
        Some(RateAsk {
            sequence: self.sequence,
            used: self.used,
            cap: self.cap,
            charged: self.charged,
            want: self.each_second.saturating_mul(AHEAD_SECONDS),
            per_minute,
            level: if is_new {
                f64::from(per_minute)
            } else {
                self.level + filled
            },
            is_last,
        })
    }

    /// Takes an answer over; one to another ask than the last changes nothing. Whoever can write to the engine can answer
    /// anything, so no more than a minute's worth is ever taken at once.
    pub fn answered(&mut self, granted: RateGranted, per_minute: u32, now: Time) {
        if granted.sequence != self.sequence {
            return;
        }
        self.charged = granted.cap;
        self.unheard_since = Time::ZERO;
        let most = self.used.saturating_add(u64::from(per_minute));
        self.cap = granted.cap.min(most);
        self.fair = granted.fair;
        self.level = granted.level.clamp(-DEEPEST, f64::from(per_minute));
        if now.since(self.idle_since) < IDLE {
            self.answered = now;
        }
    }
}

#[cfg(test)]
#[path = "common_rate_tests.rs"]
mod tests;
