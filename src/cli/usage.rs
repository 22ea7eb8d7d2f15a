//! `weighbridge usage`: what was used, by whom, and what it cost.
//!
//! A running daemon is asked; with `--state` its folder is read instead, which needs no daemon and disturbs none.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::Value;

use super::client::AdminArgs;
use super::known::{expect_known, in_force};
use super::table::{Align, columns};
use super::{Failure, block_on, print_json};
use crate::live::Clock;
use crate::model::Time;
use crate::store::{Books, Dimension, MOMENTS, MOST_ROWS, Query, moment};

/// What `usage` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// What to split by, with commas: month, day, hour, minute, key, team, feature, user, route, target, upstream, provider,
    /// model
    #[arg(long, value_name = "LIST", default_value = "route,target")]
    by: String,
    /// From when on: 12h, 7d, 1mo (30 days), 2026-11-28, 2026-11-28T20:14:45Z
    #[arg(long, value_name = "WHEN", default_value = "1mo")]
    since: String,
    /// Until when
    #[arg(long, value_name = "WHEN", default_value = "now")]
    until: String,
    /// Only requests of this route
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// Only requests with this key
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// Only requests of this team
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
    /// The folder of the books (`server.state`), to be read without a daemon
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(flatten)]
    admin: AdminArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// How the result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    #[default]
    Table,
    /// For spreadsheets
    Csv,
    /// For programs
    Json,
}

/// The sums that are shown, with the heads of their columns in a table.
const SUMS: [(&str, &str); 13] = [
    ("requests", "REQUESTS"),
    ("failed", "FAILED"),
    ("calls", "CALLS"),
    ("tokens_in", "TOKENS IN"),
    ("tokens_cached", "CACHED"),
    ("tokens_cache_write", "CACHE WRITES"),
    ("tokens_out", "TOKENS OUT"),
    ("tokens_reasoning", "REASONING"),
    ("cost_usd", "COST $"),
    ("unpriced", "UNPRICED"),
    ("estimated", "ESTIMATED"),
    ("first_token_ms", "TTFT MS"),
    ("total_ms", "TOTAL MS"),
];

/// Prints what was used.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let by = dimensions(&args.by)?;
    let usage = args.look(&by, &args.since, &args.until, &args.only())?;
    if usage["total"]["requests"] == 0 && usage["total"]["calls"] == 0 {
        for (dimension, name) in args.only() {
            args.is_known(dimension, name)?;
        }
    }
    match args.format {
        Form::Json => print_json(out, &usage),
        Form::Csv => Ok(write!(out, "{}", csv(&by, &usage))?),
        Form::Table => Ok(write!(out, "{}", rendered(&by, &usage))?),
    }
}

impl Args {
    /// What the rows are narrowed to.
    fn only(&self) -> Vec<(Dimension, &str)> {
        let narrowed = [
            (Dimension::Route, &self.route),
            (Dimension::Key, &self.key),
            (Dimension::Team, &self.team),
        ];
        let named = narrowed.into_iter();
        named
            .filter_map(|(dimension, name)| Some((dimension, name.as_deref()?)))
            .collect()
    }

    /// What was used, from the folder or the daemon.
    fn look(
        &self,
        by: &[Dimension],
        since: &str,
        until: &str,
        only: &[(Dimension, &str)],
    ) -> Result<Value, Failure> {
        if let Some(folder) = &self.state {
            return read(folder, by, (since, until), only);
        }
        let names: Vec<&str> = by.iter().map(|it| it.name()).collect();
        let names = names.join(",");
        let mut pairs = vec![("by", names.as_str()), ("since", since), ("until", until)];
        pairs.retain(|(_, value)| !value.is_empty());
        pairs.extend(
            only.iter()
                .map(|(dimension, name)| (dimension.name(), *name)),
        );
        block_on(self.admin.get_with("/api/v1/usage", &pairs))?.read()
    }

    /// Whether the books or, for a route, the configuration in force have ever had `name`; else who may have been meant.
    fn is_known(&self, dimension: Dimension, name: &str) -> Result<(), Failure> {
        let ever = self.look(&[dimension], EVER, "now", &[])?;
        let of = rows(&ever).filter_map(|row| row[dimension.name()].as_str());
        let mut known: Vec<String> = of.filter(|it| !it.is_empty()).map(str::to_owned).collect();
        if self.state.is_none() {
            known.extend(in_force(&self.admin, dimension)?);
        }
        expect_known(dimension.name(), name, known)
    }
}

/// A moment before any books.
const EVER: &str = "1970-01-01";

fn dimensions(names: &str) -> Result<Vec<Dimension>, Failure> {
    Dimension::list(names).map_err(|word| {
        let known: Vec<&str> = Dimension::ALL.iter().map(|it| it.name()).collect();
        Failure::Told(format!(
            "--by: expected {}, found {word:?}",
            known.join(", ")
        ))
    })
}

