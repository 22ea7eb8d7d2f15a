//! Laws about one target that gets better or worse, all else being alike.

use proptest::prelude::*;
use weighbridge::balance::{Decision, Row};

use super::world::{Configured, Doing, History, Mood, cases, history};

/// The last decisions about a history as it was, and with `change` on target 0 from this tick on.
fn both(history: &History, from: usize, change: impl Fn(&mut Doing)) -> (Decision, Decision) {
    let mut played = history.played();
    let (before, after) = history.ticks.split_at(from);
    for doings in before {
        played.tick(doings);
    }
    let (mut as_was, mut changed) = (played.clone(), played);
    let tick = |doings: &Vec<Doing>| {
        let mut others = doings.clone();
        change(&mut others[0]);
        (as_was.tick(doings), changed.tick(&others))
    };
    after.iter().map(tick).last().unwrap()
}

/// The proposed share of target 0 after the last tick, as it was and with `worsen` on that target.
fn worsened(history: &History, worsen: impl Fn(&mut Doing)) -> (f64, f64) {
    let (good, bad) = both(history, history.ticks.len() - 1, worsen);
    let share = |decision: Decision| decision.rows[0].proposed.fraction();
    (share(good), share(bad))
}

/// Its streams fail at once in place of being answered.
fn fail_streams(doing: &mut Doing) {
    doing.faults += std::mem::take(&mut doing.streamed);
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn more_latency_never_raises_a_share(history in history(Mood::Calm, 25), factor in 1.0f64..5.0) {
        let (good, bad) = worsened(&history, |doing| doing.slowness *= factor);
        prop_assert!(bad <= good + 1e-4, "{good} before, {bad} when {factor} times slower");
    }

    #[test]
    fn more_cost_never_raises_a_share(history in history(Mood::Calm, 25), factor in 1u64..5) {
        let (good, bad) = worsened(&history, |doing| doing.price *= factor);
        prop_assert!(bad <= good + 1e-6, "{good} before, {bad} when {factor} times dearer");
    }

    #[test]
    fn more_errors_never_raise_a_share(history in history(Mood::Calm, 25), more in 1u32..8) {
        let (good, bad) = worsened(&history, |doing| doing.faults += more);
        prop_assert!(bad <= good + 1e-6, "{good} before, {bad} with {more} faults more");
    }

    #[test]
    fn a_quick_failure_says_nothing_of_times(history in history(Mood::Calm, 60)) {
        // In place of an answer it may raise a share: the answer would have told something, and what it tells may be
        // worth more than a failure costs. Beside a request that was not sent it never does.
        let mut history = history;
        let Some(last) = history.ticks.last_mut() else { return Ok(()) };
        let failing = std::mem::take(&mut last[0].streamed);
        let (silent, failed) = both(&history, history.ticks.len() - 1, |doing| doing.faults += failing);
        let (silent, failed) = (&silent.rows[0], &failed.rows[0]);
        let times = |row: &Row| (row.evidence.slowness, row.evidence.first_token, row.evidence.per_token);
        prop_assert_eq!(times(silent), times(failed));
        prop_assert!(
            failed.proposed.ppm() <= silent.proposed.ppm() + 1,
            "{} when not asked, {} with {failing} quick failures", silent.proposed, failed.proposed
        );
    }

    #[test]
    fn three_seconds_of_quick_failures_in_place_of_answers_never_raise_a_share(history in history(Mood::Calm, 40)) {
        // Unary answers go on: they alone say then how quick it is.
        let (good, bad) = both(&history, history.ticks.len() - 12, fail_streams);
        let (good, bad) = (good.rows[0].proposed.fraction(), bad.rows[0].proposed.fraction());
        prop_assert!(bad <= good + 1e-6, "{good} with answers, {bad} with quick failures instead");
    }

    #[test]
    fn what_a_target_answers_changes_no_other_loss_in_its_tick(history in history(Mood::Calm, 25), factor in 0.2f64..5.0) {
        let (one, other) = both(&history, history.ticks.len() - 1, |doing| doing.slowness *= factor);
        for (one, other) in one.rows.iter().zip(&other.rows).skip(1) {
            let (one, other) = (one.terms.loss(), other.terms.loss());
            prop_assert!((one / other - 1.0).abs() < 1e-9, "{one} before, {other} when another is {factor} times slower");
        }
    }
}

/// What was found: what time is divided by, and what unary answers are, was learned from the answers that it was then used to
/// judge. So a late unary answer made those of the others count for quicker, and a part of the shares that moved among them
/// came to the target that was late.
#[test]
fn a_late_unary_answer_makes_nobody_else_quicker() {
    let targets: Vec<Configured> = (0..3).map(|i| Configured::new(i, 1.0)).collect();
    let doing = |streamed, unary, slowness| Doing {
        streamed,
        unary,
        slowness,
        ..Doing::default()
    };
    let tick = vec![doing(2, 1, 1.0), doing(1, 3, 1.1), doing(3, 1, 1.4)];
    let history = History {
        targets,
        ticks: vec![tick; 25],
    };
    let (good, bad) = both(&history, 24, |doing| doing.slowness *= 3.3);
    for (good, bad) in good.rows.iter().zip(&bad.rows).skip(1) {
        let (good, bad) = (good.terms.loss(), bad.terms.loss());
        assert!((good / bad - 1.0).abs() < 1e-9, "{good} and {bad}");
    }
}

/// Two targets whose answers vary by chance for 15 s; then the first answers as quickly as it ever did, for `last` ticks, and
/// the other is not asked.
fn surprised(last: usize) -> History {
    let mut state = 347u32;
    let mut draw = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    let mut one = || Doing {
        streamed: draw(3),
        unary: draw(4),
        slowness: 0.8 + 0.1 * f64::from(draw(9)),
        ..Doing::default()
    };
    let quick = Doing {
        streamed: 1,
        unary: 3,
        slowness: 0.8,
        ..Doing::default()
    };
    let silent = Doing {
        streamed: 0,
        ..Doing::default()
    };
    let mut ticks: Vec<Vec<Doing>> = (0..60).map(|_| vec![one(), one()]).collect();
    ticks.extend(vec![vec![quick, silent]; last]);
    History {
        targets: vec![Configured::new(0, 1.0), Configured::new(1, 1.0)],
        ticks,
    }
}

/// What was found: answers that are suddenly quicker unsettle what is known, and who is ahead is then less surely so. Whoever
/// fails in place of such an answer keeps more of its share for a moment (0.85, and 0.72 with the answer), which is the worth
/// of the answer and not that of the failure: it is less than when nobody had asked it (0.91), and not for long.
#[test]
fn a_failure_in_place_of_a_surprising_answer_gains_nothing_that_lasts() {
    let of = |decision: Decision| decision.rows[0].proposed.fraction();
    let moment = surprised(1);
    let (_, failed) = both(&moment, 60, fail_streams);
    let (_, silent) = both(&moment, 60, |doing| doing.streamed = 0);
    let (failed, silent) = (of(failed), of(silent));
    assert!(failed < silent - 0.01, "{failed} failing, {silent} unasked");

    let (answered, failed) = both(&surprised(12), 60, fail_streams);
    let (answered, failed) = (of(answered), of(failed));
    assert!(failed < answered, "{failed} failing, {answered} answering");
}
