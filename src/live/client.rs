//! Somebody who holds a key: what is left of the key's rates, and when this secret of it was used last.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::allowance::Allowance;
use super::record::{RequestEnd, Tags};
use super::sharing::Sharing;
use crate::config::ClientKey;
use crate::limit::common_rate::{Purse, RateAsk, RateGranted};
use crate::limit::quota::{Bucket, PerMinute};
use crate::model::Time;

/// Microseconds of a minute.
const MINUTE_US: u64 = 60_000_000;

/// Somebody who holds a key.
pub struct Client {
    /// What the key may.
    pub key: Arc<ClientKey>,
    /// Whom its requests' cost is put down to where they say nothing else.
    pub tags: Option<Arc<Tags>>,
    /// What its requests may cost.
    pub budget: Option<Arc<Allowance>>,
    pub(super) digest: [u8; 32],
    pub(super) is_revoked: bool,
    /// When this secret was made, if that was done here.
    pub(super) since: Option<Time>,
    /// From when on this secret is refused, since another took its place.
    pub(super) ends: Option<Time>,
    pub(super) rates: Arc<Rates>,
    pub(super) used: Arc<Used>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.key.name)
            .finish_non_exhaustive()
    }
}

/// When a key was used last. Kept across reloads.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// Microseconds since 1970; 0 for never.
    pub(super) at: AtomicU64,
    /// The same, of requests that were refused since another secret had taken its place.
    refused_at: AtomicU64,
    /// Whether what the books have of before is in it.
    pub(super) is_seeded: AtomicBool,
}

impl Used {
    /// Of a secret that was made just now: whatever the books have of its name is of those before.
    pub(super) fn never() -> Self {
        Self {
            is_seeded: AtomicBool::new(true),
            ..Self::default()
        }
    }

    pub(super) fn last(&self) -> LastUse {
        let at = |at: &AtomicU64| {
            let at = at.load(Ordering::Relaxed);
            (at > 0).then(|| Time::from_micros(at))
        };
        LastUse {
            used: at(&self.at),
            refused: at(&self.refused_at),
        }
    }
}

/// When a secret came last; `None` where that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastUse {
    /// With a request that was let in.
    pub used: Option<Time>,
    /// With one that was refused, since another secret had taken its place.
    pub refused: Option<Time>,
}

/// What is left of a key's rates. Kept across reloads, at the rates in force.
#[derive(Debug, Default)]
pub(super) struct Rates {
    requests: Mutex<Left>,
    tokens: Mutex<Left>,
    pub(super) sharing: Arc<Sharing>,
}

/// What is left of one rate: in a bucket of this replica, and where replicas share, in a purse that the others know of.
#[derive(Debug, Default)]
struct Left {
    bucket: Option<Bucket>,
    purse: Purse,
}

impl Left {
    fn bucket(&mut self, rate: PerMinute, now: Time) -> &mut Bucket {
        self.bucket
            .get_or_insert_with(|| Bucket::full(rate.all, now))
    }

    fn is_open(&mut self, rate: PerMinute, now: Time) -> Result<(), Duration> {
        if self.purse.is_fresh(now) {
            return self.purse.is_open(rate.all, now);
        }
        self.bucket(rate, now).is_open(rate, now)
    }

    fn take(&mut self, rate: PerMinute, now: Time) -> Result<(), Duration> {
        if self.purse.is_fresh(now) {
            self.purse.is_open(rate.all, now)?;
            self.bucket(rate, now).drain(rate, now, 1);
        } else {
            self.bucket(rate, now).take(rate, now)?;
        }
        self.purse.took(1, now);
        Ok(())
    }

    fn charge(&mut self, rate: PerMinute, now: Time, amount: u64) {
        if self.purse.is_fresh(now) {
            self.bucket(rate, now).drain(rate, now, amount);
        } else {
            self.bucket(rate, now).charge(rate, now, amount);
        }
        self.purse.took(amount, now);
    }
}

impl Rates {
    pub(super) fn shared(sharing: Arc<Sharing>) -> Self {
        Self {
            sharing,
            ..Self::default()
        }
    }

    /// Does `work` with what is left of a rate; calls for a round where that is little.
    fn with<T>(
        &self,
        left: &Mutex<Left>,
        per_minute: u32,
        now: Time,
        work: impl FnOnce(&mut Left, PerMinute) -> T,
    ) -> T {
        let rate = PerMinute {
            all: per_minute,
            parts: self.sharing.replicas(),
        };
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        let done = work(&mut left, rate);
        let is_low = self.sharing.is_on() && left.purse.is_low(now);
        drop(left);
        if is_low {
            self.sharing.hurry(now);
        }
        done
    }

