//! Token counts as providers report them.

use serde_json::value::RawValue;

use super::raw::members;
use super::shape::Shape;
use crate::model::Tokens;

/// Most tokens that one answer is believed to have. No model takes a thousandth of it; a larger figure is a broken or
/// hostile provider's, and would spoil every sum that it enters.
const BELIEVED: u64 = 1_000_000_000;

/// Reads `usage`; `None` unless it has a count of the prompt or of the answer, each below 10⁹.
///
/// Shape: `{prompt_tokens, completion_tokens, prompt_tokens_details: {cached_tokens}}`
/// (source: <https://platform.openai.com/docs/api-reference/chat/object>).
pub(super) fn read(usage: &RawValue) -> Option<Tokens> {
    if Shape::of(usage) != Shape::Object {
        return None;
    }
    let (mut input, mut output, mut cached) = (None, None, None);
    let walked = members(usage.get(), |member| {
        match member.key.as_ref() {
            "prompt_tokens" => input = count(member.value),
            "completion_tokens" => output = count(member.value),
            "prompt_tokens_details" => cached = cached_tokens(member.value),
            _ => {}
        }
        Ok(())
    });
    walked.ok()?;
    if input.is_none() && output.is_none() {
        return None;
    }
    let tokens = Tokens {
        input: input.unwrap_or(0),
        cached_input: cached.unwrap_or(0),
        output: output.unwrap_or(0),
    };
    let largest = tokens.input.max(tokens.cached_input).max(tokens.output);
    (largest < BELIEVED).then_some(tokens)
}

fn cached_tokens(details: &RawValue) -> Option<u64> {
    if Shape::of(details) != Shape::Object {
        return None;
    }
    let mut cached = None;
    let walked = members(details.get(), |member| {
        if member.key == "cached_tokens" {
            cached = count(member.value);
        }
        Ok(())
    });
    walked.ok().and(cached)
}

fn count(value: &RawValue) -> Option<u64> {
    value.get().parse().ok()
}
