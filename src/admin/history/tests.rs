//! Seconds, coarse samples, and what the configured weights would have brought.

use std::time::Duration;

use super::*;
use crate::balance::gate::Reason;
use crate::live::record::tests::ended;
use crate::live::{Call, Served};
use crate::model::{Outcome, PicoUsd, TargetName, UpstreamName};

fn curve() -> Curve {
    Curve {
        targets: vec!["a".to_owned(), "b".to_owned()],
        configured: vec![0.75, 0.25],
        means: vec![None; 2],
        doings: vec![Doings::default(); 2],
        ..Curve::default()
    }
}

fn answered(target: &str, millis: u64, micro_usd: u128, outcome: Outcome) -> RequestEnd {
    let call = Call {
        served: Served {
            name: Some(TargetName::new(target).unwrap()),
            upstream: UpstreamName::new("p/m").unwrap(),
        },
        reason: Reason::Drawn,
        propensity: None,
        after: Duration::ZERO,
        outcome,
        status: None,
        total: Duration::from_millis(millis),
        first_content: None,
        tokens: None,
        estimated: false,
        cost: Some(PicoUsd::new(micro_usd * 1_000_000)),
    };
    RequestEnd {
        outcome,
        total: call.total,
        calls: vec![call],
        ..ended("chat", if outcome == Outcome::Ok { 200 } else { 502 })
    }
}

#[test]
fn a_second_has_its_requests_times_cost_and_shares() {
    let mut curve = curve();
    for millis in 1..=100 {
        curve.saw(&answered("a", millis, 10, Outcome::Ok));
    }
    curve.saw(&answered("b", 5, 0, Outcome::ServerError));
    let sample = curve.close(7..8, &[0.9, 0.1]);
    assert_eq!((sample.at, sample.requests, sample.failed), (7, 101, 1));
    assert_eq!(sample.total_ms, Some([50.0, 95.0]), "of answers");
    assert!((sample.cost_usd - 0.001).abs() < 1e-12, "{sample:?}");
    assert!((sample.actual[0] - 100.0 / 101.0).abs() < 1e-12);
    assert_eq!(sample.granted, [0.9, 0.1]);
    let next = curve.close(8..9, &[0.9, 0.1]);
    assert_eq!((next.requests, next.total_ms), (0, None), "nothing twice");
    assert_eq!(next.actual, Vec::<f64>::new());
}

#[test]
fn the_configured_weights_are_priced_by_what_the_targets_did() {
    let mut curve = curve();
    curve.saw(&answered("a", 100, 10, Outcome::Ok));
    assert_eq!(
        curve.close(1..2, &[1.0, 0.0]).configured,
        None,
        "b is unknown"
    );
    for _ in 0..4 {
        curve.saw(&answered("b", 500, 30, Outcome::Ok));
    }
    curve.saw(&answered("a", 100, 10, Outcome::Ok));
    curve.saw(&answered("b", 0, 30, Outcome::ServerError));
    let instead = curve.close(2..3, &[0.5, 0.5]).configured.unwrap();
    let dollars = 6.0 * (0.75 * 10e-6 + 0.25 * 30e-6);
    assert!((instead.cost_usd - dollars).abs() < 1e-12, "{instead:?}");
    assert!((instead.total_ms - (75.0 + 125.0)).abs() < 1e-9);
    assert!((instead.failed - 6.0 * 0.25 * 0.2).abs() < 1e-9);
    for second in 3..100 {
        curve.close(second..second + 1, &[0.5, 0.5]);
    }
    let later = curve.close(100..101, &[0.5, 0.5]).configured;
    assert!(later.is_some(), "what was known is not forgotten");
}

#[test]
fn a_coarse_sample_ends_although_nobody_looked_in_its_last_second() {
    let mut curve = curve();
    let mut at = 0;
    while at < 60 {
        curve.saw(&answered("a", 20, 1, Outcome::Ok));
        // Three seconds at once, of which the second is the last of a quarter of a minute.
        let end = at + if at % 15 == 13 { 3 } else { 1 };
        curve.close(at..end, &[1.0, 0.0]);
        at = end;
    }
    let coarse = curve.shown(21_600);
    let begins: Vec<u64> = coarse.samples.iter().map(|it| it.at).collect();
    assert_eq!(begins, [0, 15, 30, 45]);
    assert!(coarse.samples.iter().all(|it| it.requests >= 13));
}

#[test]
fn rings_are_bounded_and_coarse_samples_add_up() {
    let mut curve = curve();
    for second in 0..30_000 {
        curve.saw(&answered("a", 20, 1, Outcome::Ok));
        curve.close(second..second + 1, &[1.0, 0.0]);
    }
    let fine = curve.shown(900);
    assert_eq!((fine.step, fine.samples.len()), (1, 900));
    let coarse = curve.shown(21_600);
    assert_eq!((coarse.step, coarse.samples.len()), (15, 1_440));
    assert!(coarse.samples.iter().all(|it| it.requests == 15));
    assert_eq!(coarse.samples.last().unwrap().at, 29_985);
    assert_eq!(curve.last_minute()[0].calls, 60);
}
