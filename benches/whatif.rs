//! Does `whatif` say what would have been? Journals of `fixed` are asked what `adaptive` would have brought, and what it says
//! is held against what `adaptive` does bring in the same worlds.
//!
//! For each scenario: a hundred journals, each under a seed of its own, none of which was looked at when the method was
//! chosen. The truth is the mean over as many runs of
//! `adaptive`, first attempts alone, as in the estimate. An interval of 95 % should cover it in 90 to 98 of a hundred; where a
//! target is at a limit or times depend on load, `whatif` should refuse.
//!
//! `cargo bench --bench whatif [NAMES]` writes the table (two minutes of one core for a scenario); as a test it asks two
//! journals of two scenarios and only prints.

use std::error::Error;
use std::io::Write as _;

use weighbridge::balance::Strategy;
use weighbridge::journal::{Estimate, Line, Other, Place, Replay, RouteWhatif, Whatif};
use weighbridge::model::{Class, PicoUsd};
use weighbridge::sim::{Failover, Scenario, Suite, journal};

/// Where it should know, and where it should refuse.
const ASKED: &[&str] = &[
    "01-stationary",
    "02-brownout",
    "03-latency-step",
    "04-slow-drift",
    "05-hard-outage",
    "06-error-burst-30",
    "08-cost-change",
    "10-heavy-tail",
    "15-near-equal",
    "19-client-faults",
    "20-identical-633",
    "21-cost-vs-latency",
    "07-429-quota",
    "11-diurnal-capacity",
    "12-capacity-knee",
    "16-black-hole",
    "25-rpm-window",
];
const SHORT: &[&str] = &["06-error-burst-30", "25-rpm-window"];
/// The first seed: those below were used for choosing.
const FIRST: u64 = 1_001;
const JOURNALS: u64 = 100;
const FEW_JOURNALS: u64 = 2;
/// What is asked for: dollars and seconds of an answer, seconds to its first token, the part that fails.
const FIGURES: usize = 4;

/// Sums of what first attempts brought, and how many count for each.
type Sums = [[f64; 2]; FIGURES];

/// How often an interval covered the truth, and what it was made of.
#[derive(Clone, Copy, Debug, Default)]
struct Covered {
    asked: f64,
    times: f64,
    /// Σ (estimate − truth) / truth.
    bias: f64,
    /// Σ half the width / truth.
    half: f64,
}

fn asked(scenario: &Scenario, seed: u64) -> Result<Option<RouteWhatif>, Box<dyn Error>> {
    let mut replay = Replay::new();
    let mut whatif = Whatif::new(Other::Strategy(Strategy::Adaptive));
    for line in journal(scenario, Strategy::Fixed, seed, Failover::Off)? {
        let heard = replay.hear(&Place::default(), line);
        whatif.follow(&replay, &heard);
    }
    Ok(whatif.routes().into_iter().next())
}

/// Adds what the first attempts of `adaptive` brought.
fn add_truth(scenario: &Scenario, seed: u64, sums: &mut Sums) -> Result<(), Box<dyn Error>> {
    for line in journal(scenario, Strategy::Adaptive, seed, Failover::Off)? {
        let Line::Draw(draw) = line else { continue };
        let failed = match draw.outcome.class() {
            _ if draw.propensity.is_none() => continue,
            Class::ClientFault | Class::Cancelled => continue,
            Class::Ok => 0.0,
            Class::Throttle | Class::Fault | Class::OurFault => 1.0,
        };
        let good = failed < 0.5;
        let micros = |it: u64| it as f64 / 1e6;
        let values = [
            draw.cost.filter(|_| good).map(PicoUsd::usd),
            good.then_some(micros(draw.total_us)),
            draw.first_us.filter(|_| good).map(micros),
            Some(failed),
        ];
        for (sums, value) in sums.iter_mut().zip(values) {
            if let Some(value) = value {
                sums[0] += value;
                sums[1] += 1.0;
            }
        }
    }
    Ok(())
}

fn covered(found: &[RouteWhatif], truth: &Sums) -> [Covered; FIGURES] {
    let mut covered = [Covered::default(); FIGURES];
    for found in found {
        let said = [found.cost, found.seconds, found.first_token, found.errors];
        for ((covered, said), [sum, count]) in covered.iter_mut().zip(said).zip(truth) {
            let Some(Estimate { other, .. }) = said else {
                continue;
            };
            let truth = sum / count;
            covered.asked += 1.0;
            covered.times += f64::from(u8::from((other.low..=other.high).contains(&truth)));
            covered.bias += other.value / truth - 1.0;
            covered.half += (other.high - other.low) / 2.0 / truth;
        }
    }
    covered
}

fn row(name: &str, journals: u64) -> Result<String, Box<dyn Error>> {
    let scenario = Suite::scenario(name).ok_or("the scenario comes along")??;
    let (mut found, mut refused, mut truth) = (Vec::new(), 0, Sums::default());
    for seed in FIRST..FIRST + journals {
        match asked(&scenario, seed)? {
            Some(said) if said.refused.is_empty() => found.push(said),
            _ => refused += 1,
        }
    }
    if !found.is_empty() {
        for seed in FIRST..FIRST + journals {
            add_truth(&scenario, seed, &mut truth)?;
        }
    }
    let cells = covered(&found, &truth).map(|it| {
        if it.asked < 1.0 {
            return "–".to_owned();
        }
        let percent = |sum: f64| 100.0 * sum / it.asked;
        format!(
            "{:.0} % ({:+.1} ± {:.1})",
            percent(it.times),
            percent(it.bias),
            percent(it.half)
        )
    });
    Ok(format!("| {name} | {refused} | {} |", cells.join(" | ")))
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` says so; `cargo test` runs each benchmark once, as a test.
    let short = !std::env::args().any(|arg| arg == "--bench");
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |name: &&&str| {
        let named = |word: &String| name.starts_with(word.as_str());
        wanted.iter().all(|word| word.starts_with("--")) || wanted.iter().any(named)
    };
    let (names, journals) = if short {
        (SHORT, FEW_JOURNALS)
    } else {
        (ASKED, JOURNALS)
    };
    let mut out = std::io::stdout();
    writeln!(
        out,
        "| scenario | refused of {journals} | dollars | seconds | first token | failed |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|")?;
    for name in names.iter().filter(is_wanted) {
        writeln!(out, "{}", row(name, journals)?)?;
    }
    Ok(())
}
