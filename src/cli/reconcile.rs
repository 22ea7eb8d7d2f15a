//! `weighbridge reconcile`: our books beside what a provider says, by model and kind of token.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::table::{Align, table};
use super::usage::when;
use super::{Failure, Format, print_json};
use crate::live::Clock;
use crate::model::Time;
use crate::store::{Books, Dimension, MOST_ROWS, Query, Sums};

mod export;

use export::{Billed, Column, Export};

/// What `reconcile` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The provider's usage export: CSV
    #[arg(value_name = "EXPORT.csv")]
    export: PathBuf,
    /// The folder of the books (`server.state`)
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The provider, as configured; without it all those whose models the export names
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// What a column is: COLUMN=model, start, end, requests, request (a row is one), input,
    /// uncached, cached, `cache_write`, output, cost
    #[arg(long, value_name = "COLUMN=WHAT", value_parser = export::mapped)]
    map: Vec<(String, Column)>,
    /// From when on; without it from the first row of the export
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Until when; without it to the end of the last row
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Exit status 1 if any deviation is larger than so many percent
    #[arg(long, value_name = "PERCENT")]
    tolerance: Option<f64>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One kind of use of one model, in our books and by the provider.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Line {
    model: String,
    kind: &'static str,
    ours: f64,
    theirs: f64,
    /// Ours above theirs, in percent of theirs; `None` where they have none and we have some.
    deviation_percent: Option<f64>,
}

/// Prints how far the books and the export are apart.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let told = |error: String| Failure::Told(format!("{}: {error}", args.export.display()));
    let text = std::fs::read_to_string(&args.export).map_err(|error| told(error.to_string()))?;
    let export = export::read(&text, &args.map).map_err(told)?;
    let (since, until) = span(args, &export)?;
    let query = Query {
        by: vec![Dimension::Model],
        since,
        until,
        only: args
            .provider
            .iter()
            .map(|name| (Dimension::Provider, name.clone()))
            .collect(),
        most: MOST_ROWS,
    };
    let books = Books::to_read(&args.state).usage(&query);
    let books = books.map_err(|error| Failure::Told(error.to_string()))?;
    let ours = books
        .rows
        .into_iter()
        .map(|row| (row.of.concat(), row.sums));
    let lines = compared(ours.collect(), &export, args.provider.is_some());
    match args.format {
        Format::Json => print_json(out, &lines)?,
        Format::Text => write!(out, "{}", rendered(&lines))?,
    }
    let is_beyond = |line: &Line| {
        let deviation = line.deviation_percent.unwrap_or(f64::INFINITY);
        args.tolerance.is_some_and(|most| deviation.abs() > most)
    };
    if lines.iter().any(is_beyond) {
        return Err(Failure::Told(
            "the books deviate by more than --tolerance".to_owned(),
        ));
    }
    Ok(())
}

/// The time that is compared.
fn span(args: &Args, export: &Export) -> Result<(Time, Time), Failure> {
    let now = Clock::start().now();
    let given = |option: &str, text: &Option<String>| {
        text.as_ref()
            .map(|text| when(option, text, now))
            .transpose()
    };
    let since = given("--since", &args.since)?.or(export.span.map(|span| span.0));
    let until = given("--until", &args.until)?.or(export.span.map(|span| span.1));
    since.zip(until).ok_or_else(|| {
        let message = "the export says no times that are understood; --since and --until say of which time it is";
        Failure::Told(message.to_owned())
    })
}

/// Ours beside theirs. Exports name the dated version of a model where we asked for its family, so names match without a
/// date as well.
fn compared(ours: BTreeMap<String, Sums>, export: &Export, all: bool) -> Vec<Line> {
    let mut pairs: BTreeMap<String, (Option<Sums>, Option<Billed>)> = BTreeMap::new();
    for (model, billed) in &export.models {
        let name = if ours.contains_key(model) {
            model.as_str()
        } else {
            undated(model)
        };
        let pair = pairs.entry(name.to_owned()).or_default();
        pair.1.get_or_insert_default().add(billed);
    }
    for (model, sums) in ours {
        let name = if pairs.contains_key(&model) {
            model.as_str()
        } else {
            undated(&model)
        };
        // Without --provider the books have models of other providers, of which this export says nothing.
        if all || pairs.contains_key(name) {
            let pair = pairs.entry(name.to_owned()).or_default();
            pair.0.get_or_insert_default().add(&sums);
        }
    }
    let lines = pairs.into_iter().flat_map(|(model, (ours, theirs))| {
        lines(
            &model,
            &ours.unwrap_or_default(),
            &theirs.unwrap_or_default(),
            &export.has,
        )
    });
    lines.collect()
}

