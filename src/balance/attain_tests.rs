//! Claims about how levels are judged.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::super::goal::{Statistic, Verdict};
use super::super::input::Moments;
use super::super::sketch::Counts;
use super::super::strategy::gap;
use super::*;
use crate::model::AnswerKind;

const P95: Measure = Measure::Time(Timing::FirstToken, Statistic::P95);

fn level(measure: Measure, at_most: f64) -> Level {
    Level { measure, at_most }
}

/// An upstream whose first tokens took so long.
fn upstream(times: &[f64]) -> UpstreamMemory {
    let mut counts = Counts::default();
    for time in times {
        counts.add(*time);
    }
    let mut upstream = UpstreamMemory::new(false);
    let times = Times {
        first_token: counts,
        ..Times::default()
    };
    upstream.times.take(&times, 10.0, 0.25);
    upstream
}

fn stands(upstream: &UpstreamMemory, level: Level) -> Attainment {
    let goal = Goal {
        levels: vec![level],
    };
    let pool = Pool::of(std::iter::once(upstream));
    upstream.attainments(&goal, &CohortMemory::default(), &pool, Time::ZERO)[0]
}

/// `late` of `all` first tokens take 2 s, the others 0.5 s; the level is a p95 of 1.5 s.
fn with_late(late: usize, all: usize) -> Attainment {
    let mut times = vec![0.5; all];
    times[..late].fill(2.0);
    stands(&upstream(&times), level(P95, 1.5))
}

#[test]
fn a_level_is_met_exactly_where_its_percentile_is() {
    for (late, verdict) in [(0, Verdict::Met), (9, Verdict::Met), (40, Verdict::Missed)] {
        let attained = with_late(late, 200);
        assert_eq!(
            attained.verdict(),
            verdict,
            "{late} of 200 late: {attained:?}"
        );
    }
    let missed = with_late(200, 200);
    assert!((missed.value.unwrap() - 2.0).abs() < 0.1, "{missed:?}");
    assert!(
        (missed.excess - 1.0 / 3.0).abs() < 0.05,
        "2 s are a third over 1.5 s: {missed:?}"
    );
}

#[test]
fn few_late_answers_are_no_proof() {
    assert_eq!(
        with_late(0, 0).verdict(),
        Verdict::Unknown,
        "nothing is known"
    );
    for (late, all) in [(1, 1), (1, 10), (2, 10)] {
        let attained = with_late(late, all);
        assert_ne!(
            attained.verdict(),
            Verdict::Missed,
            "{late} of {all}: {attained:?}"
        );
    }
    assert_eq!(
        with_late(6, 10).verdict(),
        Verdict::Missed,
        "six of ten are"
    );
}

#[test]
fn a_second_mode_grows_into_the_excess_without_a_jump() {
    let mut before = 0.0;
    for late in 0..400 {
        let attained = with_late(late, 1_000);
        assert!(attained.excess >= before - 1e-12, "never less");
        assert!(
            attained.excess - before < 0.01,
            "{late} of 1,000: {attained:?}"
        );
        before = attained.excess;
    }
}

