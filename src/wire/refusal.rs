//! Whole answers in which a content policy let nothing be said.
//!
//! Such an answer comes with a status of success, so it takes a look inside to send the request elsewhere. Words of a
//! refusal (`OpenAI`'s `refusal`) are something said.
//!
//! Sources, read 2026-11-28: `finish_reason` of <https://platform.openai.com/docs/api-reference/chat/object>,
//! `incomplete_details` of <https://platform.openai.com/docs/api-reference/responses/object>, `refusal` of
//! <https://platform.claude.com/docs/en/api/handling-stop-reasons>.

use serde_json::value::RawValue;

use super::place::At;
use super::raw::{elements, members};
use super::shape::Shape;
use super::stream::{CONTENT, MAX_CHOICES, each_member, is_filled};
use super::watched::Watched;

/// How the end by a content policy is written in chats and completions, and as the reason of an incomplete response.
pub(super) const FILTERED: &str = "\"content_filter\"";
/// And in messages.
pub(super) const REFUSED: &str = "\"refusal\"";

/// Whether in `body`, a whole answer of the kind `watched`, a content policy let nothing be said. Linear.
pub fn is_refused(watched: Watched, body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    let (mut is_ended, mut says) = (false, true);
    let walked = members(text, |member| {
        let value = member.value;
        match (watched, member.key.as_ref()) {
            (Watched::Chat | Watched::Completions, "choices") => {
                let choices = elements(value, MAX_CHOICES, &At::ROOT).unwrap_or_default();
                is_ended = !choices.is_empty() && choices.iter().all(|choice| is_empty(choice));
                says = false;
            }
            (Watched::Messages, "stop_reason") => is_ended = value.get() == REFUSED,
            (Watched::Messages, "content") => says = is_filled(value),
            (Watched::Responses, "incomplete_details") => is_ended = is_filtered(value),
            (Watched::Responses, "output") => {
                let items = elements(value, MAX_CHOICES, &At::ROOT).unwrap_or_default();
                says = items.iter().any(|item| item_says(item));
            }
            _ => {}
        }
        Ok(())
    });
    walked.is_ok() && is_ended && !says
}

/// Whether these `incomplete_details` name a content policy.
pub(super) fn is_filtered(details: &RawValue) -> bool {
    let mut found = false;
    each_member(details, |key, value| {
        found |= key == "reason" && value.get() == FILTERED;
    });
    found
}

/// Whether a choice was ended by a content policy before anything was said.
fn is_empty(choice: &RawValue) -> bool {
    let (mut is_ended, mut says) = (false, false);
    each_member(choice, |key, value| match key {
        "message" => each_member(value, |key, value| {
            says |= CONTENT.contains(&key) && is_filled(value);
        }),
        "text" => says |= is_filled(value),
        "finish_reason" => is_ended = value.get() == FILTERED,
        _ => {}
    });
    is_ended && !says
}

/// Whether an item of a response says something: all do but messages without content.
fn item_says(item: &RawValue) -> bool {
    if Shape::of(item) != Shape::Object {
        return false;
    }
    let (mut is_message, mut has_content) = (false, false);
    each_member(item, |key, value| match key {
        "type" => is_message = value.get() == "\"message\"",
        "content" => has_content = is_filled(value),
        _ => {}
    });
    !is_message || has_content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_refused_if_a_policy_ended_it_and_nothing_is_said() {
        let chat = |message: &str, reason: &str| {
            format!(
                r#"{{"choices":[{{"index":0,"message":{message},"finish_reason":"{reason}"}}],"usage":{{}}}}"#
            )
        };
        let nothing = r#"{"role":"assistant","content":"","refusal":null}"#;
        let message = |content: &str, reason: &str| {
            format!(r#"{{"type":"message","content":{content},"stop_reason":"{reason}"}}"#)
        };
        let response = |output: &str, reason: &str| {
            format!(
                r#"{{"object":"response","incomplete_details":{{"reason":"{reason}"}},"output":{output}}}"#
            )
        };
        let said = r#"{"role":"assistant","content":"a"}"#;
        let words = r#"{"content":null,"refusal":"I will not"}"#;
        let empty = r#"[{"type":"message","content":[]}]"#;
        let called = r#"[{"type":"function_call","name":"f"}]"#;
        for (watched, body, expected) in [
            (Watched::Chat, chat(nothing, "content_filter"), true),
            (Watched::Chat, chat(nothing, "stop"), false),
            (Watched::Chat, chat(said, "content_filter"), false),
            (Watched::Chat, chat(words, "content_filter"), false),
            (Watched::Chat, r#"{"choices":[]}"#.to_owned(), false),
            (Watched::Messages, message("[]", "refusal"), true),
            (Watched::Messages, message("[]", "end_turn"), false),
            (
                Watched::Messages,
                message(r#"[{"type":"text","text":"a"}]"#, "refusal"),
                false,
            ),
            (Watched::Responses, response("[]", "content_filter"), true),
            (Watched::Responses, response(empty, "content_filter"), true),
            (
                Watched::Responses,
                response("[]", "max_output_tokens"),
                false,
            ),
            (
                Watched::Responses,
                response(called, "content_filter"),
                false,
            ),
            (Watched::Any, chat(nothing, "content_filter"), false),
        ] {
            assert_eq!(is_refused(watched, body.as_bytes()), expected, "{body}");
            let cut = body.get(..body.len() - 1).unwrap();
            assert!(!is_refused(watched, cut.as_bytes()), "{cut}");
        }
        let two = r#"{"choices":[{"message":{},"finish_reason":"content_filter"},{"message":{"content":"a"},"finish_reason":"stop"}]}"#;
        assert!(
            !is_refused(Watched::Chat, two.as_bytes()),
            "one of two spoke"
        );
    }
}
