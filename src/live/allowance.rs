//! A budget and what was spent of it: counted here, and where replicas share it, up to what was granted to this one.
//!
//! Problem: a request asks whether something is left before each call, and must not wait for whoever counts, nor for other
//! replicas. Choice: those who count take a lock of a few instructions and leave sums and caps in atomics; those who ask
//! read the atomics. With other replicas a cap of [`Lease`] is the limit that is asked for, and what is under way counts at
//! the cost of a usual request, so that not each replica overdraws the last of a budget by what it has in flight.
//! How it fails: a reader between two of them sees a window that has just begun without its first cost, once.

#[path = "allowance_rest.rs"]
mod rest;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::budgets::Scope;
use super::sharing::Sharing;
use crate::limit::lease::{Ask, Granted, Lease, Need};
use crate::limit::{Account, AtLimit, Budget, Spending, Window};
use crate::model::{PicoUsd, Time, minute_of};

/// So long before a window ends the next one is asked for as well, so that its first second has a lease: some rounds.
const NEXT_AHEAD: Duration = Duration::from_secs(5);
/// When what was granted is used up and the others may have some left, a request is told to come back after this: a round.
const SOON: Duration = Duration::from_secs(1);

/// A budget and what was spent of it.
#[derive(Debug)]
pub struct Allowance {
    /// Whose.
    pub scope: Scope,
    /// What may be spent.
    pub budget: Budget,
    pub(super) spent: Arc<Spent>,
}

/// What was spent. Owner of the sums; kept across reloads.
#[derive(Debug, Default)]
pub(super) struct Spent {
    counting: Mutex<Counting>,
    shown: [Shown; 3],
    /// Whether what the books have of before is in it, or will be in a moment.
    is_seeded: AtomicBool,
    /// Whether it is in it now, so that others can be told.
    has_begun: AtomicBool,
    /// Requests under way that will be charged; counted only where replicas share.
    under_way: AtomicU64,
    /// What a usual request costs, in pico-dollars.
    usual: AtomicU64,
    sharing: Arc<Sharing>,
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

#[derive(Debug, Default)]
struct Counting {
    account: Account,
    /// What the books brought into each window under way.
    seeds: Account,
    leases: [Slots; 3],
}

/// The leases of a window and of the one after it.
#[derive(Clone, Copy, Debug, Default)]
struct Slots {
    current: Slot,
    next: Slot,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// When its window ends.
    ends: Time,
    lease: Lease,
    /// When it was asked for last, and what was spent then.
    told: (Time, u64),
    /// What is spent in a second, of late.
    each_second: u64,
}

/// What is asked of the others for one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowAsk {
    /// Which.
    pub window: Window,
    /// When it ends.
    pub ends: Time,
    /// The ask, in pico-dollars.
    pub ask: Ask,
}

