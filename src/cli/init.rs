//! `weighbridge init`: a configuration to begin with, from the keys in the environment.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::placed::{Existing, place};
use super::{Failure, Format, print_json};
use crate::files;
use crate::identity::Identity;
use crate::model::counted;

mod environment;
mod starters;
mod written;

use environment::{Found, Looked, Variables};
pub(super) use written::Document;

/// What `init` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The folder that base.toml and development.toml are written into
    #[arg(
        long,
        visible_alias = "config",
        value_name = "DIR",
        default_value = "config"
    )]
    dir: PathBuf,
    /// Simulated providers, which need no keys, whatever is in the environment
    #[arg(long)]
    demo: bool,
    /// Replaces files that are there
    #[arg(long)]
    force: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The environment that is written.
const ENVIRONMENT: &str = "development";

/// What was done, for programs.
#[derive(Debug, Serialize)]
struct Done<'a> {
    files: Vec<String>,
    providers: Vec<Provider<'a>>,
    left_out: &'a [String],
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Provider<'a> {
    name: &'a str,
    variable: &'a str,
    base_url: Option<&'a str>,
    model: &'a str,
}

/// The model to begin with at a provider of this kind.
pub(super) fn model_of(kind: &str) -> Option<&'static str> {
    let found = starters::STARTERS.iter().find(|it| it.kind == kind);
    found.map(|starter| starter.model)
}

/// Looks, writes, and says what to do next.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let looked = if args.demo {
        Looked::default()
    } else {
        environment::look(&variables())
    };
    let documents = if args.demo {
        written::simulated()
    } else if looked.found.is_empty() {
        return Err(none(&looked.left_out));
    } else {
        written::documents(&looked.found)
    };
    let existing = if args.force {
        Existing::Replaced
    } else {
        Existing::Kept
    };
    let paths = place(&args.dir, &documents, existing)?;
    let warnings = checked(&args.dir)?;
    let done = Done {
        files: paths
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
        providers: looked.found.iter().map(provider).collect(),
        left_out: &looked.left_out,
        warnings,
    };
    match args.format {
        Format::Json => print_json(out, &done),
        Format::Text => tell(args, &done, out),
    }
}

/// The variables of this process whose names and values are text.
fn variables() -> Variables {
    let all = std::env::vars_os();
    all.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn none(left_out: &[String]) -> Failure {
    let mut lines: Vec<String> = vec![format!(
        "no provider's key is in the environment; looked for {}",
        environment::names().join(", ")
    )];
    lines.extend(left_out.iter().map(|why| format!("  {why}")));
    lines.push(
        "set one and try again, or begin without keys: `weighbridge init --demo` writes simulated providers"
            .to_owned(),
    );
    Failure::Told(lines.join("\n"))
}

/// Reads what was written as the daemon will; gives what is odd about it.
fn checked(dir: &Path) -> Result<Vec<String>, Failure> {
    match files::compile(dir, ENVIRONMENT, Identity::check) {
        Ok(compiled) => Ok(compiled.warnings.iter().map(ToString::to_string).collect()),
        Err(problems) => {
            let lines = problems.iter().map(|problem| format!("\n  {problem}"));
            Err(Failure::Told(format!(
                "what was written has {}:{}",
                counted(problems.len(), "problem"),
                lines.collect::<String>()
            )))
        }
    }
}

fn provider(found: &Found) -> Provider<'_> {
    Provider {
        name: found.starter.kind,
        variable: found.key,
        base_url: found.base.as_ref().map(|base| base.value.as_str()),
        model: &found.model.value,
    }
}

fn tell(args: &Args, done: &Done<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    for provider in &done.providers {
        let Provider {
            name,
            variable,
            model,
            ..
        } = provider;
        write!(out, "{variable}: provider {name}, model {model}")?;
        match provider.base_url {
            Some(base) => writeln!(out, ", at {base}")?,
            None => writeln!(out)?,
        }
    }
    for why in done.left_out {
        writeln!(out, "left out: {why}")?;
    }
    for warning in &done.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    for file in &done.files {
        writeln!(out, "wrote {file}")?;
    }
    if !args.demo {
        writeln!(
            out,
            "mode is \"shadow\": decisions are shown and the weights hold; \"auto\" lets shares move"
        )?;
    }
    Ok(write!(out, "{}", next(&args.dir))?)
}

/// What to type next.
fn next(dir: &Path) -> String {
    let place = if dir == Path::new("config") {
        String::new()
    } else {
        format!(" --config {}", dir.display())
    };
    format!(
        "the folders that it keeps its books in (state and its like) are made where `serve` is started
next:
  weighbridge check --env {ENVIRONMENT}{place}
  weighbridge serve --env {ENVIRONMENT}{place}
  curl -i http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' \\
    -d '{{\"model\": \"chat\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'
  weighbridge explain chat
"
    )
}
