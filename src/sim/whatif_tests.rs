//! What `whatif` says against what happens: journals of `fixed`, and runs of `adaptive` in the same worlds.

use super::*;
use crate::balance::Strategy;
use crate::journal::{Heard, Line, Other, Place, Replay, RouteWhatif, Whatif, text};
use crate::model::Class;

/// What `adaptive` would have done, from the journal of one run of `fixed`.
fn asked(scenario: &Scenario, seed: u64) -> RouteWhatif {
    weighed(journal(scenario, Strategy::Fixed, seed, Failover::Off).unwrap())
}

fn weighed(lines: Vec<Line>) -> RouteWhatif {
    let mut replay = Replay::new();
    let mut whatif = Whatif::new(Other::Strategy(Strategy::Adaptive));
    for line in lines {
        let heard = replay.hear(&Place::default(), line);
        whatif.follow(&replay, &heard);
    }
    assert!(replay.report().agrees(), "decided again, the same");
    whatif.routes().remove(0)
}

/// Mean dollars and seconds of the answers to first attempts of `adaptive`, over several runs.
fn truth(scenario: &Scenario, seeds: std::ops::Range<u64>) -> [f64; 2] {
    let (mut count, mut sums) = (0.0, [0.0; 2]);
    for seed in seeds {
        let lines = journal(scenario, Strategy::Adaptive, seed, Failover::Off).unwrap();
        for line in lines {
            let Line::Draw(draw) = line else { continue };
            let counts = draw.outcome.class() == Class::Ok && draw.propensity.is_some();
            if counts {
                count += 1.0;
                sums[0] += draw.cost.unwrap().usd();
                sums[1] += draw.total_us as f64 / 1e6;
            }
        }
    }
    sums.map(|sum| sum / count)
}

#[test]
fn the_interval_covers_what_adaptive_does() {
    let (mut covered, mut asked_for) = (0, 0);
    for name in ["02-brownout", "08-cost-change"] {
        let scenario = Suite::scenario(name).unwrap().unwrap();
        let truth = truth(&scenario, 100..104);
        for seed in 1..=4 {
            let found = asked(&scenario, seed);
            assert!(
                found.refused.is_empty(),
                "{name}, seed {seed}: {:?}",
                found.refused
            );
            for (estimate, truth) in [found.cost, found.seconds].into_iter().zip(truth) {
                let other = estimate.unwrap().other;
                asked_for += 1;
                covered += u32::from((other.low..=other.high).contains(&truth));
            }
        }
    }
    // Of 16 intervals of 95 %, fewer than 13 cover once in a hundred times.
    assert!(
        covered >= 13,
        "{covered} of {asked_for} intervals cover the truth"
    );
}

#[test]
fn where_times_depend_on_load_or_quotas_bind_nothing_is_said() {
    for (name, words) in [
        ("07-429-quota", "at a limit of its rate"),
        ("11-diurnal-capacity", "longer the more requests"),
        ("12-capacity-knee", "longer the more requests"),
    ] {
        let scenario = Suite::scenario(name).unwrap().unwrap();
        for seed in 1..=2 {
            let found = asked(&scenario, seed);
            let told = found.refused.join("\n");
            assert!(told.contains(words), "{name}, seed {seed}: {told:?}");
            assert_eq!(found.cost, None, "and no figure is shown");
        }
    }
}

#[test]
fn a_daemon_that_starts_again_is_followed_from_its_new_beginning() {
    let mut scenario = Suite::scenario("05-hard-outage").unwrap().unwrap();
    scenario.seconds = 240.0;
    scenario.fault = None;
    // The first run ends while the target is out, on a clock that the second one has yet to reach.
    let run = |seed| journal(&scenario, Strategy::Fixed, seed, Failover::Off).unwrap();
    let one = weighed(run(2));
    let both = weighed(run(1).into_iter().chain(run(2)).collect());
    assert!(both.requests > one.requests + 2_000 && both.left_out < 100);
    let [a, b] = [both, one].map(|found| found.seconds.unwrap().other.value);
    assert!(
        (a / b - 1.0).abs() < 0.05,
        "as in one of them: {a} and {b} s"
    );
}

#[test]
fn a_short_journal_is_not_enough_evidence() {
    let mut scenario = Suite::scenario("01-stationary").unwrap().unwrap();
    scenario.seconds = 60.0;
    let found = asked(&scenario, 1);
    assert!(
        found.refused[0].contains("not enough evidence"),
        "{:?}",
        found.refused
    );
}

#[test]
fn a_simulated_journal_reads_as_it_was_written() {
    let mut scenario = Suite::scenario("06-error-burst-30").unwrap().unwrap();
    scenario.seconds = 250.0;
    let lines = journal(&scenario, Strategy::Adaptive, 3, Failover::On).unwrap();
    let mut replay = Replay::new();
    let mut ticks = 0;
    for line in &lines {
        let text = text(line).unwrap();
        let heard = replay.line(&Place::default(), text.as_bytes(), true);
        ticks += u32::from(matches!(heard, Heard::Tick(_)));
    }
    let report = replay.report();
    assert!(report.agrees() && report.notes.is_empty(), "{report:?}");
    assert_eq!(ticks, 1_000, "four a second");
}
