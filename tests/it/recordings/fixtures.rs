//! Answers in the shapes of recordings, written by the project: every interface both ways, and errors.

use std::fmt::Write as _;

use http::HeaderMap;
use serde_json::{Value, json};
use weighbridge::wire::eventstream;

use super::recording::Recording;

/// All fixtures.
pub(super) fn all() -> Vec<Recording> {
    let unary = |name, api, body: Value| fixture(name, api, 200, false, body.to_string().into());
    let stream = |name, api, body| fixture(name, api, 200, true, body);
    let error =
        |name, api, status, body: Value| fixture(name, api, status, false, body.to_string().into());
    vec![
        unary("chat", "openai-chat", chat()),
        stream("chat", "openai-chat", sse(&chat_events(), true)),
        unary(
            "completions",
            "openai-legacy-completions",
            completion("stop"),
        ),
        stream(
            "completions",
            "openai-legacy-completions",
            sse(&[completion("length")], true),
        ),
        unary("responses", "openai-responses", response("completed")),
        stream(
            "responses",
            "openai-responses",
            sse(&response_events(), false),
        ),
        unary("messages", "anthropic-messages", message()),
        stream(
            "messages",
            "anthropic-messages",
            sse(&message_events(), false),
        ),
        unary("gemini", "gemini-generate", gemini(&gemini_parts(), "STOP")),
        stream("gemini", "gemini-generate", sse(&gemini_events(), false)),
        unary("converse", "bedrock-converse", converse()),
        stream("converse", "bedrock-converse", converse_events()),
        unary("cohere", "cohere-chat", cohere()),
        stream("cohere", "cohere-chat", sse(&cohere_events(), false)),
        error(
            "wrong",
            "openai-chat",
            400,
            openai_error("no such field", None),
        ),
        error(
            "key",
            "openai-chat",
            401,
            openai_error("no", Some("invalid_api_key")),
        ),
        error(
            "model",
            "openai-chat",
            404,
            openai_error("no", Some("model_not_found")),
        ),
        error("many", "gemini-generate", 429, gemini_error()),
    ]
}

fn fixture(name: &str, api: &str, status: u16, stream: bool, body: Vec<u8>) -> Recording {
    Recording {
        name: format!("fixture_{name}"),
        provider: "fixture".to_owned(),
        interface: api.to_owned(),
        path: "/v2/chat".to_owned(),
        status,
        stream,
        headers: HeaderMap::new(),
        body,
    }
}

/// An event stream with names, as typed ones have, and `[DONE]` if `done`.
fn sse(events: &[Value], done: bool) -> Vec<u8> {
    let mut out = ": a comment\r\n\r\n".to_owned();
    for event in events {
        if let Some(name) = event["type"].as_str() {
            writeln!(out, "event: {name}").unwrap();
        }
        write!(out, "data: {event}\n\n").unwrap();
    }
    if done {
        out.push_str("data: [DONE]\n\n");
    }
    out.into_bytes()
}

fn openai_error(message: &str, code: Option<&str>) -> Value {
    json!({"error": {"message": message, "type": "invalid_request_error", "code": code}})
}

fn gemini_error() -> Value {
    json!({"error": {"code": 429, "message": "slower", "status": "RESOURCE_EXHAUSTED"}})
}

fn chat_usage() -> Value {
    json!({"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29,
        "prompt_tokens_details": {"cached_tokens": 16},
        "completion_tokens_details": {"reasoning_tokens": 4}})
}

fn chat() -> Value {
    let call = json!({"id": "c1", "type": "function",
        "function": {"name": "weather", "arguments": "{\"city\": \"Bærum\"}"}});
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 5, "model": "m-1",
        "service_tier": "on_demand", "prompt": [],
        "choices": [{"index": 0, "finish_reason": "tool_calls", "logprobs": null,
            "message": {"role": "assistant", "content": "I look.", "tool_calls": [call]}}],
        "usage": chat_usage()})
}

fn chat_events() -> Vec<Value> {
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 5, "model": "m-1",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let call = |index: u64, function: Value| json!({"tool_calls": [{"index": index, "id": format!("c{index}"), "type": "function", "function": function}]});
    let more = |index: u64, text: &str| json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]});
    let mut end = chunk(json!({}), json!("tool_calls"));
    end["x_groq"] = json!({"usage": chat_usage()});
    vec![
        chunk(json!({"role": "assistant", "content": ""}), Value::Null),
        chunk(json!({"content": "Two:"}), Value::Null),
        chunk(call(0, json!({"name": "a", "arguments": ""})), Value::Null),
        chunk(
            call(1, json!({"name": "b", "arguments": "{\"x\""})),
            Value::Null,
        ),
        chunk(more(0, "{}"), Value::Null),
        chunk(more(1, ":[1]}"), Value::Null),
        end,
    ]
}

fn completion(finish: &str) -> Value {
    json!({"id": "cmpl-1", "object": "text_completion", "created": 5, "model": "m-1",
        "choices": [{"text": "and so on", "index": 0, "logprobs": null, "finish_reason": finish}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}})
}

fn response(status: &str) -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 5, "status": status, "model": "m-1",
        "error": null, "incomplete_details": null,
        "output": [
            {"id": "rs_1", "type": "reasoning", "summary": []},
            {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Yes.", "annotations": []}]},
            {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "f",
                "arguments": "{\"n\":1}", "status": "completed"}],
        "usage": {"input_tokens": 20, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 29}})
}

