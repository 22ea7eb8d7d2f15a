use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;

use super::super::spent::SOON;
use super::*;
use crate::limit::Threshold;
use crate::limit::lease::{Sheet, grant};
use crate::model::RouteName;

pub(super) const DOLLAR: u64 = 1_000_000_000_000;
/// 2026-11-30 23:30:00 UTC.
const EVE: f64 = 1_796_081_400.0;

pub(super) fn at(seconds: f64) -> Time {
    Time::from_secs_f64(EVE + seconds)
}

fn allowance(limits: [Option<u64>; 3]) -> Allowance {
    let limits = limits.map(|limit| limit.map(usd));
    let thresholds = vec![Threshold::new(1.0).unwrap()];
    let budget = Budget::new(limits, thresholds, AtLimit::Refuse).unwrap();
    let scope = Scope::Route(RouteName::new("chat").unwrap());
    Allowance {
        spent: Arc::new(Spent::shared(Arc::default())),
        ..Allowance::new(scope, budget)
    }
}

/// Replicas around one engine.
pub(super) struct Fleet {
    pub(super) replicas: Vec<Allowance>,
    sheets: BTreeMap<(Window, Time), Sheet>,
    /// How often each called for a round.
    calls: Vec<Arc<AtomicU32>>,
}

impl Fleet {
    pub(super) fn new(limits: [Option<u64>; 3], replicas: usize) -> Self {
        let calls: Vec<Arc<AtomicU32>> = (0..replicas).map(|_| Arc::default()).collect();
        let one = |calls: &Arc<AtomicU32>| {
            let one = allowance(limits);
            let calls = Arc::clone(calls);
            let sharing = &one.spent.sharing;
            sharing.begin(move || {
                calls.fetch_add(1, Ordering::Relaxed);
            });
            sharing.met(replicas);
            one.has_begun();
            one
        };
        Self {
            replicas: calls.iter().map(one).collect(),
            sheets: BTreeMap::new(),
            calls,
        }
    }

    pub(super) fn round(&mut self, place: usize, now: Time, is_last: bool) {
        let replica = &self.replicas[place];
        for WindowAsk { window, ends, ask } in replica.asks(now, is_last) {
            let sheet = self.sheets.entry((window, ends)).or_default();
            let who = format!("r{place}:1");
            let granted = sheet.answer(&who, &ask, now.as_micros() / 1_000);
            replica.answered(window, ends, granted.unwrap(), now);
        }
    }

    fn is_open(&self, place: usize, now: Time) -> bool {
        self.replicas[place]
            .spent_until(AtLimit::Refuse, now)
            .is_none()
    }
}

/// What was spent when three replicas serve 120 requests a second of a fifth of a cent each, of 0.3 to 1.8 seconds, until
/// nothing is left of a dollar a day. `round` says whether the engine is there at that second.
fn spend_a_dollar(round: impl Fn(f64) -> bool) -> f64 {
    let mut fleet = Fleet::new([None, Some(DOLLAR), None], 3);
    let mut under_way: Vec<(u32, usize, Option<UnderWay>)> = Vec::new();
    let mut seed = 7_u64;
    let mut chance = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed >> 40
    };
    // A step is ten milliseconds.
    for step in 0..2_000_u32 {
        let now = at(f64::from(step) / 100.0);
        let (ended, rest): (Vec<_>, Vec<_>) = under_way
            .into_iter()
            .partition(|(until, ..)| *until <= step);
        under_way = rest;
        for (_, place, held) in ended {
            let cost = DOLLAR / 1_000 + chance() % 2_000_000_000;
            fleet.replicas[place].spend(now, usd(cost));
            drop(held);
        }
        for place in 0..3 {
            let called = fleet.calls[place].swap(0, Ordering::Relaxed) > 0;
            let is_due = step % 100 == u32::try_from(place).unwrap() * 33;
            if (called || is_due) && round(f64::from(step) / 100.0) {
                fleet.round(place, now, false);
            }
            if chance() % 10 < 4 && fleet.is_open(place, now) {
                let takes = 30 + u32::try_from(chance() % 150).unwrap();
                let held = fleet.replicas[place].under_way();
                under_way.push((step + takes, place, held));
            }
        }
    }
    assert!(under_way.is_empty(), "the budget is spent by then");
    let spent = fleet.replicas.iter();
    let spent = spent.map(|one| pico(one.spent.account().spent(Window::Day, at(20.0))));
    spent.sum::<u64>() as f64 / DOLLAR as f64
}

