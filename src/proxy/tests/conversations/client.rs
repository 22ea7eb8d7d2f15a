//! Clients of the three fronts that keep what they get and send it back, as the official libraries do.

use serde_json::{Value, json};

use super::super::world::Got;

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    Messages,
    Chat,
    Responses,
}

/// One conversation.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) speaks: Speaks,
    pub(super) stream: bool,
    said: Vec<Value>,
}

impl Client {
    pub(super) fn new(speaks: Speaks, stream: bool) -> Self {
        let said = Vec::new();
        Self {
            speaks,
            stream,
            said,
        }
    }

    pub(super) fn path(&self) -> &'static str {
        match self.speaks {
            Speaks::Messages => "/v1/messages",
            Speaks::Chat => "/v1/chat/completions",
            Speaks::Responses => "/v1/responses",
        }
    }

    /// Says `text`, after the results of the calls that are open.
    pub(super) fn say(&mut self, text: &str) -> String {
        let mut results = self.results();
        match self.speaks {
            Speaks::Messages => {
                results.push(json!({"type": "text", "text": text}));
                self.said.push(json!({"role": "user", "content": results}));
            }
            // A turn with calls goes on with their results alone.
            Speaks::Chat | Speaks::Responses if !results.is_empty() => self.said.extend(results),
            Speaks::Chat | Speaks::Responses => {
                self.said.push(json!({"role": "user", "content": text}));
            }
        }
        self.body().to_string()
    }

    fn body(&self) -> Value {
        let schema = json!({"type": "object", "properties": {"signature": {"type": "string"}}});
        match self.speaks {
            Speaks::Messages => json!({"model": "chat", "max_tokens": 4096, "stream": self.stream,
                "thinking": {"type": "enabled", "budget_tokens": 1024}, "messages": self.said,
                "tools": [{"name": "look", "description": "looks", "input_schema": schema}]}),
            Speaks::Chat => {
                json!({"model": "chat", "stream": self.stream, "reasoning_effort": "low",
                "messages": self.said, "tools": [{"type": "function",
                    "function": {"name": "look", "description": "looks", "parameters": schema}}]})
            }
            Speaks::Responses => {
                json!({"model": "chat", "stream": self.stream, "store": false, "input": self.said,
                "include": ["reasoning.encrypted_content"], "reasoning": {"effort": "low"},
                "tools": [{"type": "function", "name": "look", "description": "looks", "parameters": schema}]})
            }
        }
    }

    /// The results of the calls in the last answer. A result asks to be looked up again, now and then.
    fn results(&self) -> Vec<Value> {
        let Some(last) = self.said.last() else {
            return Vec::new();
        };
        match self.speaks {
            Speaks::Messages => {
                let blocks = last["content"].as_array().unwrap().iter();
                let calls = blocks.filter(|block| block["type"] == "tool_use");
                calls
                    .map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "42"}))
                    .collect()
            }
            Speaks::Chat => {
                let calls = last["tool_calls"].as_array().into_iter().flatten();
                calls
                    .map(
                        |call| json!({"role": "tool", "tool_call_id": call["id"], "content": "42"}),
                    )
                    .collect()
            }
            Speaks::Responses => {
                let items = self.said.iter().rev();
                let items = items.take_while(|item| item["type"] != "function_call_output");
                let items: Vec<&Value> = items.take_while(|item| item["role"] != "user").collect();
                let calls = items
                    .into_iter()
                    .filter(|item| item["type"] == "function_call");
                calls
                    .map(|call| {
                        json!({"type": "function_call_output", "call_id": call["call_id"], "output": "42"})
                    })
                    .collect()
            }
        }
    }

    /// Keeps the answer.
    pub(super) fn hear(&mut self, got: &Got) {
        let answer = if self.stream {
            let lines = got
                .body
                .lines()
                .filter_map(|line| line.strip_prefix("data: "));
            let events = lines.filter(|data| *data != "[DONE]");
            let events: Vec<Value> = events
                .map(|data| serde_json::from_str(data).unwrap())
                .collect();
            match self.speaks {
                Speaks::Messages => gathered_message(&events),
                Speaks::Chat => gathered_completion(&events),
                Speaks::Responses => events.last().unwrap()["response"].clone(),
            }
        } else {
            serde_json::from_str(&got.body).unwrap()
        };
        match self.speaks {
            Speaks::Messages => {
                let content = &answer["content"];
                self.said
                    .push(json!({"role": "assistant", "content": content}));
            }
            Speaks::Chat => self.said.push(answer["choices"][0]["message"].clone()),
            Speaks::Responses => {
                self.said
                    .extend(answer["output"].as_array().unwrap().iter().cloned());
            }
        }
    }

    /// Every value of state that was heard, as it stands in the conversation.
    pub(super) fn state(&self) -> String {
        Value::from(self.said.clone()).to_string()
    }
}

