//! The blocks of a stream that are open.
//!
//! Text, thoughts and calls pass as they come. What is only whole at its end is held until then, within a bound: blocks
//! that have no word in the neutral form, citations, and the arguments that a call began with.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::neutral::{Block, Delta, Dialect, Piece};
use super::target_answer::is_filled;

/// Most blocks that are open at once; Anthropic has one.
const MAX_OPEN: usize = 256;

/// Most bytes of events that are held. A result of a tool of Anthropic's has some 100 KB.
const MAX_HELD: usize = 8 << 20;

/// What the stream did that it must not.
pub(super) type Broken = &'static str;

/// Blocks by the provider's number.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    open: BTreeMap<u64, Open>,
    /// The number of the next block in the neutral form.
    next: u32,
    /// Bytes that are held, of all blocks.
    held: usize,
}

#[derive(Debug)]
struct Open {
    held: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text {
        block: u32,
        citations: Vec<Value>,
    },
    Reasoning {
        block: u32,
    },
    Call {
        block: u32,
        /// The arguments that it began with, which count if no others come.
        first: Option<String>,
        has_any: bool,
    },
    /// A block that begins and ends in one, when it is whole.
    Other {
        value: Map<String, Value>,
        input: String,
    },
}

impl Blocks {
    /// The block `index` begins with `block`, in an event of `size` bytes.
    pub(super) fn begin(
        &mut self,
        index: u64,
        block: Value,
        size: usize,
        out: &mut Vec<Piece>,
    ) -> Result<(), Broken> {
        // One that was not ended is over.
        self.end(index, out);
        let text = |key: &str| {
            let text = block.get(key).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        match block.get("type").and_then(Value::as_str) {
            Some("text") => {
                self.open(index, text_kind, out)?;
                self.put(index, Delta::Text(text("text")), out);
                if let Some(Value::Array(list)) = block.get("citations").filter(|l| is_filled(l)) {
                    self.cite(index, list.clone(), size)?;
                }
            }
            Some("thinking") => {
                self.open(index, reasoning_kind, out)?;
                self.put(index, Delta::Text(text("thinking")), out);
                self.put(index, Delta::Signature(text("signature")), out);
            }
            Some("redacted_thinking") => {
                self.open(index, reasoning_kind, out)?;
                self.put(index, Delta::Sealed(text("data")), out);
            }
            Some("tool_use") => {
                let input = block.get("input");
                let is_there = |input: &&Value| input.as_object().is_none_or(|map| !map.is_empty());
                let input = input.filter(|input| !input.is_null()).filter(is_there);
                let first = input.map(Value::to_string);
                let held = if first.is_some() { size } else { 0 };
                let (id, name) = (text("id"), text("name"));
                let kind = |block| {
                    let kind = Kind::Call {
                        block,
                        first,
                        has_any: false,
                    };
                    (kind, Block::ToolCall { id, name })
                };
                self.open(index, kind, out)?;
                self.hold(index, held)?;
            }
            _ => {
                if let Value::Object(value) = block {
                    let input = String::new();
                    self.insert(index, Kind::Other { value, input })?;
                    self.hold(index, size)?;
                }
            }
        }
        Ok(())
    }

    /// `delta` of the block `index` came, in an event of `size` bytes. Text and thoughts may come without a beginning.
    pub(super) fn delta(
        &mut self,
        index: u64,
        mut delta: Map<String, Value>,
        size: usize,
        out: &mut Vec<Piece>,
    ) -> Result<(), Broken> {
        let kind = taken(&mut delta, "type");
        if let Some(Open {
            kind: Kind::Other { value, input },
            ..
        }) = self.open.get_mut(&index)
        {
            if kind == "input_json_delta" {
                input.push_str(&taken(&mut delta, "partial_json"));
            } else {
                merge(value, delta);
            }
            return self.hold(index, size);
        }
        match kind.as_str() {
            "text_delta" => {
                self.open_text(index, out)?;
                self.put(index, Delta::Text(taken(&mut delta, "text")), out);
            }
            "citations_delta" => {
                self.open_text(index, out)?;
                let citation = delta.remove("citation");
                self.cite(index, citation.into_iter().collect(), size)?;
            }
            "thinking_delta" => {
                self.open_reasoning(index, out)?;
                self.put(index, Delta::Text(taken(&mut delta, "thinking")), out);
            }
            "signature_delta" => {
                self.open_reasoning(index, out)?;
                self.put(index, Delta::Signature(taken(&mut delta, "signature")), out);
            }
            "input_json_delta" => {
                let part = taken(&mut delta, "partial_json");
                return self.arguments(index, part, out);
            }
            // What is new says nothing to us yet.
            _ => {}
        }
        Ok(())
    }

    /// The block `index` is over.
    pub(super) fn end(&mut self, index: u64, out: &mut Vec<Piece>) {
        let Some(Open { held, kind }) = self.open.remove(&index) else {
            return;
        };
        self.held = self.held.saturating_sub(held);
        let (block, last) = match kind {
            Kind::Text { block, citations } => {
                let list = (!citations.is_empty()).then_some(Value::Array(citations));
                (block, list.map(Delta::Annotations))
            }
            Kind::Reasoning { block } => (block, None),
            Kind::Call {
                block,
                first,
                has_any,
            } => {
                let first = first.unwrap_or_else(|| "{}".to_owned());
                (block, (!has_any).then_some(Delta::Arguments(first)))
            }
            Kind::Other { value, input } => {
                let whole = Block::Other(Dialect::Messages, with_input(value, &input));
                (self.begin_piece(whole, out), None)
            }
        };
        if let Some(delta) = last {
            push_delta(block, delta, out);
        }
        out.push(Piece::End { choice: 0, block });
    }

    /// The message is over, and with it all that is open.
    pub(super) fn end_all(&mut self, out: &mut Vec<Piece>) {
        while let Some((&index, _)) = self.open.first_key_value() {
            self.end(index, out);
        }
    }

    fn begin_piece(&mut self, kind: Block, out: &mut Vec<Piece>) -> u32 {
        let block = self.next;
        self.next = self.next.wrapping_add(1);
        out.push(Piece::Begin {
            choice: 0,
            block,
            kind,
        });
        block
    }

    fn open(
        &mut self,
        index: u64,
        kind: impl FnOnce(u32) -> (Kind, Block),
        out: &mut Vec<Piece>,
    ) -> Result<(), Broken> {
        let (kind, block) = kind(self.next);
        self.insert(index, kind)?;
        self.begin_piece(block, out);
        Ok(())
    }

    fn insert(&mut self, index: u64, kind: Kind) -> Result<(), Broken> {
        if self.open.len() >= MAX_OPEN {
            return Err("too many open blocks");
        }
        self.open.insert(index, Open { held: 0, kind });
        Ok(())
    }

    /// Counts `size` more bytes as held by the block `index`.
    fn hold(&mut self, index: u64, size: usize) -> Result<(), Broken> {
        if let Some(open) = self.open.get_mut(&index) {
            open.held = open.held.saturating_add(size);
            self.held = self.held.saturating_add(size);
        }
        if self.held > MAX_HELD {
            return Err("a block that is too long");
        }
        Ok(())
    }

    /// Opens a text where none is open.
    fn open_text(&mut self, index: u64, out: &mut Vec<Piece>) -> Result<(), Broken> {
        if !matches!(self.kind(index), Some(Kind::Text { .. })) {
            self.end(index, out);
            self.open(index, text_kind, out)?;
        }
        Ok(())
    }

    /// Opens thoughts where none are open.
    fn open_reasoning(&mut self, index: u64, out: &mut Vec<Piece>) -> Result<(), Broken> {
        if !matches!(self.kind(index), Some(Kind::Reasoning { .. })) {
            self.end(index, out);
            self.open(index, reasoning_kind, out)?;
        }
        Ok(())
    }

    fn kind(&self, index: u64) -> Option<&Kind> {
        self.open.get(&index).map(|open| &open.kind)
    }

    /// Sends `delta` of a text or of thoughts, unless it is empty.
    fn put(&mut self, index: u64, delta: Delta, out: &mut Vec<Piece>) {
        let is_empty = match &delta {
            Delta::Text(text) | Delta::Signature(text) | Delta::Sealed(text) => text.is_empty(),
            Delta::TextWithLogprobs(..) | Delta::Arguments(_) | Delta::Annotations(_) => false,
        };
        if let (Some(Kind::Text { block, .. } | Kind::Reasoning { block }), false) =
            (self.kind(index), is_empty)
        {
            push_delta(*block, delta, out);
        }
    }

    fn cite(&mut self, index: u64, more: Vec<Value>, size: usize) -> Result<(), Broken> {
        if let Some(Open {
            kind: Kind::Text { citations, .. },
            ..
        }) = self.open.get_mut(&index)
        {
            citations.extend(more);
        }
        self.hold(index, size)
    }

    fn arguments(&mut self, index: u64, part: String, out: &mut Vec<Piece>) -> Result<(), Broken> {
        match self.open.get_mut(&index).map(|open| &mut open.kind) {
            Some(Kind::Call { block, has_any, .. }) => {
                if !part.is_empty() {
                    *has_any = true;
                    push_delta(*block, Delta::Arguments(part), out);
                }
                Ok(())
            }
            _ if part.is_empty() => Ok(()),
            Some(Kind::Text { .. } | Kind::Reasoning { .. } | Kind::Other { .. }) | None => {
                Err("arguments of no call")
            }
        }
    }
}

fn text_kind(block: u32) -> (Kind, Block) {
    let citations = Vec::new();
    (Kind::Text { block, citations }, Block::Text)
}

fn reasoning_kind(block: u32) -> (Kind, Block) {
    (Kind::Reasoning { block }, Block::Reasoning)
}

fn push_delta(block: u32, delta: Delta, out: &mut Vec<Piece>) {
    out.push(Piece::Delta {
        choice: 0,
        block,
        delta,
    });
}

/// The text that is the member `key`; empty if it is absent or no text.
fn taken(members: &mut Map<String, Value>, key: &str) -> String {
    match members.get_mut(key) {
        Some(Value::String(text)) => std::mem::take(text),
        _ => String::new(),
    }
}

/// Adds a delta to a block that nobody here knows: texts and lists grow, the rest is as it was said last.
fn merge(block: &mut Map<String, Value>, delta: Map<String, Value>) {
    for (key, more) in delta {
        match (block.get_mut(&key), more) {
            // The delta's own, not the block's.
            _ if key == "type" => {}
            (Some(Value::String(text)), Value::String(more)) => text.push_str(&more),
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (_, more) => drop(block.insert(key, more)),
        }
    }
}

/// The block with the input that came in fragments; input that is no JSON stays a text.
fn with_input(mut value: Map<String, Value>, input: &str) -> Value {
    if !input.is_empty() {
        let input = serde_json::from_str(input).unwrap_or_else(|_| json!(input));
        value.insert("input".to_owned(), input);
    }
    Value::Object(value)
}
