//! A conversation as `contents` and `systemInstruction`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::dropped::Dropped;
use super::media::{self, Kind};
use super::{GeminiOptions, response};
use crate::dialect::neutral::{
    Dialect, Media, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult, Unfit,
};

/// What Gemini 3 takes for the signature of a call that it did not make: a conversation that began elsewhere, or whose
/// thoughts are lost. Without any, the first call of a step is a 400 (`missing a thought_signature`); earlier models do not
/// look. Source: <https://ai.google.dev/gemini-api/docs/thought-signatures>, read 2026-11-28.
const UNSIGNED: &str = "skip_thought_signature_validator";

/// Whose a content is. Results of tools are the user's too, but stand alone: the host counts them against the calls of the
/// content before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    User,
    Results,
    Model,
}

/// Writes a conversation, message by message.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    options: GeminiOptions,
    system: Vec<Value>,
    turns: Vec<(Turn, Vec<Value>)>,
    /// Names of the tools that were called so far, by call. An id that comes again means the later call.
    tools: BTreeMap<&'a str, &'a str>,
    /// Media of results, which follow when the results are over.
    media: Vec<Value>,
    /// What was left out.
    pub(super) dropped: Dropped,
}

/// The parts of one message of the model's.
#[derive(Debug, Default)]
struct Parts {
    list: Vec<Value>,
    /// A signature that belongs to the next part.
    signature: Option<String>,
}

impl Parts {
    fn push(&mut self, mut part: Value) {
        if let (Some(signature), Some(members)) = (self.signature.take(), part.as_object_mut()) {
            members
                .entry("thoughtSignature")
                .or_insert(Value::String(signature));
        }
        self.list.push(part);
    }

    /// A signature without a part behind it stands on an empty text, as the host itself sends it at a stream's end.
    fn flush(&mut self) {
        if let Some(signature) = self.signature.take() {
            self.list
                .push(json!({"text": "", "thoughtSignature": signature}));
        }
    }
}

/// Gives the first call among `parts` the signature of those that have none, unless it has one.
fn sign_first_call(parts: &mut [Value]) {
    let first = parts
        .iter_mut()
        .find(|part| part.get("functionCall").is_some());
    if let Some(members) = first.and_then(Value::as_object_mut) {
        members
            .entry("thoughtSignature")
            .or_insert_with(|| UNSIGNED.into());
    }
}

impl<'a> Contents<'a> {
    /// Before the first message.
    pub(super) fn new(options: GeminiOptions) -> Self {
        Self {
            options,
            system: Vec::new(),
            turns: Vec::new(),
            tools: BTreeMap::new(),
            media: Vec::new(),
            dropped: Dropped::default(),
        }
    }

    /// Writes `message`.
    ///
    /// # Errors
    /// A part that this host does not take.
    pub(super) fn write(&mut self, message: &'a Message) -> Result<(), Unfit> {
        self.dropped
            .name_if(message.name.is_some(), "messages[].name");
        for key in message.extra.keys() {
            self.dropped.name(format!("messages[].{key}"));
        }
        // Results come first, whatever else their message says.
        for part in &message.parts {
            if let Part::ToolResult(result) = part {
                self.write_result(result)?;
            }
        }
        let mut parts = Parts::default();
        for part in &message.parts {
            self.write_part(part, &mut parts)?;
        }
        parts.flush();
        let turn = match message.role {
            Role::System | Role::Developer => {
                self.system.append(&mut parts.list);
                return Ok(());
            }
            Role::User | Role::Tool => Turn::User,
            Role::Assistant => Turn::Model,
        };
        if turn == Turn::Model && self.options.thinking_levels {
            sign_first_call(&mut parts.list);
        }
        if !parts.list.is_empty() {
            self.end_results();
            self.push(turn, parts.list);
        }
        Ok(())
    }

    /// The standing instructions, if any, the contents, and what was left out.
    pub(super) fn finish(mut self) -> (Option<Value>, Vec<Value>, Dropped) {
        self.end_results();
        // A request must ask something: instructions alone are what is asked.
        if self.turns.is_empty() && !self.system.is_empty() {
            let system = std::mem::take(&mut self.system);
            self.push(Turn::User, system);
        }
        let contents = self.turns.into_iter().map(|(turn, parts)| {
            let role = match turn {
                Turn::User | Turn::Results => "user",
                Turn::Model => "model",
            };
            json!({"role": role, "parts": parts})
        });
        let contents = contents.collect();
        let system = (!self.system.is_empty()).then(|| json!({"parts": self.system}));
        (system, contents, self.dropped)
    }

