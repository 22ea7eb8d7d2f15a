//! Bedrock's Converse and its binary streams.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Call, Choice, End, Said, Usage, arguments, count, list, text};

/// The messages of a binary event stream, each as `{event's name: payload}`. Checksums are not looked at.
pub(super) fn events(mut body: &[u8]) -> Vec<Value> {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap()) as usize;
    let mut out = Vec::new();
    while !body.is_empty() {
        let (total, headers) = (number(&body[..4]), number(&body[4..8]));
        let payload: Value = serde_json::from_slice(&body[12 + headers..total - 4]).unwrap();
        let name = header(&body[12..12 + headers], ":event-type").unwrap();
        out.push(json!({ name: payload }));
        body = &body[total..];
    }
    out
}

/// A header whose value is a text, as all of Bedrock's are.
fn header(mut headers: &[u8], wanted: &str) -> Option<String> {
    while !headers.is_empty() {
        let (name, rest) = headers[1..].split_at(headers[0].into());
        assert_eq!(rest[0], 7, "a text");
        let length = usize::from(u16::from_be_bytes([rest[1], rest[2]]));
        let (value, rest) = rest[3..].split_at(length);
        if name == wanted.as_bytes() {
            return Some(String::from_utf8(value.to_vec()).unwrap());
        }
        headers = rest;
    }
    None
}

/// A whole answer.
pub(super) fn answer(document: &Value) -> Said {
    let mut said = Choice::default();
    for block in list(&document["output"]["message"]["content"]) {
        said.text += text(&block["text"]);
        if let Some(call) = block.get("toolUse") {
            said.calls.push(Call {
                id: text(&call["toolUseId"]).to_owned(),
                name: text(&call["name"]).to_owned(),
                arguments: call["input"].clone(),
            });
        }
    }
    said.finish = finish(&document["stopReason"]);
    Said {
        choices: vec![said],
        usage: usage(&document["usage"]),
    }
}

/// A stream.
pub(super) fn stream(events: &[Value]) -> Said {
    let mut said = Choice::default();
    let mut counts = None;
    let mut calls: BTreeMap<u64, (Call, String)> = BTreeMap::new();
    for event in events {
        let (start, more) = (&event["contentBlockStart"], &event["contentBlockDelta"]);
        if let Some(call) = start["start"].get("toolUse") {
            let begun = super::call(&call["toolUseId"], &call["name"], "");
            calls.insert(count(&start["contentBlockIndex"]), (begun, String::new()));
        }
        said.text += text(&more["delta"]["text"]);
        if let Some((_, written)) = calls.get_mut(&count(&more["contentBlockIndex"])) {
            written.push_str(text(&more["delta"]["toolUse"]["input"]));
        }
        said.finish = finish(&event["messageStop"]["stopReason"]).or(said.finish);
        counts = usage(&event["metadata"]["usage"]).or(counts);
    }
    let calls = calls.into_values();
    said.calls = calls
        .map(|(call, written)| Call {
            arguments: arguments(&written),
            ..call
        })
        .collect();
    Said {
        choices: vec![said],
        usage: counts,
    }
}

fn finish(word: &Value) -> Option<End> {
    Some(match word.as_str()? {
        "end_turn" | "stop_sequence" => End::Complete,
        "tool_use" => End::Calls,
        "max_tokens" | "model_context_window_exceeded" => End::Length,
        "guardrail_intervened" | "content_filtered" => End::Filtered,
        other => End::Other(other.to_owned()),
    })
}

fn usage(value: &Value) -> Option<Usage> {
    let cached = count(&value["cacheReadInputTokens"]);
    let written = count(&value["cacheWriteInputTokens"]);
    Some(Usage {
        input: value["inputTokens"].as_u64()? + cached + written,
        cached,
        written,
        output: count(&value["outputTokens"]),
        reasoning: 0,
    })
}
