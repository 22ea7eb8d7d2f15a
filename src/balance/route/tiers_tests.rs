use super::super::super::Plan;
use super::super::super::plan::tests::route;
use super::*;

/// A route whose targets have these tiers.
fn tiered(tiers: &[u8]) -> Plan {
    let members: Vec<usize> = (0..tiers.len()).collect();
    let mut spec = route(0, &members);
    for (target, tier) in spec.targets.iter_mut().zip(tiers) {
        target.tier = *tier;
    }
    Plan::new(vec![spec], [])
}

fn limits(rate_cap: f64) -> Limits {
    Limits {
        anchor: 0.5,
        before: 0.5,
        before_ejection: 0.5,
        health: Health::Serving,
        ramp: 1.0,
        min_share: 0.0,
        max_share: 1.0,
        rate_cap,
        is_announced: false,
        room_cap: f64::INFINITY,
        lately_sick: false,
    }
}

/// What the tiers of a route take of it.
#[track_caller]
fn check(tiers: &[u8], limits: &[Limits], expected: &[f64]) {
    let plan = tiered(tiers);
    let route = &plan.routes[0];
    let taken = takes(route, &route.tiers[0], limits, 1.0);
    assert_eq!(taken.len(), expected.len());
    for (taken, expected) in taken.iter().zip(expected) {
        assert!((taken - expected).abs() < 1e-6, "{taken} of {expected}");
    }
}

#[test]
fn the_lowest_tier_with_room_takes_what_it_can() {
    let free = limits(f64::INFINITY);
    check(&[1, 2], &[free, free], &[1.0, 0.0]);
    check(&[1, 2], &[limits(0.4), free], &[0.4, 0.6]);
    check(&[2, 1], &[free, limits(0.4)], &[0.4, 0.6]);
    check(&[1, 1, 2], &[limits(0.3), limits(0.2), free], &[0.5, 0.5]);
    check(
        &[1, 2, 3],
        &[limits(0.3), limits(0.2), free],
        &[0.3, 0.2, 0.5],
    );
    check(&[1, 2], &[limits(0.3), limits(0.2)], &[0.3, 0.7]);
}

#[test]
fn a_tier_that_is_out_takes_nothing_and_one_that_returns_a_part() {
    let free = limits(f64::INFINITY);
    let out = Limits { ramp: 0.0, ..free };
    check(&[1, 2], &[out, free], &[0.0, 1.0]);
    check(&[1, 2], &[free, out], &[1.0, 0.0]);
    let part = 0.3;
    let returning = Limits {
        ramp: part,
        health: Health::Returning {
            part,
            on_probation: true,
        },
        ..free
    };
    check(&[1, 2], &[returning, free], &[0.3, 0.7]);
}

#[test]
fn a_floor_in_an_upper_tier_is_kept() {
    let free = limits(f64::INFINITY);
    let floor = Limits {
        min_share: 0.1,
        ..free
    };
    check(&[1, 2], &[free, floor], &[0.9, 0.1]);
}

#[test]
fn upper_tiers_are_configured_to_have_next_to_nothing() {
    let plan = tiered(&[1, 2, 2, 1]);
    let anchors: Vec<f64> = plan.routes[0].targets.iter().map(|it| it.anchor).collect();
    let sum: f64 = anchors.iter().sum();
    assert!((sum - 1.0).abs() < 1e-9, "{anchors:?}");
    assert!(
        (anchors[0] - anchors[3]).abs() < 1e-12 && anchors[0] > 0.499,
        "{anchors:?}"
    );
    assert!(
        anchors[1] > 0.0 && anchors[1] < 0.001,
        "not nothing: {anchors:?}"
    );
    assert!(!tiered(&[2, 2]).routes[0].has_tiers(), "one tier is none");
    let even = &tiered(&[2, 2]).routes[0].targets[0];
    assert_eq!(even.anchor.to_bits(), 0.5f64.to_bits());
}

#[test]
fn what_blocked_targets_leave_goes_to_their_tier_before_the_next() {
    let plan = tiered(&[1, 1, 2]);
    let route = &plan.routes[0];
    let mut outcome = Outcome::new(3);
    outcome.shares = vec![0.5, 0.5, 0.0];
    let moved = |outcome: &Outcome, blocked: [bool; 3]| {
        let mut shares: Vec<f64> = outcome
            .shares
            .iter()
            .zip(blocked)
            .map(|(share, blocked)| if blocked { 0.0 } else { *share })
            .collect();
        spill_blocked(route, outcome, &blocked, &mut shares);
        shares
    };
    assert_eq!(moved(&outcome, [true, false, false]), [0.0, 1.0, 0.0]);
    assert_eq!(moved(&outcome, [true, true, false]), [0.0, 0.0, 1.0]);
    assert_eq!(
        moved(&outcome, [true, true, true]),
        [0.5, 0.5, 0.0],
        "nobody is open"
    );
    outcome.rails[1].insert(Rail::RateCap);
    assert_eq!(
        moved(&outcome, [true, false, false]),
        [0.0, 0.5, 0.5],
        "who is full takes no more"
    );
}

#[test]
fn only_who_is_full_spills_and_a_floor_is_called_one() {
    let plan = tiered(&[1, 2]);
    let tiers = &plan.routes[0].tiers[0];
    let free = limits(f64::INFINITY);
    let floor = Limits {
        min_share: 0.1,
        ..free
    };
    let rails = |limits: [Limits; 2], shares: [f64; 2]| {
        let mut outcome = Outcome::new(2);
        outcome.proposed = shares.to_vec();
        outcome.shares = shares.to_vec();
        mark_spills(tiers, &limits, &mut outcome);
        let rails = outcome.rails.into_iter();
        rails
            .map(|rails| rails.into_iter().collect())
            .collect::<Vec<Vec<Rail>>>()
    };
    let none: Vec<Rail> = Vec::new();
    assert_eq!(
        rails([free, free], [1.0, 0.0]),
        [none.clone(), none.clone()]
    );
    assert_eq!(
        rails([free, free], [0.4, 0.6]),
        [vec![Rail::Spills], none.clone()]
    );
    assert_eq!(
        rails([free, floor], [0.9, 0.1]),
        [none.clone(), vec![Rail::Floor]]
    );
    assert_eq!(rails([free, floor], [0.4, 0.6]), [vec![Rail::Spills], none]);
}
