//! The languages of providers, as their servers speak them.
//!
//! Each module says how one API's request is read and how its answer is told: as a document, and as events. They are
//! written from the providers' descriptions alone and share nothing with the daemon's own translation, so that each is a
//! check of the other.

use bytes::{Bytes, BytesMut};
use serde_json::Value;

use super::question::{Form, Length, Question, Read, Refused};
use super::script::{Piece, Script};
use super::wish::{Thinking, Wish};
use crate::law::{Answer, ErrorKind};

mod chat;
mod cohere;
mod completions;
mod converse;
pub(super) mod errors;
mod gemini;
mod messages;
mod responses;
mod responses_events;

/// An API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's completions of a text.
    Completions,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
    /// Google's generateContent.
    Gemini,
    /// Amazon's Converse.
    Converse,
    /// Cohere's chat, version 2.
    Cohere,
}

/// Why an answer is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    Length,
    Calls,
}

/// An answer, and how far it has been told.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) dialect: Dialect,
    pub(super) form: Form,
    pub(super) target: String,
    pub(super) number: u64,
    /// Seconds since 1970.
    pub(super) created: u64,
    pub(super) latency_ms: u64,
    pub(super) model: String,
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
    pub(super) finish: Finish,
    pub(super) thinking: Thinking,
    pub(super) is_sealed: bool,
    pub(super) script: Script,
    /// Events so far, where they are numbered.
    pub(super) events: u64,
    /// What every event begins with, where that is always the same.
    head: Bytes,
}

/// Reads a request's body.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(dialect: Dialect, target: &str, body: &[u8]) -> Result<Read, Refused> {
    match dialect {
        Dialect::Chat => chat::read(body),
        Dialect::Completions => completions::read(body),
        Dialect::Responses => responses::read(target, body),
        Dialect::Messages => messages::read(target, body),
        Dialect::Gemini => gemini::read(target, body),
        Dialect::Converse => converse::read(target, body),
        Dialect::Cohere => cohere::read(body),
    }
}

/// What says how long a prompt is, of a request for its tokens alone.
///
/// # Errors
/// What is wrong with it.
pub(super) fn counted(dialect: Dialect, target: &str, body: &[u8]) -> Result<Read, Refused> {
    match dialect {
        Dialect::Messages => messages::read_counted(target, body),
        other => read(other, target, body),
    }
}

impl Told {
    /// The answer to request `number` of a target, created at this second of 1970's clock.
    pub(super) fn new(
        question: Question,
        (target, number): (&str, u64),
        answer: &Answer,
        created: u64,
    ) -> Self {
        let tokens = answer.tokens_out;
        let wish: &Wish = &question.wish;
        let script = Script::new(wish, number, tokens, answer.calls);
        let finish = match question.length {
            _ if script.calls() => Finish::Calls,
            _ if wish.schema.is_some() => Finish::Stop,
            Length::Exactly(_) => Finish::Length,
            Length::AtMost(most) if tokens >= most => Finish::Length,
            Length::AtMost(_) | Length::Open => Finish::Stop,
        };
        let mut told = Self {
            dialect: question.dialect,
            form: question.form,
            target: target.to_owned(),
            number,
            created,
            latency_ms: u64::try_from(answer.total.as_millis()).unwrap_or(u64::MAX),
            model: question.model,
            prompt_tokens: question.prompt_tokens,
            completion_tokens: tokens,
            finish,
            thinking: wish.thinking,
            is_sealed: wish.is_sealed,
            script,
            events: 0,
            head: Bytes::new(),
        };
        if told.dialect == Dialect::Chat {
            told.head = chat::head(&told);
        }
        told
    }

    /// Tokens of prompt and answer together.
    fn total_tokens(&self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }

    /// The whole answer as one document.
    pub(super) fn document(&self) -> Bytes {
        let value = match self.dialect {
            Dialect::Chat => return chat::document(self),
            Dialect::Completions => completions::document(self),
            Dialect::Responses => responses::document(self),
            Dialect::Messages => messages::document(self),
            Dialect::Gemini => gemini::document(self),
            Dialect::Converse => converse::document(self),
            Dialect::Cohere => cohere::document(self),
        };
        Bytes::from(value.to_string())
    }

