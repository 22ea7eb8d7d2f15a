//! Messages of a request.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::json::{Object, misread};
use super::super::neutral::{Extra, Message, Misread, Part, Role, Text, ToolResult};
use super::part::{read_content, read_foreign};
use super::{calls, reasoning, without_nulls};

/// Reads messages in their order: a tool's result takes its tool's name from the call before it.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// Names by call, so that a long conversation is read once.
    tools: BTreeMap<String, String>,
    /// The last call of each function in the older form, which has no ids.
    functions: BTreeMap<String, String>,
    /// Members that have no place in the neutral form, by their whole place.
    pub(super) extra: Extra,
}

impl Messages {
    /// Reads the message `value`, the one of this index.
    pub(super) fn read(&mut self, value: Value, index: usize) -> Result<Message, Misread> {
        let mut object = Object::of(value, format!("messages[{index}]"))?;
        let role = object.need_text("role")?;
        match role.as_str() {
            "system" => self.read_said(object, Role::System),
            "developer" => self.read_said(object, Role::Developer),
            "user" => self.read_said(object, Role::User),
            "assistant" => self.read_assistant(object, index),
            "tool" | "function" => self.read_result(object, &role),
            _ => Err(Misread {
                at: object.at("role"),
                expected: "system, developer, user, assistant, tool or function".to_owned(),
                found: "another role".to_owned(),
            }),
        }
    }

    fn read_said(&mut self, mut object: Object, role: Role) -> Result<Message, Misread> {
        let at = object.at("content");
        let content = object
            .take("content")
            .ok_or_else(|| object.missing("content", "a string or a list of parts"))?;
        let mut parts = read_content(content, &at, &mut self.extra)?;
        // A mark on the message is one on its last text.
        if let Some(cache) = object.take("cache_control") {
            mark(&mut parts, cache);
        }
        Ok(Message {
            role,
            parts,
            name: object.text("name")?,
            extra: without_nulls(object.rest()),
        })
    }

    fn read_assistant(&mut self, mut object: Object, index: usize) -> Result<Message, Misread> {
        let thoughts = reasoning::take(&mut object)?;
        let said = thoughts.thoughts.into_iter();
        let mut parts: Vec<Part> = said.map(|(_, one)| Part::Reasoning(one)).collect();
        let at = object.at("content");
        if let Some(content) = object.take("content") {
            let content = read_content(content, &at, &mut self.extra)?;
            let is_empty = |part: &Part| *part == Part::Text(Text::default());
            parts.extend(content.into_iter().filter(|part| !is_empty(part)));
        }
        if let Some(refusal) = object.text("refusal")? {
            parts.push(Part::Refusal(refusal));
        }
        for value in object.list("provider_parts")? {
            match read_foreign(&value) {
                Some(part) => parts.push(part),
                None => {
                    return Err(misread(
                        &object.at("provider_parts"),
                        "parts of ours",
                        &value,
                    ));
                }
            }
        }
        let is_old = object.peek("function_call").is_some();
        let calls = calls::take(&mut object, &format!("call_{index}_"), &mut self.extra)?;
        for call in calls {
            if is_old {
                self.functions.insert(call.name.clone(), call.id.clone());
            }
            self.tools.insert(call.id.clone(), call.name.clone());
            parts.push(Part::ToolCall(call));
        }
        if let Some(cache) = object.take("cache_control") {
            mark(&mut parts, cache);
        }
        let name = object.text("name")?;
        let mut extra = without_nulls(object.rest());
        if !thoughts.unknown.is_empty() {
            let unknown = Value::Array(thoughts.unknown);
            extra.insert("reasoning_details".to_owned(), unknown);
        }
        Ok(Message {
            role: Role::Assistant,
            parts,
            name,
            extra,
        })
    }

    fn read_result(&mut self, mut object: Object, role: &str) -> Result<Message, Misread> {
        let name = object.text("name")?;
        let id = if role == "tool" {
            object.need_text("tool_call_id")?
        } else {
            let name = name
                .as_deref()
                .ok_or_else(|| object.missing("name", "the function's name"))?;
            let id = self.functions.get(name).cloned();
            id.unwrap_or_else(|| format!("call_{name}"))
        };
        let at = object.at("content");
        let content = match object.take("content") {
            Some(content) => read_content(content, &at, &mut self.extra)?,
            None => Vec::new(),
        };
        let name = name.or_else(|| self.tools.get(&id).cloned());
        let result = ToolResult {
            name,
            content,
            is_error: object.flag("is_error")?.unwrap_or(false),
            cache: object.take("cache_control"),
            id,
        };
        Ok(Message {
            role: Role::Tool,
            parts: vec![Part::ToolResult(result)],
            name: None,
            extra: without_nulls(object.rest()),
        })
    }
}

/// Hangs a mark for the prompt cache on the last text.
fn mark(parts: &mut [Part], cache: Value) {
    let texts = parts.iter_mut().rev().find_map(|part| match part {
        Part::Text(text) => Some(text),
        _ => None,
    });
    if let Some(text) = texts {
        text.cache.get_or_insert(cache);
    }
}
