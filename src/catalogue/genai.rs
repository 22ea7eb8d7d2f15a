//! Prices in genai-prices' shape: a list of providers with models, dollars a million tokens.
//!
//! A model's `prices` are an object (`{"input_mtok": 2.5, "output_mtok": 10, …}`), a text
//! (`$2.5/input MTok, $10/output MTok`), or a list of such with the day from which, or the hours at which, each holds.
//! Of prices by the hour the dearest is taken. Source: <https://pypi.org/project/genai-prices/> 0.2.3.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::amount::{A_MILLION, A_THOUSAND, scaled};
use super::read::{Rates, Unreadable, tiers};
use super::{Capabilities, Entry, Mode};
use crate::model::{Price, Tiers};

#[derive(Deserialize)]
struct Provider<'a> {
    id: String,
    #[serde(default)]
    pricing_urls: Vec<String>,
    #[serde(borrow)]
    models: Vec<Model<'a>>,
}

#[derive(Deserialize)]
struct Model<'a> {
    id: String,
    #[serde(borrow, rename = "match")]
    matched: Option<&'a RawValue>,
    context_window: Option<u64>,
    #[serde(borrow)]
    prices: &'a RawValue,
}

/// One of several prices.
#[derive(Deserialize)]
struct Dated<'a> {
    #[serde(borrow)]
    constraint: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(borrow)]
    prices: &'a RawValue,
}

/// All entries of providers that the list knows, at the prices of `date`.
pub(super) fn read(text: &str, date: &str, source: &str) -> Result<Vec<Entry>, Unreadable> {
    let providers: Vec<Provider<'_>> =
        serde_json::from_str(text).map_err(|error| Unreadable::Json(error.to_string()))?;
    let (day, source): (Arc<str>, Arc<str>) = (date.into(), source.into());
    let mut entries = BTreeMap::new();
    for provider in &providers {
        let (kinds, suffix) = kinds(&provider.id);
        let page: Option<Arc<str>> = provider
            .pricing_urls
            .first()
            .map(|page| page.as_str().into());
        for model in &provider.models {
            for name in names(model) {
                for kind in &kinds {
                    let entry = Entry {
                        kind,
                        model: format!("{name}{suffix}"),
                        mode: if name.contains("embed") {
                            Mode::Embedding
                        } else {
                            Mode::Chat
                        },
                        price: price_on(model.prices, date, name.ends_with(":free")),
                        context: model.context_window,
                        max_output: None,
                        capabilities: Capabilities::default(),
                        date: Arc::clone(&day),
                        source: Arc::clone(&source),
                        page: page.clone(),
                        disputed: false,
                    };
                    let own = name == model.id;
                    let place = (*kind, entry.model.clone());
                    if own {
                        entries.insert(place, entry);
                    } else {
                        entries.entry(place).or_insert(entry);
                    }
                }
            }
        }
    }
    Ok(entries.into_values().collect())
}

/// The kinds of provider that genai-prices calls so, and what belongs behind its models' names.
fn kinds(id: &str) -> (Vec<&'static str>, String) {
    let kinds = match id {
        "google" => vec!["gemini", "vertex"],
        "aws" => vec!["bedrock"],
        "x-ai" => vec!["xai"],
        _ => {
            if let Some(provider) = id.strip_prefix("huggingface_") {
                // As the router takes it: `model:provider`.
                return (vec!["huggingface"], format!(":{provider}"));
            }
            let known = super::KINDS.iter().find(|kind| **kind == id);
            known.copied().into_iter().collect()
        }
    };
    (kinds, String::new())
}

/// The model's id and the other names that are exactly given for it.
fn names(model: &Model<'_>) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Clause {
        equals: Option<String>,
        #[serde(default)]
        or_: Vec<Clause>,
    }
    let clause = model
        .matched
        .and_then(|it| serde_json::from_str::<Clause>(it.get()).ok());
    let mut names = BTreeSet::from([model.id.clone()]);
    if let Some(clause) = clause {
        names.extend(clause.equals);
        names.extend(clause.or_.into_iter().filter_map(|clause| clause.equals));
    }
    names
}

