//! What is claimed of those that count requests in flight and of what ejects.

use std::time::Duration;

use super::bench::Bench;
use crate::model::{Outcome, Phase};

const TIMED_OUT: Outcome = Outcome::Timeout(Phase::FirstToken);

#[test]
fn a_fast_503_attracts_bare_p2c_and_accrual_ejects_it_after_five() {
    let fails = |target| match target {
        0 => (0.05, Outcome::ServerError),
        _ => (2.0, Outcome::Ok),
    };
    let shares = Bench::of("p2c-ewma", &[1.0, 1.0, 1.0]).shares(600, fails);
    assert!(
        shares[0] > 0.6,
        "wherever it is drawn it wins: {shares:?} for the failing one"
    );
    let mut bench = Bench::of("p2c+accrual", &[1.0, 1.0]);
    for _ in 0..4 {
        bench.attempt(0, 0.05, Outcome::ServerError);
    }
    bench.attempt(1, 2.0, Outcome::Ok);
    let picks: Vec<usize> = (0..20).map(|_| bench.pick()).collect();
    assert!(picks.contains(&0), "four are not enough");
    bench.attempt(0, 0.05, Outcome::ServerError);
    let picks: Vec<usize> = (0..20).map(|_| bench.pick()).collect();
    assert!(!picks.contains(&0), "the fifth in a row ejects");
}

#[test]
fn accrual_probes_once_and_stays_away_longer_each_time() {
    let mut bench = Bench::of("p2c+accrual", &[1.0, 1.0]);
    for _ in 0..5 {
        bench.attempt(0, 0.05, Outcome::ServerError);
    }
    let away = |bench: &mut Bench| {
        let start = bench.now;
        while !(0..8).any(|_| bench.pick() == 0) {
            bench.wait(0.25);
        }
        bench.now - start
    };
    // The survivor is busy, so that the probe is drawn as soon as it is allowed.
    let _busy: Vec<_> = (0..9).map(|_| bench.begin(1)).collect();
    let first = away(&mut bench);
    assert!((4.9..6.0).contains(&first), "five seconds, was {first}");
    let probe = bench.begin(0);
    assert!(
        (0..20).all(|_| bench.pick() == 1),
        "one probe at a time, nothing beside it"
    );
    bench.end(&probe, Outcome::ServerError, None);
    let second = away(&mut bench);
    assert!(
        (4.9..10.5).contains(&second),
        "between half and all of ten seconds, was {second}"
    );
    let probe = bench.begin(0);
    bench.end(&probe, Outcome::Ok, None);
    assert!((0..20).any(|_| bench.pick() == 0), "one success revives");
}

#[test]
fn p2c_takes_the_less_loaded_of_two() {
    let mut bench = Bench::of("p2c-ewma", &[1.0, 1.0]);
    bench.attempt(0, 1.0, Outcome::Ok);
    bench.attempt(1, 1.5, Outcome::Ok);
    let first = bench.begin(0);
    assert!(
        (0..20).all(|_| bench.pick() == 1),
        "1.5 · 1 is less than 1 · 2"
    );
    bench.end(&first, Outcome::Ok, None);
    let second = bench.begin(1);
    assert!(
        (0..20).all(|_| bench.pick() == 0),
        "and the other way round"
    );
    bench.end(&second, Outcome::Ok, None);
}

#[test]
fn prequal_avoids_the_hot_and_then_takes_the_least_latency() {
    let mut bench = Bench::of("prequal", &[1.0, 1.0]);
    bench.attempt(0, 1.0, Outcome::Ok);
    bench.attempt(1, 3.0, Outcome::Ok);
    assert!((0..20).all(|_| bench.pick() == 0), "the least latency");
    let busy = bench.begin(0);
    assert!((0..20).all(|_| bench.pick() == 1), "unless it is hot");
    bench.end(&busy, Outcome::Ok, None);
    for _ in 0..20 {
        bench.attempt(0, 0.05, Outcome::ServerError);
    }
    assert!(
        (0..20).all(|_| bench.pick() == 1),
        "a failure counts as six typical answers, however quick"
    );
}

#[test]
fn the_breaker_opens_after_three_faults_and_sends_one_probe() {
    let mut bench = Bench::of("cb:thompson", &[1.0, 1.0]);
    for _ in 0..3 {
        bench.attempt(0, 0.1, Outcome::ServerError);
    }
    assert!((0..40).all(|_| bench.pick() == 1), "open");
    bench.wait(2.0);
    assert_eq!(bench.pick(), 0, "after two seconds it is asked first");
    let probe = bench.begin(0);
    assert!((0..40).all(|_| bench.pick() == 1), "by one request only");
    bench.end(&probe, TIMED_OUT, None);
    bench.wait(3.5);
    assert!((0..40).all(|_| bench.pick() == 1), "twice as long now");
    bench.wait(0.6);
    assert_eq!(bench.pick(), 0, "four seconds");
}

#[test]
fn the_breaker_keeps_to_retry_after() {
    let mut bench = Bench::of("cb:equal", &[1.0, 1.0]);
    let attempt = bench.begin(0);
    bench.end(&attempt, Outcome::RateLimited, Some(Duration::from_secs(7)));
    assert!((0..40).all(|_| bench.pick() == 1), "blocked");
    bench.wait(6.9);
    assert!((0..40).all(|_| bench.pick() == 1), "for seven seconds");
    bench.wait(0.2);
    assert!((0..40).any(|_| bench.pick() == 0), "and no longer");
}
