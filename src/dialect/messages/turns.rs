//! Messages of a request.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::chat::without_nulls;
use super::super::json::Object;
use super::super::neutral::{Extra, Message, Misread, Part, Role};
use super::blocks::read_content;

/// Reads messages in their order: a tool's result takes its tool's name from the call before it.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Names by call, so that a long conversation is read once.
    tools: BTreeMap<String, String>,
    /// Members that have no place in the neutral form, by their whole place.
    pub(super) extra: Extra,
}

impl Turns {
    /// Reads the message `value`, the one of this index, to the end of `out`.
    pub(super) fn read(
        &mut self,
        value: Value,
        index: usize,
        out: &mut Vec<Message>,
    ) -> Result<(), Misread> {
        let mut object = Object::of(value, format!("messages[{index}]"))?;
        let role = match object.need_text("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            // Anthropic has no such role; those who come from other dialects send it.
            "system" => Role::System,
            _ => {
                return Err(Misread {
                    at: object.at("role"),
                    expected: "user or assistant".to_owned(),
                    found: "another role".to_owned(),
                });
            }
        };
        let at = object.at("content");
        let content = object
            .take("content")
            .ok_or_else(|| object.missing("content", "a string or a list of blocks"))?;
        let mut parts = read_content(content, &at, &mut self.extra)?;
        for part in &mut parts {
            self.name(part);
        }
        put(role, parts, without_nulls(object.rest()), out);
        Ok(())
    }

    /// Notes a call's name, and gives it to the call's result.
    fn name(&mut self, part: &mut Part) {
        match part {
            Part::ToolCall(call) => {
                self.tools.insert(call.id.clone(), call.name.clone());
            }
            Part::ToolResult(result) => result.name = self.tools.get(&result.id).cloned(),
            Part::Text(_)
            | Part::Image(_)
            | Part::Audio(_)
            | Part::File(_)
            | Part::Reasoning(_)
            | Part::Refusal(_)
            | Part::Other(..) => {}
        }
    }
}

/// One message, or several: results of tools stand in the user's turn, and are messages of their own elsewhere. They go
/// before what the user says, since the calls that they answer must be followed by them.
fn put(role: Role, parts: Vec<Part>, extra: Extra, out: &mut Vec<Message>) {
    let is_result = |part: &Part| matches!(part, Part::ToolResult(_));
    let (results, said): (Vec<_>, Vec<_>) = parts
        .into_iter()
        .partition(|part| role == Role::User && is_result(part));
    let has_results = !results.is_empty();
    let message = |role, parts| Message {
        role,
        parts,
        name: None,
        extra: Extra::new(),
    };
    out.extend(
        results
            .into_iter()
            .map(|result| message(Role::Tool, vec![result])),
    );
    if !said.is_empty() || !has_results {
        out.push(message(role, said));
    }
    if let Some(last) = out.last_mut() {
        last.extra = extra;
    }
}
