//! One choice of a stream: from deltas to blocks.
//!
//! Tool calls are told apart by `index`, by id where a server sends every call under index 0 or none, and by the end of the
//! JSON where it sends neither. They stay open until the choice ends, as fragments of several may alternate.

use serde_json::{Value, json};

use super::super::json::{Object, misread};
use super::super::neutral::{Block, Delta, Dialect, Finish, Misread, Piece, Reasoning};
use super::answer::read_finish;
use super::balance::Balance;
use super::calls;
use super::reasoning::{self, Details};

/// Most calls of one choice, and most bytes that wait for a call's name.
const MAX_CALLS: usize = 1024;
const MAX_WAITING: usize = 1 << 20;

/// What of a choice is open.
#[derive(Debug)]
pub(super) struct ChoiceState {
    choice: u32,
    /// The number of the next block.
    next: u32,
    /// The block that text goes to.
    open: Option<Open>,
    calls: Vec<Call>,
    /// Where annotations go: the first text.
    text: Option<u32>,
    finish: Option<(String, Option<Value>)>,
    annotated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    block: u32,
    kind: Kind,
    /// The place in the list of details that a thought came from.
    detail: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
    Refusal,
}

#[derive(Debug)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    /// Its block, once its name is known.
    block: Option<u32>,
    /// Arguments that came before the name.
    waiting: String,
    balance: Balance,
}

impl ChoiceState {
    /// Nothing has come of choice `choice`.
    pub(super) fn new(choice: u32) -> Self {
        Self {
            choice,
            next: 0,
            open: None,
            calls: Vec::new(),
            text: None,
            finish: None,
            annotated: false,
        }
    }

    /// Whether it said why it ended.
    pub(super) const fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Reads what one chunk says of it.
    pub(super) fn read(&mut self, mut object: Object, out: &mut Vec<Piece>) -> Result<(), Misread> {
        let finish = object.text("finish_reason")?;
        let stop = object.take("stop_reason");
        let logprobs = object.take("logprobs");
        let delta = match object.object("delta")? {
            Some(delta) => Some(delta),
            // The older form sends whole messages.
            None => object.object("message")?,
        };
        if let Some(delta) = delta {
            self.read_delta(delta, logprobs, out)?;
        }
        if let Some(word) = finish {
            self.finish.get_or_insert((word, stop));
        }
        Ok(())
    }

    fn read_delta(
        &mut self,
        mut delta: Object,
        logprobs: Option<Value>,
        out: &mut Vec<Piece>,
    ) -> Result<(), Misread> {
        let thoughts = reasoning::take(&mut delta)?;
        self.put_thoughts(thoughts, out);
        let at = delta.at("content");
        match delta.take("content") {
            None => self.put_text(String::new(), logprobs, out),
            Some(Value::String(text)) => self.put_text(text, logprobs, out),
            Some(Value::Array(list)) => {
                let mut unknown = serde_json::Map::new();
                let parts = super::part::read_content(Value::Array(list), &at, &mut unknown)?;
                for part in parts {
                    self.put_part(part, out);
                }
            }
            Some(other) => return Err(misread(&at, "a string or a list of parts", &other)),
        }
        if let Some(text) = delta.text("refusal")?.filter(|text| !text.is_empty()) {
            let block = self.open(Kind::Refusal, None, out);
            self.put(block, Delta::Text(text), out);
        }
        let annotations = delta.take("annotations").filter(is_filled);
        if let Some(annotations) = annotations {
            self.annotate(annotations, out);
        }
        for key in ["audio", "images"] {
            if let Some(value) = delta.take(key).filter(is_filled) {
                self.put_other(Dialect::Chat, json!({ key: value }), out);
            }
        }
        if let Some(signature) = calls::take_signature(&mut delta) {
            let block = self.open(Kind::Reasoning, None, out);
            self.put(block, Delta::Signature(signature), out);
        }
        let at = delta.at("tool_calls");
        for (index, value) in delta.list("tool_calls")?.into_iter().enumerate() {
            let call = Object::of(value, format!("{at}[{index}]"))?;
            self.read_call(call, out)?;
        }
        if let Some(function) = delta.object("function_call")? {
            self.put_call(None, None, function, None, out)?;
        }
        Ok(())
    }

    fn put_thoughts(&mut self, details: Details, out: &mut Vec<Piece>) {
        for (index, thought) in details.thoughts {
            self.put_thought(index, thought, out);
        }
    }