    fn of(&self, kind: RateKind) -> &Mutex<Left> {
        match kind {
            RateKind::Requests => &self.requests,
            RateKind::Tokens => &self.tokens,
        }
    }
}

/// What a rate is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RateKind {
    /// Requests.
    Requests,
    /// Tokens.
    Tokens,
}

impl RateKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Requests, Self::Tokens];

    /// Its name in keys.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }
}

/// Which rate is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Requests a minute.
    Requests(u32),
    /// Tokens a minute.
    Tokens(u32),
}

impl Client {
    /// A request comes: takes it out of what is left.
    ///
    /// # Errors
    /// Nothing is left of this rate for so long.
    pub fn enter(&self, now: Time) -> Result<(), (Rate, Duration)> {
        let rates = &self.rates;
        if let Some(most) = self.key.tokens_per_minute {
            let open = |left: &mut Left, rate| left.is_open(rate, now);
            let open = rates.with(&rates.tokens, most, now, open);
            open.map_err(|wait| (Rate::Tokens(most), wait))?;
        }
        if let Some(most) = self.key.requests_per_minute {
            let take = |left: &mut Left, rate| left.take(rate, now);
            let taken = rates.with(&rates.requests, most, now, take);
            taken.map_err(|wait| (Rate::Requests(most), wait))?;
        }
        Ok(())
    }

    /// One of its rates.
    pub fn per_minute(&self, kind: RateKind) -> Option<u32> {
        match kind {
            RateKind::Requests => self.key.requests_per_minute,
            RateKind::Tokens => self.key.tokens_per_minute,
        }
    }

    /// What is to be asked of the others about one of its rates; `None` where there is nothing. With `is_last` all that was
    /// not used goes back.
    pub fn rate_ask(&self, kind: RateKind, now: Time, is_last: bool) -> Option<RateAsk> {
        let most = self.per_minute(kind)?;
        let left = self.rates.of(kind);
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = PerMinute {
            all: most,
            parts: self.rates.sharing.replicas(),
        };
        left.purse.ask(rate, now, is_last)
    }

    /// The answer.
    pub fn rate_answered(&self, kind: RateKind, granted: RateGranted, now: Time) {
        if let Some(most) = self.per_minute(kind) {
            let left = self.rates.of(kind);
            let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
            left.purse.answered(granted, most, now);
        }
    }

    /// Whether it is not accepted any more.
    pub fn has_expired(&self, now: Time) -> bool {
        self.key.expires.is_some_and(|expires| now >= expires)
    }

    /// Whether an operator has revoked it.
    pub const fn is_revoked(&self) -> bool {
        self.is_revoked
    }

    /// When the last request with it came; `None` if none is known.
    pub fn last_used(&self) -> Option<Time> {
        self.used.last().used
    }

    /// What the books have of its name, which is to the minute: of a secret that is younger it says nothing.
    pub fn was_used_before(&self, minute: Time) {
        let made = self.since.map_or(0, |since| since.as_micros() / MINUTE_US);
        if minute.as_micros() / MINUTE_US >= made {
            self.was_used(minute);
        }
    }

    /// Since when this secret is refused because another took its place; `None` if it is not.
    pub fn was_over(&self, now: Time) -> Option<Time> {
        self.ends.filter(|ends| now >= *ends)
    }

    /// A request with it was refused for that; whether it is the first since this process began.
    pub fn was_refused(&self, at: Time) -> bool {
        let before = self
            .used
            .refused_at
            .fetch_max(at.as_micros(), Ordering::Relaxed);
        before == 0
    }

    /// A request with it came at this moment.
    pub fn was_used(&self, at: Time) {
        self.used.at.fetch_max(at.as_micros(), Ordering::Relaxed);
    }

    /// Whether the books need not be asked any more when it was used; from now on they need not.
    pub fn take_seeding(&self) -> bool {
        self.used.is_seeded.swap(true, Ordering::AcqRel)
    }

    /// Counts the tokens of a request of it that ended.
    pub(super) fn charge(&self, end: &RequestEnd, now: Time) {
        let Some(most) = self.key.tokens_per_minute else {
            return;
        };
        let tokens = end.calls.iter().filter_map(|call| call.tokens);
        let tokens: u64 = tokens
            .map(|tokens| tokens.input.saturating_add(tokens.output))
            .fold(0, u64::saturating_add);
        let charge = |left: &mut Left, rate| left.charge(rate, now, tokens);
        self.rates.with(&self.rates.tokens, most, now, charge);
    }
}
