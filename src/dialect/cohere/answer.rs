//! A whole answer of Cohere's.

use serde_json::{Value, json};

use super::{End, end_of, is_of_text, logprobs_of, tokens_of};
use crate::dialect::chat::without_nulls;
use crate::dialect::json::{Object, misread};
use crate::dialect::neutral::{
    Answer, Choice, Dialect, Misread, NotRead, Part, Reasoning, Text, ToolCall,
};
use crate::wire::Reported;

/// Reads a whole answer.
///
/// # Errors
/// It is an error under a status of success, a generation that failed, or no answer.
pub fn read_answer(body: &[u8]) -> Result<Answer, NotRead> {
    let mut top = Object::read(body).map_err(NotRead::Other)?;
    // The `message` of an error is a text.
    if !top.peek("message").is_some_and(Value::is_object) {
        return Err(match Reported::read(body) {
            Some(reported) => NotRead::Reported(reported),
            None => NotRead::Other(top.missing("message", "an object")),
        });
    }
    let (mut answer, ending) = read_object(&mut top).map_err(NotRead::Other)?;
    let has_calls = answer
        .choices
        .iter()
        .flat_map(|choice| &choice.parts)
        .any(|part| matches!(part, Part::ToolCall(_)));
    if let Some(word) = ending {
        let error = top.text("error").ok().flatten();
        match end_of(&word, error.as_deref(), has_calls) {
            End::Failed(reported) => return Err(NotRead::Reported(reported)),
            End::Finish(finish) => {
                for choice in &mut answer.choices {
                    choice.finish = Some(finish.clone());
                }
            }
        }
    }
    answer.extra.extend(without_nulls(top.rest()));
    Ok(answer)
}

/// The answer but for its end, and the word for that.
fn read_object(top: &mut Object) -> Result<(Answer, Option<String>), Misread> {
    let mut message = top
        .object("message")?
        .ok_or_else(|| top.missing("message", "an object"))?;
    let mut parts = Vec::new();
    if let Some(plan) = message.text("tool_plan")?.filter(|plan| !plan.is_empty()) {
        parts.push(thought(plan));
    }
    let before = parts.len();
    read_content(&mut message, &mut parts)?;
    let unplaced = read_citations(&mut message, before, &mut parts)?;
    for (index, value) in message.list("tool_calls")?.into_iter().enumerate() {
        let call = Object::of(value, format!("{}[{index}]", message.at("tool_calls")))?;
        parts.push(Part::ToolCall(read_call(call)?));
    }
    message.take("role");
    let mut answer = Answer {
        id: top.text("id")?.unwrap_or_default(),
        usage: top.take("usage").and_then(tokens_of),
        extra: without_nulls(message.rest()),
        ..Answer::default()
    };
    if !unplaced.is_empty() {
        answer
            .extra
            .insert("citations".to_owned(), Value::Array(unplaced));
    }
    answer.choices.push(Choice {
        parts,
        finish: None,
        logprobs: top.take("logprobs").as_ref().and_then(logprobs_of),
    });
    Ok((answer, top.text("finish_reason")?))
}

fn thought(text: String) -> Part {
    Part::Reasoning(Reasoning {
        text,
        ..Reasoning::default()
    })
}

/// The content, a list of parts or a text.
fn read_content(message: &mut Object, parts: &mut Vec<Part>) -> Result<(), Misread> {
    let at = message.at("content");
    let list = match message.take("content") {
        None => return Ok(()),
        Some(Value::String(text)) => vec![json!({"type": "text", "text": text})],
        Some(Value::Array(list)) => list,
        Some(other) => return Err(misread(&at, "a list of parts", &other)),
    };
    for value in list {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let part = match (text("type").as_deref(), text("text"), text("thinking")) {
            (Some("text") | None, Some(text), _) => Part::Text(Text::plain(text)),
            (Some("thinking"), _, Some(text)) => thought(text),
            _ => Part::Other(Dialect::Cohere, value),
        };
        parts.push(part);
    }
    Ok(())
}

/// Hangs citations on the texts that they are of, which are told by their place in the content, behind the first `before`
/// of `parts`. Those of the plan and of thoughts have no place in an answer and are returned.
fn read_citations(
    message: &mut Object,
    before: usize,
    parts: &mut [Part],
) -> Result<Vec<Value>, Misread> {
    let mut unplaced = Vec::new();
    for citation in message.list("citations")? {
        let index = citation.get("content_index").and_then(Value::as_u64);
        let index = index.and_then(|index| usize::try_from(index).ok());
        let named = before.saturating_add(index.unwrap_or(0));
        let is_text = |part: &Part| matches!(part, Part::Text(_));
        let place = match parts.get(named) {
            Some(part) if is_text(part) => Some(named),
            _ => parts.iter().position(is_text),
        };
        match place.and_then(|place| parts.get_mut(place)) {
            Some(Part::Text(text)) if is_of_text(&citation) => {
                let list = text.annotations.get_or_insert_with(|| json!([]));
                if let Some(list) = list.as_array_mut() {
                    list.push(citation);
                }
            }
            _ => unplaced.push(citation),
        }
    }
    Ok(unplaced)
}

fn read_call(mut call: Object) -> Result<ToolCall, Misread> {
    let mut function = call
        .object("function")?
        .ok_or_else(|| call.missing("function", "an object"))?;
    let arguments = match function.take("arguments") {
        Some(Value::String(text)) if !matches!(text.trim_ascii(), "" | "null") => text,
        None | Some(Value::String(_)) => "{}".to_owned(),
        Some(other) => other.to_string(),
    };
    Ok(ToolCall {
        id: call.text("id")?.unwrap_or_default(),
        name: function.need_text("name")?,
        arguments,
        ..ToolCall::default()
    })
}
