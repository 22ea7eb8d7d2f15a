//! Anthropic's Messages, Google's generateContent, Cohere's chat.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Call, Choice, End, Said, Usage, arguments, call, count, list, text};

/// A message.
pub(super) fn message(document: &Value) -> Said {
    let mut said = Choice::default();
    for block in list(&document["content"]) {
        match text(&block["type"]) {
            "text" => said.text += text(&block["text"]),
            "tool_use" => said.calls.push(Call {
                arguments: block["input"].clone(),
                ..call(&block["id"], &block["name"], "")
            }),
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
    let mut calls: BTreeMap<u64, (Call, String)> = BTreeMap::new();
    let mut counts = serde_json::Map::new();
    for event in events {
        let index = count(&event["index"]);
        let delta = &event["delta"];
        match text(&event["type"]) {
            "message_start" => add(&mut counts, &event["message"]["usage"]),
            "content_block_start" => match text(&event["content_block"]["type"]) {
                "text" => said.text += text(&event["content_block"]["text"]),
                "tool_use" => {
                    let block = &event["content_block"];
                    let begun = call(&block["id"], &block["name"], "");
                    calls.insert(index, (begun, String::new()));
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
        .map(|(call, written)| Call {
            arguments: arguments(&written),
            ..call
        })
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
        "end_turn" | "stop_sequence" => End::Complete,
        "tool_use" => End::Calls,
        "max_tokens" | "model_context_window_exceeded" => End::Length,
        "refusal" => End::Filtered,
        other => End::Other(other.to_owned()),
    })
}

fn message_usage(value: &Value) -> Option<Usage> {
    let cached = count(&value["cache_read_input_tokens"]);
    let written = count(&value["cache_creation_input_tokens"]);
    Some(Usage {
        input: value["input_tokens"].as_u64()? + cached + written,
        cached,
        written,
        output: count(&value["output_tokens"]),
        reasoning: count(&value["output_tokens_details"]["thinking_tokens"]),
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
                written: 0,
                reasoning: count(&counts["thoughtsTokenCount"]),
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
                if let Some(made) = part.get("functionCall") {
                    let given = made.get("args").filter(|args| !args.is_null());
                    said.calls.push(Call {
                        arguments: given.cloned().unwrap_or_else(|| arguments("")),
                        ..call(&made["id"], &made["name"], "")
                    });
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
    let calls = list(&message["tool_calls"]).iter().map(|made| {
        let function = &made["function"];
        call(&made["id"], &function["name"], text(&function["arguments"]))
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
    let mut calls: BTreeMap<u64, [String; 3]> = BTreeMap::new();
    for event in events {
        let delta = &event["delta"];
        let made = &delta["message"]["tool_calls"];
        let function = &made["function"];
        let index = count(&event["index"]);
        match text(&event["type"]) {
            "content-start" | "content-delta" => {
                said.text += text(&delta["message"]["content"]["text"]);
            }
            "tool-call-start" | "tool-call-delta" => {
                let [id, name, written] = calls.entry(index).or_default();
                id.push_str(text(&made["id"]));
                name.push_str(text(&function["name"]));
                written.push_str(text(&function["arguments"]));
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
        .map(|[id, name, written]| Call {
            id,
            name,
            arguments: arguments(&written),
        })
        .collect();
    Said {
        choices: vec![said],
        usage,
    }
}

fn cohere_finish(word: &Value) -> Option<End> {
    Some(match word.as_str()? {
        "COMPLETE" | "STOP_SEQUENCE" => End::Complete,
        "TOOL_CALL" => End::Calls,
        "MAX_TOKENS" => End::Length,
        other => End::Other(other.to_owned()),
    })
}

fn cohere_usage(value: &Value) -> Option<Usage> {
    // What is billed leaves out Cohere's own preamble and what was cached.
    let billed = &value["billed_units"];
    Some(Usage {
        input: billed["input_tokens"].as_u64()?,
        cached: 0,
        written: 0,
        output: count(&billed["output_tokens"]),
        // What is thought is counted with what is said, and may be more than what is billed of both.
        reasoning: count(&value["tokens"]["reasoning_tokens"]).min(count(&billed["output_tokens"])),
    })
}
