//! Pieces as the events of a Responses stream.
//!
//! Every block has its item and every item its index, so that blocks which overlap are items that are open at once. Texts
//! and refusals that follow each other are parts of one message, which ends when a block of another kind begins.

mod open;
mod say;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::neutral::{Block, Delta, Dialect, Finish, Piece, Reasoning, Request, ToolCall};
use super::echo::{Shell, Status, echo, item_id, response_id};
use super::{capsule, item};
use crate::model::Tokens;
use crate::wire::{Code, ErrorBody};
use open::{Content, Item};

/// Most bytes of an answer that are held for the events that repeat it whole. The longest answers of today have 1 MiB; half
/// of this would still do, twice would double what a hostile provider costs.
const MAX_HELD: usize = 32 << 20;
/// What a block costs besides its bytes, so that empty ones are bounded too.
const BLOCK_COST: usize = 512;

/// Writes one stream. `response.completed`, `response.incomplete` or `response.failed` comes only after [`Piece::Done`], and
/// never after an error. Holds at most 32 MiB of the answer; a longer one ends with an error. Only choice 0 is written.
#[derive(Debug)]
pub struct Writer {
    echo: Map<String, Value>,
    id: String,
    model: String,
    created: u64,
    usage: Option<Tokens>,
    finish: Option<Finish>,
    has_refusal: bool,
    sequence: u64,
    /// Bytes held, by a count that is never too small.
    held: usize,
    begun: bool,
    over: bool,
    items: Vec<Item>,
    blocks: BTreeMap<u32, Place>,
    /// The message that takes the next text.
    message: Option<usize>,
}

/// Where a block is written.
#[derive(Clone, Copy, Debug)]
struct Place {
    item: usize,
    /// In a message's content.
    part: usize,
}

impl Writer {
    /// Before the first piece. `id_seed` makes the id where the provider gives none; `now_unix` is in seconds.
    pub fn new(request: &Request, id_seed: u64, now_unix: u64) -> Self {
        Self {
            echo: echo(request),
            id: format!("resp_{id_seed:016x}"),
            model: request.model.clone(),
            created: now_unix,
            usage: None,
            finish: None,
            has_refusal: false,
            sequence: 0,
            held: 0,
            begun: false,
            over: false,
            items: Vec::new(),
            blocks: BTreeMap::new(),
            message: None,
        }
    }

    /// Writes `piece`: whole events.
    pub fn piece(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match piece {
            Piece::Start {
                id,
                model,
                created,
                usage,
            } => {
                self.start(id, model, *created, *usage);
                self.open(out);
            }
            Piece::Begin {
                choice: 0,
                block,
                kind,
            } => self.begin(*block, kind, out),
            Piece::Delta {
                choice: 0,
                block,
                delta,
            } => self.delta(*block, delta, out),
            Piece::End { choice: 0, block } => self.end(*block, out),
            Piece::Finish { choice: 0, finish } => {
                self.finish = Some(finish.clone());
                self.close_all(out);
            }
            // Responses has one choice.
            Piece::Begin { .. }
            | Piece::Delta { .. }
            | Piece::End { .. }
            | Piece::Finish { .. } => {}
            Piece::Usage(tokens) => self.usage = Some(*tokens),
            Piece::Error(_) => {
                // The provider's words may quote a credential: they stay here.
                let words = "the provider reported an error inside its stream";
                self.error(&ErrorBody::new(Code::UpstreamError, words), out);
            }
            Piece::Done => self.done(out),
        }
    }

    /// Writes `error` as the stream's last event.
    pub fn error(&mut self, error: &ErrorBody, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        let event = json!({"code": error.code.label(), "message": error.message,
            "param": error.param});
        self.say("error", event, out);
        self.stop();
    }

    fn start(&mut self, id: &str, model: &str, created: Option<u64>, usage: Option<Tokens>) {
        // What was sent under one id goes on under it.
        if !id.is_empty() && !self.begun {
            self.id = response_id(id);
        }
        if !model.is_empty() {
            model.clone_into(&mut self.model);
        }
        self.created = created.unwrap_or(self.created);
        self.usage = usage.or(self.usage);
    }

