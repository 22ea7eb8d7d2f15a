//! Answers that servers of OpenAI's dialect really gave, told as messages, where the data's folder is there; see
//! `WEIGHBRIDGE_DATA`.

use std::path::Path;

use serde_json::{Value, json};

use super::{accumulated, written};
use crate::dialect::chat;
use crate::dialect::messages::{read_request, write_answer};
use crate::dialect::neutral::*;

/// Text, thoughts and calls.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    text: String,
    thoughts: String,
    calls: Vec<(String, Value)>,
}

impl Facts {
    fn add(&mut self, part: &Part) {
        match part {
            Part::Text(text) => self.text.push_str(&text.text),
            Part::Refusal(text) => self.text.push_str(text),
            Part::Reasoning(thought) => self.thoughts.push_str(&thought.text),
            Part::ToolCall(call) => {
                let arguments = call.arguments.trim();
                let arguments = if arguments.is_empty() {
                    "{}"
                } else {
                    arguments
                };
                let input = serde_json::from_str(arguments).unwrap();
                self.calls.push((call.name.clone(), input));
            }
            _ => {}
        }
    }
}

/// What pieces say, block by block.
fn facts_of(pieces: &[Piece]) -> Facts {
    let mut parts = std::collections::BTreeMap::new();
    for piece in pieces {
        match piece {
            Piece::Begin {
                choice: 0,
                block,
                kind,
            } => {
                let part = match kind {
                    Block::Text | Block::Refusal => Part::Text(Text::default()),
                    Block::Reasoning => Part::Reasoning(Reasoning::default()),
                    Block::ToolCall { name, .. } => Part::ToolCall(ToolCall {
                        name: name.clone(),
                        ..ToolCall::default()
                    }),
                    Block::Other(dialect, value) => Part::Other(*dialect, value.clone()),
                };
                parts.insert(*block, part);
            }
            Piece::Delta {
                choice: 0,
                block,
                delta,
            } => match (parts.get_mut(block).unwrap(), delta) {
                (Part::Text(text), Delta::Text(more) | Delta::TextWithLogprobs(more, _)) => {
                    text.text.push_str(more);
                }
                (Part::Reasoning(thought), Delta::Text(more)) => thought.text.push_str(more),
                (Part::ToolCall(call), Delta::Arguments(more)) => call.arguments.push_str(more),
                _ => {}
            },
            _ => {}
        }
    }
    let mut facts = Facts::default();
    for part in parts.values() {
        facts.add(part);
    }
    facts
}

/// The message that a client of the recording `body` gets, and what it should say.
fn told(body: &str, stream: bool) -> (Value, Facts) {
    if stream {
        let (mut reader, mut pieces) = (chat::Reader::new(), Vec::new());
        reader.push(body.as_bytes(), &mut pieces);
        reader.finish(&mut pieces);
        let facts = facts_of(&pieces);
        return (accumulated(&written(&pieces)), facts);
    }
    let answer = chat::read_answer(body.as_bytes()).unwrap();
    let mut facts = Facts::default();
    answer.choices[0]
        .parts
        .iter()
        .for_each(|part| facts.add(part));
    let message = write_answer(&answer, &Request::default());
    (serde_json::from_slice(&message).unwrap(), facts)
}

#[test]
fn recordings() {
    let Some(data) = std::env::var_os("WEIGHBRIDGE_DATA") else {
        println!("skipped: WEIGHBRIDGE_DATA is not set");
        return;
    };
    let folder = Path::new(&data).join("recordings");
    let index = std::fs::read_to_string(folder.join("index.csv")).unwrap();
    let mut used = 0;
    for file in index.lines().filter_map(|row| row.split(',').next()) {
        if !file.contains("_openai-chat_") {
            continue;
        }
        let text = std::fs::read_to_string(folder.join("responses").join(file)).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let body = match &value["body"] {
            Value::String(body) => body.clone(),
            other => other.to_string(),
        };
        if value["status"] != 200 || body == "null" {
            continue;
        }
        used += 1;
        let stream = value["stream"] == 1 || value["stream"] == true;
        let (message, expected) = told(&body, stream);
        // The client returns what it got.
        let turn = json!({"role": "assistant", "content": message["content"]});
        let request = json!({ "messages": [turn] }).to_string();
        let request = read_request(request.as_bytes()).unwrap();
        let mut facts = Facts::default();
        request.messages[0]
            .parts
            .iter()
            .for_each(|part| facts.add(part));
        assert_eq!(facts, expected, "{file}");
        let calls = !facts.calls.is_empty();
        assert_eq!(message["stop_reason"] == "tool_use", calls, "{file}");
    }
    assert!(used > 40, "used {used}");
}
