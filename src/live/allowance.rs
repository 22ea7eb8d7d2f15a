//! A budget and what was spent of it: counted here, and where replicas share it, up to what was granted to this one.
//!
//! Problem: a request asks whether something is left before each call, and must not wait for whoever counts, nor for other
//! replicas. Choice: those who count take a lock of a few instructions and leave sums and caps in atomics ([`Spent`]); those
//! who ask read the atomics. With other replicas a cap of [`Lease`] is the limit that is asked for, and what is under way
//! counts at the cost of a usual request, so that not each replica overdraws the last of a budget by what it has in flight.
//! How it fails: a reader between two of them sees a window that has just begun without its first cost, once.
//!
//! [`Lease`]: crate::limit::lease::Lease

#[path = "allowance_rest.rs"]
mod rest;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::budgets::Scope;
use super::counting::{Slot, Slots, WindowAsk, pico, usd};
use super::spent::{Spent, UnderWay};
use crate::limit::lease::{Granted, Need};
use crate::limit::{AtLimit, Budget, Spending, Window};
use crate::model::{PicoUsd, Time, minute_of};

/// So long before a window ends the next one is asked for as well, so that its first second has a lease: some rounds.
const NEXT_AHEAD: Duration = Duration::from_secs(5);

/// A budget and what was spent of it.
#[derive(Debug)]
pub struct Allowance {
    /// Whose.
    pub scope: Scope,
    /// What may be spent.
    pub budget: Budget,
    pub(super) spent: Arc<Spent>,
}

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
                counting.slot(window, now).is_low(used)
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
        Some(UnderWay::at(&self.spent))
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

#[cfg(test)]
#[path = "allowance_tests.rs"]
mod tests;
