//! What providers of every dialect answer, written by hand: a text, a call, an error, each whole and as a stream.

use serde_json::{Value, json};

use crate::config::Interface;
use crate::config::preset::Preset;
use crate::wire::eventstream;

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Chat,
    Messages,
    Gemini,
    Converse,
    Cohere,
}

/// A row of the table.
pub(super) fn providers() -> Vec<(&'static str, Interface, Dialect)> {
    let preset = |name| Interface::OpenAi(Preset::named(name).unwrap());
    let vertex = Interface::Vertex {
        project: "p".to_owned(),
        region: "global".to_owned(),
    };
    let dated = Interface::Azure {
        api_version: Some("2024-10-21".to_owned()),
    };
    vec![
        ("openai", Interface::OPENAI, Dialect::Chat),
        (
            "azure (v1)",
            Interface::Azure { api_version: None },
            Dialect::Chat,
        ),
        ("azure (deployments)", dated, Dialect::Chat),
        ("anthropic", Interface::Anthropic, Dialect::Messages),
        ("gemini", Interface::Gemini, Dialect::Gemini),
        ("vertex", vertex, Dialect::Gemini),
        ("bedrock", Interface::Bedrock, Dialect::Converse),
        ("cohere", Interface::Cohere, Dialect::Cohere),
        ("mistral", preset("mistral"), Dialect::Chat),
        ("groq", preset("groq"), Dialect::Chat),
        ("deepseek", preset("deepseek"), Dialect::Chat),
        ("xai", preset("xai"), Dialect::Chat),
        ("together", preset("together"), Dialect::Chat),
        ("fireworks", preset("fireworks"), Dialect::Chat),
        ("openrouter", preset("openrouter"), Dialect::Chat),
        ("cerebras", preset("cerebras"), Dialect::Chat),
        ("perplexity", preset("perplexity"), Dialect::Chat),
        ("nvidia", preset("nvidia"), Dialect::Chat),
        ("huggingface", preset("huggingface"), Dialect::Chat),
        ("ollama", preset("ollama"), Dialect::Chat),
        ("vllm", preset("vllm"), Dialect::Chat),
        ("sglang", preset("sglang"), Dialect::Chat),
        ("lm-studio", preset("lm-studio"), Dialect::Chat),
        ("llamacpp", preset("llamacpp"), Dialect::Chat),
    ]
}

