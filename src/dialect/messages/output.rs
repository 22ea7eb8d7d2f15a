//! The form of the answer: `output_config.format`, and the older `output_format`.

use serde_json::{Map, Value};

use super::super::chat::without_nulls;
use super::super::json::Object;
use super::super::neutral::{Extra, Misread, Output};

/// Takes the form of the answer. `config` is `output_config`.
pub(super) fn read(
    object: &mut Object,
    config: Option<&mut Object>,
    extra: &mut Extra,
) -> Result<Output, Misread> {
    let older = object.object("output_format")?;
    let newer = config.map(|config| config.object("format")).transpose()?;
    let Some(mut format) = newer.flatten().or(older) else {
        return Ok(Output::Text);
    };
    if format.need_text("type")? != "json_schema" {
        return Err(Misread {
            at: format.at("type"),
            expected: "json_schema".to_owned(),
            found: "another word".to_owned(),
        });
    }
    let schema = format
        .take("schema")
        .ok_or_else(|| format.missing("schema", "a JSON schema"))?;
    let at = format.at("");
    for (key, value) in without_nulls(format.rest()) {
        extra.insert(format!("{at}{key}"), value);
    }
    Ok(Output::Schema {
        name: "answer".to_owned(),
        description: None,
        // Anthropic always holds the model to the schema. OpenAI refuses a strict schema with members that may be absent:
        // a looser promise is better than no answer.
        strict: is_strict(&schema).then_some(true),
        schema,
    })
}

/// Whether each object in `schema` has just its members, all of them required. No deeper than JSON is read.
fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => is_closed(members) && members.values().all(is_strict),
        Value::Array(list) => list.iter().all(is_strict),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn is_closed(members: &Map<String, Value>) -> bool {
    let Some(Value::Object(properties)) = members.get("properties") else {
        return true;
    };
    let required = members.get("required").and_then(Value::as_array);
    let required: std::collections::BTreeSet<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    members.get("additionalProperties") == Some(&Value::Bool(false))
        && properties.keys().all(|key| required.contains(key.as_str()))
}
