//! A day in which nothing differs: what the adaptive shares cost where there is nothing to gain.
//!
//! The scenario `do-no-harm`: two identical targets at 60/40, 24 virtual hours of real bursts, conversations with prompt
//! caches on a sticky route. `adaptive` is held against `fixed` on the same requests: shares within 2 points of the
//! configured ones (99th percentile of one-minute means of the granted share), no ejection, at least 0.98 of the cached part
//! of the input, dollars within 0.5 %. Fails if a bound is broken.
//!
//! `cargo bench --bench harm`; as a test it runs an hour and only prints.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use weighbridge::balance::Strategy;
use weighbridge::sim::{Failover, Ours, Scenario, Served, Suite, run};

/// Seeds of the long form, and seconds of the short one.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=2;
const SHORT: f64 = 3_600.0;
/// Bounds: distance of shares, part of the cached part, part of the dollars.
const FURTHEST: f64 = 0.02;
const LEAST_CACHED: f64 = 0.98;
const MOST_DOLLARS: f64 = 1.005;

/// What the runs of one strategy brought.
#[derive(Debug, Default)]
struct Brought {
    requests: f64,
    input: f64,
    cached: f64,
    dollars: f64,
    loss: f64,
    ejections: u64,
    /// Distances of one-minute means of the first target's granted share from its configured one.
    off: Vec<f64>,
}

impl Brought {
    fn of(
        scenario: &Scenario,
        strategy: Strategy,
        seeds: impl Iterator<Item = u64>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut brought = Self::default();
        for seed in seeds {
            let ours = Ours::new(scenario, strategy, seed, 0)?.remembering();
            let mut replicas = [ours];
            let run = run(scenario, seed, Failover::On, &mut replicas);
            for served in run.counted() {
                brought.take(served);
            }
            let [ours] = replicas;
            brought.ejections += ours.ejections();
            brought.off.extend(off(&ours, scenario));
        }
        brought.off.sort_by(f64::total_cmp);
        Ok(brought)
    }

    fn take(&mut self, served: &Served) {
        self.requests += 1.0;
        self.input += f64::from(served.tokens_in);
        self.cached += f64::from(served.cached_in);
        self.dollars += served.dollars;
        self.loss += served.loss;
    }

    fn cached_ratio(&self) -> f64 {
        self.cached / self.input
    }

    /// The distance that all but a hundredth of the minutes are within.
    fn p99(&self) -> f64 {
        let place = self.off.len().saturating_sub(1) * 99 / 100;
        self.off.get(place).copied().unwrap_or_default()
    }
}

/// For each minute: how far the mean granted share of the first target is from its configured one.
fn off(ours: &Ours, scenario: &Scenario) -> Vec<f64> {
    let weights = || {
        scenario
            .targets
            .values()
            .map(|target| target.weight.value())
    };
    let configured = weights().next().unwrap_or_default() / weights().sum::<f64>();
    let mut history = ours.history.iter().flatten().peekable();
    let (mut share, mut minutes, mut second) = (configured, Vec::new(), 0.0);
    while second < scenario.seconds {
        let mut sum = 0.0;
        for _ in 0..60 {
            while let Some((_, shares)) = history.next_if(|(at, _)| at.as_secs_f64() <= second) {
                share = shares.first().map_or(0.0, |share| share.fraction());
            }
            sum += share;
            second += 1.0;
        }
        minutes.push((sum / 60.0 - configured).abs());
    }
    minutes
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // `cargo bench` says so; `cargo test` runs each benchmark once, as a test.
    let short = !std::env::args().any(|arg| arg == "--bench");
    let found = Suite::scenario("do-no-harm").ok_or("the scenario comes along")?;
    let mut scenario = found?;
    let seeds = if short { 1..=1 } else { SEEDS };
    if short {
        scenario.seconds = SHORT;
    }
    let fixed = Brought::of(&scenario, Strategy::Fixed, seeds.clone())?;
    let ours = Brought::of(&scenario, Strategy::Adaptive, seeds)?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "| strategy | requests | cached part | $ per 1,000 | loss | share off, p99 | ejections |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|")?;
    for (name, brought) in [("fixed", &fixed), ("adaptive", &ours)] {
        writeln!(
            out,
            "| {name} | {:.0} | {:.4} | {:.4} | {:.4} | {:.4} | {} |",
            brought.requests,
            brought.cached_ratio(),
            brought.dollars / brought.requests * 1e3,
            brought.loss / brought.requests,
            brought.p99(),
            brought.ejections
        )?;
    }
    let cached = ours.cached_ratio() / fixed.cached_ratio();
    let dollars = ours.dollars / fixed.dollars;
    writeln!(
        out,
        "\ncached part {cached:.4} of fixed's, dollars {dollars:.4} of fixed's"
    )?;
    let holds = ours.p99() <= FURTHEST
        && ours.ejections == 0
        && cached >= LEAST_CACHED
        && (2.0 - MOST_DOLLARS..=MOST_DOLLARS).contains(&dollars);
    Ok(if holds || short {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
