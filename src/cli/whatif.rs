//! `weighbridge whatif`: what another policy would have cost, from past traffic.

use std::io::Write;

use serde::Serialize;

use super::estimate::{Unit, verdict};
use super::journal::Args;
use super::table::{Align, table};
use super::{Failure, Format, print_json};
use crate::journal::{Estimate, Interval, RouteWhatif, Whatif, clock_time};

/// The result for programs.
#[derive(Debug, Serialize)]
struct Found<'a> {
    /// Who was asked.
    other: &'a str,
    /// The first and the last tick, in microseconds since 1970.
    span: Option<(u64, u64)>,
    /// What is odd about the journal.
    notes: &'a [String],
    /// Ticks whose decision is not the one of then.
    different: u64,
    /// What would have been.
    routes: &'a [RouteWhatif],
}

/// Estimates and says how sure that is.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let Some((other, name)) = args.other()? else {
        return Err(Failure::Told(
            "what if what? Give it --strategy adaptive, --strategy fixed or --env NAME".to_owned(),
        ));
    };
    let mut whatif = Whatif::new(other);
    let report = args.decide_again(|replay, heard| whatif.follow(replay, heard))?;
    let routes = whatif.routes();
    if args.format == Format::Json {
        let found = Found {
            other: &name,
            span: report.span,
            notes: &report.notes,
            different: report.different,
            routes: &routes,
        };
        return print_json(out, &found);
    }
    for note in &report.notes {
        writeln!(out, "note: {note}")?;
    }
    if report.different > 0 {
        let different = report.different;
        writeln!(
            out,
            "note: {different} decisions are not those of then; see `weighbridge replay`"
        )?;
    }
    let Some((from, to)) = report.span else {
        return Err(Failure::Told(
            "no tick of the journal could be decided again".to_owned(),
        ));
    };
    writeln!(
        out,
        "{name}, from {} to {}",
        clock_time(from),
        clock_time(to)
    )?;
    for route in &routes {
        writeln!(out)?;
        tell(&name, route, out)?;
    }
    Ok(())
}

fn tell(name: &str, route: &RouteWhatif, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(
        out,
        "{}: {} first attempts, worth {:.0} of {name}'s; {} left out (probes, retries, kept conversations)",
        route.route, route.requests, route.effective, route.left_out
    )?;
    if !route.refused.is_empty() {
        writeln!(out, "no estimate:")?;
        for words in &route.refused {
            writeln!(out, "  {words}")?;
        }
        return Ok(());
    }
    let rows: [(&str, Option<Estimate>, Unit); 4] = [
        ("cost of 1,000 answers", route.cost, Unit::Dollars),
        ("time of an answer", route.seconds, Unit::Seconds),
        ("first token", route.first_token, Unit::Seconds),
        ("failed", route.errors, Unit::Percent),
    ];
    let cells = rows.into_iter().filter_map(|(what, estimate, unit)| {
        let found = estimate?;
        let Interval { low, high, .. } = found.other;
        Some([
            what.to_owned(),
            unit.of(found.then),
            unit.of(found.other.value),
            format!("{} to {}", unit.of(low.max(0.0)), unit.of(high)),
            verdict(&found).to_owned(),
        ])
    });
    let cells: Vec<[String; 5]> = cells.collect();
    let heads = [
        ("", Align::Left),
        ("THEN", Align::Right),
        (name, Align::Right),
        ("95 % INTERVAL", Align::Right),
        ("", Align::Left),
    ];
    write!(out, "{}", table(heads, &cells))?;
    if route.unsupported > 0.0 {
        let part = 100.0 * route.unsupported;
        writeln!(
            out,
            "{part:.1} % of its traffic would have gone where none went then"
        )?;
    }
    Ok(())
}
