//! Events as they are written: their names, numbers and places.

use serde_json::{Map, Value, json};

use super::super::super::neutral::{Delta, Reasoning};
use super::super::echo::item_id;
use super::super::{capsule, item};
use super::open::{Item, Said, Whole};
use super::{MAX_HELD, Place, Writer};
use crate::wire::{Code, ErrorBody};

impl Writer {
    /// Writes the event `name` with the members of `event`.
    pub(super) fn say(&mut self, name: &str, event: Value, out: &mut Vec<u8>) {
        let mut members = Map::new();
        members.insert("type".to_owned(), json!(name));
        members.insert("sequence_number".to_owned(), json!(self.sequence));
        if let Value::Object(event) = event {
            members.extend(event);
        }
        self.sequence += 1;
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\ndata: ");
        out.extend_from_slice(Value::Object(members).to_string().as_bytes());
        out.extend_from_slice(b"\n\n");
    }

    /// Tells what came of a message's part.
    pub(super) fn say_part(&mut self, place: Place, said: Said, delta: &Delta, out: &mut Vec<u8>) {
        match said {
            Said::Text { text, logprobs } => {
                let mut event = self.in_part(place);
                event["delta"] = Value::String(text);
                event["logprobs"] = Value::Array(logprobs);
                self.say("response.output_text.delta", event, out);
            }
            Said::Refusal(text) => {
                self.say_in_part("response.refusal.delta", place, "delta", json!(text), out);
            }
            Said::Annotations { first, list } => {
                for (index, annotation) in (first..).zip(list) {
                    let mut event = self.in_part(place);
                    event["annotation_index"] = json!(index);
                    event["annotation"] = annotation;
                    self.say("response.output_text.annotation.added", event, out);
                }
            }
            Said::Nothing => {
                // Gemini signs texts too: a thought without words.
                if let Delta::Signature(signature) = delta {
                    let thought = Reasoning {
                        signature: Some(signature.clone()),
                        ..Reasoning::default()
                    };
                    if let Some(content) = capsule::of_thought(&thought) {
                        self.put_carrier(content, out);
                    }
                }
            }
        }
    }

    pub(super) fn say_thought(
        &mut self,
        index: usize,
        text: &str,
        is_first: bool,
        out: &mut Vec<u8>,
    ) {
        if text.is_empty() {
            return;
        }
        if is_first {
            let name = "response.reasoning_summary_part.added";
            self.say_in_summary(name, index, "part", item::summary(""), out);
        }
        let name = "response.reasoning_summary_text.delta";
        self.say_in_summary(name, index, "delta", json!(text), out);
    }

    /// Tells a part of a message whole.
    pub(super) fn say_part_whole(&mut self, place: Place, whole: Whole, out: &mut Vec<u8>) {
        let mut event = self.in_part(place);
        if let (Value::Object(event), Value::Object(members)) = (&mut event, whole.members) {
            event.extend(members);
        }
        self.say(whole.name, event, out);
        self.say_in_part("response.content_part.done", place, "part", whole.part, out);
    }

    pub(super) fn say_in_item(
        &mut self,
        name: &str,
        index: usize,
        key: &str,
        value: Value,
        out: &mut Vec<u8>,
    ) {
        let mut event = self.in_item(index);
        event[key] = value;
        self.say(name, event, out);
    }

    pub(super) fn say_in_part(
        &mut self,
        name: &str,
        place: Place,
        key: &str,
        value: Value,
        out: &mut Vec<u8>,
    ) {
        let mut event = self.in_part(place);
        event[key] = value;
        self.say(name, event, out);
    }

    /// Thoughts have one summary.
    pub(super) fn say_in_summary(
        &mut self,
        name: &str,
        index: usize,
        key: &str,
        value: Value,
        out: &mut Vec<u8>,
    ) {
        let mut event = json!({"item_id": item_id("rs", &self.id, index), "output_index": index,
            "summary_index": 0});
        event[key] = value;
        self.say(name, event, out);
    }

    /// The members that say which item an event is of.
    pub(super) fn in_item(&self, index: usize) -> Value {
        json!({"item_id": item_id("fc", &self.id, index), "output_index": index})
    }

    /// The members that say which part of a message an event is of.
    pub(super) fn in_part(&self, place: Place) -> Value {
        json!({"item_id": item_id("msg", &self.id, place.item), "output_index": place.item,
            "content_index": place.part})
    }

    /// The id of `item` at `index`; empty if the item came with its own.
    pub(super) fn item_id(&self, item: &Item, index: usize) -> String {
        item.prefix()
            .map(|prefix| item_id(prefix, &self.id, index))
            .unwrap_or_default()
    }

    /// Counts `size` bytes more. Ends the stream with an error, and is false, if that is too much.
    pub(super) fn hold(&mut self, size: usize, out: &mut Vec<u8>) -> bool {
        self.held = self.held.saturating_add(size);
        if self.held > MAX_HELD {
            let words = "the provider's answer is longer than 32 MiB";
            self.error(&ErrorBody::new(Code::UpstreamError, words), out);
        }
        !self.over
    }

    /// Nothing comes any more; what was held is let go.
    pub(super) fn stop(&mut self) {
        self.over = true;
        self.items = Vec::new();
        self.blocks.clear();
        self.message = None;
    }
}