fn append(to: &mut Value, text: &Value) {
    let joined = format!(
        "{}{}",
        to.as_str().unwrap_or_default(),
        text.as_str().unwrap_or_default()
    );
    *to = json!(joined);
}

fn gathered_message(events: &[Value]) -> Value {
    let mut content: Vec<Value> = Vec::new();
    for event in events {
        let index = event["index"].as_u64().unwrap_or_default();
        let block = content.get_mut(usize::try_from(index).unwrap());
        let delta = &event["delta"];
        match (event["type"].as_str().unwrap(), block) {
            ("content_block_start", _) => content.push(event["content_block"].clone()),
            ("content_block_delta", Some(block)) => match delta["type"].as_str().unwrap() {
                "thinking_delta" => append(&mut block["thinking"], &delta["thinking"]),
                "signature_delta" => append(&mut block["signature"], &delta["signature"]),
                "text_delta" => append(&mut block["text"], &delta["text"]),
                "input_json_delta" => append(&mut block["partial"], &delta["partial_json"]),
                other => panic!("{other}"),
            },
            _ => {}
        }
    }
    for block in &mut content {
        if let Some(partial) = block.as_object_mut().unwrap().remove("partial") {
            block["input"] = serde_json::from_str(partial.as_str().unwrap()).unwrap();
        }
    }
    json!({"content": content})
}

fn gathered_completion(events: &[Value]) -> Value {
    let mut message = json!({"role": "assistant"});
    for event in events {
        let delta = &event["choices"][0]["delta"];
        if delta["content"].is_string() {
            append(&mut message["content"], &delta["content"]);
        }
        for list in ["reasoning_details", "tool_calls"] {
            for one in delta[list].as_array().into_iter().flatten() {
                if !message[list].is_array() {
                    message[list] = json!([]);
                }
                let all = message[list].as_array_mut().unwrap();
                merge(all, one);
            }
        }
        if delta["extra_content"].is_object() {
            message["extra_content"] = delta["extra_content"].clone();
        }
    }
    json!({"choices": [{"message": message}]})
}

/// Adds what came of one part to what was there of it.
fn merge(all: &mut Vec<Value>, one: &Value) {
    let same = |it: &&mut Value| it["index"] == one["index"] && it["type"] == one["type"];
    let known = if one.get("function").is_some() || one.get("extra_content").is_some() {
        all.iter_mut().find(|it| it["index"] == one["index"])
    } else {
        all.iter_mut().find(same)
    };
    let Some(known) = known else {
        all.push(one.clone());
        return;
    };
    for key in ["text", "signature", "data"] {
        if one[key].is_string() {
            append(&mut known[key], &one[key]);
        }
    }
    if one["function"]["arguments"].is_string() {
        append(
            &mut known["function"]["arguments"],
            &one["function"]["arguments"],
        );
    }
    if one["extra_content"].is_object() {
        known["extra_content"] = one["extra_content"].clone();
    }
}
