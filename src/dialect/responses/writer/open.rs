//! Items while they are written.

use serde_json::{Value, json};

use super::super::super::neutral::{Delta, Reasoning, ToolCall};
use super::super::item;

/// An item of the answer.
#[derive(Debug)]
pub(super) enum Item {
    /// A message with its parts.
    Message(Vec<Content>),
    /// A thought.
    Reasoning(Reasoning),
    /// A call.
    Call(ToolCall),
    /// One that came whole, not yet told to the end.
    Whole(Value),
    /// One that is complete, as it was told.
    Done(Value),
}

impl Item {
    /// The prefix of its id; `None` if it has its own.
    pub(super) const fn prefix(&self) -> Option<&'static str> {
        match self {
            Self::Message(_) => Some("msg"),
            Self::Reasoning(_) => Some("rs"),
            Self::Call(_) => Some("fc"),
            Self::Whole(_) | Self::Done(_) => None,
        }
    }

    /// The item as far as it came.
    pub(super) fn write(&self, id: &str, status: &str) -> Value {
        match self {
            Self::Message(parts) => {
                item::message(id, status, parts.iter().map(Content::write).collect())
            }
            Self::Reasoning(thought) => item::reasoning(id, thought),
            Self::Call(call) => item::call(id, status, call),
            Self::Whole(value) | Self::Done(value) => value.clone(),
        }
    }

    /// What was told of it; `None` if that is not all.
    pub(super) fn done(self) -> Option<Value> {
        match self {
            Self::Done(value) => Some(value),
            Self::Message(_) | Self::Reasoning(_) | Self::Call(_) | Self::Whole(_) => None,
        }
    }

    /// Whether the model refused in it.
    pub(super) fn has_refusal(&self) -> bool {
        match self {
            Self::Message(parts) => parts.iter().any(|part| part.is_refusal),
            Self::Done(value) => value
                .get("content")
                .and_then(Value::as_array)
                .is_some_and(|parts| parts.iter().any(|part| part["type"] == "refusal")),
            Self::Reasoning(_) | Self::Call(_) | Self::Whole(_) => false,
        }
    }
}

/// A part of a message.
#[derive(Debug, Default)]
pub(super) struct Content {
    is_refusal: bool,
    text: String,
    annotations: Vec<Value>,
    logprobs: Vec<Value>,
}

/// What a delta said.
#[derive(Debug)]
pub(super) enum Said {
    Text {
        text: String,
        logprobs: Vec<Value>,
    },
    Refusal(String),
    Annotations {
        /// The index of the first of them.
        first: usize,
        list: Vec<Value>,
    },
    /// Nothing that has a place in a message.
    Nothing,
}

impl Content {
    pub(super) fn text() -> Self {
        Self::default()
    }

    pub(super) fn refusal() -> Self {
        Self {
            is_refusal: true,
            ..Self::default()
        }
    }

    /// Adds what came.
    pub(super) fn add(&mut self, delta: &Delta) -> Said {
        let (text, logprobs) = match delta {
            Delta::Text(text) => (text, Vec::new()),
            Delta::TextWithLogprobs(text, value) => (text, item::logprobs(value)),
            Delta::Annotations(value) => {
                let (first, list) = (self.annotations.len(), item::annotations(value));
                self.annotations.extend(list.iter().cloned());
                return Said::Annotations { first, list };
            }
            Delta::Arguments(_) | Delta::Signature(_) | Delta::Sealed(_) => return Said::Nothing,
        };
        if text.is_empty() && logprobs.is_empty() {
            return Said::Nothing;
        }
        self.text.push_str(text);
        self.logprobs.extend(logprobs.iter().cloned());
        let text = text.clone();
        if self.is_refusal {
            Said::Refusal(text)
        } else {
            Said::Text { text, logprobs }
        }
    }

    /// The part as far as it came.
    pub(super) fn write(&self) -> Value {
        if self.is_refusal {
            item::refusal(&self.text)
        } else {
            item::text(&self.text, &self.annotations, &self.logprobs)
        }
    }

    /// The event that tells its whole text, the text's key and the text there, and the whole part.
    pub(super) fn whole(&self) -> (&'static str, &'static str, Value, Value) {
        let (name, key) = if self.is_refusal {
            ("response.refusal.done", "refusal")
        } else {
            ("response.output_text.done", "text")
        };
        (name, key, json!(self.text), self.write())
    }
}

/// Adds what came to a thought.
pub(super) fn think(thought: &mut Reasoning, delta: &Delta) {
    match delta {
        Delta::Text(text) | Delta::TextWithLogprobs(text, _) => thought.text.push_str(text),
        Delta::Signature(signature) => thought.signature = Some(signature.clone()),
        Delta::Sealed(sealed) => thought.sealed = Some(sealed.clone()),
        Delta::Arguments(_) | Delta::Annotations(_) => {}
    }
}
