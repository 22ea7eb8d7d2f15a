//! Anthropic's Messages.
//!
//! Source: <https://docs.anthropic.com/en/api/messages> and <https://docs.anthropic.com/en/api/messages-streaming>,
//! 2026-11-24.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::{At, Finish, Told, call_id, event, parts};
use crate::mock::own;
use crate::mock::question::{Length, Read, Refused, json as object, size};
use crate::mock::script::Matter;
use crate::mock::wish::{Choice, Last, Thinking, Wish, items, tool, whole};

// === the request ===

pub(super) fn read(target: &str, body: &[u8]) -> Result<Read, Refused> {
    let read = read_counted(target, body)?;
    if read.length == Length::Open {
        return Err(Refused::new("max_tokens: Field required"));
    }
    Ok(read)
}

/// A request of which only the tokens are counted: it may leave out what an answer needs.
pub(super) fn read_counted(target: &str, body: &[u8]) -> Result<Read, Refused> {
    let body = object(body)?;
    if !body["messages"].is_array() {
        return Err(Refused::new("messages: Field required"));
    }
    for (place, message) in items(&body["messages"]).enumerate() {
        for (index, block) in items(&message["content"]).enumerate() {
            check(target, block, &format!("messages.{place}.content.{index}"))?;
        }
    }
    Ok(Read {
        model: body["model"].as_str().map(str::to_owned),
        streams: body["stream"] == true,
        counts: false,
        length: whole(&body["max_tokens"]).map_or(Length::Open, Length::AtMost),
        seed: None,
        prompt: size(&[&body["messages"], &body["system"], &body["tools"]]),
        wish: wish(&body),
    })
}

/// Thoughts that another target signed are refused.
fn check(target: &str, block: &Value, place: &str) -> Result<(), Refused> {
    let (key, kind) = match block["type"].as_str() {
        Some("thinking") => ("signature", "thinking"),
        Some("redacted_thinking") => ("data", "redacted_thinking"),
        _ => return Ok(()),
    };
    match block[key].as_str() {
        Some(signature) if own::is_signed(target, signature) => Ok(()),
        Some(_) => Err(Refused::new(format!(
            "{place}: Invalid `{key}` in `{kind}` block"
        ))),
        None => Err(Refused::new(format!(
            "{place}.{kind}.{key}: Field required"
        ))),
    }
}

fn wish(body: &Value) -> Wish {
    let format = &body["output_config"]["format"];
    let format = if format.is_null() {
        &body["output_format"]
    } else {
        format
    };
    let mut wish = Wish {
        schema: (format["type"] == "json_schema").then(|| format["schema"].clone()),
        thinking: match body["thinking"]["type"].as_str() {
            Some("enabled" | "adaptive") if body["thinking"]["display"] == "omitted" => {
                Thinking::Hidden
            }
            Some("enabled" | "adaptive") => Thinking::Shown,
            _ => Thinking::No,
        },
        ..Wish::default()
    };
    let own = items(&body["tools"]).filter(|one| one["input_schema"].is_object());
    let tools = own.filter_map(|one| tool(&one["name"], &one["input_schema"]));
    let choice = &body["tool_choice"];
    let choice = match choice["name"].as_str() {
        Some(name) => Choice::Named(name.to_owned()),
        None => Choice::of_word(choice["type"].as_str().unwrap_or_default()),
    };
    let last = items(&body["messages"]).last().unwrap_or(&Value::Null);
    let has_result = items(&last["content"]).any(|block| block["type"] == "tool_result");
    let last = Last {
        message: last,
        is_user: last["role"] == "user" && !has_result,
        is_parallel: body["tool_choice"]["disable_parallel_tool_use"] != true,
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

fn usage(told: &Told, output: u64) -> Value {
    json!({
        "input_tokens": told.prompt_tokens, "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0, "output_tokens": output, "service_tier": "standard",
    })
}

fn message(told: &Told, content: &Value, reason: Option<&str>, usage: &Value) -> Value {
    json!({
        "id": format!("msg_{:016x}", told.number), "type": "message", "role": "assistant",
        "model": told.model, "content": content, "stop_reason": reason, "stop_sequence": null,
        "usage": usage,
    })
}

fn signature(told: &Told) -> String {
    own::signature(&told.target, told.number)
}

pub(super) fn document(told: &Told) -> Value {
    let block = |(index, part): (usize, &crate::mock::script::Part)| match &part.matter {
        Matter::Thought => {
            let text = match told.thinking {
                Thinking::Shown => part.whole(),
                Thinking::No | Thinking::Hidden => String::new(),
            };
            json!({"type": "thinking", "thinking": text, "signature": signature(told)})
        }
        Matter::Text => json!({"type": "text", "text": part.whole()}),
        Matter::Call(name) => json!({
            "type": "tool_use", "id": call_id("toolu", told, index), "name": name,
            "input": part.json(),
        }),
    };
    let content: Value = parts(told).map(block).collect();
    let usage = usage(told, told.completion_tokens);
    message(told, &content, Some(reason(told)), &usage)
}

fn say(out: &mut BytesMut, value: &Value) {
    event(out, value["type"].as_str().unwrap_or_default(), value);
}

pub(super) fn begin(told: &Told, out: &mut BytesMut) {
    let message = message(told, &json!([]), None, &usage(told, 1));
    say(out, &json!({"type": "message_start", "message": message}));
    say(out, &json!({"type": "ping"}));
}

pub(super) fn piece(told: &Told, out: &mut BytesMut, piece: At<'_>) {
    let index = piece.part_index;
    if piece.is_first() {
        let block = match &piece.part.matter {
            Matter::Thought => json!({"type": "thinking", "thinking": "", "signature": ""}),
            Matter::Text => json!({"type": "text", "text": ""}),
            Matter::Call(name) => json!({
                "type": "tool_use", "id": call_id("toolu", told, index), "name": name, "input": {},
            }),
        };
        let start = json!({"type": "content_block_start", "index": index, "content_block": block});
        say(out, &start);
    }
    let mut delta = |delta: Value| {
        let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
        say(out, &delta);
    };
    let text = piece.text();
    match &piece.part.matter {
        Matter::Thought if told.thinking == Thinking::Hidden => {}
        Matter::Thought => delta(json!({"type": "thinking_delta", "thinking": text})),
        Matter::Text => delta(json!({"type": "text_delta", "text": text})),
        Matter::Call(_) => delta(json!({"type": "input_json_delta", "partial_json": text})),
    }
    if piece.is_last() {
        if piece.part.is_thought() {
            delta(json!({"type": "signature_delta", "signature": signature(told)}));
        }
        say(out, &json!({"type": "content_block_stop", "index": index}));
    }
}

pub(super) fn end(told: &Told, out: &mut BytesMut) {
    let delta = json!({
        "type": "message_delta",
        "delta": {"stop_reason": reason(told), "stop_sequence": null},
        "usage": usage(told, told.completion_tokens),
    });
    say(out, &delta);
    say(out, &json!({"type": "message_stop"}));
}
