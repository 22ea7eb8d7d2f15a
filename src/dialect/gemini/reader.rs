//! A stream of `streamGenerateContent?alt=sse`, in any chunking, to pieces.
//!
//! Each event is an answer that says what is new. Reasons to end are held until the stream's end, since there is no other end
//! mark, and since some models say `STOP` in every chunk. A stream in which a candidate began and gave no reason was cut,
//! and says nothing of its end.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::is_blocked;
use super::choice::ChoiceState;
use super::loose::Loose;
use super::{candidate, created, part, tokens_of};
use crate::dialect::json::Object;
use crate::dialect::neutral::{Misread, Piece};
use crate::model::Tokens;
use crate::wire::Reported;
use crate::wire::sse::{Item, Splitter};

/// Most candidates of one stream. The hosts' own bound is 8.
const MAX_CHOICES: usize = 16;

/// Largest event, in bytes. An image comes whole in one, in base64; those of 4096 × 4096 have some 10 MB.
const MAX_EVENT: usize = 16 << 20;

/// Reads one stream. Linear in its bytes; keeps at most one event and the state of the open blocks.
#[derive(Debug)]
pub struct Reader {
    splitter: Splitter,
    loose: Loose,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    over: bool,
    /// What of the answer's id goes into ids of calls.
    prefix: String,
    choices: BTreeMap<u32, ChoiceState>,
    usage: Option<Tokens>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// Before the first byte.
    pub fn new() -> Self {
        Self {
            splitter: Splitter::up_to(MAX_EVENT),
            loose: Loose::default(),
            state: State::default(),
        }
    }

    /// Reads the next chunk; what it says goes to `out`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<Piece>) {
        let state = &mut self.state;
        self.loose.push(chunk);
        self.splitter.push(chunk, |item| state.note(item, out));
    }

    /// The stream is over.
    pub fn finish(&mut self, out: &mut Vec<Piece>) {
        let state = &mut self.state;
        self.splitter.finish(|item| state.note(item, out));
        if let (Some(reported), false) = (self.loose.error(), state.over) {
            state.over = true;
            out.push(Piece::Error(reported));
        }
        state.end(out);
    }
}

// === impl State ===

impl State {
    fn note(&mut self, item: Item<'_>, out: &mut Vec<Piece>) {
        if self.over {
            return;
        }
        let data = match item {
            Item::TooLong => return self.fail("an event that is too long", out),
            // Nothing, or what a gateway adds in OpenAI's manner.
            Item::Event {
                data: b"" | b"[DONE]",
                ..
            } => return,
            Item::Event { data, .. } => data,
        };
        let Ok(value) = serde_json::from_slice::<Value>(data) else {
            return self.fail("an event that is no JSON", out);
        };
        let error = value.get("error");
        let has_error = error.is_some_and(|error| !error.is_null() && *error != false);
        if has_error || value.is_array() {
            let reported = Reported::read(data).unwrap_or_else(|| Reported {
                message: "an event that is no answer and no error".to_owned(),
                ..Reported::default()
            });
            self.over = true;
            out.push(Piece::Error(reported));
            return;
        }
        if let Err(misread) = self.read(value, out) {
            self.fail(&misread.to_string(), out);
        }
    }

    fn fail(&mut self, found: &str, out: &mut Vec<Piece>) {
        self.over = true;
        out.push(Piece::Error(Reported {
            message: format!("expected a part of an answer, found {found}"),
            ..Reported::default()
        }));
    }

    fn read(&mut self, value: Value, out: &mut Vec<Piece>) -> Result<(), Misread> {
        let mut chunk = Object::of(value, "")?;
        self.start(&mut chunk, out)?;
        for (place, value) in (0..).zip(chunk.list("candidates")?) {
            let candidate = candidate::read(value, place)?;
            let (choice, prefix) = (candidate.index, self.prefix.clone());
            self.choice(choice)?.read(candidate, &prefix, out)?;
        }
        if is_blocked(chunk.peek("promptFeedback")) && self.choices.is_empty() {
            self.choice(0)?.block();
        }
        let usage = chunk.take("usageMetadata").as_ref().and_then(tokens_of);
        if let Some(usage) = usage.filter(|usage| self.usage != Some(*usage)) {
            self.usage = Some(usage);
            out.push(Piece::Usage(usage));
        }
        Ok(())
    }

    fn start(&mut self, chunk: &mut Object, out: &mut Vec<Piece>) -> Result<(), Misread> {
        if self.started {
            return Ok(());
        }
        let id = chunk.text("responseId")?.unwrap_or_default();
        let model = chunk.text("modelVersion")?.unwrap_or_default();
        let created = chunk.text("createTime")?;
        let is_known = ["candidates", "promptFeedback"];
        if id.is_empty() && is_known.iter().all(|key| chunk.peek(key).is_none()) {
            return Ok(());
        }
        self.started = true;
        self.prefix = part::call_prefix(&id);
        out.push(Piece::Start {
            id,
            model,
            created: created.and_then(|time| created::seconds(&time)),
            usage: None,
        });
        Ok(())
    }

    fn choice(&mut self, index: u32) -> Result<&mut ChoiceState, Misread> {
        if !self.choices.contains_key(&index) && self.choices.len() >= MAX_CHOICES {
            return Err(Misread {
                at: "candidates".to_owned(),
                expected: format!("at most {MAX_CHOICES} candidates"),
                found: "one more".to_owned(),
            });
        }
        let entry = self.choices.entry(index);
        Ok(entry.or_insert_with(|| ChoiceState::new(index)))
    }

    fn end(&mut self, out: &mut Vec<Piece>) {
        let is_over = std::mem::replace(&mut self.over, true);
        let is_complete =
            !self.choices.is_empty() && self.choices.values().all(ChoiceState::is_finished);
        if is_over || !is_complete {
            return;
        }
        for choice in self.choices.values_mut() {
            choice.end(out);
        }
        out.push(Piece::Done);
    }
}
