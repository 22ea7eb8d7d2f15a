//! Anthropic's Messages, Google's generateContent, Cohere's chat.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Choice, End, Said, Usage, arguments, count, list, text};

/// A message.
pub(super) fn message(document: &Value) -> Said {
    let mut said = Choice::default();
    for block in list(&document["content"]) {
        match text(&block["type"]) {
            "text" => said.text += text(&block["text"]),
            "tool_use" => {
                let name = text(&block["name"]).to_owned();
                said.calls.push((name, block["input"].clone()));
            }
            _ => {}
        }
    }
    said.finish = message_finish(&document["stop_reason"]);
    Said {
        choices: vec![said],
        usage: message_usage(&document["usage"]),
    }
}

/// The events of a message.
pub(super) fn message_stream(events: &[Value]) -> Said {
    let mut said = Choice::default();
    let mut calls: BTreeMap<u64, (String, String)> = BTreeMap::new();
    let mut counts = serde_json::Map::new();
    for event in events {
        let index = count(&event["index"]);
        let delta = &event["delta"];
        match text(&event["type"]) {
            "message_start" => add(&mut counts, &event["message"]["usage"]),
            "content_block_start" => match text(&event["content_block"]["type"]) {
                "text" => said.text += text(&event["content_block"]["text"]),
                "tool_use" => {
                    let name = text(&event["content_block"]["name"]).to_owned();
                    calls.insert(index, (name, String::new()));
                }
                _ => {}
            },
            "content_block_delta" => match (text(&delta["type"]), calls.get_mut(&index)) {
                ("text_delta", _) => said.text += text(&delta["text"]),
                ("input_json_delta", Some((_, written))) => {
                    written.push_str(text(&delta["partial_json"]));
                }
                _ => {}
            },
            "message_delta" => {
                said.finish = message_finish(&delta["stop_reason"]).or(said.finish);
                add(&mut counts, &event["usage"]);
            }
            _ => {}
        }
    }
    let calls = calls.into_values();
    said.calls = calls
        .map(|(name, written)| (name, arguments(&written)))
        .collect();
    Said {
        choices: vec![said],
        usage: message_usage(&Value::Object(counts)),
    }
}

/// Later counts stand for earlier ones of their name.
fn add(counts: &mut serde_json::Map<String, Value>, usage: &Value) {
    let known = usage.as_object().into_iter().flatten();
    let known = known.filter(|(_, value)| !value.is_null());
    counts.extend(known.map(|(key, value)| (key.clone(), value.clone())));
}

fn message_finish(word: &Value) -> Option<End> {
    Some(match word.as_str()? {
        "end_turn" | "stop_sequence" | "tool_use" => End::Complete,
        "max_tokens" | "model_context_window_exceeded" => End::Length,
        "refusal" => End::Filtered,
        other => End::Other(other.to_owned()),
    })
}

fn message_usage(value: &Value) -> Option<Usage> {
    let cached = count(&value["cache_read_input_tokens"]);
    Some(Usage {
        input: value["input_tokens"].as_u64()?
            + cached
            + count(&value["cache_creation_input_tokens"]),
        cached,
        output: count(&value["output_tokens"]),
    })
}

/// A generateContent answer, or the events of its stream.
pub(super) fn gemini(documents: &[Value]) -> Said {
    let mut choices: BTreeMap<u64, Choice> = BTreeMap::new();
    let mut usage = None;
    for document in documents {
        let counts = &document["usageMetadata"];
        if counts["promptTokenCount"].is_u64() {
            usage = Some(Usage {
                input: count(&counts["promptTokenCount"])
                    + count(&counts["toolUsePromptTokenCount"]),
                cached: count(&counts["cachedContentTokenCount"]),
                output: count(&counts["candidatesTokenCount"])
                    + count(&counts["thoughtsTokenCount"]),
            });
        }
        for candidate in list(&document["candidates"]) {
            let said = choices.entry(count(&candidate["index"])).or_default();
            for part in list(&candidate["content"]["parts"]) {
                if part["thought"] != true {
                    said.text += text(&part["text"]);
                }
                if let Some(call) = part.get("functionCall") {
                    let name = text(&call["name"]).to_owned();
                    let given = call.get("args").filter(|args| !args.is_null());
                    let given = given.cloned().unwrap_or_else(|| arguments(""));
                    said.calls.push((name, given));
                }
            }
            said.finish = match text(&candidate["finishReason"]) {
                "" => said.finish.take(),
                "STOP" => Some(End::Complete),
                "MAX_TOKENS" => Some(End::Length),
                "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
                | "IMAGE_SAFETY" => Some(End::Filtered),
                other => Some(End::Other(other.to_owned())),
            };
        }
    }
    Said {
        choices: choices.into_values().collect(),
        usage,
    }
}

/// A chat answer of version 2.
pub(super) fn cohere(document: &Value) -> Said {
    let message = &document["message"];
    let parts = list(&message["content"])
        .iter()
        .map(|part| text(&part["text"]));
    let calls = list(&message["tool_calls"]).iter().map(|call| {
        let name = text(&call["function"]["name"]).to_owned();
        (name, arguments(text(&call["function"]["arguments"])))
    });
    Said {
        choices: vec![Choice {
            text: parts.collect(),
            calls: calls.collect(),
            finish: cohere_finish(&document["finish_reason"]),
        }],
        usage: cohere_usage(&document["usage"]),
    }
}

/// The events of a chat answer of version 2.
pub(super) fn cohere_stream(events: &[Value]) -> Said {
    let mut said = Choice::default();
    let mut usage = None;
    let mut calls: BTreeMap<u64, (String, String)> = BTreeMap::new();
    for event in events {
        let delta = &event["delta"];
        let call = &delta["message"]["tool_calls"]["function"];
        let index = count(&event["index"]);
        match text(&event["type"]) {
            "content-start" | "content-delta" => {
                said.text += text(&delta["message"]["content"]["text"]);
            }
            "tool-call-start" | "tool-call-delta" => {
                let (name, written) = calls.entry(index).or_default();
                name.push_str(text(&call["name"]));
                written.push_str(text(&call["arguments"]));
            }
            "message-end" => {
                said.finish = cohere_finish(&delta["finish_reason"]);
                usage = cohere_usage(&delta["usage"]);
            }
            _ => {}
        }
    }
    let calls = calls.into_values();
    said.calls = calls
        .map(|(name, written)| (name, arguments(&written)))
        .collect();
    Said {
        choices: vec![said],
        usage,
    }
}

fn cohere_finish(word: &Value) -> Option<End> {
    Some(match word.as_str()? {
        "COMPLETE" | "STOP_SEQUENCE" | "TOOL_CALL" => End::Complete,
        "MAX_TOKENS" => End::Length,
        other => End::Other(other.to_owned()),
    })
}

fn cohere_usage(value: &Value) -> Option<Usage> {
    let tokens = &value["tokens"];
    Some(Usage {
        input: tokens["input_tokens"].as_u64()?,
        cached: count(&value["cached_tokens"]),
        output: count(&tokens["output_tokens"]),
    })
}
