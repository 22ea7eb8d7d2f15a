//! What was spent of a budget, for those who ask without waiting for those who count.
//!
//! [`Counting`] is under a lock; what comes of each change is left in atomics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::counting::{Counting, pico, usd};
use super::sharing::Sharing;
use crate::limit::{Account, Window};
use crate::model::Time;

/// When what was granted is used up and the others may have some left, a request is told to come back after this: a round.
pub(super) const SOON: Duration = Duration::from_secs(1);

/// What was spent of a budget. Owner of the sums; kept across reloads.
#[derive(Debug, Default)]
pub(super) struct Spent {
    counting: Mutex<Counting>,
    shown: [Shown; 3],
    /// Whether what the books have of before is in it, or will be in a moment.
    pub(super) is_seeded: AtomicBool,
    /// Whether it is in it now, so that others can be told.
    pub(super) has_begun: AtomicBool,
    /// Requests under way that will be charged; counted only where replicas share.
    pub(super) under_way: AtomicU64,
    /// What a usual request costs, in pico-dollars.
    pub(super) usual: AtomicU64,
    pub(super) sharing: Arc<Sharing>,
}

/// The account of one window for those who ask. Sums are in pico-dollars and stop at 18 million dollars, which is beyond
/// every limit.
#[derive(Debug, Default)]
struct Shown {
    /// When the window ends in which `spent` was.
    until: AtomicU64,
    spent: AtomicU64,
    /// When the window ends in which `cap` holds.
    granted_until: AtomicU64,
    /// What `spent` may grow to.
    cap: AtomicU64,
    /// What the others have spent in that window, and this replica in earlier processes.
    others: AtomicU64,
}

/// A request that will be charged. Dropped, it has been.
#[derive(Debug)]
pub struct UnderWay(Arc<Spent>);

impl UnderWay {
    /// One more that will be charged to `spent`.
    pub(super) fn at(spent: &Arc<Spent>) -> Self {
        spent.under_way.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(spent))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

// === impl Spent ===

impl Spent {
    pub(super) fn shared(sharing: Arc<Sharing>) -> Self {
        Self {
            sharing,
            ..Self::default()
        }
    }

    /// Changes what is counted, and shows what came of it.
    pub(super) fn change<T>(&self, now: Time, change: impl FnOnce(&mut Counting) -> T) -> T {
        let mut counting = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut counting);
        let tallies = counting.account.tallies();
        for (shown, (ends, sum)) in self.shown.iter().zip(tallies) {
            // The end last: whoever sees the new window sees its sum.
            shown.spent.store(pico(sum), Ordering::Relaxed);
            shown.until.store(ends.as_micros(), Ordering::Release);
        }
        if self.sharing.is_on() {
            for (window, shown) in Window::ALL.into_iter().zip(&self.shown) {
                shown.lease(&mut counting, window, now);
            }
        }
        changed
    }

    /// The sums, as they are shown.
    pub(super) fn account(&self) -> Account {
        Account::of(self.shown.each_ref().map(|shown| {
            let until = Time::from_micros(shown.until.load(Ordering::Acquire));
            (until, usd(shown.spent.load(Ordering::Relaxed)))
        }))
    }

    /// What requests under way will cost, as far as can be guessed.
    pub(super) fn ahead(&self) -> u64 {
        let under_way = self.under_way.load(Ordering::Relaxed);
        under_way.saturating_mul(self.usual.load(Ordering::Relaxed))
    }

    /// What the others have spent in the window that `now` is in.
    pub(super) fn others(&self, window: Window, now: Time) -> u64 {
        let shown = &self.shown[window as usize];
        let until = shown.granted_until.load(Ordering::Acquire);
        if now.as_micros() < until {
            shown.others.load(Ordering::Relaxed)
        } else {
            0
        }
    }

    /// When something may be spent again in a window with this limit, if nothing may be now.
    pub(super) fn closed_until(&self, window: Window, limit: u64, now: Time) -> Option<Time> {
        let shown = &self.shown[window as usize];
        let at = now.as_micros();
        let until = shown.until.load(Ordering::Acquire);
        let spent = if at < until {
            shown.spent.load(Ordering::Relaxed)
        } else {
            0
        };
        let granted_until = shown.granted_until.load(Ordering::Acquire);
        let (cap, others) = if at < granted_until {
            let cap = shown.cap.load(Ordering::Relaxed).min(limit);
            (cap, shown.others.load(Ordering::Relaxed))
        } else {
            (limit / u64::from(self.sharing.replicas()), 0)
        };
        let used = spent.saturating_add(self.ahead());
        if used < cap {
            return None;
        }
        let ends = Time::from_micros(until.max(granted_until));
        let is_all = others.saturating_add(spent) >= limit && now < ends;
        Some(if is_all { ends } else { now.after(SOON) })
    }
}

// === impl Shown ===

impl Shown {
    /// Shows what the lease of the window that `now` is in comes to.
    fn lease(&self, counting: &mut Counting, window: Window, now: Time) {
        let seed = pico(counting.seeds.spent(window, now));
        let slot = counting.slot(window, now);
        let (Some(cap), Some(granted)) = (slot.lease.cap(), slot.lease.granted()) else {
            return;
        };
        // What the books brought is in `spent`, and in the others' sum as earlier processes or as the base.
        let others = granted.others.saturating_add(granted.base);
        let others = others.saturating_sub(seed);
        self.cap.store(cap.saturating_add(seed), Ordering::Relaxed);
        self.others.store(others, Ordering::Relaxed);
        let ends = slot.ends.as_micros();
        self.granted_until.store(ends, Ordering::Release);
    }
}
