use super::super::filter::Quantity;
use super::super::input::{Moments, Reference};
use super::super::plan::tests::route;
use super::*;

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
