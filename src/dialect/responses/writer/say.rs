//! Events as they are written: their names, numbers and places.

use serde_json::{Map, Value, json};

use super::super::echo::item_id;
use super::open::Item;
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