    fn push(&mut self, turn: Turn, mut parts: Vec<Value>) {
        match self.turns.last_mut() {
            Some((last, held)) if *last == turn => held.append(&mut parts),
            _ => self.turns.push((turn, parts)),
        }
    }

    fn end_results(&mut self) {
        let media = std::mem::take(&mut self.media);
        if !media.is_empty() {
            self.push(Turn::User, media);
        }
    }

    fn write_result(&mut self, result: &ToolResult) -> Result<(), Unfit> {
        self.dropped
            .name_if(result.cache.is_some(), "cache_control");
        let called = self.tools.get(result.id.as_str()).copied();
        // A name is a must; a result of no call that we know is the host's to refuse.
        let name = called.or(result.name.as_deref()).unwrap_or(&result.id);
        let mut written = response::write(result, name, self.options, &mut self.dropped)?;
        self.push(Turn::Results, vec![written.part]);
        self.media.append(&mut written.media);
        Ok(())
    }

    fn write_part(&mut self, part: &'a Part, out: &mut Parts) -> Result<(), Unfit> {
        match part {
            Part::Text(text) => self.write_text(text, out),
            Part::Refusal(text) => out.push(json!({"text": text})),
            Part::Image(image) => self.write_media(image, Kind::Image, out)?,
            Part::Audio(sound) => self.write_media(sound, Kind::Audio, out)?,
            Part::File(file) => self.write_media(file, Kind::File, out)?,
            Part::ToolCall(call) => self.write_call(call, out),
            Part::Reasoning(thought) => self.write_thought(thought, out),
            Part::Other(Dialect::Gemini, value) => out.push(value.clone()),
            // Results are written before; the others do not fit.
            Part::ToolResult(_) | Part::Other(..) => {}
        }
        Ok(())
    }

    fn write_text(&mut self, text: &Text, out: &mut Parts) {
        self.dropped.name_if(text.cache.is_some(), "cache_control");
        // An empty text is refused unless it carries a signature.
        if !text.text.is_empty() || out.signature.is_some() {
            out.push(json!({"text": text.text}));
        }
    }

    fn write_media(&mut self, media: &Media, kind: Kind, out: &mut Parts) -> Result<(), Unfit> {
        self.dropped.name_if(media.cache.is_some(), "cache_control");
        let detail = media.detail.as_deref().is_some_and(|word| word != "auto");
        self.dropped.name_if(detail, "image_url.detail");
        self.dropped
            .name_if(media::loses_name(media, self.options), "file.filename");
        out.push(media::write(media, kind, self.options)?);
        Ok(())
    }

    fn write_call(&mut self, call: &'a ToolCall, out: &mut Parts) {
        self.tools.insert(&call.id, &call.name);
        self.dropped.name_if(call.cache.is_some(), "cache_control");
        let args = serde_json::from_str::<Value>(&call.arguments).ok();
        let args = args.filter(Value::is_object).unwrap_or_else(|| {
            self.dropped.name_if(
                !call.arguments.trim().is_empty(),
                "messages[].tool_calls[].function.arguments",
            );
            json!({})
        });
        let mut written = Map::new();
        if !call.id.is_empty() {
            written.insert("id".to_owned(), json!(call.id));
        }
        written.insert("name".to_owned(), json!(call.name));
        written.insert("args".to_owned(), args);
        if let Some(signature) = self.signature(call.signature.as_deref()) {
            out.flush();
            out.signature = Some(signature);
        }
        out.push(json!({"functionCall": written}));
    }

    fn write_thought(&mut self, thought: &Reasoning, out: &mut Parts) {
        // Thoughts that only another provider can read.
        self.dropped
            .name_if(thought.sealed.is_some(), "messages[].reasoning_details");
        out.flush();
        if !thought.text.is_empty() {
            out.push(json!({"text": thought.text, "thought": true}));
        }
        out.signature = self.signature(thought.signature.as_deref());
    }

    /// A signature that the host can read as such: bytes in base64, in either alphabet. Any other makes the whole request
    /// unreadable there.
    fn signature(&mut self, signature: Option<&str>) -> Option<String> {
        let signature = signature.filter(|text| !text.is_empty())?;
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
        if signature.bytes().all(is_base64) {
            return Some(signature.to_owned());
        }
        self.dropped.name("messages[].signature");
        None
    }
}
