//! The items of a request's `input`, as messages.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::chat::without_nulls;
use super::super::json::{Object, misread};
use super::super::neutral::{
    Dialect, Extra, Message, Misread, Part, Reasoning, Role, Text, ToolCall, ToolResult,
};
use super::capsule::{self, Capsule};
use super::content::{keep_rest, read_content};

/// Reads items in their order: those of one turn of the model become one message, and a tool's result takes its tool's name
/// from the call before it.
#[derive(Debug)]
pub(super) struct Input {
    /// Where the items stand.
    at: &'static str,
    /// Whether what was put into capsules here is taken out again.
    opens: bool,
    messages: Vec<Message>,
    /// Names by call, so that a long conversation is read once.
    names: BTreeMap<String, String>,
    /// Signatures by call: they stand in items of their own.
    signatures: BTreeMap<String, String>,
    /// Members that have no place in the neutral form, by their whole place.
    extra: Extra,
}

impl Input {
    /// Before the first item of a client's `input`.
    pub(super) fn of_request() -> Self {
        Self::at("input", true)
    }

    /// Before the first item of a server's `output`. A server that is such a proxy itself gets its capsules back closed.
    pub(super) fn of_answer() -> Self {
        Self::at("output", false)
    }

    fn at(at: &'static str, opens: bool) -> Self {
        Self {
            at,
            opens,
            messages: Vec::new(),
            names: BTreeMap::new(),
            signatures: BTreeMap::new(),
            extra: Extra::new(),
        }
    }

    /// Reads `instructions`: they stand before all else.
    pub(super) fn instructions(&mut self, text: String) {
        self.say(Role::System, vec![Part::Text(Text::plain(text))]);
    }

    /// Reads `input`: a text, or a list of items.
    pub(super) fn read(&mut self, input: Value) -> Result<(), Misread> {
        match input {
            Value::String(text) => {
                self.say(Role::User, vec![Part::Text(Text::plain(text))]);
                Ok(())
            }
            Value::Array(items) => items
                .into_iter()
                .enumerate()
                .try_for_each(|(index, item)| self.read_item(item, index)),
            other => Err(misread(self.at, "a string or a list of items", &other)),
        }
    }

    /// The messages, and what had no place in them.
    pub(super) fn finish(mut self) -> (Vec<Message>, Extra) {
        let parts = self.messages.iter_mut();
        for part in parts.flat_map(|message| &mut message.parts) {
            if let Part::ToolCall(call) = part
                && let Some(signature) = self.signatures.remove(&call.id)
            {
                call.signature = Some(signature);
            }
        }
        (self.messages, self.extra)
    }

    fn read_item(&mut self, item: Value, index: usize) -> Result<(), Misread> {
        let at = format!("{}[{index}]", self.at);
        let kind = item.get("type").and_then(Value::as_str).map(str::to_owned);
        let is_message = kind.is_none() && item.get("role").is_some();
        match kind.as_deref() {
            None if is_message => self.read_message(item, &at),
            Some("message") => self.read_message(item, &at),
            Some("function_call") => self.read_call(item, &at),
            Some("function_call_output") => self.read_result(item, &at),
            Some("reasoning") => self.read_reasoning(item, &at),
            Some(kind) => {
                let role = role_of(kind);
                self.add(role, Part::Other(Dialect::Responses, item));
                Ok(())
            }
            None => {
                let object = Object::of(item.clone(), &at)?;
                if object.peek("id").is_none() {
                    return Err(object.missing("type", "a string"));
                }
                // A reference to an item needs no type.
                self.add(Role::Assistant, Part::Other(Dialect::Responses, item));
                Ok(())
            }
        }
    }

    fn read_message(&mut self, item: Value, at: &str) -> Result<(), Misread> {
        let mut object = opened(item, at)?;
        let role = match object.need_text("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            "developer" => Role::Developer,
            _ => {
                return Err(Misread {
                    at: object.at("role"),
                    expected: "user, assistant, system or developer".to_owned(),
                    found: "another role".to_owned(),
                });
            }
        };
        let content_at = object.at("content");
        let content = object
            .take("content")
            .ok_or_else(|| object.missing("content", "a string or a list of parts"))?;
        let parts = read_content(content, &content_at, &mut self.extra)?;
        let rest = without_nulls(object.rest());
        if role == Role::Assistant {
            let message = self.assistant();
            let is_empty = |part: &Part| *part == Part::Text(Text::default());
            message
                .parts
                .extend(parts.into_iter().filter(|part| !is_empty(part)));
            message.extra.extend(rest);
        } else {
            self.say(role, parts);
            if let Some(message) = self.messages.last_mut() {
                message.extra = rest;
            }
        }
        Ok(())
    }