    /// The first two events.
    fn open(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.begun, true) {
            for name in ["response.created", "response.in_progress"] {
                let response = self.response(Status::InProgress, Vec::new());
                self.say(name, json!({ "response": response }), out);
            }
        }
    }

    fn begin(&mut self, block: u32, kind: &Block, out: &mut Vec<u8>) {
        self.open(out);
        // A provider that begins a block twice means another one.
        self.end(block, out);
        let size = match kind {
            Block::Text | Block::Refusal | Block::Reasoning => 0,
            Block::ToolCall { id, name } => id.len() + name.len(),
            Block::Other(_, value) => value.to_string().len(),
        };
        if !self.hold(BLOCK_COST + size, out) {
            return;
        }
        let place = match kind {
            Block::Text => self.begin_part(Content::text(), out),
            Block::Refusal => {
                self.has_refusal = true;
                self.begin_part(Content::refusal(), out)
            }
            Block::Reasoning => self.begin_item(Item::Reasoning(Reasoning::default()), out),
            Block::ToolCall { id, name } => {
                let call = ToolCall {
                    id: id.clone(),
                    name: name.clone(),
                    ..ToolCall::default()
                };
                self.begin_item(Item::Call(call), out)
            }
            Block::Other(Dialect::Responses, value) => return self.put_whole(value.clone(), out),
            Block::Other(dialect, value) => {
                return self.put_carrier(capsule::of_part(*dialect, value), out);
            }
        };
        self.blocks.insert(block, place);
    }

    /// Begins a part of the message that is open, or of a new one.
    fn begin_part(&mut self, content: Content, out: &mut Vec<u8>) -> Place {
        let index = match self.message {
            Some(index) => index,
            None => self.begin_item(Item::message(), out).item,
        };
        self.message = Some(index);
        let part = content.write();
        let mut place = Place {
            item: index,
            part: 0,
        };
        if let Some(Item::Message { parts, open }) = self.items.get_mut(index) {
            place.part = parts.len();
            parts.push(content);
            *open += 1;
        }
        self.say_in_part("response.content_part.added", place, "part", part, out);
        place
    }

    fn begin_item(&mut self, item: Item, out: &mut Vec<u8>) -> Place {
        self.leave_message(out);
        let index = self.items.len();
        let written = item.write(&self.item_id(&item, index), "in_progress");
        self.items.push(item);
        let event = json!({"output_index": index, "item": written});
        self.say("response.output_item.added", event, out);
        Place {
            item: index,
            part: 0,
        }
    }

    /// No more texts come to the message that is open; it ends with the last of its parts.
    fn leave_message(&mut self, out: &mut Vec<u8>) {
        if let Some(index) = self.message.take()
            && let Some(Item::Message { open: 0, .. }) = self.items.get(index)
        {
            self.close_item(index, out);
        }
    }

    /// An item that is complete as it begins.
    fn put_whole(&mut self, item: Value, out: &mut Vec<u8>) {
        let place = self.begin_item(Item::Whole(item), out);
        self.close_item(place.item, out);
    }

    /// A thought that carries what has no other place.
    fn put_carrier(&mut self, content: String, out: &mut Vec<u8>) {
        self.leave_message(out);
        let id = item_id("rs", &self.id, self.items.len());
        self.put_whole(item::carrier(&id, content), out);
    }

    fn delta(&mut self, block: u32, delta: &Delta, out: &mut Vec<u8>) {
        self.open(out);
        if !self.blocks.contains_key(&block) {
            self.begin(block, &Block::Text, out);
        }
        let size = match delta {
            Delta::Text(text)
            | Delta::Arguments(text)
            | Delta::Signature(text)
            | Delta::Sealed(text) => text.len(),
            Delta::TextWithLogprobs(text, value) => text.len() + value.to_string().len(),
            Delta::Annotations(value) => value.to_string().len(),
        };
        if !self.hold(size, out) {
            return;
        }
        let Some(place) = self.blocks.get(&block).copied() else {
            return;
        };
        match self.items.get_mut(place.item) {
            Some(Item::Message { parts, .. }) => {
                if let Some(part) = parts.get_mut(place.part) {
                    let said = part.add(delta);
                    self.say_part(place, said, delta, out);
                }
            }
            Some(Item::Reasoning(thought)) => {
                let is_first = thought.text.is_empty();
                open::think(thought, delta);
                if let Delta::Text(text) | Delta::TextWithLogprobs(text, _) = delta {
                    self.say_thought(place.item, text, is_first, out);
                }
            }
            Some(Item::Call(call)) => match delta {
                Delta::Arguments(text) if !text.is_empty() => {
                    call.arguments.push_str(text);
                    let name = "response.function_call_arguments.delta";
                    self.say_in_item(name, place.item, "delta", json!(text), out);
                }
                Delta::Signature(signature) => call.signature = Some(signature.clone()),
                // Calls have nothing else.
                _ => {}
            },
            Some(Item::Whole(_) | Item::Done(_)) | None => {}
        }
    }

    fn end(&mut self, block: u32, out: &mut Vec<u8>) {
        let Some(place) = self.blocks.remove(&block) else {
            return;
        };
        if let Some(Item::Message { parts, open }) = self.items.get_mut(place.item) {
            *open = open.saturating_sub(1);
            let is_last = *open == 0;
            if let Some(part) = parts.get(place.part) {
                let whole = part.whole();
                self.say_part_whole(place, whole, out);
            }
            if !is_last || self.message == Some(place.item) {
                return;
            }
        }
        self.close_item(place.item, out);
    }

    /// The last events of an item.
    fn close_item(&mut self, index: usize, out: &mut Vec<u8>) {
        let Some(slot) = self.items.get_mut(index) else {
            return;
        };
        let mut item = std::mem::replace(slot, Item::Done(Value::Null));
        let mut carried = None;
        match &mut item {
            Item::Reasoning(thought) if !thought.text.is_empty() => {
                let name = "response.reasoning_summary_text.done";
                self.say_in_summary(name, index, "text", json!(thought.text), out);
                let name = "response.reasoning_summary_part.done";
                self.say_in_summary(name, index, "part", item::summary(&thought.text), out);
            }
            Item::Call(call) => {
                if call.arguments.is_empty() {
                    // Clients parse the arguments as JSON; an empty text is none.
                    "{}".clone_into(&mut call.arguments);
                    let name = "response.function_call_arguments.delta";
                    self.say_in_item(name, index, "delta", json!("{}"), out);
                }
                let signature = call.signature.as_ref();
                carried = signature.map(|signature| capsule::of_call(&call.id, signature));
                let mut event = self.in_item(index);
                event["name"] = json!(call.name);
                event["arguments"] = json!(call.arguments);
                self.say("response.function_call_arguments.done", event, out);
            }
            Item::Reasoning(_) | Item::Message { .. } | Item::Whole(_) | Item::Done(_) => {}
        }
        let status = self.status().item_word();
        let written = item.write(&self.item_id(&item, index), status);
        if let Some(slot) = self.items.get_mut(index) {
            *slot = Item::Done(written.clone());
        }
        let event = json!({"output_index": index, "item": written});
        self.say("response.output_item.done", event, out);
        if let Some(content) = carried {
            self.put_carrier(content, out);
        }
    }

    fn close_all(&mut self, out: &mut Vec<u8>) {
        while let Some((block, _)) = self.blocks.first_key_value() {
            self.end(*block, out);
        }
        self.leave_message(out);
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        self.open(out);
        self.close_all(out);
        let status = self.status();
        let items = std::mem::take(&mut self.items).into_iter();
        let output = items.filter_map(Item::done).collect();
        let name = format!("response.{}", status.word());
        let response = self.response(status, output);
        self.say(&name, json!({ "response": response }), out);
        self.stop();
    }

    /// How the answer ended, as far as is known.
    fn status(&self) -> Status {
        Status::of(self.finish.as_ref(), self.has_refusal)
    }

    fn response(&self, status: Status, output: Vec<Value>) -> Map<String, Value> {
        let shell = Shell {
            id: &self.id,
            created: self.created,
            model: &self.model,
            status,
            output,
            usage: (status != Status::InProgress)
                .then_some(self.usage.as_ref())
                .flatten(),
        };
        shell.write(&self.echo)
    }
}
