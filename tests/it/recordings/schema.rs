//! The providers' own schemas, and what of them is put aside and why.
//!
//! A schema is a component of an `OpenAPI` document. It is compiled with the components that it needs and nothing else: whole
//! documents are megabytes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use flate2::read::GzDecoder;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use weighbridge::dialect::any::Client;

/// Blocks and deltas that came after Anthropic's document of 2024-11, which knows texts and calls of tools.
const NEWER: [&str; 5] = [
    "thinking",
    "redacted_thinking",
    "thinking_delta",
    "signature_delta",
    "citations_delta",
];

/// The schemas of all fronts.
pub(super) struct Schemas {
    openai: Value,
    anthropic: Value,
    compiled: RefCell<BTreeMap<String, Rc<Validator>>>,
    /// Documents and events that were checked.
    pub(super) checked: RefCell<BTreeMap<String, usize>>,
}

impl Schemas {
    /// Reads the documents in the data's folder.
    pub(super) fn read(data: &Path) -> Self {
        let unpacked = |name: &str| {
            let mut text = String::new();
            let file = File::open(data.join("wire").join(name)).unwrap();
            GzDecoder::new(file).read_to_string(&mut text).unwrap();
            text
        };
        // A bound of a request's seed is 2⁶³ as a rounded decimal, which no integer holds.
        let openai = unpacked("openai_openapi_f85dbe2.yaml.gz")
            .replace("9223372036854776000", "9223372036854775807");
        let anthropic = unpacked("anthropic_hosted_openapi_2024-11.json.gz");
        let components = |document: Value| document["components"]["schemas"].clone();
        Self {
            openai: components(yaml_serde::from_str(&openai).unwrap()),
            anthropic: components(serde_json::from_str(&anthropic).unwrap()),
            compiled: RefCell::default(),
            checked: RefCell::default(),
        }
    }

    /// Checks a whole answer that is written for `client`.
    pub(super) fn check_answer(&self, client: Client, document: &Value) -> Result<(), String> {
        match client {
            Client::Chat => self.check(&self.openai, "CreateChatCompletionResponse", document),
            Client::Completions => self.check(&self.openai, "CreateCompletionResponse", document),
            Client::Responses => {
                let mut known = document.clone();
                without_nulls(&mut known);
                self.check(&self.openai, "Response", &known)
            }
            Client::Messages => {
                let mut known = document.clone();
                let blocks = known["content"].as_array_mut().ok_or("no content")?;
                blocks.retain(|block| !is_newer(block));
                older_stop(&mut known["stop_reason"]);
                self.check(&self.anthropic, "Message", &known)
            }
        }
    }

    /// Checks an event of a stream that is written for `client`.
    pub(super) fn check_event(&self, client: Client, event: &Value) -> Result<(), String> {
        match client {
            Client::Chat => self.check(&self.openai, "CreateChatCompletionStreamResponse", event),
            Client::Completions => {
                // The document says that chunks have the shape of the whole, and forgets that they have not ended yet.
                let mut ended = event.clone();
                without_nulls(&mut ended);
                for choice in ended["choices"].as_array_mut().ok_or("no choices")? {
                    if choice["finish_reason"].is_null() {
                        choice["finish_reason"] = json!("stop");
                    }
                }
                self.check(&self.openai, "CreateCompletionResponse", &ended)
            }
            Client::Responses => {
                let mut known = event.clone();
                without_nulls(&mut known["response"]);
                self.check_kind(&self.openai, "ResponseStreamEvent", &known)
            }
            Client::Messages => {
                if is_newer(&event["content_block"]) || is_newer(&event["delta"]) {
                    return Ok(());
                }
                let mut known = event.clone();
                if known["type"] == "message_delta" {
                    older_stop(&mut known["delta"]["stop_reason"]);
                }
                self.check_kind(&self.anthropic, "MessageStreamEvent", &known)
            }
        }
    }

