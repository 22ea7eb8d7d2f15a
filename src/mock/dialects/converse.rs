//! Amazon's Converse, whose streams are binary messages.
//!
//! Source: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html> and
//! `API_runtime_ConverseStream.html` beside it, 2026-11-24.

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::{At, Finish, Told, call_id, parts};
use crate::mock::own;
use crate::mock::question::{Length, Read, Refused, json as object, size};
use crate::mock::script::{Matter, Part};
use crate::mock::wish::{Choice, Last, Thinking, Wish, items, tool, whole};
use crate::wire::eventstream;

// === the request ===

pub(super) fn read(target: &str, body: &[u8]) -> Result<Read, Refused> {
    let body = object(body)?;
    if !body["messages"].is_array() {
        return Err(Refused::new(
            "1 validation error detected: Value at 'messages' failed to satisfy constraint: Member must not be null",
        ));
    }
    for (place, message) in items(&body["messages"]).enumerate() {
        for (index, block) in items(&message["content"]).enumerate() {
            check(
                target,
                &block["reasoningContent"],
                &format!("messages.{place}.content.{index}"),
            )?;
        }
    }
    let most = whole(&body["inferenceConfig"]["maxTokens"]);
    Ok(Read {
        length: most.map_or(Length::Open, Length::AtMost),
        prompt: size(&[&body["messages"], &body["system"], &body["toolConfig"]]),
        wish: wish(&body),
        ..Read::default()
    })
}

fn check(target: &str, thought: &Value, place: &str) -> Result<(), Refused> {
    let signature = thought["reasoningText"]["signature"]
        .as_str()
        .or(thought["redactedContent"].as_str());
    match signature {
        Some(signature) if !own::is_signed(target, signature) => Err(Refused::new(format!(
            "The model returned the following errors: {place}: Invalid `signature` in `thinking` block"
        ))),
        _ => Ok(()),
    }
}

fn wish(body: &Value) -> Wish {
    let more = &body["additionalModelRequestFields"];
    let thinks = ["thinking", "reasoning_config", "reasoningConfig"]
        .iter()
        .any(|key| matches!(more[*key]["type"].as_str(), Some("enabled" | "adaptive")));
    let format = &body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"];
    let mut wish = Wish {
        schema: format
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok()),
        thinking: if thinks {
            Thinking::Shown
        } else {
            Thinking::No
        },
        ..Wish::default()
    };
    let config = &body["toolConfig"];
    let specs = items(&config["tools"]).map(|one| &one["toolSpec"]);
    let tools = specs.filter_map(|spec| tool(&spec["name"], &spec["inputSchema"]["json"]));
    let choice = &config["toolChoice"];
    let choice = match choice["tool"]["name"].as_str() {
        Some(name) => Choice::Named(name.to_owned()),
        None if choice["any"].is_object() => Choice::Any,
        None => Choice::Auto,
    };
    let last = items(&body["messages"]).last().unwrap_or(&Value::Null);
    let has_result = items(&last["content"]).any(|block| block["toolResult"].is_object());
    let last = Last {
        message: last,
        is_user: last["role"] == "user" && !has_result,
        is_parallel: true,
    };
    wish.take_tools(tools.collect(), &choice, last);
    wish
}

// === the answer ===

const fn reason(told: &Told) -> &'static str {
    match told.finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Calls => "tool_use",
    }
}

fn usage(told: &Told) -> Value {
    json!({
        "inputTokens": told.prompt_tokens, "outputTokens": told.completion_tokens,
        "totalTokens": told.total_tokens(),
    })
}

fn signature(told: &Told) -> String {
    own::signature(&told.target, told.number)
}

pub(super) fn document(told: &Told) -> Value {
    let block = |(index, part): (usize, &Part)| match &part.matter {
        Matter::Thought => json!({"reasoningContent": {"reasoningText": {
            "text": part.whole(), "signature": signature(told),
        }}}),
        Matter::Text => json!({"text": part.whole()}),
        Matter::Call(name) => json!({"toolUse": {
            "toolUseId": call_id("tooluse", told, index), "name": name, "input": part.json(),
        }}),
    };
    let content: Value = parts(told).map(block).collect();
    json!({
        "metrics": {"latencyMs": told.latency_ms},
        "output": {"message": {"content": content, "role": "assistant"}},
        "stopReason": reason(told), "usage": usage(told),
    })
}

/// Writes a message of this type.
fn say(out: &mut BytesMut, name: &str, value: &Value) {
    let headers = [
        (":event-type", name),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    let payload = value.to_string();
    out.extend_from_slice(&eventstream::write(&headers, payload.as_bytes()));
}

pub(super) fn begin(out: &mut BytesMut) {
    say(out, "messageStart", &json!({"role": "assistant"}));
}

pub(super) fn piece(told: &Told, out: &mut BytesMut, piece: At<'_>) {
    let index = piece.part_index;
    // Only calls say that they begin.
    if let (Matter::Call(name), true) = (&piece.part.matter, piece.is_first()) {
        let id = call_id("tooluse", told, index);
        let start = json!({"toolUse": {"toolUseId": id, "name": name}});
        let start = json!({"contentBlockIndex": index, "start": start});
        say(out, "contentBlockStart", &start);
    }
    let mut delta = |delta: Value| {
        let delta = json!({"contentBlockIndex": index, "delta": delta});
        say(out, "contentBlockDelta", &delta);
    };
    let text = piece.text();
    match &piece.part.matter {
        Matter::Thought => delta(json!({"reasoningContent": {"text": text}})),
        Matter::Text => delta(json!({"text": text})),
        Matter::Call(_) => delta(json!({"toolUse": {"input": text}})),
    }
    if piece.is_last() {
        if piece.part.is_thought() {
            delta(json!({"reasoningContent": {"signature": signature(told)}}));
        }
        let stop = json!({"contentBlockIndex": index});
        say(out, "contentBlockStop", &stop);
    }
}

pub(super) fn end(told: &Told, out: &mut BytesMut) {
    say(out, "messageStop", &json!({"stopReason": reason(told)}));
    let metadata = json!({"metrics": {"latencyMs": told.latency_ms}, "usage": usage(told)});
    say(out, "metadata", &metadata);
}

pub(super) fn error(out: &mut BytesMut) {
    let headers = [
        (":exception-type", "internalServerException"),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    let payload = json!({"message": "The system encountered an unexpected error during processing. Try your request again."});
    out.extend_from_slice(&eventstream::write(
        &headers,
        payload.to_string().as_bytes(),
    ));
}

/// A message whose JSON ends in the middle.
pub(super) fn half() -> Bytes {
    let headers = [
        (":event-type", "contentBlockDelta"),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    Bytes::from(eventstream::write(&headers, b"{\"contentBlockIndex\":"))
}
