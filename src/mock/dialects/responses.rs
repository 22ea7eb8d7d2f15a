//! OpenAI's Responses: requests and documents.
//!
//! Source: <https://platform.openai.com/docs/api-reference/responses>, 2026-11-24.

use serde_json::{Value, json};

use super::{Finish, Told, call_id, parts};
use crate::mock::own;
use crate::mock::question::{Length, Read, Refused, json as object, size};
use crate::mock::script::{Matter, Part};
use crate::mock::wish::{Choice, Last, Thinking, Wish, items, tool, whole};

// === the request ===

pub(super) fn read(target: &str, body: &[u8]) -> Result<Read, Refused> {
    let body = object(body)?;
    if body["input"].is_null() && body["prompt"].is_null() {
        return Err(Refused {
            param: Some("input"),
            code: Some("missing_required_parameter"),
            ..Refused::new("Missing required parameter: 'input'.")
        });
    }
    previous(target, &body["previous_response_id"])?;
    for item in items(&body["input"]) {
        check(target, item)?;
    }
    Ok(Read {
        model: body["model"].as_str().map(str::to_owned),
        streams: body["stream"] == true,
        counts: false,
        length: whole(&body["max_output_tokens"]).map_or(Length::Open, Length::AtMost),
        seed: body["seed"].as_i64().map(i64::cast_unsigned),
        prompt: size(&[&body["input"], &body["instructions"], &body["tools"]]),
        wish: wish(&body),
    })
}

/// A response that this target did not give is none.
fn previous(target: &str, id: &Value) -> Result<(), Refused> {
    match id.as_str() {
        Some(id) if !own::is_own(target, id) => Err(Refused {
            param: Some("previous_response_id"),
            code: Some("previous_response_not_found"),
            ..Refused::new(format!("Previous response with id '{id}' not found."))
        }),
        _ => Ok(()),
    }
}

/// Thoughts of another target can be neither opened nor found.
fn check(target: &str, item: &Value) -> Result<(), Refused> {
    let kind = item["type"].as_str();
    if !matches!(kind, Some("reasoning" | "item_reference")) {
        return Ok(());
    }
    if let Some(sealed) = item["encrypted_content"].as_str() {
        if own::is_signed(target, sealed) {
            return Ok(());
        }
        return Err(Refused {
            code: Some("invalid_encrypted_content"),
            ..Refused::new(
                "The encrypted content could not be verified. Reason: Encrypted content could not be decrypted or parsed.",
            )
        });
    }
    match item["id"].as_str() {
        Some(id) if !own::is_own(target, id) => Err(Refused {
            status: Some(404),
            param: Some("input"),
            ..Refused::new(format!("Item with id '{id}' not found."))
        }),
        _ => Ok(()),
    }
}

fn wish(body: &Value) -> Wish {
    let reasoning = &body["reasoning"];
    let thinks = reasoning.is_object() && reasoning["effort"] != "none";
    let is_shown = reasoning["summary"].is_string() || reasoning["generate_summary"].is_string();
    let format = &body["text"]["format"];
    let mut wish = Wish {
        schema: match format["type"].as_str() {
            Some("json_schema") => Some(format["schema"].clone()),
            Some("json_object") => Some(json!({"type": "object"})),
            _ => None,
        },
        thinking: match (thinks, is_shown) {
            (false, _) => Thinking::No,
            (true, false) => Thinking::Hidden,
            (true, true) => Thinking::Shown,
        },
        is_sealed: items(&body["include"]).any(|item| item == "reasoning.encrypted_content"),
        ..Wish::default()
    };
    let functions = items(&body["tools"]).filter(|one| one["type"] == "function");
    let tools = functions.filter_map(|one| tool(&one["name"], &one["parameters"]));
    let choice = &body["tool_choice"];
    let choice = match choice["name"].as_str() {
        Some(name) => Choice::Named(name.to_owned()),
        None => Choice::of_word(choice.as_str().unwrap_or_default()),
    };
    let input = &body["input"];
    let last = items(input).last().unwrap_or(input);
    let last = Last {
        message: last,
        is_user: last.is_string() || last["role"] == "user",
        is_parallel: body["parallel_tool_calls"] != false,
    };
    wish.take_tools(tools.collect(), &choice, last);
    wish
}

// === the answer ===

/// The id of the answer.
pub(super) fn id(told: &Told) -> String {
    own::id("resp", &told.target, told.number)
}

/// Item `index` as it is at its end.
pub(super) fn item(told: &Told, index: usize, part: &Part) -> Value {
    let id = |prefix: &str| own::item(prefix, &told.target, told.number, index);
    match &part.matter {
        Matter::Thought => {
            let summary = match told.thinking {
                Thinking::Shown => json!([{"type": "summary_text", "text": part.whole()}]),
                Thinking::No | Thinking::Hidden => json!([]),
            };
            let mut item = json!({"id": id("rs"), "type": "reasoning", "summary": summary});
            if told.is_sealed {
                item["encrypted_content"] = json!(own::signature(&told.target, told.number));
            }
            item
        }
        Matter::Text => json!({
            "id": id("msg"), "type": "message", "status": "completed", "role": "assistant",
            "content": [text(&part.whole())],
        }),
        Matter::Call(name) => json!({
            "id": id("fc"), "type": "function_call", "status": "completed", "name": name,
            "call_id": call_id("call", told, told.script.calls_before(index)),
            "arguments": part.whole(),
        }),
    }
}

/// A text as part of a message.
pub(super) fn text(text: &str) -> Value {
    json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
}

/// All items.
pub(super) fn output(told: &Told) -> Value {
    parts(told)
        .map(|(index, part)| item(told, index, part))
        .collect()
}

/// A response in this state with this output.
pub(super) fn response(told: &Told, status: &str, output: &Value, usage: &Value) -> Value {
    let reason = match status {
        "incomplete" => json!({"reason": "max_output_tokens"}),
        _ => Value::Null,
    };
    json!({
        "id": id(told), "object": "response", "created_at": told.created, "status": status,
        "background": false, "error": null, "incomplete_details": reason, "instructions": null,
        "max_output_tokens": null, "model": told.model, "output": output, "parallel_tool_calls": true,
        "previous_response_id": null, "reasoning": {"effort": null, "summary": null}, "store": true,
        "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [],
        "top_p": 1.0, "truncation": "disabled", "usage": usage, "user": null, "metadata": {},
    })
}

/// What state the answer ends in.
pub(super) const fn status(told: &Told) -> &'static str {
    match told.finish {
        Finish::Length => "incomplete",
        Finish::Stop | Finish::Calls => "completed",
    }
}

pub(super) fn usage(told: &Told) -> Value {
    let thoughts = told.script.thoughts().min(told.completion_tokens);
    json!({
        "input_tokens": told.prompt_tokens, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": told.completion_tokens, "output_tokens_details": {"reasoning_tokens": thoughts},
        "total_tokens": told.total_tokens(),
    })
}

pub(super) fn document(told: &Told) -> Value {
    response(told, status(told), &output(told), &usage(told))
}
