//! Token counts as providers report them, brought into one form.
//!
//! The counts have the same names with different meanings, so the names that stand beside them decide:
//!
//! | counts | told by | meaning |
//! |---|---|---|
//! | `prompt_tokens`, `completion_tokens` | – | the prompt's with what was cached; the answer's with reasoning |
//! | `input_tokens`, `output_tokens` | no `cache_read_input_tokens`, no `cache_creation_input_tokens` | the same, in the Responses API |
//! | `input_tokens`, `output_tokens` | one of those two | Anthropic's: the prompt's *without* what was read from or written to the cache |
//!
//! Some count reasoning beside the answer rather than in it (xAI's chat, Gemini's chat). It is added to the answer where
//! the report itself proves it: where more was reasoned than answered, or where `total_tokens` says so.
//!
//! Sources: recorded answers of 2024 to 2026 of sixteen providers, and <https://platform.openai.com/docs/api-reference/chat/object>,
//! <https://platform.openai.com/docs/api-reference/responses/object>,
//! <https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching>,
//! <https://api-docs.deepseek.com/guides/kv_cache>.

use serde_json::value::RawValue;

use super::raw::members;
use super::shape::Shape;
use crate::model::Tokens;

/// Most tokens that one answer is believed to have. No model takes a thousandth of it; a larger figure is a broken or
/// hostile provider's, and would spoil every sum that it enters.
const BELIEVED: u64 = 1_000_000_000;

/// The counts as they stand in the report.
#[derive(Default)]
struct Report {
    prompt: Option<u64>,
    completion: Option<u64>,
    input: Option<u64>,
    output: Option<u64>,
    total: Option<u64>,
    /// From details, the first that was named.
    cached: Option<u64>,
    written: Option<u64>,
    reasoning: Option<u64>,
    /// Anthropic's names.
    cache_read: Option<u64>,
    cache_creation: Option<u64>,
}

/// Reads the object that a provider calls `usage`; `None` unless it has a count of the prompt or of the answer, each below
/// 10⁹. The module says which shapes are known.
pub fn read(usage: &RawValue) -> Option<Tokens> {
    if Shape::of(usage) != Shape::Object {
        return None;
    }
    let mut report = Report::default();
    let walked = members(usage.get(), |member| {
        report.take(member.key.as_ref(), member.value);
        Ok(())
    });
    walked.ok()?;
    let tokens = report.tokens()?;
    let largest = [
        tokens.input,
        tokens.cached_input,
        tokens.cache_write,
        tokens.output,
        tokens.reasoning,
    ];
    largest
        .iter()
        .all(|count| *count < BELIEVED)
        .then_some(tokens)
}

// === impl Report ===

impl Report {
    fn take(&mut self, key: &str, value: &RawValue) {
        match key {
            "prompt_tokens" => self.prompt = count(value),
            "completion_tokens" => self.completion = count(value),
            "input_tokens" => self.input = count(value),
            "output_tokens" => self.output = count(value),
            "total_tokens" => self.total = count(value),
            "prompt_tokens_details" | "input_tokens_details" => {
                self.cached = detail(value, "cached_tokens").or(self.cached);
                self.written = detail(value, "cache_write_tokens").or(self.written);
            }
            "completion_tokens_details" | "output_tokens_details" => {
                self.reasoning = detail(value, "reasoning_tokens")
                    // Anthropic's word.
                    .or_else(|| detail(value, "thinking_tokens"))
                    .or(self.reasoning);
            }
            // DeepSeek's older name; Together's and Moonshot's; Perplexity's.
            "prompt_cache_hit_tokens" | "cached_tokens" => {
                self.cached = self.cached.or_else(|| count(value));
            }
            "reasoning_tokens" => self.reasoning = self.reasoning.or_else(|| count(value)),
            "cache_read_input_tokens" => self.cache_read = count(value),
            "cache_creation_input_tokens" => self.cache_creation = count(value),
            _ => {}
        }
    }

    fn tokens(self) -> Option<Tokens> {
        let chat = self.prompt.is_some() || self.completion.is_some();
        let (input, output) = if chat {
            (self.prompt, self.completion)
        } else {
            (self.input, self.output)
        };
        if input.is_none() && output.is_none() {
            return None;
        }
        let mut tokens = Tokens {
            input: input.unwrap_or(0),
            cached_input: self.cached.or(self.cache_read).unwrap_or(0),
            cache_write: self.written.or(self.cache_creation).unwrap_or(0),
            output: output.unwrap_or(0),
            reasoning: self.reasoning.unwrap_or(0),
        };
        if !chat && (self.cache_read.is_some() || self.cache_creation.is_some()) {
            tokens.input = tokens
                .input
                .saturating_add(self.cache_read.unwrap_or(0))
                .saturating_add(self.cache_creation.unwrap_or(0));
        } else if let (Some(input), Some(output), Some(total)) = (input, output, self.total) {
            with_reasoning(
                &mut tokens,
                total.saturating_sub(input.saturating_add(output)),
            );
        }
        if tokens.reasoning > tokens.output {
            tokens.output = tokens.output.saturating_add(tokens.reasoning);
        }
        Some(tokens)
    }
}

/// Adds reasoning that was counted beside the answer. `beside` is what the total has more than prompt and answer: just the
/// reasoning that is named, or, where none is named, reasoning that only the total knows of (Gemini's chat). Anything else
/// proves nothing.
fn with_reasoning(tokens: &mut Tokens, beside: u64) {
    if beside == 0 || (tokens.reasoning != 0 && tokens.reasoning != beside) {
        return;
    }
    tokens.reasoning = beside;
    tokens.output = tokens.output.saturating_add(beside);
}

/// The count `name` of an object of details; `None` where there is none, also where the details are `null`.
fn detail(details: &RawValue, name: &str) -> Option<u64> {
    if Shape::of(details) != Shape::Object {
        return None;
    }
    let mut found = None;
    let walked = members(details.get(), |member| {
        if member.key == name {
            found = count(member.value);
        }
        Ok(())
    });
    walked.ok().and(found)
}

fn count(value: &RawValue) -> Option<u64> {
    value.get().parse().ok()
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
