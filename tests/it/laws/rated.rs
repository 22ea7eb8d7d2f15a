//! Laws about what applications say of answers.

use proptest::prelude::*;
use weighbridge::balance::{Decision, Plan, RouteSpec, Strategy as Shares};

use super::world::{Doing, History, Mood, Played, cases, history, is_sound, spec};

/// Histories of which some answers are rated, each target's around a mean of its own.
fn rated(ticks: usize) -> impl Strategy<Value = History> {
    let scores = prop::collection::vec(prop::collection::vec(0u32..=10, 0..4), 5 * ticks);
    let means = prop::collection::vec(0u32..=6, 5);
    (history(Mood::Calm, ticks), scores, means).prop_map(move |(mut history, scores, means)| {
        for (k, doings) in history.ticks.iter_mut().enumerate() {
            for (i, doing) in doings.iter_mut().enumerate() {
                let scores = scores[k * 5 + i].iter();
                let score = |luck: &u32| f64::from(means[i]) / 10.0 + 0.04 * f64::from(*luck);
                doing.scores = scores.map(score).collect();
            }
        }
        history
    })
}

fn played(history: &History, change: impl Fn(&mut RouteSpec)) -> Played {
    let mut spec = spec(&history.targets, Shares::Adaptive);
    change(&mut spec);
    let mut played = history.played();
    played.plan = Plan::new(vec![spec], []);
    played
}

/// The last decision about a history.
fn last(mut played: Played, history: &History) -> Decision {
    let ticks = history.ticks.iter().map(|doings| played.tick(doings));
    ticks.last().unwrap()
}

/// As with `change` on target 0 in the last tick, and then some ticks in which nothing comes.
fn worsened(
    history: &History,
    (spec, later): (impl Fn(&mut RouteSpec), usize),
    change: impl Fn(&mut Doing),
) -> (f64, f64) {
    let mut changed = history.clone();
    let Some(last_tick) = changed.ticks.last_mut() else {
        return (0.0, 0.0);
    };
    change(&mut last_tick[0]);
    let silence = |doings: &Vec<Doing>| {
        let silent = |_: &Doing| Doing {
            streamed: 0,
            ..Doing::default()
        };
        doings.iter().map(silent).collect::<Vec<Doing>>()
    };
    let share = |mut history: History| {
        let silent = silence(&history.ticks[0]);
        history.ticks.extend(vec![silent; later]);
        last(played(&history, &spec), &history).rows[0]
            .proposed
            .fraction()
    };
    (share(history.clone()), share(changed))
}

fn lower(doing: &mut Doing, less: f64) {
    for score in &mut doing.scores {
        *score = (*score - less).max(0.0);
    }
}

fn weighed(weight: f64) -> impl Fn(&mut RouteSpec) + Copy {
    move |spec| spec.objective.quality = weight
}

/// What was decided, as text, without what was said of answers.
fn unrated(decision: &Decision) -> String {
    let mut bare = decision.clone();
    bare.objective = spec(&[], Shares::Adaptive).objective;
    bare.min_quality = None;
    for row in &mut bare.rows {
        row.evidence.quality = None;
    }
    serde_json::to_string(&bare).unwrap()
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn a_worse_score_never_raises_a_share(history in rated(25), weight in 0.1f64..8.0, less in 0.05f64..1.0) {
        let (good, bad) = worsened(&history, (weighed(weight), 0), |doing| lower(doing, less));
        prop_assert!(bad <= good + 1e-6, "{good} before, {bad} with scores that are {less} lower");
    }

    #[test]
    fn a_score_worse_than_all_others_never_raises_a_share(history in rated(25), weight in 0.1f64..8.0) {
        let (good, bad) = worsened(&history, (weighed(weight), 0), |doing| doing.scores.push(0.0));
        prop_assert!(bad <= good + 1e-6, "{good} before, {bad} with another score of 0");
    }

    #[test]
    fn between_two_a_worse_score_never_raises_a_share_later(
        history in rated(25), weight in 0.1f64..8.0, less in 0.05f64..1.0, later in 1usize..20,
    ) {
        let mut history = history;
        history.targets.truncate(2);
        for doings in &mut history.ticks { doings.truncate(2); }
        let (good, bad) = worsened(&history, (weighed(weight), later), |doing| lower(doing, less));
        prop_assert!(bad <= good + 1e-6, "{good} before, {bad} with scores that are {less} lower, {later} ticks later");
    }

    #[test]
    fn below_a_floor_a_worse_score_never_raises_a_share(
        history in rated(25), floor in 0.1f64..1.0, less in 0.05f64..1.0,
    ) {
        let floored = move |spec: &mut RouteSpec| spec.min_quality = Some(floor);
        // Where nobody else is left the worst are let in again with the rest.
        let is_lifted = |history: &History| {
            let decision = last(played(history, floored), history);
            let lifted = weighbridge::balance::Rail::MinQualityLifted;
            decision.rows.iter().any(|row| row.rails.contains(&lifted))
        };
        let mut lowered = history.clone();
        if let Some(doings) = lowered.ticks.last_mut() { lower(&mut doings[0], less); }
        prop_assume!(!is_lifted(&history) && !is_lifted(&lowered));
        let (good, bad) = worsened(&history, (floored, 0), |doing| lower(doing, less));
        prop_assert!(bad <= good + 1e-6, "{good} before, {bad} with scores that are {less} lower");
    }

    #[test]
    fn without_scores_a_weight_and_a_floor_change_nothing(history in history(Mood::Wild, 25), weight in 0.1f64..8.0, floor in 0.0f64..1.0) {
        let plain = last(played(&history, |_| {}), &history);
        let asked = last(played(&history, |spec| {
            spec.objective.quality = weight;
            spec.min_quality = Some(floor);
        }), &history);
        prop_assert_eq!(unrated(&plain), unrated(&asked));
    }

    #[test]
    fn without_a_weight_and_a_floor_scores_change_nothing(history in rated(25)) {
        let mut silent = history.clone();
        for doing in silent.ticks.iter_mut().flatten() { doing.scores.clear(); }
        let rated = last(played(&history, |_| {}), &history);
        let silent = last(played(&silent, |_| {}), &silent);
        prop_assert_eq!(unrated(&rated), unrated(&silent));
    }

    #[test]
    fn scores_never_leave_a_route_without_anybody(history in rated(40), weight in 0.0f64..8.0, floor in 0.0f64..1.0) {
        let mut played = played(&history, |spec| {
            spec.objective.quality = weight;
            spec.min_quality = Some(floor);
        });
        for doings in &history.ticks {
            is_sound(&played.tick(doings))?;
        }
    }
}
