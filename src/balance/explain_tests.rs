//! Claims about the sentences: what an operator reads.

use super::*;
use crate::balance::gate::Cause;
use crate::balance::{
    Attainment, Evidence, Goal, Level, Measure, Objective, Statistic, Timing, WeightTable,
};
use crate::model::{RouteName, TargetName, UpstreamName};

/// A target that takes its configured half and is as good as the mean.
pub(in crate::balance) fn row(name: &str) -> Row {
    Row {
        name: TargetName::new(name).unwrap(),
        upstream: UpstreamName::new(&format!("{name}/m")).unwrap(),
        tier: 1,
        configured: Share::from_ppm(500_000),
        proposed: Share::from_ppm(500_000),
        granted: Share::from_ppm(500_000),
        if_obeyed: None,
        samples: 2_000,
        confidence: 0.99,
        health: Health::Serving,
        blocked_until: Time::ZERO,
        terms: Terms {
            latency: 1.1,
            cost: 0.5,
            error: 0.01,
            quality: 0.0,
        },
        evidence: Evidence {
            first_token: Some(0.59),
            per_token: Some(0.018),
            slowness: 1.0,
            faults: 0.002,
            cost: Some(0.000_21),
            cached: None,
            quality: None,
            deviation: 0.05,
            gap: 0.0,
        },
        levels: Vec::new(),
        rails: std::collections::BTreeSet::new(),
        overruled: None,
        as_filed: None,
        spent: None,
    }
}

/// A decision at 100 s with these rows.
pub(in crate::balance) fn decision(rows: Vec<Row>) -> Decision {
    Decision {
        route: RouteName::new("chat").unwrap(),
        at: Time::from_secs_f64(100.0),
        strategy: Strategy::Adaptive,
        goal: Goal::default(),
        objective: Objective::default(),
        min_quality: None,
        demand: 12.345,
        table: WeightTable::from_shares(vec![Share::WHOLE]).unwrap(),
        moved: true,
        rows,
    }
}

/// The sentence of a row that `change` makes from the mean one, beside a good one.
#[track_caller]
fn check(change: impl FnOnce(&mut Row), expected: &str) {
    let mut changed = row("a");
    change(&mut changed);
    let lines = explain(&decision(vec![changed, row("b")]));
    assert_eq!(lines[1], expected, "the sentence of target a");
}

/// A first token's p95 beside a level of 1.5 s.
pub(in crate::balance) fn attainment(value: f64, excess: f64) -> Attainment {
    Attainment {
        level: Level {
            measure: Measure::Time(Timing::FirstToken, Statistic::P95),
            at_most: 1.5,
        },
        value: Some(value),
        samples: 200.0,
        excess,
        deviation: 0.05,
        doubt: 0.05,
    }
}

pub(super) fn shares(row: &mut Row, proposed: u32, granted: u32) {
    row.proposed = Share::from_ppm(proposed);
    row.granted = Share::from_ppm(granted);
}

#[test]
fn a_route_that_keeps_conversations_says_what_is_cached_and_why_nothing_moves() {
    check(
        |row| {
            row.evidence.cached = Some(0.62);
            row.rails = [Rail::Kept].into();
        },
        "a: takes its configured 50 %; 62 % of its input is cached; stays at 50 %: moving would cost more prompt cache \
         than it gains",
    );
    check(
        |row| row.evidence.cached = Some(0.01),
        "a: takes its configured 50 %",
    );
}

#[test]
fn the_route_comes_first_and_then_its_targets_in_order() {
    let lines = explain(&decision(vec![row("a"), row("b")]));
    assert_eq!(
        lines,
        [
            "chat: shares follow latency, cost and errors; 12 requests/s",
            "a: takes its configured 50 %",
            "b: takes its configured 50 %",
        ],
        "one line each"
    );
}

#[test]
fn a_share_is_explained_by_what_differs_most() {
    check(
        |row| {
            shares(row, 82_000, 120_000);
            row.terms.latency = 3.5;
            row.evidence.first_token = Some(1.9);
            row.evidence.per_token = Some(0.057_12);
            row.evidence.slowness = 3.181_818_18;
            row.rails.insert(Rail::Step);
        },
        "a: takes 12 % instead of its configured 50 %: its answers take 3.2× the route's mean \
         (first token 1.9 s, then 57 ms a token); on its way to 8.2 %, a step at a time",
    );
    check(
        |row| {
            shares(row, 82_000, 82_000);
            row.terms.cost = 1.5;
            row.evidence.cost = Some(0.000_63);
        },
        "a: takes 8.2 % instead of its configured 50 %: costs $0.42 per thousand answers more than b",
    );
    check(
        |row| {
            shares(row, 2_000, 2_000);
            row.terms.error = 2.0;
            row.terms.latency = 2.4;
            row.evidence.faults = 0.38;
            row.evidence.slowness = 2.2;
            row.evidence.first_token = None;
        },
        "a: takes 0.2 % instead of its configured 50 %: 38 % of its requests fail, and its answers \
         take 2.2× the route's mean",
    );
    check(
        |row| shares(row, 800_000, 800_000),
        "a: takes 80 % instead of its configured 50 %: the others are slower, dearer or fail more",
    );
}

