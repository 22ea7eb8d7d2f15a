//! A server's chat stream, in any chunking, to pieces.
//!
//! Reasons to end are held until the stream's end: some servers send content, or token counts, after them. A stream that
//! gave a reason for each of its choices and merely forgot its `[DONE]` is complete; any other end is not, and says nothing.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::json::Object;
use super::super::neutral::{Misread, Piece};
use super::answer::{citations, read_choices_usage, read_usage};
use super::delta::ChoiceState;
use crate::model::Tokens;
use crate::wire::Reported;
use crate::wire::sse::{Item, Splitter};

/// Most choices of one stream. OpenAI's bound for `n` is 128.
const MAX_CHOICES: usize = 128;

/// Reads one stream. Linear in its bytes; keeps at most one event and the state of the open blocks.
#[derive(Debug, Default)]
pub struct Reader {
    splitter: Splitter,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    over: bool,
    choices: BTreeMap<u32, ChoiceState>,
    usage: Option<Tokens>,
    cited: Option<Value>,
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
        if state.is_finished() {
            state.end(out);
        }
    }
}

// === impl State ===

impl State {
    fn is_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(ChoiceState::is_finished)
    }

    fn note(&mut self, item: Item<'_>, out: &mut Vec<Piece>) {
        if self.over {
            return;
        }
        match item {
            Item::TooLong => self.fail("an event that is too long", out),
            Item::Event {
                data: b"[DONE]", ..
            } => self.end(out),
            Item::Event { name, data } => {
                let value: Option<Value> = serde_json::from_slice(data).ok();
                let error = value.as_ref().and_then(|value| value.get("error"));
                let has_error = error.is_some_and(|error| !error.is_null() && *error != false);
                if name == b"error" || has_error {
                    let reported = Reported::read(data).unwrap_or_else(|| Reported {
                        message: "an error event without a message".to_owned(),
                        ..Reported::default()
                    });
                    self.over = true;
                    out.push(Piece::Error(reported));
                    return;
                }
                let read = match value {
                    Some(value @ Value::Object(_)) => self.read(value, out),
                    // After the end it does not matter what it was; before, some of the answer is lost.
                    Some(_) | None if self.is_finished() => Ok(()),
                    Some(_) | None => return self.fail("an event that is no JSON object", out),
                };
                if let Err(misread) = read {
                    self.fail(&misread.to_string(), out);
                }
            }
        }
    }

    fn fail(&mut self, found: &str, out: &mut Vec<Piece>) {
        self.over = true;
        out.push(Piece::Error(Reported {
            message: format!("expected a chunk of a chat completion, found {found}"),
            ..Reported::default()
        }));
    }

    fn read(&mut self, value: Value, out: &mut Vec<Piece>) -> Result<(), Misread> {
        let mut chunk = Object::of(value, "")?;
        let id = chunk.text("id")?.unwrap_or_default();
        let model = chunk.text("model")?.unwrap_or_default();
        let created = chunk.count("created").unwrap_or_default();
        let choices = chunk.list("choices")?;
        // Azure's first chunk names neither: what comes after it does.
        let says_nothing = id.is_empty() && choices.is_empty();
        if !self.started && !says_nothing {
            self.started = true;
            out.push(Piece::Start {
                id,
                model,
                created,
                usage: None,
            });
        }
        if let Some(cited) = chunk.peek("citations").and_then(citations) {
            self.cited = Some(cited);
        }
        let inner = chunk
            .take("x_groq")
            .and_then(|inner| inner.get("usage").cloned());
        let usage = chunk.take("usage").or(inner).as_ref().and_then(read_usage);
        let usage = usage.or_else(|| read_choices_usage(&choices));
        for (index, value) in (0_u32..).zip(choices) {
            self.read_choice(index, value, out)?;
        }
        if let Some(usage) = usage.filter(|usage| self.usage != Some(*usage)) {
            self.usage = Some(usage);
            out.push(Piece::Usage(usage));
        }
        Ok(())
    }

    fn read_choice(
        &mut self,
        place: u32,
        value: Value,
        out: &mut Vec<Piece>,
    ) -> Result<(), Misread> {
        let choice = Object::of(value, format!("choices[{place}]"))?;
        let index = choice.peek("index").and_then(Value::as_u64);
        let index = index
            .and_then(|index| u32::try_from(index).ok())
            .unwrap_or(place);
        if !self.choices.contains_key(&index) && self.choices.len() >= MAX_CHOICES {
            return Err(Misread {
                at: choice.at("index"),
                expected: format!("at most {MAX_CHOICES} choices"),
                found: "one more".to_owned(),
            });
        }
        let state = self
            .choices
            .entry(index)
            .or_insert_with(|| ChoiceState::new(index));
        state.read(choice, out)
    }

    /// The stream is complete.
    fn end(&mut self, out: &mut Vec<Piece>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let mut cited = self.cited.take();
        for choice in self.choices.values_mut() {
            choice.end(cited.take(), out);
        }
        out.push(Piece::Done);
    }
}
