//! `weighbridge check`: everything that is wrong with an environment, before it is served.
//!
//! The way from files to configuration is the daemon's own, so what passes here starts there.

use std::io::Write;
use std::sync::Arc;

use serde_json::{Value, json};

use super::source::SourceArgs;
use super::{Failure, Format, print_json};
use crate::balance::aims;
use crate::config::{Compiled, Config, Objective, Origins, Problem, Route};
use crate::files;
use crate::identity::Identity;
use crate::model::counted;

/// What `check` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// Prints the merged files with credentials masked
    #[arg(long)]
    show: bool,
    /// The same, each value with the file and line it comes from
    #[arg(long)]
    origin: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Args {
    fn shows(&self) -> bool {
        self.show || self.origin
    }
}

/// Checks the environment: what is wrong goes to `out`, one problem a line. If the merged files are asked for, `out` is
/// theirs alone and remarks go to `err`.
pub(super) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), Failure> {
    let result = files::compile(&args.source.config, &args.source.env, Identity::check);
    match args.format {
        Format::Json => {
            print_json(out, &document(args, &result))?;
            result.map(|_| ()).map_err(|_| Failure::Said)
        }
        Format::Text => match result {
            Ok(compiled) if args.shows() => show(args, &compiled, out, err),
            Ok(compiled) => accept(args, &compiled, out),
            Err(problems) => refuse(args, &problems, out),
        },
    }
}

fn show(
    args: &Args,
    compiled: &Compiled,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    for warning in &compiled.warnings {
        writeln!(err, "warning: {warning}")?;
    }
    let origins = if args.origin {
        Origins::Printed
    } else {
        Origins::Left
    };
    Ok(write!(out, "{}", compiled.shown.to_toml(origins))?)
}

fn accept(args: &Args, compiled: &Compiled, out: &mut dyn Write) -> Result<(), Failure> {
    for warning in &compiled.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    for meaning in meanings(&compiled.config) {
        writeln!(out, "{meaning}")?;
    }
    let summary = summary(&compiled.config);
    Ok(writeln!(out, "{}: good: {summary}", args.source.env)?)
}

fn refuse(args: &Args, problems: &[Problem], out: &mut dyn Write) -> Result<(), Failure> {
    for problem in problems {
        writeln!(out, "{problem}")?;
    }
    let count = counted(problems.len(), "problem");
    writeln!(out, "{}: {count}", args.source.env)?;
    Err(Failure::Said)
}

fn document(args: &Args, result: &Result<Compiled, Vec<Problem>>) -> Value {
    match result {
        Ok(compiled) => {
            let mut document = json!({
                "ok": true,
                "problems": [],
                "warnings": compiled.warnings,
                "meanings": meanings(&compiled.config),
            });
            if args.shows() {
                document["config"] = compiled.shown.to_json();
            }
            document
        }
        Err(problems) => json!({ "ok": false, "problems": problems, "warnings": [] }),
    }
}

/// What routes are after that do more than follow a preset: one line each.
fn meanings(config: &Config) -> Vec<String> {
    let presets = || Objective::PRESETS.iter().map(|(_, preset)| *preset);
    let says_more = |route: &&Arc<Route>| {
        !route.goal.levels.is_empty() || !presets().any(|preset| preset == route.objective)
    };
    let routes = config.routes.values().filter(says_more);
    routes
        .map(|route| {
            let aims = aims(&route.goal, &route.objective);
            format!("routes.{}: shares {aims}", route.name)
        })
        .collect()
}

fn summary(config: &Config) -> String {
    let targets = config.routes.values().map(|route| route.targets.len());
    format!(
        "{}, {}, {}",
        counted(config.providers.len(), "provider"),
        counted(config.routes.len(), "route"),
        counted(targets.sum::<usize>(), "target")
    )
}
