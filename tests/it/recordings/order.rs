//! The order in which a front's stream comes, which no schema says and every official client relies on.

use std::collections::BTreeMap;

use serde_json::Value;
use weighbridge::dialect::any::Client;

use super::said::{Choice, events, openai};

/// Checks the order of a whole stream that is written for `client`.
pub(super) fn check(client: Client, written: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(written).unwrap();
    let events = events(written);
    let is_typed = matches!(client, Client::Responses | Client::Messages);
    if is_typed == text.ends_with("data: [DONE]\n\n") {
        return Err("[DONE] ends chunks and nothing else".to_owned());
    }
    match client {
        Client::Chat | Client::Completions => chunks(&events),
        Client::Responses => {
            names(text, &events)?;
            response(&events)
        }
        Client::Messages => {
            names(text, &events)?;
            message(&events)
        }
    }
}

fn kind(event: &Value) -> &str {
    event["type"].as_str().unwrap_or_default()
}

/// Each event has its type for a name.
fn names(text: &str, events: &[Value]) -> Result<(), String> {
    let names = text.lines().filter_map(|line| line.strip_prefix("event: "));
    if names.eq(events.iter().map(kind)) {
        return Ok(());
    }
    Err("an event's name is not its type".to_owned())
}

/// All chunks are of one answer; each choice ends once, and says nothing afterwards.
fn chunks(events: &[Value]) -> Result<(), String> {
    let first = events.first().ok_or("nothing")?;
    let mut ended = BTreeMap::new();
    for event in events {
        if ["id", "object", "created", "model"]
            .iter()
            .any(|key| event[key] != first[key])
        {
            return Err(format!("a chunk of another answer: {event}"));
        }
        for choice in event["choices"].as_array().ok_or("no choices")? {
            let ends = ended.entry(choice["index"].as_u64()).or_insert(false);
            if *ends {
                return Err(format!("it had ended: {event}"));
            }
            *ends = !choice["finish_reason"].is_null();
        }
    }
    if ended.values().all(|ended| *ended) {
        return Ok(());
    }
    Err("a choice does not end".to_owned())
}

/// Numbered without a gap, begun by its creation, ended by what it has become, and that says what came before.
fn response(events: &[Value]) -> Result<(), String> {
    let numbers = events.iter().map(|event| event["sequence_number"].as_u64());
    if !numbers.eq((0..events.len() as u64).map(Some)) {
        return Err("numbers with gaps".to_owned());
    }
    let is_end =
        |event: &&Value| matches!(kind(event), "response.completed" | "response.incomplete");
    let ends = events.iter().filter(is_end).count();
    let (first, last) = (
        events.first().ok_or("nothing")?,
        events.last().ok_or("nothing")?,
    );
    if kind(first) != "response.created" || !is_end(&last) || ends != 1 {
        return Err(format!(
            "begun by {} and ended by {}",
            kind(first),
            kind(last)
        ));
    }
    let (deltas, whole) = (
        openai::response_stream(events),
        openai::response(&last["response"]),
    );
    let said = |choice: &Choice| (choice.text.clone(), format!("{:?}", choice.calls));
    if said(&deltas.choices[0]) == said(&whole.choices[0]) {
        return Ok(());
    }
    Err(format!(
        "the pieces and the whole differ: {deltas:?} {whole:?}"
    ))
}

/// A start, blocks one after the other with only their own deltas inside, then why it ended, then the end.
fn message(events: &[Value]) -> Result<(), String> {
    let mut blocks = 0;
    let mut open: Option<&str> = None;
    let mut place = "";
    for event in events {
        let index = event["index"].as_u64();
        let fits = match (kind(event), place) {
            ("ping", _) => continue,
            ("content_block_start", "message_start" | "content_block_stop") => {
                open = event["content_block"]["type"].as_str();
                index == Some(blocks)
            }
            ("content_block_delta", "content_block_start" | "content_block_delta") => {
                let delta = event["delta"]["type"].as_str().unwrap_or_default();
                index == Some(blocks) && takes(open.unwrap_or_default(), delta)
            }
            ("content_block_stop", "content_block_start" | "content_block_delta") => {
                blocks += 1;
                index == Some(blocks - 1)
            }
            ("message_start", "")
            | ("message_delta", "message_start" | "content_block_stop")
            | ("message_stop", "message_delta") => true,
            _ => false,
        };
        if !fits {
            return Err(format!("after {place:?}: {event}"));
        }
        place = kind(event);
    }
    match place {
        "message_stop" => Ok(()),
        other => Err(format!("ended by {other}")),
    }
}

/// Whether a block of this type grows by such a delta.
fn takes(block: &str, delta: &str) -> bool {
    match delta {
        "text_delta" | "citations_delta" => block == "text",
        "thinking_delta" | "signature_delta" => block == "thinking",
        "input_json_delta" => matches!(block, "tool_use" | "server_tool_use"),
        _ => false,
    }
}
