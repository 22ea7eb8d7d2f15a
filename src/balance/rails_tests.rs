//! Counter-examples to the laws about steps, found by `tests/it/laws` among 10,000 histories each.

use super::*;

/// A serving target whose share was `before`.
fn limits(before: f64) -> Limits {
    Limits {
        anchor: 0.5,
        before,
        before_ejection: before,
        health: Health::Serving,
        ramp: 1.0,
        min_share: 0.0,
        max_share: 1.0,
        rate_cap: f64::INFINITY,
        is_announced: false,
        room_cap: f64::INFINITY,
        lately_sick: false,
    }
}

/// Two targets that may have 30 % each, by what `full` says, and are to be even.
#[track_caller]
fn check_full(full: impl Fn(f64) -> Limits) {
    let bounded = bound(&[0.5, 0.5], &[full(0.83), full(0.17)], 10.0, 0.25, 1.0);
    let most = 0.17 * (UP * 0.25).exp();
    assert!(
        (bounded.shares[1] - most).abs() < 1e-9,
        "{:?}, where a step leads to {most}",
        bounded.shares
    );
}

#[test]
fn where_nobody_has_room_shares_still_move_by_steps() {
    check_full(|before| Limits {
        room_cap: 0.3,
        ..limits(before)
    });
}

#[test]
fn where_all_rates_are_too_little_shares_still_move_by_steps() {
    check_full(|before| Limits {
        rate_cap: 0.3,
        ..limits(before)
    });
}

#[test]
fn in_no_time_no_exploration_floor_moves_the_others() {
    // The third is below its floor by a hair, as after a tick in which the demand fell.
    let before = [0.13, 0.869, 0.001];
    let demand = 0.999 * EXPLORE_SLOW / 0.001;
    let bounded = bound(&[0.98, 0.02, 0.0], &before.map(limits), demand, 0.0, 1.0);
    for (share, before) in bounded.shares.iter().zip(before) {
        assert!(
            (share - before).abs() < 1e-3,
            "{:?} at the moment at which it was {before}",
            bounded.shares
        );
    }
}