    fn read_call(&mut self, item: Value, at: &str) -> Result<(), Misread> {
        let mut object = opened(item, at)?;
        let arguments = object.text("arguments")?.unwrap_or_default();
        let call = ToolCall {
            id: object.need_text("call_id")?,
            name: object.need_text("name")?,
            arguments: if arguments.trim().is_empty() {
                "{}".to_owned()
            } else {
                arguments
            },
            ..ToolCall::default()
        };
        keep_rest(object, &mut self.extra);
        self.names.insert(call.id.clone(), call.name.clone());
        self.assistant().parts.push(Part::ToolCall(call));
        Ok(())
    }

    fn read_result(&mut self, item: Value, at: &str) -> Result<(), Misread> {
        let mut object = opened(item, at)?;
        let id = object.need_text("call_id")?;
        let output_at = object.at("output");
        let output = object
            .take("output")
            .ok_or_else(|| object.missing("output", "a string or a list of parts"))?;
        let content = read_content(output, &output_at, &mut self.extra)?;
        let name = object.text("name")?;
        let result = ToolResult {
            name: name.or_else(|| self.names.get(&id).cloned()),
            content,
            id,
            ..ToolResult::default()
        };
        keep_rest(object, &mut self.extra);
        self.say(Role::Tool, vec![Part::ToolResult(result)]);
        Ok(())
    }

    fn read_reasoning(&mut self, item: Value, at: &str) -> Result<(), Misread> {
        let mut object = opened_but_id(item, at)?;
        let id = object.text("id")?;
        let summary = read_texts(&mut object, "summary", "\n\n")?;
        let content = read_texts(&mut object, "content", "")?;
        let sealed = object.text("encrypted_content")?;
        keep_rest(object, &mut self.extra);
        let is_summary = content.is_empty() && !summary.is_empty();
        let text = if is_summary { summary } else { content };
        let held = sealed.as_deref().filter(|_| self.opens);
        let thought = match held.and_then(capsule::open) {
            Some(Capsule::Call { id, signature }) => {
                self.signatures.insert(id, signature);
                return Ok(());
            }
            Some(Capsule::Part(dialect, part)) => {
                self.add(Role::Assistant, Part::Other(dialect, part));
                return Ok(());
            }
            // The capsule has the very text, the summary may be cut in parts. Its id was made here.
            Some(Capsule::Thought(thought)) => thought,
            None => Reasoning {
                text,
                signature: None,
                sealed,
                id,
                is_summary,
            },
        };
        self.add(Role::Assistant, Part::Reasoning(thought));
        Ok(())
    }

    /// The turn of the model that is being read.
    fn assistant(&mut self) -> &mut Message {
        let is_open = self
            .messages
            .last()
            .is_some_and(|last| last.role == Role::Assistant);
        if !is_open {
            self.say(Role::Assistant, Vec::new());
        }
        let last = self.messages.last_mut();
        last.expect("one was pushed if there was none")
    }

    fn add(&mut self, role: Role, part: Part) {
        match role {
            Role::Assistant => self.assistant().parts.push(part),
            Role::System | Role::Developer | Role::User | Role::Tool => self.say(role, vec![part]),
        }
    }

    fn say(&mut self, role: Role, parts: Vec<Part>) {
        self.messages.push(Message {
            role,
            parts,
            name: None,
            extra: Extra::new(),
        });
    }
}

/// Who an item of a type that is not known here is from: what a tool gave is the client's, all else the model's.
fn role_of(kind: &str) -> Role {
    if kind.ends_with("_output") || kind == "mcp_approval_response" {
        Role::User
    } else {
        Role::Assistant
    }
}

/// An item without what says how a server stored it.
fn opened(item: Value, at: &str) -> Result<Object, Misread> {
    let mut object = opened_but_id(item, at)?;
    object.take("id");
    Ok(object)
}

fn opened_but_id(item: Value, at: &str) -> Result<Object, Misread> {
    let mut object = Object::of(item, at)?;
    object.take("type");
    object.take("status");
    Ok(object)
}

/// The texts of a reasoning item's list.
fn read_texts(object: &mut Object, key: &str, between: &str) -> Result<String, Misread> {
    let at = object.at(key);
    let mut texts = Vec::new();
    for (index, value) in object.list(key)?.into_iter().enumerate() {
        let mut part = Object::of(value, format!("{at}[{index}]"))?;
        texts.push(part.text("text")?.unwrap_or_default());
    }
    Ok(texts.join(between))
}
