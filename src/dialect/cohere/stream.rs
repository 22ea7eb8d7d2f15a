//! A stream of Cohere's: server-sent events, each a JSON object with a `type`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{End, end_of, is_of_text, logprobs_of, tokens_of};
use crate::dialect::neutral::{Block, Delta, Dialect, Piece};
use crate::wire::Reported;
use crate::wire::sse::{Item, Splitter};

/// Most blocks that are open at a time.
const MAX_OPEN: usize = 1024;

/// Reads one stream, in any chunking. Linear in its bytes; keeps at most one event and the numbers of the open blocks.
#[derive(Debug, Default)]
pub struct Reader {
    splitter: Splitter,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    over: bool,
    has_calls: bool,
    open: BTreeMap<Place, Open>,
    blocks: u32,
}

/// A block that is open.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Our number of it.
    block: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thoughts,
    Call,
    Other,
}

/// Where the provider says that something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// The plan before calls.
    Plan,
    /// In the list of contents.
    Content(u64),
    /// In the list of calls.
    Call(u64),
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

    /// The stream is over. Without its `message-end` it was cut, and nothing is said.
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
            Item::TooLong => return self.lost("an event that is too long", out),
            Item::Event { name, data } => (name, data),
        };
        if data.trim_ascii().is_empty() || data == b"[DONE]" {
            return;
        }
        let Some(event @ Value::Object(_)) = serde_json::from_slice(data).ok() else {
            return self.lost("an event that is no JSON object", out);
        };
        let kind = event.get("type").and_then(Value::as_str);
        let has_error = event.get("error").is_some_and(|error| !error.is_null());
        let is_error = kind.is_none() && (has_error || event.get("message").is_some());
        if name == b"error" || kind == Some("error") || is_error {
            let reported = Reported::read(data).unwrap_or_else(|| Reported {
                message: "an error event without a message".to_owned(),
                ..Reported::default()
            });
            return self.fail(reported, out);
        }
        self.read(kind.unwrap_or_default(), &event, out);
    }

    fn fail(&mut self, reported: Reported, out: &mut Vec<Piece>) {
        self.over = true;
        out.push(Piece::Error(reported));
    }

    fn lost(&mut self, found: &str, out: &mut Vec<Piece>) {
        let reported = Reported {
            message: format!("expected an event of a chat, found {found}"),
            ..Reported::default()
        };
        self.fail(reported, out);
    }

    fn read(&mut self, kind: &str, event: &Value, out: &mut Vec<Piece>) {
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        let none = Value::Null;
        let message = event.pointer("/delta/message").unwrap_or(&none);
        match kind {
            "message-start" => self.start(text(event.get("id")).unwrap_or_default(), out),
            "content-start" => self.content(index, message, event, true, out),
            "content-delta" => self.content(index, message, event, false, out),
            "content-end" => self.end(Place::Content(index), out),
            "tool-plan-delta" => {
                if let Some(plan) = text(message.get("tool_plan")) {
                    self.plan(plan, out);
                }
            }
            "tool-call-start" | "tool-call-delta" => self.call(index, message, out),
            "tool-call-end" => self.end(Place::Call(index), out),
            "citation-start" => self.cite(message.get("citations"), out),
            "message-end" => self.finish(event.get("delta").unwrap_or(&none), out),
            // `citation-end` says nothing, `debug` nothing for clients; what is new says nothing to us yet.
            _ => {}
        }
    }

    fn start(&mut self, id: String, out: &mut Vec<Piece>) {
        if !std::mem::replace(&mut self.started, true) {
            out.push(Piece::Start {
                id,
                model: String::new(),
                created: None,
                usage: None,
            });
        }
    }

    /// The open block of `place`, or a new one of this kind; `None` if there are too many.
    fn block(&mut self, place: Place, kind: Block, out: &mut Vec<Piece>) -> Option<u32> {
        let own = Kind::of(&kind);
        match self.open.get(&place) {
            Some(open) if open.kind == own => return Some(open.block),
            Some(_) => self.end(place, out),
            None => {}
        }
        if self.open.len() >= MAX_OPEN {
            self.lost("too many blocks at once", out);
            return None;
        }
        if place != Place::Plan {
            self.end(Place::Plan, out);
        }
        self.start(String::new(), out);
        let block = self.blocks;
        self.blocks = self.blocks.saturating_add(1);
        self.open.insert(place, Open { block, kind: own });
        out.push(Piece::Begin {
            choice: 0,
            block,
            kind,
        });
        Some(block)
    }

    fn put(block: u32, delta: Delta, out: &mut Vec<Piece>) {
        out.push(Piece::Delta {
            choice: 0,
            block,
            delta,
        });
    }

    fn end(&mut self, place: Place, out: &mut Vec<Piece>) {
        if let Some(Open { block, .. }) = self.open.remove(&place) {
            out.push(Piece::End { choice: 0, block });
        }
    }

    /// The begin or more of a content. Deltas do not say their type: the member does.
    fn content(
        &mut self,
        index: u64,
        message: &Value,
        event: &Value,
        is_start: bool,
        out: &mut Vec<Piece>,
    ) {
        let Some(content) = message.get("content") else {
            return;
        };
        let said = text(content.get("text"));
        let thought = text(content.get("thinking"));
        let kind = content.get("type").and_then(Value::as_str);
        let kind = match (kind, &said, &thought) {
            (Some("text"), ..) | (None, Some(_), _) => Block::Text,
            (Some("thinking"), ..) | (None, None, Some(_)) => Block::Reasoning,
            (Some(_), ..) => Block::Other(Dialect::Cohere, content.clone()),
            (None, None, None) => return,
        };
        if is_start {
            self.end(Place::Content(index), out);
        }
        let is_text = kind == Block::Text;
        let said = match kind {
            Block::Text => said,
            Block::Reasoning => thought,
            _ => None,
        };
        let Some(block) = self.block(Place::Content(index), kind, out) else {
            return;
        };
        let said = said.unwrap_or_default();
        let logprobs = event.get("logprobs").filter(|_| is_text);
        match logprobs.and_then(logprobs_of) {
            Some(logprobs) => Self::put(block, Delta::TextWithLogprobs(said, logprobs), out),
            None if said.is_empty() => {}
            None => Self::put(block, Delta::Text(said), out),
        }
    }

    fn plan(&mut self, plan: String, out: &mut Vec<Piece>) {
        if plan.is_empty() {
            return;
        }
        if let Some(block) = self.block(Place::Plan, Block::Reasoning, out) {
            Self::put(block, Delta::Text(plan), out);
        }
    }

    /// The begin or more of a call.
    fn call(&mut self, index: u64, message: &Value, out: &mut Vec<Piece>) {
        let call = match message.get("tool_calls") {
            Some(Value::Array(list)) => list.first(),
            other => other,
        };
        let Some(call) = call else {
            return;
        };
        let part = |path: &str| text(call.pointer(path));
        let kind = Block::ToolCall {
            id: part("/id").unwrap_or_default(),
            name: part("/function/name").unwrap_or_default(),
        };
        self.has_calls = true;
        let Some(block) = self.block(Place::Call(index), kind, out) else {
            return;
        };
        let arguments = part("/function/arguments").filter(|text| !text.is_empty());
        if let Some(arguments) = arguments {
            Self::put(block, Delta::Arguments(arguments), out);
        }
    }

    /// Hangs a citation on the text that it is of, or behind it if that has ended. Those of the plan and of thoughts have no
    /// place in a stream.
    fn cite(&mut self, citation: Option<&Value>, out: &mut Vec<Piece>) {
        let citations: Vec<Value> = match citation {
            Some(Value::Array(list)) => list.clone(),
            Some(one @ Value::Object(_)) => vec![one.clone()],
            Some(_) | None => return,
        };
        for citation in citations.into_iter().filter(is_of_text) {
            let index = citation.get("content_index").and_then(Value::as_u64);
            let named = index.and_then(|index| self.open.get(&Place::Content(index)));
            let is_text = |open: &&Open| open.kind == Kind::Text;
            let last = || self.open.values().rfind(is_text);
            let annotation = Delta::Annotations(json!([citation]));
            if let Some(open) = named.filter(is_text).or_else(last) {
                Self::put(open.block, annotation, out);
            } else {
                let own = Place::Content(u64::MAX);
                if let Some(block) = self.block(own, Block::Text, out) {
                    Self::put(block, annotation, out);
                    self.end(own, out);
                }
            }
        }
    }

    fn finish(&mut self, delta: &Value, out: &mut Vec<Piece>) {
        self.start(String::new(), out);
        for place in self.open.keys().copied().collect::<Vec<_>>() {
            self.end(place, out);
        }
        let usage = delta.get("usage").cloned().and_then(tokens_of);
        out.extend(usage.map(Piece::Usage));
        let error = text(delta.get("error")).filter(|error| !error.is_empty());
        let word = text(delta.get("finish_reason"));
        // An error without a reason is one all the same.
        let word =
            word.unwrap_or_else(|| if error.is_some() { "ERROR" } else { "COMPLETE" }.into());
        match end_of(&word, error.as_deref(), self.has_calls) {
            End::Failed(reported) => self.fail(reported, out),
            End::Finish(finish) => {
                self.over = true;
                out.push(Piece::Finish { choice: 0, finish });
                out.push(Piece::Done);
            }
        }
    }
}

impl Kind {
    const fn of(block: &Block) -> Self {
        match block {
            Block::Text => Self::Text,
            Block::Reasoning => Self::Thoughts,
            Block::ToolCall { .. } => Self::Call,
            Block::Refusal | Block::Other(..) => Self::Other,
        }
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}
