//! Where images and documents are.

use serde_json::{Value, json};

use super::super::json::Object;
use super::super::neutral::{Extra, Media, Misread, Source};

/// What a block shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// An image.
    Image,
    /// A document.
    Document,
}

/// Whether the `source` of an image or a document is of a kind that has a place in the neutral form. A block without one
/// counts, so that reading it tells what is missing.
pub(super) fn is_known(block: &Value, of: Medium) -> bool {
    let Some(source) = block.get("source") else {
        return true;
    };
    match source.get("type").and_then(Value::as_str) {
        Some("base64" | "url" | "file") | None => true,
        Some("text") => of == Medium::Document,
        Some("content") => of == Medium::Document && source.get("content").is_some_and(is_text),
        Some(_) => false,
    }
}

/// Whether a document's content is nothing but text.
fn is_text(content: &Value) -> bool {
    let is_text_block = |block: &Value| {
        block.get("type").is_some_and(|kind| kind == "text")
            && block.get("text").is_some_and(Value::is_string)
    };
    match content {
        Value::String(_) => true,
        Value::Array(list) => list.iter().all(is_text_block),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Takes the `source` of an image or a document, and its type.
pub(super) fn read_source(
    object: &mut Object,
    extra: &mut Extra,
) -> Result<(Source, Option<String>), Misread> {
    let mut source = object
        .object("source")?
        .ok_or_else(|| object.missing("source", "an object with `type`"))?;
    let kind = source.need_text("type")?;
    let media_type = source.text("media_type")?;
    let (read, media_type) = match kind.as_str() {
        "base64" => (Source::Base64(source.need_text("data")?), media_type),
        "url" => (Source::Url(source.need_text("url")?), media_type),
        "file" => (Source::Id(source.need_text("file_id")?), media_type),
        "text" => (Source::Text(source.need_text("data")?), media_type),
        _ => {
            let content = source.take("content").unwrap_or_default();
            (
                Source::Text(joined(&content)),
                Some("text/plain".to_owned()),
            )
        }
    };
    let at = source.at("");
    for (key, value) in source.rest() {
        if !value.is_null() {
            extra.insert(format!("{at}{key}"), value);
        }
    }
    Ok((read, media_type))
}

/// The text of a document that is given in blocks, which are chunks for citing.
fn joined(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        other => {
            let blocks = other.as_array().into_iter().flatten();
            let texts: Vec<&str> = blocks
                .filter_map(|block| block.get("text")?.as_str())
                .collect();
            texts.join("\n")
        }
    }
}

/// An image as a block; `None` for a source that an image cannot have.
pub(super) fn write_image(media: &Media) -> Option<Value> {
    let source = match &media.source {
        Source::Base64(data) => {
            let media_type = media.media_type.as_deref().unwrap_or("image/png");
            json!({"type": "base64", "media_type": media_type, "data": data})
        }
        Source::Url(url) => json!({"type": "url", "url": url}),
        Source::Id(id) => json!({"type": "file", "file_id": id}),
        Source::Text(_) => return None,
    };
    Some(json!({"type": "image", "source": source}))
}
