//! A stream of Converse: JSON events in Amazon's binary frames.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{finish_of, tokens_of};
use crate::dialect::neutral::{Block, Delta, Dialect, Piece};
use crate::wire::Reported;
use crate::wire::eventstream::{Message, Splitter};

/// Reads a stream, in any chunking.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    splitter: Splitter,
    started: bool,
    finished: bool,
    failed: bool,
    /// Blocks that are open, by the provider's index: our number.
    open: BTreeMap<u64, u32>,
    blocks: u32,
}

impl Reader {
    /// At the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next `chunk`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<Piece>) {
        let mut messages = Vec::new();
        let read = self.splitter.push(chunk, |message| messages.push(message));
        for message in &messages {
            self.message(message, out);
        }
        if let Err(broken) = read {
            self.fail(broken.to_string(), "event_stream", out);
        }
    }

    /// The body is over.
    pub fn finish(&mut self, out: &mut Vec<Piece>) {
        if self.finished && !self.failed && !self.splitter.is_inside() {
            out.push(Piece::Done);
        }
    }

    fn message(&mut self, message: &Message, out: &mut Vec<Piece>) {
        if self.failed {
            return;
        }
        let payload: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
        if message.kind != "event" {
            let words = payload.get("message").and_then(Value::as_str);
            let words = words.unwrap_or(&message.words).to_owned();
            self.fail(words, &message.name, out);
            return;
        }
        if !self.started {
            self.started = true;
            out.push(Piece::Start {
                id: String::new(),
                model: String::new(),
                created: None,
                usage: None,
            });
        }
        match message.name.as_str() {
            "contentBlockStart" => self.begin(&payload, out),
            "contentBlockDelta" => self.delta(&payload, out),
            "contentBlockStop" => {
                if let Some(block) = self.open.remove(&index(&payload)) {
                    out.push(Piece::End { choice: 0, block });
                }
            }
            "messageStop" => {
                let word = payload.get("stopReason").and_then(Value::as_str);
                let finish = finish_of(word.unwrap_or_default());
                self.finished = true;
                out.push(Piece::Finish { choice: 0, finish });
            }
            "metadata" => out.extend(payload.get("usage").and_then(tokens_of).map(Piece::Usage)),
            // `messageStart` says that the assistant speaks; what is new says nothing to us yet.
            _ => {}
        }
    }

    fn fail(&mut self, message: String, name: &str, out: &mut Vec<Piece>) {
        self.failed = true;
        out.push(Piece::Error(Reported {
            message,
            kind: Some(name.to_owned()),
            code: None,
        }));
    }

    fn begin(&mut self, payload: &Value, out: &mut Vec<Piece>) {
        let Some(start) = payload.get("start") else {
            return;
        };
        let text =
            |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = match start.get("toolUse") {
            Some(call) => Block::ToolCall {
                id: text(call.get("toolUseId")),
                name: text(call.get("name")),
            },
            None => Block::Other(Dialect::Converse, start.clone()),
        };
        self.open_block(index(payload), kind, out);
    }

    fn open_block(&mut self, index: u64, kind: Block, out: &mut Vec<Piece>) -> u32 {
        let block = self.blocks;
        self.blocks += 1;
        self.open.insert(index, block);
        out.push(Piece::Begin {
            choice: 0,
            block,
            kind,
        });
        block
    }

    /// Text and thoughts begin with their first delta.
    fn delta(&mut self, payload: &Value, out: &mut Vec<Piece>) {
        let Some((kind, delta)) = payload.get("delta").and_then(delta_of) else {
            return;
        };
        let index = index(payload);
        let open = self.open.get(&index).copied();
        let block = open.unwrap_or_else(|| self.open_block(index, kind, out));
        out.push(Piece::Delta {
            choice: 0,
            block,
            delta,
        });
    }
}

fn index(payload: &Value) -> u64 {
    let index = payload.get("contentBlockIndex").and_then(Value::as_u64);
    index.unwrap_or(0)
}

/// What a delta adds, and the block that it belongs to where none was begun.
fn delta_of(delta: &Value) -> Option<(Block, Delta)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    if let Some(said) = text(delta.get("text")) {
        return Some((Block::Text, Delta::Text(said)));
    }
    if let Some(part) = text(delta.pointer("/toolUse/input")) {
        let call = Block::ToolCall {
            id: String::new(),
            name: String::new(),
        };
        return Some((call, Delta::Arguments(part)));
    }
    let thoughts = delta.get("reasoningContent")?;
    let delta = if let Some(said) = text(thoughts.get("text")) {
        Delta::Text(said)
    } else if let Some(signature) = text(thoughts.get("signature")) {
        Delta::Signature(signature)
    } else {
        Delta::Sealed(text(thoughts.get("redactedContent"))?)
    };
    Some((Block::Reasoning, delta))
}
