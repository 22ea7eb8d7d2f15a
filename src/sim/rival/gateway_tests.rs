//! What the gateways are claimed to do.

use super::bench::{Bench, answers};
use crate::model::{Outcome, Phase};

const TIMED_OUT: Outcome = Outcome::Timeout(Phase::FirstToken);

#[test]
fn litellm_sends_everything_to_the_least_latency() {
    let mut bench = Bench::of("litellm", &[0.1, 0.1, 0.8]);
    bench.shares(3, answers(&[1.0, 1.05, 3.0]));
    let shares = bench.shares(200, answers(&[1.0, 1.05, 3.0]));
    assert!(
        shares[0] > 0.999,
        "five percent quicker takes all: {shares:?}"
    );
}

#[test]
fn litellm_tries_the_unmeasured_first_and_forgets_after_ten() {
    let mut bench = Bench::of("litellm", &[1.0, 1.0]);
    bench.attempt(0, 0.1, Outcome::Ok);
    assert_eq!(bench.pick(), 1, "without a list a deployment counts as 0");
    bench.attempt(1, 1.0, TIMED_OUT);
    bench.wait(6.0);
    for _ in 0..9 {
        bench.attempt(1, 0.01, Outcome::Ok);
    }
    assert_eq!(bench.pick(), 0, "a time-out is worth 1,000 s a token");
    bench.attempt(1, 0.01, Outcome::Ok);
    assert_eq!(bench.pick(), 1, "the tenth answer after it drops it");
}

#[test]
fn litellm_cools_down_for_five_seconds() {
    let mut bench = Bench::of("litellm", &[1.0, 1.0]);
    bench.attempt(1, 2.0, Outcome::Ok);
    bench.attempt(0, 1.0, Outcome::Ok);
    bench.attempt(0, 0.1, Outcome::RateLimited);
    assert_eq!(bench.pick(), 1, "a 429 cools down at once");
    bench.wait(4.9);
    assert_eq!(bench.pick(), 1, "for five seconds");
    bench.wait(0.2);
    assert_eq!(bench.pick(), 0, "and no longer");
    bench.attempt(0, 0.1, Outcome::ServerError);
    assert_eq!(bench.pick(), 0, "one error in three cools nobody down");
    for _ in 0..3 {
        bench.attempt(0, 0.1, Outcome::ServerError);
    }
    assert_eq!(bench.pick(), 1, "more than half of the minute's do");
}

#[test]
fn envoy_weighs_by_latency_but_never_leaves_a_slow_target() {
    let mut bench = Bench::of("envoy", &[0.5, 0.5]);
    bench.shares(200, answers(&[2.0, 4.0]));
    let shares = bench.shares(600, answers(&[2.0, 4.0]));
    assert!(
        (shares[0] - 2.0 / 3.0).abs() < 0.02,
        "half the time, twice the share: {shares:?}"
    );
}

#[test]
fn envoy_ejects_after_five_server_errors_but_not_for_429() {
    let mut bench = Bench::of("envoy", &[1.0, 1.0, 1.0]);
    for _ in 0..8 {
        bench.attempt(0, 0.1, Outcome::RateLimited);
    }
    assert!((0..20).any(|_| bench.pick() == 0), "429 is no 5xx there");
    for _ in 0..5 {
        bench.attempt(0, 0.1, Outcome::ServerError);
    }
    assert!((0..20).all(|_| bench.pick() != 0), "five in a row eject");
    bench.wait(29.0);
    assert!((0..20).all(|_| bench.pick() != 0), "for thirty seconds");
    bench.wait(1.5);
    assert!((0..20).any(|_| bench.pick() == 0), "then it is back");
    for _ in 0..5 {
        bench.attempt(1, 0.1, Outcome::ServerError);
        bench.attempt(0, 0.1, Outcome::ServerError);
    }
    assert!(
        (0..20).any(|_| bench.pick() != 2),
        "of three at most half, so one, is ejected"
    );
}

#[test]
fn bifrost_keeps_to_the_band_of_the_best_and_explores_with_a_quarter() {
    let mut bench = Bench::of("bifrost", &[1.0, 1.0, 1.0]);
    bench.shares(100, answers(&[0.2, 0.3, 0.4]));
    let shares = bench.shares(2000, answers(&[0.2, 0.3, 0.4]));
    assert!(
        (shares[0] - 0.75).abs() < 0.04,
        "the best gets all but the exploration: {shares:?}"
    );
    assert!(
        shares[1] > 0.08 && shares[2] > 0.08,
        "the others share a quarter: {shares:?}"
    );
}

#[test]
fn bifrost_fails_a_route_at_a_429_and_lets_it_back() {
    let mut bench = Bench::of("bifrost", &[1.0, 1.0]);
    bench.shares(60, answers(&[0.2, 0.2]));
    bench.attempt(0, 0.1, Outcome::RateLimited);
    assert!((0..40).all(|_| bench.pick() == 1), "any 429 fails it");
    bench.shares(100, answers(&[0.2, 0.2]));
    let shares = bench.shares(200, answers(&[0.2, 0.2]));
    assert!(
        (shares[0] - 0.5).abs() < 0.2,
        "after its back-off it comes back within rounds: {shares:?}"
    );
}

#[test]
fn openrouter_draws_by_the_inverse_square_of_the_price() {
    let mut bench = Bench::of("openrouter", &[1.0, 1.0]);
    bench.prices = vec![1.0, 3.0];
    bench.attempt(0, 0.1, Outcome::Ok);
    bench.attempt(1, 0.1, Outcome::Ok);
    let shares = bench.shares(4000, answers(&[0.1, 0.1]));
    assert!(
        (shares[0] - 0.9).abs() < 0.02,
        "$1 is taken nine times as often as $3: {shares:?}"
    );
}

#[test]
fn openrouter_leaves_an_outage_for_thirty_seconds() {
    let mut bench = Bench::of("openrouter", &[1.0, 1.0]);
    for _ in 0..3 {
        bench.attempt(0, 0.1, Outcome::ServerError);
    }
    assert!((0..20).all(|_| bench.pick() == 1), "three of three failed");
    bench.wait(31.0);
    assert!((0..20).any(|_| bench.pick() == 0), "it is forgotten");
}
