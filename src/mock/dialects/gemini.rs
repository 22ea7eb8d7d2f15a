//! Google's generateContent.
//!
//! Source: <https://ai.google.dev/api/generate-content> and <https://ai.google.dev/gemini-api/docs/thought-signatures>,
//! 2026-11-24.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::{At, Finish, Told, data, parts};
use crate::mock::own;
use crate::mock::question::{Form, Length, Read, Refused, json as object, size};
use crate::mock::script::{Matter, Part};
use crate::mock::wish::{Choice, Last, Thinking, Wish, items, tool, whole};

// === the request ===

pub(super) fn read(target: &str, body: &[u8]) -> Result<Read, Refused> {
    let body = object(body)?;
    if items(&body["contents"]).next().is_none() {
        return Err(Refused::new(
            "* GenerateContentRequest.contents: contents is not specified",
        ));
    }
    for content in items(&body["contents"]) {
        for part in items(&content["parts"]) {
            check(target, part)?;
        }
    }
    let config = either(&body, ["generationConfig", "generation_config"]);
    let most = either(config, ["maxOutputTokens", "max_output_tokens"]);
    Ok(Read {
        length: whole(most).map_or(Length::Open, Length::AtMost),
        seed: config["seed"].as_i64().map(i64::cast_unsigned),
        prompt: size(&[
            &body["contents"],
            either(&body, ["systemInstruction", "system_instruction"]),
            &body["tools"],
        ]),
        wish: wish(&body, config),
        ..Read::default()
    })
}

/// A member under either of its names: protocol buffers take both.
fn either<'a>(value: &'a Value, names: [&str; 2]) -> &'a Value {
    let found = names.iter().find_map(|name| value.get(name));
    found.unwrap_or(&Value::Null)
}

fn check(target: &str, part: &Value) -> Result<(), Refused> {
    match either(part, ["thoughtSignature", "thought_signature"]).as_str() {
        Some(signature) if !own::is_signed(target, signature) && !own::is_exempt(signature) => {
            Err(Refused::new("Corrupted thought signature."))
        }
        _ => Ok(()),
    }
}

fn wish(body: &Value, config: &Value) -> Wish {
    let schema = ["responseJsonSchema", "responseSchema", "response_schema"];
    let schema = schema.iter().find_map(|name| config.get(name)).cloned();
    let is_json = either(config, ["responseMimeType", "response_mime_type"]) == "application/json";
    let mut wish = Wish {
        schema: schema.or_else(|| is_json.then(|| json!({"type": "object"}))),
        thinking: thinking(either(config, ["thinkingConfig", "thinking_config"])),
        ..Wish::default()
    };
    let lists = items(&body["tools"]).flat_map(|one| {
        items(either(
            one,
            ["functionDeclarations", "function_declarations"],
        ))
    });
    let tools = lists.filter_map(|one| {
        let parameters = ["parametersJsonSchema", "parameters"];
        tool(&one["name"], either(one, parameters))
    });
    let config = either(body, ["toolConfig", "tool_config"]);
    let config = either(config, ["functionCallingConfig", "function_calling_config"]);
    let named = items(either(
        config,
        ["allowedFunctionNames", "allowed_function_names"],
    ))
    .next();
    let choice = match (named.and_then(Value::as_str), config["mode"].as_str()) {
        (Some(name), Some("ANY")) => Choice::Named(name.to_owned()),
        (_, mode) => Choice::of_word(mode.unwrap_or_default()),
    };
    let last = items(&body["contents"]).last().unwrap_or(&Value::Null);
    let has_result = items(&last["parts"])
        .any(|part| !either(part, ["functionResponse", "function_response"]).is_null());
    let last = Last {
        message: last,
        is_user: last["role"] != "model" && last["role"] != "function" && !has_result,
        is_parallel: true,
    };
    wish.take_tools(tools.collect(), &choice, last);
    wish
}

