//! Blocks of content, read.

use serde_json::Value;

use super::super::json::{Object, misread};
use super::super::neutral::{
    Dialect, Extra, Media, Misread, Part, Reasoning, Text, ToolCall, ToolResult,
};
use super::media::{self, Medium};

/// Reads `content`, a text or a list of blocks, that stands at `at`. Members of blocks that have no place in the neutral
/// form go to `extra` under their whole place.
pub(super) fn read_content(
    content: Value,
    at: &str,
    extra: &mut Extra,
) -> Result<Vec<Part>, Misread> {
    match content {
        Value::String(text) => Ok(vec![Part::Text(Text::plain(text))]),
        Value::Array(list) => {
            let mut parts = Vec::with_capacity(list.len());
            for (index, value) in list.into_iter().enumerate() {
                parts.push(read_block(value, &format!("{at}[{index}]"), extra)?);
            }
            Ok(parts)
        }
        other => Err(misread(at, "a string or a list of blocks", &other)),
    }
}

/// A block that is understood.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Image,
    Document,
    ToolUse,
    ToolResult,
    Thinking,
    Redacted,
}

impl Kind {
    /// The kind of `block`; `None` for what only Anthropic knows.
    fn of(block: &Value) -> Option<Self> {
        match block.get("type")?.as_str()? {
            "text" => Some(Self::Text),
            "image" => media::is_known(block, Medium::Image).then_some(Self::Image),
            "document" => media::is_known(block, Medium::Document).then_some(Self::Document),
            "tool_use" => Some(Self::ToolUse),
            "tool_result" => Some(Self::ToolResult),
            "thinking" => Some(Self::Thinking),
            "redacted_thinking" => Some(Self::Redacted),
            _ => None,
        }
    }
}

fn read_block(whole: Value, at: &str, extra: &mut Extra) -> Result<Part, Misread> {
    let Some(kind) = Kind::of(&whole) else {
        if whole.get("type").is_some_and(Value::is_string) {
            return Ok(Part::Other(Dialect::Messages, whole));
        }
        let mut object = Object::of(whole, at)?;
        object.need_text("type")?;
        return Err(object.missing("type", "a string"));
    };
    let mut object = Object::of(whole, at)?;
    object.take("type");
    let cache = object.take("cache_control");
    let part = match kind {
        Kind::Text => Part::Text(Text {
            text: object.need_text("text")?,
            annotations: object.take("citations").filter(has_any),
            cache,
        }),
        Kind::Image => Part::Image(read_media(&mut object, None, cache, extra)?),
        Kind::Document => {
            let name = object.text("title")?;
            Part::File(read_media(&mut object, name, cache, extra)?)
        }
        Kind::ToolUse => Part::ToolCall(read_call(&mut object, cache)?),
        Kind::ToolResult => Part::ToolResult(read_result(&mut object, cache, extra)?),
        Kind::Thinking => Part::Reasoning(Reasoning {
            text: object.text("thinking")?.unwrap_or_default(),
            signature: object.text("signature")?.filter(|text| !text.is_empty()),
            ..Reasoning::default()
        }),
        Kind::Redacted => Part::Reasoning(Reasoning {
            sealed: Some(object.need_text("data")?),
            ..Reasoning::default()
        }),
    };
    for (key, value) in object.rest() {
        if !value.is_null() {
            extra.insert(format!("{at}.{key}"), value);
        }
    }
    Ok(part)
}

fn has_any(list: &Value) -> bool {
    list.as_array().is_none_or(|list| !list.is_empty())
}

fn read_media(
    object: &mut Object,
    name: Option<String>,
    cache: Option<Value>,
    extra: &mut Extra,
) -> Result<Media, Misread> {
    let (source, media_type) = media::read_source(object, extra)?;
    Ok(Media {
        source,
        media_type,
        name,
        detail: None,
        cache,
    })
}

fn read_call(object: &mut Object, cache: Option<Value>) -> Result<ToolCall, Misread> {
    // That the model itself called is what a call without the member says.
    let is_direct = |caller: &Value| caller.get("type").is_some_and(|kind| kind == "direct");
    if object.peek("caller").is_some_and(is_direct) {
        object.take("caller");
    }
    let at = object.at("input");
    let arguments = match object.take("input") {
        None => "{}".to_owned(),
        Some(input @ Value::Object(_)) => input.to_string(),
        Some(other) => return Err(misread(&at, "an object", &other)),
    };
    Ok(ToolCall {
        id: object.need_text("id")?,
        name: object.need_text("name")?,
        arguments,
        signature: None,
        cache,
    })
}

fn read_result(
    object: &mut Object,
    cache: Option<Value>,
    extra: &mut Extra,
) -> Result<ToolResult, Misread> {
    let at = object.at("content");
    let content = match object.take("content") {
        Some(content) => read_content(content, &at, extra)?,
        None => Vec::new(),
    };
    Ok(ToolResult {
        id: object.need_text("tool_use_id")?,
        name: None,
        content,
        is_error: object.flag("is_error")?.unwrap_or(false),
        cache,
    })
}
