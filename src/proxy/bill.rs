//! What an answer costs: the counts that its provider reports, wherever they stand, or else what its size says.

use std::sync::Arc;

use crate::dialect::{Front, gemini};
use crate::live::{Account, Upstream};
use crate::model::{Price, Tokens};
use crate::provider::estimate;
use crate::wire::{Seen, Tail, shown, usage};

/// What an answer's cost is made of, beside the answer.
#[derive(Clone, Debug)]
pub(super) struct Bill {
    /// Price of the target.
    pub(super) price: Option<Price>,
    /// Size of the request's body.
    pub(super) prompt_bytes: usize,
    /// What was asked for: no tokens are worked out from the size of what may be a picture, of vectors, and of a count.
    pub(super) front: Front,
    /// Who knows what a token of the model is in bytes.
    pub(super) upstream: Arc<Upstream>,
}

/// Bytes that a piece of a stream's content counts for: about a token, which is about four bytes.
const PIECE: u64 = 4;

impl Bill {
    /// The account of `answer`, a whole one that `reported` these counts.
    pub(super) fn of_answer(&self, reported: Option<Tokens>, answer: &[u8]) -> Account {
        let reported = reported.or_else(|| {
            // What passes unread may be Google's.
            let mut tail = Tail::default();
            (self.front == Front::Other).then(|| tail.push(answer))?;
            counts(&tail)
        });
        self.of_document(reported, || shown(answer))
    }

    /// The account of a whole answer that was too large to be held, by its `tail`.
    pub(super) fn of_end(&self, tail: Option<&Tail>) -> Account {
        let reported = tail.and_then(counts);
        self.of_document(reported, || tail.map_or(0, Tail::size))
    }

    /// The account of a stream, which may have its counts in its `tail`; where nothing came, nothing is charged.
    pub(super) fn of_stream(&self, seen: &Seen, tail: Option<&Tail>) -> Account {
        let reported = seen.usage.or_else(|| tail.and_then(counts));
        match (reported, seen.content_events) {
            (None, 0) => Account::default(),
            (None, _) if self.front == Front::Other => self.of_request(),
            (_, events) => self.account(reported, PIECE * u64::from(events)),
        }
    }

    /// The account of a whole answer of so many bytes of `text`. A report teaches about prompts alone: the text is looked
    /// for only where nothing was reported.
    fn of_document(&self, reported: Option<Tokens>, text: impl FnOnce() -> u64) -> Account {
        match (self.front, reported) {
            (Front::CountTokens, None) => Account::default(),
            (Front::Other, None) => self.of_request(),
            (Front::Embeddings, None) | (_, Some(_)) => self.account(reported, 0),
            (Front::Chat | Front::Completions | Front::Responses | Front::Messages, None) => {
                self.account(None, text())
            }
        }
    }

    /// The account of an answer without counts whose size says nothing: what the request itself costs, if it does.
    fn of_request(&self) -> Account {
        let cost = self.price.map(|price| price.of(Tokens::default()));
        Account {
            cost: cost.filter(|cost| cost.pico() > 0),
            ..Account::default()
        }
    }

    fn account(&self, reported: Option<Tokens>, answer: u64) -> Account {
        let prompt = self.prompt_bytes as u64;
        let counted = self
            .upstream
            .count(estimate::Bytes { prompt, answer }, reported);
        Account {
            tokens: Some(counted.tokens),
            estimated: counted.basis == estimate::Basis::Estimated,
            cost: self.price.map(|price| price.of(counted.tokens)),
            wait: None,
        }
    }
}

/// The last counts in `tail`, in the words of OpenAI, Anthropic or Google.
fn counts(tail: &Tail) -> Option<Tokens> {
    let known = tail.values("usage").find_map(usage::read);
    known.or_else(|| {
        let mut googles = tail.values("usageMetadata");
        googles.find_map(|value| gemini::tokens_in(value.get()))
    })
}