fn thinking(config: &Value) -> Thinking {
    let is_shown = either(config, ["includeThoughts", "include_thoughts"]) == true;
    let budget = either(config, ["thinkingBudget", "thinking_budget"]).as_i64();
    let level = either(config, ["thinkingLevel", "thinking_level"]);
    match (is_shown, budget) {
        (_, Some(0)) => Thinking::No,
        (true, _) => Thinking::Shown,
        (false, Some(_)) => Thinking::Hidden,
        (false, None) if level.is_string() => Thinking::Hidden,
        (false, None) => Thinking::No,
    }
}

// === the answer ===

const fn reason(told: &Told) -> &'static str {
    match told.finish {
        Finish::Length => "MAX_TOKENS",
        Finish::Stop | Finish::Calls => "STOP",
    }
}

fn usage(told: &Told) -> Value {
    let thoughts = told.script.thoughts().min(told.completion_tokens);
    let mut usage = json!({
        "promptTokenCount": told.prompt_tokens,
        "candidatesTokenCount": told.completion_tokens - thoughts,
        "totalTokenCount": told.total_tokens(),
    });
    if thoughts > 0 {
        usage["thoughtsTokenCount"] = json!(thoughts);
    }
    usage
}

fn response(told: &Told, parts: &Value, reason: Option<&str>, usage: &Value) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(reason) = reason {
        candidate["finishReason"] = json!(reason);
    }
    json!({
        "candidates": [candidate], "usageMetadata": usage, "modelVersion": told.model,
        "responseId": format!("{:016x}", told.number),
    })
}

/// A part as it is told, with what it says; hidden thoughts are not.
fn shown(told: &Told, index: usize, part: &Part, text: &str) -> Option<Value> {
    match &part.matter {
        Matter::Thought if told.thinking == Thinking::Shown => {
            Some(json!({"text": text, "thought": true}))
        }
        Matter::Thought => None,
        Matter::Text => Some(json!({"text": text})),
        Matter::Call(name) => Some(json!({
            "functionCall": {"name": name, "args": part.json(), "id": super::call_id("call", told, index)},
        })),
    }
}

/// Puts the signature of the thoughts to the part that they led to: the first that is none.
fn sign(told: &Told, index: usize, shown: &mut Value) {
    let led_to = usize::from(told.thinking != Thinking::No);
    if told.thinking != Thinking::No && index == led_to {
        shown["thoughtSignature"] = json!(own::signature(&told.target, told.number));
    }
}

pub(super) fn document(told: &Told) -> Value {
    let parts: Value = parts(told)
        .filter_map(|(index, part)| {
            let mut value = shown(told, index, part, &part.whole())?;
            sign(told, index, &mut value);
            Some(value)
        })
        .collect();
    response(told, &parts, Some(reason(told)), &usage(told))
}

/// Writes a chunk: an event, or an element of an array.
fn chunk(told: &Told, out: &mut BytesMut, value: &Value, is_first: bool) {
    if told.form == Form::Array {
        let before: &[u8] = if is_first { b"[" } else { b",\r\n" };
        out.extend_from_slice(before);
        out.extend_from_slice(value.to_string().as_bytes());
    } else {
        data(out, value);
    }
}

/// Text comes piece by piece, a call as a whole with its last one.
pub(super) fn piece(told: &Told, out: &mut BytesMut, piece: At<'_>, events: &mut u64) {
    if piece.part.is_call() && !piece.is_last() {
        return;
    }
    let Some(mut part) = shown(told, piece.part_index, piece.part, &piece.text()) else {
        return;
    };
    if piece.is_last() {
        sign(told, piece.part_index, &mut part);
    }
    let usage = json!({
        "promptTokenCount": told.prompt_tokens, "totalTokenCount": told.prompt_tokens,
    });
    let value = response(told, &json!([part]), None, &usage);
    chunk(told, out, &value, *events == 0);
    *events += 1;
}

pub(super) fn end(told: &Told, out: &mut BytesMut) {
    let parts = json!([{"text": ""}]);
    let value = response(told, &parts, Some(reason(told)), &usage(told));
    chunk(told, out, &value, told.events == 0);
    if told.form == Form::Array {
        out.extend_from_slice(b"]");
    }
}

pub(super) fn error(told: &Told, out: &mut BytesMut, document: &Value) {
    chunk(told, out, document, told.events == 0);
    if told.form == Form::Array {
        out.extend_from_slice(b"]");
    }
}