/// An answer's body and its type.
pub(super) type Body = (&'static str, Vec<u8>);

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream";

fn document(value: &Value) -> Body {
    (JSON, value.to_string().into_bytes())
}

/// Events without names.
fn events(all: &[Value], end: &str) -> Body {
    let events: Vec<String> = all
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    (SSE, (events.concat() + end).into_bytes())
}

/// Events that are named by their type.
pub(super) fn typed(all: &[Value]) -> Body {
    let events = all.iter().map(|event| {
        let kind = event["type"].as_str().unwrap();
        format!("event: {kind}\ndata: {event}\n\n")
    });
    (SSE, events.collect::<Vec<_>>().concat().into_bytes())
}

fn frames(all: &[(&str, Value)]) -> Body {
    let frames = all.iter().map(|(kind, payload)| {
        let headers = [
            (":event-type", *kind),
            (":content-type", JSON),
            (":message-type", "event"),
        ];
        eventstream::write(&headers, payload.to_string().as_bytes())
    });
    (
        "application/vnd.amazon.eventstream",
        frames.collect::<Vec<_>>().concat(),
    )
}

/// `hello`, or the call `weather({"city":"Oslo"})`, for 7 tokens of prompt and 2 of answer.
pub(super) fn answer(dialect: Dialect, calls: bool, stream: bool) -> Body {
    match (dialect, stream) {
        (Dialect::Chat, false) => chat(calls),
        (Dialect::Chat, true) => chat_stream(calls),
        (Dialect::Messages, false) => messages(calls),
        (Dialect::Messages, true) => messages_stream(calls),
        (Dialect::Gemini, stream) => gemini(calls, stream),
        (Dialect::Converse, false) => converse(calls),
        (Dialect::Converse, true) => converse_stream(calls),
        (Dialect::Cohere, false) => cohere(calls),
        (Dialect::Cohere, true) => cohere_stream(calls),
    }
}

fn chat(calls: bool) -> Body {
    let (message, finish) = if calls {
        let call = json!({"id": "call_1", "type": "function",
            "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}});
        (
            json!({"role": "assistant", "content": null, "tool_calls": [call]}),
            "tool_calls",
        )
    } else {
        (json!({"role": "assistant", "content": "hello"}), "stop")
    };
    document(
        &json!({"id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "text": "hello", "finish_reason": finish}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}}),
    )
}

fn chat_stream(calls: bool) -> Body {
    let chunk = |delta: Value, finish: Value, text: &str| {
        json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "text": text, "finish_reason": finish}]})
    };
    let call = |id: Value, name: Value, arguments: &str| {
        chunk(
            json!({"tool_calls": [{"index": 0, "id": id, "type": "function",
                "function": {"name": name, "arguments": arguments}}]}),
            Value::Null,
            "",
        )
    };
    let mut all = vec![chunk(
        json!({"role": "assistant", "content": ""}),
        Value::Null,
        "",
    )];
    if calls {
        all.push(call(json!("call_1"), json!("weather"), ""));
        all.push(call(Value::Null, Value::Null, "{\"city\":"));
        all.push(call(Value::Null, Value::Null, "\"Oslo\"}"));
        all.push(chunk(json!({}), json!("tool_calls"), ""));
    } else {
        all.push(chunk(json!({"content": "hel"}), Value::Null, "hel"));
        all.push(chunk(json!({"content": "lo"}), Value::Null, "lo"));
        all.push(chunk(json!({}), json!("stop"), ""));
    }
    all.push(json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}}));
    events(&all, "data: [DONE]\n\n")
}

fn messages(calls: bool) -> Body {
    let (block, stop) = if calls {
        let call = json!({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}});
        (call, "tool_use")
    } else {
        (json!({"type": "text", "text": "hello"}), "end_turn")
    };
    document(
        &json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [block],
        "stop_reason": stop, "stop_sequence": null, "usage": {"input_tokens": 7, "output_tokens": 2}}),
    )
}

fn messages_stream(calls: bool) -> Body {
    let start = json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "m", "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 7, "output_tokens": 1}}});
    let delta = |delta: Value| json!({"type": "content_block_delta", "index": 0, "delta": delta});
    let (block, deltas, stop) = if calls {
        let part = |text: &str| delta(json!({"type": "input_json_delta", "partial_json": text}));
        let block = json!({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}});
        (block, [part("{\"city\":"), part("\"Oslo\"}")], "tool_use")
    } else {
        let part = |text: &str| delta(json!({"type": "text_delta", "text": text}));
        (
            json!({"type": "text", "text": ""}),
            [part("hel"), part("lo")],
            "end_turn",
        )
    };
    let [first, second] = deltas;
    typed(&[
        start,
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "ping"}),
        first,
        second,
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null},
            "usage": {"output_tokens": 2}}),
        json!({"type": "message_stop"}),
    ])
}

