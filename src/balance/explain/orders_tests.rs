//! Claims about sentences on who has a hand in a share: operators' orders, the mode, a budget.

use super::super::tests::{decision, row, shares};
use crate::balance::decision::{Rail, Spent};
use crate::balance::gate::Cause;
use crate::balance::{Health, Hold, Overruled, Share, Strategy, explain, explain_target};
use crate::model::{TargetName, Time};

#[test]
fn an_order_is_told_with_who_until_when_and_why() {
    let order = |hold: Hold, until: f64| {
        let mut held = row("a");
        shares(&mut held, 300_000, 300_000);
        // What it does by itself is not why.
        held.terms.error = 2.0;
        held.rails.insert(hold.rail());
        held.overruled = Some(Overruled {
            hold,
            by: "ada".to_owned(),
            reason: "incident 4711".to_owned(),
            until: Time::from_secs_f64(until),
        });
        explain(&decision(vec![held, row("b")]))[1].clone()
    };
    assert_eq!(
        order(Hold::Pinned, 7_500.0),
        "a: takes 30 % instead of its configured 50 %; pinned at 30 % by order of ada until 02:05 UTC: incident 4711"
    );
    assert_eq!(
        order(Hold::Frozen, 90_000.0),
        "a: takes 30 % instead of its configured 50 %; frozen at 30 % by order of ada until 1970-01-02 01:00 UTC: incident 4711"
    );
    let drained = order(Hold::Drained, 7_500.0);
    assert!(
        drained.ends_with("; drained by order of ada until 02:05 UTC: incident 4711"),
        "{drained}"
    );
}

#[test]
fn in_shadow_it_is_told_what_would_be_and_what_is() {
    let mut openai = row("openai");
    shares(&mut openai, 1_000_000, 500_000);
    openai.terms.latency = 1.0;
    openai.if_obeyed = Some(Share::from_ppm(900_000));
    openai.rails = [Rail::Step, Rail::Shadow].into();
    let mut own = row("own");
    shares(&mut own, 0, 500_000);
    own.terms.error = 2.0;
    own.evidence.faults = 0.38;
    own.if_obeyed = Some(Share::from_ppm(100_000));
    own.rails = [Rail::Shadow].into();
    let told = decision(vec![openai, own]);
    let lines = explain(&told);
    assert_eq!(
        lines,
        [
            "chat: configured shares, held in shadow; they would follow latency, cost and errors; 12 requests/s; would move 40 points off own: 38 % of its \
             requests fail",
            "openai: would take 90 %: it is the most reliable; on its way to 100 %, a step at a time; takes its \
             configured 50 % (shadow)",
            "own: would take 10 %: 38 % of its requests fail; takes its configured 50 % (shadow)",
        ]
    );
    assert_eq!(explain_target(&told, &told.rows[1]), lines[2]);
}

#[test]
fn an_order_is_obeyed_in_shadow_and_told_so() {
    for (hold, words) in [
        (
            Hold::Pinned,
            "a: takes its configured 50 %; pinned at 50 % by order of ada",
        ),
        (
            Hold::Drained,
            "a: takes its configured 50 %; drained by order of ada",
        ),
    ] {
        let mut held = row("a");
        held.if_obeyed = Some(held.granted);
        held.rails = [hold.rail(), Rail::Shadow].into();
        held.overruled = Some(Overruled {
            hold,
            by: "ada".to_owned(),
            reason: "incident 4711".to_owned(),
            until: Time::from_secs_f64(7_500.0),
        });
        let line = explain(&decision(vec![held, row("b")]))[1].clone();
        assert_eq!(line, format!("{words} until 02:05 UTC: incident 4711"));
    }
}

#[test]
fn what_an_order_makes_of_a_weight_is_not_called_configured() {
    let order = Overruled {
        hold: Hold::Drained,
        by: "ada".into(),
        reason: "incident 4711".into(),
        until: Time::from_secs_f64(7_500.0),
    };
    let mut drained = row("a");
    shares(&mut drained, 0, 0);
    drained.configured = Share::ZERO;
    drained.as_filed = Some(Share::from_ppm(500_000));
    drained.rails = [Rail::Drained].into();
    drained.overruled = Some(order);
    let mut other = row("b");
    shares(&mut other, 1_000_000, 1_000_000);
    other.configured = Share::WHOLE;
    other.as_filed = Some(Share::from_ppm(500_000));
    let mut made = decision(vec![drained, other]);
    assert_eq!(
        explain(&made)[1..],
        [
            "a: takes 0 % instead of its configured 50 %; drained by order of ada until 02:05 UTC: incident 4711",
            "b: takes 100 % instead of its configured 50 %; a is drained by order",
        ]
    );
    made.strategy = Strategy::Fixed;
    assert!(explain(&made)[0].contains("configured shares with operators' orders on top, held"));
}

#[test]
fn a_spent_budget_goes_before_all_else_that_is_said_of_a_target_in_service() {
    let mut away = row("a");
    away.spent = Some(Spent {
        budget: "this day's budget of provider \"one\"".into(),
        until: Time::from_secs_f64(1_796_083_200.0),
        refuses: false,
    });
    let mut out = away.clone();
    out.name = TargetName::new("c").unwrap();
    out.health = Health::Ejected {
        until: Time::from_secs_f64(130.0),
        cause: Cause::Faults,
    };
    let lines = explain(&decision(vec![away, row("b"), out]));
    let why = "this day's budget of provider \"one\" is spent, until 2026-12-01 00:00 UTC";
    assert_eq!(lines[1], format!("a: takes nothing: {why}"));
    let more = "; more than that while another's budget is spent";
    assert!(lines[2].ends_with(more), "{}", lines[2]);
    let out = &lines[3];
    assert!(out.starts_with("c: ejected because"), "{out}");
    assert!(out.ends_with(&format!("; {why}")), "{out}");
}

#[test]
fn a_target_whose_budget_has_its_requests_refused_is_told_as_that_and_gives_nobody_more() {
    let mut refusing = row("a");
    refusing.spent = Some(Spent {
        budget: "this day's budget of provider \"one\"".into(),
        until: Time::from_secs_f64(1_796_083_200.0),
        refuses: true,
    });
    let lines = explain(&decision(vec![refusing, row("b")]));
    assert_eq!(
        lines[1],
        "a: its requests are refused (429): this day's budget of provider \"one\" is spent, until 2026-12-01 00:00 UTC"
    );
    assert!(!lines[2].contains("more than that"), "{}", lines[2]);
}
