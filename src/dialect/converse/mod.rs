//! Bedrock's Converse, spoken to targets.
//!
//! Shapes: the service description of the Bedrock runtime (botocore 1.44.5, service-2.json, Apache-2.0, read 2026-11-23).

mod answer;
mod request;
mod stream;

pub use answer::read_answer;
pub use request::{fit, write_request};
pub use stream::Reader;

use super::neutral::Finish;
use crate::model::Tokens;
use serde_json::Value;

/// Why an answer ended, by its `stopReason`.
fn finish_of(word: &str) -> Finish {
    match word {
        "end_turn" => Finish::Stop,
        "tool_use" => Finish::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "stop_sequence" => Finish::StopSequence(None),
        "guardrail_intervened" | "content_filtered" => Finish::ContentFilter,
        other => Finish::Other(other.to_owned()),
    }
}

/// Token counts. `inputTokens` leaves out what was read from or written to the cache, as in Anthropic's dialect; a
/// `totalTokens` that says otherwise is believed.
fn tokens_of(usage: &Value) -> Option<Tokens> {
    let count = |key: &str| usage.get(key).and_then(Value::as_u64);
    let (input, output) = (count("inputTokens")?, count("outputTokens")?);
    let read = count("cacheReadInputTokens").unwrap_or(0);
    let written = count("cacheWriteInputTokens").unwrap_or(0);
    let sums_without = count("totalTokens") == Some(input.saturating_add(output));
    let cached = read.saturating_add(written);
    let includes = cached > 0 && sums_without && input >= cached;
    Some(Tokens {
        input: if includes {
            input
        } else {
            input.saturating_add(cached)
        },
        cached_input: read,
        cache_write: written,
        output,
        reasoning: 0,
    })
}

#[cfg(test)]
mod tests;
