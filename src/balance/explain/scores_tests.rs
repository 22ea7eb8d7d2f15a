//! Claims about sentences on what applications said of answers.

use super::super::tests::{decision, row, shares};
use crate::balance::explain;
use crate::balance::{Decision, Quality, Rail, Row};
use crate::model::TargetName;

/// A row whose answers are rated so by 57 scores.
fn rated(mean: f64) -> Row {
    let mut rated = row("a");
    rated.evidence.quality = Some(Quality {
        mean,
        deviation: 0.041,
        scores: 57.2,
        histogram: [0.0; 10],
    });
    rated
}

#[test]
fn who_is_rated_worse_hears_by_how_much_and_by_how_many() {
    let mut bad = rated(0.62);
    shares(&mut bad, 82_000, 82_000);
    bad.terms.quality = 0.6;
    let good = Row {
        name: TargetName::new("b").unwrap(),
        ..rated(0.85)
    };
    let lines = explain(&decision(vec![bad, good]));
    assert_eq!(
        lines[1],
        "a: takes 8.2 % instead of its configured 50 %: its answers are rated 0.62 (± 0.04, by 57 scores), \
         those of b 0.85"
    );
}

#[test]
fn who_is_below_min_quality_is_told_so_and_nothing_else() {
    for (rail, granted, expected) in [
        (
            Rail::MinQuality,
            0,
            "a: takes 0 % instead of its configured 50 %; left out: its answers are rated 0.31 (± 0.04, by 57 scores), \
             below your min_quality of 0.6",
        ),
        (
            Rail::MinQuality,
            10_000,
            "a: takes 1.0 % instead of its configured 50 %; tried with 1.0 %: its answers are rated 0.31 \
             (± 0.04, by 57 scores), below your min_quality of 0.6",
        ),
        (
            Rail::MinQualityLifted,
            500_000,
            "a: takes its configured 50 %; its answers are rated 0.31 (± 0.04, by 57 scores), below your min_quality \
             of 0.6, but nobody else is left",
        ),
    ] {
        let mut bad = rated(0.31);
        shares(&mut bad, granted, granted);
        bad.terms.latency = 3.0;
        bad.rails.insert(rail);
        let told = Decision {
            min_quality: Some(0.6),
            ..decision(vec![bad, row("b")])
        };
        assert_eq!(explain(&told)[1], expected);
    }
}

#[test]
fn scores_are_told_where_the_objective_asks_for_them() {
    let mut made = decision(vec![rated(0.8), row("b")]);
    assert!(!explain(&made).concat().contains("rated"), "nobody asked");
    made.objective.quality = 5.0;
    let lines = explain(&made);
    let told = "; its answers are rated 0.80 (± ";
    assert!(lines[1].contains(told), "{}", lines[1]);
    let none = "; no scores of its answers yet";
    assert!(lines[2].ends_with(none), "{}", lines[2]);
}
