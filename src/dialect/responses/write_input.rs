//! Messages as the items of `input`.

use serde_json::{Map, Value, json};

use super::super::chat::data_url;
use super::super::neutral::{Media, Message, Part, Reasoning, Role, Source, Text, ToolResult};
use super::item;

/// Annotations that OpenAI knows; others it refuses.
const ANNOTATIONS: [&str; 4] = [
    "file_citation",
    "url_citation",
    "container_file_citation",
    "file_path",
];

/// Writes messages in their order.
#[derive(Debug, Default)]
pub(super) struct InputWriter {
    items: Vec<Value>,
    /// Of the message that is being written.
    content: Vec<Value>,
    dropped: Vec<String>,
}

impl InputWriter {
    /// The leading system message as `instructions` if it is plain text, and the messages after it.
    pub(super) fn instructions<'a>(
        &mut self,
        messages: &'a [Message],
    ) -> Option<(String, &'a [Message])> {
        let (first, rest) = messages.split_first()?;
        if first.role != Role::System || !first.extra.is_empty() || rest.is_empty() {
            return None;
        }
        let texts: Option<Vec<&str>> = first
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(text.text.as_str()),
                _ => None,
            })
            .collect();
        let texts = texts?;
        for part in &first.parts {
            if let Part::Text(text) = part {
                self.note_cache(text.cache.as_ref());
            }
        }
        if first.name.is_some() {
            self.leave_out("name");
        }
        Some((texts.join("\n\n"), rest))
    }

    /// Writes `message`.
    pub(super) fn write(&mut self, message: &Message) {
        if message.name.is_some() {
            self.leave_out("name");
        }
        for key in message.extra.keys().filter(|key| *key != "phase") {
            self.leave_out(key);
        }
        for part in &message.parts {
            self.write_part(part, message);
        }
        self.close(message);
    }

    /// The items, and what was left out.
    pub(super) fn finish(self) -> (Vec<Value>, Vec<String>) {
        (self.items, self.dropped)
    }

    fn write_part(&mut self, part: &Part, message: &Message) {
        if let Some(content) = self.content_of(part, message.role) {
            self.content.push(content);
            return;
        }
        let item = match part {
            Part::ToolCall(call) => {
                self.note_cache(call.cache.as_ref());
                if call.signature.is_some() {
                    self.leave_out("signature");
                }
                Some(
                    json!({"type": "function_call", "call_id": call.id, "name": call.name,
                    "arguments": call.arguments}),
                )
            }
            Part::ToolResult(result) => Some(self.result(result)),
            Part::Reasoning(thought) => self.thought(thought),
            Part::Other(_, value) => Some(value.clone()),
            Part::Text(_) | Part::Image(_) | Part::Audio(_) | Part::File(_) | Part::Refusal(_) => {
                None
            }
        };
        if let Some(item) = item {
            self.close(message);
            self.items.push(item);
        }
    }

    /// Ends the message that is being written, if it says anything.
    fn close(&mut self, message: &Message) {
        if self.content.is_empty() {
            return;
        }
        let role = match message.role {
            Role::System => "system",
            Role::Developer => "developer",
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        let content = std::mem::take(&mut self.content);
        let mut item = json!({"type": "message", "role": role, "content": content});
        if let (Some(phase), Some(members)) = (message.extra.get("phase"), item.as_object_mut()) {
            members.insert("phase".to_owned(), phase.clone());
        }
        self.items.push(item);
    }

    /// `part` as content; `None` if it is an item of its own.
    fn content_of(&mut self, part: &Part, role: Role) -> Option<Value> {
        match part {
            Part::Text(text) => Some(self.text(text, role)),
            Part::Refusal(text) => Some(item::refusal(text)),
            Part::Image(media) => {
                self.note_cache(media.cache.as_ref());
                image(media)
            }
            Part::File(media) => {
                self.note_cache(media.cache.as_ref());
                Some(file(media))
            }
            Part::Other(_, value) => {
                let kind = value.get("type").and_then(Value::as_str)?;
                // Types of items never begin so.
                let is_content = kind.starts_with("input_") || kind.starts_with("output_");
                is_content.then(|| value.clone())
            }
            Part::Audio(_) | Part::ToolCall(_) | Part::ToolResult(_) | Part::Reasoning(_) => None,
        }
    }

    fn text(&mut self, text: &Text, role: Role) -> Value {
        self.note_cache(text.cache.as_ref());
        if role != Role::Assistant {
            return json!({"type": "input_text", "text": text.text});
        }
        let mut annotations = text
            .annotations
            .as_ref()
            .map(item::annotations)
            .unwrap_or_default();
        let all = annotations.len();
        annotations.retain(|one| {
            let kind = one.get("type").and_then(Value::as_str);
            kind.is_some_and(|kind| ANNOTATIONS.contains(&kind))
        });
        if annotations.len() < all {
            self.leave_out("annotations");
        }
        json!({"type": "output_text", "text": text.text, "annotations": annotations})
    }

    /// Only what OpenAI sealed can come back to it; other thoughts it refuses.
    fn thought(&mut self, thought: &Reasoning) -> Option<Value> {
        let Some(sealed) = thought
            .sealed
            .as_ref()
            .filter(|_| thought.signature.is_none())
        else {
            self.leave_out("reasoning");
            return None;
        };
        let mut written = Map::new();
        written.insert("type".to_owned(), json!("reasoning"));
        if let Some(id) = &thought.id {
            written.insert("id".to_owned(), json!(id));
        }
        let has_summary = thought.is_summary && !thought.text.is_empty();
        let summary: Vec<Value> = has_summary
            .then(|| item::summary(&thought.text))
            .into_iter()
            .collect();
        written.insert("summary".to_owned(), Value::Array(summary));
        written.insert("encrypted_content".to_owned(), json!(sealed));
        Some(Value::Object(written))
    }

    fn result(&mut self, result: &ToolResult) -> Value {
        self.note_cache(result.cache.as_ref());
        let mut list = Vec::new();
        // Responses has no mark for a failed call; the text says it.
        let says_so = |part: &Part| matches!(part, Part::Text(text) if starts_as_error(&text.text));
        if result.is_error && !result.content.first().is_some_and(says_so) {
            list.push(json!({"type": "input_text", "text": "Error: "}));
        }
        for part in &result.content {
            list.extend(self.content_of(part, Role::Tool));
        }
        let texts: Option<String> = list
            .iter()
            .map(|part| {
                let is_text = part["type"] == "input_text";
                part["text"].as_str().filter(|_| is_text)
            })
            .collect();
        let output = texts.map_or(Value::Array(list), Value::String);
        json!({"type": "function_call_output", "call_id": result.id, "output": output})
    }

    fn note_cache(&mut self, cache: Option<&Value>) {
        if cache.is_some() {
            self.leave_out("cache_control");
        }
    }

    fn leave_out(&mut self, key: &str) {
        if !self.dropped.iter().any(|name| name == key) {
            self.dropped.push(key.to_owned());
        }
    }
}

