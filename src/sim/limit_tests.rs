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