fn response_events() -> Vec<Value> {
    let mut begun = response("in_progress");
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    let whole = response("completed");
    let item = |index: usize| whole["output"][index].clone();
    let mut text = item(1);
    text["content"] = json!([]);
    let mut call = item(2);
    call["arguments"] = json!("");
    vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item(0)}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item(0)}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": text}),
        json!({"type": "response.content_part.added", "output_index": 1, "content_index": 0,
            "item_id": "msg_1", "part": {"type": "output_text", "text": "", "annotations": []}}),
        json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0,
            "item_id": "msg_1", "delta": "Yes"}),
        json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0,
            "item_id": "msg_1", "delta": "."}),
        json!({"type": "response.output_text.done", "output_index": 1, "content_index": 0,
            "item_id": "msg_1", "text": "Yes."}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": item(1)}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": call}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2,
            "item_id": "fc_1", "delta": "{\"n\":1}"}),
        json!({"type": "response.function_call_arguments.done", "output_index": 2,
            "item_id": "fc_1", "arguments": "{\"n\":1}"}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": item(2)}),
        json!({"type": "response.completed", "response": whole}),
    ]
}

fn message() -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m-1",
        "content": [{"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "text", "text": "One "}, {"type": "text", "text": "moment."},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": [1, null]}}],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 4, "cache_read_input_tokens": 12,
            "cache_creation_input_tokens": 8, "output_tokens": 7}})
}

fn message_events() -> Vec<Value> {
    let mut begun = message();
    begun["content"] = json!([]);
    begun["stop_reason"] = Value::Null;
    let start = |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let delta = |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let stop = |index: u64| json!({"type": "content_block_stop", "index": index});
    vec![
        json!({"type": "message_start", "message": begun}),
        start(0, json!({"type": "text", "text": ""})),
        json!({"type": "ping"}),
        delta(0, json!({"type": "text_delta", "text": "Wait"})),
        stop(0),
        start(
            1,
            json!({"type": "tool_use", "id": "t1", "name": "f", "input": {}}),
        ),
        delta(
            1,
            json!({"type": "input_json_delta", "partial_json": "{\"a\":"}),
        ),
        delta(
            1,
            json!({"type": "input_json_delta", "partial_json": "\"\\u00e6\"}"}),
        ),
        stop(1),
        json!({"type": "message_delta", "delta": {"stop_reason": "max_tokens", "stop_sequence": null},
            "usage": {"output_tokens": 11}}),
        json!({"type": "message_stop"}),
    ]
}

fn gemini_parts() -> Value {
    json!([{"text": "thoughts", "thought": true}, {"text": "Said."},
        {"functionCall": {"name": "f", "args": {"x": 1}}}, {"functionCall": {"name": "g"}}])
}

fn gemini(parts: &Value, finish: &str) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": finish,
            "index": 0}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5,
            "thoughtsTokenCount": 6, "totalTokenCount": 20, "cachedContentTokenCount": 3},
        "modelVersion": "m-1", "responseId": "r1"})
}

fn gemini_events() -> Vec<Value> {
    let begin = json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "Cut "}]}}],
        "usageMetadata": {"promptTokenCount": 9}, "modelVersion": "m-1", "responseId": "r1"});
    vec![begin, gemini(&json!([{"text": "off"}]), "SAFETY")]
}

fn converse() -> Value {
    json!({"output": {"message": {"role": "assistant", "content": [{"text": "Let me."},
            {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"k": "v"}}}]}},
        "stopReason": "tool_use", "metrics": {"latencyMs": 5},
        "usage": {"inputTokens": 10, "outputTokens": 4, "totalTokens": 20,
            "cacheReadInputTokens": 6, "cacheWriteInputTokens": 0}})
}

fn converse_events() -> Vec<u8> {
    let events = [
        ("messageStart", json!({"role": "assistant"})),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"text": "Let "}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"text": "me."}}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 1,
            "start": {"toolUse": {"toolUseId": "t1", "name": "f"}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{\"k\""}}}),
        ),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 1, "delta": {"toolUse": {"input": ":2}"}}}),
        ),
        ("contentBlockStop", json!({"contentBlockIndex": 1})),
        ("messageStop", json!({"stopReason": "tool_use"})),
        (
            "metadata",
            json!({"usage": {"inputTokens": 10, "outputTokens": 4, "totalTokens": 14},
            "metrics": {"latencyMs": 5}}),
        ),
    ];
    let frames = events.iter().flat_map(|(name, payload)| {
        let headers = [
            (":event-type", *name),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ];
        eventstream::write(&headers, payload.to_string().as_bytes())
    });
    frames.collect()
}

fn cohere() -> Value {
    let call =
        json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    json!({"id": "1", "finish_reason": "TOOL_CALL",
        "message": {"role": "assistant", "tool_plan": "I will.", "tool_calls": [call]},
        "usage": cohere_usage()})
}

fn cohere_usage() -> Value {
    json!({"billed_units": {"input_tokens": 8, "output_tokens": 5},
        "tokens": {"input_tokens": 80, "output_tokens": 9}})
}

fn cohere_events() -> Vec<Value> {
    let text = |text: &str| {
        let message = json!({"content": {"text": text}});
        json!({"type": "content-delta", "index": 0, "delta": {"message": message}})
    };
    let citation = json!({"start": 0, "end": 3, "text": "Oslo",
        "sources": [{"type": "document", "id": "d", "document": {"id": "d"}}]});
    vec![
        json!({"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant"}}}),
        json!({"type": "content-start", "index": 0,
            "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
        text("Oslo"),
        json!({"type": "citation-start", "index": 0, "delta": {"message": {"citations": citation}}}),
        json!({"type": "citation-end", "index": 0}),
        text(" is."),
        json!({"type": "content-end", "index": 0}),
        json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": cohere_usage()}}),
    ]
}