    /// Writes what comes before the first piece.
    pub(super) fn begin(&mut self, out: &mut BytesMut) {
        match self.dialect {
            Dialect::Chat => chat::begin(self, out),
            Dialect::Completions | Dialect::Gemini => {}
            Dialect::Responses => responses_events::begin(self, out),
            Dialect::Messages => messages::begin(self, out),
            Dialect::Converse => converse::begin(out),
            Dialect::Cohere => cohere::begin(self, out),
        }
    }

    /// Writes piece `index`.
    pub(super) fn piece(&mut self, out: &mut BytesMut, index: u64) {
        let mut events = self.events;
        let Some(piece) = self.script.piece(index) else {
            return;
        };
        match self.dialect {
            Dialect::Chat => chat::piece(self, out, piece),
            Dialect::Completions => completions::piece(self, out, piece),
            Dialect::Responses => responses_events::piece(self, out, piece, &mut events),
            Dialect::Messages => messages::piece(self, out, piece),
            Dialect::Gemini => gemini::piece(self, out, piece, &mut events),
            Dialect::Converse => converse::piece(self, out, piece),
            Dialect::Cohere => cohere::piece(self, out, piece),
        }
        self.events = events;
    }

    /// Writes what comes after the last piece.
    pub(super) fn end(&mut self, out: &mut BytesMut) {
        match self.dialect {
            Dialect::Chat => chat::end(self, out),
            Dialect::Completions => completions::end(self, out),
            Dialect::Responses => responses_events::end(self, out),
            Dialect::Messages => messages::end(self, out),
            Dialect::Gemini => gemini::end(self, out),
            Dialect::Converse => converse::end(self, out),
            Dialect::Cohere => cohere::end(self, out),
        }
    }

    /// Writes an error in the middle of a stream, after which nothing comes.
    pub(super) fn error(&mut self, out: &mut BytesMut) {
        let fault = errors::Fault::plain(ErrorKind::Server);
        match self.dialect {
            Dialect::Chat | Dialect::Completions => {
                data(out, &errors::document(self.dialect, &fault));
            }
            Dialect::Responses => responses_events::error(self, out),
            Dialect::Messages => {
                event(out, "error", &errors::document(self.dialect, &fault));
            }
            Dialect::Gemini => gemini::error(self, out, &errors::document(self.dialect, &fault)),
            Dialect::Converse => converse::error(out),
            Dialect::Cohere => cohere::error(out),
        }
    }

    /// Writes an event that stops in the middle of its JSON.
    pub(super) fn half(dialect: Dialect) -> Bytes {
        match dialect {
            Dialect::Converse => converse::half(),
            Dialect::Gemini => Bytes::from_static(b"data: {\"candidates\":[{\"content\":\n\n"),
            Dialect::Chat
            | Dialect::Completions
            | Dialect::Responses
            | Dialect::Messages
            | Dialect::Cohere => {
                Bytes::from_static(b"data: {\"id\":\"chatcmpl-mock\",\"object\":\n\n")
            }
        }
    }
}

/// Writes an event without a name.
fn data(out: &mut BytesMut, value: &Value) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(value.to_string().as_bytes());
    out.extend_from_slice(b"\n\n");
}

/// Writes an event with a name.
fn event(out: &mut BytesMut, name: &str, value: &Value) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\n");
    data(out, value);
}

/// The id of call `index` of an answer.
fn call_id(prefix: &str, told: &Told, index: usize) -> String {
    format!("{prefix}_{:016x}{index:02x}", told.number)
}

/// The pieces' parts with what each is, as documents list them.
fn parts(told: &Told) -> impl Iterator<Item = (usize, &super::script::Part)> {
    told.script.parts.iter().enumerate()
}

/// What a piece is, for events.
type At<'a> = Piece<'a>;
