//! `weighbridge replay`: a journal decided again.

use std::io::Write;

use serde::Serialize;

use super::journal::Args;
use super::table::{Align, table};
use super::{Failure, Format, print_json};
use crate::journal::{Comparison, Report, RouteDifference, clock_time};
use crate::model::counted;

/// The result for programs.
#[derive(Debug, Serialize)]
struct Found<'a> {
    /// Whether every decision is the one of then.
    agrees: bool,
    #[serde(flatten)]
    report: &'a Report,
    /// Who was asked instead.
    other: Option<&'a str>,
    /// What would have differed.
    routes: &'a [RouteDifference],
}

/// Decides again and says what differs. Fails where a decision is not the one of then.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let other = args.other()?;
    let (other, name) = other.unzip();
    let mut comparison = other.map(Comparison::new);
    let report = args.decide_again(|replay, heard| {
        if let Some(comparison) = &mut comparison {
            comparison.follow(replay, heard);
        }
    })?;
    let routes = comparison.map_or_else(Vec::new, |comparison| comparison.differences());
    let agrees = report.agrees();
    match args.format {
        Format::Json => {
            let found = Found {
                agrees,
                report: &report,
                other: name.as_deref(),
                routes: &routes,
            };
            print_json(out, &found)?;
        }
        Format::Text => {
            tell(&report, out)?;
            if let Some(name) = name {
                tell_other(&name, &routes, out)?;
            }
        }
    }
    if agrees { Ok(()) } else { Err(Failure::Said) }
}

fn tell(report: &Report, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(
        out,
        "{}: {}, {}, {}, {} of requests",
        counted(report.lines, "line"),
        counted(report.configs, "configuration"),
        counted(report.checkpoints, "checkpoint"),
        counted(report.ticks + report.ticks_passed_over, "tick"),
        counted(report.draws, "attempt")
    )?;
    if let Some((from, to)) = report.span {
        writeln!(out, "from {} to {}", clock_time(from), clock_time(to))?;
    }
    for note in &report.notes {
        writeln!(out, "note: {note}")?;
    }
    if report.notes_more > 0 {
        writeln!(out, "note: and {} more", report.notes_more)?;
    }
    if report.ticks_passed_over > 0 {
        let passed = report.ticks_passed_over;
        writeln!(out, "{passed} ticks could not be decided again")?;
    }
    let ticks = report.ticks;
    match &report.first_difference {
        None if ticks == 0 => writeln!(
            out,
            "no tick could be decided again: there is nothing to compare"
        )?,
        None => writeln!(
            out,
            "{ticks} ticks decided again: every decision is the same to the byte"
        )?,
        Some(first) => {
            let different = report.different;
            writeln!(
                out,
                "{ticks} ticks decided again: {different} decisions differ"
            )?;
            let at = clock_time(first.unix_us);
            writeln!(
                out,
                "the first: tick {} at {at} ({})",
                first.tick, first.place
            )?;
            for words in &first.words {
                writeln!(out, "  {words}")?;
            }
        }
    }
    Ok(())
}

/// What would have differed, a table.
fn tell_other(name: &str, routes: &[RouteDifference], out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out)?;
    if routes.is_empty() {
        writeln!(out, "{name}: no route of the journal is known there")?;
        return Ok(());
    }
    let percent = |part: f64| format!("{:.1} %", 100.0 * part);
    let mut rows = Vec::new();
    for route in routes {
        for target in &route.targets {
            rows.push([
                route.route.to_string(),
                target.name.to_string(),
                percent(target.recorded),
                percent(target.other),
                format!("{:+.1}", 100.0 * (target.other - target.recorded)),
            ]);
        }
    }
    let heads = [
        ("ROUTE", Align::Left),
        ("TARGET", Align::Left),
        ("THEN", Align::Right),
        (name, Align::Right),
        ("POINTS", Align::Right),
    ];
    write!(out, "{}", table(heads, &rows))?;
    for route in routes {
        writeln!(out, "{}", sentence(route))?;
    }
    Ok(())
}

fn sentence(route: &RouteDifference) -> String {
    let name = &route.route;
    let (Some(first), Some(at)) = (route.first_apart_us, route.farthest_at_us) else {
        return format!("{name}: the shares were never more than 2 points apart");
    };
    format!(
        "{name}: more than 2 points apart for {:.0} of {:.0} s, first at {}; {:.1} points in the mean, {:.1} at most (at {})",
        route.seconds_apart,
        route.seconds,
        clock_time(first),
        100.0 * route.mean_distance,
        100.0 * route.farthest,
        clock_time(at)
    )
}
