//! OpenAI's chat completions, as clients send them and as the many servers speak them that say so of themselves.
//!
//! The problem: one name, thirty dialects. Servers disagree about the key that bounds the answer, about where thoughts
//! stand, whether a tool call comes in fragments, and what ends a stream. The choice: reading takes every spelling that was
//! seen, writing takes the official one and lets [`ChatOptions`] say what one server does not know. Where client and target
//! both speak chat nothing of this runs.
//!
//! Thoughts have no official place. They are written as `reasoning_content` (text, what DeepSeek began) and as
//! `reasoning_details` (OpenRouter's list, with signatures and sealed thoughts), and read back from either, so that a client
//! that returns the message as it got it loses nothing. Parts that only one dialect knows travel the same way in
//! `provider_parts`.
//!
//! Sources, read 2026-11-23: <https://platform.openai.com/docs/api-reference/chat>,
//! <https://openrouter.ai/docs/use-cases/reasoning-tokens>, <https://api-docs.deepseek.com/guides/reasoning_model>,
//! <https://docs.mistral.ai/capabilities/reasoning>.

mod answer;
mod balance;
mod calls;
mod delta;
mod fit;
mod message;
mod options;
mod part;
mod reader;
mod reasoning;
mod request;
mod write;
mod write_message;
mod writer;

pub use answer::{read_answer, write_answer};
pub use fit::fit;
pub use options::{ChatOptions, MaxTokensKey, PastReasoning, Schemas, ThinkingKey};
pub use reader::Reader;
pub use request::read_request;
pub use write::write_request;
pub use writer::Writer;

pub(super) use answer::{
    answer_id, finish_word, is_annotation, is_service_tier, read_usage, usage_json,
};
pub(super) use part::{data_url, dialect_word, source_of};
pub(super) use request::{
    read_metadata, read_sampling, read_stream_options, take_own, without_nulls,
};
pub(super) use write::effort_of;

use crate::wire::ErrorBody;

/// An error's document: `{"error": {message, type, param, code}}`.
pub fn write_error(error: &ErrorBody) -> Vec<u8> {
    error.json().to_vec()
}

#[cfg(test)]
mod tests;