    fn put_thought(&mut self, index: Option<u64>, thought: Reasoning, out: &mut Vec<Piece>) {
        if thought.text.is_empty() && thought.signature.is_none() && thought.sealed.is_none() {
            return;
        }
        let block = self.open(Kind::Reasoning, index, out);
        if !thought.text.is_empty() {
            self.put(block, Delta::Text(thought.text), out);
        }
        if let Some(signature) = thought.signature.filter(|text| !text.is_empty()) {
            self.put(block, Delta::Signature(signature), out);
        }
        if let Some(sealed) = thought.sealed {
            self.put(block, Delta::Sealed(sealed), out);
        }
    }

    fn put_text(&mut self, text: String, logprobs: Option<Value>, out: &mut Vec<Piece>) {
        let logprobs = logprobs.filter(|value| value.get("content").is_some_and(is_filled));
        let delta = match logprobs {
            Some(logprobs) => Delta::TextWithLogprobs(text, logprobs),
            None if text.is_empty() => return,
            None => Delta::Text(text),
        };
        let block = self.open(Kind::Text, None, out);
        self.text.get_or_insert(block);
        self.put(block, delta, out);
    }

    fn put_part(&mut self, part: super::super::neutral::Part, out: &mut Vec<Piece>) {
        use super::super::neutral::Part;
        match part {
            Part::Text(text) => {
                self.put_text(text.text, None, out);
                if let Some(annotations) = text.annotations.filter(is_filled) {
                    self.annotate(annotations, out);
                }
            }
            Part::Reasoning(thought) => self.put_thought(None, thought, out),
            Part::Refusal(text) => {
                let block = self.open(Kind::Refusal, None, out);
                self.put(block, Delta::Text(text), out);
            }
            Part::Other(dialect, value) => self.put_other(dialect, value, out),
            Part::Image(media) => {
                if let Some(image) = super::part::write_image(&media) {
                    self.put_other(Dialect::Chat, json!({ "images": [image] }), out);
                }
            }
            // No reader of content makes these in an answer.
            Part::Audio(_) | Part::File(_) | Part::ToolCall(_) | Part::ToolResult(_) => {}
        }
    }

    fn put_other(&mut self, dialect: Dialect, value: Value, out: &mut Vec<Piece>) {
        self.close(out);
        let block = self.begin(Block::Other(dialect, value), out);
        out.push(Piece::End {
            choice: self.choice,
            block,
        });
    }

    fn annotate(&mut self, annotations: Value, out: &mut Vec<Piece>) {
        self.annotated = true;
        let block = self.open(Kind::Text, None, out);
        self.text.get_or_insert(block);
        self.put(block, Delta::Annotations(annotations), out);
    }

    fn put(&self, block: u32, delta: Delta, out: &mut Vec<Piece>) {
        out.push(Piece::Delta {
            choice: self.choice,
            block,
            delta,
        });
    }

    fn begin(&mut self, kind: Block, out: &mut Vec<Piece>) -> u32 {
        let block = self.next;
        self.next = self.next.saturating_add(1);
        out.push(Piece::Begin {
            choice: self.choice,
            block,
            kind,
        });
        block
    }

    /// The block for text of this kind; another one is ended.
    fn open(&mut self, kind: Kind, detail: Option<u64>, out: &mut Vec<Piece>) -> u32 {
        if let Some(open) = &mut self.open
            && open.kind == kind
            && (detail.is_none() || open.detail.is_none() || open.detail == detail)
        {
            open.detail = open.detail.or(detail);
            return open.block;
        }
        self.close(out);
        let begun = match kind {
            Kind::Text => Block::Text,
            Kind::Reasoning => Block::Reasoning,
            Kind::Refusal => Block::Refusal,
        };
        let block = self.begin(begun, out);
        self.open = Some(Open {
            block,
            kind,
            detail,
        });
        block
    }

    fn close(&mut self, out: &mut Vec<Piece>) {
        if let Some(open) = self.open.take() {
            out.push(Piece::End {
                choice: self.choice,
                block: open.block,
            });
        }
    }

    fn read_call(&mut self, mut call: Object, out: &mut Vec<Piece>) -> Result<(), Misread> {
        let index = call.count("index").unwrap_or_default();
        let id = call.text("id")?.filter(|id| !id.is_empty());
        let signature = calls::take_signature(&mut call);
        let function = match call.object("function")? {
            Some(function) => function,
            None => Object::of(json!({}), call.at("function"))?,
        };
        let place = self.put_call(index, id, function, signature, out)?;
        debug_assert!(place < self.calls.len(), "a call that was put is there");
        Ok(())
    }

