//! What clients of every front ask, and what they understand of an answer.

use serde_json::{Value, json};

use super::super::world::Got;
use super::fixtures::{Body, typed};
use crate::dialect::Front;

/// The fronts of the table.
pub(super) const FRONTS: [Front; 5] = [
    Front::Chat,
    Front::Completions,
    Front::Embeddings,
    Front::Responses,
    Front::Messages,
];

/// What an answer says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) text: String,
    /// Name and arguments.
    pub(super) call: Option<(String, String)>,
}

fn schema() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
}

/// A request for a text, or with a tool.
pub(super) fn request(front: Front, tools: bool, stream: bool) -> Value {
    let mut body = match front {
        Front::Completions => json!({"prompt": "hi"}),
        Front::Embeddings => json!({"input": ["hi"]}),
        Front::Responses => json!({"input": "hi"}),
        _ => json!({"messages": [{"role": "user", "content": "hi"}]}),
    };
    body["model"] = json!("chat");
    if front == Front::Messages {
        body["max_tokens"] = json!(64);
    }
    if stream {
        body["stream"] = json!(true);
    }
    if tools {
        body["tools"] = json!([match front {
            Front::Responses =>
                json!({"type": "function", "name": "weather", "parameters": schema()}),
            Front::Messages => json!({"name": "weather", "input_schema": schema()}),
            _ =>
                json!({"type": "function", "function": {"name": "weather", "parameters": schema()}}),
        }]);
    }
    body
}

/// What a server of OpenAI's Responses or Anthropic's Messages answers where the request passes as it is.
pub(super) fn native_response(calls: bool, stream: bool) -> Body {
    let item = if calls {
        json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather",
            "arguments": "{\"city\":\"Oslo\"}", "status": "completed"})
    } else {
        json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "hello", "annotations": []}]})
    };
    let whole = json!({"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [item],
        "usage": {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}});
    if !stream {
        return ("application/json", whole.to_string().into_bytes());
    }
    let delta = |kind: &str, text: &str| json!({"type": kind, "output_index": 0, "delta": text});
    let deltas = if calls {
        let kind = "response.function_call_arguments.delta";
        [delta(kind, "{\"city\":"), delta(kind, "\"Oslo\"}")]
    } else {
        ["hel", "lo"].map(|text| delta("response.output_text.delta", text))
    };
    let [first, second] = deltas;
    typed(&[
        json!({"type": "response.created", "response": {"id": "resp_1", "object": "response", "output": []}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": whole["output"][0]}),
        first,
        second,
        json!({"type": "response.output_item.done", "output_index": 0, "item": whole["output"][0]}),
        json!({"type": "response.completed", "response": whole}),
    ])
}

/// What a client of `front` reads in `got`.
pub(super) fn said(front: Front, stream: bool, got: &Got) -> Said {
    if stream {
        return streamed(front, &events(got));
    }
    let answer: Value = serde_json::from_str(&got.body).unwrap();
    let mut said = Said::default();
    match front {
        Front::Completions => said.text = text(&answer["choices"][0]["text"]),
        Front::Responses => {
            for item in answer["output"].as_array().unwrap() {
                said.text += &text(&item["content"][0]["text"]);
                if item["type"] == "function_call" {
                    said.call = Some((text(&item["name"]), text(&item["arguments"])));
                }
            }
        }
        Front::Messages => {
            for block in answer["content"].as_array().unwrap() {
                said.text += &text(&block["text"]);
                if block["type"] == "tool_use" {
                    said.call = Some((text(&block["name"]), block["input"].to_string()));
                }
            }
        }
        _ => {
            let message = &answer["choices"][0]["message"];
            said.text = text(&message["content"]);
            let call = &message["tool_calls"][0]["function"];
            said.call = call
                .is_object()
                .then(|| (text(&call["name"]), text(&call["arguments"])));
        }
    }
    said
}

fn streamed(front: Front, events: &[Value]) -> Said {
    let (mut said, mut name, mut arguments) = (Said::default(), String::new(), String::new());
    for event in events {
        match front {
            Front::Completions => said.text += &text(&event["choices"][0]["text"]),
            Front::Responses => match event["type"].as_str().unwrap() {
                "response.output_text.delta" => said.text += &text(&event["delta"]),
                "response.function_call_arguments.delta" => arguments += &text(&event["delta"]),
                "response.output_item.added" => name += &text(&event["item"]["name"]),
                _ => {}
            },
            Front::Messages => {
                said.text += &text(&event["delta"]["text"]);
                arguments += &text(&event["delta"]["partial_json"]);
                name += &text(&event["content_block"]["name"]);
            }
            _ => {
                let delta = &event["choices"][0]["delta"];
                said.text += &text(&delta["content"]);
                let call = &delta["tool_calls"][0]["function"];
                name += &text(&call["name"]);
                arguments += &text(&call["arguments"]);
            }
        }
    }
    said.call = (!name.is_empty()).then_some((name, arguments));
    said
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn events(got: &Got) -> Vec<Value> {
    let data = got
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}
