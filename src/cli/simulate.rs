//! `weighbridge simulate`: virtual worlds around the controller and its rivals, side by side.
//!
//! All of it is computed: the same arguments print the same bytes, whatever the machine and however many cores it has.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::Failure;
use crate::model::counted;
use crate::sim::{Candidate, Failover, LEAST_WINDOW, Report};

mod cells;
mod columns;
mod environment;
mod exposed;
mod journal;
mod markdown;
mod paper;
mod picture;
mod plot;
mod random;
mod render;
mod traces;
mod windows;
mod worlds;

use cells::Question;
use environment::{Document, EnvArgs, Environment, Tale};

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
    /// Whether requests that fail before their first content go to another target, for every policy alike; off if nothing is
    /// said, with --env as the route's `retry` says
    #[arg(long, value_enum)]
    failover: Option<Switch>,
    /// Recorded requests (CSV or JSON lines, may be gzipped) in place of those that scenarios draw
    #[arg(long, value_name = "FILE", conflicts_with_all = ["random", "exposure", "report"])]
    trace: Option<PathBuf>,
    /// Part of the requests that are streamed, in place of what scenarios say
    #[arg(long, value_name = "FRACTION")]
    streamed: Option<f64>,
    /// Load balancers, in place of what scenarios say; each request comes to one of them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    replicas: Option<u32>,
    /// Replicas of Weighbridge tell each other what they measure, once a second
    #[arg(long, conflicts_with_all = ["alone", "exposure", "report", "write_journal"])]
    shared: bool,
    /// Replicas know nothing of each other, whatever scenarios say
    #[arg(long, conflicts_with_all = ["exposure", "report"])]
    alone: bool,
    /// Draws so many worlds from documented priors instead, and says how often the first policy beats each other one
    #[arg(long, value_name = "N", conflicts_with_all = ["scenario", "suite"], value_parser = clap::value_parser!(u64).range(1..=100_000))]
    random: Option<u64>,
    /// The number of the first such world: the same number is the same world
    #[arg(long, value_name = "K", requires = "random", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=1_000_000_000))]
    random_seed: u64,
    /// Writes the drawn world in which the first policy does worst as a scenario file
    #[arg(long, value_name = "FILE", requires = "random")]
    write_worst: Option<PathBuf>,
    /// In place of scenarios: requests that meet a dead target before it is left, by rate
    #[arg(long, conflicts_with_all = ["scenario", "suite", "random"])]
    exposure: bool,
    /// Writes the whole report to a file: all policies on all suites, with failover and without
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scenario", "suite", "random", "format", "policy", "exposure", "failover", "streamed", "replicas"])]
    report: Option<PathBuf>,
    /// Writes a picture (SVG) of shares, times and failures over time into this folder, for each scenario and policy
    #[arg(long, value_name = "DIR", conflicts_with_all = ["random", "exposure", "report"])]
    plot: Option<PathBuf>,
    /// Writes the journal of the run, as the daemon would; of one scenario, one seed, and `adaptive` or `fixed`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["random", "exposure", "report"])]
    write_journal: Option<PathBuf>,
    #[command(flatten)]
    environment: EnvArgs,
    /// How results are printed
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Adds every policy's times and shares in windows of so many seconds to the JSON document
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["random", "exposure", "report"])]
    windows: Option<f64>,
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
    let mut progress = told.is_terminal().then_some(told);
    if let Some(path) = &args.report {
        return paper::written(path, args, &mut progress);
    }
    args.check_windows()?;
    let candidates = candidates(&args.policy)?;
    if let Some(count) = args.random {
        return random::run(args, count, &candidates, out, &mut progress);
    }
    if args.exposure {
        return exposed::run(args, &candidates, out, &mut progress);
    }
    let environment = args.environment.read()?;
    let groups = worlds::groups(args, environment.as_ref())?;
    if let Some(folder) = &args.plot {
        plot::make(folder)?;
    }
    let question = Question {
        groups: &groups,
        seeds: args.all_seeds(),
        failover: args.failover().into(),
        candidates: &candidates,
    };
    if let Some(path) = &args.write_journal {
        journal::write(path, &question)?;
    }
    let report = question.answer(progress)?;
    let told = match &environment {
        Some(environment) => environment::tales(environment, &question)?,
        None => Vec::new(),
    };
    args.print(
        &report,
        &question,
        environment.as_ref().map(|it| (it, &told[..])),
        out,
    )?;
    if let Some(folder) = &args.plot {
        let plot = plot::Plot {
            folder,
            groups: &groups,
            candidates: &candidates,
            seed: args.seed0 + 1,
            failover: args.failover().into(),
        };
        let drawn = counted(plot.draw()?, "picture");
        if args.format == Format::Table {
            writeln!(out, "{drawn} in {}", folder.display())?;
        }
    }
    Ok(())
}

