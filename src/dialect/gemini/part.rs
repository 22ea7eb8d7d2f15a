//! One part of an answer, told apart by the member that it has.

use serde_json::{Map, Value};

use crate::dialect::json::{Object, misread};
use crate::dialect::neutral::{Media, Misread, Source};

/// What a part says.
#[derive(Debug)]
pub(super) enum Said {
    /// Text; may be empty.
    Text(String),
    /// Thoughts; may be empty.
    Thought(String),
    /// A call; its id is empty if it has none.
    Call {
        id: String,
        name: String,
        arguments: String,
    },
    /// Bytes in the answer, and the part as it came.
    Media(Media, Value),
    /// What has no word here, as it came, its signature within.
    Other(Value),
}

/// A part that was read.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) said: Said,
    /// What the host wants back with it.
    pub(super) signature: Option<String>,
}

/// Reads the part `value` at `at`.
///
/// # Errors
/// What is no object, and members of another type than theirs.
pub(super) fn read(value: Value, at: &str) -> Result<Part, Misread> {
    let Value::Object(members) = &value else {
        return Err(misread(at, "a part as an object", &value));
    };
    let is_known = |key: &str| members.get(key).is_some_and(|value| !value.is_null());
    if is_known("functionCall") {
        return read_call(Object::of(value, at)?);
    }
    if is_known("inlineData") {
        return read_media(value, at);
    }
    let is_marks_only = members
        .keys()
        .all(|key| ["thought", "thoughtSignature"].contains(&key.as_str()));
    if !is_known("text") && !is_marks_only {
        return Ok(Part {
            said: Said::Other(value),
            signature: None,
        });
    }
    let mut object = Object::of(value, at)?;
    let text = object.text("text")?.unwrap_or_default();
    let is_thought = object.flag("thought")?.unwrap_or(false);
    Ok(Part {
        said: if is_thought {
            Said::Thought(text)
        } else {
            Said::Text(text)
        },
        signature: signature(&mut object)?,
    })
}

fn signature(object: &mut Object) -> Result<Option<String>, Misread> {
    let signature = object.text("thoughtSignature")?;
    Ok(signature.filter(|text| !text.is_empty()))
}

fn read_call(mut object: Object) -> Result<Part, Misread> {
    let at = object.at("functionCall");
    let value = object.take("functionCall").unwrap_or_default();
    let mut call = Object::of(value, at)?;
    let args = call.take("args");
    let args = args.unwrap_or_else(|| Value::Object(Map::new()));
    Ok(Part {
        said: Said::Call {
            id: call.text("id")?.unwrap_or_default(),
            name: call.text("name")?.unwrap_or_default(),
            arguments: args.to_string(),
        },
        signature: signature(&mut object)?,
    })
}

fn read_media(value: Value, at: &str) -> Result<Part, Misread> {
    let mut object = Object::of(value.clone(), at)?;
    let inner = object.at("inlineData");
    let mut data = Object::of(object.take("inlineData").unwrap_or_default(), inner)?;
    let media = Media {
        source: Source::Base64(data.text("data")?.unwrap_or_default()),
        media_type: data.text("mimeType")?,
        name: data.text("displayName")?,
        detail: None,
        cache: None,
    };
    Ok(Part {
        said: Said::Media(media, value),
        signature: signature(&mut object)?,
    })
}

/// What of an answer's id goes into the ids of its calls: letters that every dialect takes, and not too many.
pub(super) fn call_prefix(answer: &str) -> String {
    let is_fit = |letter: &char| letter.is_ascii_alphanumeric() || ['-', '_'].contains(letter);
    answer.chars().filter(is_fit).take(32).collect()
}

/// An id for the `number`th call of a choice that came without one. It holds the answer's own id, as [`call_prefix`] has it,
/// so that calls of one conversation differ.
pub(super) fn call_id(answer: &str, choice: u32, number: u32) -> String {
    match (answer, choice) {
        ("", _) => format!("call_{choice}_{number}"),
        (answer, 0) => format!("call_{answer}_{number}"),
        (answer, choice) => format!("call_{answer}_{choice}_{number}"),
    }
}
