//! Thoughts in messages, answers and deltas: `reasoning_details`, `reasoning_content`, `reasoning`.

use serde_json::{Map, Value, json};

use super::super::json::Object;
use super::super::neutral::{Misread, Reasoning};

/// A list of details, read.
#[derive(Debug, Default)]
pub(super) struct Details {
    /// What each said, with the place in the list that it belongs to.
    pub(super) thoughts: Vec<(Option<u64>, Reasoning)>,
    /// Details of a type that is not known here, as they came.
    pub(super) unknown: Vec<Value>,
}

/// Takes the thoughts out of a message or a delta.
///
/// The details win; a text beside them counts where they have none, since some servers put only the seal into the list.
pub(super) fn take(message: &mut Object) -> Result<Details, Misread> {
    let list_at = message.at("reasoning_details");
    let list = message.list("reasoning_details")?;
    let content = match message.peek("reasoning_content") {
        Some(_) => message.text("reasoning_content")?,
        None => None,
    };
    // A server that sends both says the same twice.
    let reasoning = match message.peek("reasoning") {
        Some(Value::String(_)) => message.text("reasoning")?,
        Some(_) | None => None,
    };
    let mut details = Details::default();
    for (index, value) in list.into_iter().enumerate() {
        read_detail(value, &format!("{list_at}[{index}]"), &mut details)?;
    }
    let text = content.filter(|text| !text.is_empty()).or(reasoning);
    let has_text = details.thoughts.iter().any(|(_, one)| !one.text.is_empty());
    if let Some(text) = text.filter(|text| !text.is_empty() && !has_text) {
        // One signature without its text: the text is the one beside it.
        match details
            .thoughts
            .iter_mut()
            .find(|(_, one)| one.sealed.is_none())
        {
            Some((_, one)) => one.text = text,
            None => details.thoughts.insert(
                0,
                (
                    None,
                    Reasoning {
                        text,
                        ..Reasoning::default()
                    },
                ),
            ),
        }
    }
    Ok(details)
}

fn read_detail(value: Value, at: &str, details: &mut Details) -> Result<(), Misread> {
    let mut detail = Object::of(value.clone(), at)?;
    let kind = detail.text("type")?.unwrap_or_default();
    let index = detail.count("index")?;
    let mut thought = Reasoning {
        id: detail.text("id")?,
        ..Reasoning::default()
    };
    match kind.as_str() {
        "reasoning.text" => {
            thought.text = detail.text("text")?.unwrap_or_default();
            thought.signature = detail.text("signature")?;
        }
        "reasoning.summary" => {
            thought.text = detail.text("summary")?.unwrap_or_default();
            thought.is_summary = true;
        }
        "reasoning.encrypted" => thought.sealed = detail.text("data")?,
        _ => {
            details.unknown.push(value);
            return Ok(());
        }
    }
    details.thoughts.push((index, thought));
    Ok(())
}

/// A thought as details, at `index` of the list: text (or summary) with signature, then what is sealed.
pub(super) fn details(thought: &Reasoning, index: u64) -> Vec<Value> {
    let mut list = Vec::new();
    let id = |mut detail: Value| {
        if let (Some(id), Some(members)) = (&thought.id, detail.as_object_mut()) {
            members.insert("id".to_owned(), json!(id));
        }
        detail
    };
    if thought.is_summary {
        list.push(id(
            json!({"type": "reasoning.summary", "summary": thought.text, "index": index}),
        ));
    } else if !thought.text.is_empty() || thought.signature.is_some() {
        let mut detail = json!({"type": "reasoning.text", "text": thought.text, "index": index});
        if let (Some(signature), Some(members)) = (&thought.signature, detail.as_object_mut()) {
            members.insert("signature".to_owned(), json!(signature));
        }
        list.push(id(detail));
    }
    if let Some(data) = &thought.sealed {
        list.push(id(
            json!({"type": "reasoning.encrypted", "data": data, "index": index}),
        ));
    }
    list
}

/// Puts the thoughts of one message into it: `reasoning_content` and `reasoning_details`.
pub(super) fn put<'a>(
    thoughts: impl IntoIterator<Item = &'a Reasoning>,
    message: &mut Map<String, Value>,
) {
    let (mut text, mut list) = (String::new(), Vec::new());
    for (index, thought) in (0..).zip(thoughts) {
        text.push_str(&thought.text);
        list.extend(details(thought, index));
    }
    if !text.is_empty() {
        message.insert("reasoning_content".to_owned(), Value::String(text));
    }
    if !list.is_empty() {
        message.insert("reasoning_details".to_owned(), Value::Array(list));
    }
}