fn lines(model: &str, ours: &Sums, theirs: &Billed, has: &[Column]) -> Vec<Line> {
    let tells = |columns: &[Column]| columns.iter().any(|column| has.contains(column));
    let kinds = [
        (
            "requests",
            &[Column::Requests, Column::Request][..],
            ours.calls as f64,
            theirs.requests as f64,
        ),
        (
            "input",
            &[Column::Input, Column::Uncached],
            ours.tokens_in as f64,
            theirs.input as f64,
        ),
        (
            "cached",
            &[Column::Cached],
            ours.tokens_cached as f64,
            theirs.cached as f64,
        ),
        (
            "cache_write",
            &[Column::CacheWrite],
            ours.tokens_cache_write as f64,
            theirs.cache_write as f64,
        ),
        (
            "output",
            &[Column::Output],
            ours.tokens_out as f64,
            theirs.output as f64,
        ),
        (
            "cost_usd",
            &[Column::Cost],
            ours.cost.usd(),
            theirs.cost.usd(),
        ),
    ];
    let line = |(kind, columns, ours, theirs): (&'static str, &[Column], f64, f64)| {
        tells(columns).then(|| Line {
            model: model.to_owned(),
            kind,
            ours,
            theirs,
            deviation_percent: deviation(ours, theirs),
        })
    };
    kinds.into_iter().filter_map(line).collect()
}

fn deviation(ours: f64, theirs: f64) -> Option<f64> {
    if theirs > 0.0 {
        Some(100.0 * (ours - theirs) / theirs)
    } else {
        (ours <= 0.0).then_some(0.0)
    }
}

/// A model's name without the date of its version: `-2024-07-18` or `-20251001`.
fn undated(model: &str) -> &str {
    let is_date = |text: &str| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        digits == 8
            && matches!(text.len(), 8 | 10)
            && text.bytes().all(|it| it == b'-' || it.is_ascii_digit())
    };
    for length in [10, 8] {
        let Some(at) = model.len().checked_sub(length) else {
            continue;
        };
        if let Some((name, date)) = model.split_at_checked(at)
            && let Some(name) = name.strip_suffix('-')
            && is_date(date)
        {
            return name;
        }
    }
    model
}

fn rendered(lines: &[Line]) -> String {
    let heads = [
        ("MODEL", Align::Left),
        ("KIND", Align::Left),
        ("BOOKS", Align::Right),
        ("EXPORT", Align::Right),
        ("DEVIATION", Align::Right),
    ];
    let rows: Vec<[String; 5]> = lines
        .iter()
        .map(|line| {
            let number = |number: f64| {
                let digits = if line.kind == "cost_usd" { 4 } else { 0 };
                format!("{number:.digits$}")
            };
            let deviation = line.deviation_percent;
            [
                if line.model.is_empty() {
                    "-".to_owned()
                } else {
                    line.model.clone()
                },
                line.kind.to_owned(),
                number(line.ours),
                number(line.theirs),
                deviation.map_or_else(|| "only ours".to_owned(), |it| format!("{it:+.2} %")),
            ]
        })
        .collect();
    table(heads, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(calls: u64, tokens_in: u64) -> Sums {
        Sums {
            calls,
            tokens_in,
            ..Sums::default()
        }
    }

    #[test]
    fn models_match_with_and_without_their_date() {
        assert_eq!(undated("gpt-4o-mini-2024-07-18"), "gpt-4o-mini");
        assert_eq!(undated("claude-haiku-4-5-20251001"), "claude-haiku-4-5");
        assert_eq!(undated("gpt-5"), "gpt-5");
        let text = "date,model,requests,input_tokens\n2026-11-01,gpt-2026-01-01,10,1000\n2026-11-01,other,1,5\n";
        let export = export::read(text, &[]).unwrap();
        let ours = BTreeMap::from([
            ("gpt".to_owned(), sums(10, 990)),
            ("claude".to_owned(), sums(7, 70)),
        ]);
        let lines = compared(ours.clone(), &export, false);
        let expected = "MODEL  KIND      BOOKS  EXPORT  DEVIATION\n\
             gpt    requests     10      10    +0.00 %\n\
             gpt    input       990    1000    -1.00 %\n\
             other  requests      0       1  -100.00 %\n\
             other  input         0       5  -100.00 %\n";
        assert_eq!(
            rendered(&lines),
            expected,
            "what the export does not name is another provider's"
        );
        let all = compared(ours, &export, true);
        assert_eq!(all[0].deviation_percent, None, "only ours: {:?}", all[0]);
    }
}
