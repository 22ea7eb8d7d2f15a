//! Chat completions, completions and Responses.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Choice, End, Said, Usage, arguments, count, list, text};

/// A chat completion.
pub(super) fn chat(document: &Value) -> Said {
    let choices = list(&document["choices"]).iter().map(|choice| {
        let message = &choice["message"];
        let mut said = Choice {
            text: content(&message["content"]) + text(&message["refusal"]),
            ..Choice::default()
        };
        for call in list(&message["tool_calls"]) {
            let call = &call["function"];
            let name = text(&call["name"]).to_owned();
            said.calls.push((name, arguments(text(&call["arguments"]))));
        }
        said.finish = finish(&choice["finish_reason"]);
        said
    });
    Said {
        choices: choices.collect(),
        usage: usage(&document["usage"]),
    }
}

/// A stream of chat completions.
pub(super) fn chat_stream(chunks: &[Value]) -> Said {
    let mut choices: BTreeMap<u64, Choice> = BTreeMap::new();
    let mut calls: BTreeMap<(u64, u64), (String, String)> = BTreeMap::new();
    let mut counts = None;
    for chunk in chunks {
        counts = usage(&chunk["usage"])
            .or_else(|| usage(&chunk["x_groq"]["usage"]))
            .or(counts);
        for choice in list(&chunk["choices"]) {
            let index = count(&choice["index"]);
            let said = choices.entry(index).or_default();
            // Writer's deltas are called messages.
            let delta = match &choice["delta"] {
                Value::Null => &choice["message"],
                delta => delta,
            };
            said.text += &content(&delta["content"]);
            said.text += text(&delta["refusal"]);
            said.finish = finish(&choice["finish_reason"]).or(said.finish.take());
            for (place, call) in (0..).zip(list(&delta["tool_calls"])) {
                let at = call["index"].as_u64().unwrap_or(place);
                let (name, arguments) = calls.entry((index, at)).or_default();
                name.push_str(text(&call["function"]["name"]));
                arguments.push_str(text(&call["function"]["arguments"]));
            }
        }
    }
    for ((index, _), (name, written)) in calls {
        let said = choices.entry(index).or_default();
        said.calls.push((name, arguments(&written)));
    }
    Said {
        choices: choices.into_values().collect(),
        usage: counts,
    }
}

/// A completion, or the chunks of its stream.
pub(super) fn completions(documents: &[Value]) -> Said {
    let mut choices: BTreeMap<u64, Choice> = BTreeMap::new();
    let mut counts = None;
    for document in documents {
        counts = usage(&document["usage"]).or(counts);
        for choice in list(&document["choices"]) {
            let said = choices.entry(count(&choice["index"])).or_default();
            said.text += text(&choice["text"]);
            said.finish = finish(&choice["finish_reason"]).or(said.finish.take());
        }
    }
    Said {
        choices: choices.into_values().collect(),
        usage: counts,
    }
}

/// A response.
pub(super) fn response(document: &Value) -> Said {
    let mut said = Choice::default();
    for item in list(&document["output"]) {
        match text(&item["type"]) {
            "message" => {
                for part in list(&item["content"]) {
                    said.text += text(&part["text"]);
                    said.text += text(&part["refusal"]);
                }
            }
            "function_call" => {
                let name = text(&item["name"]).to_owned();
                said.calls.push((name, arguments(text(&item["arguments"]))));
            }
            _ => {}
        }
    }
    let reason = text(&document["incomplete_details"]["reason"]);
    said.finish = match (text(&document["status"]), reason) {
        ("completed", _) => Some(End::Complete),
        ("incomplete", "max_output_tokens") => Some(End::Length),
        ("incomplete", "content_filter") => Some(End::Filtered),
        ("", _) => None,
        (status, reason) => Some(End::Other(format!("{status} {reason}"))),
    };
    Said {
        choices: vec![said],
        usage: usage(&document["usage"]),
    }
}

/// The stream of a response: its text and calls as they came, the rest from its last event.
pub(super) fn response_stream(events: &[Value]) -> Said {
    let last = events
        .iter()
        .rfind(|event| event["response"].is_object())
        .unwrap();
    let whole = response(&last["response"]);
    let mut said = Choice::default();
    for event in events {
        match text(&event["type"]) {
            "response.output_text.delta" | "response.refusal.delta" => {
                said.text += text(&event["delta"]);
            }
            "response.output_item.done" if event["item"]["type"] == "function_call" => {
                let name = text(&event["item"]["name"]).to_owned();
                let written = text(&event["item"]["arguments"]);
                said.calls.push((name, arguments(written)));
            }
            _ => {}
        }
    }
    said.finish = whole.choices.into_iter().next().unwrap().finish;
    Said {
        choices: vec![said],
        usage: whole.usage,
    }
}

/// Content that is a text or, as Mistral's may be, a list of parts.
fn content(value: &Value) -> String {
    let parts = list(value).iter().map(|part| text(&part["text"]));
    parts.chain([text(value)]).collect()
}

fn finish(word: &Value) -> Option<End> {
    Some(match word.as_str()? {
        "stop" | "tool_calls" | "function_call" | "eos" => End::Complete,
        "length" => End::Length,
        "content_filter" => End::Filtered,
        other => End::Other(other.to_owned()),
    })
}

/// Counts in either spelling.
fn usage(value: &Value) -> Option<Usage> {
    let object = value.as_object()?;
    let first = |keys: &[&str]| keys.iter().find_map(|key| object.get(*key)?.as_u64());
    let details = [
        &value["prompt_tokens_details"],
        &value["input_tokens_details"],
    ];
    let cached = details
        .iter()
        .find_map(|details| details["cached_tokens"].as_u64());
    let input = first(&["prompt_tokens", "input_tokens"])?;
    Some(Usage {
        input,
        cached: cached
            .or_else(|| first(&["prompt_cache_hit_tokens", "cached_tokens"]))
            .unwrap_or(0),
        output: first(&["completion_tokens", "output_tokens"]).unwrap_or(0),
    })
}
