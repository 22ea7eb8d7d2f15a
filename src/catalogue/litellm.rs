//! Prices in litellm's shape: one object of models, each with `litellm_provider` and dollars a token.
//! Source: `model_prices_and_context_window_backup.json` of <https://pypi.org/project/litellm/> 1.109.1, whose
//! `sample_spec` describes the fields.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::amount::{A_TOKEN, scaled};
use super::read::{Rates, Unreadable, tiers};
use super::{Capabilities, Entry, Mode};
use crate::model::Price;

type Row<'a> = BTreeMap<String, &'a RawValue>;

/// All entries of providers that the list knows.
pub(super) fn read(text: &str, date: &str, source: &str) -> Result<Vec<Entry>, Unreadable> {
    let rows: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|error| Unreadable::Json(error.to_string()))?;
    let (date, source): (Arc<str>, Arc<str>) = (date.into(), source.into());
    let mut entries = BTreeMap::new();
    let mut models = 0_usize;
    for (key, row) in &rows {
        let Ok(row) = serde_json::from_str::<Row<'_>>(row.get()) else {
            continue;
        };
        models += usize::from(row.contains_key("litellm_provider"));
        if let Some(entry) = entry(key, &row, &date, &source) {
            // `azure/…` and `azure_ai/…` may have the same model: the first, by name, is the provider's own.
            entries
                .entry((entry.kind, entry.model.clone()))
                .or_insert(entry);
        }
    }
    if models == 0 {
        let found = "found an object without `litellm_provider` in any member";
        return Err(Unreadable::Json(found.to_owned()));
    }
    Ok(entries.into_values().collect())
}

fn entry(key: &str, row: &Row<'_>, date: &Arc<str>, source: &Arc<str>) -> Option<Entry> {
    let provider = text(row, "litellm_provider")?;
    let kind = kind(&provider)?;
    let mode = match text(row, "mode").as_deref() {
        Some("chat") | None => Mode::Chat,
        Some("completion") => Mode::Completion,
        Some("responses") => Mode::Responses,
        Some("embedding") => Mode::Embedding,
        Some(_) => return None,
    };
    let family = provider.split('-').next().unwrap_or(&provider);
    let model = [provider.as_str(), family, kind, "bedrock", "azure"]
        .iter()
        .find_map(|prefix| key.strip_prefix(prefix)?.strip_prefix('/'))
        .unwrap_or(key);
    let flag = |name| match row.get(name)?.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    Some(Entry {
        kind,
        model: model.to_owned(),
        mode,
        price: price(row, kind, mode),
        context: count(row, "max_input_tokens"),
        max_output: count(row, "max_output_tokens"),
        capabilities: Capabilities {
            tools: flag("supports_function_calling"),
            images: flag("supports_vision"),
            audio: flag("supports_audio_input"),
            json_schema: flag("supports_response_schema"),
            reasoning: flag("supports_reasoning"),
            streaming: flag("supports_native_streaming"),
        },
        date: Arc::clone(date),
        source: Arc::clone(source),
        page: text(row, "source").map(Arc::from),
        disputed: false,
    })
}

/// The kind of provider that litellm calls so.
fn kind(provider: &str) -> Option<&'static str> {
    Some(match provider {
        "openai" | "text-completion-openai" => "openai",
        "azure" | "azure_text" | "azure_ai" => "azure",
        "bedrock" | "bedrock_converse" | "bedrock_mantle" => "bedrock",
        "cohere" | "cohere_chat" => "cohere",
        "mistral" | "codestral" => "mistral",
        "together_ai" => "together",
        "fireworks_ai" | "fireworks_ai-embedding-models" => "fireworks",
        "nvidia_nim" => "nvidia",
        _ if provider.starts_with("vertex_ai") => "vertex",
        _ => super::KINDS.iter().find(|kind| **kind == provider)?,
    })
}

fn price(row: &Row<'_>, kind: &str, mode: Mode) -> Option<Price> {
    let base = rates(row, "", mode);
    if base.input == Some(0) && base.output == Some(0) {
        // Of some models the price is not known, and written so.
        return None;
    }
    let price = base.price()?;
    let above = row.keys().filter_map(|key| {
        let thousands = key.strip_prefix("input_cost_per_token_above_")?;
        let thousands: u64 = thousands.strip_suffix("k_tokens")?.parse().ok()?;
        let suffix = format!("_above_{thousands}k_tokens");
        rates(row, &suffix, mode).tier(thousands.checked_mul(1000)?)
    });
    Some(Price {
        request: request(row, kind).unwrap_or(0),
        tiers: tiers(above.collect()),
        ..price
    })
}

/// The rates whose names end so.
fn rates(row: &Row<'_>, suffix: &str, mode: Mode) -> Rates {
    let rate = |name: &str| amount(row, &format!("{name}{suffix}"));
    let output = rate("output_cost_per_token");
    Rates {
        input: rate("input_cost_per_token"),
        cached: rate("cache_read_input_token_cost"),
        write: rate("cache_creation_input_token_cost"),
        output: output.or((mode == Mode::Embedding).then_some(0)),
        reasoning: rate("output_cost_per_reasoning_token"),
    }
}

/// Perplexity's answers search each time, and "low" is what a request gets that does not ask for more.
/// Source: recorded answers of 2025, whose `usage` has `search_context_size: "low"` and `cost.request_cost: 0.005`.
fn request(row: &Row<'_>, kind: &str) -> Option<u64> {
    if kind != "perplexity" {
        return amount(row, "input_cost_per_request");
    }
    let searches: Row<'_> =
        serde_json::from_str(row.get("search_context_cost_per_query")?.get()).ok()?;
    amount(&searches, "search_context_size_low")
}

fn amount(row: &Row<'_>, name: &str) -> Option<u64> {
    scaled(row.get(name)?.get(), A_TOKEN)
}

fn count(row: &Row<'_>, name: &str) -> Option<u64> {
    row.get(name)?.get().parse().ok()
}

fn text(row: &Row<'_>, name: &str) -> Option<String> {
    serde_json::from_str(row.get(name)?.get()).ok()
}
