//! A provider that thinks, calls tools, signs what it thinks, and refuses what another one signed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::super::faultd::{Act, response};
use super::converse;

/// Who does not answer at present.
pub(super) type Down = Arc<Mutex<BTreeSet<String>>>;

/// The provider `name`.
pub(super) fn provider(name: &str, down: &Down) -> Act {
    let (name, down) = (name.to_owned(), Arc::clone(down));
    Act::Reply(Arc::new(move |request: &str| {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        if down.lock().unwrap().contains(&name) {
            return response("503 Service Unavailable", "application/json", "{}");
        }
        let body: Value = serde_json::from_str(body).unwrap();
        if let Err(why) = accepts(&name, &body) {
            let error = json!({"type": "error", "error": {"type": "invalid_request_error", "message": why}});
            return response("400 Bad Request", "application/json", &error.to_string());
        }
        let says = Says::next(&name, &body);
        if head.contains("/converse") {
            return converse::answer(&says, head.contains("/converse-stream"));
        }
        let streams = body["stream"] == json!(true) || head.contains(":streamGenerateContent");
        let (unary, events) = if head.contains("enerateContent") {
            (says.generation(), generation_events(&says.generation()))
        } else if head.contains("/messages") {
            (says.message(), message_events(&says.message()))
        } else if head.contains("/responses") {
            let answer = says.response();
            let done = json!({"type": "response.completed", "response": answer.clone()});
            (
                answer,
                named_events(&response_events(&says.response(), done)),
            )
        } else {
            (says.completion(), completion_events(&says.completion()))
        };
        if streams {
            response("200 OK", "text/event-stream", &events)
        } else {
            response("200 OK", "application/json", &unary.to_string())
        }
    }))
}

/// Refuses what `name` did not sign, and turns with calls that have lost their thoughts while thinking is on.
fn accepts(name: &str, body: &Value) -> Result<(), String> {
    let text = body.to_string();
    if text.contains("wb1_") {
        return Err(format!("a mark came through: {text}"));
    }
    foreign(name, body, false)?;
    if body.pointer("/thinking/type") == Some(&json!("enabled")) {
        let messages = body["messages"].as_array().unwrap();
        let last = messages.iter().rev().find(|it| it["role"] == "assistant");
        let blocks = last.and_then(|it| it["content"].as_array());
        let kinds = blocks.into_iter().flatten().map(|block| &block["type"]);
        let kinds: Vec<&str> = kinds.filter_map(Value::as_str).collect();
        let thinks = matches!(kinds.first(), Some(&("thinking" | "redacted_thinking")));
        if kinds.contains(&"tool_use") && !thinks {
            return Err("Expected `thinking`, but found `tool_use`".to_owned());
        }
    }
    is_signed(body)?;
    converse::accepts(body)?;
    let mut messages = body["messages"].as_array().into_iter().flatten();
    let silent = messages.find(|it| it["content"] == json!([]));
    silent.map_or(Ok(()), |message| {
        Err(format!("a message says nothing: {message}"))
    })
}

/// Refuses a call of the turn that goes on if no signature stands at its step, as Gemini 3 does. A turn begins where the user
/// says something; results of tools belong to it.
fn is_signed(body: &Value) -> Result<(), String> {
    let contents = body["contents"].as_array().map_or(&[][..], Vec::as_slice);
    let parts = |content: &Value| content["parts"].as_array().cloned().unwrap_or_default();
    let says = |content: &&Value| {
        let is_text = |part: &Value| part["text"].is_string();
        content["role"] == "user" && parts(content).iter().any(is_text)
    };
    let turn = contents.iter().rev().take_while(|content| !says(content));
    for content in turn.filter(|content| content["role"] == "model") {
        let parts = parts(content);
        let call = parts.iter().find(|part| part["functionCall"].is_object());
        if call.is_some_and(|call| call["thoughtSignature"].as_str().is_none()) {
            return Err("Function call is missing a thought_signature".to_owned());
        }
    }
    Ok(())
}

