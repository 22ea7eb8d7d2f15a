use super::super::filter::Quantity;
use super::super::gate::Cause;
use super::super::input::{Moments, Reference, RouteInput, UpstreamInput};
use super::super::plan::tests::route;
use super::*;
use crate::model::Time;

const QUANTITIES: [Quantity; 3] = [Quantity::FirstToken, Quantity::PerToken, Quantity::Unary];

/// Seconds of an upstream's three quantities, where known.
fn seconds(memory: &Memory, plan: &Plan, i: usize) -> [f64; 3] {
    let (own, cohort) = (&memory.upstreams[i], &memory.cohorts[plan.cohort_of[i]]);
    let (first, each) = own.seconds(cohort);
    let unary = own.filter(Quantity::Unary).known();
    [
        first.unwrap(),
        each.unwrap(),
        unary.unwrap() * cohort.typical_seconds(),
    ]
}

#[test]
fn a_target_that_joins_a_cohort_is_as_slow_as_before() {
    let apart = Plan::new(vec![route(0, &[0]), route(1, &[1])], []);
    let joined = Plan::new(vec![route(0, &[0, 1])], []);
    let mut memory = Memory::new(&apart);
    // Each is near 1 in the units of its own cohort.
    for (cohort, (first_token, per_token)) in
        memory.cohorts.iter_mut().zip([(0.6, 0.01), (6.0, 0.2)])
    {
        cohort.reference = Reference {
            first_token,
            per_token,
        };
    }
    let mut values = Moments::default();
    (0..20).for_each(|_| values.add(1.05));
    for upstream in &mut memory.upstreams {
        for quantity in QUANTITIES {
            let filter = upstream.filter_mut(quantity);
            filter.observe(quantity, &values, 0.25, 1.0, 0.1);
        }
    }
    let carried = memory.carried(&apart, &joined);
    for i in [0, 1] {
        let (before, after) = (seconds(&memory, &apart, i), seconds(&carried, &joined, i));
        for (before, after) in before.into_iter().zip(after) {
            assert!(
                (before / after - 1.0).abs() < 1e-9,
                "{before} s became {after} s"
            );
        }
    }
    let again = carried.carried(&joined, &joined);
    assert_eq!(
        again.upstreams, carried.upstreams,
        "who stays is left alone"
    );
    let parted = carried.carried(&joined, &apart);
    assert_eq!(
        parted.upstreams, carried.upstreams,
        "both parts keep the reference"
    );
}

/// Losses of a route whose two targets suddenly take `factor` times longer for everything; the cohort's reference moves.
fn losses_at(factor: f64) -> (Vec<f64>, f64) {
    let plan = Plan::new(vec![route(0, &[0, 1])], []);
    let mut memory = Memory::new(&plan);
    memory.cohorts[0].unary_ratio = 1.2;
    for (upstream, slowness) in memory.upstreams.iter_mut().zip([1.0, 1.3]) {
        upstream.samples = 40;
        for quantity in QUANTITIES {
            let ratio = if quantity == Quantity::Unary {
                1.2
            } else {
                1.0
            };
            let mut values = Moments::default();
            (0..40).for_each(|_| values.add(slowness * ratio));
            let filter = upstream.filter_mut(quantity);
            filter.observe(quantity, &values, 0.25, 1.0, 0.1);
        }
    }
    let silent = |now: f64| Input {
        now: Time::from_secs_f64(now),
        elapsed: 0.25,
        upstreams: vec![UpstreamInput::default(); 2],
        routes: vec![RouteInput::default()],
    };
    step(&plan, &mut memory, &silent(10.0));
    // The same seconds in other units.
    for upstream in &mut memory.upstreams {
        for quantity in QUANTITIES {
            upstream.filter_mut(quantity).rescale(factor);
        }
    }
    let reference = &mut memory.cohorts[0].reference;
    (reference.first_token, reference.per_token) =
        (reference.first_token / factor, reference.per_token / factor);
    memory.routes[0].refitted(factor);
    let before = memory.cohorts[0].reference;
    let rows = step(&plan, &mut memory, &silent(10.25))
        .decisions
        .remove(0)
        .rows;
    let moved = memory.cohorts[0].reference.first_token / before.first_token;
    (rows.iter().map(|row| row.terms.latency).collect(), moved)
}

#[test]
fn a_reference_that_moves_changes_no_loss() {
    let ((plain, stayed), (moved, by)) = (losses_at(1.0), losses_at(8.0));
    assert!((stayed - 1.0).abs() < 1e-12, "it stays where it fits");
    assert!(by > 2.0, "and moves where it does not: by {by}");
    for (plain, moved) in plain.into_iter().zip(moved) {
        assert!(
            (moved / plain - 1.0).abs() < 0.01,
            "a loss of {plain} became {moved}"
        );
    }
}

#[test]
fn who_is_out_is_not_what_a_target_without_data_is_taken_for() {
    // They are one cohort: the second route's sick targets are peers of the first one's untried target.
    let plan = Plan::new(vec![route(0, &[0, 1]), route(1, &[0, 2, 3])], []);
    let mut memory = Memory::new(&plan);
    for (i, slowness) in [(0, 1.0), (2, 15.0), (3, 15.0)] {
        let mut values = Moments::default();
        (0..20).for_each(|_| values.add(slowness));
        let upstream = &mut memory.upstreams[i];
        upstream.samples = 20;
        for quantity in QUANTITIES {
            let filter = upstream.filter_mut(quantity);
            filter.observe(quantity, &values, 0.25, 1.0, 0.1);
        }
        if i > 0 {
            upstream.health.eject(Time::ZERO, Cause::Overdue, 10.0);
        }
    }
    let mut rows = Vec::new();
    for tick in 1..=40 {
        let input = Input {
            now: Time::from_secs_f64(0.25 * f64::from(tick)),
            elapsed: 0.25,
            upstreams: vec![UpstreamInput::default(); 4],
            routes: vec![RouteInput::default(); 2],
        };
        rows = step(&plan, &mut memory, &input).decisions.remove(0).rows;
    }
    let (known, untried) = (&rows[0], &rows[1]);
    assert_eq!(untried.samples, 0);
    let times = untried.terms.latency / known.terms.latency;
    assert!((0.8..1.25).contains(&times), "{times} times as slow");
    let share = untried.granted.fraction();
    assert!(share > 0.45, "{share} of a half");
}
