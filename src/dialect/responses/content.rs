//! Content of messages and of tools' results.

use serde_json::Value;

use super::super::chat::{source_of, without_nulls};
use super::super::json::{Object, misread};
use super::super::neutral::{Dialect, Extra, Media, Misread, Part, Source, Text};
use super::item;

/// Types of content that are read here; `text` is what clients of chat write by mistake.
const KNOWN: [&str; 7] = [
    "input_text",
    "output_text",
    "text",
    "refusal",
    "input_image",
    "input_file",
    "input_audio",
];

/// Reads a text or a list of parts that stands at `at`. Members of parts that have no place in the neutral form go to
/// `extra` under their whole place.
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
    let kind = value.get("type").and_then(Value::as_str);
    let Some(kind) = kind.filter(|kind| KNOWN.contains(kind)).map(str::to_owned) else {
        // A part without a type is nobody's; one of an unknown type is OpenAI's own.
        Object::of(value.clone(), at)?.need_text("type")?;
        return Ok(Part::Other(Dialect::Responses, value));
    };
    let mut object = Object::of(value, at)?;
    object.take("type");
    let part = match kind.as_str() {
        "refusal" => Part::Refusal(object.need_text("refusal")?),
        "input_image" => Part::Image(read_image(&mut object)?),
        "input_file" => Part::File(read_file(&mut object)?),
        "input_audio" => Part::Audio(read_audio(&mut object)?),
        _ => {
            // Probabilities of an earlier answer say nothing to a model.
            object.take("logprobs");
            let annotations = object.take("annotations");
            Part::Text(Text {
                text: object.need_text("text")?,
                annotations: annotations
                    .filter(|list| *list != Value::Array(Vec::new()))
                    .map(|list| item::nested_all(&list)),
                cache: None,
            })
        }
    };
    keep_rest(object, extra);
    Ok(part)
}

/// Notes what was not taken of `object` in `extra`, each under its whole place.
pub(super) fn keep_rest(object: Object, extra: &mut Extra) {
    let at = object.at("");
    for (key, value) in without_nulls(object.rest()) {
        extra.insert(format!("{at}{key}"), value);
    }
}

/// An image: `image_url`, an address as text, or `file_id`.
fn read_image(object: &mut Object) -> Result<Media, Misread> {
    let (source, media_type) = match (object.text("image_url")?, object.text("file_id")?) {
        (Some(url), _) => source_of(url),
        (None, Some(id)) => (Source::Id(id), None),
        (None, None) => return Err(object.missing("image_url", "a string, or `file_id`")),
    };
    Ok(Media {
        source,
        media_type,
        name: None,
        detail: object.text("detail")?,
        cache: None,
    })
}

fn read_file(object: &mut Object) -> Result<Media, Misread> {
    let name = object.text("filename")?;
    let data = object.text("file_data")?;
    let (source, media_type) = match (data, object.text("file_url")?, object.text("file_id")?) {
        (Some(data), _, _) if data.starts_with("data:") => source_of(data),
        (Some(data), _, _) => (Source::Base64(data), None),
        (None, Some(url), _) => source_of(url),
        (None, None, Some(id)) => (Source::Id(id), None),
        (None, None, None) => {
            let expected = "a string, or `file_url` or `file_id`";
            return Err(object.missing("file_data", expected));
        }
    };
    Ok(Media {
        source,
        media_type,
        name,
        detail: object.text("detail")?,
        cache: None,
    })
}

fn read_audio(object: &mut Object) -> Result<Media, Misread> {
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
        cache: None,
    })
}
