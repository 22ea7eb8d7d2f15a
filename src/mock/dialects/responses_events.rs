//! OpenAI's Responses: the typed events of a stream, each numbered.
//!
//! Source: <https://platform.openai.com/docs/api-reference/responses-streaming>, 2026-11-24.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::{At, Finish, Told, event, responses};
use crate::mock::script::Matter;
use crate::mock::wish::Thinking;

/// Where the events of one item go.
struct Item<'a> {
    out: &'a mut BytesMut,
    events: &'a mut u64,
    index: usize,
    id: Value,
}

impl Item<'_> {
    /// Writes an event about the item.
    fn say(&mut self, kind: &str, mut more: Value) {
        more["item_id"] = self.id.clone();
        self.tell(kind, more);
    }

    fn tell(&mut self, kind: &str, mut more: Value) {
        more["output_index"] = json!(self.index);
        numbered(self.out, self.events, kind, more);
    }
}

fn numbered(out: &mut BytesMut, events: &mut u64, kind: &str, more: Value) {
    let mut value = json!({"type": kind, "sequence_number": *events});
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    *events += 1;
    event(out, kind, &value);
}

pub(super) fn begin(told: &mut Told, out: &mut BytesMut) {
    let response = responses::response(told, "in_progress", &json!([]), &Value::Null);
    for kind in ["response.created", "response.in_progress"] {
        numbered(out, &mut told.events, kind, json!({"response": response}));
    }
}

pub(super) fn piece(told: &Told, out: &mut BytesMut, piece: At<'_>, events: &mut u64) {
    let whole = responses::item(told, piece.part_index, piece.part);
    let mut item = Item {
        out,
        events,
        index: piece.part_index,
        id: whole["id"].clone(),
    };
    match &piece.part.matter {
        Matter::Text => text(&mut item, piece, &whole),
        Matter::Thought => thought(&mut item, piece, &whole, told.thinking),
        Matter::Call(_) => call(&mut item, piece, &whole),
    }
}

/// The item as it is at its beginning: under way, with `empty` members.
fn opened(whole: &Value, empty: &[(&str, Value)]) -> Value {
    let mut item = whole.clone();
    if !whole["status"].is_null() {
        item["status"] = json!("in_progress");
    }
    for (key, value) in empty {
        item[*key] = value.clone();
    }
    json!({"item": item})
}

fn text(item: &mut Item<'_>, piece: At<'_>, whole: &Value) {
    if piece.is_first() {
        let empty = opened(whole, &[("content", json!([]))]);
        item.tell("response.output_item.added", empty);
        let part = json!({"content_index": 0, "part": responses::text("")});
        item.say("response.content_part.added", part);
    }
    let delta = json!({"content_index": 0, "delta": piece.text(), "logprobs": []});
    item.say("response.output_text.delta", delta);
    if piece.is_last() {
        let text = piece.part.whole();
        let done = json!({"content_index": 0, "text": text, "logprobs": []});
        item.say("response.output_text.done", done);
        let part = json!({"content_index": 0, "part": responses::text(&text)});
        item.say("response.content_part.done", part);
        item.tell("response.output_item.done", json!({"item": whole}));
    }
}

fn thought(item: &mut Item<'_>, piece: At<'_>, whole: &Value, thinking: Thinking) {
    let is_shown = thinking == Thinking::Shown;
    let part =
        |text: &str| json!({"summary_index": 0, "part": {"type": "summary_text", "text": text}});
    if piece.is_first() {
        let empty = opened(whole, &[("summary", json!([]))]);
        item.tell("response.output_item.added", empty);
        if is_shown {
            item.say("response.reasoning_summary_part.added", part(""));
        }
    }
    if is_shown {
        let delta = json!({"summary_index": 0, "delta": piece.text()});
        item.say("response.reasoning_summary_text.delta", delta);
    }
    if piece.is_last() {
        if is_shown {
            let text = piece.part.whole();
            let done = json!({"summary_index": 0, "text": text});
            item.say("response.reasoning_summary_text.done", done);
            item.say("response.reasoning_summary_part.done", part(&text));
        }
        item.tell("response.output_item.done", json!({"item": whole}));
    }
}

fn call(item: &mut Item<'_>, piece: At<'_>, whole: &Value) {
    if piece.is_first() {
        let empty = opened(whole, &[("arguments", json!(""))]);
        item.tell("response.output_item.added", empty);
    }
    let delta = json!({"delta": piece.text()});
    item.say("response.function_call_arguments.delta", delta);
    if piece.is_last() {
        let done = json!({"name": whole["name"], "arguments": whole["arguments"]});
        item.say("response.function_call_arguments.done", done);
        item.tell("response.output_item.done", json!({"item": whole}));
    }
}

pub(super) fn end(told: &mut Told, out: &mut BytesMut) {
    let response = responses::document(told);
    let kind = match told.finish {
        Finish::Length => "response.incomplete",
        Finish::Stop | Finish::Calls => "response.completed",
    };
    numbered(out, &mut told.events, kind, json!({"response": response}));
}

pub(super) fn error(told: &mut Told, out: &mut BytesMut) {
    let mut response = responses::response(told, "failed", &json!([]), &Value::Null);
    response["error"] = json!({
        "code": "server_error",
        "message": "The server had an error while processing your request. Sorry about that!",
    });
    numbered(
        out,
        &mut told.events,
        "response.failed",
        json!({"response": response}),
    );
}
