//! Messages as a chat server gets them.

use serde_json::{Map, Value, json};

use super::super::neutral::{Message, Part, Reasoning, Role, ToolCall, ToolResult};
use super::options::{ChatOptions, PastReasoning};
use super::part::write_part;
use super::{calls, reasoning};

/// Writes a conversation. What is left out is named in `dropped`.
#[derive(Debug)]
pub(super) struct MessageWriter<'a> {
    options: &'a ChatOptions,
    /// The messages so far.
    pub(super) messages: Vec<Value>,
    /// Names of what was left out, each once.
    pub(super) dropped: Vec<String>,
    /// Media of tool results: a result takes only text, so they follow in a user's message when the results are over.
    pending: Vec<Value>,
}

impl<'a> MessageWriter<'a> {
    pub(super) fn new(options: &'a ChatOptions) -> Self {
        Self {
            options,
            messages: Vec::new(),
            dropped: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// Names what was left out.
    pub(super) fn drop_named(&mut self, name: impl Into<String>) {
        let name = name.into();
        if !self.dropped.contains(&name) {
            self.dropped.push(name);
        }
    }

    /// Writes `message`. Results of tools come first, as messages of their own, whatever the role.
    pub(super) fn write(&mut self, message: &Message) {
        let mut rest = false;
        for part in &message.parts {
            match part {
                Part::ToolResult(result) => self.write_result(result),
                _ => rest = true,
            }
        }
        if !rest && !message.parts.is_empty() {
            return;
        }
        match message.role {
            // A result comes before the medium that belongs to it, and before whatever the user says to it.
            Role::Tool if !rest => {}
            Role::Assistant => {
                self.flush();
                self.write_assistant(message);
            }
            Role::System | Role::Developer | Role::User | Role::Tool => self.write_said(message),
        }
    }

    /// The end of the conversation.
    pub(super) fn finish(mut self) -> (Vec<Value>, Vec<String>) {
        self.flush();
        (self.messages, self.dropped)
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            let content = std::mem::take(&mut self.pending);
            self.messages
                .push(json!({"role": "user", "content": content}));
        }
    }

    fn write_said(&mut self, message: &Message) {
        let role = match message.role {
            Role::Developer if self.options.developer => "developer",
            Role::System | Role::Developer => "system",
            Role::User | Role::Tool | Role::Assistant => "user",
        };
        let mut parts = self.content_parts(&message.parts);
        if role == "user" && !self.pending.is_empty() {
            let mut content = std::mem::take(&mut self.pending);
            content.append(&mut parts);
            parts = content;
        }
        let content = self.content(parts);
        let mut written = Map::new();
        written.insert("role".to_owned(), json!(role));
        written.insert("content".to_owned(), content.unwrap_or_else(|| json!("")));
        self.put_common(message, &mut written);
    }

    fn write_assistant(&mut self, message: &Message) {
        let mut written = Map::new();
        written.insert("role".to_owned(), json!("assistant"));
        let parts = self.content_parts(&message.parts);
        let calls: Vec<Value> = message
            .parts
            .iter()
            .filter_map(call_of)
            .map(write)
            .collect();
        let content = self.content(parts);
        let missing = if calls.is_empty() {
            json!("")
        } else {
            Value::Null
        };
        written.insert("content".to_owned(), content.unwrap_or(missing));
        let refusals = message.parts.iter().filter_map(|part| match part {
            Part::Refusal(text) => Some(text.as_str()),
            _ => None,
        });
        let refusal: String = refusals.collect();
        if !refusal.is_empty() {
            written.insert("refusal".to_owned(), json!(refusal));
        }
        self.put_thoughts(message, &mut written);
        if !calls.is_empty() {
            written.insert("tool_calls".to_owned(), Value::Array(calls));
        }
        self.put_common(message, &mut written);
    }

    fn put_thoughts(&mut self, message: &Message, written: &mut Map<String, Value>) {
        let thoughts: Vec<&Reasoning> = message.parts.iter().filter_map(thought_of).collect();
        if thoughts.is_empty() {
            return;
        }
        match self.options.past_reasoning {
            PastReasoning::Details => reasoning::put(thoughts, written),
            PastReasoning::Drop => self.drop_named("messages[].reasoning"),
            PastReasoning::Content => {
                let text: String = thoughts.iter().map(|one| one.text.as_str()).collect();
                if thoughts.iter().any(|one| one.sealed.is_some()) {
                    self.drop_named("messages[].reasoning_details");
                }
                if !text.is_empty() {
                    written.insert("reasoning_content".to_owned(), json!(text));
                }
            }
        }
    }

    fn write_result(&mut self, result: &ToolResult) {
        let (texts, media): (Vec<&Part>, Vec<&Part>) = result
            .content
            .iter()
            .partition(|part| matches!(part, Part::Text(_)));
        let texts = texts.into_iter();
        let parts: Vec<Value> = texts
            .filter_map(|part| write_part(part, self.options.cache_control))
            .collect();
        let media = media.into_iter();
        let media: Vec<Value> = media
            .filter_map(|part| write_part(part, self.options.cache_control))
            .collect();
        let content = self.content(parts);
        let content = match (content, media.is_empty()) {
            (Some(content), _) => content,
            (None, true) => json!(""),
            (None, false) => json!("The result is in the next message."),
        };
        // Chat has no mark for a failed call; the text says it.
        let content = match content {
            Value::String(text) if result.is_error && !starts_as_error(&text) => {
                json!(format!("Error: {text}"))
            }
            other => other,
        };
        if !media.is_empty() {
            let head = format!("Result of the tool call {}:", result.id);
            self.pending.push(json!({"type": "text", "text": head}));
            self.pending.extend(media);
        }
        let mut written = json!({"role": "tool", "tool_call_id": result.id, "content": content});
        if let (true, Some(cache), Some(members)) = (
            self.options.cache_control,
            &result.cache,
            written.as_object_mut(),
        ) {
            members.insert("cache_control".to_owned(), cache.clone());
        }
        self.messages.push(written);
    }

    fn content_parts(&self, parts: &[Part]) -> Vec<Value> {
        let said = parts.iter();
        said.filter_map(|part| write_part(part, self.options.cache_control))
            .collect()
    }

    /// Parts as `content`: one text alone as a string, several as a list, or joined where the server knows no list.
    fn content(&self, parts: Vec<Value>) -> Option<Value> {
        let text_of = |part: &Value| {
            let members = part.as_object()?;
            let is_plain = members.len() == 2 && members.get("type")? == "text";
            let text = members.get("text")?.as_str()?;
            is_plain.then(|| text.to_owned())
        };
        if parts.is_empty() {
            return None;
        }
        let texts: Option<Vec<String>> = parts.iter().map(text_of).collect();
        match texts {
            Some(texts) if texts.len() == 1 || !self.options.text_lists => {
                Some(Value::String(texts.join("\n\n")))
            }
            Some(_) | None => Some(Value::Array(parts)),
        }
    }

    /// Name, and the members that nobody here knows: they came in this dialect or mean nothing in it.
    fn put_common(&mut self, message: &Message, written: &mut Map<String, Value>) {
        if let Some(name) = &message.name {
            written.insert("name".to_owned(), json!(name));
        }
        for (key, value) in &message.extra {
            if self.options.any_extra || KNOWN.contains(&key.as_str()) {
                written.entry(key.as_str()).or_insert_with(|| value.clone());
            } else {
                self.drop_named(format!("messages[].{key}"));
            }
        }
        self.messages.push(Value::Object(std::mem::take(written)));
    }
}

/// Members of messages that OpenAI knows and the neutral form does not.
const KNOWN: [&str; 1] = ["audio"];

fn starts_as_error(text: &str) -> bool {
    text.get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("error"))
}

fn call_of(part: &Part) -> Option<&ToolCall> {
    match part {
        Part::ToolCall(call) => Some(call),
        _ => None,
    }
}

fn write(call: &ToolCall) -> Value {
    calls::write_call(call, true)
}

fn thought_of(part: &Part) -> Option<&Reasoning> {
    match part {
        Part::Reasoning(thought) => Some(thought),
        _ => None,
    }
}
