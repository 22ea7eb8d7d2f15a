//! A whole answer.

use serde_json::Value;

use super::candidate::{self, Candidate};
use super::grounding::{self, Said as Text};
use super::part::{self, Said};
use super::{created, finish_of, tokens_of};
use crate::dialect::chat::without_nulls;
use crate::dialect::json::Object;
use crate::dialect::neutral::{
    Answer, Choice, Dialect, Extra, Finish, Misread, NotRead, Part, Reasoning, Text as PlainText,
    ToolCall,
};
use crate::wire::Reported;

/// Reads a whole answer.
///
/// # Errors
/// It is an error under a status of success, or no answer.
pub fn read_answer(body: &[u8]) -> Result<Answer, NotRead> {
    let not_read = |misread| match Reported::read(body) {
        Some(reported) => NotRead::Reported(reported),
        None => NotRead::Other(misread),
    };
    let mut top = Object::read(body).map_err(not_read)?;
    if top.peek("candidates").is_none() && !is_blocked(top.peek("promptFeedback")) {
        return Err(not_read(top.missing("candidates", "a list of candidates")));
    }
    let mut extra = Extra::new();
    let answer = read_object(&mut top, &mut extra).map_err(NotRead::Other)?;
    extra.extend(without_nulls(top.rest()));
    Ok(Answer { extra, ..answer })
}

/// Whether a `promptFeedback` says that the prompt got no answer.
pub(super) fn is_blocked(feedback: Option<&Value>) -> bool {
    let reason = feedback.and_then(|feedback| feedback.get("blockReason"));
    reason.is_some_and(|reason| !reason.is_null())
}

fn read_object(top: &mut Object, extra: &mut Extra) -> Result<Answer, Misread> {
    let id = top.text("responseId")?.unwrap_or_default();
    let candidates = top.list("candidates")?;
    let prefix = part::call_prefix(&id);
    let mut choices = Vec::new();
    for (place, value) in (0..).zip(candidates) {
        choices.push(read_choice(candidate::read(value, place)?, &prefix, extra)?);
    }
    if choices.is_empty() && is_blocked(top.peek("promptFeedback")) {
        choices.push(Choice {
            finish: Some(Finish::ContentFilter),
            ..Choice::default()
        });
    }
    let created = top.text("createTime")?;
    Ok(Answer {
        model: top.text("modelVersion")?.unwrap_or_default(),
        created: created.and_then(|time| created::seconds(&time)),
        usage: top.take("usageMetadata").as_ref().and_then(tokens_of),
        id,
        choices,
        extra: Extra::new(),
    })
}

fn read_choice(candidate: Candidate, id: &str, extra: &mut Extra) -> Result<Choice, Misread> {
    let mut parts = Parts {
        id,
        choice: candidate.index,
        ..Parts::default()
    };
    for (index, value) in candidate.parts.into_iter().enumerate() {
        let at = format!("{}[{index}]", candidate.parts_at);
        parts.push(part::read(value, &at)?);
    }
    let (grounding, citations) = (candidate.grounding, candidate.citations);
    let annotations = grounding::annotations(grounding.as_ref(), citations.as_ref(), &parts.said);
    let has_calls = parts.calls > 0;
    let mut parts = parts.list;
    let text = parts.iter_mut().find_map(|part| match part {
        Part::Text(text) => Some(text),
        _ => None,
    });
    if let Some(text) = text {
        text.annotations = annotations;
    }
    let raw = [
        ("groundingMetadata", grounding),
        ("citationMetadata", citations),
    ];
    let raw = raw.into_iter();
    let raw = raw.filter_map(|(key, value)| Some((key.to_owned(), value?)));
    // With several candidates the first one's are kept.
    for (key, value) in raw.chain(without_nulls(candidate.rest)) {
        extra.entry(key).or_insert(value);
    }
    Ok(Choice {
        parts,
        finish: candidate.finish.map(|word| finish_of(&word, has_calls)),
        logprobs: candidate.logprobs,
    })
}

/// The parts of a choice, put together.
#[derive(Debug, Default)]
struct Parts<'a> {
    id: &'a str,
    choice: u32,
    calls: u32,
    list: Vec<Part>,
    /// The text that annotations point into.
    said: Text,
}

impl Parts<'_> {
    fn push(&mut self, part: part::Part) {
        self.said.begin_part();
        let part::Part { said, signature } = part;
        match said {
            Said::Text(text) => self.push_text(text, signature),
            Said::Thought(text) => {
                if !text.is_empty() || signature.is_some() {
                    self.push_thought(text, signature);
                }
            }
            Said::Call {
                id,
                name,
                arguments,
            } => {
                let id = match id.as_str() {
                    "" => part::call_id(self.id, self.choice, self.calls),
                    _ => id,
                };
                self.calls += 1;
                self.list.push(Part::ToolCall(ToolCall {
                    id,
                    name,
                    arguments,
                    signature,
                    cache: None,
                }));
            }
            Said::Media(media, _) => {
                self.push_signature(signature);
                let kind = media.media_type.as_deref().unwrap_or_default();
                self.list.push(match kind.split('/').next() {
                    Some("audio") => Part::Audio(media),
                    Some("image") => Part::Image(media),
                    _ => Part::File(media),
                });
            }
            Said::Other(value) => self.list.push(Part::Other(Dialect::Gemini, value)),
        }
    }

    /// Neighbours become one text, but none that has a signature of its own.
    fn push_text(&mut self, text: String, signature: Option<String>) {
        self.said.push(&text);
        let is_signed = signature.is_some();
        self.push_signature(signature);
        match self.list.last_mut() {
            Some(Part::Text(last)) if !is_signed => last.text.push_str(&text),
            _ if text.is_empty() => {}
            _ => self.list.push(Part::Text(PlainText::plain(text))),
        }
    }

    fn push_thought(&mut self, text: String, signature: Option<String>) {
        match self.list.last_mut() {
            Some(Part::Reasoning(last)) if last.signature.is_none() => {
                last.text.push_str(&text);
                last.signature = signature;
            }
            _ => self.list.push(Part::Reasoning(Reasoning {
                text,
                signature,
                ..Reasoning::default()
            })),
        }
    }

    /// The signature of the part that comes next.
    fn push_signature(&mut self, signature: Option<String>) {
        if signature.is_some() {
            self.list.push(Part::Reasoning(Reasoning {
                signature,
                ..Reasoning::default()
            }));
        }
    }
}