    /// Checks an event by the one member of the union `name` whose `type` it has: what is wrong can be told then.
    fn check_kind(&self, all: &Value, name: &str, event: &Value) -> Result<(), String> {
        let union = [&all[name]["anyOf"], &all[name]["oneOf"]];
        let members = union.iter().filter_map(|list| list.as_array()).flatten();
        let mut names = members.filter_map(|member| member["$ref"].as_str()?.rsplit('/').next());
        let found = names.find(|name| {
            let kind = &all[*name]["properties"]["type"];
            let listed = kind["enum"].as_array();
            kind["const"] == event["type"]
                || listed.is_some_and(|list| list.contains(&event["type"]))
        });
        let found = found.ok_or_else(|| format!("{name} has no {}", event["type"]))?;
        self.check(all, found, event)
    }

    fn check(&self, all: &Value, name: &str, document: &Value) -> Result<(), String> {
        let validator = Rc::clone(
            self.compiled
                .borrow_mut()
                .entry(name.to_owned())
                .or_insert_with(|| Rc::new(compile(all, name))),
        );
        *self
            .checked
            .borrow_mut()
            .entry(name.to_owned())
            .or_default() += 1;
        let wrong: Vec<String> = validator
            .iter_errors(document)
            .map(|error| format!("{}: {}", error.instance_path(), cut(&error.to_string())))
            .collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!("not a {name}: {}\n{document}", wrong.join("\n  ")))
    }
}

/// Takes out the members that `OpenAI`'s document knows as absent only and its servers write as null: `usage` before the end
/// (the text on `stream_options` says so) and `user`, in all recorded responses of `OpenAI`'s own.
fn without_nulls(document: &mut Value) {
    if let Some(members) = document.as_object_mut() {
        members.retain(|key, value| !(value.is_null() && matches!(key.as_str(), "usage" | "user")));
    }
}

fn cut(text: &str) -> String {
    text.chars().take(400).collect()
}

fn is_newer(block: &Value) -> bool {
    block["type"]
        .as_str()
        .is_some_and(|kind| NEWER.contains(&kind))
}

/// Reasons that came after Anthropic's document.
fn older_stop(reason: &mut Value) {
    if matches!(
        reason.as_str(),
        Some("refusal" | "pause_turn" | "model_context_window_exceeded")
    ) {
        *reason = json!("end_turn");
    }
}

/// The schema `name` with the components that it needs.
fn compile(all: &Value, name: &str) -> Validator {
    let mut needed = BTreeSet::new();
    let mut waiting = vec![name.to_owned()];
    while let Some(next) = waiting.pop() {
        if needed.insert(next.clone()) {
            references(&all[&next], &mut waiting);
        }
    }
    let schemas: Map<String, Value> = needed
        .into_iter()
        .map(|name| {
            let schema = nullable(&all[&name]);
            (name, schema)
        })
        .collect();
    let document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/components/schemas/{name}"),
        "components": {"schemas": schemas},
    });
    jsonschema::validator_for(&document).unwrap_or_else(|error| {
        panic!(
            "{name}: {error} at {}, {}",
            error.schema_path(),
            error.instance_path()
        )
    })
}

/// Names of the components that `schema` refers to.
fn references(schema: &Value, out: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(name) = members.get("$ref").and_then(Value::as_str) {
                out.extend(
                    name.strip_prefix("#/components/schemas/")
                        .map(str::to_owned),
                );
            }
            members.values().for_each(|member| references(member, out));
        }
        Value::Array(list) => list.iter().for_each(|member| references(member, out)),
        _ => {}
    }
}

/// `nullable: true`, which is of `OpenAPI` 3.0 and still written, in the words of JSON schema; and without `type: null`,
/// which Anthropic's document writes for any type.
fn nullable(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let inner = members
                .iter()
                .filter(|(key, value)| *key != "type" || !value.is_null())
                .map(|(key, value)| (key.clone(), nullable(value)));
            let inner = Value::Object(inner.collect());
            if members.get("nullable") == Some(&Value::Bool(true)) {
                return json!({"anyOf": [inner, {"type": "null"}]});
            }
            inner
        }
        Value::Array(list) => Value::Array(list.iter().map(nullable).collect()),
        other => other.clone(),
    }
}
