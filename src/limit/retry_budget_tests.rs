use proptest::prelude::*;

use super::super::retry::{Delivered, Place};
use super::*;
use crate::model::TargetIndex;

fn at(seconds: f64) -> Time {
    Time::from_secs_f64(1000.0 + seconds)
}

/// Spends until it is refused.
fn all(budget: &mut RetryBudget, now: Time) -> u64 {
    let mut spent = 0;
    while budget.spend(now) == Grant::Granted {
        spent += 1;
    }
    spent
}

#[test]
fn ten_seconds_of_free_retries_are_there_at_the_start_and_ten_a_second_come() {
    let mut budget = RetryBudget::new(at(0.0));
    assert_eq!(budget.left(at(0.0)), 100);
    assert_eq!(all(&mut budget, at(0.0)), 100);
    assert_eq!(all(&mut budget, at(0.099)), 0);
    assert_eq!(all(&mut budget, at(0.1)), 1);
    assert_eq!(all(&mut budget, at(1.1)), 10);
    assert_eq!(all(&mut budget, at(3600.0)), 100, "no more are kept");
}

#[test]
fn parts_of_a_free_retry_are_not_lost() {
    let mut budget = RetryBudget::new(at(0.0));
    all(&mut budget, at(0.0));
    let mut spent = 0;
    for step in 1..=10_000 {
        let now = Time::from_micros(at(0.0).as_micros() + step * 330);
        spent += all(&mut budget, now);
    }
    assert_eq!(spent, 33, "3.3 seconds passed");
}

#[test]
fn a_fifth_of_the_requests_may_be_tried_again() {
    let mut budget = RetryBudget::new(at(0.0));
    all(&mut budget, at(0.0));
    for _ in 0..1000 {
        budget.deposit(at(0.0));
    }
    assert_eq!(budget.left(at(0.0)), 200);
    assert_eq!(all(&mut budget, at(0.0)), 200);
}

#[test]
fn deposits_live_for_ten_seconds() {
    let filled = || {
        let mut budget = RetryBudget::new(at(0.0));
        all(&mut budget, at(0.0));
        for _ in 0..1000 {
            budget.deposit(at(0.0));
        }
        budget
    };
    assert_eq!(all(&mut filled(), at(9.9)), 200 + 99);
    assert_eq!(all(&mut filled(), at(10.0)), 100);
    assert_eq!(all(&mut filled(), at(1e9)), 100, "however long it slept");
}

#[test]
fn the_oldest_deposits_are_spent_first() {
    let mut budget = RetryBudget::new(at(0.0));
    all(&mut budget, at(0.0));
    for _ in 0..50 {
        budget.deposit(at(0.0));
    }
    for _ in 0..50 {
        budget.deposit(at(5.0));
    }
    for _ in 0..10 {
        assert_eq!(budget.spend(at(5.0)), Grant::Granted);
    }
    // Ten of the free ones of five seconds would be lost otherwise: those of the first second die at ten.
    assert_eq!(all(&mut budget, at(10.0)), 10 + 100);
}

#[test]
fn a_clock_that_goes_back_changes_nothing() {
    let mut budget = RetryBudget::new(at(5.0));
    all(&mut budget, at(5.0));
    budget.deposit(at(1.0));
    let before = budget.clone();
    assert_eq!(budget.left(at(0.0)), 0);
    assert_eq!(budget, before);
    assert_eq!(all(&mut budget, Time::NEVER), 100);
    budget.deposit(at(0.0));
    assert_eq!(budget.left(at(0.0)), 0);
}

fn tried(outcome: Outcome) -> Tried {
    Tried {
        place: Place::Target(TargetIndex(0)),
        outcome,
        status: None,
        wait: None,
        ended: Duration::ZERO,
        delivered: Delivered::Nothing,
    }
}

#[test]
fn the_first_move_is_free_and_every_further_one_is_charged() {
    let [refused, failed] = [Outcome::Refused, Outcome::ServerError].map(tried);
    assert!(!is_charged(&[]));
    assert!(!is_charged(&[failed]));
    assert!(!is_charged(&[failed, refused, refused]));
    assert!(is_charged(&[failed, failed]));
    assert!(is_charged(&[refused, failed, refused, failed]));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]
    #[test]
    fn no_stretch_has_more_than_is_promised(
        steps in proptest::collection::vec((0_u64..3_000_000, 0_usize..60, 0_usize..60), 1..20),
    ) {
        let mut budget = RetryBudget::new(Time::from_micros(0));
        let (mut now, mut requests, mut retries) = (0_u64, Vec::new(), Vec::new());
        for (gap, came, wanted) in steps {
            now += gap;
            for _ in 0..came {
                budget.deposit(Time::from_micros(now));
                requests.push(now);
            }
            for _ in 0..wanted {
                if budget.spend(Time::from_micros(now)) == Grant::Granted {
                    retries.push(now);
                }
            }
        }
        let until = |moment: u64| requests.partition_point(|at| *at <= moment);
        for (index, from) in retries.iter().enumerate() {
            let before = requests.partition_point(|at| *at + 10_000_000 < *from);
            for (end, to) in retries.iter().enumerate().skip(index) {
                let spent = (end - index + 1) as f64;
                let deposited = (until(*to) - before) as f64 / 5.0;
                let most = 100.0 + (to - from) as f64 / 1e5 + deposited;
                // Free retries come in thousandths: one that had almost come before counts for this stretch.
                prop_assert!(spent <= most + 1e-3, "{spent} in {from}..={to}, at most {most}");
            }
        }
    }
}
