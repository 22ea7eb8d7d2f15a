//! Blocks that began while another one is open, in order.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::neutral::{Block, Delta};

/// Most bytes that are held, by a count that is never much too small. OpenAI's parallel calls are a few kilobytes; what is
/// beyond this is no answer.
const MAX_HELD: usize = 16 * 1024 * 1024;

/// What a block or a delta weighs beside its text.
const OVERHEAD: usize = 128;

/// Blocks that wait, by their numbers, which rise as blocks begin.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    blocks: BTreeMap<u32, Held>,
    bytes: usize,
}

/// A block that waits.
#[derive(Debug)]
pub(super) struct Held {
    /// What it is.
    pub(super) kind: Block,
    /// What came of it.
    pub(super) deltas: Vec<Delta>,
    /// Whether it is complete.
    pub(super) ended: bool,
    bytes: usize,
}

/// More came than is held.
#[derive(Debug)]
pub(super) struct Full;

impl Waiting {
    /// A block begins. A second one of the same number is none.
    pub(super) fn begin(&mut self, block: u32, kind: &Block) -> Result<(), Full> {
        if self.blocks.contains_key(&block) {
            return Ok(());
        }
        let bytes = OVERHEAD
            + match kind {
                Block::Text | Block::Reasoning | Block::Refusal => 0,
                Block::ToolCall { id, name } => id.len().saturating_add(name.len()),
                Block::Other(_, value) => weight(value),
            };
        let held = Held {
            kind: kind.clone(),
            deltas: Vec::new(),
            ended: false,
            bytes,
        };
        self.blocks.insert(block, held);
        self.grow(bytes)
    }

    /// More of a block. What belongs to no block that waits is dropped.
    pub(super) fn delta(&mut self, block: u32, delta: &Delta) -> Result<(), Full> {
        let Some(held) = self.blocks.get_mut(&block) else {
            return Ok(());
        };
        let bytes = held.push(delta);
        held.bytes = held.bytes.saturating_add(bytes);
        self.grow(bytes)
    }

    /// A block is complete.
    pub(super) fn end(&mut self, block: u32) {
        if let Some(held) = self.blocks.get_mut(&block) {
            held.ended = true;
        }
    }

    /// Takes the block that comes next.
    pub(super) fn next(&mut self) -> Option<(u32, Held)> {
        let (block, held) = self.blocks.pop_first()?;
        self.bytes = self.bytes.saturating_sub(held.bytes);
        Some((block, held))
    }

    fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_HELD {
            self.blocks.clear();
            return Err(Full);
        }
        Ok(())
    }
}

impl Held {
    /// Holds `delta`, put together with the one before where that says the same. Returns what it weighs.
    fn push(&mut self, delta: &Delta) -> usize {
        match (self.deltas.last_mut(), delta) {
            (Some(Delta::Text(held)), Delta::Text(more) | Delta::TextWithLogprobs(more, _))
            | (Some(Delta::Arguments(held)), Delta::Arguments(more)) => {
                held.push_str(more);
                // Texts grow by doubling.
                more.len().saturating_mul(2)
            }
            // Probabilities are not written.
            (_, Delta::TextWithLogprobs(text, _)) => {
                self.deltas.push(Delta::Text(text.clone()));
                OVERHEAD.saturating_add(text.len())
            }
            (_, delta) => {
                self.deltas.push(delta.clone());
                OVERHEAD.saturating_add(match delta {
                    Delta::Text(text)
                    | Delta::TextWithLogprobs(text, _)
                    | Delta::Arguments(text)
                    | Delta::Signature(text)
                    | Delta::Sealed(text) => text.len(),
                    Delta::Annotations(value) => weight(value),
                })
            }
        }
    }
}

/// What a value weighs in memory. No deeper than JSON is read.
fn weight(value: &Value) -> usize {
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(weight).fold(0, usize::saturating_add),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| weight(value).saturating_add(key.len()))
            .fold(0, usize::saturating_add),
    };
    inner.saturating_add(OVERHEAD)
}
