//! What models cost: `[prices."provider/model"]`, and a target's own price.

use std::collections::BTreeMap;

use crate::balance::Share;
use crate::model::{Price, UpstreamName};

use super::field::Field;
use super::quantity::{self, discounted};
use super::section::Section;
use super::tree::Value;
use super::world::World;

/// All list prices, less the discount of their provider.
pub(super) fn prices(section: &Section<'_>, world: &World<'_>) -> BTreeMap<UpstreamName, Price> {
    section
        .entries()
        .filter_map(|(name, field)| listed(name, &field, world))
        .collect()
}

fn listed(name: &str, field: &Field<'_>, world: &World<'_>) -> Option<(UpstreamName, Price)> {
    let price = price_table(field);
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
    let price = price?;
    let discount = Share::from_fraction(provider.discount).ppm();
    Some((upstream, price.each(|amount| discounted(amount, discount))))
}

/// A target's own price: `"prepaid"`, which costs nothing at the margin, or a table. No discount is taken off it.
pub(super) fn own_price(field: &Field<'_>) -> Option<Price> {
    match &field.node.value {
        Value::Text(text) if text.full == "prepaid" => Some(Price::default()),
        Value::Table(_) => price_table(field),
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

/// Cached input costs what input costs, unless it has a price.
fn price_table(field: &Field<'_>) -> Option<Price> {
    let mut section = field.section()?;
    let _enabled = section.field("enabled").and_then(|field| field.boolean());
    let amount = |field: Option<Field<'_>>| field.map(|field| amount(&field));
    let input = amount(section.field("input"));
    let output = amount(section.field("output"));
    let cached = amount(section.field("cached_input"));
    section.finish(&[
        "cache_write",
        "date",
        "image",
        "reasoning",
        "request",
        "source",
        "tiers",
    ]);
    for (name, found) in [("input", &input), ("output", &output)] {
        if found.is_none() {
            field.conflict(
                format!("expected `{name}`, found none"),
                "\"$0\" is a price",
            );
        }
    }
    let flat = Price::flat(input??, output??);
    Some(Price {
        cached_input: cached.unwrap_or(Some(flat.cached_input))?,
        ..flat
    })
}

fn amount(field: &Field<'_>) -> Option<u64> {
    field.quantity("$0.60 / 1M tokens", quantity::price)
}
