//! `weighbridge reload`: has a running daemon read its files.

use std::io::Write;

use reqwest::StatusCode;
use serde::Deserialize;

use super::client::AdminArgs;
use super::{Failure, Format, block_on, print_json};
use crate::config::Problem;

/// What `reload` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    admin: AdminArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Deserialize)]
struct Applied {
    config_generation: u64,
    changes: Vec<String>,
    needs_restart: Vec<String>,
}

#[derive(Deserialize)]
struct Refused {
    problems: Vec<Problem>,
}

/// Asks, waits, and says what changed or what is wrong.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let answer = block_on(args.admin.post("/api/v1/reload"))?;
    let refused = answer.status == StatusCode::CONFLICT;
    if args.format == Format::Json && (answer.status.is_success() || refused) {
        print_json(out, answer.body())?;
        return if refused { Err(Failure::Said) } else { Ok(()) };
    }
    if refused {
        return refuse(&answer.parsed()?, out);
    }
    let applied: Applied = answer.read()?;
    for change in &applied.changes {
        writeln!(out, "{change}")?;
    }
    for key in &applied.needs_restart {
        writeln!(out, "{key}: takes effect with the next start")?;
    }
    let what = if applied.changes.is_empty() {
        "nothing changed"
    } else {
        "in force"
    };
    let generation = applied.config_generation;
    Ok(writeln!(out, "configuration {generation}: {what}")?)
}

fn refuse(refused: &Refused, out: &mut dyn Write) -> Result<(), Failure> {
    for problem in &refused.problems {
        writeln!(out, "{problem}")?;
    }
    writeln!(out, "refused; the last good configuration goes on")?;
    Err(Failure::Said)
}
