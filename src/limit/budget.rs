//! What may be spent in an hour, a day, a month.
//!
//! Problem: spending is known only when an answer has ended, and a limit must hold although many answers are under way.
//! Choice: windows of the calendar (UTC), as invoices have them, each with one sum that begins anew with its window; a
//! request is let go while the sum is below the limit. What is spent beyond a limit is what was under way when it was met,
//! and nothing else. Rejected: reserving an estimate for each request, which refuses requests that would have fitted and
//! is wrong wherever the length of answers is; rolling windows, which no invoice has and which need all that was spent.

use std::time::Duration;

use serde::Serialize;

use crate::model::{PicoUsd, Time, date_of, month_begins};

/// A stretch of the calendar, by UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// From one full hour to the next.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From the first of a month to the first of the next.
    Month,
}

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

impl Window {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// Its name in keys, labels and messages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// Once in it: `$5 an hour`.
    pub const fn each(self) -> &'static str {
        match self {
            Self::Hour => "an hour",
            Self::Day => "a day",
            Self::Month => "a month",
        }
    }

    const fn index(self) -> usize {
        self as usize
    }

    /// When the one began that `at` is in.
    pub fn begins(self, at: Time) -> Time {
        let down = |span: Duration| {
            let span = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
            Time::from_micros(at.as_micros() / span * span)
        };
        match self {
            Self::Hour => down(HOUR),
            Self::Day => down(DAY),
            Self::Month => {
                let (year, month, _) = date_of(at);
                month_begins(year, month)
            }
        }
    }

    /// When the one ends that `at` is in.
    pub fn ends(self, at: Time) -> Time {
        match self {
            Self::Hour => self.begins(at).after(HOUR),
            Self::Day => self.begins(at).after(DAY),
            Self::Month => {
                let (year, month, _) = date_of(at);
                month_begins(year + month / 12, month % 12 + 1)
            }
        }
    }
}

/// What becomes of requests when a limit is met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AtLimit {
    /// Nothing; somebody is told.
    #[default]
    Alert,
    /// They go elsewhere.
    Avoid,
    /// They are refused.
    Refuse,
}

impl AtLimit {
    /// Its name in keys and messages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Avoid => "avoid",
            Self::Refuse => "refuse",
        }
    }
}

/// A part of a limit at which somebody is told, in parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Threshold(u32);

impl Threshold {
    /// The largest: ten times the limit, for those who want to be told how far it goes.
    pub const MOST: f64 = 10.0;

    /// A part of the limit above 0 and up to [`Threshold::MOST`]; `None` for anything else.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "above 0 and at most 10 million"
    )]
    pub fn new(part: f64) -> Option<Self> {
        let ppm = (part * 1e6).round();
        (part <= Self::MOST && ppm >= 1.0).then_some(Self(ppm as u32))
    }

    /// The part of the limit: 0.8 is 80 %.
    pub fn part(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// The same in percent: 80.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 1e4
    }

    /// Whether `spent` is this much of `limit`.
    pub fn is_reached(self, spent: PicoUsd, limit: PicoUsd) -> bool {
        let reached = limit.pico().saturating_mul(u128::from(self.0));
        spent.pico().saturating_mul(1_000_000) >= reached
    }
}

/// What may be spent, and what happens when it is.
///
/// # Invariants
/// At least one limit, each above 0; thresholds rise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    limits: [Option<PicoUsd>; 3],
    alert_at: Vec<Threshold>,
    at_limit: AtLimit,
}

impl Budget {
    /// Where nothing is said: at half, at four fifths, and at the limit.
    pub const ALERT_AT: [f64; 3] = [0.5, 0.8, 1.0];

    /// A budget with these limits, in the order of [`Window::ALL`]; `None` if none of them is above 0.
    pub fn new(
        limits: [Option<PicoUsd>; 3],
        mut alert_at: Vec<Threshold>,
        at_limit: AtLimit,
    ) -> Option<Self> {
        let limits = limits.map(|limit| limit.filter(|limit| *limit > PicoUsd::ZERO));
        alert_at.sort_unstable();
        alert_at.dedup();
        limits.iter().any(Option::is_some).then_some(Self {
            limits,
            alert_at,
            at_limit,
        })
    }

    /// What may be spent in a `window`; `None` for as much as one likes.
    pub const fn limit(&self, window: Window) -> Option<PicoUsd> {
        self.limits[window.index()]
    }

    /// Where somebody is told, rising.
    pub fn alert_at(&self) -> &[Threshold] {
        &self.alert_at
    }

    /// What becomes of requests when a limit is met.
    pub const fn at_limit(&self) -> AtLimit {
        self.at_limit
    }
}

/// How a budget stands in one of its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spending {
    /// Which.
    pub window: Window,
    /// What may be spent in it.
    pub limit: PicoUsd,
    /// What was.
    pub spent: PicoUsd,
    /// Since when.
    pub began: Time,
    /// When it begins anew.
    pub ends: Time,
}

impl Spending {
    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        self.spent >= self.limit
    }
}

/// What was spent in the windows under way.
///
/// Moments are those of one clock that counts from 1970; one that is earlier than the last counts as the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// When each window ends, and what was spent in it, in the order of [`Window::ALL`].
    tallies: [(Time, PicoUsd); 3],
}

impl Account {
    /// An account as [`Account::tallies`] has told it.
    pub const fn of(tallies: [(Time, PicoUsd); 3]) -> Self {
        Self { tallies }
    }

    /// When each window ends, and what was spent in it, in the order of [`Window::ALL`].
    pub const fn tallies(&self) -> [(Time, PicoUsd); 3] {
        self.tallies
    }

    /// `cost` was spent `now`.
    pub fn add(&mut self, now: Time, cost: PicoUsd) {
        for window in Window::ALL {
            *self.tally(window, now) += cost;
        }
    }

    /// At least `spent` was spent in the `window` that `now` is in, as books say that go further back.
    pub fn at_least(&mut self, window: Window, now: Time, spent: PicoUsd) {
        let tally = self.tally(window, now);
        *tally = spent.max(*tally);
    }

    /// The sum of the `window` that `now` is in, begun anew if that is another one.
    fn tally(&mut self, window: Window, now: Time) -> &mut PicoUsd {
        let (until, spent) = &mut self.tallies[window.index()];
        if now >= *until {
            *until = window.ends(now);
            *spent = PicoUsd::ZERO;
        }
        spent
    }

    /// What was spent in the `window` that `now` is in.
    pub fn spent(&self, window: Window, now: Time) -> PicoUsd {
        let (until, spent) = self.tallies[window.index()];
        if now < until { spent } else { PicoUsd::ZERO }
    }

    /// How `budget` stands `now`, the shortest window first.
    pub fn standings<'a>(
        &'a self,
        budget: &'a Budget,
        now: Time,
    ) -> impl Iterator<Item = Spending> + 'a {
        Window::ALL.into_iter().filter_map(move |window| {
            Some(Spending {
                window,
                limit: budget.limit(window)?,
                spent: self.spent(window, now),
                began: window.begins(now),
                ends: window.ends(now),
            })
        })
    }

    /// The window of `budget` in which nothing is left `now`, and when it ends; of several the one that ends last.
    /// `None` while there is something left in all.
    pub fn spent_until(&self, budget: &Budget, now: Time) -> Option<(Window, Time)> {
        let spent = Window::ALL.into_iter().filter_map(|window| {
            let (until, spent) = self.tallies[window.index()];
            let is_spent = now < until && spent >= budget.limit(window)?;
            is_spent.then_some((window, until))
        });
        spent.max_by_key(|(_, until)| *until)
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
