//! Pieces as the events of a Messages stream.

use serde_json::{Value, json};

use super::super::neutral::{Block, Delta, Dialect, Finish, Piece, Request};
use super::error::write_error;
use super::events::{self, Events};
use super::open::{Open, is_block};
use super::waiting::{Full, Held, Waiting};
use super::words::{Said, foreign, message_id, stop_reason, usage_json};
use super::write_answer::call_id;
use crate::model::Tokens;
use crate::wire::{Code, ErrorBody};

/// Writes one stream. `message_delta` and `message_stop` come only after [`Piece::Done`], and never after an error. Of
/// several choices the first is written.
#[derive(Debug)]
pub struct Writer {
    id: String,
    model: String,
    usage: Option<Tokens>,
    finish: Option<Finish>,
    said: Said,
    begun: bool,
    over: bool,
    /// Calls so far, for ids where the provider gives none.
    calls: u64,
    open: Option<Open>,
    waiting: Waiting,
    events: Events,
}

impl Writer {
    /// Before the first piece. `id_seed` makes the id where the provider gives none. Messages has no time: `now_unix` is
    /// there for the sake of the other dialects.
    pub fn new(request: &Request, id_seed: u64, _now_unix: u64) -> Self {
        Self {
            id: format!("msg_{id_seed:016x}"),
            model: request.model.clone(),
            usage: None,
            finish: None,
            said: Said::default(),
            begun: false,
            over: false,
            calls: 0,
            open: None,
            waiting: Waiting::default(),
            events: Events::default(),
        }
    }

    /// Writes `piece`: whole events, or nothing yet.
    pub fn piece(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        let written = match piece {
            Piece::Start {
                id, model, usage, ..
            } => {
                self.start(id, model, *usage, out);
                Ok(())
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
            Piece::End { choice: 0, block } => {
                self.end(*block, out);
                Ok(())
            }
            Piece::Finish { choice: 0, finish } => {
                self.finish = Some(finish.clone());
                Ok(())
            }
            Piece::Usage(tokens) => {
                self.usage = Some(*tokens);
                Ok(())
            }
            Piece::Error(_) => {
                // The provider's words may quote a credential: they stay here.
                let words = "the provider reported an error inside its stream";
                self.error(&ErrorBody::new(Code::UpstreamError, words), out);
                Ok(())
            }
            Piece::Done => {
                self.done(out);
                Ok(())
            }
            Piece::Begin { .. }
            | Piece::Delta { .. }
            | Piece::End { .. }
            | Piece::Finish { .. } => Ok(()),
        };
        if let Err(Full) = written {
            let words = "the provider's stream mixes more blocks than can be put in order";
            self.error(&ErrorBody::new(Code::UpstreamError, words), out);
        }
    }

    /// Writes `error` as the stream's last event.
    pub fn error(&mut self, error: &ErrorBody, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.over, true) {
            events::write_bytes("error", &write_error(error), out);
        }
    }

    fn start(&mut self, id: &str, model: &str, usage: Option<Tokens>, out: &mut Vec<u8>) {
        if !id.is_empty() && !self.begun {
            self.id = message_id(id);
        }
        if !model.is_empty() {
            model.clone_into(&mut self.model);
        }
        self.usage = usage.or(self.usage);
        self.begin_message(out);
    }

    /// The first event, once.
    fn begin_message(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let message = json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": usage_json(&self.usage.unwrap_or_default()),
        });
        let event = json!({"type": "message_start", "message": message});
        events::write("message_start", &event, out);
    }

    fn begin(&mut self, block: u32, kind: &Block, out: &mut Vec<u8>) -> Result<(), Full> {
        self.begin_message(out);
        if let Block::Other(dialect, part) = kind
            && !(*dialect == Dialect::Messages && is_block(part))
        {
            provider_part(*dialect, part, out);
            return Ok(());
        }
        if self.open.is_some() {
            return self.waiting.begin(block, kind);
        }
        self.open = Some(self.opened(block, kind.clone(), out));
        Ok(())
    }

    fn opened(&mut self, block: u32, kind: Block, out: &mut Vec<u8>) -> Open {
        let mut id = String::new();
        if let Block::ToolCall { id: given, .. } = &kind {
            id = call_id(given, &self.id, self.calls);
            self.calls = self.calls.saturating_add(1);
        }
        Open::begin(block, kind, id, &mut self.said, &mut self.events, out)
    }

    fn delta(&mut self, block: u32, delta: &Delta, out: &mut Vec<u8>) -> Result<(), Full> {
        match &mut self.open {
            Some(open) if open.block == block => {
                open.delta(delta, &mut self.events, out);
                Ok(())
            }
            Some(_) | None => self.waiting.delta(block, delta),
        }
    }

    fn end(&mut self, block: u32, out: &mut Vec<u8>) {
        match self.open.take_if(|open| open.block == block) {
            Some(open) => {
                open.end(&mut self.events, out);
                self.go_on(out);
            }
            None => self.waiting.end(block),
        }
    }

    /// Tells what waited, up to a block that is not complete.
    fn go_on(&mut self, out: &mut Vec<u8>) {
        while let Some((block, held)) = self.waiting.next() {
            let Held {
                kind,
                deltas,
                ended,
                ..
            } = held;
            let mut open = self.opened(block, kind, out);
            for delta in &deltas {
                open.delta(delta, &mut self.events, out);
            }
            if !ended {
                self.open = Some(open);
                return;
            }
            open.end(&mut self.events, out);
        }
    }

    fn done(&mut self, out: &mut Vec<u8>) {
        self.begin_message(out);
        // All blocks have ended if the reader is right; a client must not hang on one that is wrong.
        while let Some(open) = self.open.take() {
            open.end(&mut self.events, out);
            self.go_on(out);
        }
        let (reason, sequence) = stop_reason(self.finish.as_ref(), self.said);
        let event = json!({
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": sequence},
            "usage": usage_json(&self.usage.unwrap_or_default()),
        });
        events::write("message_delta", &event, out);
        events::write("message_stop", &json!({"type": "message_stop"}), out);
        self.over = true;
    }
}

/// An event for a part that is no block of Anthropic's. Clients ignore events that they do not know.
fn provider_part(dialect: Dialect, part: &Value, out: &mut Vec<u8>) {
    let mut event = json!({"type": "provider_part"});
    if let (Some(members), Value::Object(more)) = (event.as_object_mut(), foreign(dialect, part)) {
        members.extend(more);
    }
    events::write("provider_part", &event, out);
}
