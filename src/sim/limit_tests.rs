//! Limits of targets, shown in virtual time.

use super::*;

/// The mean regret of our controller in a scenario of the base suite, over three seeds.
fn regret(name: &str, failover: Failover) -> f64 {
    let base = SUITES.iter().find(|suite| suite.name == "base").unwrap();
    let worlds = base.scenarios().unwrap();
    let world = worlds.iter().find(|world| world.name == name).unwrap();
    let who = ["adaptive", "oracle"].map(|name| Candidate::named(name).unwrap());
    let seeds = 1..=3_u64;
    let found = seeds.map(|seed| {
        let figures = compare(world, seed, failover, &who).unwrap();
        figures[0].regret.unwrap()
    });
    found.sum::<f64>() / 3.0
}

#[test]
fn a_target_whose_window_empties_each_minute_is_used_in_the_next_with_failover() {
    // Blocked until the reset, it takes nothing for most of a minute, which says nothing against its rate.
    let found = regret("25-rpm-window", Failover::On);
    assert!(found < 0.02, "{found}");
}

/// Three equal targets, the largest of which is eight times slower and fails half the time from second 15 to 25.
const TEN_SECONDS: &str = r#"
name = "ten-seconds"
seconds = 60
replicas = 1
prices = "per_answer"
[load]
rps = 45.0
tokens_in = 400
tokens_out = { median = 100, spread = 0.5, min = 5, max = 600 }
streamed = 0.7
client_fault = 0.0
timeout = 60.0
[target.a]
weight = 0.6
ttft_ms = [[0, 250], [15, 2000], [25, 250]]
tpot_ms = [[0, 4], [15, 32], [25, 4]]
spread = 0.12
error_rate = [[0, 0.0], [15, 0.5], [25, 0.0]]
servers = 80
price_in = 0.0
price_out = 1.0
[target.b]
weight = 0.25
ttft_ms = 250
tpot_ms = 4
spread = 0.12
error_rate = 0
servers = 80
price_in = 0.0
price_out = 1.0
[target.c]
weight = 0.15
ttft_ms = 250
tpot_ms = 4
spread = 0.12
error_rate = 0
servers = 80
price_in = 0.0
price_out = 1.0
"#;

#[test]
fn after_ten_bad_seconds_a_target_has_its_share_back_within_thirty() {
    let world = Scenario::read(TEN_SECONDS).unwrap();
    for seed in 1..=20 {
        let adaptive = Candidate::named("adaptive").unwrap();
        let run = adaptive.run(&world, seed, Failover::On).unwrap();
        let line = Timeline::of(&world, &run);
        let moments = line.moments.iter().enumerate();
        let last = moments.filter(|(i, _)| line.window * *i as f64 >= 55.0);
        let shares: Vec<f64> = last.map(|(_, moment)| moment.shares[0]).collect();
        let share = shares.iter().sum::<f64>() / shares.len() as f64;
        assert!(share > 0.5, "seed {seed}: {share} of 0.6");
    }
}
