use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::super::input::Replaced;
use super::*;

fn given(score: f64) -> Scored {
    Scored {
        target: 0,
        score,
        instead: None,
    }
}

fn rated(scores: &[f64]) -> Scores {
    let mut rated = Scores::default();
    for score in scores {
        rated.take(&given(*score));
    }
    rated
}

/// How far `own` is behind `best`.
fn behind(own: &[f64], best: &[f64]) -> f64 {
    rated(own).behind(super::best([&rated(best)].into_iter()).as_ref())
}

/// So many scores of 1 and of 0.
fn thumbs(up: usize, down: usize) -> Vec<f64> {
    [vec![1.0; up], vec![0.0; down]].concat()
}

#[test]
fn without_scores_nobody_is_behind_and_nobody_is_away() {
    let good = thumbs(50, 0);
    assert_eq!(
        behind(&[], &good).to_bits(),
        0,
        "unrated beside the well rated"
    );
    assert_eq!(
        rated(&thumbs(0, 50)).behind(None).to_bits(),
        0,
        "rated badly beside nobody"
    );
    let part = Scores::default().part_above(Some(0.9));
    assert_eq!(part.to_bits(), 1.0f64.to_bits(), "its whole share");
}

#[test]
fn a_few_scores_say_little_and_fifty_say_it_all() {
    let first = behind(&thumbs(0, 1), &thumbs(1, 0));
    assert!(first < 0.001, "one thumb each: {first}");
    let some = behind(&thumbs(12, 8), &thumbs(18, 2));
    assert!((0.03..0.15).contains(&some), "twenty each: {some}");
    let many = behind(&thumbs(60, 40), &thumbs(90, 10));
    assert!((0.2..0.3).contains(&many), "a hundred each: {many}");
}

#[test]
fn scores_that_hardly_differ_among_themselves_tell_a_small_difference() {
    let around =
        |mean: f64| -> Vec<f64> { (0..80).map(|i| mean + 0.01 * f64::from(i % 5)).collect() };
    let narrow = behind(&around(0.70), &around(0.80));
    let wide = behind(&thumbs(56, 24), &thumbs(64, 16));
    assert!(
        narrow > 1.5 * wide,
        "{narrow} by a judge, {wide} by as many thumbs"
    );
}

#[test]
fn the_best_is_not_the_luckiest() {
    let (lucky, good) = (rated(&[1.0]), rated(&thumbs(80, 20)));
    let best = best([&lucky, &good].into_iter()).unwrap();
    assert!((best.mean - 0.8).abs() < 1e-9, "found {best:?}");
}

#[test]
fn a_score_that_takes_the_place_of_another_is_as_if_that_had_never_come() {
    let mut corrected = rated(&[0.7, 0.0]);
    corrected.take(&Scored {
        instead: Some(Replaced {
            score: 0.0,
            weight: 1.0,
        }),
        ..given(1.0)
    });
    let (corrected, straight) = (
        corrected.quality().unwrap(),
        rated(&[0.7, 1.0]).quality().unwrap(),
    );
    assert!((corrected.mean - straight.mean).abs() < 1e-12);
    assert!((corrected.deviation - straight.deviation).abs() < 1e-12);
    let bins = corrected.histogram.iter().zip(&straight.histogram);
    assert!(bins.clone().all(|(a, b)| (a - b).abs() < 1e-12), "{bins:?}");
}

#[test]
fn what_is_no_score_is_none() {
    let odd = rated(&[f64::NAN, f64::INFINITY, -3.0, 7.0])
        .quality()
        .unwrap();
    assert_eq!((odd.scores, odd.mean), (2.0, 0.5), "taken for 0 and 1");
    let mut nothing = rated(&[0.5]);
    nothing.take(&Scored {
        instead: Some(Replaced {
            score: 1.0,
            weight: 1e9,
        }),
        ..given(0.5)
    });
    let mean = nothing.quality().unwrap().mean;
    assert!((0.0..=1.0).contains(&mean), "found {mean}");
}

/// Seconds in which a score loses half of its weight where `every` seconds bring one to a route of two targets.
fn half_life(every: f64) -> f64 {
    let (mut ageing, mut kept, mut passed) = (Ageing::default(), 1.0, 0.0);
    let mut due = 0.0;
    while kept > 0.5 {
        passed += 0.25;
        let came = usize::from(passed >= due);
        due += every * came as f64;
        kept *= ageing.pass(0.25, came, 2);
    }
    passed
}

#[test]
fn scores_grow_old_with_those_that_come_within_bounds() {
    for (every, hours) in [(0.5, 0.5), (60.0, 200.0 / 60.0), (3_600.0, 24.0)] {
        let found = half_life(every) / 3_600.0;
        assert!(
            // By time some of it goes as well.
            (0.85..1.03).contains(&(found / hours)),
            "a score every {every} s: {found} h"
        );
    }
}

#[test]
fn two_thumbs_down_send_nobody_away_and_six_do() {
    let mut few = rated(&thumbs(0, 2));
    assert!((few.part_above(Some(0.6)) - 1.0).abs() < 1e-12);
    let mut six = rated(&thumbs(0, 6));
    assert!(six.part_above(Some(0.6)).abs() < 1e-12);
    let mut above = rated(&thumbs(65, 35));
    assert!((above.part_above(Some(0.6)) - 1.0).abs() < 1e-12);
}

#[test]
fn who_is_away_comes_back_as_its_scores_fade_and_stays_if_the_next_are_good() {
    let mut bad = rated(&thumbs(20, 60));
    let mut parts = Vec::new();
    for _ in 0..16 {
        parts.push(bad.part_above(Some(0.6)));
        bad.fade(0.5);
    }
    assert!(
        parts.is_sorted() && parts[0].abs() < 1e-12 && (parts[15] - 1.0).abs() < 1e-12,
        "from nothing to all: {parts:?}"
    );
    let mut tried = rated(&thumbs(20, 60));
    while tried.part_above(Some(0.6)) <= 0.0 {
        tried.fade(0.9);
    }
    let mut again = tried.clone();
    for _ in 0..10 {
        again.take(&given(0.0));
    }
    assert!(again.part_above(Some(0.6)).abs() < 1e-12, "still as bad");
    for _ in 0..40 {
        tried.take(&given(1.0));
    }
    assert!(
        (tried.part_above(Some(0.6)) - 1.0).abs() < 1e-12 && !tried.is_away(),
        "mended: {tried:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_260_101),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_worse_score_never_helps(
        scores in prop::collection::vec(0u32..=10, 1..40),
        best in prop::collection::vec(0u32..=10, 1..40),
        place in 0usize..40,
        less in 1u32..=10,
        floor in 0.05f64..1.0,
    ) {
        let scale = |scores: &[u32]| -> Vec<f64> { scores.iter().map(|s| f64::from(*s) / 10.0).collect() };
        let mut lower = scores.clone();
        let place = place % lower.len();
        lower[place] = lower[place].saturating_sub(less);
        let (as_was, worse) = (behind(&scale(&scores), &scale(&best)), behind(&scale(&lower), &scale(&best)));
        prop_assert!(worse >= as_was - 1e-9, "behind by {worse} with a worse score, by {as_was} before");
        let part = |scores: &[u32]| rated(&scale(scores)).part_above(Some(floor));
        let (before, after) = (part(&scores), part(&lower));
        prop_assert!(after <= before + 1e-9, "{after} of its share with a worse score, {before} before");
    }
}
