//! Parts of a message's content, both ways.

use serde_json::{Map, Value, json};

use super::super::json::{Object, misread};
use super::super::neutral::{Dialect, Extra, Media, Misread, Part, Reasoning, Source, Text, Unfit};

/// Reads `content`, a text or a list of parts, that stands at `at`. Members of parts that have no place in the neutral form
/// go to `extra` under their whole place.
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
                parts.push(read_part(value, &format!("{at}[{index}]"), extra)?);
            }
            Ok(parts)
        }
        other => Err(misread(at, "a string or a list of parts", &other)),
    }
}

fn read_part(value: Value, at: &str, extra: &mut Extra) -> Result<Part, Misread> {
    let whole = match value {
        // Mistral takes bare texts in a list.
        Value::String(text) => return Ok(Part::Text(Text::plain(text))),
        other => other,
    };
    let kind = whole
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !matches!(
        kind,
        "text" | "image_url" | "input_audio" | "file" | "refusal" | "thinking"
    ) {
        // A part without a type is nobody's; one of an unknown type may be the server's own.
        Object::of(whole.clone(), at)?.need_text("type")?;
        return Ok(Part::Other(Dialect::Chat, whole));
    }
    let kind = kind.to_owned();
    let mut object = Object::of(whole, at)?;
    object.take("type");
    let cache = object.take("cache_control");
    let part = match kind.as_str() {
        "text" => Part::Text(Text {
            text: object.need_text("text")?,
            annotations: object.take("annotations"),
            cache,
        }),
        "refusal" => Part::Refusal(object.need_text("refusal")?),
        "thinking" => Part::Reasoning(read_thinking(&mut object)?),
        "image_url" => Part::Image(read_image(&mut object, cache)?),
        "input_audio" => Part::Audio(read_audio(&mut object, cache)?),
        _ => Part::File(read_file(&mut object, cache)?),
    };
    for (key, value) in object.rest() {
        if !value.is_null() {
            extra.insert(format!("{at}.{key}"), value);
        }
    }
    Ok(part)
}

/// Mistral's thoughts: a text, or a list of texts.
fn read_thinking(object: &mut Object) -> Result<Reasoning, Misread> {
    let at = object.at("thinking");
    let text = match object.take("thinking") {
        None => String::new(),
        Some(Value::String(text)) => text,
        Some(Value::Array(list)) => {
            let mut text = String::new();
            for (index, value) in list.into_iter().enumerate() {
                let mut part = Object::of(value, format!("{at}[{index}]"))?;
                text.push_str(&part.text("text")?.unwrap_or_default());
            }
            text
        }
        Some(other) => return Err(misread(&at, "a string or a list of texts", &other)),
    };
    object.take("closed");
    Ok(Reasoning {
        text,
        signature: object.text("signature")?,
        ..Reasoning::default()
    })
}

/// An image: `image_url: {url, detail}`, or the address alone, as Mistral has it.
pub(super) fn read_image(object: &mut Object, cache: Option<Value>) -> Result<Media, Misread> {
    let at = object.at("image_url");
    let (url, detail) = match object.take("image_url") {
        Some(Value::String(url)) => (url, None),
        Some(value) => {
            let mut image = Object::of(value, at)?;
            (image.need_text("url")?, image.text("detail")?)
        }
        None => return Err(object.missing("image_url", "an object with `url`")),
    };
    let (source, media_type) = source_of(url);
    Ok(Media {
        source,
        media_type,
        name: None,
        detail,
        cache,
    })
}

fn read_audio(object: &mut Object, cache: Option<Value>) -> Result<Media, Misread> {
    let mut audio = object
        .object("input_audio")?
        .ok_or_else(|| object.missing("input_audio", "an object with `data` and `format`"))?;
    let data = audio.need_text("data")?;
    let format = audio.text("format")?;
    Ok(Media {
        source: Source::Base64(data),
        media_type: format.map(|format| format!("audio/{format}")),
        name: None,
        detail: None,
        cache,
    })
}

fn read_file(object: &mut Object, cache: Option<Value>) -> Result<Media, Misread> {
    let mut file = object
        .object("file")?
        .ok_or_else(|| object.missing("file", "an object with `file_data` or `file_id`"))?;
    let name = file.text("filename")?;
    let (source, media_type) = match (file.text("file_data")?, file.text("file_id")?) {
        (Some(data), _) if data.starts_with("data:") || data.starts_with("http") => source_of(data),
        (Some(data), _) => (Source::Base64(data), None),
        (None, Some(id)) => (Source::Id(id), None),
        (None, None) => return Err(file.missing("file_data", "a string, or `file_id`")),
    };
    Ok(Media {
        source,
        media_type,
        name,
        detail: None,
        cache,
    })
}

/// Where an address leads: `data:` holds the medium itself.
pub(in crate::dialect) fn source_of(url: String) -> (Source, Option<String>) {
    let inline = url.strip_prefix("data:").and_then(|rest| {
        let (head, data) = rest.split_once(',')?;
        let media_type = head.strip_suffix(";base64")?;
        let media_type = media_type.split(';').next().unwrap_or_default();
        let media_type = (!media_type.is_empty()).then(|| media_type.to_owned());
        Some((Source::Base64(data.to_owned()), media_type))
    });
    inline.unwrap_or((Source::Url(url), None))
}

