//! A tool's result as a `functionResponse`.

use serde_json::{Map, Value, json};

use super::GeminiOptions;
use super::dropped::Dropped;
use super::media::{self, Kind};
use crate::dialect::neutral::{Dialect, Part, ToolResult, Unfit};

/// A result, and the media in it that must follow as parts of their own.
#[derive(Debug)]
pub(super) struct Response {
    /// The part.
    pub(super) part: Value,
    /// What follows behind all results of the turn.
    pub(super) media: Vec<Value>,
}

/// Writes `result` of the tool `name`.
///
/// A model that takes `thinkingLevel` takes media inside a result too (AI Studio only what is in the request itself); for
/// others they follow behind it.
///
/// # Errors
/// Media that this host does not take.
pub(super) fn write(
    result: &ToolResult,
    name: &str,
    options: GeminiOptions,
    dropped: &mut Dropped,
) -> Result<Response, Unfit> {
    let (mut texts, mut inside, mut behind) = (Vec::new(), Vec::new(), Vec::new());
    for part in &result.content {
        let written = match part {
            Part::Text(text) => {
                dropped.name_if(text.cache.is_some(), "cache_control");
                texts.push(text.text.as_str());
                continue;
            }
            Part::Refusal(text) => {
                texts.push(text);
                continue;
            }
            Part::Image(image) => media::write(image, Kind::Image, options)?,
            Part::Audio(sound) => media::write(sound, Kind::Audio, options)?,
            Part::File(file) => media::write(file, Kind::File, options)?,
            Part::Other(Dialect::Gemini, value) => value.clone(),
            Part::Other(..) | Part::ToolCall(_) | Part::ToolResult(_) | Part::Reasoning(_) => {
                dropped.name("messages[].content[]");
                continue;
            }
        };
        let is_inline = written.get("inlineData").is_some();
        let is_file = written.get("fileData").is_some();
        if options.thinking_levels && (is_inline || (is_file && options.vertex)) {
            inside.push(written);
        } else {
            behind.push(written);
        }
    }
    let mut written = Map::new();
    if !result.id.is_empty() {
        written.insert("id".to_owned(), json!(result.id));
    }
    written.insert("name".to_owned(), json!(name));
    written.insert("response".to_owned(), response(&texts, result.is_error));
    if !inside.is_empty() {
        written.insert("parts".to_owned(), inside.into());
    }
    Ok(Response {
        part: json!({"functionResponse": written}),
        media: behind,
    })
}

/// What the tool said: an object as it is, anything else under `result`, a failure under `error`.
fn response(texts: &[&str], is_error: bool) -> Value {
    let text = texts.join("\n");
    // The host takes an object only; one that it would not read as one stays text.
    let object = serde_json::from_str::<Value>(&text).ok();
    let object = object.filter(Value::is_object);
    match (object, is_error) {
        (Some(object), true) => json!({"error": object}),
        (Some(object), false) => object,
        (None, true) => json!({"error": text}),
        (None, false) => json!({"result": text}),
    }
}
