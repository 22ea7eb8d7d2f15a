//! Items of an answer's `output`.

use serde_json::{Map, Value, json};

use super::super::chat::is_annotation;
use super::super::neutral::{Reasoning, ToolCall};
use super::capsule;

/// A message of the model's.
pub(super) fn message(id: &str, status: &str, content: &[Value]) -> Value {
    json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content})
}

/// Text in a message.
pub(super) fn text(text: &str, annotations: &[Value], logprobs: &[Value]) -> Value {
    json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": logprobs})
}

/// A refusal in a message.
pub(super) fn refusal(text: &str) -> Value {
    json!({"type": "refusal", "refusal": text})
}

/// A thought. Its text stands as a summary, where clients look for it, whether it is one or not.
pub(super) fn reasoning(id: &str, thought: &Reasoning) -> Value {
    let summary: Vec<Value> = (!thought.text.is_empty())
        .then(|| summary(&thought.text))
        .into_iter()
        .collect();
    sealed(id, summary, capsule::of_thought(thought))
}

/// A thought's text as an element of `summary`.
pub(super) fn summary(text: &str) -> Value {
    json!({"type": "summary_text", "text": text})
}

/// A thought that says nothing and carries `content`.
pub(super) fn carrier(id: &str, content: String) -> Value {
    sealed(id, Vec::new(), Some(content))
}

fn sealed(id: &str, summary: Vec<Value>, content: Option<String>) -> Value {
    let mut item = Map::new();
    item.insert("id".to_owned(), json!(id));
    item.insert("type".to_owned(), json!("reasoning"));
    item.insert("summary".to_owned(), Value::Array(summary));
    if let Some(content) = content {
        item.insert("encrypted_content".to_owned(), Value::String(content));
    }
    Value::Object(item)
}

/// A call.
pub(super) fn call(id: &str, status: &str, call: &ToolCall) -> Value {
    json!({"id": id, "type": "function_call", "status": status, "arguments": call.arguments,
        "call_id": call.id, "name": call.name})
}

/// An image, as what OpenAI's own tool gives.
pub(super) fn image(id: &str, data: &str) -> Value {
    json!({"id": id, "type": "image_generation_call", "status": "completed", "result": data})
}

/// An image that is elsewhere, as text that shows it.
pub(super) fn shown(address: &str) -> Value {
    text(&format!("![image]({address})"), &[], &[])
}

/// Probabilities of OpenAI's chat, `{"content": […]}`, as a list.
pub(super) fn logprobs(value: &Value) -> Vec<Value> {
    let list = value.get("content").unwrap_or(value);
    list.as_array().cloned().unwrap_or_default()
}

/// Annotations as a list, chat's in the flat form of Responses; other providers' as they came.
pub(super) fn annotations(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.iter().map(flat).collect(),
        one => vec![flat(one)],
    }
}

/// As [`annotations`], for an answer: citations of other providers' kinds have no place in it, and clients whose types are
/// made from OpenAI's schema fail on them.
pub(super) fn own_annotations(value: &Value) -> Vec<Value> {
    let mut list = annotations(value);
    list.retain(is_annotation);
    list
}

/// `{"type": "url_citation", "url_citation": {…}}` with the members of the inner object in the outer.
fn flat(annotation: &Value) -> Value {
    let inner = annotation
        .get("type")
        .and_then(Value::as_str)
        .and_then(|kind| annotation.get(kind));
    let (Some(Value::Object(inner)), Some(kind)) = (inner, annotation.get("type")) else {
        return annotation.clone();
    };
    let mut members = Map::new();
    members.insert("type".to_owned(), kind.clone());
    members.extend(inner.clone());
    Value::Object(members)
}

/// Annotations in chat's form, which is the one that travels between the dialects.
pub(super) fn nested_all(list: &Value) -> Value {
    match list {
        Value::Array(list) => Value::Array(list.iter().map(nested).collect()),
        one => nested(one),
    }
}

/// A `url_citation` with its members in an object of that name.
pub(super) fn nested(annotation: &Value) -> Value {
    let Value::Object(members) = annotation else {
        return annotation.clone();
    };
    let is_flat = annotation.get("type").and_then(Value::as_str) == Some("url_citation")
        && !members.contains_key("url_citation");
    if !is_flat {
        return annotation.clone();
    }
    let mut inner = members.clone();
    inner.shift_remove("type");
    json!({"type": "url_citation", "url_citation": inner})
}
