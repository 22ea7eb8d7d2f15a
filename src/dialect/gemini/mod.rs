//! Google's generateContent, spoken to targets: AI Studio and Vertex.
//!
//! The two hosts speak one language with small differences, which [`GeminiOptions`] names. The model stands in the path, and
//! so does whether the answer is streamed, so neither is in the body. What the other dialects do not have:
//!
//! - A conversation has only the roles `user` and `model`. Standing instructions stand beside it, results of tools are the
//!   user's, and all results of one turn of calls must stand in the content right behind it.
//! - Any part of an answer may carry a `thoughtSignature`, which is wanted back at the same place. On a call it is
//!   [`ToolCall::signature`](super::neutral::ToolCall::signature); on any other part it is a
//!   [`Part::Reasoning`](super::neutral::Part::Reasoning) without a text, right before that part.
//! - A stream has no end mark. It is complete if each candidate that began said why it ended.
//!
//! Sources, read 2026-11-24: the discovery document of Vertex's `aiplatform` v1 (google-api-python-client 2.202.0,
//! Apache-2.0), <https://ai.google.dev/api/generate-content>, <https://ai.google.dev/gemini-api/docs/thought-signatures>,
//! <https://ai.google.dev/gemini-api/docs/openai#thinking>.

mod answer;
mod candidate;
mod choice;
mod contents;
mod created;
mod dropped;
mod fit;
mod generation;
mod grounding;
mod logprobs;
mod loose;
mod media;
mod part;
mod reader;
mod response;
mod tools;
mod write;

pub use answer::read_answer;
pub use fit::fit;
pub use reader::Reader;
pub use write::write_request;

use serde_json::Value;

use super::neutral::{Dialect, Finish, Unfit};
use crate::model::Tokens;

/// What one host or model knows of generateContent. The default is AI Studio with a model of Gemini 2.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GeminiOptions {
    /// Whether the host is Vertex: it knows `labels`, and no file ids of AI Studio's.
    pub vertex: bool,
    /// Whether the model takes `thinkingLevel`, a word, as Gemini 3 does, rather than `thinkingBudget`, a number of tokens.
    /// Such a model also takes images inside the results of tools.
    pub thinking_levels: bool,
}

/// That generateContent has no `what`.
fn unfit(what: impl Into<String>) -> Unfit {
    Unfit {
        dialect: Dialect::Gemini,
        what: what.into(),
    }
}

/// Longest word for a reason that is kept, in characters. The known ones have at most 25.
const MAX_WORD: usize = 64;

/// Why an answer ended, by its `finishReason`. `STOP` is said of calls too.
fn finish_of(word: &str, has_calls: bool) -> Finish {
    match word {
        "STOP" if has_calls => Finish::ToolCalls,
        "STOP" => Finish::Stop,
        // `CONTINUATION` is a bound of tokens of the host's own.
        "MAX_TOKENS" | "CONTINUATION" => Finish::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Finish::ContentFilter,
        other => Finish::Other(other.chars().take(MAX_WORD).collect()),
    }
}

/// Most tokens that one answer is believed to have, as in [`crate::wire::usage`].
const BELIEVED: u64 = 1_000_000_000;

/// The same of a `usageMetadata` as it is written.
pub fn tokens_in(usage: &str) -> Option<Tokens> {
    tokens_of(&serde_json::from_str(usage).ok()?)
}

/// Token counts of a `usageMetadata`; `None` unless it has a count of the prompt or of the answer, each below 10⁹. What
/// tools of the host's read is part of the prompt's, what was thought part of the answer's, since both are billed so.
fn tokens_of(usage: &Value) -> Option<Tokens> {
    let count = |key: &str| usage.get(key).and_then(Value::as_u64);
    let (prompt, said) = (count("promptTokenCount"), count("candidatesTokenCount"));
    let thoughts = count("thoughtsTokenCount");
    if prompt.is_none() && said.is_none() && thoughts.is_none() {
        return None;
    }
    let reasoning = thoughts.unwrap_or(0);
    let tokens = Tokens {
        input: prompt
            .unwrap_or(0)
            .saturating_add(count("toolUsePromptTokenCount").unwrap_or(0)),
        cached_input: count("cachedContentTokenCount").unwrap_or(0),
        cache_write: 0,
        output: said.unwrap_or(0).saturating_add(reasoning),
        reasoning,
    };
    let largest = tokens.input.max(tokens.cached_input).max(tokens.output);
    (largest < BELIEVED).then_some(tokens)
}

#[cfg(test)]
mod tests;
