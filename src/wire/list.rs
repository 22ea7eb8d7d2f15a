//! The list of targets that a request brings itself.
//!
//! Three shapes of `load_balancer` are in use: an array of `{model, weight}`, an array of `{type, model, weight}`, and an
//! object `{type, models: […]}`. All become one [`List`]. Weights are taken as they are written: 0.05 beside 0.95 is 5 %,
//! and is not lifted to some minimum. What makes no sense as a split (nobody, the same target twice, all weights zero) is
//! an error that names the entry, since guessing would send somebody's traffic to the wrong place.

use serde_json::value::RawValue;

use super::place::{At, Error};
use super::raw::{Known, elements, number, text};
use super::shape::Shape;
use crate::balance::Weight;

/// Most entries that a request's list may have. Lists in use have two to five; 64 keeps the draw's cost bounded.
pub const MAX_ENTRIES: usize = 64;

/// Longest model name that is accepted, in bytes: a provider's and a model's name of 200 each, with room.
pub(super) const MAX_MODEL: usize = 512;

/// A request's own targets.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// How the weights are used.
    pub kind: ListKind,
    /// The targets, as the client ordered them.
    ///
    /// Never empty, at most [`MAX_ENTRIES`], each model once, at least one weight above 0.
    pub entries: Vec<Entry>,
}

/// How the weights of a list are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListKind {
    /// No type: they hold exactly, unless the operator wants such lists to adapt.
    #[default]
    Unstated,
    /// They hold exactly: `weight_based`, `weighted`, or a type that nobody knows.
    Weighted,
    /// They do not count: everybody with a weight above 0 gets the same.
    RoundRobin,
    /// They are tilted towards the targets that do better: `latency_based` or `adaptive`.
    Adaptive,
}

/// One target of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What the client calls it: `provider/model`, or a name of the operator's.
    pub model: String,
    /// Its part of the traffic, relative to the others; 0 gets nothing.
    pub weight: Weight,
}

/// Reads `load_balancer` at `at`; what is odd but harmless goes to `warnings`.
pub(super) fn read(
    value: &RawValue,
    at: &At<'_>,
    warnings: &mut Vec<String>,
) -> Result<List, Error> {
    let list = match Shape::of(value) {
        Shape::Array => read_entries(value, at, Named::ByEntries, warnings)?,
        Shape::Object => read_object(value, at, warnings)?,
        Shape::Null | Shape::Boolean | Shape::Number | Shape::Text => {
            return Err(at.unexpected("an array of models, or an object {type, models}", value));
        }
    };
    Ok(list)
}

/// Who says what kind of list it is.
#[derive(Clone, Copy)]
enum Named {
    ByObject(ListKind),
    ByEntries,
}

fn read_object(value: &RawValue, at: &At<'_>, warnings: &mut Vec<String>) -> Result<List, Error> {
    let object = Known::read_all(&["type", "models"], value, at, warnings)?;
    let kind = match object.value("type") {
        Some(kind) => read_kind(kind, &at.key("type"), warnings)?,
        None => ListKind::Unstated,
    };
    let at = at.key("models");
    match object.value("models") {
        Some(models) => read_entries(models, &at, Named::ByObject(kind), warnings),
        None => Err(at.error("expected an array of models, found nothing")),
    }
}

fn read_entries(
    value: &RawValue,
    at: &At<'_>,
    named: Named,
    warnings: &mut Vec<String>,
) -> Result<List, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut kind = match named {
        Named::ByObject(kind) => Some(kind),
        Named::ByEntries => None,
    };
    for (index, value) in elements(value, MAX_ENTRIES, at)?.into_iter().enumerate() {
        let at = at.index(index);
        let object = Known::read_all(&["type", "model", "weight"], value, &at, warnings)?;
        if let (None, Some(own)) = (kind, object.value("type")) {
            kind = Some(read_kind(own, &at.key("type"), warnings)?);
        }
        let entry = read_entry(&object, &at)?;
        if let Some(first) = entries.iter().position(|other| other.model == entry.model) {
            return Err(at.key("model").error(format!(
                "expected each model once, found {:?} here and at [{first}]",
                entry.model
            )));
        }
        entries.push(entry);
    }
    if entries.is_empty() {
        return Err(at.error("expected at least one model, found an empty array"));
    }
    if entries.iter().all(|entry| entry.weight == Weight::ZERO) {
        return Err(at.error("expected at least one weight above 0, found none"));
    }
    Ok(List {
        kind: kind.unwrap_or_default(),
        entries,
    })
}

fn read_entry(object: &Known<'_>, at: &At<'_>) -> Result<Entry, Error> {
    let model = match object.value("model") {
        Some(model) => read_model(model, &at.key("model"))?,
        None => {
            return Err(at
                .key("model")
                .error("expected a model's name, found nothing"));
        }
    };
    let weight = match object.value("weight") {
        Some(weight) => read_weight(weight, &at.key("weight"))?,
        None => Weight::DEFAULT,
    };
    Ok(Entry { model, weight })
}

fn read_weight(value: &RawValue, at: &At<'_>) -> Result<Weight, Error> {
    const EXPECTED: &str = "a number from 0 to 1e12";
    Weight::new(number(value, EXPECTED, at)?).map_err(|_| at.unexpected(EXPECTED, value))
}

/// Reads a model's name: a text of 1 to [`MAX_MODEL`] bytes.
pub(super) fn read_model(value: &RawValue, at: &At<'_>) -> Result<String, Error> {
    const EXPECTED: &str = "a model's name as a string";
    let model = text(value, EXPECTED, at)?;
    if model.is_empty() {
        return Err(at.error(format!("expected {EXPECTED}, found an empty one")));
    }
    if model.len() > MAX_MODEL {
        return Err(at.error(format!(
            "expected a model's name of at most {MAX_MODEL} bytes, found {}",
            model.len()
        )));
    }
    Ok(model)
}

/// Reads a list's type. An unknown one is taken for `weight_based`, as the API that these lists come from does
/// (source: the Python package `orq-ai-sdk` 4.17.13, `loadbalancerconfig`, 2026-11-22), with a warning.
fn read_kind(value: &RawValue, at: &At<'_>, warnings: &mut Vec<String>) -> Result<ListKind, Error> {
    let kind = text(value, "a type as a string", at)?;
    Ok(match kind.as_str() {
        "weight_based" | "weighted" => ListKind::Weighted,
        "round_robin" => ListKind::RoundRobin,
        "latency_based" | "adaptive" => ListKind::Adaptive,
        _ => {
            warnings.push(format!(
                "{at}: expected weight_based, round_robin, latency_based or adaptive, found another type; \
                 taken as weight_based"
            ));
            ListKind::Weighted
        }
    })
}