fn foreign(name: &str, value: &Value, within: bool) -> Result<(), String> {
    match value {
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| foreign(name, item, within)),
        Value::Object(members) => members.iter().try_for_each(|(key, member)| {
            if within && matches!(key.as_str(), "input" | "args") {
                return Ok(());
            }
            let text = member.as_str().unwrap_or_default();
            let signed = matches!(
                key.as_str(),
                "signature"
                    | "data"
                    | "thought_signature"
                    | "thoughtSignature"
                    | "encrypted_content"
                    | "redactedContent"
            );
            let own = format!("sig_{name}_");
            let is_own = text.starts_with(&own) || (key == "thoughtSignature" && text == UNSIGNED);
            if signed && !text.is_empty() && !is_own {
                return Err(format!("Invalid `{key}`: {text:?} is not mine"));
            }
            if key == "id" && text.starts_with("rs_") && !text.starts_with(&format!("rs_{name}_")) {
                return Err(format!("Item {text:?} not found"));
            }
            foreign(name, member, true)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// What Gemini 3 takes for the signature of a call that it did not make.
const UNSIGNED: &str = "skip_thought_signature_validator";

/// What is said next.
pub(super) struct Says {
    name: String,
    pub(super) turn: usize,
    pub(super) calls: bool,
}

impl Says {
    fn next(name: &str, body: &Value) -> Self {
        let said = body["messages"]
            .as_array()
            .or_else(|| body["input"].as_array())
            .or_else(|| body["contents"].as_array());
        let turn = said.map_or(0, Vec::len);
        let last = said.and_then(|said| said.last()).map(Value::to_string);
        // Calls answer questions that ask for them.
        let calls = last.is_some_and(|last| last.contains("look it up"));
        let name = name.to_owned();
        Self { name, turn, calls }
    }

    pub(super) fn signed(&self, what: &str) -> String {
        format!("sig_{}_{what}_{}", self.name, self.turn)
    }

    fn message(&self) -> Value {
        let mut content = vec![
            json!({"type": "thinking", "thinking": "let me see", "signature": self.signed("t")}),
            json!({"type": "redacted_thinking", "data": self.signed("r")}),
            json!({"type": "text", "text": "hello"}),
        ];
        if self.calls {
            let input = json!({"type": "thinking", "signature": "of a letter", "data": "hello"});
            let id = format!("toolu_{}", self.turn);
            content.push(json!({"type": "tool_use", "id": id, "name": "look", "input": input}));
        }
        let reason = if self.calls { "tool_use" } else { "end_turn" };
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
            "stop_reason": reason, "usage": {"input_tokens": 3, "output_tokens": 2}})
    }

    fn generation(&self) -> Value {
        let signature = self.signed("g");
        let mut parts = vec![
            json!({"text": "let me see", "thought": true}),
            json!({"text": "hello"}),
        ];
        if self.calls {
            let args = json!({"signature": "of a letter"});
            parts.push(json!({"functionCall": {"name": "look", "args": args}, "thoughtSignature": signature}));
        } else {
            parts.push(json!({"text": "", "thoughtSignature": signature}));
        }
        json!({"candidates": [{"index": 0, "content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
            "modelVersion": "gemini-3-pro", "responseId": format!("g{}", self.turn)})
    }

    fn completion(&self) -> Value {
        let mut message = json!({"role": "assistant", "content": "hello", "reasoning_details": [
            {"type": "reasoning.text", "text": "let me see", "signature": self.signed("t"), "index": 0},
            {"type": "reasoning.encrypted", "data": self.signed("r"), "index": 1}]});
        if self.calls {
            message["tool_calls"] = json!([{"index": 0, "id": format!("call_{}", self.turn), "type": "function",
                "function": {"name": "look", "arguments": "{\"signature\":\"of a letter\"}"},
                "extra_content": {"google": {"thought_signature": self.signed("g")}}}]);
        }
        let reason = if self.calls { "tool_calls" } else { "stop" };
        json!({"id": "c", "object": "chat.completion", "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}})
    }

    fn response(&self) -> Value {
        let (name, turn) = (&self.name, self.turn);
        let mut output = vec![
            json!({"type": "reasoning", "id": format!("rs_{name}_{turn}"), "summary": [],
                "encrypted_content": self.signed("e")}),
            json!({"type": "message", "id": format!("msg_{turn}"), "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "hello", "annotations": []}]}),
        ];
        if self.calls {
            output.push(json!({"type": "function_call", "id": format!("fc_{turn}"), "status": "completed",
                "call_id": format!("call_{turn}"), "name": "look", "arguments": "{\"id\":\"rs_x\"}"}));
        }
        json!({"id": format!("resp_{turn}"), "object": "response", "created_at": 1, "status": "completed",
            "model": "m", "output": output,
            "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}})
    }
}

fn named_events(events: &[Value]) -> String {
    let event = |event: &Value| {
        let kind = event["type"].as_str().unwrap();
        format!("event: {kind}\ndata: {event}\n\n")
    };
    events.iter().map(event).collect()
}

fn message_events(message: &Value) -> String {
    let mut start = message.clone();
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    let mut events = vec![json!({"type": "message_start", "message": start})];
    for (index, block) in message["content"].as_array().unwrap().iter().enumerate() {
        let (mut empty, mut deltas) = (block.clone(), Vec::new());
        match block["type"].as_str().unwrap() {
            "thinking" => {
                empty["thinking"] = json!("");
                empty["signature"] = json!("");
                deltas.push(json!({"type": "thinking_delta", "thinking": block["thinking"]}));
                deltas.push(json!({"type": "signature_delta", "signature": block["signature"]}));
            }
            "text" => {
                empty["text"] = json!("");
                deltas.push(json!({"type": "text_delta", "text": block["text"]}));
            }
            "tool_use" => {
                empty["input"] = json!({});
                let input = block["input"].to_string();
                deltas.push(json!({"type": "input_json_delta", "partial_json": input}));
            }
            _ => {}
        }
        events.push(json!({"type": "content_block_start", "index": index, "content_block": empty}));
        for delta in deltas {
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let stop = json!({"stop_reason": message["stop_reason"]});
    events.push(json!({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 2}}));
    events.push(json!({"type": "message_stop"}));
    named_events(&events)
}

/// A part at a time; the last one says why it ended.
fn generation_events(whole: &Value) -> String {
    let parts = whole["candidates"][0]["content"]["parts"]
        .as_array()
        .unwrap();
    let events = parts.iter().enumerate().map(|(index, part)| {
        let mut event = whole.clone();
        event["candidates"][0]["content"]["parts"] = json!([part]);
        if index + 1 < parts.len() {
            let candidate = event["candidates"][0].as_object_mut().unwrap();
            candidate.remove("finishReason");
        }
        format!("data: {event}\n\n")
    });
    events.collect()
}

fn completion_events(completion: &Value) -> String {
    let choice = &completion["choices"][0];
    let chunk = |delta: Value, reason: &Value| {
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]});
        format!("data: {chunk}\n\n")
    };
    let mut delta = choice["message"].clone();
    let details = delta["reasoning_details"].take();
    delta.as_object_mut().unwrap().remove("reasoning_details");
    let first = json!({"role": "assistant", "reasoning_details": details});
    let events = [
        chunk(first, &Value::Null),
        chunk(delta, &Value::Null),
        chunk(json!({}), &choice["finish_reason"]),
    ];
    format!("{}data: [DONE]\n\n", events.concat())
}

fn response_events(response: &Value, done: Value) -> Vec<Value> {
    let mut begun = response.clone();
    begun["output"] = json!([]);
    begun["status"] = json!("in_progress");
    let mut events = vec![json!({"type": "response.created", "response": begun})];
    for (index, item) in response["output"].as_array().unwrap().iter().enumerate() {
        events.push(
            json!({"type": "response.output_item.added", "output_index": index, "item": item}),
        );
        if item["type"] == "message" {
            events.push(json!({"type": "response.output_text.delta", "item_id": item["id"], "output_index": index,
                "content_index": 0, "delta": "hello"}));
        }
        events.push(
            json!({"type": "response.output_item.done", "output_index": index, "item": item}),
        );
    }
    events.push(done);
    events
}
