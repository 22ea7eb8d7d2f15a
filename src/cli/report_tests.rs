//! Claims about estimates as they are printed.

use super::*;

fn interval(value: f64, half: f64) -> Interval {
    Interval {
        value,
        low: value - half,
        high: value + half,
    }
}

fn route() -> Foregone {
    Foregone {
        route: "chat".to_owned(),
        instead: Instead::Proposed,
        requests: 3_600,
        left_out: 12,
        same: false,
        effective: 2_500.4,
        unsupported: 0.0,
        refused: Vec::new(),
        cost: Some(Estimate {
            then: 0.005,
            other: interval(0.004, 0.000_1),
            change: interval(-0.001, 0.000_1),
        }),
        failed: None,
        first_token: Some(Estimate {
            then: 0.4,
            other: interval(0.41, 0.05),
            change: interval(0.01, 0.05),
        }),
    }
}

#[test]
fn a_change_is_told_with_its_interval_and_what_that_allows_to_say() {
    let expected = "chat: in shadow mode, 3600 requests, worth 2500 of the other shares'; 12 left out\n\
        \x20                       AS IT WAS  IF OBEYED    CHANGE         95 % INTERVAL\n\
        cost of 1,000 requests     $5.000     $4.000   -$1.000    -$1.100 to -$0.900  less\n\
        first token               0.400 s    0.410 s  +0.010 s  -0.040 s to +0.060 s  not enough evidence for a difference\n";
    assert_eq!(of_route(&route()), expected);
}

#[test]
fn that_nothing_failed_leaves_what_the_interval_allows() {
    let none = Estimate {
        then: 0.0,
        other: Interval {
            value: 0.0,
            low: 0.0,
            high: 0.006,
        },
        change: interval(0.0, 0.0),
    };
    let found = no_surer_than_none_seen(none);
    assert!((found.change.high - 0.006).abs() < 1e-12, "{found:?}");
    assert!(found.change.low.abs() < 1e-12, "{found:?}");
}

#[test]
fn a_route_at_its_configured_weights_is_compared_with_nothing() {
    let mut route = route();
    route.same = true;
    route.instead = Instead::Configured;
    assert_eq!(
        of_route(&route),
        "chat: obeyed, 3600 requests; 12 left out: the same at configured weights, since its shares were these all \
         the time\n"
    );
}

#[test]
fn a_refusal_says_why_and_gives_no_number() {
    let mut route = route();
    route.refused = vec!["not enough evidence: 3 requests".to_owned()];
    let text = of_route(&route);
    assert!(
        text.ends_with("no estimate:\n  not enough evidence: 3 requests\n"),
        "{text}"
    );
    assert!(!text.contains('$'), "{text}");
}

#[test]
fn where_nothing_was_written_down_it_says_what_that_takes() {
    let nothing = found(RESTS_ON, Time::ZERO, Time::ZERO, Vec::new());
    let text = told(&nothing);
    assert!(
        text.contains("server.state") && text.contains("shadow"),
        "{text}"
    );
}
