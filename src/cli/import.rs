//! `weighbridge import`: configurations of other gateways in our words.

use std::fs::File;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::init::Document;
use super::placed::{Existing, place};
use super::{Failure, Format, print_json};
use crate::model::counted;

mod litellm;
mod section;
mod yaml;

use litellm::Converted;
use section::{Note, What};

/// Largest file that is read. A proxy of a thousand models has some hundred kilobytes.
const LARGEST: u64 = 4 << 20;

/// What `import` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum From {
    /// Of LiteLLM's proxy and router: its config.yaml; tells what it did not carry over, and why
    Litellm(LitellmArgs),
}

#[derive(Clone, Debug, clap::Args)]
struct LitellmArgs {
    /// LiteLLM's configuration
    file: PathBuf,
    /// Writes base.toml and development.toml into this folder; without it the TOML is printed
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replaces files that are there
    #[arg(long, requires = "out")]
    force: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The result for programs.
#[derive(Debug, Serialize)]
struct Done<'a> {
    /// Files that were written; none without --out.
    files: &'a [String],
    toml: &'a str,
    variables: &'a [String],
    notes: &'a [Note],
}

const DEVELOPMENT: &str = r#"# One environment: what differs from base.toml. Served by `weighbridge serve --env development`.
# mode = "shadow"             # in place of base.toml's "auto": decisions are shown, and weights hold whatever happens

[server]
# Usage and cost by minute, and what was learned about the providers, survive a restart in this folder.
state = "state"
"#;

/// Converts, writes, and tells what was not carried over. Without --out the TOML alone goes to `out`, the rest to `err`.
pub(super) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), Failure> {
    let From::Litellm(args) = &args.from;
    let shown = args.file.display().to_string();
    let text = text(&args.file)?;
    let converted = litellm::convert(&text)
        .map_err(|error| Failure::Told(format!("{shown}: {error}; expected YAML")))?;
    if converted.routes == 0 {
        let mut lines: Vec<String> = converted
            .notes
            .iter()
            .map(|note| told(&shown, note))
            .collect();
        lines.insert(0, format!("{shown}: it has no model that could be served"));
        return Err(Failure::Told(lines.join("\n")));
    }
    let mut files = Vec::new();
    if let Some(dir) = &args.out {
        let existing = if args.force {
            Existing::Replaced
        } else {
            Existing::Kept
        };
        let documents = [
            ("base.toml", converted.toml.as_str()),
            ("development.toml", DEVELOPMENT),
        ];
        let documents = documents.map(|(name, text)| Document {
            name,
            text: text.to_owned(),
        });
        let paths = place(dir, &documents, existing)?;
        files.extend(paths.iter().map(|path| path.display().to_string()));
    }
    if args.format == Format::Json {
        let done = Done {
            files: &files,
            toml: &converted.toml,
            variables: &converted.variables,
            notes: &converted.notes,
        };
        return print_json(out, &done);
    }
    if args.out.is_none() {
        out.write_all(converted.toml.as_bytes())?;
        return tell(&shown, &converted, &files, args, err);
    }
    tell(&shown, &converted, &files, args, out)
}

fn text(path: &Path) -> Result<String, Failure> {
    let told = |why: &dyn std::fmt::Display| {
        Failure::Told(format!("cannot read {}: {why}", path.display()))
    };
    let file = File::open(path).map_err(|error| told(&error))?;
    let mut bytes = Vec::new();
    let read = file.take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| told(&error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(told(&format!("it has more than {} MiB", LARGEST >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| told(&"it is not UTF-8"))
}

/// A note as a line.
fn told(file: &str, note: &Note) -> String {
    let what = match note.what {
        What::NotCarriedOver => "not carried over",
        What::Changed => "changed",
        What::ToDo => "to do",
    };
    format!("{file}:{}: {}: {what}: {}", note.line, note.key, note.why)
}

fn tell(
    file: &str,
    converted: &Converted,
    files: &[String],
    args: &LitellmArgs,
    to: &mut dyn Write,
) -> Result<(), Failure> {
    for note in &converted.notes {
        writeln!(to, "{}", told(file, note))?;
    }
    for written in files {
        writeln!(to, "wrote {written}")?;
    }
    let count = |what| {
        converted
            .notes
            .iter()
            .filter(|note| note.what == what)
            .count()
    };
    writeln!(
        to,
        "{}, {}; {} not carried over, {} changed, {} to do",
        counted(converted.routes, "route"),
        counted(converted.providers, "provider"),
        count(What::NotCarriedOver),
        count(What::Changed),
        count(What::ToDo)
    )?;
    if !converted.variables.is_empty() {
        writeln!(
            to,
            "variables that must be set: {}",
            converted.variables.join(", ")
        )?;
    }
    if let Some(dir) = &args.out {
        writeln!(
            to,
            "next: weighbridge check --env development --config {}",
            dir.display()
        )?;
    }
    Ok(())
}
