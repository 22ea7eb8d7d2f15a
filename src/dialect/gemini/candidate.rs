//! What a candidate of an answer or of a stream's chunk has beside its parts.

use serde_json::{Map, Value};

use super::logprobs;
use crate::dialect::json::Object;
use crate::dialect::neutral::Misread;

/// A candidate, taken apart.
#[derive(Debug)]
pub(super) struct Candidate {
    /// Its number; its place if it does not say.
    pub(super) index: u32,
    /// Its parts, unread, and where they stand.
    pub(super) parts: Vec<Value>,
    pub(super) parts_at: String,
    /// Why it ended.
    pub(super) finish: Option<String>,
    /// In OpenAI's form.
    pub(super) logprobs: Option<Value>,
    pub(super) grounding: Option<Value>,
    pub(super) citations: Option<Value>,
    /// Members without a place.
    pub(super) rest: Map<String, Value>,
}

/// Takes the candidate `value`, the one at `place` of the list, apart.
///
/// # Errors
/// Members of another type than theirs.
pub(super) fn read(value: Value, place: u32) -> Result<Candidate, Misread> {
    let mut object = Object::of(value, format!("candidates[{place}]"))?;
    let index = object.take("index");
    let index = index.and_then(|index| u32::try_from(index.as_u64()?).ok());
    let content_at = object.at("content");
    let mut content = match object.object("content")? {
        Some(content) => content,
        None => Object::of(Value::Object(Map::new()), content_at)?,
    };
    let finish = object.text("finishReason")?;
    // Older hosts say it in each chunk of one that goes on.
    let finish = finish.filter(|word| word != "FINISH_REASON_UNSPECIFIED");
    let is_filled = |value: &Value| value.as_object().is_some_and(|members| !members.is_empty());
    let logprobs = object.take("logprobsResult");
    Ok(Candidate {
        index: index.unwrap_or(place),
        parts_at: content.at("parts"),
        parts: content.list("parts")?,
        finish,
        logprobs: logprobs.as_ref().and_then(logprobs::read),
        grounding: object.take("groundingMetadata").filter(is_filled),
        citations: object.take("citationMetadata").filter(is_filled),
        rest: object.rest(),
    })
}
