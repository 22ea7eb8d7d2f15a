//! What is counted of a budget: the sums of its windows, what the books brought into them, and the leases that the other
//! replicas granted for the windows under way and the ones after them.

use crate::limit::lease::{Ask, Lease, Need};
use crate::limit::{Account, Window};
use crate::model::{PicoUsd, Time};

/// What is counted of a budget. Whoever changes it holds the lock of its owner.
#[derive(Debug, Default)]
pub(super) struct Counting {
    pub(super) account: Account,
    /// What the books brought into each window under way.
    pub(super) seeds: Account,
    pub(super) leases: [Slots; 3],
}

/// The leases of a window and of the one after it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slots {
    pub(super) current: Slot,
    pub(super) next: Slot,
}

/// The lease of one window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    /// When its window ends.
    pub(super) ends: Time,
    pub(super) lease: Lease,
    /// When it was asked for last, and what was spent then.
    pub(super) told: (Time, u64),
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

/// An amount as the leases count.
pub(super) fn pico(amount: PicoUsd) -> u64 {
    u64::try_from(amount.pico()).unwrap_or(u64::MAX)
}

/// An amount that the leases counted.
pub(super) fn usd(pico: u64) -> PicoUsd {
    PicoUsd::new(u128::from(pico))
}

// === impl Counting ===

impl Counting {
    /// What this process has spent in the window that `now` is in.
    pub(super) fn own(&self, window: Window, now: Time) -> u64 {
        let seed = pico(self.seeds.spent(window, now));
        pico(self.account.spent(window, now)).saturating_sub(seed)
    }

    /// The lease of the window that `now` is in.
    pub(super) fn slot(&mut self, window: Window, now: Time) -> &mut Slot {
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
}

// === impl Slot ===

impl Slot {
    pub(super) fn until(ends: Time) -> Self {
        Self {
            ends,
            ..Self::default()
        }
    }

    /// What is spent in a second, once `used` was; what grows counts at once, what falls by half a round.
    pub(super) fn pace(&mut self, used: u64, now: Time) -> u64 {
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

    /// The ask for this lease.
    pub(super) fn asked(&mut self, window: Window, need: Need, is_last: bool) -> WindowAsk {
        WindowAsk {
            window,
            ends: self.ends,
            ask: self.lease.ask(need, is_last),
        }
    }

    /// Whether less than a quarter is left of what was granted last, once `used` was.
    pub(super) fn is_low(&self, used: u64) -> bool {
        let (Some(cap), Some(granted)) = (self.lease.cap(), self.lease.granted()) else {
            // The first round is coming, or the engine is away.
            return false;
        };
        cap.saturating_sub(used) < granted.fair / 4
    }
}
