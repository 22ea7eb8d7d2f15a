//! Whole answers as Messages has them.

use serde_json::{Map, Value, json};

use super::super::chat::answer_id;
use super::super::neutral::{Answer, Dialect, Part, Reasoning, Request, Text, ToolCall};
use super::media::write_image;
use super::open::is_block;
use super::words::{Said, citations, fit_id, foreign, message_id, stop_reason, usage_json};

/// Writes `answer` as Messages has it, for the client of `request`. Messages has one answer: the first.
pub fn write_answer(answer: &Answer, request: &Request) -> Vec<u8> {
    let id = message_id(&answer_id(answer, "msg_"));
    let mut content = Content::default();
    let choice = answer.choices.first();
    for part in choice.into_iter().flat_map(|choice| &choice.parts) {
        content.put(part, &id);
    }
    let finish = choice.and_then(|choice| choice.finish.as_ref());
    let (reason, sequence) = stop_reason(finish, content.said);
    let model = [&answer.model, &request.model]
        .into_iter()
        .find(|name| !name.is_empty());
    let mut body = Map::new();
    body.insert("id".to_owned(), id.into());
    body.insert("type".to_owned(), json!("message"));
    body.insert("role".to_owned(), json!("assistant"));
    body.insert("model".to_owned(), json!(model.map_or("", |name| name)));
    body.insert("content".to_owned(), Value::Array(content.blocks));
    body.insert("stop_reason".to_owned(), json!(reason));
    body.insert("stop_sequence".to_owned(), json!(sequence));
    let usage = usage_json(&answer.usage.unwrap_or_default());
    body.insert("usage".to_owned(), usage);
    if !content.foreign.is_empty() {
        body.insert("provider_parts".to_owned(), Value::Array(content.foreign));
    }
    for (key, value) in &answer.extra {
        body.entry(key.as_str()).or_insert_with(|| value.clone());
    }
    Value::Object(body).to_string().into_bytes()
}

/// The blocks of an answer.
#[derive(Debug, Default)]
struct Content {
    blocks: Vec<Value>,
    /// Parts that are no blocks.
    foreign: Vec<Value>,
    calls: u64,
    said: Said,
}

impl Content {
    fn put(&mut self, part: &Part, message: &str) {
        match part {
            Part::Text(text) => self.blocks.extend(text_block(text)),
            Part::Refusal(text) => {
                self.said.refusal = true;
                self.blocks.extend(text_block(&Text::plain(text)));
            }
            Part::Reasoning(thought) => self.put_thought(thought),
            Part::ToolCall(call) => self.put_call(call, message),
            Part::Other(Dialect::Messages, block) if is_block(block) => {
                self.blocks.push(block.clone());
            }
            Part::Other(dialect, part) => self.foreign.push(foreign(*dialect, part)),
            // An answer has no image blocks.
            Part::Image(media) => {
                let image = write_image(media);
                self.foreign
                    .extend(image.map(|image| foreign(Dialect::Messages, &image)));
            }
            // No answer has these.
            Part::Audio(_) | Part::File(_) | Part::ToolResult(_) => {}
        }
    }

    fn put_thought(&mut self, thought: &Reasoning) {
        if !thought.text.is_empty() || thought.signature.is_some() {
            let signature = thought.signature.as_deref();
            self.blocks.push(thinking_block(&thought.text, signature));
        }
        if let Some(data) = &thought.sealed {
            self.blocks.push(redacted_block(data));
        }
    }

    fn put_call(&mut self, call: &ToolCall, message: &str) {
        self.said.calls = true;
        if let Some(signature) = &call.signature {
            self.blocks.push(thinking_block("", Some(signature)));
        }
        let id = call_id(&call.id, message, self.calls);
        self.calls += 1;
        self.blocks
            .push(call_block(&id, &call.name, &input(&call.arguments)));
    }
}

/// A text block; `None` for an empty text, which no client could send back.
fn text_block(text: &Text) -> Option<Value> {
    if text.text.is_empty() {
        return None;
    }
    let mut block = json!({"type": "text", "text": text.text});
    let cited = text.annotations.as_ref().map(citations).unwrap_or_default();
    if let (false, Some(members)) = (cited.is_empty(), block.as_object_mut()) {
        members.insert("citations".to_owned(), Value::Array(cited));
    }
    Some(block)
}

/// A thought; the signature is always there in Anthropic's.
pub(super) fn thinking_block(text: &str, signature: Option<&str>) -> Value {
    json!({"type": "thinking", "thinking": text, "signature": signature.unwrap_or_default()})
}

/// A thought that cannot be read.
pub(super) fn redacted_block(data: &str) -> Value {
    json!({"type": "redacted_thinking", "data": data})
}

/// A call.
pub(super) fn call_block(id: &str, name: &str, input: &Value) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": input})
}

/// The id of a call, or one made of the answer's and the call's number where the provider gave none.
pub(super) fn call_id(id: &str, message: &str, number: u64) -> String {
    if id.is_empty() {
        let message = message.strip_prefix("msg_").unwrap_or(message);
        format!("toolu_{message}_{number}")
    } else {
        fit_id(id).into_owned()
    }
}

/// Arguments as an object. Text that is none, which weak models write, stands in it under `arguments`, so that the tool
/// fails and the model reads why.
fn input(arguments: &str) -> Value {
    if arguments.trim().is_empty() {
        return json!({});
    }
    match serde_json::from_str(arguments) {
        Ok(input @ Value::Object(_)) => input,
        Ok(Value::Null) => json!({}),
        Ok(other) => json!({ "arguments": other }),
        Err(_) => json!({ "arguments": arguments }),
    }
}
