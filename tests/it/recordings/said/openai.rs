//! Chat completions, completions and Responses.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Call, Choice, End, Said, Usage, arguments, call, count, list, text};

/// A chat completion.
pub(super) fn chat(document: &Value) -> Said {
    let choices = list(&document["choices"]).iter().map(|choice| {
        let message = &choice["message"];
        let mut said = Choice {
            text: content(&message["content"]) + text(&message["refusal"]),
            ..Choice::default()
        };
        let calls = list(&message["tool_calls"]).iter();
        let older = [&message["function_call"]].into_iter();
        for made in calls.chain(older.filter(|call| !call.is_null())) {
            said.calls.push(chat_call(made));
        }
        said.finish = finish(&choice["finish_reason"]);
        said
    });
    Said {
        choices: choices.collect(),
        usage: usage(&document["usage"]),
    }
}

/// A call of a function, of a custom tool with its one text, or in the older form without a list.
fn chat_call(made: &Value) -> Call {
    if made["type"] == "custom" {
        let custom = &made["custom"];
        return Call {
            arguments: json!({"input": custom["input"]}),
            ..call(&made["id"], &custom["name"], "")
        };
    }
    let function = made.get("function").unwrap_or(made);
    call(&made["id"], &function["name"], text(&function["arguments"]))
}

/// A stream of chat completions.
pub(super) fn chat_stream(chunks: &[Value]) -> Said {
    let mut choices: BTreeMap<u64, Choice> = BTreeMap::new();
    let mut calls: BTreeMap<(u64, u64), [String; 3]> = BTreeMap::new();
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
            for (place, made) in (0..).zip(list(&delta["tool_calls"])) {
                let at = made["index"].as_u64().unwrap_or(place);
                let [id, name, written] = calls.entry((index, at)).or_default();
                // Some say it again with every piece.
                if let Some(told) = made["id"].as_str().filter(|told| !told.is_empty()) {
                    told.clone_into(id);
                }
                name.push_str(text(&made["function"]["name"]));
                written.push_str(text(&made["function"]["arguments"]));
            }
        }
    }
    for ((index, _), [id, name, written]) in calls {
        let said = choices.entry(index).or_default();
        said.calls.push(Call {
            id,
            name,
            arguments: arguments(&written),
        });
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
pub(in super::super) fn response(document: &Value) -> Said {
    let mut said = Choice::default();
    for item in list(&document["output"]) {
        match text(&item["type"]) {
            "message" => {
                for part in list(&item["content"]) {
                    said.text += text(&part["text"]);
                    said.text += text(&part["refusal"]);
                }
            }
            "function_call" => said.calls.push(response_call(item)),
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

fn response_call(item: &Value) -> Call {
    call(&item["call_id"], &item["name"], text(&item["arguments"]))
}

/// The stream of a response: its text and calls as they came, the rest from its last event.
pub(in super::super) fn response_stream(events: &[Value]) -> Said {
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
                said.calls.push(response_call(&event["item"]));
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
        "stop" | "eos" => End::Complete,
        "tool_calls" | "function_call" => End::Calls,
        "length" => End::Length,
        "content_filter" => End::Filtered,
        other => End::Other(other.to_owned()),
    })
}

/// Counts in either spelling.
fn usage(value: &Value) -> Option<Usage> {
    let object = value.as_object()?;
    let first = |keys: &[&str]| keys.iter().find_map(|key| object.get(*key)?.as_u64());
    let detail = |places: [&str; 2], keys: &[&str]| {
        let mut places = places.iter();
        places.find_map(|place| keys.iter().find_map(|key| value[*place][*key].as_u64()))
    };
    let prompt = ["prompt_tokens_details", "input_tokens_details"];
    let answer = ["completion_tokens_details", "output_tokens_details"];
    let asked = first(&["prompt_tokens", "input_tokens"])?;
    let answered = first(&["completion_tokens", "output_tokens"]).unwrap_or(0);
    let cached = detail(prompt, &["cached_tokens"])
        .or_else(|| first(&["prompt_cache_hit_tokens", "cached_tokens"]));
    let reasoned = detail(answer, &["reasoning_tokens", "thinking_tokens"])
        .or_else(|| first(&["reasoning_tokens"]))
        .unwrap_or(0);
    // Gemini's chat tells thoughts by the total alone.
    let total = first(&["total_tokens"]).unwrap_or(0);
    let beside = total.saturating_sub(asked + answered);
    Some(Usage {
        input: asked,
        cached: cached.unwrap_or(0),
        written: detail(prompt, &["cache_write_tokens"]).unwrap_or(0),
        output: answered + beside,
        reasoning: reasoned.max(beside),
    })
}
