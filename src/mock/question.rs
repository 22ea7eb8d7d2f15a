//! What the mock reads of a request.

use http::HeaderMap;
use serde_json::Value;

use super::dialects::{self, Dialect};
use super::place::Post;
use super::wish::Wish;
use crate::law::{Ask, ErrorKind};

/// A request for an answer, as far as it matters here.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) dialect: Dialect,
    pub(super) model: String,
    pub(super) form: Form,
    pub(super) length: Length,
    /// The number that its noise belongs to.
    pub(super) number: Option<u64>,
    /// A quarter of the messages' bytes, at least 1.
    pub(super) prompt_tokens: u64,
    pub(super) wish: Wish,
}

/// How the answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON document.
    Unary,
    /// In pieces, as events.
    Stream,
    /// In pieces, with a chunk of token counts before the end, where the dialect leaves the choice.
    StreamWithUsage,
    /// In pieces, as the elements of one JSON array (Gemini without `alt=sse`).
    Array,
}

/// How long the answer is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Length {
    /// As the law says.
    #[default]
    Open,
    /// This many tokens: so clients of chat completions say how long an answer they want to be simulated.
    Exactly(u64),
    /// As the law says, but no more than this.
    AtMost(u64),
}

/// What a dialect reads of a body.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) model: Option<String>,
    pub(super) streams: bool,
    pub(super) counts: bool,
    pub(super) length: Length,
    pub(super) seed: Option<u64>,
    /// Bytes of the prompt.
    pub(super) prompt: u64,
    pub(super) wish: Wish,
}

/// Why a request is refused before the law is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) kind: ErrorKind,
    pub(super) status: Option<u16>,
    pub(super) words: String,
    pub(super) param: Option<&'static str>,
    pub(super) code: Option<&'static str>,
}

/// The number of a request, to repeat its noise.
const NUMBER: &str = "x-mock-request";

impl Refused {
    /// A request that is wrong, in words for the client.
    pub(super) fn new(words: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Client,
            status: None,
            words: words.into(),
            param: None,
            code: None,
        }
    }
}

impl Form {
    pub(super) const fn is_stream(self) -> bool {
        !matches!(self, Self::Unary)
    }
}

impl Question {
    /// Reads a request to `target` for an answer in `dialect`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(
        dialect: Dialect,
        (target, post, query): (&str, &Post, &str),
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, Refused> {
        let read = dialects::read(dialect, target, body)?;
        let Some(model) = post.model.clone().or(read.model) else {
            return Err(Refused::new("you must provide a model parameter"));
        };
        let is_sse = query.split('&').any(|pair| pair == "alt=sse");
        let form = match (post.streams || read.streams, read.counts) {
            (false, _) => Form::Unary,
            (true, _) if dialect == Dialect::Gemini && !is_sse => Form::Array,
            (true, false) => Form::Stream,
            (true, true) => Form::StreamWithUsage,
        };
        Ok(Self {
            dialect,
            model,
            form,
            length: read.length,
            number: number(headers)?.or(read.seed),
            prompt_tokens: tokens(read.prompt),
            wish: read.wish,
        })
    }

    /// What the law is asked.
    pub(super) fn ask(&self) -> Ask {
        let (tokens_out, at_most) = match self.length {
            Length::Open => (None, None),
            Length::Exactly(tokens) => (Some(tokens), None),
            Length::AtMost(tokens) => (None, Some(tokens)),
        };
        Ask {
            tokens_out,
            at_most,
            uncached: self.prompt_tokens,
            ..Ask::default()
        }
    }
}

/// Tokens of a prompt of so many bytes.
pub(super) fn tokens(bytes: u64) -> u64 {
    (bytes / 4).max(1)
}

/// Bytes of values as JSON.
pub(super) fn size(values: &[&Value]) -> u64 {
    let there = values.iter().filter(|value| !value.is_null());
    there.map(|value| value.to_string().len() as u64).sum()
}

/// A body as JSON.
///
/// # Errors
/// It is none.
pub(super) fn json(body: &[u8]) -> Result<Value, Refused> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(Value::Object(members)),
        Ok(_) => Err(Refused::new(
            "expected a request in JSON: an object, found another value",
        )),
        Err(problem) => Err(Refused::new(format!(
            "expected a request in JSON: {problem}"
        ))),
    }
}

/// The number that a request's header gives it.
///
/// # Errors
/// It is no number.
pub(super) fn number(headers: &HeaderMap) -> Result<Option<u64>, Refused> {
    let Some(value) = headers.get(NUMBER) else {
        return Ok(None);
    };
    match value.to_str().ok().and_then(|text| text.parse().ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(Refused::new(format!(
            "expected a whole number in {NUMBER}, found {value:?}"
        ))),
    }
}

#[cfg(test)]
#[path = "question_tests.rs"]
mod tests;
