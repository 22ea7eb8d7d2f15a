//! `weighbridge prices compare`: where written prices differ from the published ones.

use std::io::Write;

use serde::Serialize;

use super::super::source::SourceArgs;
use super::super::table::{Align, table};
use super::super::{Failure, Format, print_json};
use super::{environment, money, published};
use crate::model::Price;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// How the result is printed; json has pico-dollars a token
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One rate of one model, without discounts on both sides.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    name: String,
    /// The key under `[prices]`.
    rate: String,
    written: u64,
    /// `None` where nothing is published about the model.
    published: Option<u64>,
    written_on: Option<String>,
    published_on: Option<String>,
}

pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let config = environment(&args.source)?;
    let mut differences = Vec::new();
    for (name, written) in &config.prices {
        let provider = config.providers.get(name.provider());
        let entry = provider.and_then(|provider| published(provider, name.model()));
        let price = entry.and_then(|entry| entry.price);
        let difference = |(rate, written_rate, published): (String, u64, Option<u64>)| Difference {
            name: name.to_string(),
            rate,
            written: written_rate,
            published,
            written_on: written.date.clone(),
            published_on: entry.map(|entry| entry.date.to_string()),
        };
        differences.extend(
            rates(&written.list, price.as_ref())
                .into_iter()
                .map(difference),
        );
    }
    match args.format {
        Format::Json => print_json(out, &differences),
        Format::Text if differences.is_empty() => {
            let count = config.prices.len();
            Ok(writeln!(
                out,
                "{}: {count} written, all as published",
                args.source.env
            )?)
        }
        Format::Text => Ok(write!(out, "{}", text(&differences))?),
    }
}

/// All rates of a price by their keys.
pub(super) fn named(price: &Price) -> Vec<(String, u64)> {
    let mut rates = vec![
        ("input".to_owned(), price.input),
        ("cached_input".to_owned(), price.cached_input),
        ("cache_write".to_owned(), price.cache_write),
        ("output".to_owned(), price.output),
        ("reasoning".to_owned(), price.reasoning),
        ("request".to_owned(), price.request),
    ];
    for tier in price.tiers.iter() {
        let key = |name: &str| format!("tiers.{}.{name}", tier.above);
        rates.extend([
            (key("input"), tier.input),
            (key("cached_input"), tier.cached_input),
            (key("cache_write"), tier.cache_write),
            (key("output"), tier.output),
            (key("reasoning"), tier.reasoning),
        ]);
    }
    rates
}

/// What differs: key, written, published. A rate that the other side lacks is 0 there; a model that is not published is
/// told once.
fn rates(written: &Price, published: Option<&Price>) -> Vec<(String, u64, Option<u64>)> {
    let Some(published) = published else {
        return vec![("input".to_owned(), written.input, None)];
    };
    let (mine, theirs) = (named(written), named(published));
    let find = |rates: &[(String, u64)], key: &str| {
        let found = rates.iter().find(|(name, _)| name == key);
        found.map_or(0, |(_, rate)| *rate)
    };
    let only_theirs = theirs
        .iter()
        .filter(|(key, _)| !mine.iter().any(|(name, _)| name == key));
    mine.iter()
        .chain(only_theirs)
        .map(|(key, _)| (key.clone(), find(&mine, key), Some(find(&theirs, key))))
        .filter(|(_, written, published)| Some(*written) != *published)
        .collect()
}

/// An amount under this key, as people write it.
pub(super) fn shown(key: &str, amount: u64) -> String {
    if key == "request" {
        money::dollars(amount)
    } else {
        money::a_million(amount)
    }
}

fn text(differences: &[Difference]) -> String {
    let heads = [
        ("MODEL", Align::Left),
        ("RATE", Align::Left),
        ("WRITTEN", Align::Right),
        ("PUBLISHED", Align::Right),
        ("CHANGE", Align::Right),
        ("WRITTEN ON", Align::Left),
        ("PUBLISHED ON", Align::Left),
    ];
    let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows: Vec<[String; 7]> = differences
        .iter()
        .map(|it| {
            let change = it.published.map(|new| money::change(it.written, new));
            [
                it.name.clone(),
                it.rate.clone(),
                shown(&it.rate, it.written),
                it.published
                    .map_or_else(|| "nothing".to_owned(), |rate| shown(&it.rate, rate)),
                dash(&change),
                dash(&it.written_on),
                dash(&it.published_on),
            ]
        })
        .collect();
    table(heads, &rows)
}
