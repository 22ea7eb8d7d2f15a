//! How much a whole answer says, where its provider does not count it.
//!
//! An answer's frame (ids, roles, reasons) is longer than a short answer, so its size says little about the tokens that it
//! cost. What is said stands under a few names that the dialects of all providers share; only what stands there counts.

use serde_json::Value;

/// Members whose texts are what a model says.
const SAID: [&str; 7] = [
    "content",
    "text",
    "refusal",
    "reasoning",
    "reasoning_content",
    "thinking",
    "arguments",
];
/// Members that are arguments of calls, written as objects: Anthropic's and Bedrock's, Gemini's.
const WRITTEN: [&str; 2] = ["input", "args"];
/// Members that repeat the request, in Responses.
const REPEATED: [&str; 2] = ["tools", "metadata"];

/// Largest document that is looked into. In a larger one the frame is nothing beside the text.
const LARGEST: usize = 1 << 20;

/// Bytes of `body`, a whole answer in any dialect, that are what the model said: texts, thoughts and calls. Its size if it
/// is larger than 1 MiB or no JSON.
pub fn shown(body: &[u8]) -> u64 {
    let all = body.len() as u64;
    if body.len() > LARGEST {
        return all;
    }
    // The reader's own bound on depth holds for the walk as well.
    serde_json::from_slice(body).map_or(all, |document: Value| said(&document, false))
}

/// Bytes of what is said in `value`; its own text counts if it `is_said`.
fn said(value: &Value, is_said: bool) -> u64 {
    match value {
        Value::String(text) if is_said => text.len() as u64,
        Value::Array(items) => items.iter().map(|item| said(item, is_said)).sum(),
        Value::Object(members) => members.iter().map(|(key, value)| member(key, value)).sum(),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn member(key: &str, value: &Value) -> u64 {
    if REPEATED.contains(&key) {
        return 0;
    }
    if WRITTEN.contains(&key) && value.is_object() {
        return value.to_string().len() as u64;
    }
    said(value, SAID.contains(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_counts_in_every_dialect_and_the_frame_does_not() {
        for (body, expected) in [
            (
                r#"{"id":"x","choices":[{"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}"#,
                5,
            ),
            (
                r#"{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}}]}}]}"#,
                7,
            ),
            (r#"{"choices":[{"text":"hello","index":0}]}"#, 5),
            (
                r#"{"type":"message","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"hello"},{"type":"tool_use","input":{"a":1}}]}"#,
                14,
            ),
            (
                r#"{"instructions":"long","output":[{"type":"message","content":[{"type":"output_text","text":"hello"}]}],
                    "text":{"format":{"type":"text"}},"tools":[{"text":"not said"}]}"#,
                5,
            ),
            (
                r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"hello"},{"functionCall":{"args":{"a":1}}}]}}]}"#,
                12,
            ),
            ("{}", 0),
            ("no JSON", 7),
        ] {
            assert_eq!(shown(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn what_is_large_or_deep_counts_by_its_size() {
        let large = format!(r#"{{"id":"{}"}}"#, "x".repeat(LARGEST));
        assert_eq!(shown(large.as_bytes()), large.len() as u64);
        let deep = "[".repeat(100_000);
        assert_eq!(shown(deep.as_bytes()), 100_000);
    }
}
