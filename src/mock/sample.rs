//! A value that satisfies a JSON Schema, as far as its required members go.
//!
//! A model would fill a tool's arguments with something sensible; here it is the plainest value of each type, the same one
//! each time. Keywords that narrow a type further (`pattern`, `not`, `if`) are not looked at.

use serde_json::{Map, Value, json};

/// Deepest nesting, so that a schema that refers to itself comes to an end.
const DEPTH: u32 = 12;
/// Most values of one sample, so that a schema that branches at each level does too.
const VALUES: u32 = 2_000;
/// Longest text and longest list that a schema can demand.
const LONGEST: u64 = 1_000;

/// A value for `schema`.
pub(super) fn sample(schema: &Value) -> Value {
    let mut left = VALUES;
    Sampler { root: schema }.value(schema, DEPTH, &mut left)
}

#[derive(Clone, Copy)]
struct Sampler<'a> {
    root: &'a Value,
}

impl Sampler<'_> {
    fn value(self, schema: &Value, depth: u32, left: &mut u32) -> Value {
        if depth == 0 || *left == 0 {
            return Value::Null;
        }
        *left -= 1;
        let below = depth - 1;
        if let Some(target) = schema["$ref"].as_str() {
            let place = target.strip_prefix('#').unwrap_or(target);
            return match self.root.pointer(place) {
                Some(schema) => self.value(schema, below, left),
                None => Value::Null,
            };
        }
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(first) = schema["enum"].get(0) {
            return first.clone();
        }
        for either in ["anyOf", "oneOf"] {
            if let Some(first) = schema[either].get(0) {
                return self.value(first, below, left);
            }
        }
        if let Some(all) = schema["allOf"].as_array() {
            return self.merged(all, below, left);
        }
        match kind(schema).as_str() {
            "object" => self.object(schema, below, left),
            "array" => self.list(schema, below, left),
            "integer" => json!(whole(number(schema))),
            "number" => json!(number(schema)),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => json!(text(schema)),
        }
    }

    fn merged(self, all: &[Value], depth: u32, left: &mut u32) -> Value {
        let mut merged = Map::new();
        for schema in all {
            if let Value::Object(members) = self.value(schema, depth, left) {
                merged.extend(members);
            }
        }
        Value::Object(merged)
    }

    fn object(self, schema: &Value, depth: u32, left: &mut u32) -> Value {
        let required = schema["required"].as_array();
        let mut members = Map::new();
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            let value = self.value(&schema["properties"][name], depth, left);
            members.insert(name.to_owned(), value);
        }
        Value::Object(members)
    }

    fn list(self, schema: &Value, depth: u32, left: &mut u32) -> Value {
        let Some(items) = schema.get("items") else {
            return json!([]);
        };
        let count = least(schema, "minItems").clamp(1, LONGEST);
        (0..count).map(|_| self.value(items, depth, left)).collect()
    }
}

/// The type, in lower case as JSON Schema has it (Gemini's own schemas are in upper case).
fn kind(schema: &Value) -> String {
    let several = schema["type"].as_array();
    let first = several.and_then(|kinds| {
        let mut kinds = kinds.iter().filter_map(Value::as_str);
        kinds.find(|kind| *kind != "null")
    });
    match schema["type"].as_str().or(first) {
        Some(kind) => kind.to_ascii_lowercase(),
        None if schema["properties"].is_object() => "object".to_owned(),
        None => "string".to_owned(),
    }
}

fn least(schema: &Value, key: &str) -> u64 {
    let value = &schema[key];
    // Gemini's schemas write these as texts.
    let text = || value.as_str().and_then(|text| text.parse().ok());
    value.as_u64().or_else(text).unwrap_or(0)
}

/// 7, or the nearest number that the bounds allow.
fn number(schema: &Value) -> f64 {
    let bound = |key: &str| schema[key].as_f64();
    let low = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|low| low + 1.0));
    let high = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|high| high - 1.0));
    let number = low.map_or(7.0, |low| low.max(7.0));
    high.map_or(number, |high| number.min(high))
}

/// The next whole number from `number` up.
#[expect(
    clippy::cast_possible_truncation,
    reason = "float casts saturate, and a bound beyond 64 bits is nobody's"
)]
fn whole(number: f64) -> i64 {
    number.ceil() as i64
}

fn text(schema: &Value) -> String {
    let plain = match schema["format"].as_str() {
        Some("date") => "2026-11-24",
        Some("time") => "12:00:00Z",
        Some("date-time") => "2026-11-24T12:00:00Z",
        Some("email") => "miller@example.com",
        Some("uri") => "https://example.com/",
        Some("uuid") => "123e4567-e89b-12d3-a456-426614174000",
        Some("ipv4") => "192.0.2.1",
        _ => "grain",
    };
    let least = usize::try_from(least(schema, "minLength").min(LONGEST)).unwrap_or(0);
    let mut text = plain.to_owned();
    while text.len() < least {
        text.push('n');
    }
    match schema["maxLength"].as_u64() {
        Some(most) => text
            .chars()
            .take(usize::try_from(most).unwrap_or(usize::MAX))
            .collect(),
        None => text,
    }
}

#[cfg(test)]
#[path = "sample_tests.rs"]
mod tests;
