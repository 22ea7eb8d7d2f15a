//! What an answer says, by a plain reading of its JSON that shares no code with the program.
//!
//! The same reading is made of the recording and of what the fronts write, and the two are compared.

mod converse;
pub(super) mod openai;
mod others;

use serde_json::Value;

use super::recording::Api;

/// What an answer says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Option<Usage>,
}

/// One of the answers.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Choice {
    /// Text and refusals, joined.
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
    pub(super) finish: Option<End>,
}

/// A call of a tool.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Call {
    /// What its result will name; empty where the interface has no ids.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Value,
}

/// Why it ended, in words that all interfaces share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Complete,
    /// Complete, and tools are to be called.
    Calls,
    Length,
    /// Cut off by a policy, or refused by the model.
    Filtered,
    /// In a provider's own words.
    Other(String),
}

/// Token counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Of the prompt, with the next two.
    pub(crate) input: u64,
    /// Read from the provider's cache.
    pub(crate) cached: u64,
    /// Written to it.
    pub(crate) written: u64,
    /// Of the answer, with the next.
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
}

impl Said {
    /// Reads `body`.
    pub(super) fn of(api: Api, stream: bool, body: &[u8]) -> Self {
        let documents = if stream {
            match api {
                Api::Converse => converse::events(body),
                _ => events(body),
            }
        } else {
            vec![serde_json::from_slice(body).unwrap()]
        };
        match (api, stream) {
            (Api::Chat, false) => openai::chat(&documents[0]),
            (Api::Chat, true) => openai::chat_stream(&documents),
            (Api::Completions, _) => openai::completions(&documents),
            (Api::Responses, false) => openai::response(&documents[0]),
            (Api::Responses, true) => openai::response_stream(&documents),
            (Api::Messages, false) => others::message(&documents[0]),
            (Api::Messages, true) => others::message_stream(&documents),
            (Api::Gemini, _) => others::gemini(&documents),
            (Api::Converse, false) => converse::answer(&documents[0]),
            (Api::Converse, true) => converse::stream(&documents),
            (Api::Cohere, false) => others::cohere(&documents[0]),
            (Api::Cohere, true) => others::cohere_stream(&documents),
        }
    }
}

/// The documents of an event stream, without `[DONE]`.
pub(super) fn events(body: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(body).unwrap().replace("\r\n", "\n");
    let data = text.split("\n\n").filter_map(|event| {
        let lines: Vec<&str> = event
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    });
    data.filter(|data| data.trim() != "[DONE]")
        .map(|data| serde_json::from_str(&data).unwrap())
        .collect()
}

/// A call whose arguments are written as text.
fn call(id: &Value, name: &Value, written: &str) -> Call {
    Call {
        id: text(id).to_owned(),
        name: text(name).to_owned(),
        arguments: arguments(written),
    }
}

/// A text, empty where there is none.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A list, empty where there is none.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A count, 0 where there is none.
fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// Arguments that are written as text; none are the empty object.
fn arguments(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Object(serde_json::Map::new());
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
