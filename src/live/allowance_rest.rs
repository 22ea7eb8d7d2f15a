//! Budgets that nobody spends of need not be asked for in each round.
//!
//! Ten thousand keys with a budget each would be ten thousand lines a second and replica, more than an engine has time for.
//! A lease lives for a minute at the sheet; one of which nothing is used can wait for some seconds until it is looked at
//! again. What is lost meanwhile is that it gets smaller as the others spend.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Allowance, NEXT_AHEAD};
use crate::limit::Window;
use crate::model::Time;

impl Allowance {
    /// Whether it was asked for within `span`, nothing was spent of it since or is under way, and enough is left of what was
    /// granted, in each of its windows.
    pub fn rests(&self, now: Time, span: Duration) -> bool {
        let spent = &self.spent;
        if spent.under_way.load(Ordering::Relaxed) > 0 {
            return false;
        }
        spent.change(now, |counting| {
            let windows = Window::ALL.into_iter();
            let mut windows = windows.filter(|window| self.budget.limit(*window).is_some());
            windows.all(|window| {
                let used = counting.own(window, now);
                let slot = counting.slot(window, now);
                let (asked_at, told) = slot.told;
                let is_left = slot.lease.cap().is_some_and(|cap| cap > used);
                is_left
                    && told == used
                    && !slot.is_low(used)
                    && now.since(asked_at) < span
                    && slot.ends.since(now) > NEXT_AHEAD
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::tests::{DOLLAR, Fleet, at};
    use super::*;
    use crate::model::PicoUsd;

    const SPAN: Duration = Duration::from_secs(10);

    #[test]
    fn a_budget_rests_while_nothing_is_spent_and_enough_is_left() {
        let mut fleet = Fleet::new([None, Some(DOLLAR), None], 2);
        let rests = |fleet: &Fleet, seconds| fleet.replicas[0].rests(at(seconds), SPAN);
        assert!(!rests(&fleet, 0.0), "nothing was granted");
        fleet.round(0, at(0.0), false);
        assert!(rests(&fleet, 1.0));
        assert!(!rests(&fleet, 10.0), "for some seconds and no longer");
        fleet.round(0, at(10.0), false);
        let one = Arc::new(fleet.replicas.remove(0));
        let request = one.under_way();
        assert!(!one.rests(at(11.0), SPAN), "somebody spends");
        drop(request);
        assert!(one.rests(at(11.0), SPAN));
        one.spend(at(11.0), PicoUsd::new(1_000));
        assert!(!one.rests(at(11.0), SPAN), "something was spent");
    }

    #[test]
    fn a_budget_that_is_used_up_or_nearly_does_not_rest() {
        let mut fleet = Fleet::new([None, Some(DOLLAR), None], 2);
        fleet.round(1, at(0.0), false);
        fleet.replicas[1].spend(at(0.1), PicoUsd::new(u128::from(DOLLAR)));
        fleet.round(1, at(0.2), false);
        fleet.round(0, at(0.3), false);
        assert!(!fleet.replicas[0].rests(at(0.4), SPAN), "nothing is left");
        // 2026-11-30 24:00:00 UTC is 1,800 seconds on: the next window is asked for before.
        let mut fleet = Fleet::new([None, Some(DOLLAR), None], 2);
        fleet.round(0, at(1_796.0), false);
        assert!(!fleet.replicas[0].rests(at(1_796.0), SPAN));
    }
}
