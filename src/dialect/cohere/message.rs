//! Messages as Cohere takes them.

use serde_json::{Map, Value, json};

use super::unfit;
use crate::dialect::neutral::{
    Dialect, Media, Message, Part, Role, Source, ToolCall, ToolResult, Unfit,
};

/// Members of an assistant's message that are Cohere's own.
const OWN: [&str; 2] = ["citations", "tool_plan"];

/// Whether a part can be said.
pub(super) fn fit_part(part: &Part) -> Result<(), Unfit> {
    match part {
        Part::Image(media) => image(media).map(drop),
        Part::Audio(_) => Err(unfit("sound")),
        Part::File(_) => Err(unfit("files")),
        Part::ToolResult(result) => result.content.iter().try_for_each(fit_part),
        Part::Text(_)
        | Part::ToolCall(_)
        | Part::Reasoning(_)
        | Part::Refusal(_)
        | Part::Other(Dialect::Cohere, _) => Ok(()),
        Part::Other(..) => Err(unfit("parts that only another provider knows")),
    }
}

/// Writes a conversation. What is left out is named.
#[derive(Debug, Default)]
pub(super) struct MessageWriter {
    messages: Vec<Value>,
    dropped: Vec<String>,
    /// Images of tool results: a result takes only text, so they follow in a user's message when the results are over.
    pending: Vec<Value>,
}

impl MessageWriter {
    /// Writes `message`. Results of tools come first, as messages of their own, whatever the role.
    pub(super) fn write(&mut self, message: &Message) {
        let mut rest = Vec::new();
        for part in &message.parts {
            match part {
                Part::ToolResult(result) => self.write_result(result),
                other => rest.push(other),
            }
        }
        self.name_members(message);
        if rest.is_empty() && !message.parts.is_empty() {
            return;
        }
        match message.role {
            Role::Assistant => self.write_assistant(message, &rest),
            Role::System | Role::Developer => {
                let content = rest.into_iter().filter_map(said).collect();
                self.push("system", content);
            }
            Role::User | Role::Tool => {
                let mut content = std::mem::take(&mut self.pending);
                content.extend(rest.into_iter().filter_map(said));
                self.push("user", content);
            }
        }
    }

    /// The end of the conversation: its messages, and the names of what was left out.
    pub(super) fn finish(mut self) -> (Vec<Value>, Vec<String>) {
        self.flush();
        (self.messages, self.dropped)
    }

    fn flush(&mut self) {
        let content = std::mem::take(&mut self.pending);
        self.push("user", content);
    }

    /// A message without content says nothing, and Cohere refuses it.
    fn push(&mut self, role: &str, content: Vec<Value>) {
        if let Some(content) = joined(content) {
            self.messages
                .push(json!({"role": role, "content": content}));
        }
    }

    fn leave_out(&mut self, name: String) {
        if !self.dropped.contains(&name) {
            self.dropped.push(name);
        }
    }

    fn name_members(&mut self, message: &Message) {
        if message.name.is_some() {
            self.leave_out("messages[].name".to_owned());
        }
        let is_taken = |key: &str| message.role == Role::Assistant && OWN.contains(&key);
        for key in message.extra.keys().filter(|key| !is_taken(key)) {
            self.leave_out(format!("messages[].{key}"));
        }
    }

    fn write_assistant(&mut self, message: &Message, parts: &[&Part]) {
        self.flush();
        let calls: Vec<Value> = parts.iter().copied().filter_map(call).collect();
        let mut thoughts = Vec::new();
        let mut content = Vec::new();
        for part in parts {
            match part {
                Part::Reasoning(thought) => {
                    if thought.sealed.is_some() || thought.signature.is_some() {
                        self.leave_out("messages[].reasoning_details".to_owned());
                    }
                    if !thought.text.is_empty() && calls.is_empty() {
                        content.push(json!({"type": "thinking", "thinking": thought.text}));
                    } else if !thought.text.is_empty() {
                        thoughts.push(thought.text.as_str());
                    }
                }
                other => content.extend(said(other)),
            }
        }
        let mut written = Map::new();
        written.insert("role".to_owned(), json!("assistant"));
        if let Some(content) = joined(content) {
            written.insert("content".to_owned(), content);
        }
        if !thoughts.is_empty() {
            written.insert("tool_plan".to_owned(), json!(thoughts.join("\n\n")));
        }
        if !calls.is_empty() {
            written.insert("tool_calls".to_owned(), Value::Array(calls));
        }
        for (key, value) in &message.extra {
            if OWN.contains(&key.as_str()) {
                written.entry(key.as_str()).or_insert_with(|| value.clone());
            }
        }
        if written.contains_key("content") || written.contains_key("tool_calls") {
            self.messages.push(Value::Object(written));
        }
    }