/// The moment that an option names.
pub(super) fn when(option: &str, text: &str, now: Time) -> Result<Time, Failure> {
    moment(text, now)
        .ok_or_else(|| Failure::Told(format!("{option}: expected {MOMENTS}, found {text:?}")))
}

fn read(
    folder: &Path,
    by: &[Dimension],
    (since, until): (&str, &str),
    only: &[(Dimension, &str)],
) -> Result<Value, Failure> {
    let now = Clock::start().now();
    let only = only.iter();
    let query = Query {
        by: by.to_vec(),
        since: when("--since", since, now)?,
        until: when("--until", until, now)?,
        only: only.map(|(it, name)| (*it, (*name).to_owned())).collect(),
        most: MOST_ROWS,
    };
    let usage = Books::to_read(folder).usage(&query);
    let usage = usage.map_err(|error| Failure::Told(error.to_string()))?;
    serde_json::to_value(usage).map_err(|error| Failure::Told(error.to_string()))
}

/// The rows, and the sum of all in the last one.
fn rows(usage: &Value) -> impl Iterator<Item = &Value> {
    usage["rows"].as_array().into_iter().flatten()
}

fn rendered(by: &[Dimension], usage: &Value) -> String {
    let is_shown = |(key, _): &&(&str, &str)| {
        let is_bare = matches!(*key, "requests" | "cost_usd" | "tokens_in" | "tokens_out");
        is_bare || usage["total"][*key].as_f64().unwrap_or(0.0) > 0.0
    };
    let shown: Vec<&(&str, &str)> = SUMS.iter().filter(is_shown).collect();
    let names: Vec<String> = by.iter().map(|it| it.name().to_uppercase()).collect();
    let mut heads: Vec<(&str, Align)> = names
        .iter()
        .map(|name| (name.as_str(), Align::Left))
        .collect();
    heads.extend(shown.iter().map(|(_, head)| (*head, Align::Right)));
    let line = |row: &Value, is_total: bool| -> Vec<String> {
        let of = by
            .iter()
            .enumerate()
            .map(|(i, it)| match row[it.name()].as_str() {
                Some("") => "-".to_owned(),
                Some(text) => text.to_owned(),
                None if is_total && i == 0 => "all".to_owned(),
                None => String::new(),
            });
        let sums = shown.iter().map(|(key, _)| cell(key, &row[*key]));
        of.chain(sums).collect()
    };
    let mut lines: Vec<Vec<String>> = rows(usage).map(|row| line(row, false)).collect();
    lines.push(line(&usage["total"], true));
    let mut text = columns(&heads, &lines);
    if usage["is_cut"] == true {
        text.push_str("more rows than these; the last line has them all\n");
    }
    text.extend(by.iter().filter_map(|dimension| {
        let whose = nobody(*dimension)?;
        let is_there = rows(usage).any(|row| row[dimension.name()] == "");
        let head = dimension.name().to_uppercase();
        is_there.then(|| format!("- under {head}: {whose}\n"))
    }));
    text
}

/// What the requests are that have nothing to show under `dimension`; `None` where all have.
const fn nobody(dimension: Dimension) -> Option<&'static str> {
    Some(match dimension {
        Dimension::Key => "requests without a key",
        Dimension::Team | Dimension::Feature | Dimension::User => {
            "requests that neither a key nor a tag puts down to anybody"
        }
        Dimension::Route => "requests that were turned away before they had a route",
        Dimension::Target | Dimension::Upstream | Dimension::Provider | Dimension::Model => {
            "requests that ended without a call to anybody"
        }
        Dimension::Month | Dimension::Day | Dimension::Hour | Dimension::Minute => return None,
    })
}

fn cell(key: &str, value: &Value) -> String {
    match (key, value.as_f64()) {
        // The first request of a newcomer costs a few millionths, which is not nothing.
        ("cost_usd", Some(dollars)) if dollars > 0.0 && dollars < 0.01 => format!("{dollars:.6}"),
        ("cost_usd", Some(dollars)) => format!("{dollars:.4}"),
        (_, Some(number)) => format!("{number:.0}"),
        (_, None) => "-".to_owned(),
    }
}

fn csv(by: &[Dimension], usage: &Value) -> String {
    let dimensions: Vec<&str> = by.iter().map(|it| it.name()).collect();
    let keys: Vec<&str> = dimensions
        .iter()
        .copied()
        .chain(SUMS.iter().map(|(key, _)| *key))
        .collect();
    let field = |value: &Value| match value {
        Value::String(text) => quoted(text),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let all = std::iter::once(&usage["total"]).filter(|_| by.is_empty());
    let lines = rows(usage).chain(all).map(|row| {
        let fields: Vec<String> = keys.iter().map(|key| field(&row[*key])).collect();
        format!("{}\n", fields.join(","))
    });
    std::iter::once(format!("{}\n", keys.join(",")))
        .chain(lines)
        .collect()
}

/// A field of CSV. One that a spreadsheet would take for a formula is kept from being one: tags are what clients send.
fn quoted(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if is_formula { "'" } else { "" };
    if is_formula || text.contains([',', '"', '\n', '\r']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