#[test]
fn health_is_told_with_its_reason_and_what_comes_next() {
    let until = Time::from_secs_f64(104.0);
    for (cause, why) in [
        (Cause::Faults, "it kept failing"),
        (Cause::Overdue, "its requests hung"),
        (Cause::Stalls, "its answers stopped in the middle"),
        (
            Cause::OurFault,
            "our credential or our model name is wrong there",
        ),
        (Cause::Quota, "its quota or its money is used up"),
        (
            Cause::AbsurdWait,
            "it asked to be left alone for more than ten minutes",
        ),
    ] {
        check(
            |row| {
                shares(row, 0, 0);
                row.health = Health::Ejected { until, cause };
                row.rails.insert(Rail::Ejected);
            },
            &format!("a: ejected because {why}: takes nothing, next probe in 4.0 s"),
        );
    }
    let cause = Cause::Stalls;
    for (rail, words) in [
        (
            Rail::HeldOutage,
            "next probe in 4.0 s; every target is ejected: requests still go out, so that a recovery is seen",
        ),
        (
            Rail::Shadow,
            "would take nothing, next probe in 4.0 s; takes its configured 50 % (shadow)",
        ),
    ] {
        check(
            |row| {
                row.health = Health::Ejected { until, cause };
                row.rails.extend([Rail::Ejected, rail]);
            },
            &format!("a: ejected because its answers stopped in the middle: {words}"),
        );
    }
    for (passed, out, probe) in [
        (0, true, "a probe is out"),
        (1, false, "the next request is its probe (1 passed so far)"),
    ] {
        check(
            |row| row.health = Health::Probing { cause, passed, out },
            &format!("a: ejected because its answers stopped in the middle: {probe}"),
        );
    }
    for (on_probation, word) in [(true, "returning"), (false, "new")] {
        check(
            |row| {
                shares(row, 175_000, 175_000);
                let part = 0.35;
                row.health = Health::Returning { part, on_probation };
                row.rails.insert(Rail::Ramp);
            },
            &format!("a: {word}: 35 % of its share, takes 18 % instead of its configured 50 %"),
        );
    }
}

#[test]
fn every_rail_has_its_words() {
    let cases = [
        (
            Rail::ColdStart,
            "too few answers to judge it well (41 of 100)",
        ),
        (Rail::Floor, "held up at 50 % by its min_share"),
        (
            Rail::Exploration,
            "kept at 50 % so that a change for the better is seen",
        ),
        (Rail::Ceiling, "held at 50 % by its max_share"),
        (Rail::RateCap, "held at 50 %: it refused what was more"),
        (
            Rail::Announced,
            "held at 50 %: its provider says that little is left",
        ),
        (
            Rail::InFlightLimit,
            "held at 50 %: with more its answers queue",
        ),
        (Rail::Step, "on its way to 50 %, a step at a time"),
        (Rail::Blocked, "asked to be left alone for 1.5 s"),
        (Rail::Drained, "drained: its configured weight is 0"),
        (Rail::Spills, "what is more goes to the next tier"),
        (
            Rail::ModelSplit,
            "the split between models stays as configured",
        ),
        (
            Rail::HeldOutage,
            "every target is ejected: requests still go out, so that a recovery is seen",
        ),
    ];
    for (rail, words) in cases {
        check(
            |row| {
                row.samples = 41;
                row.blocked_until = Time::from_secs_f64(101.5);
                row.rails.insert(rail);
            },
            &format!("a: takes its configured 50 %; {words}"),
        );
    }
}

#[test]
fn what_moves_a_share_by_little_is_not_told() {
    for rail in [Rail::DeadBand, Rail::Displaced] {
        check(
            |row| {
                shares(row, 503_000, 500_000);
                row.rails.insert(rail);
            },
            "a: takes its configured 50 %",
        );
    }
    check(
        |row| {
            shares(row, 240_000, 2_000);
            row.rails.extend([Rail::Step, Rail::DeadBand]);
        },
        "a: takes 0.2 % instead of its configured 50 %; on its way to 24 %, a step at a time",
    );
    check(
        |row| {
            shares(row, 510_000, 500_000);
            row.rails.insert(Rail::DeadBand);
        },
        "a: takes its configured 50 %; stays at 50 %: 51 % would be too small a change",
    );
}