fn starts_as_error(text: &str) -> bool {
    text.get(..5)
        .is_some_and(|head| head.eq_ignore_ascii_case("error"))
}

fn image(media: &Media) -> Option<Value> {
    let mut written = Map::new();
    written.insert("type".to_owned(), json!("input_image"));
    let (key, value) = match &media.source {
        Source::Base64(data) => {
            let media_type = media.media_type.as_deref().unwrap_or("image/png");
            ("image_url", data_url(media_type, data))
        }
        Source::Url(url) => ("image_url", url.clone()),
        Source::Id(id) => ("file_id", id.clone()),
        Source::Text(_) => return None,
    };
    written.insert(key.to_owned(), json!(value));
    let detail = media.detail.as_deref().unwrap_or("auto");
    written.insert("detail".to_owned(), json!(detail));
    Some(Value::Object(written))
}

fn file(media: &Media) -> Value {
    let name = media.name.as_deref();
    let mut written = match &media.source {
        Source::Base64(data) => {
            let media_type = media.media_type.as_deref().unwrap_or("application/pdf");
            json!({"type": "input_file", "filename": name.unwrap_or("document.pdf"),
                "file_data": data_url(media_type, data)})
        }
        Source::Url(url) => json!({"type": "input_file", "file_url": url}),
        Source::Id(id) => json!({"type": "input_file", "file_id": id}),
        Source::Text(text) => {
            let text = name.map_or_else(|| text.clone(), |name| format!("{name}:\n{text}"));
            return json!({"type": "input_text", "text": text});
        }
    };
    if let (Some(detail), Some(members)) = (&media.detail, written.as_object_mut()) {
        members.insert("detail".to_owned(), json!(detail));
    }
    written
}
