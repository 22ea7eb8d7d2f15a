//! OpenAI's chat completions.
//!
//! Written by hand into one buffer, since the shape hardly varies and the mock is also the yardstick of benchmarks.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat>, 2026-11-24; `reasoning_content` is what DeepSeek, vLLM
//! and others call thoughts (<https://api-docs.deepseek.com/guides/thinking_mode>), which OpenAI itself does not show.

use std::fmt::{self, Write};

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{At, Finish, Told, call_id, parts};
use crate::mock::question::{Form, Length, Read, Refused, json as object};
use crate::mock::script::Matter;
use crate::mock::wish::{Choice, Last, Thinking, Tool, Wish, items, tool};

/// Writing to a buffer in memory can't fail, but for memory itself.
const IN_MEMORY: &str = "a buffer in memory takes what is written";

/// The last event of a stream.
pub(super) const DONE: &[u8] = b"data: [DONE]\n\n";

// === the request ===

#[derive(Deserialize)]
struct Wire<'a> {
    model: Option<String>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    seed: Option<i64>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    tools: Option<&'a RawValue>,
    response_format: Option<&'a RawValue>,
    reasoning_effort: Option<&'a RawValue>,
    reasoning: Option<&'a RawValue>,
    thinking: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

/// Reads a request. Only where it wants more than text is all of it looked at.
pub(super) fn read(body: &[u8]) -> Result<Read, Refused> {
    let wire: Wire<'_> = serde_json::from_slice(body)
        .map_err(|problem| Refused::new(format!("expected a chat request in JSON: {problem}")))?;
    let Some(messages) = wire.messages else {
        return Err(Refused::new("expected \"messages\", found none"));
    };
    let more = [
        wire.tools,
        wire.response_format,
        wire.reasoning_effort,
        wire.reasoning,
        wire.thinking,
    ];
    let wish = if more.iter().any(Option::is_some) {
        wish(&object(body)?)
    } else {
        Wish::default()
    };
    let tokens = wire.max_completion_tokens.or(wire.max_tokens);
    Ok(Read {
        model: wire.model,
        streams: wire.stream.unwrap_or(false),
        counts: wire
            .stream_options
            .and_then(|options| options.include_usage)
            .unwrap_or(false),
        length: tokens.map_or(Length::Open, Length::Exactly),
        seed: wire.seed.map(i64::cast_unsigned),
        prompt: messages.get().len() as u64,
        wish,
    })
}

fn wish(body: &Value) -> Wish {
    let effort = body["reasoning_effort"]
        .as_str()
        .or(body["reasoning"]["effort"].as_str());
    let thinks = body["thinking"]["type"].as_str() == Some("enabled");
    let mut wish = Wish {
        schema: schema(&body["response_format"]),
        thinking: match effort {
            Some("none") => Thinking::No,
            Some(_) => Thinking::Shown,
            None if thinks => Thinking::Shown,
            None => Thinking::No,
        },
        ..Wish::default()
    };
    let last = items(&body["messages"]).last().unwrap_or(&Value::Null);
    wish.take_tools(
        functions(&body["tools"]),
        &choice(&body["tool_choice"]),
        Last {
            message: last,
            is_user: last["role"] == "user",
            is_parallel: body["parallel_tool_calls"] != false,
        },
    );
    wish
}

/// Tools as OpenAI and Cohere write them.
pub(super) fn functions(tools: &Value) -> Vec<Tool> {
    items(tools)
        .filter_map(|one| tool(&one["function"]["name"], &one["function"]["parameters"]))
        .collect()
}

fn choice(choice: &Value) -> Choice {
    match choice["function"]["name"].as_str() {
        Some(name) => Choice::Named(name.to_owned()),
        None => Choice::of_word(choice.as_str().unwrap_or_default()),
    }
}

fn schema(format: &Value) -> Option<Value> {
    match format["type"].as_str()? {
        "json_schema" => Some(format["json_schema"]["schema"].clone()),
        "json_object" => Some(json!({"type": "object"})),
        _ => None,
    }
}

// === the answer ===

pub(super) const fn finish(told: &Told) -> &'static str {
    match told.finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Calls => "tool_calls",
    }
}

fn write_head(told: &Told, out: &mut BytesMut, object: &str) -> fmt::Result {
    write!(
        out,
        "{{\"id\":\"chatcmpl-mock-{:016x}\",\"object\":\"{object}\",\"created\":{},\"model\":{},",
        told.number,
        told.created,
        json!(told.model)
    )
}

/// Token counts, as OpenAI's older APIs name them.
pub(super) fn usage(told: &Told) -> Value {
    let mut usage = json!({
        "prompt_tokens": told.prompt_tokens,
        "completion_tokens": told.completion_tokens,
        "total_tokens": told.total_tokens(),
    });
    if told.thinking != Thinking::No {
        usage["completion_tokens_details"] =
            json!({"reasoning_tokens": told.script.thoughts().min(told.completion_tokens)});
    }
    usage
}