/// The price on a day; of several at different hours the dearest.
fn price_on(prices: &RawValue, date: &str, free: bool) -> Option<Price> {
    let Ok(list) = serde_json::from_str::<Vec<Dated<'_>>>(prices.get()) else {
        return price(prices, free);
    };
    let mut now: Vec<&RawValue> = Vec::new();
    for dated in &list {
        let start = dated
            .constraint
            .as_ref()
            .and_then(|it| it.get("start_date"));
        let start = start.and_then(|it| serde_json::from_str::<String>(it.get()).ok());
        match start {
            Some(start) if start.as_str() > date => {}
            Some(_) => now = vec![dated.prices],
            None => now.push(dated.prices),
        }
    }
    now.into_iter()
        .filter_map(|prices| price(prices, free))
        .max_by_key(|price| (price.input, price.output))
}

fn price(prices: &RawValue, free: bool) -> Option<Price> {
    if let Ok(text) = serde_json::from_str::<String>(prices.get()) {
        return match text.as_str() {
            "" => free.then(|| Price::flat(0, 0)),
            text => of_text(text),
        };
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(prices.get()).ok()?;
    if members.is_empty() {
        return free.then(|| Price::flat(0, 0));
    }
    of_members(&members)
}

/// `$2.5/input MTok (+tiers), $10/output MTok`. What the tiers are is not said there.
fn of_text(text: &str) -> Option<Price> {
    let mut rates = Rates::default();
    let mut request = 0;
    for part in text.split(", ") {
        let (amount, unit) = part.strip_prefix('$')?.split_once('/')?;
        let (amount, unit) = (amount.trim(), unit.trim());
        let place = match unit.strip_suffix(" (+tiers)").unwrap_or(unit) {
            "input MTok" => &mut rates.input,
            "input cache read MTok" => &mut rates.cached,
            "input cache write MTok" => &mut rates.write,
            "output MTok" => &mut rates.output,
            "output reasoning MTok" => &mut rates.reasoning,
            "K requests" => {
                request = scaled(amount, A_THOUSAND)?;
                continue;
            }
            _ => continue,
        };
        *place = Some(scaled(amount, A_MILLION)?);
    }
    Some(Price {
        request,
        ..rates.price()?
    })
}

/// An amount that may depend on the size of the prompt.
struct Tiered {
    base: u64,
    above: BTreeMap<u64, u64>,
}

fn tiered(value: &RawValue) -> Option<Tiered> {
    #[derive(Deserialize)]
    struct Written<'a> {
        #[serde(borrow)]
        base: &'a RawValue,
        #[serde(borrow)]
        tiers: Vec<Step<'a>>,
    }
    #[derive(Deserialize)]
    struct Step<'a> {
        start: u64,
        #[serde(borrow)]
        price: &'a RawValue,
    }
    let rate = |value: &RawValue| scaled(value.get().trim_matches('"'), A_MILLION);
    let Ok(written) = serde_json::from_str::<Written<'_>>(value.get()) else {
        let base = rate(value)?;
        return Some(Tiered {
            base,
            above: BTreeMap::new(),
        });
    };
    let steps = written.tiers.iter();
    Some(Tiered {
        base: rate(written.base)?,
        above: steps
            .map(|step| Some((step.start, rate(step.price)?)))
            .collect::<Option<_>>()?,
    })
}

fn of_members(members: &BTreeMap<String, &RawValue>) -> Option<Price> {
    let amounts = [
        "input_mtok",
        "cache_read_mtok",
        "cache_write_mtok",
        "output_mtok",
        "output_reasoning_mtok",
    ]
    .map(|name| members.get(name).and_then(|value| tiered(value)));
    // What an amount is above a size: its highest step that is not above it.
    let rates = |above: Option<u64>| {
        let [input, cached, write, output, reasoning] = amounts.each_ref().map(|amount| {
            let amount = amount.as_ref()?;
            let step = above.and_then(|above| amount.above.range(..=above).next_back());
            Some(step.map_or(amount.base, |(_, rate)| *rate))
        });
        Rates {
            input,
            cached,
            write,
            output,
            reasoning,
        }
    };
    let steps: BTreeSet<u64> = amounts
        .iter()
        .flatten()
        .flat_map(|amount| amount.above.keys().copied())
        .collect();
    let found = steps
        .into_iter()
        .filter_map(|above| rates(Some(above)).tier(above));
    let tiers: Tiers = tiers(found.collect());
    let requests = members.get("requests_kcount");
    Some(Price {
        request: requests
            .and_then(|it| scaled(it.get().trim_matches('"'), A_THOUSAND))
            .unwrap_or(0),
        tiers,
        ..rates(None).price()?
    })
}
