//! `weighbridge simulate`: virtual worlds around the controller and its rivals, side by side.
//!
//! All of it is computed: the same arguments print the same bytes, whatever the machine and however many cores it has.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;

use super::Failure;
use crate::sim::{Candidate, Failover, Report, ScenarioReport, SuiteReport};

mod cells;
mod random;
mod render;
mod worlds;

use worlds::Group;

/// What `simulate` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// A scenario by name, a file, or a folder of files; may be given more than once
    #[arg(long, value_name = "NAME|FILE|DIR")]
    scenario: Vec<String>,
    /// Scenarios that come with the program; `base` if nothing else is asked for
    #[arg(long, value_enum)]
    suite: Option<SuiteName>,
    /// Who is compared, by name with commas between, or `all`
    #[arg(
        long,
        value_name = "NAMES",
        default_value = "adaptive,fixed,static,oracle"
    )]
    policy: String,
    /// Seeds that each figure is a mean of
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    seeds: u64,
    /// The seed before the first
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=1_000_000_000))]
    seed0: u64,
    /// Whether requests that fail before their first content go to another target, for every policy alike
    #[arg(long, value_enum, default_value = "off")]
    failover: Switch,
    /// Part of the requests that are streamed, in place of what scenarios say
    #[arg(long, value_name = "FRACTION")]
    streamed: Option<f64>,
    /// Load balancers that know nothing of each other, in place of what scenarios say
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    replicas: Option<u32>,
    /// Draws so many worlds from documented priors instead, and says how often the first policy beats each other one
    #[arg(long, value_name = "N", conflicts_with_all = ["scenario", "suite"], value_parser = clap::value_parser!(u64).range(1..=100_000))]
    random: Option<u64>,
    /// The number of the first such world: the same number is the same world
    #[arg(long, value_name = "K", requires = "random", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=1_000_000_000))]
    random_seed: u64,
    /// Writes the drawn world in which the first policy does worst as a scenario file
    #[arg(long, value_name = "FILE", requires = "random")]
    write_worst: Option<std::path::PathBuf>,
    /// How results are printed
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

impl Args {
    fn failover(&self) -> Failover {
        match self.failover {
            Switch::Off => Failover::Off,
            Switch::On => Failover::On,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SuiteName {
    /// What a controller must be able to do, 28 worlds of one trouble each.
    Base,
    /// Recorded incidents, bursts, long conversations, prepaid capacity, low rates.
    Extra,
    /// Both, each with its own summary.
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    Off,
    On,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For spreadsheets: a line a scenario and policy.
    Csv,
    /// For programs: one JSON document.
    Json,
}

/// Compares, and prints what was found. Progress is shown on `told` if it is a terminal.
pub(super) fn run(
    args: &Args,
    out: &mut dyn Write,
    told: &mut (impl Write + IsTerminal + Send),
) -> Result<(), Failure> {
    let candidates = candidates(&args.policy)?;
    if let Some(count) = args.random {
        return random::run(args, count, &candidates, out, told);
    }
    let groups = worlds::groups(args)?;
    let report = compared(args, &candidates, &groups, told)?;
    match args.format {
        Format::Table => write!(out, "{}", render::tables(&report, args))?,
        Format::Csv => write!(out, "{}", render::csv(&report))?,
        Format::Json => super::print_json(out, &report)?,
    }
    Ok(())
}

/// The policies of these names, each once.
fn candidates(names: &str) -> Result<Vec<Candidate>, Failure> {
    if names.trim() == "all" {
        return Ok(Candidate::all().collect());
    }
    let mut found: Vec<Candidate> = Vec::new();
    for name in names.split(',').map(str::trim) {
        let Some(candidate) = Candidate::named(name) else {
            let known: Vec<&str> = Candidate::all().map(|candidate| candidate.name).collect();
            return Err(Failure::Told(format!(
                "expected a policy ({}), found {name:?}",
                known.join(", ")
            )));
        };
        if !found.contains(&candidate) {
            found.push(candidate);
        }
    }
    Ok(found)
}

fn compared(
    args: &Args,
    candidates: &[Candidate],
    groups: &[Group],
    told: &mut (impl Write + IsTerminal + Send),
) -> Result<Report, Failure> {
    let worlds: Vec<_> = groups.iter().flat_map(|group| &group.scenarios).collect();
    let seeds = args.seed0 + 1..=args.seed0 + args.seeds;
    let plan = cells::Cells {
        worlds: &worlds,
        seeds,
        failover: args.failover(),
        candidates,
    };
    let progress = told.is_terminal().then_some(told);
    let mut found = cells::computed(&plan, progress)?.into_iter();
    let suite = |group: &Group| {
        let reports = group.scenarios.iter().map(|scenario| {
            let by_policy = found.next().unwrap_or_default();
            let names = candidates.iter().map(|candidate| candidate.name);
            ScenarioReport::new(scenario, names.zip(by_policy).collect())
        });
        let reports = reports.collect();
        SuiteReport::new(&group.name, reports)
    };
    Ok(Report {
        seeds: args.seeds,
        suites: groups.iter().map(suite).collect(),
    })
}

#[cfg(test)]
mod tests;
