//! What models cost: `[prices."provider/model"]`, and a target's own price.

use std::collections::BTreeMap;

use crate::catalogue;
use crate::model::{MAX_TIERS, Price, Tier, Tiers, UpstreamName};

use super::ListPrice;
use super::field::Field;
use super::quantity;
use super::section::Section;
use super::tree::Value;
use super::world::World;

/// All list prices, and what is left of them after the discount of their provider.
pub(super) fn prices(
    section: &Section<'_>,
    world: &World<'_>,
) -> BTreeMap<UpstreamName, ListPrice> {
    section
        .entries()
        .filter_map(|(name, field)| listed(name, &field, world))
        .collect()
}

fn listed(name: &str, field: &Field<'_>, world: &World<'_>) -> Option<(UpstreamName, ListPrice)> {
    let written = price_table(field);
    let Ok(upstream) = UpstreamName::new(name) else {
        field.problem(
            "expected a name such as \"openai/gpt-5.6-luna\" in quotes",
            "",
        );
        return None;
    };
    // A price of a provider that is off here is kept for the environments where it is on.
    if world
        .removed("providers", upstream.provider().as_str())
        .is_some()
    {
        return None;
    }
    let provider = world.provider(field, upstream.provider())?;
    let written = written?;
    let price = ListPrice {
        list: written.price,
        net: provider.discounted(written.price),
        date: written.date,
        source: written.source,
    };
    Some((upstream, price))
}

/// A target's own price: `"prepaid"`, which costs nothing at the margin, or a table. No discount is taken off it.
pub(super) fn own_price(field: &Field<'_>) -> Option<Price> {
    match &field.node.value {
        Value::Text(text) if text.full == "prepaid" => Some(Price::default()),
        Value::Table(_) => price_table(field).map(|written| written.price),
        Value::Text(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Bool(_)
        | Value::Date(_)
        | Value::List(_) => {
            field.expected("\"prepaid\" or { input = \"$…\", output = \"$…\" }", "");
            None
        }
    }
}

struct Written {
    price: Price,
    date: Option<String>,
    source: Option<String>,
}

/// The rates of a price and of a tier: input and output must be there, the cache costs what input costs and reasoning what
/// output costs, unless they have prices. `None` if something is wrong, which is told.
fn rates(field: &Field<'_>, section: &mut Section<'_>) -> Option<Price> {
    let amount = |field: Option<Field<'_>>| field.map(|field| amount(&field));
    let input = amount(section.field("input"));
    let output = amount(section.field("output"));
    let cached = amount(section.field("cached_input"));
    let write = amount(section.field("cache_write"));
    let reasoning = amount(section.field("reasoning"));
    for (name, found) in [("input", &input), ("output", &output)] {
        if found.is_none() {
            field.missing(name, "\"$0\" is a price");
        }
    }
    let flat = Price::flat(input??, output??);
    Some(Price {
        cached_input: cached.unwrap_or(Some(flat.cached_input))?,
        cache_write: write.unwrap_or(Some(flat.cache_write))?,
        reasoning: reasoning.unwrap_or(Some(flat.reasoning))?,
        ..flat
    })
}

fn price_table(field: &Field<'_>) -> Option<Written> {
    let mut section = field.section()?;
    let _enabled = section.field("enabled").and_then(|field| field.boolean());
    let base = rates(field, &mut section);
    let request = section
        .field("request")
        .map(|field| field.quantity("$0.005 / request", quantity::request_price));
    let tiers = section.field("tiers").map(|field| tiers(&field));
    let date = section.field("date").map(|field| date(&field));
    let source = section.field("source").map(|field| field.str());
    section.finish(&["image"]);
    Some(Written {
        price: Price {
            request: request.unwrap_or(Some(0))?,
            tiers: tiers.unwrap_or(Some(Tiers::default()))?,
            ..base?
        },
        date: date.map_or(Some(None), |date| date.map(Some))?,
        source: source.map_or(Some(None), |source| {
            source.map(|text| Some(text.to_owned()))
        })?,
    })
}

/// `tiers.200_000 = { … }`: the rates of requests with more tokens than that in the prompt.
fn tiers(field: &Field<'_>) -> Option<Tiers> {
    let section = field.section()?;
    let found: Vec<Option<Tier>> = section
        .entries()
        .map(|(above, field)| tier(above, &field))
        .collect();
    let found: Vec<Tier> = found.into_iter().collect::<Option<_>>()?;
    let tiers = Tiers::new(&found);
    if tiers.is_none() {
        let count = found.len();
        field.conflict(
            format!("expected at most {MAX_TIERS} tiers, found {count}"),
            "",
        );
    }
    tiers
}

fn tier(above: &str, field: &Field<'_>) -> Option<Tier> {
    let mut section = field.section()?;
    let _enabled = section.field("enabled").and_then(|field| field.boolean());
    let rates = rates(field, &mut section);
    section.finish(&[]);
    let Some(above) = above.replace('_', "").parse().ok().filter(|it| *it > 0) else {
        field.conflict(
            "expected the tokens of a prompt above which the tier begins, such as 200_000",
            "",
        );
        return None;
    };
    let rates = rates?;
    Some(Tier {
        above,
        input: rates.input,
        cached_input: rates.cached_input,
        cache_write: rates.cache_write,
        output: rates.output,
        reasoning: rates.reasoning,
    })
}

/// A day, with or without quotes.
fn date(field: &Field<'_>) -> Option<String> {
    let text = match &field.node.value {
        Value::Date(text) => text.as_str(),
        Value::Text(text) => text.full.as_str(),
        Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::List(_) | Value::Table(_) => {
            ""
        }
    };
    if catalogue::is_day(text) {
        return Some(text.to_owned());
    }
    field.expected("a day such as 2026-11-23", "");
    None
}

fn amount(field: &Field<'_>) -> Option<u64> {
    field.quantity("$0.60 / 1M tokens", quantity::price)
}