#[test]
fn what_is_out_too_long_counts_before_it_ends() {
    let mut upstream = upstream(&[0.5; 20]);
    let met = stands(&upstream, level(P95, 1.5));
    let flight = |age| Flight {
        age,
        kind: AnswerKind::Streamed,
        probe: false,
    };
    let flights: Vec<Flight> = [0.2, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
        .map(flight)
        .into();
    upstream.times.wait(flights.iter(), [].iter());
    let late = stands(&upstream, level(P95, 1.5));
    assert_eq!(
        (met.verdict(), late.verdict()),
        (Verdict::Met, Verdict::Missed)
    );
    assert!(
        (late.samples - 28.0).abs() < 1e-9,
        "eight are later than the level"
    );
}

#[test]
fn an_error_rate_needs_several_faults() {
    let errors = level(Measure::Errors, 0.005);
    let mut upstream = UpstreamMemory::new(false);
    upstream.ok = 95.0;
    for (faults, verdict) in [
        (0.0, Verdict::Met),
        (2.0, Verdict::Unproven),
        (8.0, Verdict::Missed),
    ] {
        upstream.faults = faults;
        let attained = stands(&upstream, errors);
        assert_eq!(attained.verdict(), verdict, "{faults} faults: {attained:?}");
    }
}

#[test]
fn whose_answers_are_unary_is_judged_by_its_own_seconds() {
    let mut own = UpstreamMemory::new(false);
    let mut values = Moments::default();
    (0..200).for_each(|_| values.add(1.0));
    let unary = own.filter_mut(Quantity::Unary);
    unary.observe(Quantity::Unary, &values, 0.25, 1.0, 0.05);
    own.times.take(
        &Times {
            total: {
                let mut counts = Counts::default();
                (0..200).for_each(|_| counts.add(2.75));
                counts
            },
            ..Times::default()
        },
        10.0,
        0.25,
    );
    // Its peers' unary answers take half again what their streams do.
    let cohort = CohortMemory {
        unary_ratio: 1.5,
        ..CohortMemory::default()
    };
    let goal = Goal {
        levels: vec![level(Measure::Time(Timing::Total, Statistic::Mean), 3.0)],
    };
    let pool = Pool::of(std::iter::once(&own));
    let attained = own.attainments(&goal, &cohort, &pool, Time::from_secs_f64(60.0))[0];
    let seconds = attained.value.unwrap();
    assert!((seconds - 2.75).abs() < 0.01, "{seconds} s: {attained:?}");
}

#[test]
fn a_mean_is_judged_by_the_filter_and_its_uncertainty() {
    let mean = level(Measure::Time(Timing::FirstToken, Statistic::Mean), 0.4);
    let unknown = stands(&UpstreamMemory::new(false), mean);
    assert_eq!(unknown.value, None, "the peers' 0.5 s is no measurement");
    assert_ne!(unknown.verdict(), Verdict::Missed, "{unknown:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, rng_seed: RngSeed::Fixed(17), ..ProptestConfig::default() })]

    /// What the shares are made of: the excess, with chance taken off by the gate. As the one that others are compared with
    /// it is no better either: their gaps grow by none of it.
    #[test]
    fn a_slower_answer_never_looks_better(
        times in prop::collection::vec(0.05f64..20.0, 1..60),
        place in any::<prop::sample::Index>(),
        factor in 1.0f64..10.0,
        limit in 0.2f64..10.0,
        other in 0.0f64..3.0,
        statistic in prop::sample::select(vec![Statistic::P50, Statistic::P90, Statistic::P95, Statistic::P99]),
    ) {
        let counted = |attained: Attainment| gap(attained.excess, attained.deviation.powi(2));
        let level = level(Measure::Time(Timing::FirstToken, statistic), limit);
        let before = stands(&upstream(&times), level);
        let mut worse = times.clone();
        worse[place.index(times.len())] *= factor;
        let after = stands(&upstream(&worse), level);
        prop_assert!(after.excess >= before.excess - 1e-9, "{before:?} {after:?}");
        prop_assert!(counted(after) >= counted(before) - 1e-9, "{before:?} {after:?}");
        let lead = |attained: Attainment| {
            gap(other - attained.excess, attained.doubt.min(attained.excess).powi(2))
        };
        prop_assert!(lead(after) <= lead(before) + 1e-9, "{before:?} {after:?}");
    }

    #[test]
    fn a_quick_failure_in_place_of_an_answer_never_looks_better(
        times in prop::collection::vec(0.05f64..20.0, 1..60),
        limit in 0.2f64..10.0,
    ) {
        let level = level(P95, limit);
        let before = stands(&upstream(&times), level);
        let mut counts = Counts::default();
        times[1..].iter().for_each(|time| counts.add(*time));
        counts.miss();
        let mut failing = UpstreamMemory::new(false);
        failing.times.take(&Times { first_token: counts, ..Times::default() }, 10.0, 0.25);
        let after = stands(&failing, level);
        prop_assert!(after.excess >= before.excess - 1e-9, "{before:?} {after:?}");
    }
}
