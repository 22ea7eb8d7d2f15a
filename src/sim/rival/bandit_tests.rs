//! What the bandits are claimed to do.

use super::bench::{Bench, answers};

#[test]
fn thompson_finds_the_least_loss_and_looks_again() {
    let mut bench = Bench::of("thompson", &[0.1, 0.9]);
    bench.shares(300, answers(&[0.2, 1.2]));
    let shares = bench.shares(300, answers(&[0.2, 1.2]));
    assert!(
        shares[0] > 0.9,
        "the quick one takes nearly all: {shares:?}"
    );
    let shares = bench.shares(600, answers(&[2.4, 1.2]));
    assert!(
        shares[1] > 0.6,
        "and loses it once it is the slow one: {shares:?}"
    );
}

#[test]
fn exp3s_leans_to_the_better_and_never_leaves_the_worse() {
    let mut bench = Bench::of("exp3s", &[1.0, 1.0]);
    bench.shares(800, answers(&[0.2, 8.0]));
    let shares = bench.shares(800, answers(&[0.2, 8.0]));
    assert!(shares[0] > 0.6, "the better is favoured: {shares:?}");
    assert!(shares[1] > 0.03, "the worse is drawn still: {shares:?}");
}

#[test]
fn sw_ucb_plays_each_first_and_then_the_best() {
    let mut bench = Bench::of("sw-ucb", &[1.0, 1.0, 1.0]);
    let mut first: Vec<usize> = Vec::new();
    for _ in 0..3 {
        let target = bench.pick();
        first.push(target);
        bench.begin(target);
    }
    first.sort_unstable();
    assert_eq!(first, [0, 1, 2], "each arm once, though none has answered");
    let mut bench = Bench::of("sw-ucb", &[1.0, 1.0]);
    let shares = bench.shares(400, answers(&[0.1, 2.0]));
    assert!(shares[0] > 0.8, "the best is played most: {shares:?}");
}
