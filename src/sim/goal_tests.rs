//! Claims about goals and tiers, shown in virtual time.

use super::*;
use crate::balance::{
    Decision, Goal, Level, Measure, Objective, Share, Statistic, Strategy, Timing, explain,
};
use crate::model::Time;

const SEEDS: std::ops::RangeInclusive<u64> = 1..=3;

/// Three targets at 6/3/1, ever dearer; `laws` are further keys of each.
fn world(head: &str, laws: [&str; 3]) -> Scenario {
    let [a, b, c] = laws;
    let text = format!(
        "name = \"world\"\n{head}\n\
         tokens_out = {{ median = 120, spread = 0.7, min = 5, max = 500 }}\n\
         [target.a]\nweight = 0.6\nprice_out = 600_000\n{a}\n\
         [target.b]\nweight = 0.3\nprice_out = 2_000_000\n{b}\n\
         [target.c]\nweight = 0.1\nprice_out = 4_000_000\n{c}\n"
    );
    Scenario::read(&text).unwrap()
}

const LOAD: &str = "seconds = 320\n[load]\nrps = 10";

fn goal(measure: Measure, at_most: f64) -> Goal {
    Goal {
        levels: vec![Level { measure, at_most }],
    }
}

/// A first token's p95 of 1.5 s.
fn p95() -> Goal {
    goal(Measure::Time(Timing::FirstToken, Statistic::P95), 1.5)
}

fn then(preset: &str) -> Objective {
    let mut presets = Objective::PRESETS.iter();
    presets.find(|(name, _)| *name == preset).unwrap().1
}

/// What came of a run under a goal.
struct Aimed {
    run: Run,
    shares: Vec<(Time, Vec<Share>)>,
    last: Decision,
}

fn aim(scenario: &Scenario, goal: &Goal, objective: Objective, seed: u64) -> Aimed {
    let ours = Ours::new(scenario, Strategy::Adaptive, seed, 0).unwrap();
    let mut replicas = [ours.remembering().aiming_at(goal.clone(), objective)];
    let run = run(scenario, seed, Failover::On, &mut replicas);
    let [ours] = replicas;
    Aimed {
        run,
        shares: ours.history.unwrap(),
        last: ours.last.unwrap(),
    }
}

impl Aimed {
    fn share(&self, i: usize, seconds: f64) -> f64 {
        let past = self.shares.iter().rev();
        let in_force = past.into_iter().find(|(at, _)| at.as_secs_f64() <= seconds);
        in_force.map_or(0.0, |(_, shares)| shares[i].fraction())
    }

    fn mean(&self, i: usize, from: f64, to: f64) -> f64 {
        let at = |k: i32| from + (to - from) * (f64::from(k) + 0.5) / 100.0;
        (0..100).map(|k| self.share(i, at(k))).sum::<f64>() / 100.0
    }

    fn failures(&self) -> usize {
        self.run
            .counted()
            .filter(|served| served.end != End::Answered)
            .count()
    }
}

#[test]
fn a_cheap_target_that_misses_the_level_is_left_for_the_cheaper_of_those_that_meet_it() {
    let sick = "ttft_ms = [[0, 500], [100, 2000], [200, 500]]";
    for seed in SEEDS {
        let aimed = aim(&world(LOAD, [sick, "", ""]), &p95(), then("cost"), seed);
        assert!(
            aimed.mean(0, 60.0, 100.0) > 0.9,
            "seed {seed}: all meet it, a is cheapest"
        );
        assert!(
            aimed.mean(0, 115.0, 200.0) < 0.05,
            "seed {seed}: a is left while it misses it"
        );
        assert!(
            aimed.mean(1, 115.0, 200.0) > 0.9,
            "seed {seed}: b is the cheaper of the others"
        );
        assert!(
            aimed.mean(0, 290.0, 320.0) > 0.9,
            "seed {seed}: a is back when it meets it"
        );
    }
}

#[test]
fn the_same_without_a_goal_stays_with_the_cheap_one() {
    let sick = "ttft_ms = [[0, 500], [100, 2000], [200, 500]]";
    let aimed = aim(
        &world(LOAD, [sick, "", ""]),
        &Goal::default(),
        then("cost"),
        1,
    );
    assert!(
        aimed.mean(0, 115.0, 200.0) > 0.5,
        "so the goal is what moved it above"
    );
}