impl Args {
    fn check_windows(&self) -> Result<(), Failure> {
        let Some(seconds) = self.windows else {
            return Ok(());
        };
        if !(seconds.is_finite() && seconds >= LEAST_WINDOW) {
            return Err(Failure::Told(format!(
                "--windows: expected {LEAST_WINDOW} seconds or more, found {seconds}"
            )));
        }
        if self.format != Format::Json {
            let problem =
                "--windows: expected `--format json` beside it, which alone has a place for them";
            return Err(Failure::Told(problem.to_owned()));
        }
        Ok(())
    }

    /// Prints what was found, and of an environment what it was made of and what happened in its outages.
    fn print(
        &self,
        report: &Report,
        question: &Question<'_>,
        environment: Option<(&Environment, &[Tale])>,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => {
                if let Some((environment, _)) = environment {
                    write!(out, "{}", environment::assumed(environment))?;
                }
                write!(out, "{}", render::tables(report, self))?;
                let told = environment.map_or(&[][..], |(_, told)| told);
                for tale in told {
                    writeln!(out, "{}", tale.text())?;
                }
            }
            Format::Csv => write!(out, "{}", render::csv(report))?,
            Format::Json => {
                let told = |error| Failure::Told(format!("the result cannot be printed: {error}"));
                let document = match self.windows {
                    Some(seconds) => {
                        serde_json::to_value(windows::document(report, question, seconds)?)
                    }
                    None => serde_json::to_value(report),
                };
                let document = document.map_err(told)?;
                match environment {
                    Some((environment, tales)) => {
                        super::print_json(out, &Document::new(document, environment, tales))?;
                    }
                    None => super::print_json(out, &document)?,
                }
            }
        }
        Ok(())
    }

    /// Whether failed requests go on to other targets: with an environment as its routes say, which may say none.
    fn failover(&self) -> Switch {
        let usual = if self.environment.is_given() {
            Switch::On
        } else {
            Switch::Off
        };
        self.failover.unwrap_or(usual)
    }

    /// What scenarios are to say otherwise.
    fn changes(&self) -> worlds::Changes {
        worlds::Changes {
            streamed: self.streamed,
            replicas: self.replicas,
            shared: match (self.shared, self.alone) {
                (true, _) => Some(true),
                (false, true) => Some(false),
                (false, false) => None,
            },
        }
    }

    fn all_seeds(&self) -> std::ops::RangeInclusive<u64> {
        self.seed0 + 1..=self.seed0 + self.seeds
    }
}

impl From<Switch> for Failover {
    fn from(switch: Switch) -> Self {
        match switch {
            Switch::Off => Self::Off,
            Switch::On => Self::On,
        }
    }
}

/// Opens a file that is written at the end: after minutes of work it is late to find out that nobody can write there.
fn check_writable(path: &Path) -> Result<(), Failure> {
    let opened = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path);
    opened.map(drop).map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Told(format!("cannot write {}: {error}", path.display()))
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

#[cfg(test)]
mod tests;
