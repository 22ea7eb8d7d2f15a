//! Anthropic's stream, in any chunking, to pieces.
//!
//! Why the answer ended stands in `message_delta`; it is said when `message_stop` comes, behind the ends of all blocks. A
//! stream without `message_stop` is not complete.

use serde_json::{Map, Value};

use super::super::chat::read_usage;
use super::super::neutral::{Finish, Piece};
use super::target_answer::finish_of;
use super::target_open::Blocks;
use crate::wire::Reported;
use crate::wire::sse::{Item, Splitter};

/// Counts that add up to the answer's; the others of `usage` say nothing here.
const COUNTS: [&str; 5] = [
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens_details",
];

/// The events of which the answer is made.
const EVENTS: [&[u8]; 7] = [
    b"",
    b"message_start",
    b"content_block_start",
    b"content_block_delta",
    b"content_block_stop",
    b"message_delta",
    b"message_stop",
];

/// Reads one stream. Linear in its bytes; keeps at most one event and what of the open blocks is only whole at their end.
#[derive(Debug, Default)]
pub struct Reader {
    splitter: Splitter,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    over: bool,
    blocks: Blocks,
    usage: Map<String, Value>,
    finish: Option<Finish>,
}

impl Reader {
    /// Before the first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next chunk; what it says goes to `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<Piece>) {
        let state = &mut self.state;
        self.splitter.push(chunk, |item| state.note(item, out));
    }

    /// The stream is over.
    pub fn finish(&mut self, out: &mut Vec<Piece>) {
        let state = &mut self.state;
        self.splitter.finish(|item| state.note(item, out));
    }
}

// === impl State ===

impl State {
    fn note(&mut self, item: Item<'_>, out: &mut Vec<Piece>) {
        if self.over {
            return;
        }
        let (name, data) = match item {
            Item::TooLong => return self.fail("an event that is too long", out),
            Item::Event { name, data } => (name, data),
        };
        let Ok(Value::Object(event)) = serde_json::from_slice(data) else {
            match name {
                b"error" => self.report(data, out),
                // Some servers end in OpenAI's way; it says nothing.
                _ if data.is_empty() || data == b"[DONE]" => {}
                name if EVENTS.contains(&name) => {
                    self.fail("an event that is no JSON object", out);
                }
                _ => {}
            }
            return;
        };
        let kind = match event.get("type").and_then(Value::as_str) {
            Some(kind) => kind.to_owned(),
            None => String::from_utf8_lossy(name).into_owned(),
        };
        let is_error = event.get("error").is_some_and(|error| !error.is_null());
        if kind == "error" || name == b"error" || (kind.is_empty() && is_error) {
            self.report(data, out);
        } else if let Err(broken) = self.read(&kind, event, data.len(), out) {
            self.fail(broken, out);
        }
    }

    fn report(&mut self, data: &[u8], out: &mut Vec<Piece>) {
        self.over = true;
        let reported = Reported::read(data).unwrap_or_else(|| Reported {
            message: "an error event without a message".to_owned(),
            ..Reported::default()
        });
        out.push(Piece::Error(reported));
    }

    fn fail(&mut self, found: &str, out: &mut Vec<Piece>) {
        self.over = true;
        out.push(Piece::Error(Reported {
            message: format!("expected an event of a message, found {found}"),
            ..Reported::default()
        }));
    }

    fn read(
        &mut self,
        kind: &str,
        mut event: Map<String, Value>,
        size: usize,
        out: &mut Vec<Piece>,
    ) -> Result<(), &'static str> {
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        match kind {
            "message_start" => {
                self.start(event.get("message"), out);
                Ok(())
            }
            "content_block_start" => {
                self.start(None, out);
                match event.remove("content_block") {
                    Some(block @ Value::Object(_)) => self.blocks.begin(index, block, size, out),
                    _ => Err("a block without contents"),
                }
            }
            "content_block_delta" => {
                self.start(None, out);
                match event.remove("delta") {
                    Some(Value::Object(delta)) => self.blocks.delta(index, delta, size, out),
                    _ => Err("a delta without contents"),
                }
            }
            "content_block_stop" => {
                self.blocks.end(index, out);
                Ok(())
            }
            "message_delta" => {
                self.start(None, out);
                self.message_delta(&event, out);
                Ok(())
            }
            "message_stop" => {
                self.stop(out);
                Ok(())
            }
            // `ping`, and what is new.
            _ => Ok(()),
        }
    }

    /// The message begins, if it has not; one that begins in its middle has no name.
    fn start(&mut self, message: Option<&Value>, out: &mut Vec<Piece>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let text = |key: &str| {
            let text = message.and_then(|message| message.get(key)?.as_str());
            text.unwrap_or_default().to_owned()
        };
        self.count(message.and_then(|message| message.get("usage")));
        out.push(Piece::Start {
            id: text("id"),
            model: text("model"),
            created: None,
            usage: read_usage(&Value::Object(self.usage.clone())),
        });
    }

    /// Takes counts over those before: they are sums, and those that are not repeated still hold.
    fn count(&mut self, usage: Option<&Value>) {
        for key in COUNTS {
            let count = usage.and_then(|usage| usage.get(key));
            if let Some(count) = count.filter(|count| !count.is_null()) {
                self.usage.insert(key.to_owned(), count.clone());
            }
        }
    }

    fn message_delta(&mut self, event: &Map<String, Value>, out: &mut Vec<Piece>) {
        let delta = event.get("delta");
        let text = |key: &str| delta.and_then(|delta| delta.get(key)?.as_str());
        if let Some(word) = text("stop_reason") {
            let stop = text("stop_sequence").map(str::to_owned);
            self.finish = Some(finish_of(word, stop));
        }
        let usage = event.get("usage");
        if usage.is_some_and(Value::is_object) {
            self.count(usage);
            let usage = read_usage(&Value::Object(self.usage.clone()));
            out.extend(usage.map(Piece::Usage));
        }
    }

    fn stop(&mut self, out: &mut Vec<Piece>) {
        self.start(None, out);
        self.over = true;
        self.blocks.end_all(out);
        if let Some(finish) = self.finish.take() {
            out.push(Piece::Finish { choice: 0, finish });
        }
        out.push(Piece::Done);
    }
}
