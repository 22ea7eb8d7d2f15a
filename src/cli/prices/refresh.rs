//! `weighbridge prices refresh`: newer prices for the environment's models, as a `[prices]` table to lay over its files.

use std::fs::OpenOptions;
use std::io::{Read as _, Write};
use std::path::PathBuf;

use serde::Serialize;

use super::super::source::SourceArgs;
use super::super::{Failure, Format, print_json};
use super::{compare, environment, money, named, published, source};
use crate::catalogue::{self, Entry, List};
use crate::config::Config;
use crate::live::Clock;
use crate::model::{Price, UpstreamName};

/// Largest file of prices that is read. The largest that is known has 2 MB.
const LARGEST: u64 = 64 << 20;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// Newer prices: litellm's `model_prices_and_context_window.json`, genai-prices' data.json, or this program's own format
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Writes the table to a new file instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The day on which the prices hold, such as 2026-11-23; today if it is left out
    #[arg(long, value_name = "DAY")]
    date: Option<String>,
    /// How the summary is printed on standard error
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What the newer prices mean for one model.
#[derive(Debug, Serialize)]
struct Change {
    name: String,
    /// `new`, `changed`, `same`, or `absent`: then the price in force stays.
    what: &'static str,
    /// Key, list price in force, newer list price, of the rates that change.
    rates: Vec<(String, Option<u64>, u64)>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), Failure> {
    let config = environment(&args.source)?;
    let date = args.date.clone().unwrap_or_else(today);
    if !catalogue::is_day(&date) {
        let message = format!("expected --date as a day such as 2026-11-23, found {date:?}");
        return Err(Failure::Told(message));
    }
    let place = args.from.display();
    let told =
        |error: &dyn std::fmt::Display| Failure::Told(format!("cannot read {place}: {error}"));
    let text = text(&args.from).map_err(|error| told(&error))?;
    let name = args.from.file_name().unwrap_or_default().to_string_lossy();
    let entries = catalogue::read(&text, &date, &name).map_err(|error| told(&error))?;
    if entries.is_empty() {
        return Err(told(&"it has no prices of a provider that is known here"));
    }
    let newer = List::new(entries);
    let mut table = String::new();
    let mut changes = Vec::new();
    for (name, provider) in named(&config) {
        // Of a provider that is not known by its address nothing is published, and nothing is said.
        let Some(kind) = provider.catalogue() else {
            continue;
        };
        let entry = newer.find(kind, name.model());
        let found = entry.and_then(|entry| Some((entry, entry.price?)));
        let before = in_force(&config, name);
        changes.push(change(name, before.as_ref(), found.map(|(_, price)| price)));
        if let Some((entry, price)) = found {
            table.push_str(&overlay(name, entry, &price));
        }
    }
    write_table(args, &table, out)?;
    summary(args.format, &changes, err)
}

fn text(path: &std::path::Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(LARGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    if text.len() as u64 > LARGEST {
        return Err(format!("it has more than {} MiB", LARGEST >> 20));
    }
    Ok(text)
}

/// The list price that holds now.
fn in_force(config: &Config, name: &UpstreamName) -> Option<Price> {
    if let Some(written) = config.prices.get(name) {
        return Some(written.list);
    }
    published(config.providers.get(name.provider())?, name.model())?.price
}

fn change(name: &UpstreamName, before: Option<&Price>, after: Option<Price>) -> Change {
    let Some(after) = after else {
        return Change {
            name: name.to_string(),
            what: "absent",
            rates: Vec::new(),
        };
    };
    let old = before.map(compare::named);
    let rates: Vec<(String, Option<u64>, u64)> = compare::named(&after)
        .into_iter()
        .map(|(key, rate)| {
            let find = |old: &Vec<(String, u64)>| {
                let found = old.iter().find(|(name, _)| *name == key);
                found.map(|(_, rate)| *rate)
            };
            let old = old.as_ref().and_then(find);
            (key, old, rate)
        })
        .filter(|(_, old, new)| *old != Some(*new))
        .collect();
    let what = match before {
        None => "new",
        Some(before) if *before == after => "same",
        Some(_) => "changed",
    };
    Change {
        name: name.to_string(),
        what,
        rates,
    }
}

/// One price as `[prices]` takes it. What is plain is left out.
fn overlay(name: &UpstreamName, entry: &Entry, price: &Price) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut lines = money::rates(price);
    if price.request != 0 {
        lines.push(format!(
            "request = \"{} / request\"",
            money::dollars(price.request)
        ));
    }
    lines.push(format!("date = \"{}\"", entry.date));
    lines.push(format!("source = {}", quoted(&source(entry))));
    for tier in price.tiers.iter() {
        let above = price.for_prompt(tier.above.saturating_add(1));
        lines.push(format!(
            "tiers.{} = {{ {} }}",
            tier.above,
            money::rates(&above).join(", ")
        ));
    }
    format!(
        "[prices.{}]\n{}\n\n",
        quoted(name.as_str()),
        lines.join("\n")
    )
}

/// An existing file is never written over.
fn write_table(args: &Args, table: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let Some(path) = &args.output else {
        return Ok(out.write_all(table.as_bytes())?);
    };
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(table.as_bytes()))
        .map_err(|error| {
            let place = path.display();
            Failure::Told(format!(
                "cannot write {place}: {error}; give the name of a new file"
            ))
        })
}

fn summary(format: Format, changes: &[Change], err: &mut dyn Write) -> Result<(), Failure> {
    if format == Format::Json {
        return print_json(err, &changes);
    }
    for change in changes {
        for (key, old, new) in &change.rates {
            let shown = compare::shown(key, *new);
            let old = old.map_or_else(
                || format!("nothing -> {shown}"),
                |old| {
                    let before = compare::shown(key, old);
                    format!("{before} -> {shown} ({})", money::change(old, *new))
                },
            );
            writeln!(err, "{}: {key} {old}", change.name)?;
        }
    }
    let count = |what| changes.iter().filter(|change| change.what == what).count();
    writeln!(
        err,
        "{} models: {} changed, {} new, {} the same, {} not in the file",
        changes.len(),
        count("changed"),
        count("new"),
        count("same"),
        count("absent")
    )?;
    Ok(())
}

/// Today by the wall clock, in UTC.
fn today() -> String {
    day(Clock::start().unix_seconds() / 86_400)
}

/// The day that many days after 1970-01-01.
/// Source: <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>, read 2026-11-23.
fn day(days: u64) -> String {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + carry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (19_783, "2024-03-01"),
            (20_780, "2026-11-23"),
        ] {
            assert_eq!(day(days), expected);
        }
    }
}