pub(super) fn document(told: &Told) -> Bytes {
    let words = usize::try_from(told.completion_tokens).unwrap_or(usize::MAX);
    let mut out = BytesMut::with_capacity(words.saturating_mul(7).saturating_add(512));
    write_document(told, &mut out).expect(IN_MEMORY);
    out.freeze()
}

fn write_document(told: &Told, out: &mut BytesMut) -> fmt::Result {
    write_head(told, out, "chat.completion")?;
    out.write_str("\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":")?;
    let mut calls = Vec::new();
    let mut has_text = false;
    for (_, part) in parts(told) {
        match &part.matter {
            Matter::Text => {
                has_text = true;
                write!(out, "{}", json!(part.whole()))?;
            }
            Matter::Call(name) => calls.push(json!({
                "id": call_id("call", told, calls.len()),
                "type": "function",
                "function": {"name": name, "arguments": part.whole()},
            })),
            Matter::Thought => {}
        }
    }
    if !has_text {
        out.write_str("null")?;
    }
    for (_, part) in parts(told).filter(|(_, part)| part.is_thought()) {
        write!(out, ",\"reasoning_content\":{}", json!(part.whole()))?;
    }
    if !calls.is_empty() {
        write!(out, ",\"tool_calls\":{}", json!(calls))?;
    }
    write!(
        out,
        ",\"refusal\":null}},\"logprobs\":null,\"finish_reason\":\"{}\"}}],\"usage\":{}}}",
        finish(told),
        usage(told)
    )
}

/// What every chunk of a stream begins with.
pub(super) fn head(told: &Told) -> Bytes {
    let mut out = BytesMut::with_capacity(256);
    out.extend_from_slice(b"data: ");
    write_head(told, &mut out, "chat.completion.chunk").expect(IN_MEMORY);
    out.freeze()
}

/// The field `usage` of all chunks but the one that counts, or nothing.
pub(super) const fn no_usage(told: &Told) -> &'static [u8] {
    match told.form {
        Form::StreamWithUsage => b",\"usage\":null",
        Form::Unary | Form::Stream | Form::Array => b"",
    }
}

/// The first chunk: who speaks. Its content is empty.
pub(super) fn begin(told: &Told, out: &mut BytesMut) {
    chunk(told, out, |out| {
        out.extend_from_slice(b"\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
    });
}

/// A chunk with the delta that `write` writes.
fn chunk(told: &Told, out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
    out.extend_from_slice(&told.head);
    out.extend_from_slice(b"\"choices\":[{\"index\":0,\"delta\":{");
    write(out);
    out.extend_from_slice(b"},\"logprobs\":null,\"finish_reason\":null}]");
    out.extend_from_slice(no_usage(told));
    out.extend_from_slice(b"}\n\n");
}

pub(super) fn piece(told: &Told, out: &mut BytesMut, piece: At<'_>) {
    let key: &[u8] = match &piece.part.matter {
        Matter::Text => b"\"content\":\"",
        Matter::Thought => b"\"reasoning_content\":\"",
        Matter::Call(name) => return call(told, out, piece, name),
    };
    chunk(told, out, |out| {
        out.extend_from_slice(key);
        piece.part.write(out, piece.index);
        out.extend_from_slice(b"\"");
    });
}

fn call(told: &Told, out: &mut BytesMut, piece: At<'_>, name: &str) {
    let index = told.script.calls_before(piece.part_index);
    let mut delta = |value: Value| {
        chunk(told, out, |out| {
            write!(out, "\"tool_calls\":[{value}]").expect(IN_MEMORY);
        });
    };
    if piece.is_first() {
        delta(json!({
            "index": index,
            "id": call_id("call", told, index),
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }));
    }
    delta(json!({"index": index, "function": {"arguments": piece.text()}}));
}

/// The chunk that says why it is over, the one that counts if it was asked for, and the end.
pub(super) fn end(told: &Told, out: &mut BytesMut) {
    out.extend_from_slice(&told.head);
    write!(
        out,
        "\"choices\":[{{\"index\":0,\"delta\":{{}},\"logprobs\":null,\"finish_reason\":\"{}\"}}]",
        finish(told)
    )
    .expect(IN_MEMORY);
    out.extend_from_slice(no_usage(told));
    out.extend_from_slice(b"}\n\n");
    if told.form == Form::StreamWithUsage {
        out.extend_from_slice(&told.head);
        write!(out, "\"choices\":[],\"usage\":{}}}\n\n", usage(told)).expect(IN_MEMORY);
    }
    out.extend_from_slice(DONE);
}
