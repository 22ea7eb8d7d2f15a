//! What a request says about its own routing, in every spelling that clients use, as one form.
//!
//! The keys sit at the top level of the body or inside `orq`, where `retry` is also called `retries`; null means absent;
//! unknown keys inside `orq` are tolerated, since clients of the hosted API send more than its description names. The top
//! level wins key by key. A key that loses is not read, so its mistakes do not matter.

use std::time::Duration;

use serde_json::value::RawValue;

use super::list::{self, List, MAX_ENTRIES, read_model};
use super::place::{At, Error};
use super::raw::{Known, elements, number, whole};
use super::shape::Shape;

/// The keys that are read here, wherever they sit.
pub(super) const KEYS: [&str; 6] = [
    "load_balancer",
    "retry",
    "retries",
    "timeout",
    "fallbacks",
    "fallback_on_codes",
];

/// Longest time for one attempt that a request may ask for. The route's own deadlines are shorter; this only keeps the
/// arithmetic sane.
const LONGEST_CALL: Duration = Duration::from_secs(24 * 3600);

/// Most statuses in one list of codes.
const MAX_CODES: usize = 100;

/// What a request says about its own routing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extension {
    /// The targets it brings itself.
    pub list: Option<List>,
    /// What it wants tried again.
    pub retry: Option<RetryAsk>,
    /// How long one attempt may take: 1 ms to a day.
    pub call_timeout: Option<Duration>,
    /// Where to go when its targets fail, in order, each once.
    pub fallbacks: Vec<String>,
    /// Statuses after which the fallbacks are tried, ascending; `None` leaves it to the default.
    pub fallback_on_codes: Option<Vec<u16>>,
    /// What was odd but could be served, for a header or a log line.
    pub warnings: Vec<String>,
}

/// What a request wants tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryAsk {
    /// Attempts after the first, 0 to 5; `None` leaves it to the route.
    pub count: Option<u32>,
    /// Statuses after which another attempt is made, ascending, never empty; `None` leaves it to the route.
    pub on_codes: Option<Vec<u16>>,
}

impl Extension {
    /// Reads the extension from the body's own members and those of its `orq` object.
    pub(super) fn read(top: &Known<'_>) -> Result<Self, Error> {
        let inner_at = At::ROOT.key("orq");
        let inner = match top.value("orq") {
            Some(orq) => Known::read(&KEYS, orq, &inner_at)?,
            None => Known::new(&KEYS),
        };
        let sources = [(top, At::ROOT), (&inner, inner_at)];
        let mut extension = Self::default();
        if let Some((value, at, key)) = first(&sources, &["load_balancer"]) {
            let list = list::read(value, &at.key(key), &mut extension.warnings)?;
            extension.list = Some(list);
        }
        if let Some((value, at, key)) = first(&sources, &["retry", "retries"]) {
            extension.retry = Some(read_retry(value, &at.key(key), &mut extension.warnings)?);
        }
        if let Some((value, at, key)) = first(&sources, &["timeout"]) {
            extension.call_timeout = read_timeout(value, &at.key(key))?;
        }
        if let Some((value, at, key)) = first(&sources, &["fallbacks"]) {
            extension.fallbacks = read_fallbacks(value, &at.key(key))?;
        }
        if let Some((value, at, key)) = first(&sources, &["fallback_on_codes"]) {
            // An empty list means the default: so the API's description has it.
            let codes = read_codes(value, &at.key(key))?;
            extension.fallback_on_codes = Some(codes).filter(|codes| !codes.is_empty());
        }
        Ok(extension)
    }
}

/// The value that counts for a key: the first source that has one of its `spellings`.
fn first<'a, 's>(
    sources: &'s [(&Known<'a>, At<'s>); 2],
    spellings: &[&'static str],
) -> Option<(&'a RawValue, &'s At<'s>, &'static str)> {
    sources.iter().find_map(|(known, at)| {
        let mut written = spellings
            .iter()
            .filter_map(|key| known.value(key).map(|value| (value, at, *key)));
        written.next()
    })
}

fn read_retry(
    value: &RawValue,
    at: &At<'_>,
    warnings: &mut Vec<String>,
) -> Result<RetryAsk, Error> {
    let object = Known::read_all(&["count", "on_codes"], value, at, warnings)?;
    let mut ask = RetryAsk::default();
    if let Some(count) = object.value("count") {
        ask.count = Some(u32::from(whole(count, 0, 5, &at.key("count"))?));
    }
    if let Some(codes) = object.value("on_codes") {
        let at = at.key("on_codes");
        let codes = read_codes(codes, &at)?;
        if codes.is_empty() {
            return Err(at.error(
                "expected at least one status, found none; count = 0 switches retries off",
            ));
        }
        ask.on_codes = Some(codes);
    }
    Ok(ask)
}

/// Reads `timeout.call_timeout`: milliseconds, whole or not, at least 1.
fn read_timeout(value: &RawValue, at: &At<'_>) -> Result<Option<Duration>, Error> {
    const EXPECTED: &str = "milliseconds, at least 1";
    let object = Known::read(&["call_timeout"], value, at)?;
    let Some(value) = object.value("call_timeout") else {
        return Ok(None);
    };
    let at = at.key("call_timeout");
    let millis = number(value, EXPECTED, &at)?;
    if millis < 1.0 || !millis.is_finite() {
        return Err(at.unexpected(EXPECTED, value));
    }
    let asked = Duration::try_from_secs_f64(millis / 1e3).unwrap_or(LONGEST_CALL);
    Ok(Some(asked.min(LONGEST_CALL)))
}

/// Reads `fallbacks`: objects with a model, or just the models' names. One named twice counts once.
fn read_fallbacks(value: &RawValue, at: &At<'_>) -> Result<Vec<String>, Error> {
    let mut models: Vec<String> = Vec::new();
    for (index, value) in elements(value, MAX_ENTRIES, at)?.into_iter().enumerate() {
        let at = at.index(index);
        let model = match Shape::of(value) {
            Shape::Text => read_model(value, &at)?,
            Shape::Object => {
                let object = Known::read(&["model"], value, &at)?;
                let at = at.key("model");
                match object.value("model") {
                    Some(model) => read_model(model, &at)?,
                    None => return Err(at.error("expected a model's name, found nothing")),
                }
            }
            Shape::Null | Shape::Boolean | Shape::Number | Shape::Array => {
                return Err(at.unexpected("an object {model} or a model's name", value));
            }
        };
        if !models.contains(&model) {
            models.push(model);
        }
    }
    Ok(models)
}

/// Reads statuses, 100 to 599: sorted, each once.
fn read_codes(value: &RawValue, at: &At<'_>) -> Result<Vec<u16>, Error> {
    let mut codes = Vec::new();
    for (index, value) in elements(value, MAX_CODES, at)?.into_iter().enumerate() {
        codes.push(whole(value, 100, 599, &at.index(index))?);
    }
    codes.sort_unstable();
    codes.dedup();
    Ok(codes)
}

#[cfg(test)]
#[path = "extension_tests.rs"]
mod tests;
