//! `simulate --random N`: worlds that nobody chose.

use std::io::Write;

use super::super::Failure;
use super::super::table::{Align, columns};
use super::cells::Question;
use super::worlds::{Group, changed};
use super::{Args, Format, check_writable, unwritten};
use crate::sim::random::{Placing, Standings, text, world};
use crate::sim::{Candidate, Figures};

/// Draws the worlds, runs all policies in each, and prints who did how well.
pub(super) fn run(
    args: &Args,
    count: u64,
    candidates: &[Candidate],
    out: &mut dyn Write,
    progress: &mut Option<&mut (impl Write + Send)>,
) -> Result<(), Failure> {
    if let Some(path) = &args.write_worst {
        check_writable(path)?;
    }
    let question = Question {
        groups: &[drawn(args, count)?],
        seeds: args.all_seeds(),
        failover: args.failover().into(),
        candidates,
    };
    let found = question.computed(progress.as_deref_mut())?;
    let regrets: Vec<Vec<f64>> = found
        .iter()
        .map(|policies| policies.iter().map(|seeds| mean_regret(seeds)).collect())
        .collect();
    let names: Vec<&str> = candidates.iter().map(|candidate| candidate.name).collect();
    let standings = Standings::of(&names, args.random_seed, args.seeds, &regrets);
    match args.format {
        Format::Table => write!(out, "{}", table(args, &standings))?,
        Format::Csv => write!(out, "{}", csv(&standings))?,
        Format::Json => super::super::print_json(out, &standings)?,
    }
    write_worst(args, &standings, out)
}

fn drawn(args: &Args, count: u64) -> Result<Group, Failure> {
    let one = |seed: u64| {
        world(seed).map_err(|error| Failure::Told(format!("world number {seed}: {error}")))
    };
    let worlds = (args.random_seed..args.random_seed + count).map(one);
    let group = Group {
        name: "random".to_owned(),
        scenarios: worlds.collect::<Result<_, _>>()?,
    };
    changed(group, args.changes())
}

/// Over the seeds of one world.
fn mean_regret(seeds: &[Figures]) -> f64 {
    let regrets = seeds.iter().filter_map(|figures| figures.regret);
    regrets.sum::<f64>() / seeds.len().max(1) as f64
}

/// Keeps the world in which the first policy did worst.
fn write_worst(args: &Args, standings: &Standings, out: &mut dyn Write) -> Result<(), Failure> {
    let (Some(path), Some(first)) = (&args.write_worst, standings.policies.first()) else {
        return Ok(());
    };
    std::fs::write(path, text(first.worst_world)).map_err(|error| unwritten(path, &error))?;
    if args.format == Format::Table {
        let (world, name, place) = (first.worst_world, &first.name, path.display());
        writeln!(out, "World {world}, the worst of {name}, is in {place}")?;
    }
    Ok(())
}

const RIGHT: Align = Align::Right;

fn table(args: &Args, standings: &Standings) -> String {
    let first = args.random_seed;
    let last = first + standings.worlds as u64 - 1;
    let name = standings
        .policies
        .first()
        .map_or("", |policy| policy.name.as_str());
    let failover = format!("{:?}", args.failover()).to_lowercase();
    let heads = [
        ("POLICY", Align::Left),
        ("REGRET", RIGHT),
        ("±", RIGHT),
        ("MEDIAN", RIGHT),
        ("WORST", RIGHT),
        ("WORLD", RIGHT),
        ("WON %", RIGHT),
        ("NOT LOST %", RIGHT),
        ("LOST MOST IN", RIGHT),
    ];
    let percent = |part: Option<f64>| {
        part.map_or_else(|| "-".to_owned(), |part| format!("{:.1}", part * 100.0))
    };
    let row = |policy: &Placing| {
        vec![
            policy.name.clone(),
            format!("{:.3}", policy.regret),
            format!("{:.3}", policy.regret_se),
            format!("{:.3}", policy.median),
            format!("{:.3}", policy.worst),
            policy.worst_world.to_string(),
            percent(policy.won_against),
            percent(policy.not_lost_against),
            policy
                .lost_most_in
                .map_or_else(|| "-".to_owned(), |world| world.to_string()),
        ]
    };
    let rows: Vec<Vec<String>> = standings.policies.iter().map(row).collect();
    format!(
        "random worlds {first} to {last}, {} each, failover {failover}\n\
         WON: worlds in which {name} has less regret; NOT LOST: at most 0.01 more\n\n{}\n\
         A world again: simulate --random 1 --random-seed WORLD\n",
        if args.seeds == 1 {
            "one run".to_owned()
        } else {
            format!("{} runs", args.seeds)
        },
        columns(&heads, &rows)
    )
}

fn csv(standings: &Standings) -> String {
    let mut text = "policy,regret,regret_se,median,worst,worst_world,won_against,\
                    not_lost_against,lost_most_in\n"
        .to_owned();
    let known = |value: Option<String>| value.unwrap_or_default();
    for policy in &standings.policies {
        let line = format!(
            "{},{},{},{},{},{},{},{},{}\n",
            policy.name,
            policy.regret,
            policy.regret_se,
            policy.median,
            policy.worst,
            policy.worst_world,
            known(policy.won_against.map(|part| part.to_string())),
            known(policy.not_lost_against.map(|part| part.to_string())),
            known(policy.lost_most_in.map(|world| world.to_string())),
        );
        text.push_str(&line);
    }
    text
}