#[test]
fn three_replicas_spend_a_dollar_once_and_to_its_end() {
    let spent = spend_a_dollar(|_| true);
    println!("three replicas spent ${spent:.4} of $1");
    assert!((0.98..=1.02).contains(&spent), "{spent}");
}

#[test]
fn without_the_engine_the_last_leases_hold() {
    let spent = spend_a_dollar(|second| second < 1.0);
    println!("the engine gone after a second: ${spent:.4} of $1");
    assert!((0.4..=1.02).contains(&spent), "{spent}");
}

#[test]
fn who_never_met_the_others_counts_as_alone() {
    let spent = spend_a_dollar(|_| false);
    assert!(
        spent > 0.9,
        "a third each, for three that know of each other: {spent}"
    );
    let one = allowance([None, Some(DOLLAR), None]);
    one.spent.sharing.begin(|| {});
    one.spend(at(0.0), usd(DOLLAR - 1));
    assert_eq!(one.spent_until(AtLimit::Refuse, at(1.0)), None);
    one.spend(at(1.0), usd(1));
    assert!(one.spent_until(AtLimit::Refuse, at(1.0)).is_some());
}

#[test]
fn a_window_has_its_lease_when_it_begins() {
    let mut fleet = Fleet::new([Some(DOLLAR), None, None], 2);
    let eve = at(1_797.0);
    for place in 0..2 {
        fleet.round(place, eve, false);
    }
    for _ in 0..1_000 {
        fleet.replicas[0].spend(eve, usd(DOLLAR / 1_000));
    }
    assert!(!fleet.is_open(0, at(1_799.0)));
    let next = at(1_800.5);
    assert!(fleet.is_open(0, next), "another hour");
    fleet.replicas[0].spend(next, usd(DOLLAR / 2 - 1));
    let granted = grant(DOLLAR, 0, 0, 1);
    assert_eq!(granted, DOLLAR / 2, "it had asked first");
    assert!(fleet.is_open(0, next));
    fleet.replicas[0].spend(next, usd(1));
    let (_, until) = fleet.replicas[0]
        .spent_until(AtLimit::Refuse, next)
        .unwrap();
    assert_eq!(
        until,
        next.after(SOON),
        "there is some left with the others"
    );
}

#[test]
fn what_others_spent_is_shown_and_closes_who_spent_nothing() {
    let mut fleet = Fleet::new([None, None, Some(DOLLAR)], 2);
    fleet.round(0, at(0.0), false);
    fleet.replicas[0].spend(at(0.5), usd(DOLLAR));
    fleet.round(0, at(1.0), false);
    fleet.round(1, at(1.0), false);
    let standing = fleet.replicas[1].standings(at(1.5))[0];
    assert_eq!(standing.spent, usd(DOLLAR));
    assert!(standing.is_spent());
    let (window, until) = fleet.replicas[1]
        .spent_until(AtLimit::Refuse, at(1.5))
        .unwrap();
    assert_eq!(
        (window, until),
        (Window::Month, Window::Month.ends(at(1.5)))
    );
}

#[test]
fn what_the_books_brought_counts_once() {
    let mut fleet = Fleet::new([None, None, Some(DOLLAR)], 2);
    fleet.replicas[0].seed(Window::Month, at(0.0), usd(DOLLAR / 4));
    fleet.round(0, at(1.0), false);
    fleet.round(1, at(1.0), false);
    for replica in &fleet.replicas {
        assert_eq!(replica.standings(at(1.5))[0].spent, usd(DOLLAR / 4));
    }
    fleet.replicas[0].spend(at(1.6), usd(DOLLAR / 8));
    fleet.round(0, at(2.0), true);
    fleet.round(1, at(2.0), false);
    for replica in &fleet.replicas {
        assert_eq!(
            replica.standings(at(2.5))[0].spent,
            usd(DOLLAR / 4 + DOLLAR / 8)
        );
    }
}
