//! `weighbridge explain --at` from the books: the last decision before a moment that moved shares.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use super::usage::when;
use super::{Failure, Format, print_json};
use crate::balance::{Decision, explain};
use crate::journal::clock_time;
use crate::live::Clock;
use crate::store::Books;

/// A decision with its sentences.
#[derive(Debug, Serialize)]
struct Found {
    /// When it was made, in microseconds since 1970.
    unix_us: u64,
    config_generation: u64,
    table_version: u64,
    decision: Decision,
    explanation: Vec<String>,
}

/// Prints the decision that brought about the shares which `route` had at `at`.
pub(super) fn run(
    route: &str,
    at: &str,
    state: &Path,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let told = |error: &dyn std::fmt::Display| Failure::Told(error.to_string());
    let at = when("--at", at, Clock::start().now())?;
    let moved = Books::to_read(state).moved(route, at, 1);
    let moved = moved.map_err(|error| told(&error))?;
    let Some(moved) = moved.into_iter().next() else {
        let at = clock_time(at.as_micros());
        return Err(Failure::Told(format!(
            "the books have no decision of before {at} that moved shares of a route {route:?}"
        )));
    };
    let found = Found {
        unix_us: moved.at.as_micros(),
        config_generation: moved.config_generation,
        table_version: moved.table_version,
        explanation: explain(&moved.decision),
        decision: moved.decision,
    };
    if format == Format::Json {
        return print_json(out, &found);
    }
    let (when, table) = (clock_time(found.unix_us), found.table_version);
    if found.decision.moved {
        writeln!(out, "shares were last moved at {when} (table {table})")?;
    } else {
        let what = "a budget was spent or began anew, and no share moved since";
        writeln!(out, "as it was at {when} (table {table}): {what}")?;
    }
    for sentence in &found.explanation {
        writeln!(out, "{sentence}")?;
    }
    Ok(())
}