#[test]
fn what_others_may_not_have_is_told_on_both_sides() {
    for (proposed, words) in [
        (
            400_000,
            "more than its own, since others are held below theirs",
        ),
        (
            600_000,
            "less than its own, since others are held above theirs",
        ),
    ] {
        check(
            |row| {
                shares(row, proposed, 500_000);
                row.terms = Terms::default();
                row.rails.insert(Rail::Displaced);
            },
            &format!("a: takes its configured 50 %; {words}"),
        );
    }
}

#[test]
fn who_leads_in_nothing_has_its_part_of_what_others_lost() {
    let rows = |lost: &[&str]| {
        let mut second = row("second");
        shares(&mut second, 700_000, 700_000);
        second.terms.latency = 1.2;
        let mut best = row("best");
        shares(&mut best, 800_000, 800_000);
        let losers = lost.iter().map(|name| {
            let mut loser = row(name);
            shares(&mut loser, 1_000, 1_000);
            loser.terms.latency = 6.0;
            loser
        });
        [second, best].into_iter().chain(losers).collect()
    };
    for (lost, words) in [
        (&["a"][..], "a lost"),
        (&["a", "b"], "a and b lost"),
        (&["a", "b", "c"], "3 others lost"),
    ] {
        assert_eq!(
            explain(&decision(rows(lost)))[1],
            format!(
                "second: takes 70 % instead of its configured 50 %: it has its part of what {words}"
            ),
        );
    }
}

#[test]
fn that_little_is_known_is_no_reason_for_a_move() {
    let mut back = row("a");
    shares(&mut back, 500_000, 310_000);
    back.samples = 38;
    back.rails = [Rail::ColdStart, Rail::Step].into();
    let lines = explain(&decision(vec![back, row("b")]));
    assert!(
        lines[0].ends_with("; moved 19 points off a: on its way to 50 %, a step at a time"),
        "{lines:#?}"
    );
}

#[test]
fn numbers_have_as_many_digits_as_are_said_aloud() {
    for (value, words) in [
        (0.0, "0"),
        (0.034, "0.034"),
        (0.34, "0.34"),
        (3.24, "3.2"),
        (41.7, "42"),
    ] {
        assert_eq!(number(value), words, "{value}");
    }
    for (value, words) in [
        (0.0, "0 %"),
        (0.000_31, "0.03 %"),
        (0.003, "0.3 %"),
        (0.5, "50 %"),
    ] {
        assert_eq!(percent(value), words, "{value}");
    }
    for (value, words) in [
        (0.015, "15 ms"),
        (0.5, "500 ms"),
        (1.93, "1.9 s"),
        (60.0, "60 s"),
    ] {
        assert_eq!(seconds(value), words, "{value}");
    }
    for (value, words) in [(0.000_21, "$0.21 per thousand"), (0.042, "$0.042")] {
        assert_eq!(dollars(value), words, "{value}");
    }
}

#[test]
fn a_rail_that_holds_the_best_target_is_its_reason() {
    let mut best = row("a");
    shares(&mut best, 900_000, 400_000);
    best.terms.cost = 0.1;
    best.rails.insert(Rail::InFlightLimit);
    let lines = explain(&decision(vec![best, row("b")]));
    assert!(
        lines[0].ends_with("; moved 10 points off a: held at 40 %: with more its answers queue"),
        "{lines:#?}"
    );
    assert_eq!(
        lines[1],
        "a: takes 40 % instead of its configured 50 %; held at 40 %: with more its answers queue"
    );
}

#[test]
fn who_is_quicker_than_the_mean_is_told_against_the_best() {
    let (mut slower, mut best) = (row("a"), row("b"));
    shares(&mut slower, 300_000, 300_000);
    slower.terms.latency = 0.9;
    slower.evidence.slowness = 0.8;
    best.terms.latency = 0.55;
    best.evidence.slowness = 0.5;
    assert_eq!(
        explain(&decision(vec![slower, best]))[1],
        "a: takes 30 % instead of its configured 50 %: its answers take 1.6× as long as those of b (first token 590 ms, \
         then 18 ms a token)",
    );
}

#[test]
fn nothing_is_said_of_the_errors_and_times_of_a_target_that_never_answered() {
    check(
        |row| {
            shares(row, 82_000, 82_000);
            row.samples = 0;
            row.evidence.faults = 0.034;
            row.evidence.slowness = 3.0;
            row.terms.error = 2.0;
            row.terms.latency = 3.5;
            row.rails.insert(Rail::ColdStart);
        },
        "a: takes 8.2 % instead of its configured 50 %; too few answers to judge it well (0 of 100)",
    );
    check(
        |row| {
            shares(row, 800_000, 800_000);
            row.samples = 0;
            row.terms.error = 0.001;
        },
        "a: takes 80 % instead of its configured 50 %: the others are slower, dearer or fail more",
    );
}
