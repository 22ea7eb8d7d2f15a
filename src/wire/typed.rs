//! Events whose `type` says what they are: OpenAI's Responses and Anthropic's Messages.
//!
//! The `event` field has the type as well; only where a server leaves it out is an event read for it. Deltas are the many,
//! and they are told by their name alone.
//!
//! Sources, read 2026-11-23: <https://platform.openai.com/docs/api-reference/responses-streaming>,
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

use serde_json::value::RawValue;

use super::raw::members;
use super::refusal::{REFUSED, is_filtered};
use super::reported::Reported;
use super::shape::Shape;
use super::stream::Seen;
use super::usage;
use crate::model::Tokens;

/// The members of an event that matter.
#[derive(Default)]
struct Event<'a> {
    kind: String,
    usage: Option<&'a RawValue>,
    /// `response` or `message`.
    whole: Option<&'a RawValue>,
    delta: Option<&'a RawValue>,
    block: Option<&'a RawValue>,
}

impl<'a> Event<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let mut event = Self::default();
        let walked = members(std::str::from_utf8(data).ok()?, |member| {
            match member.key.as_ref() {
                "type" => event.kind = text(member.value),
                "usage" => event.usage = Some(member.value),
                "response" | "message" => event.whole = Some(member.value),
                "delta" => event.delta = Some(member.value),
                "content_block" => event.block = Some(member.value),
                _ => {}
            }
            Ok(())
        });
        walked.ok().map(|()| event)
    }
}

/// Notes an event of a Responses stream.
pub(super) fn note_responses(seen: &mut Seen, name: &[u8], data: &[u8]) {
    if name.ends_with(b".delta") {
        return seen.count_content();
    }
    let Some(event) = Event::read(data) else {
        return seen.note_unreadable(name);
    };
    let kind = if event.kind.is_empty() {
        String::from_utf8_lossy(name).into_owned()
    } else {
        event.kind
    };
    match kind.as_str() {
        "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
            let whole = event.whole;
            seen.usage = member(whole, "usage").and_then(usage::read).or(seen.usage);
            seen.done = true;
            seen.finished = true;
            seen.refused = member(whole, "incomplete_details").is_some_and(is_filtered);
            let error = member(whole, "error").and_then(Reported::from_member);
            if kind == "response.failed" {
                seen.note_error(error.unwrap_or_default());
            }
        }
        "error" => seen.note_error(Reported::read(data).unwrap_or_default()),
        // Items that come whole, and pictures that come in parts.
        "response.output_item.done" if !seen.first_content => seen.count_content(),
        "response.image_generation_call.partial_image" => seen.count_content(),
        kind if kind.as_bytes().ends_with(b".delta") => seen.count_content(),
        _ => {}
    }
}

/// Notes an event of a Messages stream.
pub(super) fn note_messages(seen: &mut Seen, name: &[u8], data: &[u8]) {
    if name == b"content_block_delta" {
        return seen.count_content();
    }
    let Some(event) = Event::read(data) else {
        return seen.note_unreadable(name);
    };
    match event.kind.as_str() {
        "message_start" => note_usage(seen, member(event.whole, "usage")),
        "content_block_start" => {
            let kind = member(event.block, "type").map(text).unwrap_or_default();
            // Text and thoughts begin empty; a call has a name, and what is redacted comes whole.
            if kind != "text" && kind != "thinking" {
                seen.count_content();
            }
        }
        "content_block_delta" => seen.count_content(),
        "message_delta" => {
            let reason = member(event.delta, "stop_reason");
            seen.finished |= reason.is_some_and(|reason| Shape::of(reason) != Shape::Null);
            seen.refused |= reason.is_some_and(|reason| reason.get() == REFUSED);
            note_usage(seen, event.usage);
        }
        "message_stop" => {
            seen.done = true;
            seen.finished = true;
        }
        "error" => seen.note_error(Reported::read(data).unwrap_or_default()),
        _ => {}
    }
}

/// Counts come twice, at the start and cumulative at the end, where not all are said again.
fn note_usage(seen: &mut Seen, report: Option<&RawValue>) {
    let Some(now) = report.and_then(usage::read) else {
        return;
    };
    let before = seen.usage.unwrap_or_default();
    seen.usage = Some(Tokens {
        input: before.input.max(now.input),
        cached_input: before.cached_input.max(now.cached_input),
        cache_write: before.cache_write.max(now.cache_write),
        output: before.output.max(now.output),
        reasoning: before.reasoning.max(now.reasoning),
    });
}

/// Notes an event of any other stream: content, whatever it is, unless it is named an error.
pub(super) fn note_any(seen: &mut Seen, name: &[u8], data: &[u8]) {
    if name == b"error" {
        return seen.note_error(Reported::read(data).unwrap_or_default());
    }
    seen.count_content();
    let tokens = Event::read(data).and_then(|event| {
        let inner = member(event.whole, "usage");
        event.usage.or(inner).and_then(usage::read)
    });
    seen.usage = tokens.or(seen.usage);
}

fn member<'a>(object: Option<&'a RawValue>, name: &str) -> Option<&'a RawValue> {
    let object = object.filter(|object| Shape::of(object) == Shape::Object)?;
    let mut found = None;
    let walked = members(object.get(), |member| {
        if member.key == name {
            found = Some(member.value);
        }
        Ok(())
    });
    walked.ok().and(found)
}

fn text(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_default()
}