/// A request that will be charged. Dropped, it has been.
#[derive(Debug)]
pub struct UnderWay(Arc<Spent>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

fn pico(amount: PicoUsd) -> u64 {
    u64::try_from(amount.pico()).unwrap_or(u64::MAX)
}

fn usd(pico: u64) -> PicoUsd {
    PicoUsd::new(u128::from(pico))
}

// === impl Spent ===

impl Spent {
    pub(super) fn shared(sharing: Arc<Sharing>) -> Self {
        Self {
            sharing,
            ..Self::default()
        }
    }

    fn change<T>(&self, now: Time, change: impl FnOnce(&mut Counting) -> T) -> T {
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
                counting.show_lease(window, shown, now);
            }
        }
        changed
    }

    fn account(&self) -> Account {
        Account::of(self.shown.each_ref().map(|shown| {
            let until = Time::from_micros(shown.until.load(Ordering::Acquire));
            (until, usd(shown.spent.load(Ordering::Relaxed)))
        }))
    }

    /// What requests under way will cost, as far as can be guessed.
    fn ahead(&self) -> u64 {
        let under_way = self.under_way.load(Ordering::Relaxed);
        under_way.saturating_mul(self.usual.load(Ordering::Relaxed))
    }

    /// What the others have spent in the window that `now` is in.
    fn others(&self, window: Window, now: Time) -> u64 {
        let shown = &self.shown[window as usize];
        let until = shown.granted_until.load(Ordering::Acquire);
        if now.as_micros() < until {
            shown.others.load(Ordering::Relaxed)
        } else {
            0
        }
    }

    /// When something may be spent again in a window with this limit, if nothing may be now.
    fn closed_until(&self, window: Window, limit: u64, now: Time) -> Option<Time> {
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

// === impl Counting ===

impl Counting {
    /// What this process has spent in the window that `now` is in.
    fn own(&self, window: Window, now: Time) -> u64 {
        let seed = pico(self.seeds.spent(window, now));
        pico(self.account.spent(window, now)).saturating_sub(seed)
    }

    /// The lease of the window that `now` is in.
    fn slot(&mut self, window: Window, now: Time) -> &mut Slot {
        let slots = &mut self.leases[window as usize];
        if now >= slots.current.ends {
            let ends = window.ends(now);
            slots.current = if slots.next.ends == ends {
                slots.next
            } else {
                Slot::until(ends)
            };
        }
        &mut slots.current
    }

    fn show_lease(&mut self, window: Window, shown: &Shown, now: Time) {
        let seed = pico(self.seeds.spent(window, now));
        let slot = self.slot(window, now);
        let (Some(cap), Some(granted)) = (slot.lease.cap(), slot.lease.granted()) else {
            return;
        };
        // What the books brought is in `spent`, and in the others' sum as earlier processes or as the base.
        let others = granted.others.saturating_add(granted.base);
        let others = others.saturating_sub(seed);
        shown.cap.store(cap.saturating_add(seed), Ordering::Relaxed);
        shown.others.store(others, Ordering::Relaxed);
        let ends = slot.ends.as_micros();
        shown.granted_until.store(ends, Ordering::Release);
    }
}

impl Slot {
    fn until(ends: Time) -> Self {
        Self {
            ends,
            ..Self::default()
        }
    }

    /// What is spent in a second, once `used` was; what grows counts at once, what falls by half a round.
    fn pace(&mut self, used: u64, now: Time) -> u64 {
        let (at, before) = self.told;
        let span = u64::try_from(now.since(at).as_micros()).unwrap_or(u64::MAX);
        if span >= 10_000 && at > Time::ZERO {
            let since = u128::from(used.saturating_sub(before)) * 1_000_000 / u128::from(span);
            let since = u64::try_from(since).unwrap_or(u64::MAX);
            self.each_second = since.max(self.each_second / 2 + since / 2);
        }
        self.told = (now, used);
        self.each_second
    }
}

// === impl Allowance ===

impl Allowance {
    /// A budget of which nothing has been spent.
    pub fn new(scope: Scope, budget: Budget) -> Self {
        Self {
            scope,
            budget,
            spent: Arc::default(),
        }
    }

    /// `cost` was spent.
    pub fn spend(&self, now: Time, cost: PicoUsd) {
        let spent = &self.spent;
        let is_low = spent.change(now, |counting| {
            counting.account.add(now, cost);
            if !spent.sharing.is_on() {
                return false;
            }
            let (cost, usual) = (pico(cost), spent.usual.load(Ordering::Relaxed));
            let usual = if usual == 0 {
                cost
            } else {
                usual - usual / 8 + cost / 8
            };
            spent.usual.store(usual, Ordering::Relaxed);
            let ahead = spent.ahead();
            let windows = Window::ALL.into_iter();
            let mut windows = windows.filter(|window| self.budget.limit(*window).is_some());
            windows.any(|window| {
                let used = counting.own(window, now).saturating_add(ahead);
                is_low(&counting.slot(window, now).lease, used)
            })
        });
        if is_low {
            spent.sharing.hurry(now);
        }
    }

    /// For whoever reads the books: at least this was spent in the `window` that `now` is in.
    pub fn seed(&self, window: Window, now: Time, spent: PicoUsd) {
        self.spent.change(now, |counting| {
            let before = counting.account.spent(window, now);
            counting.account.at_least(window, now, spent);
            let after = counting.account.spent(window, now);
            let seed = pico(counting.seeds.spent(window, now));
            let seed = seed.saturating_add(pico(after).saturating_sub(pico(before)));
            counting.seeds.at_least(window, now, usd(seed));
        });
    }

    /// Whether the books need not be asked any more; from now on they need not.
    pub fn take_seeding(&self) -> bool {
        self.spent.is_seeded.swap(true, Ordering::AcqRel)
    }

    /// Whether the books were asked, or are being asked.
    pub fn is_seeded(&self) -> bool {
        self.spent.is_seeded.load(Ordering::Acquire)
    }

    /// What the books have is in it, or nothing will come from them.
    pub fn has_begun(&self) {
        self.spent.has_begun.store(true, Ordering::Release);
    }

    /// A request is let in that will be charged here; `None` where that need not be known.
    pub fn under_way(&self) -> Option<UnderWay> {
        if !self.spent.sharing.is_on() {
            return None;
        }
        self.spent.under_way.fetch_add(1, Ordering::Relaxed);
        Some(UnderWay(Arc::clone(&self.spent)))
    }

    /// What is to be asked of the others now; nothing until the books have been read. With `is_last` all that is not used
    /// goes back.
    pub fn asks(&self, now: Time, is_last: bool) -> Vec<WindowAsk> {
        if !self.spent.has_begun.load(Ordering::Acquire) {
            return Vec::new();
        }
        let (under_way, least) = (self.spent.ahead(), self.spent.usual.load(Ordering::Relaxed));
        self.spent.change(now, |counting| {
            let mut asks = Vec::new();
            for window in Window::ALL {
                let Some(limit) = self.budget.limit(window) else {
                    continue;
                };
                let need = Need {
                    seed: pico(counting.seeds.spent(window, now)),
                    used: counting.own(window, now),
                    under_way,
                    least,
                    limit: pico(limit),
                    each_second: 0,
                };
                let slot = counting.slot(window, now);
                let each_second = slot.pace(need.used, now);
                let need = Need {
                    each_second,
                    ..need
                };
                asks.push(slot.asked(window, need, is_last));
                let then = slot.ends;
                if then.since(now) > NEXT_AHEAD || is_last {
                    continue;
                }
                let ends = window.ends(then);
                let next = &mut counting.leases[window as usize].next;
                if next.ends != ends {
                    *next = Slot::until(ends);
                }
                let need = Need {
                    seed: 0,
                    used: 0,
                    ..need
                };
                asks.push(next.asked(window, need, false));
            }
            asks
        })
    }

    /// The answer for the window that ends then.
    pub fn answered(&self, window: Window, ends: Time, granted: Granted, now: Time) {
        let Some(limit) = self.budget.limit(window) else {
            return;
        };
        self.spent.change(now, |counting| {
            counting.slot(window, now);
            let Slots { current, next } = &mut counting.leases[window as usize];
            let mut slots = [current, next].into_iter();
            if let Some(slot) = slots.find(|slot| slot.ends == ends) {
                slot.lease.answered(granted, pico(limit));
            }
        });
    }

    /// How it stands in each of its windows, for all replicas together as far as known.
    pub fn standings(&self, now: Time) -> Vec<Spending> {
        let account = self.spent.account();
        let with_others = |standing: Spending| Spending {
            spent: standing.spent + usd(self.spent.others(standing.window, now)),
            ..standing
        };
        let standings = account.standings(&self.budget, now);
        standings.map(with_others).collect()
    }

    /// Its name in one of its windows, without what it is: `this hour's budget of provider "openai"`.
    pub fn in_window(&self, window: Window) -> String {
        format!("this {}'s budget of {}", window.label(), self.scope)
    }

    /// In words that it is closed until then: for the rest of its window, or for a moment in which only the others may have
    /// some left.
    pub fn closed(&self, window: Window, (until, now): (Time, Time)) -> String {
        let name = self.in_window(window);
        if until < window.ends(now) {
            return format!(
                "{name} is used up as far as this replica may spend it; more may be there in a second"
            );
        }
        let anew = minute_of(until);
        format!("{name} is spent and begins anew at {anew}")
    }

    /// The window in which nothing is left, and when it ends, if requests are then to be treated as `at_limit` says. Where
    /// only this replica has nothing left for the moment, that is a second from now.
    pub fn spent_until(&self, at_limit: AtLimit, now: Time) -> Option<(Window, Time)> {
        if self.budget.at_limit() != at_limit {
            return None;
        }
        if !self.spent.sharing.is_on() {
            return self.spent.account().spent_until(&self.budget, now);
        }
        let closed = Window::ALL.into_iter().filter_map(|window| {
            let limit = pico(self.budget.limit(window)?);
            Some((window, self.spent.closed_until(window, limit, now)?))
        });
        closed.max_by_key(|(_, until)| *until)
    }
}

impl Slot {
    fn asked(&mut self, window: Window, need: Need, is_last: bool) -> WindowAsk {
        WindowAsk {
            window,
            ends: self.ends,
            ask: self.lease.ask(need, is_last),
        }
    }
}

/// Whether less than a quarter is left of what was granted last.
fn is_low(lease: &Lease, used: u64) -> bool {
    let (Some(cap), Some(granted)) = (lease.cap(), lease.granted()) else {
        // The first round is coming, or the engine is away.
        return false;
    };
    cap.saturating_sub(used) < granted.fair / 4
}

#[cfg(test)]
#[path = "allowance_tests.rs"]
mod tests;
