//! Cohere's chat, version 2 (`POST /v2/chat`), spoken to targets.
//!
//! Cohere thinks in two places: reasoning models in parts of the type `thinking`, the others in `tool_plan`, the plan before
//! they call tools. Both are thoughts here. On the way back, thoughts before calls are the plan, which every model of version
//! 2 takes, and other thoughts are parts again.
//!
//! Sources, read 2026-11-23: <https://docs.cohere.com/reference/chat>, <https://docs.cohere.com/reference/chat-stream>,
//! <https://docs.cohere.com/docs/reasoning>, <https://docs.cohere.com/docs/streaming>, and recorded answers of August 2026.

mod answer;
mod message;
mod request;
mod stream;

pub use answer::read_answer;
pub use request::{fit, write_request};
pub use stream::Reader;

use serde_json::{Value, json};

use super::json::Object;
use super::neutral::{Dialect, Finish, Unfit};
use crate::model::Tokens;
use crate::wire::Reported;

/// Most tokens that one answer is believed to have, as in [`crate::wire::usage`].
const BELIEVED: u64 = 1_000_000_000;

/// That Cohere has no `what`.
fn unfit(what: impl Into<String>) -> Unfit {
    Unfit {
        dialect: Dialect::Cohere,
        what: what.into(),
    }
}

/// How a generation ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// With an answer.
    Finish(Finish),
    /// The provider failed.
    Failed(Reported),
}

/// Why an answer ended, by its `finish_reason` and the `error` beside it. `ERROR_TOXIC` and `ERROR_LIMIT` are of version 1
/// and still come from private deployments.
fn end_of(word: &str, error: Option<&str>, has_calls: bool) -> End {
    let finish = match word {
        "COMPLETE" if has_calls => Finish::ToolCalls,
        "COMPLETE" => Finish::Stop,
        "STOP_SEQUENCE" => Finish::StopSequence(None),
        "MAX_TOKENS" | "ERROR_LIMIT" => Finish::Length,
        "TOOL_CALL" => Finish::ToolCalls,
        "ERROR_TOXIC" => Finish::ContentFilter,
        "ERROR" | "TIMEOUT" => {
            let error = error.unwrap_or("the generation failed without a message");
            let document = json!({"message": error, "type": word}).to_string();
            return End::Failed(Reported::read(document.as_bytes()).unwrap_or_default());
        }
        other => Finish::Other(other.to_owned()),
    };
    End::Finish(finish)
}

/// Token counts. `billed_units` are what is charged: `tokens` counts Cohere's own preamble too, which is free. What was found
/// in the cache is counted in `tokens`, so that it says nothing about the billed ones.
fn tokens_of(usage: Value) -> Option<Tokens> {
    let mut usage = Object::of(usage, "usage").ok()?;
    let cached = usage.count("cached_tokens").ok().flatten().unwrap_or(0);
    let mut all = usage.object("tokens").ok().flatten();
    let reasoning = all.as_mut().and_then(|all| count(all, "reasoning_tokens"));
    let both = |object: &mut Object| {
        let (input, output) = (
            count(object, "input_tokens"),
            count(object, "output_tokens"),
        );
        (input.is_some() || output.is_some()).then(|| (input.unwrap_or(0), output.unwrap_or(0)))
    };
    let billed = usage.object("billed_units").ok().flatten();
    let billed = billed.and_then(|mut billed| both(&mut billed));
    let (input, output, cached) = match (billed, all) {
        (Some((input, output)), _) => (input, output, 0),
        (None, Some(mut all)) => {
            let (input, output) = both(&mut all)?;
            (input, output, cached.min(input))
        }
        (None, None) => return None,
    };
    let is_believed = input < BELIEVED && output < BELIEVED;
    is_believed.then(|| Tokens {
        input,
        cached_input: cached,
        cache_write: 0,
        output,
        reasoning: reasoning.unwrap_or(0).min(output),
    })
}

/// A count; Cohere writes some as `3.0`.
fn count(object: &mut Object, key: &str) -> Option<u64> {
    object.count(key).ok().flatten()
}

/// Probabilities in OpenAI's form of Cohere's: a list of texts (or one) with the logarithms of their tokens' probabilities.
/// A text of several tokens is one entry with their sum, which is the logarithm of the probability of the whole.
fn logprobs_of(value: &Value) -> Option<Value> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let entries: Vec<Value> = items
        .iter()
        .filter_map(|item| {
            let text = item.get("text")?.as_str()?;
            let list = item.get("logprobs")?.as_array()?;
            let sum: f64 = list.iter().filter_map(Value::as_f64).sum();
            let bytes = text.as_bytes();
            Some(json!({"token": text, "logprob": sum, "bytes": bytes, "top_logprobs": []}))
        })
        .collect();
    (!entries.is_empty()).then(|| json!({ "content": entries }))
}

/// Whether a citation is of the answer's text; others are of the plan or of thoughts.
fn is_of_text(citation: &Value) -> bool {
    let kind = citation.get("type").and_then(Value::as_str);
    kind.is_none_or(|kind| kind == "TEXT_CONTENT")
}

#[cfg(test)]
mod tests;
