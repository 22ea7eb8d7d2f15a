//! Words and shapes that whole answers and streams share.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::super::chat::dialect_word;
use super::super::neutral::{Dialect, Finish};
use crate::model::Tokens;

/// What an answer holds that decides why it ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    /// A call.
    pub(super) calls: bool,
    /// A refusal.
    pub(super) refusal: bool,
}

/// Why an answer ended, in Anthropic's words: `stop_reason` and `stop_sequence`. A word that Anthropic does not have is
/// `end_turn`, since clients match on a closed list.
///
/// Source: `types/stop_reason.py` of <https://github.com/anthropics/anthropic-sdk-python>, read 2026-11-24.
pub(super) fn stop_reason(finish: Option<&Finish>, said: Said) -> (&'static str, Option<&str>) {
    let word = match finish {
        Some(Finish::StopSequence(text)) => return ("stop_sequence", text.as_deref()),
        Some(Finish::Length) => "max_tokens",
        Some(Finish::ToolCalls) => "tool_use",
        Some(Finish::ContentFilter | Finish::Refusal) => "refusal",
        Some(Finish::Pause) => "pause_turn",
        Some(Finish::Other(word)) if word == "model_context_window_exceeded" => {
            "model_context_window_exceeded"
        }
        // A client goes by this word to run the calls.
        Some(Finish::Stop | Finish::Other(_)) | None if said.calls => "tool_use",
        // OpenAI ends a refusal as it ends an answer; a client that wants JSON goes by this word.
        Some(Finish::Stop) | None if said.refusal => "refusal",
        Some(Finish::Stop | Finish::Other(_)) | None => "end_turn",
    };
    (word, None)
}

/// Token counts in Anthropic's form, in which the prompt's count has neither what was cached nor what was written to the
/// cache.
pub(super) fn usage_json(tokens: &Tokens) -> Value {
    let cached = tokens.cached_input.saturating_add(tokens.cache_write);
    let mut usage = json!({
        "input_tokens": tokens.input.saturating_sub(cached),
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cached_input,
        "output_tokens": tokens.output,
    });
    if let (1.., Some(members)) = (tokens.reasoning, usage.as_object_mut()) {
        let details = json!({"thinking_tokens": tokens.reasoning});
        members.insert("output_tokens_details".to_owned(), details);
    }
    usage
}

/// The id of an answer: Anthropic's begin with `msg_`.
pub(super) fn message_id(id: &str) -> String {
    let id = fit_id(id);
    if id.starts_with("msg_") {
        id.into_owned()
    } else {
        format!("msg_{id}")
    }
}

/// An id that matches `^[a-zA-Z0-9_-]*$`, which Anthropic demands of the ids of calls. Other signs become `_`; a digest of
/// the whole keeps two ids apart that differ only in them.
pub(super) fn fit_id(id: &str) -> Cow<'_, str> {
    let fits = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-');
    if id.chars().all(fits) {
        return Cow::Borrowed(id);
    }
    // FNV-1a: ids need be apart, not safe.
    let digest = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let plain = id.chars().map(|sign| if fits(sign) { sign } else { '_' });
    Cow::Owned(format!("{}_{digest:016x}", plain.collect::<String>()))
}

/// The citations in `annotations` that are Anthropic's; those of other providers have no place in a text block.
pub(super) fn citations(annotations: &Value) -> Vec<Value> {
    let list = match annotations {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let is_own = |citation: &&Value| {
        let kind = citation.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| {
            matches!(
                kind,
                "char_location"
                    | "page_location"
                    | "content_block_location"
                    | "web_search_result_location"
                    | "search_result_location"
            )
        })
    };
    list.iter().filter(is_own).cloned().collect()
}

/// A part that only `dialect` knows, with the dialect's name.
pub(super) fn foreign(dialect: Dialect, part: &Value) -> Value {
    json!({"dialect": dialect_word(dialect), "part": part})
}
