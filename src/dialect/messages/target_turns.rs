//! The conversation: instructions apart, and turns of user and assistant.
//!
//! Results of tools stand at the beginning of the user's turn right behind the calls, or Anthropic refuses the request; so
//! neighbours of one role are one turn, and its results go first.

use serde_json::{Value, json};

use super::super::neutral::{Message, Part, Role};
use super::target_blocks::write;
use super::target_dropped::Dropped;

/// A conversation as Anthropic has it.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Blocks of `system`.
    pub(super) system: Vec<Value>,
    /// `messages`.
    pub(super) messages: Vec<Value>,
    /// Whether the last turn is the model's own, to go on with.
    pub(super) is_prefilled: bool,
    /// Whether the model's last turn calls tools and does not begin with thoughts.
    pub(super) calls_unthought: bool,
}

/// One turn in the making.
#[derive(Debug)]
struct Turn {
    speaker: Speaker,
    results: Vec<Value>,
    blocks: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaker {
    User,
    Assistant,
}

impl Conversation {
    /// The conversation of `all`.
    pub(super) fn of(all: &[Message], dropped: &mut Dropped) -> Self {
        let mut system = Vec::new();
        let mut turns: Vec<Turn> = Vec::new();
        for message in all {
            dropped.name_if("messages[].name", message.name.is_some());
            for key in message.extra.keys() {
                dropped.name(&format!("messages[].{key}"));
            }
            let speaker = match message.role {
                Role::System | Role::Developer => {
                    for part in &message.parts {
                        write(part, dropped, &mut system);
                    }
                    continue;
                }
                Role::User | Role::Tool => Speaker::User,
                Role::Assistant => Speaker::Assistant,
            };
            if turns.last().is_none_or(|turn| turn.speaker != speaker) {
                turns.push(Turn::new(speaker));
            }
            let Some(turn) = turns.last_mut() else {
                continue;
            };
            for part in &message.parts {
                let to = match part {
                    Part::ToolResult(_) => &mut turn.results,
                    _ => &mut turn.blocks,
                };
                write(part, dropped, to);
            }
        }
        Self::finish(system, turns)
    }

    fn finish(mut system: Vec<Value>, mut turns: Vec<Turn>) -> Self {
        if let Some(last) = turns.last_mut()
            && last.speaker == Speaker::Assistant
        {
            trim_end(&mut last.blocks);
        }
        turns.retain(|turn| !turn.results.is_empty() || !turn.blocks.is_empty());
        if turns.is_empty() && !system.is_empty() {
            // Anthropic wants a message; instructions alone are one.
            let mut turn = Turn::new(Speaker::User);
            turn.blocks.append(&mut system);
            turns.push(turn);
        }
        let last = turns.last().map(|turn| turn.speaker);
        let mut spoken = turns.iter().rev();
        let own = spoken.find(|turn| turn.speaker == Speaker::Assistant);
        let calls_unthought = own.is_some_and(|turn| {
            let calls = turn.blocks.iter().any(|block| is_a(block, &["tool_use"]));
            let first = turn.blocks.first();
            let is_thought =
                first.is_some_and(|block| is_a(block, &["thinking", "redacted_thinking"]));
            calls && !is_thought
        });
        Self {
            system,
            is_prefilled: last == Some(Speaker::Assistant),
            calls_unthought,
            messages: turns.into_iter().map(Turn::message).collect(),
        }
    }
}

impl Turn {
    const fn new(speaker: Speaker) -> Self {
        Self {
            speaker,
            results: Vec::new(),
            blocks: Vec::new(),
        }
    }

    fn message(self) -> Value {
        let role = match self.speaker {
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
        };
        let mut content = self.results;
        content.extend(self.blocks);
        json!({"role": role, "content": content})
    }
}

fn is_a(block: &Value, kinds: &[&str]) -> bool {
    let kind = block.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| kinds.contains(&kind))
}

/// Cuts blanks off the end of a turn that the model is to go on with: Anthropic refuses them ("final assistant content
/// cannot end with trailing whitespace", <https://github.com/langchain-ai/langchain/issues/35071>).
fn trim_end(blocks: &mut [Value]) {
    let Some(block) = blocks.last_mut().filter(|block| is_a(block, &["text"])) else {
        return;
    };
    if let Some(Value::String(text)) = block.get_mut("text") {
        text.truncate(text.trim_end().len());
    }
}
