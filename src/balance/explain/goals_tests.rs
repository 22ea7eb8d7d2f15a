//! Claims about sentences on levels and tiers.

use super::super::tests::{attainment, decision, row, shares};
use crate::balance::explain;
use crate::balance::{Attainment, Decision, Goal, Objective, Rail, Row, Share};

/// The lines about `rows` under a goal of that level, after which cost counts.
fn under_a_goal(rows: Vec<Row>) -> Vec<String> {
    let level = attainment(0.0, 0.0).level;
    let cost = Objective::PRESETS.iter().find(|(name, _)| *name == "cost");
    explain(&Decision {
        goal: Goal {
            levels: vec![level],
        },
        objective: cost.unwrap().1,
        ..decision(rows)
    })
}

#[test]
fn a_missed_level_is_told_in_its_units() {
    let (mut azure, mut groq) = (row("azure"), row("groq"));
    shares(&mut azure, 380_000, 380_000);
    azure.levels = vec![attainment(1.9, 0.27)];
    shares(&mut groq, 620_000, 620_000);
    groq.levels = vec![attainment(0.7, 0.0)];
    assert_eq!(
        under_a_goal(vec![azure, groq]),
        [
            "chat: shares keep the first token's p95 within 1.5 s, then follow mainly cost, and latency and \
             errors; 12 requests/s; moved 12 points off azure: its first token's p95 is 1.9 s, over your 1.5 s",
            "azure: takes 38 % instead of its configured 50 %: its first token's p95 is 1.9 s, over your 1.5 s",
            "groq: takes 62 % instead of its configured 50 %: it meets your levels, which azure does not",
        ]
    );
}

#[test]
fn where_all_meet_the_levels_the_objective_is_told() {
    let (mut groq, mut azure) = (row("groq"), row("azure"));
    for (row, cost, term) in [(&mut groq, 0.000_21, 0.4), (&mut azure, 0.001_31, 2.0)] {
        row.levels = vec![attainment(0.7, 0.0)];
        row.evidence.cost = Some(cost);
        row.terms.cost = term;
    }
    shares(&mut groq, 990_000, 800_000);
    groq.rails.insert(Rail::Ceiling);
    shares(&mut azure, 10_000, 200_000);
    azure.rails.insert(Rail::Displaced);
    assert_eq!(
        under_a_goal(vec![groq, azure])[0..3],
        [
            "chat: shares keep the first token's p95 within 1.5 s, then follow mainly cost, and latency and \
             errors; 12 requests/s; all targets meet your 1.5 s; the cheapest takes what its ceiling allows",
            "groq: takes 80 % instead of its configured 50 %: it is the cheapest; held at 80 % by its max_share",
            "azure: takes 20 % instead of its configured 50 %: costs $1.10 per thousand answers more than groq; \
             more than its own, since others are held below theirs",
        ]
    );
}

#[test]
fn where_nobody_meets_the_levels_that_is_told_first() {
    let (mut a, mut b) = (row("a"), row("b"));
    shares(&mut a, 100_000, 100_000);
    a.levels = vec![attainment(3.0, 0.9)];
    shares(&mut b, 900_000, 900_000);
    b.levels = vec![attainment(2.0, 0.3)];
    let lines = under_a_goal(vec![a, b]);
    assert!(
        lines[0].ends_with("; no target meets your 1.5 s: those that are least over it get most"),
        "{lines:#?}"
    );
    assert_eq!(
        lines[2],
        "b: takes 90 % instead of its configured 50 %: it is least over your levels"
    );
}

#[test]
fn what_fails_before_it_has_a_time_is_told_as_such() {
    let mut failing = row("a");
    shares(&mut failing, 100_000, 100_000);
    failing.levels = vec![Attainment {
        value: None,
        ..attainment(0.0, 2.0)
    }];
    assert_eq!(
        under_a_goal(vec![failing, row("b")])[1],
        "a: takes 10 % instead of its configured 50 %: so many of its requests fail that your first token's p95 \
         of 1.5 s is missed"
    );
}

#[test]
fn tiers_say_who_is_full_and_what_spills() {
    let (mut ptu, mut paygo, mut spare) = (row("ptu"), row("paygo"), row("spare"));
    ptu.configured = Share::from_ppm(999_800);
    shares(&mut ptu, 650_000, 650_000);
    ptu.rails.insert(Rail::Spills);
    for (row, tier, granted) in [(&mut paygo, 2, 350_000), (&mut spare, 3, 100)] {
        row.tier = tier;
        row.configured = Share::from_ppm(100);
        shares(row, granted, granted);
    }
    assert_eq!(
        explain(&decision(vec![ptu, paygo, spare])),
        [
            "chat: shares follow latency, cost and errors; 12 requests/s; tier 1 is full at 8.0 requests a second; \
             the rest spills",
            "ptu: takes 65 % instead of its configured 100 %; what is more goes to the next tier",
            "paygo: takes 35 %, which tier 1 has no room for",
            "spare: waits for what tier 2 has no room for",
        ]
    );
}

#[test]
fn a_min_share_in_an_upper_tier_is_no_sign_of_a_full_one() {
    let (mut ptu, mut paygo) = (row("ptu"), row("paygo"));
    ptu.configured = Share::from_ppm(999_900);
    shares(&mut ptu, 900_000, 900_000);
    paygo.tier = 2;
    paygo.configured = Share::from_ppm(100);
    shares(&mut paygo, 100_000, 100_000);
    paygo.rails.insert(Rail::Floor);
    assert_eq!(
        explain(&decision(vec![ptu, paygo])),
        [
            "chat: shares follow latency, cost and errors; 12 requests/s; moved 10 points off ptu: paygo has its min_share",
            "ptu: takes 90 % instead of its configured 100 %: paygo has its min_share",
            "paygo: takes 10 % while tier 1 has room; held up at 10 % by its min_share",
        ]
    );
}
