use super::*;

fn counts(seconds: &[f64]) -> Counts {
    let mut counts = Counts::default();
    for time in seconds {
        counts.add(*time);
    }
    counts
}

fn sketch(seconds: &[f64]) -> Sketch {
    let mut sketch = Sketch::default();
    sketch.take(&counts(seconds));
    sketch
}

/// A thousand times from 1 to 2 s, evenly, neighbours far apart.
fn even() -> Vec<f64> {
    (0..1_000)
        .map(|i| 1.0 + (f64::from((i * 389) % 1_000) + 0.5) / 1e3)
        .collect()
}

#[test]
fn a_percentile_is_told_to_within_half_a_cell() {
    let sketch = sketch(&even());
    for (above, expected) in [(0.5, 1.5), (0.1, 1.9), (0.05, 1.95), (0.01, 1.99)] {
        let told = sketch.exceeded_by(above * 1_000.0).unwrap();
        assert!(
            (told / expected - 1.0).abs() < 0.05,
            "{told} s of {expected} s"
        );
    }
    let ratio = sketch.stretch(0.05).unwrap();
    assert!(
        (ratio - 1.3).abs() < 0.05,
        "1.95 s over a mean of 1.5 s: {ratio}"
    );
}

#[test]
fn nothing_known_has_no_percentile_and_no_excess() {
    let empty = Sketch::default();
    assert_eq!(empty.exceeded_by(0.0), None);
    assert_eq!(empty.stretch(0.5), None);
    assert_eq!(empty.excess(1.0, (1.0, 2.0)).to_bits(), 0.0f64.to_bits());
}

#[test]
fn a_failed_request_is_later_than_any_level() {
    let mut counts = counts(&[0.1; 90]);
    (0..10).for_each(|_| counts.miss());
    let mut sketch = Sketch::default();
    sketch.take(&counts);
    assert_eq!(sketch.exceeded_by(5.0), None, "one in ten has no time");
    assert!(sketch.exceeded_by(20.0).unwrap() < 0.11);
    let excess = sketch.excess(1.0, (5.0, 15.0));
    assert!(
        (excess - 0.5 * MOST_EXCESS).abs() < 1e-9,
        "half of those asked for: {excess}"
    );
}

#[test]
fn a_later_time_never_lessens_the_excess() {
    let window = (5.0, 10.0);
    let mut times = vec![0.5; 100];
    let mut before = sketch(&times).excess(1.0, window);
    for place in 0..100 {
        times[place] = 1.1 + f64::from(u8::try_from(place).unwrap()) / 20.0;
        let after = sketch(&times).excess(1.0, window);
        assert!(after >= before - 1e-12, "{after} after {before}");
        before = after;
    }
    assert!(before > 2.0, "and in the end it is large: {before}");
}

#[test]
fn what_waits_counts_once_it_is_late() {
    let (known, waiting) = (sketch(&[0.5; 10]), sketch(&[0.7, 1.4, 2.1]));
    let all = known.with_late(&waiting, 1.0);
    assert!((all.weight() - 12.0).abs() < 1e-9, "those of 1.4 and 2.1 s");
}

#[test]
fn an_old_time_fades_to_nothing_at_all() {
    let mut sketch = sketch(&[0.5, 5.0]);
    for _ in 0..20 {
        sketch.fade(0.5);
    }
    assert_eq!(sketch, Sketch::default(), "and takes no place");
}

#[test]
fn cells_grow_at_both_ends_and_times_saturate() {
    let sketch = sketch(&[1.0, 0.01, 1e9, 0.0, f64::NAN, -1.0]);
    assert!((sketch.weight() - 6.0).abs() < 1e-9, "no time is lost");
    assert!(sketch.exceeded_by(0.5).unwrap() > 900.0);
}

/// What is known after these times one by one.
fn followed(times: impl IntoIterator<Item = f64>) -> Followed {
    let mut followed = Followed::default();
    for time in times {
        followed.take(&counts(&[time]));
    }
    followed
}

#[test]
fn a_run_of_quick_times_begins_anew() {
    let slow = || even().into_iter().step_by(10);
    let some = followed(slow().chain([1.9]).chain([0.3; 6]));
    assert!(
        some.weight() > 100.0 && some.quickens(),
        "six may be chance"
    );
    let seven = followed(slow().chain([1.9]).chain([0.3; 7]));
    assert!((seven.weight() - 7.0).abs() < 1e-9, "only these are known");
    let mixed = followed(slow().chain([0.3, 0.3, 0.3, 1.5, 0.3, 0.3, 0.3, 0.3]));
    assert!(mixed.weight() > 100.0, "a usual one ends the run");
}

#[test]
fn a_run_of_slow_times_is_a_second_opinion() {
    let usual = || even().into_iter().step_by(10).chain([1.5]);
    let slow = followed(usual().chain([9.0; 7]));
    assert!((slow.weight() - 108.0).abs() < 1e-9, "nothing is dropped");
    let slowing = slow.slowing().unwrap();
    assert!(
        (slowing.weight() - 14.0).abs() < 1e-9,
        "the run weighs as much as all before it"
    );
    assert!(slowing.exceeded_by(6.5).unwrap() > 8.0);
    assert_eq!(
        followed(usual().chain([9.0; 6])).slowing(),
        None,
        "six may be chance"
    );
    assert_eq!(
        followed(usual().chain([9.0; 7]).chain([1.5])).slowing(),
        None,
        "it is over"
    );
}

#[test]
fn after_a_long_run_of_slow_times_all_that_is_known_is_slower() {
    let usual = || even().into_iter().step_by(10).chain([1.5; 2]);
    let late = || [40.0; 3].into_iter().chain(usual());
    let (short, long) = (
        followed(late().chain([9.0; 29])),
        followed(late().chain([9.0; 30])),
    );
    assert!((long.weight() - 135.0).abs() < 1e-9, "nothing is dropped");
    let median = long.all().exceeded_by(67.5).unwrap();
    assert!(
        (8.0..10.0).contains(&median),
        "thirty are no chance: {median} s"
    );
    for above in 1..135 {
        let time = |known: &Followed| known.all().exceeded_by(f64::from(above)).unwrap_or(0.0);
        assert!(
            time(&long) >= time(&short),
            "no slow answer makes anybody forget a slower one: {above} were slower than {} s, and {} s then",
            time(&short),
            time(&long)
        );
    }
}

#[test]
fn times_that_are_taken_to_be_slower_saturate() {
    let slowed = followed(even().into_iter().step_by(10).chain([1.5]).chain([1e9; 30])).all();
    assert!((slowed.weight() - 131.0).abs() < 1e-9, "no time is lost");
    assert!(slowed.exceeded_by(60.0).unwrap() > 900.0);
}
