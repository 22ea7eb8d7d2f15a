//! Claims about the controller, shown in virtual time.

use super::*;
use crate::balance::Strategy;

/// Three targets at 60/30/10 that follow the same law.
fn identical(streamed: f64, seconds: f64) -> Scenario {
    let target = |weight: f64| {
        format!(
            "weight = {weight}\nttft_ms = 500\ntpot_ms = 15\nspread = 0.35\nerror_rate = 0.003\n"
        )
    };
    let text = format!(
        "name = \"identical\"\nseconds = {seconds}\n[load]\nrps = 10.0\nstreamed = {streamed}\n\
         tokens_out = {{ median = 150, spread = 0.8, min = 5, max = 600 }}\n\
         [target.a]\n{}[target.b]\n{}[target.c]\n{}",
        target(0.6),
        target(0.3),
        target(0.1)
    );
    toml::from_str(&text).unwrap()
}

#[test]
fn identical_targets_keep_their_configured_shares() {
    for streamed in [1.0, 0.7, 0.3, 0.0] {
        for seed in 1..=3 {
            let run = run(&identical(streamed, 600.0), seed, Strategy::Adaptive).unwrap();
            let departure = run.departure();
            assert!(
                departure <= 0.03,
                "departs by {departure} with {streamed} streamed, seed {seed}"
            );
            assert_eq!(
                run.ejections, 0,
                "healthy targets are never ejected, seed {seed}"
            );
        }
    }
}
