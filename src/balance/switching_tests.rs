use super::*;

/// The gap that is followed after so many seconds of a gap, in ticks of a quarter.
fn after(quarters: u32, from: f64, gap: f64, lost: f64) -> f64 {
    (0..quarters).fold(from, |value, _| followed(value, gap, lost, 0.25))
}

const LOST: f64 = 0.5;

#[test]
fn where_nothing_is_cached_every_gap_counts_at_once() {
    for (from, gap) in [(0.0, 0.0), (0.0, 0.3), (0.3, 0.0), (2.0, 2.0)] {
        assert!(
            (followed(from, gap, 0.0, 0.25) - gap).abs() < 1e-15,
            "from {from}"
        );
    }
}

#[test]
fn a_spike_moves_nothing_and_what_lasts_counts() {
    let spike = after(20, 0.0, 0.06, LOST);
    assert!(spike < 0.002, "five seconds: {spike}");
    let lasting = after(4 * 900, 0.0, 0.06, LOST);
    assert!(lasting > 0.05, "a quarter of an hour: {lasting}");
}

#[test]
fn a_large_gap_is_followed_before_anybody_waits() {
    let brownout = after(2, 0.0, 3.0, LOST);
    assert!((-16.0 * brownout).exp() < 0.1, "half a second: {brownout}");
}

#[test]
fn a_dearer_move_is_slower() {
    let at = |lost| after(40, 0.0, 0.2, lost);
    assert!(at(0.1) > at(0.3) && at(0.3) > at(1.0));
}

#[test]
fn it_comes_back_within_minutes() {
    let back = after(4 * 150, 3.0, 0.0, LOST);
    assert!(
        (-16.0 * back).exp() > 0.7,
        "after two and a half minutes: {back}"
    );
}

#[test]
fn it_stays_between_what_was_and_what_is_whatever_comes_in() {
    for from in [0.0, 0.01, 40.0] {
        for gap in [0.0, 1e-12, 0.5, 40.0] {
            for lost in [f64::NAN, f64::INFINITY, -1.0, 1e-300, 0.5, 1e9] {
                for elapsed in [-1.0, 0.0, 0.25, 1e6] {
                    let value = followed(from, gap, lost, elapsed);
                    let range = f64::min(from, gap)..=f64::max(from, gap);
                    assert!(
                        range.contains(&value),
                        "{from}, {gap}, {lost}, {elapsed}: {value}"
                    );
                }
            }
        }
    }
}