#[test]
fn a_second_mode_of_one_in_eight_misses_a_p95_that_the_mean_does_not_show() {
    let modes = "tail = { p = 0.12, factor = 6.0 }";
    for seed in SEEDS {
        let aimed = aim(&world(LOAD, [modes, "", ""]), &p95(), then("cost"), seed);
        assert!(
            aimed.mean(0, 60.0, 320.0) < 0.1,
            "seed {seed}: {}",
            aimed.mean(0, 60.0, 320.0)
        );
    }
}

#[test]
fn near_the_level_shares_do_not_flap() {
    // Its p95 is 1.5 s.
    let near = "ttft_ms = 900";
    for seed in SEEDS {
        let aimed = aim(&world(LOAD, [near, "", ""]), &p95(), then("cost"), seed);
        let moves = aimed.shares.windows(2).filter(|pair| {
            pair[0].0.as_secs_f64() > 30.0
                && (pair[0].1[0].fraction() - pair[1].1[0].fraction()).abs() > 0.1
        });
        assert!(
            moves.count() <= 4,
            "seed {seed}: a move of ten points is rare"
        );
    }
}

#[test]
fn identical_targets_that_meet_the_levels_keep_their_configured_shares() {
    let same = "price_out = 600_000";
    let text = format!(
        "name = \"same\"\n{LOAD}\n[target.a]\nweight = 0.6\n{same}\n\
         [target.b]\nweight = 0.3\n{same}\n[target.c]\nweight = 0.1\n{same}\n"
    );
    let same = Scenario::read(&text).unwrap();
    for seed in SEEDS {
        let aimed = aim(&same, &p95(), then("cost"), seed);
        for (i, configured) in [0.6, 0.3, 0.1].into_iter().enumerate() {
            let mean = aimed.mean(i, 20.0, 320.0);
            assert!(
                (mean - configured).abs() < 0.02,
                "seed {seed}: {mean} of {configured}"
            );
        }
    }
}

#[test]
fn identical_targets_that_all_miss_the_level_stay_near_their_configured_shares() {
    let law = "price_out = 600_000\nttft_ms = 2500";
    let text = format!(
        "name = \"same\"\n{LOAD}\n[target.a]\nweight = 0.6\n{law}\n\
         [target.b]\nweight = 0.3\n{law}\n[target.c]\nweight = 0.1\n{law}\n"
    );
    let same = Scenario::read(&text).unwrap();
    for seed in 1..=6 {
        let aimed = aim(&same, &p95(), then("cost"), seed);
        let off = |(i, configured): (usize, f64)| (aimed.mean(i, 20.0, 320.0) - configured).abs();
        let off = [0.6, 0.3, 0.1]
            .into_iter()
            .enumerate()
            .map(off)
            .sum::<f64>()
            / 2.0;
        assert!(off < 0.06, "seed {seed}: {off} off over five minutes");
    }
}

#[test]
fn where_nobody_meets_the_level_the_least_violation_wins() {
    let laws = ["ttft_ms = 2600", "ttft_ms = 1900", "ttft_ms = 1300"];
    for seed in SEEDS {
        let aimed = aim(&world(LOAD, laws), &p95(), then("cost"), seed);
        let mean = |i| aimed.mean(i, 60.0, 320.0);
        assert!(
            mean(2) > 0.7 && mean(0) < 0.05,
            "seed {seed}: {} {} {}",
            mean(0),
            mean(1),
            mean(2)
        );
        let head = &explain(&aimed.last)[0];
        assert!(head.contains("no target meets your 1.5 s"), "{head}");
    }
}

#[test]
fn a_target_that_fails_more_than_the_level_allows_is_left() {
    let failing = "error_rate = [[0, 0.001], [100, 0.06], [200, 0.001]]";
    let errors = goal(Measure::Errors, 0.005);
    let healthy = "error_rate = 0.001";
    let long = LOAD.replace("320", "500");
    for seed in SEEDS {
        let aimed = aim(
            &world(&long, [failing, healthy, healthy]),
            &errors,
            then("cost"),
            seed,
        );
        assert!(aimed.mean(0, 60.0, 100.0) > 0.9, "seed {seed}: before");
        assert!(
            aimed.mean(0, 130.0, 170.0) < 0.3,
            "seed {seed}: {}",
            aimed.mean(0, 130.0, 170.0)
        );
        let back = aimed.mean(0, 480.0, 500.0);
        assert!(
            back > 0.9,
            "seed {seed}: and back, when some hundred answers were good: {back}"
        );
    }
}

