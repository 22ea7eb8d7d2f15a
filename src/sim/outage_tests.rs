//! What is left of an outage of all targets at once, in virtual time: nothing.

use std::fmt::Write as _;

use super::*;

const TARGETS: [(&str, f64); 3] = [("a", 0.5), ("b", 0.3), ("c", 0.2)];
/// The outage begins here; how long it lasts, a world says.
const FROM: f64 = 60.0;

/// Targets that are the same but for their weights, all of which fail `part` of their requests for `seconds`.
fn world(rps: f64, seconds: f64, part: f64) -> Scenario {
    let to = FROM + seconds;
    let mut text = format!(
        "name = \"outage\"\nseconds = {}\n[load]\nrps = {rps}\ntokens_in = 20\ntimeout = 10\n\
         tokens_out = {{ median = 8, spread = 0.5, min = 3, max = 30 }}\n\
         [fault]\ntarget = \"a\"\nfrom = {FROM}\nto = {to}\n",
        to + 90.0
    );
    for (target, weight) in TARGETS {
        writeln!(
            text,
            "[target.{target}]\nweight = {weight}\nttft_ms = 120\ntpot_ms = 10\nspread = 0.3\nerror_status = 503\n\
             error_rate = [[0, 0.002], [{FROM}, {part}], [{to}, 0.002]]"
        )
        .unwrap();
    }
    Scenario::read(&text).unwrap()
}

/// How far from the configured ones shares are between these seconds after the outage: half the sum of what they are off.
fn stray(world: &Scenario, seed: u64, (from, to): (f64, f64)) -> f64 {
    let adaptive = Candidate::named("adaptive").unwrap();
    let run = adaptive.run(world, seed, Failover::On).unwrap();
    let end = world.fault.as_ref().unwrap().to;
    let mut counts = [0.0; TARGETS.len()];
    for tried in &run.tried {
        let at = tried.at.as_secs_f64() - end;
        counts[tried.target] += f64::from(u8::from((from..to).contains(&at)));
    }
    let all: f64 = counts.iter().sum();
    let off = counts.iter().zip(TARGETS);
    0.5 * off
        .map(|(count, (_, weight))| (count / all - weight).abs())
        .sum::<f64>()
}

#[test]
fn half_a_minute_after_an_outage_of_all_each_has_its_share_again() {
    for (rps, seconds, part) in [(10.0, 18.0, 1.0), (50.0, 18.0, 1.0), (50.0, 120.0, 0.8)] {
        let world = world(rps, seconds, part);
        let strayed: Vec<f64> = (1..=8)
            .map(|seed| stray(&world, seed, (30.0, 90.0)))
            .collect();
        let mean = strayed.iter().sum::<f64>() / strayed.len() as f64;
        let most = strayed.iter().copied().fold(0.0, f64::max);
        assert!(
            mean < 0.08 && most < 0.25,
            "{part} of all fails for {seconds} s at {rps} requests/s: {strayed:?} off"
        );
    }
}