fn gemini(calls: bool, stream: bool) -> Body {
    let chunk = |parts: Value, finish: bool| {
        let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
        if finish {
            candidate["finishReason"] = json!("STOP");
        }
        json!({"candidates": [candidate], "modelVersion": "m", "responseId": "r",
            "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2, "totalTokenCount": 9}})
    };
    let call = json!([{"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}]);
    match (calls, stream) {
        (true, false) => document(&chunk(call, true)),
        (false, false) => document(&chunk(json!([{"text": "hello"}]), true)),
        (true, true) => events(&[chunk(call, true)], ""),
        (false, true) => events(
            &[
                chunk(json!([{"text": "hel"}]), false),
                chunk(json!([{"text": "lo"}]), true),
            ],
            "",
        ),
    }
}

fn converse(calls: bool) -> Body {
    let (block, stop) = if calls {
        (
            json!({"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Oslo"}}}),
            "tool_use",
        )
    } else {
        (json!({"text": "hello"}), "end_turn")
    };
    document(
        &json!({"output": {"message": {"role": "assistant", "content": [block]}}, "stopReason": stop,
        "usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9}}),
    )
}

fn converse_stream(calls: bool) -> Body {
    let delta = |delta: Value| {
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": delta}),
        )
    };
    let mut all = vec![("messageStart", json!({"role": "assistant"}))];
    if calls {
        let start = json!({"toolUse": {"toolUseId": "t1", "name": "weather"}});
        all.push((
            "contentBlockStart",
            json!({"contentBlockIndex": 0, "start": start}),
        ));
        all.push(delta(json!({"toolUse": {"input": "{\"city\":"}})));
        all.push(delta(json!({"toolUse": {"input": "\"Oslo\"}"}})));
    } else {
        all.push(delta(json!({"text": "hel"})));
        all.push(delta(json!({"text": "lo"})));
    }
    let stop = if calls { "tool_use" } else { "end_turn" };
    all.push(("contentBlockStop", json!({"contentBlockIndex": 0})));
    all.push(("messageStop", json!({"stopReason": stop})));
    all.push((
        "metadata",
        json!({"usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9}}),
    ));
    frames(&all)
}

fn cohere(calls: bool) -> Body {
    let (message, finish) = if calls {
        let call = json!({"id": "c1", "type": "function",
            "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}});
        (
            json!({"role": "assistant", "tool_calls": [call]}),
            "TOOL_CALL",
        )
    } else {
        let content = json!([{"type": "text", "text": "hello"}]);
        (json!({"role": "assistant", "content": content}), "COMPLETE")
    };
    document(
        &json!({"id": "c", "finish_reason": finish, "message": message,
        "usage": {"billed_units": {"input_tokens": 7, "output_tokens": 2}}}),
    )
}

fn cohere_stream(calls: bool) -> Body {
    let mut all = vec![
        json!({"type": "message-start", "id": "c", "delta": {"message": {"role": "assistant"}}}),
    ];
    if calls {
        let part = |text: &str| {
            json!({"type": "tool-call-delta", "index": 0,
                "delta": {"message": {"tool_calls": {"function": {"arguments": text}}}}})
        };
        all.push(
            json!({"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls":
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": ""}}}}}),
        );
        all.extend([part("{\"city\":"), part("\"Oslo\"}")]);
        all.push(json!({"type": "tool-call-end", "index": 0}));
    } else {
        let part = |text: &str| json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}});
        all.push(json!({"type": "content-start", "index": 0,
            "delta": {"message": {"content": {"type": "text", "text": ""}}}}));
        all.extend([part("hel"), part("lo")]);
        all.push(json!({"type": "content-end", "index": 0}));
    }
    let finish = if calls { "TOOL_CALL" } else { "COMPLETE" };
    all.push(
        json!({"type": "message-end", "delta": {"finish_reason": finish,
        "usage": {"billed_units": {"input_tokens": 7, "output_tokens": 2}}}}),
    );
    typed(&all)
}

/// A refusal of the client's request, with the words `too hot`.
pub(super) fn error(dialect: Dialect) -> Body {
    document(&match dialect {
        Dialect::Chat => {
            json!({"error": {"message": "too hot", "type": "invalid_request_error", "param": null, "code": null}})
        }
        Dialect::Messages => {
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": "too hot"}})
        }
        Dialect::Gemini => {
            json!({"error": {"code": 400, "message": "too hot", "status": "INVALID_ARGUMENT"}})
        }
        Dialect::Converse | Dialect::Cohere => json!({"message": "too hot"}),
    })
}

/// One vector of an embedding, in OpenAI's, Gemini's or Cohere's words.
pub(super) fn vector(dialect: Dialect) -> Body {
    document(&match dialect {
        Dialect::Gemini => json!({"embeddings": [{"values": [0.5, 0.25]}]}),
        Dialect::Cohere => json!({"id": "e", "embeddings": {"float": [[0.5, 0.25]]}}),
        Dialect::Chat | Dialect::Messages | Dialect::Converse => {
            json!({"object": "list", "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1},
                "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]})
        }
    })
}
