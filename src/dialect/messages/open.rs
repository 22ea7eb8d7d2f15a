//! The block of a stream that is being told.
//!
//! A block is begun with its first word rather than with its announcement: providers announce texts that stay empty, which
//! no client could send back, and whether a thought is readable shows only then.

use serde_json::{Value, json};

use super::super::neutral::{Block, Delta};
use super::events::Events;
use super::words::{Said, citations};
use super::write_answer::{call_block, redacted_block, thinking_block};

/// A block that is open.
#[derive(Debug)]
pub(super) struct Open {
    /// Its number in the neutral form.
    pub(super) block: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    Text {
        begun: bool,
    },
    Thought {
        begun: bool,
    },
    Call(Call),
    /// All was told at once.
    Whole,
}

/// A call. Its first arguments are held until more come, since a signature that follows them belongs before the call.
#[derive(Debug, Default)]
struct Call {
    id: String,
    name: String,
    signature: Option<String>,
    first: String,
    begun: bool,
    has_arguments: bool,
}

impl Open {
    /// The block `block` of this `kind`. A call is known to the client by `call_id`. Blocks that only one dialect knows are
    /// Anthropic's.
    pub(super) fn begin(
        block: u32,
        kind: Block,
        call_id: String,
        said: &mut Said,
        events: &mut Events,
        out: &mut Vec<u8>,
    ) -> Self {
        let state = match kind {
            Block::Text => State::Text { begun: false },
            Block::Refusal => {
                said.refusal = true;
                State::Text { begun: false }
            }
            Block::Reasoning => State::Thought { begun: false },
            Block::ToolCall { name, .. } => {
                said.calls = true;
                State::Call(Call {
                    id: call_id,
                    name,
                    ..Call::default()
                })
            }
            Block::Other(_, value) => {
                events.whole(&value, out);
                State::Whole
            }
        };
        Self { block, state }
    }

    /// More of it.
    pub(super) fn delta(&mut self, delta: &Delta, events: &mut Events, out: &mut Vec<u8>) {
        match &mut self.state {
            State::Text { begun } => tell_text(begun, delta, events, out),
            State::Thought { begun } => tell_thought(begun, delta, events, out),
            State::Call(call) => call.tell(delta, events, out),
            State::Whole => {}
        }
    }

    /// It is complete.
    pub(super) fn end(self, events: &mut Events, out: &mut Vec<u8>) {
        match self.state {
            State::Text { begun } | State::Thought { begun } => {
                if begun {
                    events.stop(out);
                }
            }
            State::Call(call) => call.end(events, out),
            State::Whole => {}
        }
    }
}

fn tell_text(begun: &mut bool, delta: &Delta, events: &Events, out: &mut Vec<u8>) {
    let deltas = match delta {
        Delta::Text(text) | Delta::TextWithLogprobs(text, _) if !text.is_empty() => {
            vec![json!({"type": "text_delta", "text": text})]
        }
        Delta::Annotations(list) => {
            let cited = citations(list).into_iter();
            cited
                .map(|citation| json!({"type": "citations_delta", "citation": citation}))
                .collect()
        }
        // Texts have no place for signatures; the others are not of texts.
        Delta::Text(_)
        | Delta::TextWithLogprobs(..)
        | Delta::Signature(_)
        | Delta::Sealed(_)
        | Delta::Arguments(_) => return,
    };
    for delta in deltas {
        if !std::mem::replace(begun, true) {
            events.start(&json!({"type": "text", "text": ""}), out);
        }
        events.delta(&delta, out);
    }
}

fn tell_thought(begun: &mut bool, delta: &Delta, events: &mut Events, out: &mut Vec<u8>) {
    let delta = match delta {
        Delta::Text(text) | Delta::TextWithLogprobs(text, _) if !text.is_empty() => {
            json!({"type": "thinking_delta", "thinking": text})
        }
        Delta::Signature(signature) => json!({"type": "signature_delta", "signature": signature}),
        Delta::Sealed(data) => {
            if std::mem::take(begun) {
                events.stop(out);
            }
            events.whole(&redacted_block(data), out);
            return;
        }
        Delta::Text(_)
        | Delta::TextWithLogprobs(..)
        | Delta::Annotations(_)
        | Delta::Arguments(_) => return,
    };
    if !std::mem::replace(begun, true) {
        events.start(&thinking_block("", None), out);
    }
    events.delta(&delta, out);
}

impl Call {
    fn tell(&mut self, delta: &Delta, events: &mut Events, out: &mut Vec<u8>) {
        match delta {
            Delta::Arguments(text) if text.is_empty() => {}
            Delta::Arguments(text) if !self.begun && self.first.is_empty() => {
                self.first.clone_from(text);
            }
            Delta::Arguments(text) => {
                self.begin(events, out);
                self.say(text, events, out);
            }
            // One that comes later finds the call told; providers send it with the whole call.
            Delta::Signature(signature) if !self.begun => {
                self.signature = Some(signature.clone());
            }
            Delta::Signature(_)
            | Delta::Text(_)
            | Delta::TextWithLogprobs(..)
            | Delta::Annotations(_)
            | Delta::Sealed(_) => {}
        }
    }

    fn begin(&mut self, events: &mut Events, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        if let Some(signature) = self.signature.take() {
            events.start(&thinking_block("", None), out);
            events.delta(
                &json!({"type": "signature_delta", "signature": signature}),
                out,
            );
            events.stop(out);
        }
        events.start(&call_block(&self.id, &self.name, &json!({})), out);
        let first = std::mem::take(&mut self.first);
        if !first.is_empty() {
            self.say(&first, events, out);
        }
    }

    fn say(&mut self, text: &str, events: &Events, out: &mut Vec<u8>) {
        self.has_arguments = true;
        let delta = json!({"type": "input_json_delta", "partial_json": text});
        events.delta(&delta, out);
    }

    fn end(mut self, events: &mut Events, out: &mut Vec<u8>) {
        self.begin(events, out);
        if !self.has_arguments {
            // Clients parse what they gathered as JSON; an empty text is none.
            self.say("{}", events, out);
        }
        events.stop(out);
    }
}

/// Whether `value` can be a block of Anthropic's.
pub(super) fn is_block(value: &Value) -> bool {
    value.get("type").is_some_and(Value::is_string)
}
