//! A whole answer, and the pieces of a stream.

use serde_json::Value;

use super::{Dialect, Extra, Part};
use crate::model::Tokens;
use crate::wire::Reported;

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The provider's id of it; empty if there is none.
    pub id: String,
    /// The model that answered, in the provider's words; empty if not said.
    pub model: String,
    /// When it was made, in seconds since 1970, if the provider says so.
    pub created: Option<u64>,
    /// The answers; usually one.
    pub choices: Vec<Choice>,
    /// What it cost in tokens, if reported.
    pub usage: Option<Tokens>,
    /// Members without a place here.
    pub extra: Extra,
}

/// One of the answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// What was said, in order.
    pub parts: Vec<Part>,
    /// Why it ended; `None` where the provider did not say.
    pub finish: Option<Finish>,
    /// Probabilities in OpenAI's form.
    pub logprobs: Option<Value>,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It was complete.
    Stop,
    /// One of the client's stop texts came, if known which.
    StopSequence(Option<String>),
    /// It reached its bound of tokens, or the context's.
    Length,
    /// It calls tools.
    ToolCalls,
    /// The provider's policy cut it off.
    ContentFilter,
    /// The model refused.
    Refusal,
    /// The provider paused a long turn that the client may go on with (Anthropic's `pause_turn`).
    Pause,
    /// A reason that only this provider knows, in its words.
    Other(String),
}

/// A piece of a stream. Within a choice, blocks are numbered from 0 as they begin; a block's deltas lie between its
/// [`Piece::Begin`] and its [`Piece::End`], and blocks of one choice may overlap (parallel tool calls in OpenAI's dialect).
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// The stream has begun. Sent once, before everything else but errors.
    Start {
        /// As in [`Answer::id`].
        id: String,
        /// As in [`Answer::model`].
        model: String,
        /// As in [`Answer::created`].
        created: Option<u64>,
        /// Tokens of the prompt, where the provider tells them first.
        usage: Option<Tokens>,
    },
    /// A block begins.
    Begin {
        /// The choice.
        choice: u32,
        /// The block.
        block: u32,
        /// What it will be.
        kind: Block,
    },
    /// More of a block.
    Delta {
        /// The choice.
        choice: u32,
        /// The block.
        block: u32,
        /// What came.
        delta: Delta,
    },
    /// A block is complete.
    End {
        /// The choice.
        choice: u32,
        /// The block.
        block: u32,
    },
    /// A choice is complete.
    Finish {
        /// The choice.
        choice: u32,
        /// Why.
        finish: Finish,
    },
    /// Token counts so far; the last ones count.
    Usage(Tokens),
    /// The provider reported an error inside its stream. Nothing comes after it.
    Error(Reported),
    /// The provider says that the stream is complete.
    Done,
}

/// What a block of a stream is.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Text.
    Text,
    /// Thoughts.
    Reasoning,
    /// A refusal.
    Refusal,
    /// A call.
    ToolCall {
        /// As in [`super::ToolCall::id`].
        id: String,
        /// As in [`super::ToolCall::name`].
        name: String,
    },
    /// A part that only one dialect knows, as it came.
    Other(Dialect, Value),
}

/// What came of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// Text, of a text, a refusal, or thoughts.
    Text(String),
    /// Text with the probabilities of its tokens in OpenAI's form (`{"content": […]}`).
    TextWithLogprobs(String, Value),
    /// Arguments of a call, a fragment of JSON.
    Arguments(String),
    /// A signature of thoughts or of a call, whole.
    Signature(String),
    /// Thoughts that cannot be read, whole: as in [`super::Reasoning::sealed`].
    Sealed(String),
    /// Annotations or citations, as they came.
    Annotations(Value),
}

impl Finish {
    /// Whether a content policy ended it.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::ContentFilter | Self::Refusal)
    }
}

impl Answer {
    /// Whether a content policy let nothing be said.
    pub fn is_refused(&self) -> bool {
        let refused = |choice: &Choice| {
            choice.parts.is_empty() && choice.finish.as_ref().is_some_and(Finish::is_refusal)
        };
        !self.choices.is_empty() && self.choices.iter().all(refused)
    }
}
