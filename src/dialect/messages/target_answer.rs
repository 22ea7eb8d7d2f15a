//! A whole answer of Anthropic's.

use serde_json::{Value, json};

use super::super::chat::{read_usage, without_nulls};
use super::super::json::Object;
use super::super::neutral::{
    Answer, Choice, Dialect, Finish, Misread, NotRead, Part, Reasoning, Text, ToolCall,
};
use crate::wire::Reported;

/// Reads a whole answer.
///
/// # Errors
/// An error under a status of success, and what is no answer.
pub fn read_answer(body: &[u8]) -> Result<Answer, NotRead> {
    let mut top = Object::read(body).map_err(NotRead::Other)?;
    let has_content = top.peek("content").is_some_and(Value::is_array);
    let is_error = top.peek("type").is_some_and(|kind| kind == "error");
    if (is_error || !has_content)
        && let Some(reported) = Reported::read(body)
    {
        return Err(NotRead::Reported(reported));
    }
    if top.peek("content").is_none() {
        return Err(NotRead::Other(
            top.missing("content", "a list of content blocks"),
        ));
    }
    read_object(&mut top)
        .map(|answer| Answer {
            extra: without_nulls(top.rest()),
            ..answer
        })
        .map_err(NotRead::Other)
}

fn read_object(top: &mut Object) -> Result<Answer, Misread> {
    top.take("type");
    top.take("role");
    let id = top.text("id")?.unwrap_or_default();
    let model = top.text("model")?.unwrap_or_default();
    let parts = top.list("content")?.into_iter().map(part_of).collect();
    let reason = top.text("stop_reason")?;
    let stop = top.text("stop_sequence")?;
    Ok(Answer {
        id,
        model,
        choices: vec![Choice {
            parts,
            finish: reason.map(|word| finish_of(&word, stop)),
            logprobs: None,
        }],
        usage: top.take("usage").as_ref().and_then(read_usage),
        ..Answer::default()
    })
}

/// Why an answer ended, by its `stop_reason` and `stop_sequence`.
pub(super) fn finish_of(word: &str, stop: Option<String>) -> Finish {
    match word {
        "end_turn" => Finish::Stop,
        "stop_sequence" => Finish::StopSequence(stop),
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "pause_turn" => Finish::Pause,
        "refusal" => Finish::Refusal,
        other => Finish::Other(other.to_owned()),
    }
}

/// A block of an answer; one that has no word in the neutral form, or is not as its type has it, is carried as it came.
fn part_of(block: Value) -> Part {
    let text = |key: &str| block.get(key).and_then(Value::as_str).map(str::to_owned);
    let part = match block.get("type").and_then(Value::as_str) {
        Some("text") => text("text").map(|said| {
            Part::Text(Text {
                text: said,
                cache: None,
                annotations: block
                    .get("citations")
                    .filter(|list| is_filled(list))
                    .cloned(),
            })
        }),
        Some("thinking") => text("thinking").map(|said| {
            Part::Reasoning(Reasoning {
                text: said,
                signature: text("signature").filter(|signature| !signature.is_empty()),
                ..Reasoning::default()
            })
        }),
        Some("redacted_thinking") => text("data").map(|data| {
            Part::Reasoning(Reasoning {
                sealed: Some(data),
                ..Reasoning::default()
            })
        }),
        Some("tool_use") => text("name").map(|name| {
            let input = block.get("input").filter(|input| !input.is_null());
            Part::ToolCall(ToolCall {
                id: text("id").unwrap_or_default(),
                name,
                arguments: input.unwrap_or(&json!({})).to_string(),
                ..ToolCall::default()
            })
        }),
        _ => None,
    };
    part.unwrap_or(Part::Other(Dialect::Messages, block))
}

/// Whether a list of citations has any.
pub(super) fn is_filled(list: &Value) -> bool {
    list.as_array().is_some_and(|list| !list.is_empty())
}
