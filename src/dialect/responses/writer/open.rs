//! Items while they are written.

use serde_json::{Value, json};

use super::super::super::neutral::{Delta, Reasoning, ToolCall};
use super::super::item;

/// An item of the answer.
#[derive(Debug)]
pub(super) enum Item {
    /// A message.
    Message {
        /// What it says.
        parts: Vec<Content>,
        /// How many of the parts have not ended.
        open: usize,
    },
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
    /// A message that begins.
    pub(super) const fn message() -> Self {
        Self::Message {
            parts: Vec::new(),
            open: 0,
        }
    }

    /// The prefix of its id; `None` if it has its own.
    pub(super) const fn prefix(&self) -> Option<&'static str> {
        match self {
            Self::Message { .. } => Some("msg"),
            Self::Reasoning(_) => Some("rs"),
            Self::Call(_) => Some("fc"),
            Self::Whole(_) | Self::Done(_) => None,
        }
    }

    /// The item as far as it came.
    pub(super) fn write(&self, id: &str, status: &str) -> Value {
        match self {
            Self::Message { parts, .. } => {
                let content: Vec<Value> = parts.iter().map(Content::write).collect();
                item::message(id, status, &content)
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
            Self::Message { .. } | Self::Reasoning(_) | Self::Call(_) | Self::Whole(_) => None,
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

/// A part at its end.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) name: &'static str,
    pub(super) members: Value,
    pub(super) part: Value,
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
                let (first, list) = (self.annotations.len(), item::own_annotations(value));
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

    /// The name and the members of the event that tells its whole text, and the whole part.
    pub(super) fn whole(&self) -> Whole {
        if self.is_refusal {
            Whole {
                name: "response.refusal.done",
                members: json!({"refusal": self.text}),
                part: self.write(),
            }
        } else {
            Whole {
                name: "response.output_text.done",
                members: json!({"text": self.text, "logprobs": self.logprobs}),
                part: self.write(),
            }
        }
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
