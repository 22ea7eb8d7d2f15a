//! A whole answer of Converse.

use serde_json::{Value, json};

use super::{finish_of, tokens_of};
use crate::dialect::json::{Object, misread};
use crate::dialect::neutral::{
    Answer, Choice, Dialect, Extra, NotRead, Part, Reasoning, Text, ToolCall,
};
use crate::wire::Reported;

/// Reads a whole answer.
///
/// # Errors
/// It is an error under a status of success, or no answer.
pub fn read_answer(body: &[u8]) -> Result<Answer, NotRead> {
    let mut top = Object::read(body).map_err(NotRead::Other)?;
    let Some(output) = top.take("output") else {
        return Err(match Reported::read(body) {
            Some(reported) => NotRead::Reported(reported),
            None => NotRead::Other(top.missing("output", "an object")),
        });
    };
    let content = output.pointer("/message/content");
    let Some(content) = content.and_then(Value::as_array) else {
        return Err(NotRead::Other(misread(
            "output.message.content",
            "a list",
            &Value::Null,
        )));
    };
    let parts = content.iter().map(part_of).collect();
    let finish = top.text("stopReason").map_err(NotRead::Other)?;
    let usage = top.take("usage").as_ref().and_then(tokens_of);
    let mut extra: Extra = top.rest();
    extra.shift_remove("metrics");
    Ok(Answer {
        choices: vec![Choice {
            parts,
            finish: finish.as_deref().map(finish_of),
            logprobs: None,
        }],
        usage,
        extra,
        ..Answer::default()
    })
}

/// A block of an answer; one that has no word here is carried as it came.
fn part_of(block: &Value) -> Part {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    if let Some(said) = text(block.get("text")) {
        return Part::Text(Text::plain(said));
    }
    if let Some(call) = block.get("toolUse") {
        return Part::ToolCall(ToolCall {
            id: text(call.get("toolUseId")).unwrap_or_default(),
            name: text(call.get("name")).unwrap_or_default(),
            arguments: call.get("input").unwrap_or(&json!({})).to_string(),
            ..ToolCall::default()
        });
    }
    if let Some(thoughts) = block.get("reasoningContent") {
        return Part::Reasoning(Reasoning {
            text: text(thoughts.pointer("/reasoningText/text")).unwrap_or_default(),
            signature: text(thoughts.pointer("/reasoningText/signature")),
            sealed: text(thoughts.get("redactedContent")),
            ..Reasoning::default()
        });
    }
    Part::Other(Dialect::Converse, block.clone())
}