/// Whether `part` can stand in the content of a chat message; the reason if not.
pub(super) fn fits(part: &Part) -> Result<(), Unfit> {
    let what = match part {
        Part::Image(Media {
            source: Source::Id(_),
            ..
        }) => "images by a provider's id",
        Part::Image(Media {
            source: Source::Text(_),
            ..
        }) => "images as text",
        Part::Audio(Media { source, .. }) if !matches!(source, Source::Base64(_)) => {
            "sound that is not in the request"
        }
        Part::File(Media {
            source: Source::Url(_),
            ..
        }) => "documents by address",
        Part::Other(dialect, value) if *dialect != Dialect::Chat => {
            let kind = value.get("type").and_then(Value::as_str);
            return Err(unfit(format!(
                "part of the type {:?} of {dialect:?}",
                kind.unwrap_or("unknown")
            )));
        }
        Part::Text(_)
        | Part::Image(_)
        | Part::Audio(_)
        | Part::File(_)
        | Part::ToolCall(_)
        | Part::ToolResult(_)
        | Part::Reasoning(_)
        | Part::Refusal(_)
        | Part::Other(..) => return Ok(()),
    };
    Err(unfit(what))
}

/// That chat completions have no `what`.
pub(super) fn unfit(what: impl Into<String>) -> Unfit {
    Unfit {
        dialect: Dialect::Chat,
        what: what.into(),
    }
}

/// `part` as it stands in a content list; `None` for parts that stand elsewhere in a message, or that do not fit.
pub(super) fn write_part(part: &Part, with_cache: bool) -> Option<Value> {
    let (mut value, cache) = match part {
        Part::Text(text) => (json!({"type": "text", "text": text.text}), &text.cache),
        Part::Image(media) => (write_image(media)?, &media.cache),
        Part::Audio(media) => (write_audio(media)?, &media.cache),
        Part::File(media) => (write_file(media)?, &media.cache),
        Part::Other(Dialect::Chat, value) => return Some(value.clone()),
        Part::Other(..)
        | Part::ToolCall(_)
        | Part::ToolResult(_)
        | Part::Reasoning(_)
        | Part::Refusal(_) => return None,
    };
    if let (true, Some(cache), Some(members)) = (with_cache, cache, value.as_object_mut()) {
        members.insert("cache_control".to_owned(), cache.clone());
    }
    Some(value)
}

/// An image part.
pub(super) fn write_image(media: &Media) -> Option<Value> {
    let url = match &media.source {
        Source::Base64(data) => data_url(media.media_type.as_deref().unwrap_or("image/png"), data),
        Source::Url(url) => url.clone(),
        Source::Id(_) | Source::Text(_) => return None,
    };
    let mut image = Map::new();
    image.insert("url".to_owned(), Value::String(url));
    if let Some(detail) = &media.detail {
        image.insert("detail".to_owned(), json!(detail));
    }
    Some(json!({"type": "image_url", "image_url": image}))
}

fn write_audio(media: &Media) -> Option<Value> {
    let Source::Base64(data) = &media.source else {
        return None;
    };
    let media_type = media.media_type.as_deref().unwrap_or("audio/wav");
    let format = media_type.strip_prefix("audio/").unwrap_or(media_type);
    let format = if format == "mpeg" { "mp3" } else { format };
    Some(json!({"type": "input_audio", "input_audio": {"data": data, "format": format}}))
}

fn write_file(media: &Media) -> Option<Value> {
    let mut file = Map::new();
    match &media.source {
        Source::Base64(data) => {
            let media_type = media.media_type.as_deref().unwrap_or("application/pdf");
            let name = media.name.as_deref().unwrap_or("document.pdf");
            file.insert("filename".to_owned(), json!(name));
            file.insert("file_data".to_owned(), data_url(media_type, data).into());
        }
        Source::Id(id) => {
            file.insert("file_id".to_owned(), json!(id));
        }
        Source::Text(text) => {
            let named = media.name.as_ref().map(|name| format!("{name}:\n{text}"));
            let text = named.as_ref().unwrap_or(text);
            return Some(json!({"type": "text", "text": text}));
        }
        Source::Url(_) => return None,
    }
    Some(json!({"type": "file", "file": file}))
}

/// A medium in an address.
pub(in crate::dialect) fn data_url(media_type: &str, data: &str) -> String {
    format!("data:{media_type};base64,{data}")
}

/// The word of `dialect` in `provider_parts`.
pub(in crate::dialect) const fn dialect_word(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Chat => "chat",
        Dialect::Completions => "completions",
        Dialect::Responses => "responses",
        Dialect::Messages => "messages",
        Dialect::Gemini => "gemini",
        Dialect::Converse => "converse",
        Dialect::Cohere => "cohere",
    }
}

/// A part that only `dialect` knows, as an element of `provider_parts`.
pub(super) fn write_foreign(dialect: Dialect, part: &Value) -> Value {
    json!({"dialect": dialect_word(dialect), "part": part})
}

/// Reads an element of `provider_parts`; `None` if it is not one of ours.
pub(super) fn read_foreign(value: &Value) -> Option<Part> {
    let word = value.get("dialect")?.as_str()?;
    let all = [
        Dialect::Completions,
        Dialect::Responses,
        Dialect::Messages,
        Dialect::Gemini,
        Dialect::Converse,
        Dialect::Cohere,
    ];
    let dialect = all.into_iter().find(|one| dialect_word(*one) == word)?;
    Some(Part::Other(dialect, value.get("part")?.clone()))
}