    fn put_call(
        &mut self,
        index: Option<u64>,
        id: Option<String>,
        mut function: Object,
        signature: Option<String>,
        out: &mut Vec<Piece>,
    ) -> Result<usize, Misread> {
        let name = function.text("name")?.filter(|name| !name.is_empty());
        let arguments = match function.peek("arguments") {
            Some(Value::Object(_) | Value::Array(_)) => {
                function.take("arguments").map(|value| value.to_string())
            }
            Some(_) | None => function.text("arguments")?,
        };
        let place = match self.find(index, id.as_deref(), name.as_deref()) {
            Some(place) => place,
            None => self.new_call(index, id, &function)?,
        };
        self.close(out);
        let choice = self.choice;
        let next = &mut self.next;
        let Some(call) = self.calls.get_mut(place) else {
            return Ok(place);
        };
        if call.name.is_empty() {
            call.name = name.unwrap_or_default();
        }
        let arguments = arguments.unwrap_or_default();
        call.balance.push(&arguments);
        call.waiting.push_str(&arguments);
        if call.waiting.len() > MAX_WAITING && call.name.is_empty() {
            return Err(function.missing("name", "a function's name"));
        }
        if !call.name.is_empty() {
            call.say(choice, next, out);
            if let (Some(block), Some(signature)) = (call.block, signature) {
                self.put(block, Delta::Signature(signature), out);
            }
        }
        Ok(place)
    }

    /// The call that a fragment belongs to; `None` if it begins another one.
    fn find(&self, index: Option<u64>, id: Option<&str>, name: Option<&str>) -> Option<usize> {
        let last = || self.calls.len().checked_sub(1);
        let by_id = |id| self.calls.iter().rposition(|call| call.id == id);
        match (index, id) {
            (Some(_), _) => {
                let place = self.calls.iter().rposition(|call| call.index == index)?;
                let call = self.calls.get(place)?;
                // Some servers send every call under one index.
                let is_other = id.is_some_and(|id| id != call.id)
                    && name.is_some()
                    && !call.name.is_empty()
                    && call.balance.is_done_or_empty();
                let is_other = is_other && !call.id.is_empty();
                if is_other {
                    id.and_then(by_id)
                } else {
                    Some(place)
                }
            }
            (None, Some(id)) => by_id(id),
            (None, None) => {
                let place = last()?;
                let call = self.calls.get(place)?;
                let is_other = name.is_some() && !call.name.is_empty() && {
                    name != Some(call.name.as_str()) || call.balance.is_done()
                };
                (!is_other).then_some(place)
            }
        }
    }

    fn new_call(
        &mut self,
        index: Option<u64>,
        id: Option<String>,
        function: &Object,
    ) -> Result<usize, Misread> {
        let place = self.calls.len();
        if place >= MAX_CALLS {
            return Err(Misread {
                at: function.at("name"),
                expected: format!("at most {MAX_CALLS} calls"),
                found: "one more".to_owned(),
            });
        }
        self.calls.push(Call {
            index,
            id: id.unwrap_or_else(|| format!("call_{place}")),
            name: String::new(),
            block: None,
            waiting: String::new(),
            balance: Balance::default(),
        });
        Ok(place)
    }

    /// The choice is complete: its blocks end, then it. `cited` are citations of the whole answer.
    pub(super) fn end(&mut self, cited: Option<Value>, out: &mut Vec<Piece>) {
        if let (Some(cited), false, Some(_)) = (cited, self.annotated, self.text) {
            self.annotate(cited, out);
        }
        self.close(out);
        let has_calls = !self.calls.is_empty();
        for mut call in std::mem::take(&mut self.calls) {
            // A call that never got a name is still told.
            call.say(self.choice, &mut self.next, out);
            if let Some(block) = call.block {
                out.push(Piece::End {
                    choice: self.choice,
                    block,
                });
            }
        }
        if let Some((word, stop)) = self.finish.take() {
            let finish: Finish = read_finish(&word, has_calls, stop.as_ref());
            out.push(Piece::Finish {
                choice: self.choice,
                finish,
            });
        }
    }
}

impl Call {
    /// Begins the block if it has not begun, and says what waits.
    fn say(&mut self, choice: u32, next: &mut u32, out: &mut Vec<Piece>) {
        let block = *self.block.get_or_insert_with(|| {
            let block = *next;
            *next = next.saturating_add(1);
            out.push(Piece::Begin {
                choice,
                block,
                kind: Block::ToolCall {
                    id: self.id.clone(),
                    name: self.name.clone(),
                },
            });
            block
        });
        if !self.waiting.is_empty() {
            let delta = Delta::Arguments(std::mem::take(&mut self.waiting));
            out.push(Piece::Delta {
                choice,
                block,
                delta,
            });
        }
    }
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