    fn write_result(&mut self, result: &ToolResult) {
        let (texts, others): (Vec<&Part>, Vec<&Part>) = result
            .content
            .iter()
            .partition(|part| matches!(part, Part::Text(_) | Part::Refusal(_)));
        let texts: Vec<Value> = texts.into_iter().filter_map(said).collect();
        let others: Vec<Value> = others.into_iter().filter_map(said).collect();
        // Documents of Cohere's own stand beside texts, images nowhere.
        let (images, mut content): (Vec<Value>, Vec<Value>) = others
            .into_iter()
            .partition(|part| part.get("type").is_some_and(|kind| kind == "image_url"));
        content.splice(0..0, texts);
        let content = match joined(content) {
            Some(content) => content,
            None if images.is_empty() => json!(""),
            None => json!("The result is in the next message."),
        };
        // There is no mark for a failed call; the text says it.
        let content = match content {
            Value::String(text) if result.is_error && !starts_as_error(&text) => {
                json!(format!("Error: {text}"))
            }
            other => other,
        };
        if !images.is_empty() {
            let head = format!("Result of the tool call {}:", result.id);
            self.pending.push(json!({"type": "text", "text": head}));
            self.pending.extend(images);
        }
        self.messages
            .push(json!({"role": "tool", "tool_call_id": result.id, "content": content}));
    }
}

fn starts_as_error(text: &str) -> bool {
    text.get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("error"))
}

/// Parts as `content`: one text alone as a string, anything else as a list.
fn joined(mut parts: Vec<Value>) -> Option<Value> {
    match &mut *parts {
        [] => None,
        [Value::Object(one)] if one.get("type").is_some_and(|kind| kind == "text") => {
            one.shift_remove("text")
        }
        _ => Some(Value::Array(parts)),
    }
}

/// What a part says in `content`.
fn said(part: &Part) -> Option<Value> {
    match part {
        Part::Text(text) if text.text.is_empty() => None,
        Part::Text(text) => Some(json!({"type": "text", "text": text.text})),
        Part::Refusal(text) => Some(json!({"type": "text", "text": text})),
        Part::Image(media) => image(media).ok(),
        Part::Other(Dialect::Cohere, value) => Some(value.clone()),
        Part::Audio(_)
        | Part::File(_)
        | Part::ToolCall(_)
        | Part::ToolResult(_)
        | Part::Reasoning(_)
        | Part::Other(..) => None,
    }
}

fn call(part: &Part) -> Option<Value> {
    let Part::ToolCall(ToolCall {
        id,
        name,
        arguments,
        ..
    }) = part
    else {
        return None;
    };
    let arguments = if arguments.is_empty() {
        "{}"
    } else {
        arguments
    };
    Some(json!({"id": id, "type": "function",
        "function": {"name": name, "arguments": arguments}}))
}

fn image(media: &Media) -> Result<Value, Unfit> {
    let url = match &media.source {
        Source::Base64(data) => {
            let media_type = media.media_type.as_deref().unwrap_or("image/png");
            format!("data:{media_type};base64,{data}")
        }
        Source::Url(url) => url.clone(),
        Source::Id(_) => return Err(unfit("images by a provider's id")),
        Source::Text(_) => return Err(unfit("images as text")),
    };
    let mut written = Map::new();
    written.insert("url".to_owned(), json!(url));
    let known = |detail: &&String| matches!(detail.as_str(), "auto" | "low" | "high");
    if let Some(detail) = media.detail.as_ref().filter(known) {
        written.insert("detail".to_owned(), json!(detail));
    }
    Ok(json!({"type": "image_url", "image_url": written}))
}
