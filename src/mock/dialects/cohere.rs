//! Cohere's chat, version 2.
//!
//! Source: <https://docs.cohere.com/v2/reference/chat> and <https://docs.cohere.com/v2/docs/streaming>, 2026-11-24.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::{At, Finish, Told, chat, event, parts};
use crate::mock::question::{Length, Read, Refused, json as object, size};
use crate::mock::script::Matter;
use crate::mock::wish::{Choice, Last, Thinking, Wish, items, whole};

// === the request ===

pub(super) fn read(body: &[u8]) -> Result<Read, Refused> {
    let body = object(body)?;
    if !body["messages"].is_array() {
        return Err(Refused::new("invalid request: messages must be specified"));
    }
    Ok(Read {
        model: body["model"].as_str().map(str::to_owned),
        streams: body["stream"] == true,
        counts: false,
        length: whole(&body["max_tokens"]).map_or(Length::Open, Length::AtMost),
        seed: body["seed"].as_i64().map(i64::cast_unsigned),
        prompt: size(&[&body["messages"], &body["tools"]]),
        wish: wish(&body),
    })
}

fn wish(body: &Value) -> Wish {
    let format = &body["response_format"];
    let schemas = ["json_schema", "schema"];
    let schema = schemas.iter().find_map(|key| format.get(key)).cloned();
    let is_json = format["type"] == "json_object";
    let mut wish = Wish {
        schema: schema.or_else(|| is_json.then(|| json!({"type": "object"}))),
        thinking: match body["thinking"]["type"].as_str() {
            Some("enabled") => Thinking::Shown,
            _ => Thinking::No,
        },
        ..Wish::default()
    };
    let last = items(&body["messages"]).last().unwrap_or(&Value::Null);
    let choice = Choice::of_word(body["tool_choice"].as_str().unwrap_or_default());
    let last = Last {
        message: last,
        is_user: last["role"] == "user",
        is_parallel: true,
    };
    wish.take_tools(chat::functions(&body["tools"]), &choice, last);
    wish
}

// === the answer ===

const fn reason(told: &Told) -> &'static str {
    match told.finish {
        Finish::Stop => "COMPLETE",
        Finish::Length => "MAX_TOKENS",
        Finish::Calls => "TOOL_CALL",
    }
}

fn usage(told: &Told) -> Value {
    let (input, output) = (told.prompt_tokens, told.completion_tokens);
    let mut usage = json!({
        "billed_units": {"input_tokens": input, "output_tokens": output},
        "tokens": {"input_tokens": input, "output_tokens": output},
        "cached_tokens": 0,
    });
    if told.thinking != Thinking::No {
        usage["tokens"]["reasoning_tokens"] = json!(told.script.thoughts().min(output));
    }
    usage
}

fn id(told: &Told) -> String {
    format!(
        "00000000-0000-4000-8000-{:012x}",
        told.number & 0xFFFF_FFFF_FFFF
    )
}

fn call(told: &Told, index: usize, name: &str, arguments: &str) -> Value {
    json!({
        "id": format!("{name}_{:08x}{index:02x}", told.number & 0xFFFF_FFFF), "type": "function",
        "function": {"name": name, "arguments": arguments},
    })
}

pub(super) fn document(told: &Told) -> Value {
    let (mut content, mut calls) = (Vec::new(), Vec::new());
    for (index, part) in parts(told) {
        let text = part.whole();
        match &part.matter {
            Matter::Thought => content.push(json!({"type": "thinking", "thinking": text})),
            Matter::Text => content.push(json!({"type": "text", "text": text})),
            Matter::Call(name) => calls.push(call(told, index, name, &text)),
        }
    }
    let mut message = json!({"role": "assistant"});
    if !content.is_empty() {
        message["content"] = json!(content);
    }
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    json!({"id": id(told), "message": message, "finish_reason": reason(told), "usage": usage(told)})
}

fn say(out: &mut BytesMut, value: &Value) {
    event(out, value["type"].as_str().unwrap_or_default(), value);
}

pub(super) fn begin(told: &Told, out: &mut BytesMut) {
    let message = json!({
        "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": [],
    });
    let start = json!({"id": id(told), "type": "message-start", "delta": {"message": message}});
    say(out, &start);
}

/// An event about the content or call at `index`.
fn about(out: &mut BytesMut, kind: &str, index: usize, message: &Value) {
    let event = json!({"type": kind, "index": index, "delta": {"message": message}});
    say(out, &event);
}

pub(super) fn piece(told: &Told, out: &mut BytesMut, piece: At<'_>) {
    let text = piece.text();
    let key = match &piece.part.matter {
        Matter::Thought => "thinking",
        Matter::Text => "text",
        Matter::Call(name) => return call_piece(told, out, piece, name),
    };
    let index = piece.part_index;
    if piece.is_first() {
        let mut content = json!({"type": key});
        content[key] = json!("");
        about(out, "content-start", index, &json!({"content": content}));
    }
    let mut content = json!({});
    content[key] = json!(text);
    about(out, "content-delta", index, &json!({"content": content}));
    if piece.is_last() {
        say(out, &json!({"type": "content-end", "index": index}));
    }
}

/// Calls are counted apart from contents.
fn call_piece(told: &Told, out: &mut BytesMut, piece: At<'_>, name: &str) {
    let index = told.script.calls_before(piece.part_index);
    if piece.is_first() {
        let start = call(told, piece.part_index, name, "");
        about(out, "tool-call-start", index, &json!({"tool_calls": start}));
    }
    let delta = json!({"tool_calls": {"function": {"arguments": piece.text()}}});
    about(out, "tool-call-delta", index, &delta);
    if piece.is_last() {
        say(out, &json!({"type": "tool-call-end", "index": index}));
    }
}

pub(super) fn end(told: &Told, out: &mut BytesMut) {
    let delta = json!({"finish_reason": reason(told), "usage": usage(told)});
    say(out, &json!({"type": "message-end", "delta": delta}));
    out.extend_from_slice(chat::DONE);
}

pub(super) fn error(out: &mut BytesMut) {
    let delta = json!({"error": "internal server error", "finish_reason": "ERROR"});
    say(out, &json!({"type": "message-end", "delta": delta}));
}
