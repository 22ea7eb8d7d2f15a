//! One candidate of a stream: from parts to blocks.
//!
//! A block goes on while parts are of its kind. The signature of a text that has begun before comes behind that text, since
//! what was sent cannot be moved; written back it stands on an empty text, which is how the host itself sends it.

use serde_json::Value;

use super::candidate::Candidate;
use super::finish_of;
use super::grounding::{self, Said as Text};
use super::part::{self, Part, Said};
use crate::dialect::neutral::{Block, Delta, Dialect, Finish, Misread, Piece};

/// What of a candidate is open.
#[derive(Debug)]
pub(super) struct ChoiceState {
    choice: u32,
    /// The number of the next block.
    next: u32,
    open: Option<(u32, Kind)>,
    calls: u32,
    finish: Option<Finish>,
    /// The signature of the open text.
    signature: Option<String>,
    /// The text so far, for the places of annotations.
    said: Text,
    /// Annotations for the open text.
    annotations: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thought,
}

impl ChoiceState {
    /// Nothing has come of candidate `choice`.
    pub(super) fn new(choice: u32) -> Self {
        Self {
            choice,
            next: 0,
            open: None,
            calls: 0,
            finish: None,
            signature: None,
            said: Text::default(),
            annotations: None,
        }
    }

    /// Whether it said why it ended.
    pub(super) const fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// The prompt was refused.
    pub(super) fn block(&mut self) {
        self.finish = Some(Finish::ContentFilter);
    }

    /// Reads what one chunk says of it; `answer` is what of its answer's id goes into ids of calls.
    pub(super) fn read(
        &mut self,
        candidate: Candidate,
        answer: &str,
        out: &mut Vec<Piece>,
    ) -> Result<(), Misread> {
        let mut logprobs = candidate.logprobs;
        for (index, value) in candidate.parts.into_iter().enumerate() {
            let at = format!("{}[{index}]", candidate.parts_at);
            self.put(part::read(value, &at)?, answer, &mut logprobs, out);
        }
        // Probabilities of an empty text; those of calls have no place in OpenAI's form.
        if let (Some(logprobs), Some((block, Kind::Text))) = (logprobs, self.open) {
            self.delta(block, Delta::TextWithLogprobs(String::new(), logprobs), out);
        }
        let (grounding, citations) = (candidate.grounding, candidate.citations);
        let list = grounding::annotations(grounding.as_ref(), citations.as_ref(), &self.said);
        self.annotations = list.or(self.annotations.take());
        if let Some(word) = candidate.finish {
            self.finish = Some(finish_of(&word, self.calls > 0));
        }
        Ok(())
    }

    /// The stream is complete.
    pub(super) fn end(&mut self, out: &mut Vec<Piece>) {
        self.close(out);
        if let Some(finish) = self.finish.take() {
            // Some say `STOP` before the call comes.
            let finish = match finish {
                Finish::Stop if self.calls > 0 => Finish::ToolCalls,
                finish => finish,
            };
            let choice = self.choice;
            out.push(Piece::Finish { choice, finish });
        }
    }

    fn put(
        &mut self,
        part: Part,
        answer: &str,
        logprobs: &mut Option<Value>,
        out: &mut Vec<Piece>,
    ) {
        let Part { said, signature } = part;
        match said {
            Said::Text(text) => self.put_text(text, signature, logprobs, out),
            Said::Thought(text) => {
                if !text.is_empty() || signature.is_some() {
                    let block = self.open(Kind::Thought, out);
                    if !text.is_empty() {
                        self.delta(block, Delta::Text(text), out);
                    }
                    if let Some(signature) = signature {
                        self.delta(block, Delta::Signature(signature), out);
                        self.close(out);
                    }
                }
            }
            Said::Call {
                id,
                name,
                arguments,
            } => {
                let id = match id.as_str() {
                    "" => part::call_id(answer, self.choice, self.calls),
                    _ => id,
                };
                self.calls = self.calls.saturating_add(1);
                let mut deltas = vec![Delta::Arguments(arguments)];
                deltas.extend(signature.map(Delta::Signature));
                self.put_whole(Block::ToolCall { id, name }, deltas, out);
            }
            Said::Media(_, value) | Said::Other(value) => {
                self.put_whole(Block::Other(Dialect::Gemini, value), Vec::new(), out);
            }
        }
    }

    fn put_text(
        &mut self,
        text: String,
        signature: Option<String>,
        logprobs: &mut Option<Value>,
        out: &mut Vec<Piece>,
    ) {
        let is_open = self.open.is_some_and(|(_, kind)| kind == Kind::Text);
        if is_open && signature.is_some() && self.signature.is_some() {
            self.close(out);
        }
        match signature {
            Some(signature) if self.open.is_some_and(|(_, kind)| kind == Kind::Text) => {
                self.signature = Some(signature);
            }
            Some(signature) => self.put_signature(signature, out),
            None => {}
        }
        if text.is_empty() {
            return;
        }
        self.said.push(&text);
        let block = self.open(Kind::Text, out);
        let delta = match logprobs.take() {
            Some(logprobs) => Delta::TextWithLogprobs(text, logprobs),
            None => Delta::Text(text),
        };
        self.delta(block, delta, out);
    }

    fn put_signature(&mut self, signature: String, out: &mut Vec<Piece>) {
        let deltas = vec![Delta::Signature(signature)];
        self.put_whole(Block::Reasoning, deltas, out);
    }

    /// A block that comes whole.
    fn put_whole(&mut self, kind: Block, deltas: Vec<Delta>, out: &mut Vec<Piece>) {
        self.close(out);
        let block = self.begin(kind, out);
        for delta in deltas {
            self.delta(block, delta, out);
        }
        self.finish_block(block, out);
    }

    /// The block that goes on with `kind`, or a new one.
    fn open(&mut self, kind: Kind, out: &mut Vec<Piece>) -> u32 {
        match self.open {
            Some((block, open)) if open == kind => block,
            _ => {
                self.close(out);
                let block = match kind {
                    Kind::Text => Block::Text,
                    Kind::Thought => Block::Reasoning,
                };
                let block = self.begin(block, out);
                self.open = Some((block, kind));
                block
            }
        }
    }

    fn close(&mut self, out: &mut Vec<Piece>) {
        let Some((block, kind)) = self.open.take() else {
            return;
        };
        if kind == Kind::Text
            && let Some(list) = self.annotations.take()
        {
            self.delta(block, Delta::Annotations(list), out);
        }
        self.finish_block(block, out);
        if let Some(signature) = self.signature.take() {
            self.put_signature(signature, out);
        }
    }

    fn begin(&mut self, kind: Block, out: &mut Vec<Piece>) -> u32 {
        let block = self.next;
        self.next = self.next.saturating_add(1);
        let choice = self.choice;
        out.push(Piece::Begin {
            choice,
            block,
            kind,
        });
        block
    }

    fn delta(&self, block: u32, delta: Delta, out: &mut Vec<Piece>) {
        let choice = self.choice;
        out.push(Piece::Delta {
            choice,
            block,
            delta,
        });
    }

    fn finish_block(&self, block: u32, out: &mut Vec<Piece>) {
        let choice = self.choice;
        out.push(Piece::End { choice, block });
    }
}
