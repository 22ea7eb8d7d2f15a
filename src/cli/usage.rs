//! `weighbridge usage`: what was used, by whom, and what it cost.
//!
//! A running daemon is asked; with `--state` its folder is read instead, which needs no daemon and disturbs none.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::Value;

use super::client::AdminArgs;
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
    let usage = match &args.state {
        Some(folder) => read(folder, &by, args)?,
        None => asked(&by, args)?,
    };
    match args.format {
        Form::Json => print_json(out, &usage),
        Form::Csv => Ok(write!(out, "{}", csv(&by, &usage))?),
        Form::Table => Ok(write!(out, "{}", rendered(&by, &usage))?),
    }
}

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

fn read(folder: &Path, by: &[Dimension], args: &Args) -> Result<Value, Failure> {
    let now = Clock::start().now();
    let query = Query {
        by: by.to_vec(),
        since: when("--since", &args.since, now)?,
        until: when("--until", &args.until, now)?,
        only: Vec::new(),
        most: MOST_ROWS,
    };
    let usage = Books::to_read(folder).usage(&query);
    let usage = usage.map_err(|error| Failure::Told(error.to_string()))?;
    serde_json::to_value(usage).map_err(|error| Failure::Told(error.to_string()))
}

fn asked(by: &[Dimension], args: &Args) -> Result<Value, Failure> {
    let names: Vec<&str> = by.iter().map(|it| it.name()).collect();
    let mut query = form_urlencoded::Serializer::new(String::new());
    if !names.is_empty() {
        query.append_pair("by", &names.join(","));
    }
    query.append_pair("since", &args.since);
    query.append_pair("until", &args.until);
    let path = format!("/api/v1/usage?{}", query.finish());
    block_on(args.admin.get(&path))?.read()
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
    text
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
mod tests {
    use serde_json::json;

    use super::*;

    fn usage() -> Value {
        let sums = json!({
            "requests": 12, "failed": 0, "calls": 13, "tokens_in": 1200, "tokens_cached": 0, "tokens_cache_write": 0,
            "tokens_out": 340, "tokens_reasoning": 0, "cost_usd": 0.012_345, "unpriced": 0, "estimated": 0,
            "first_token_ms": 431.5, "total_ms": null,
        });
        let mut red = sums.clone();
        red["team"] = "red, \"hot\"".into();
        let mut nobody = sums.clone();
        nobody["team"] = "".into();
        json!({ "by": ["team"], "rows": [red, nobody], "total": sums, "is_cut": false })
    }

    #[test]
    fn a_table_has_what_there_is_and_its_sum() {
        let text = rendered(&[Dimension::Team], &usage());
        let expected = "TEAM        REQUESTS  CALLS  TOKENS IN  TOKENS OUT  COST $  TTFT MS\n\
             red, \"hot\"        12     13       1200         340  0.0123      432\n\
             -                 12     13       1200         340  0.0123      432\n\
             all               12     13       1200         340  0.0123      432\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_small_cost_is_not_nothing() {
        assert_eq!(cell("cost_usd", &json!(0.000_011_4)), "0.000011");
        assert_eq!(cell("cost_usd", &json!(0.0)), "0.0000");
        assert_eq!(cell("cost_usd", &json!(12.345_678)), "12.3457");
    }

    #[test]
    fn csv_has_all_columns_and_quotes_what_needs_it() {
        let text = csv(&[Dimension::Team], &usage());
        let mut lines = text.lines();
        assert!(
            lines
                .next()
                .unwrap()
                .starts_with("team,requests,failed,calls,")
        );
        let first = lines.next().unwrap();
        assert!(
            first.starts_with("\"red, \"\"hot\"\"\",12,0,13,1200,"),
            "{first}"
        );
        assert!(first.ends_with(",0.012345,0,0,431.5,"), "{first}");
        assert_eq!(
            quoted("=1+1"),
            "\"'=1+1\"",
            "no formula of a client's making"
        );
    }

    #[test]
    fn a_dimension_that_is_none_is_told_with_those_that_are() {
        let Err(Failure::Told(said)) = dimensions("team,teem") else {
            panic!("expected a refusal");
        };
        assert!(
            said.contains("\"teem\"") && said.contains("feature"),
            "{said}"
        );
    }
}
