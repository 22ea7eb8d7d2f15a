//! `--report FILE`: the whole comparison on paper, in the units that people use first.
//!
//! Policies are told apart in three kinds: Weighbridge, other cores on its safety layer, and rivals as they are. What the
//! layer is worth and what the core adds are two questions, and a reader gets two answers.

use std::io::Write;
use std::path::Path;

use super::super::Failure;
use super::cells::Question;
use super::columns::{self, Column};
use super::render::seeds;
use super::worlds::{Changes, Group, changed, suite};
use super::{Args, check_writable, exposed, markdown, unwritten};
use crate::sim::{Candidate, Failover, Report};

mod tables;
mod verdict;

use tables::{bare, by_scenario, callers, dead, heads};
use verdict::{layer, lost};

/// Computes everything and writes it to `path`.
pub(super) fn written(
    path: &Path,
    args: &Args,
    progress: &mut Option<&mut (impl Write + Send)>,
) -> Result<(), Failure> {
    check_writable(path)?;
    let text = text(args, progress)?;
    std::fs::write(path, text).map_err(|error| unwritten(path, &error))
}

fn text(args: &Args, progress: &mut Option<&mut (impl Write + Send)>) -> Result<String, Failure> {
    let candidates: Vec<Candidate> = Candidate::all().collect();
    let groups = all_suites()?;
    let mut ask = |failover: Failover, groups: &[Group], candidates: &[Candidate]| {
        let question = Question {
            groups,
            seeds: args.all_seeds(),
            failover,
            candidates,
        };
        question.answer(progress.as_deref_mut())
    };
    let on = ask(Failover::On, &groups, &candidates)?;
    let off = ask(Failover::Off, &groups, &candidates)?;
    let ours: Vec<Candidate> = candidates
        .iter()
        .copied()
        .filter(|c| c.name == OURS)
        .collect();
    let mut variants = Vec::new();
    for (name, streamed, replicas) in VARIANTS {
        let changes = Changes {
            streamed,
            replicas,
            ..Changes::default()
        };
        let groups = vec![changed(suite("base")?, changes)?];
        variants.push((name, ask(Failover::Off, &groups, &ours)?));
    }
    let exposed = exposed::found(args, &candidates, progress)?;
    let parts = [
        head(args),
        callers(&on, &exposed, &candidates),
        dead(&exposed, &candidates),
        bare(&off, &candidates),
        layer(&off),
        lost(&off, &on, &candidates),
        varied(&variants),
        by_scenario(&off),
    ];
    Ok(parts.join("\n"))
}

/// Whose report it is.
const OURS: &str = "adaptive";

/// What else is asked of it: a name, the part streamed, replicas.
const VARIANTS: [(&str, Option<f64>, Option<u32>); 7] = [
    (
        "all streamed, one replica or as the scenario says",
        None,
        None,
    ),
    ("0.3 streamed", Some(0.3), None),
    ("unary only", Some(0.0), None),
    ("1 replica", None, Some(1)),
    ("3 replicas", None, Some(3)),
    ("10 replicas", None, Some(10)),
    ("30 replicas", None, Some(30)),
];

/// Both suites, without those that have no scenarios.
fn all_suites() -> Result<Vec<Group>, Failure> {
    let groups = ["base", "extra"].into_iter().map(suite);
    let groups: Vec<Group> = groups.collect::<Result<_, _>>()?;
    Ok(groups
        .into_iter()
        .filter(|group| !group.scenarios.is_empty())
        .collect())
}

fn head(args: &Args) -> String {
    format!(
        "# The controller against its rivals\n\n\
         Made by `weighbridge simulate --report FILE --seeds {} --seed0 {}` of version {}: {}, the same requests \
         with the same luck for every policy.\n\
         The format of scenarios and the meaning of each figure are in CONFIGURATION.md, \"Scenarios\", and SCENARIOS.md.\n\
         `oracle` knows all laws, queues and quotas, though not the luck of single requests; *regret* is the mean loss above \
         its.\n\
         A name with `+gate` is another core on Weighbridge's safety layer, `fixed` the configured shares on it; all others \
         are as their own projects describe them, without it.\n",
        args.seeds,
        args.seed0,
        env!("CARGO_PKG_VERSION"),
        seeds(args),
    )
}

const VARIED: [Column; 8] = [
    ("regret", columns::regret),
    ("±", columns::regret_error),
    ("worst", columns::most_regret),
    ("in", columns::most_regret_in),
    ("errors %", columns::errors),
    ("shed s", columns::shed),
    ("back s", columns::back),
    ("unfair", columns::unfair),
];

/// Ours under other circumstances.
fn varied(variants: &[(&str, Report)]) -> String {
    let row = |(name, report): &(&str, Report)| {
        let suite = report.suites.first()?;
        let line = columns::lines(suite).next()?;
        Some(line.cells((*name).to_owned(), &VARIED))
    };
    let rows: Vec<Vec<String>> = variants.iter().filter_map(row).collect();
    format!(
        "## `{OURS}` under other circumstances\n\n{}",
        markdown::table(&heads("base, failover off", &VARIED), &rows)
    )
}

#[cfg(test)]
mod tests;