/// Prepaid capacity of `law` in tier 1 and a slower, paid target in tier 2, under a load that exceeds it from 100 to 200 s.
fn tiers(law: &str, tier: u8) -> Scenario {
    let text = format!(
        "name = \"tiers\"\nseconds = 320\n[load]\nrps = [[0, 8], [100, 30], [200, 8]]\n\
         tokens_out = {{ median = 120, spread = 0.7, min = 5, max = 500 }}\n\
         [target.ptu]\nweight = 1\ntier = 1\nprice_out = 0\n{law}\n\
         [target.paygo]\nweight = 1\ntier = {tier}\nprice_out = 2_000_000\nttft_ms = 700\n"
    );
    Scenario::read(&text).unwrap()
}

#[test]
fn prepaid_capacity_is_filled_first_and_what_is_over_spills_and_comes_back() {
    for law in ["rate_limit = { rps = 15.0, burst = 15.0 }", "servers = 40"] {
        for seed in SEEDS {
            let aimed = aim(&tiers(law, 2), &Goal::default(), Objective::default(), seed);
            let tried = |i: usize, from: f64, to: f64| {
                let within = aimed.run.tried.iter().filter(|tried| {
                    tried.target == i && (from..to).contains(&tried.at.as_secs_f64())
                });
                within.count()
            };
            let spilled = tried(0, 30.0, 100.0);
            assert!(
                spilled < 30,
                "{law}, seed {seed}: {spilled} spilled while there was room"
            );
            let during = tried(0, 120.0, 200.0);
            assert!(
                during > 600,
                "{law}, seed {seed}: only {during} of 1,200 that are over spill"
            );
            let kept = tried(1, 120.0, 200.0);
            assert!(
                kept > 600,
                "{law}, seed {seed}: {kept} are in the prepaid tier"
            );
            let after = tried(0, 260.0, 320.0);
            assert!(
                after < 60,
                "{law}, seed {seed}: {after} still spill afterwards"
            );
            let flat = aim(&tiers(law, 1), &Goal::default(), Objective::default(), seed);
            assert!(
                aimed.failures() <= flat.failures() + 5,
                "{law}, seed {seed}: {} failures, {} without tiers",
                aimed.failures(),
                flat.failures()
            );
        }
    }
}

#[test]
fn a_dead_tier_spills_all_of_it() {
    let dead = "error_rate = [[0, 0.001], [100, 1.0], [200, 0.001]]";
    for seed in SEEDS {
        let aimed = aim(
            &tiers(dead, 2),
            &Goal::default(),
            Objective::default(),
            seed,
        );
        assert!(
            aimed.mean(1, 60.0, 100.0) > 0.99,
            "seed {seed}: tier 1 has it all"
        );
        assert!(
            aimed.mean(0, 110.0, 200.0) > 0.95,
            "seed {seed}: {}",
            aimed.mean(0, 110.0, 200.0)
        );
        assert!(aimed.mean(1, 260.0, 320.0) > 0.95, "seed {seed}: and back");
    }
}

#[test]
fn the_statistic_of_the_objective_says_how_much_a_tail_counts() {
    // One answer in twelve takes five times as long, and the others are quicker by as much: the means are those of b and c.
    let tailed = "tail = { p = 0.08, factor = 5.0 }\nttft_ms = 379\ntpot_ms = 11.4";
    let scenario = world(LOAD, [tailed, "", ""]);
    for seed in SEEDS {
        let share = |statistic| {
            let objective = Objective {
                statistic,
                ..then("latency")
            };
            aim(&scenario, &Goal::default(), objective, seed).mean(0, 120.0, 320.0)
        };
        let (mean, p95, p50) = (
            share(Statistic::Mean),
            share(Statistic::P95),
            share(Statistic::P50),
        );
        let told = format!("seed {seed}: by the median {p50}, the mean {mean}, the p95 {p95}");
        assert!(
            p50 > mean + 0.1,
            "most of its answers are the quickest: {told}"
        );
        assert!(p95 < 0.5 * mean, "its slow ones are the slowest: {told}");
    }
}
