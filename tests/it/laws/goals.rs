//! Laws under a goal, and of tiers.

use proptest::prelude::*;
use weighbridge::balance::{
    Goal, Level, Measure, Memory, Objective, Plan, Statistic, Strategy as Shares, Timing,
    WeightTable,
};
use weighbridge::model::Time;

use super::world::{Configured, Doing, History, Mood, Played, cases, history, is_sound, spec};

/// One or two levels around what histories show, and what counts then.
pub(crate) fn aims() -> impl Strategy<Value = (Goal, Objective)> {
    let statistic = prop::sample::select(vec![
        Statistic::Mean,
        Statistic::P50,
        Statistic::P90,
        Statistic::P95,
        Statistic::P99,
    ]);
    let timing = prop::sample::select(vec![
        (Timing::FirstToken, 0.5),
        (Timing::PerToken, 0.015),
        (Timing::Total, 2.75),
    ]);
    let errors = prop::option::of(0.001f64..0.1);
    let preset = prop::sample::select(Objective::PRESETS.to_vec());
    (statistic, timing, 0.5f64..3.0, errors, preset).prop_map(
        |(statistic, (timing, usual), factor, errors, (_, objective))| {
            let mut levels = vec![Level {
                measure: Measure::Time(timing, statistic),
                at_most: usual * factor,
            }];
            levels.extend(errors.map(|at_most| Level {
                measure: Measure::Errors,
                at_most,
            }));
            (Goal { levels }, objective)
        },
    )
}

pub(crate) fn aiming(targets: &[Configured], (goal, objective): &(Goal, Objective)) -> Played {
    let mut spec = spec(targets, Shares::Adaptive);
    spec.goal = goal.clone();
    spec.objective = *objective;
    let plan = Plan::new(vec![spec], []);
    let memory = Memory::new(&plan);
    Played::resumed(targets, plan, memory, Time::ZERO)
}

/// The proposed share of target 0 after the last tick, as it was and with `worsen` on that target.
fn worsened(
    history: &History,
    aims: &(Goal, Objective),
    worsen: impl Fn(&mut Doing),
) -> (f64, f64) {
    let mut played = aiming(&history.targets, aims);
    let (last, before) = history.ticks.split_last().unwrap();
    for doings in before {
        played.tick(doings);
    }
    let mut worse = last.clone();
    worsen(&mut worse[0]);
    let share =
        |mut played: Played, doings: &[Doing]| played.tick(doings).rows[0].proposed.fraction();
    (share(played.clone(), last), share(played, &worse))
}

/// What was found: where all miss a level, the one that is least over it is what the others are compared with. One more
/// late answer there leaves its excess as it is and makes it surer, and that was worth a share.
#[test]
fn an_excess_that_a_late_answer_makes_surer_is_no_lead() {
    let targets = [Configured::new(0, 1.0), Configured::new(1, 77.0)];
    let level = Level {
        measure: Measure::Time(Timing::FirstToken, Statistic::P95),
        at_most: 0.259,
    };
    let aims = (
        Goal {
            levels: vec![level],
        },
        Objective::default(),
    );
    let answer = |slowness: f64| Doing {
        streamed: 1,
        slowness,
        ..Doing::default()
    };
    let tick = |k: usize| {
        let own = if k.is_multiple_of(4) { 0.7 } else { 0.54 };
        vec![answer(own), answer(0.8 - 0.01 * (k % 3) as f64)]
    };
    let history = History {
        targets: targets.into(),
        ticks: (0..22).map(tick).collect(),
    };
    let (good, bad) = worsened(&history, &aims, |doing| doing.slowness *= 4.24);
    assert!(bad <= good + 1e-4, "{good} before, {bad} when later");
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn a_later_answer_never_raises_a_share(
        history in history(Mood::Calm, 25), aims in aims(), factor in 1.0f64..5.0,
    ) {
        let (good, bad) = worsened(&history, &aims, |doing| doing.slowness *= factor);
        prop_assert!(bad <= good + 1e-4, "{good} before, {bad} when {factor} times slower: {aims:?}");
    }

    #[test]
    fn more_errors_never_raise_a_share(
        history in history(Mood::Calm, 25), aims in aims(), more in 1u32..8,
    ) {
        let (good, bad) = worsened(&history, &aims, |doing| doing.faults += more);
        prop_assert!(bad <= good + 1e-6, "{good} before, {bad} with {more} faults more: {aims:?}");
    }

    #[test]
    fn without_evidence_the_table_is_the_configured_one(
        weights in prop::collection::vec(0.01f64..100.0, 1..9), aims in aims(),
    ) {
        let targets: Vec<Configured> = weights.iter().enumerate().map(|(i, w)| Configured::new(i, *w)).collect();
        let mut played = aiming(&targets, &aims);
        let silent = Doing { streamed: 0, ..Doing::default() };
        let configured = WeightTable::from_fractions(&weights).unwrap();
        for _ in 0..20 {
            let decision = played.tick(&vec![silent.clone(); targets.len()]);
            prop_assert_eq!(&decision.table, &configured, "nothing is known: {:?}", aims);
        }
    }

    #[test]
    fn the_order_of_targets_does_not_matter(history in history(Mood::Wild, 60), aims in aims()) {
        let mut forth = aiming(&history.targets, &aims);
        let turned: Vec<Configured> = history.targets.iter().rev().cloned().collect();
        let mut back = aiming(&turned, &aims);
        for doings in &history.ticks {
            let one = forth.tick(doings);
            let other = back.tick(&doings.iter().rev().cloned().collect::<Vec<_>>());
            for (a, b) in one.rows.iter().zip(other.rows.iter().rev()) {
                prop_assert!((a.granted.fraction() - b.granted.fraction()).abs() < 1e-4, "{:?}", aims);
            }
        }
    }

    #[test]
    fn tables_are_whole_with_goals_and_tiers(
        history in history(Mood::Wild, 80), aims in aims(), tiers in prop::collection::vec(1u8..4, 6),
    ) {
        let mut spec = spec(&history.targets, Shares::Adaptive);
        (spec.goal, spec.objective) = aims;
        for (target, tier) in spec.targets.iter_mut().zip(tiers) {
            target.tier = tier;
        }
        let plan = Plan::new(vec![spec], []);
        let memory = Memory::new(&plan);
        let mut played = Played::resumed(&history.targets, plan, memory, Time::ZERO);
        for doings in &history.ticks {
            is_sound(&played.tick(doings))?;
        }
    }

    #[test]
    fn an_upper_tier_gets_nothing_while_the_lowest_has_room(history in history(Mood::Calm, 40)) {
        let mut spec = spec(&history.targets, Shares::Adaptive);
        spec.targets[0].tier = 2;
        let plan = Plan::new(vec![spec], []);
        let memory = Memory::new(&plan);
        let mut played = Played::resumed(&history.targets, plan, memory, Time::ZERO);
        for doings in &history.ticks {
            let doings: Vec<Doing> = doings.iter().map(|it| Doing { faults: 0, ..it.clone() }).collect();
            let decision = played.tick(&doings);
            prop_assert!(decision.rows[0].granted.ppm() <= 100, "{}", decision.rows[0].granted);
        }
    }
}
