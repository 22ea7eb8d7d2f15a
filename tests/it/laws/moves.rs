//! Laws about what follows what: how far shares move, when they rest, and that every move has a reason.

use proptest::prelude::*;
use weighbridge::balance::gate::{Admitted, Ask, GateState, Gates, Row as Shown, Standing, admit};
use weighbridge::balance::{Decision, Draw, Mask, Rail, Strategy as Shares};
use weighbridge::model::{TargetIndex, Time};

use super::world::{Configured, Doing, Mood, Played, TICK, cases, history, is_disturbed, is_sound};

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn no_share_moves_further_than_a_step(history in history(Mood::Wild, 120)) {
        // What the dead-band holds back comes with the next table; exploration and footholds begin from nothing.
        let (room, from) = (0.012, 0.1);
        let (up, down) = ((0.8 * TICK).exp(), (-2.5 * TICK).exp());
        let mut played = history.played();
        let mut before: Option<Decision> = None;
        for doings in &history.ticks {
            let decision = played.tick(doings);
            let caps = [Rail::RateCap, Rail::Announced, Rail::InFlightLimit];
            let calm = |d: &Decision| {
                let capped = |rail| d.rows.iter().any(|row| row.rails.contains(rail));
                !is_disturbed(d) && !caps.iter().any(capped)
            };
            if let Some(before) = before.filter(|before| calm(before) && calm(&decision)) {
                for (old, new) in before.rows.iter().zip(&decision.rows) {
                    let (old, new_share) = (old.granted.fraction(), new.granted.fraction());
                    let most = old.max(from * new.configured.fraction()) * up + room;
                    prop_assert!(new_share <= most, "from {old} to {new_share} in a tick: {before:?} then {decision:?}");
                    prop_assert!(new_share >= old * down - room, "from {old} to {new_share}: {new:?}");
                }
            }
            before = Some(decision);
        }
    }

    #[test]
    fn nothing_moves_without_a_reason(history in history(Mood::Wild, 120)) {
        let mut played = history.played();
        let mut before: Option<Decision> = None;
        for doings in &history.ticks {
            let decision = played.tick(doings);
            for row in &decision.rows {
                let railed = row.rails.iter().any(|rail| *rail != Rail::ColdStart);
                prop_assert!(row.granted == row.proposed || railed, "{row:?}");
            }
            let same = before.as_ref().is_some_and(|before| before.table == decision.table);
            prop_assert!(before.is_none() || decision.moved != same, "`moved` says whether it moved");
            before = Some(decision);
        }
    }

    #[test]
    fn deciding_again_at_the_same_moment_changes_nothing(history in history(Mood::Calm, 60)) {
        let mut played = history.played();
        for doings in &history.ticks {
            let before = played.tick(doings).table;
            let silent: Vec<Doing> = doings.iter().map(|it| Doing { streamed: 0, unary: 0, faults: 0, ..it.clone() }).collect();
            let mut again = played.clone();
            let input = again.input(&silent, 0.0);
            for _ in 0..2 {
                let decision = again.step(&input).decisions.remove(0);
                prop_assert!(!decision.moved, "from {before:?} in no time: {decision:?}");
                prop_assert_eq!(&decision.table, &before);
            }
        }
    }

    #[test]
    fn if_all_fail_requests_still_go_somewhere(
        weights in prop::collection::vec(1u32..100, 1..6),
        ticks in 20usize..120,
    ) {
        let targets: Vec<Configured> = weights.iter().enumerate().map(|(i, w)| Configured::new(i, f64::from(*w))).collect();
        let mut played = Played::new(&targets, Shares::Adaptive);
        let configured = played.memory.tables().next().cloned().unwrap();
        for k in 0..ticks {
            let dead = Doing { streamed: 0, faults: 4, ejected: k % 7 == 3, ..Doing::default() };
            let decision = played.tick(&vec![dead; targets.len()]);
            is_sound(&decision)?;
            for (row, share) in decision.rows.iter().zip(configured.shares()) {
                let (now, was) = (row.granted.fraction(), share.fraction());
                prop_assert!((now - was).abs() < 0.02, "all fail alike: {now} of a configured {was}");
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(8))]

    #[test]
    fn under_constant_input_shares_settle_and_stay(
        slowness in prop::collection::vec(0.7f64..3.0, 2..6),
        rate in 1u32..6,
    ) {
        let targets: Vec<Configured> = (0..slowness.len()).map(|i| Configured::new(i, 1.0)).collect();
        let mut played = Played::new(&targets, Shares::Adaptive);
        let doing = |slowness: &f64| Doing { streamed: rate, slowness: *slowness, ..Doing::default() };
        let doings: Vec<Doing> = slowness.iter().map(doing).collect();
        let moved: Vec<bool> = (0..2_400).map(|_| played.tick(&doings).moved).collect();
        let late = moved[2_000..].iter().filter(|moved| **moved).count();
        prop_assert!(late <= 2, "{late} tables in the last 100 s of 600 s in which nothing changed");
    }
}

struct Dead(usize);

impl Gates for Dead {
    fn gate(&self, _: TargetIndex) -> GateState {
        GateState {
            serving: false,
            ..GateState::default()
        }
    }
    fn standing(&self, _: TargetIndex) -> Standing {
        Standing::default()
    }
}

#[test]
fn when_everybody_is_ejected_draws_follow_the_configured_shares() {
    let gates = Dead(3);
    let weights = [0.5, 0.3, 0.2];
    let configured = weighbridge::balance::WeightTable::from_fractions(&weights).unwrap();
    let granted = weighbridge::balance::WeightTable::from_fractions(&[1.0, 0.0, 0.0]).unwrap();
    let row = Shown {
        granted: &granted,
        configured: &configured,
        guarded: true,
    };
    let mut counts = vec![0.0; gates.0];
    for k in 0..10_000u32 {
        let ask = Ask {
            eligible: &Mask::ALL,
            draw: Draw(k.wrapping_mul(0x9E37_79B9)),
            now: Time::ZERO,
            may_probe: true,
            sticky: None,
        };
        let Admitted { target, .. } = admit(row, &gates, &ask).expect("somebody is asked");
        counts[target.get()] += 1e-4;
    }
    for (count, weight) in counts.iter().zip(weights) {
        assert!(
            (count - weight).abs() < 0.01,
            "{count} of a configured {weight}"
        );
    }
}

#[test]
fn a_newcomer_gets_a_tenth_and_the_others_keep_their_tilt() {
    let old = [Configured::new(0, 1.0), Configured::new(1, 1.0)];
    let mut played = Played::new(&old, Shares::Adaptive);
    let slow = Doing {
        slowness: 1.3,
        ..Doing::default()
    };
    for _ in 0..200 {
        played.tick(&[slow.clone(), Doing::default()]);
    }
    let tilted = played.memory.tables().next().unwrap().shares()[0].fraction();
    let new = [
        Configured::new(0, 1.0),
        Configured::new(1, 1.0),
        Configured::new(2, 1.0),
    ];
    let plan = super::world::plan(&new, Shares::Adaptive);
    let memory = played.memory.carried(&played.plan, &plan);
    let table: Vec<f64> = memory
        .tables()
        .next()
        .unwrap()
        .shares()
        .iter()
        .map(|s| s.fraction())
        .collect();
    assert!(
        (table[2] - 0.1 / 2.1).abs() < 0.02,
        "a tenth of an equal share: {table:?}"
    );
    let ratio = table[0] / (table[0] + table[1]);
    assert!(
        (ratio - tilted).abs() < 1e-3,
        "{ratio} between the two, {tilted} before"
    );
}
