//! `weighbridge explain --at`: the decision of a past moment, from the journal.

use std::collections::BTreeSet;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;

use super::journal::read;
use super::{Failure, Format, print_json};
use crate::balance::{Decision, explain};
use crate::journal::{Heard, Moment, Place, Replay, clock_time};
use crate::model::RouteName;

/// A decision that is older than this at the moment that is asked about was not in force any more, or the journal has a gap.
const STALE_US: u64 = 60_000_000;

/// The decision of a moment.
#[derive(Debug, Serialize)]
struct Found {
    /// When it was made, in microseconds since 1970.
    unix_us: u64,
    #[serde(flatten)]
    place: Place,
    /// Whether it was in force (`mode = "auto"`).
    obeyed: bool,
    /// Whether it is the recorded one, byte for byte.
    agrees: bool,
    decision: Decision,
    explanation: Vec<String>,
}

/// Prints the decision about `route` that was in force at `at`.
pub(super) fn run(
    route: &str,
    at: &str,
    journal: &Path,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let moment = Moment::read(at).ok_or_else(|| {
        let known = "2026-11-28T20:14:45Z, 20:14 or 20:14:45 (UTC, the last time it was that), or seconds since 1970";
        Failure::Told(format!("expected a moment such as {known}, found {at:?}"))
    })?;
    let (last, routes) = told_of(journal)?;
    if !routes.iter().any(|known| known.as_str() == route) {
        return Err(unknown(route, &routes));
    }
    let wanted = moment.unix_us(last);
    let found = find(route, wanted, journal)?;
    let found = found.ok_or_else(|| nothing(route, wanted, last))?;
    if format == Format::Json {
        return print_json(out, &found);
    }
    let (when, place) = (clock_time(found.unix_us), &found.place);
    writeln!(out, "decided at {when} ({place})")?;
    if !found.agrees {
        let words = "decided again just now it is not the recorded one; see `weighbridge replay`";
        writeln!(out, "note: {words}")?;
    }
    if !found.obeyed {
        writeln!(
            out,
            "note: the route's mode was not \"auto\": its configured shares were in force"
        )?;
    }
    for sentence in &found.explanation {
        writeln!(out, "{sentence}")?;
    }
    Ok(())
}

/// The last moment that the journal tells of, and its routes.
fn told_of(journal: &Path) -> Result<(u64, BTreeSet<RouteName>), Failure> {
    let (mut replay, mut last, mut routes) = (Replay::new(), 0, BTreeSet::new());
    read(journal, &mut |place, text, is_whole| {
        if let Heard::Tick(step) = replay.line(place, text, is_whole) {
            last = replay.unix_us(step.input.now);
            for decision in &step.stepped.decisions {
                if !routes.contains(&decision.route) {
                    routes.insert(decision.route.clone());
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok((last, routes))
}

fn unknown(route: &str, routes: &BTreeSet<RouteName>) -> Failure {
    let names: Vec<&str> = routes.iter().map(RouteName::as_str).collect();
    let known = match names.as_slice() {
        [] => "it has none at all".to_owned(),
        names => format!("its routes are: {}", names.join(", ")),
    };
    Failure::Told(format!(
        "the journal has no decision about route {route:?}; {known}"
    ))
}

/// The last decision about `route` up to `wanted`.
fn find(route: &str, wanted: u64, journal: &Path) -> Result<Option<Found>, Failure> {
    let mut replay = Replay::new();
    let mut found: Option<Found> = None;
    read(journal, &mut |place, text, is_whole| {
        let Heard::Tick(step) = replay.line(place, text, is_whole) else {
            return ControlFlow::Continue(());
        };
        let unix_us = replay.unix_us(step.input.now);
        if unix_us > wanted {
            return ControlFlow::Break(());
        }
        let agrees = step.agrees();
        let decisions = step.stepped.decisions.into_iter();
        let mut decisions = decisions.filter(|decision| decision.route.as_str() == route);
        if let Some(decision) = decisions.next() {
            let config = replay.player().config();
            let planned = config.and_then(|config| {
                let mut routes = config.routes.iter();
                routes.find(|planned| planned.spec.name == decision.route)
            });
            found = Some(Found {
                unix_us,
                place: place.clone(),
                obeyed: planned.is_none_or(|planned| planned.obeyed),
                agrees,
                explanation: explain(&decision),
                decision,
            });
        }
        ControlFlow::Continue(())
    })?;
    Ok(found.filter(|found| wanted - found.unix_us <= STALE_US))
}

fn nothing(route: &str, wanted: u64, last: u64) -> Failure {
    Failure::Told(format!(
        "the journal has no decision about route {route:?} at {} or in the minute before (its last is of {})",
        clock_time(wanted),
        clock_time(last)
    ))
}
