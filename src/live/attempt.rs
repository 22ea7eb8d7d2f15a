//! One call to one upstream, from the moment it is sent to its end.
//!
//! Problem: an answer ends when its last byte has passed, which is long after the function that began it returned, and a
//! client may leave at any point. So an attempt is a value that travels with the body; whatever happens to it, it is
//! counted exactly once: finished by its holder, or as cancelled when it is dropped.

use std::sync::Arc;
use std::time::Duration;

use super::clock::Clock;
use super::journal::Journal;
use super::upstream::Upstream;
use crate::balance::{FlightKey, Headroom, Room};
use crate::journal::{Chosen, DrawLine};
use crate::model::{AnswerKind, Event, Finished, Operation, Outcome, Phase, PicoUsd, Time, Tokens};
use crate::provider::headroom;

/// Told when an attempt has ended.
pub trait Witness: Send + Sync + std::fmt::Debug {
    /// `upstream` was called for `route` (a route's name, `inline` or `direct`), and this is how it ended.
    fn attempt_ended(&self, route: &str, upstream: &Upstream, asked: Asked, end: &Finished);
}

/// What an upstream was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What to do.
    pub operation: Operation,
    /// Whether the answer comes in pieces.
    pub kind: AnswerKind,
}

/// A call in flight.
///
/// # Invariants
/// Exactly one [`Event::Finished`] reaches the meter for each attempt; dropped unfinished, it was cancelled.
#[derive(Debug)]
pub struct Attempt {
    upstream: Arc<Upstream>,
    witness: Arc<dyn Witness>,
    route: Arc<str>,
    clock: Clock,
    started: Time,
    asked: Asked,
    flight: FlightKey,
    first_content: Option<Duration>,
    /// Whether the client allows it less time than the operator.
    is_hasty: bool,
    /// What the journal is told when it ends.
    note: Option<Box<Note>>,
    finished: bool,
}

/// Why an attempt is made, and the journal that hears of its end.
#[derive(Debug)]
pub struct Note {
    /// Who hears of it.
    pub journal: Arc<Journal>,
    /// Why this target.
    pub chosen: Chosen,
}

/// What an attempt's end is made of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Account {
    /// Tokens of the answer, if known.
    pub tokens: Option<Tokens>,
    /// Whether they were worked out from sizes.
    pub estimated: bool,
    /// Its cost, if known.
    pub cost: Option<PicoUsd>,
    /// How long the target asks to be left alone.
    pub wait: Option<Duration>,
}

impl Attempt {
    /// Begins: the request is about to be sent.
    pub fn begin(
        upstream: Arc<Upstream>,
        route: Arc<str>,
        witness: Arc<dyn Witness>,
        clock: Clock,
        kind: AnswerKind,
        probe: bool,
    ) -> Self {
        let started = clock.now();
        let flight = upstream.begin(started, kind, probe);
        Self {
            upstream,
            witness,
            route,
            clock,
            started,
            asked: Asked {
                operation: Operation::Chat,
                kind,
            },
            flight,
            first_content: None,
            is_hasty: false,
            note: None,
            finished: false,
        }
    }

    /// When it was sent.
    pub fn started(&self) -> Time {
        self.started
    }

    /// The upstream that serves it.
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Time to the first content, once it came.
    pub fn first_content_after(&self) -> Option<Duration> {
        self.first_content
    }

    /// The first content of a stream arrived now. Only the first call counts.
    pub fn first_content(&mut self) {
        if self.first_content.is_none() {
            let now = self.clock.now();
            let after = now.since(self.started);
            self.first_content = Some(after);
            self.upstream
                .record(now, self.flight, &Event::FirstContent(after));
        }
    }

    /// The answer's headers say that this is left of the provider's limits.
    pub fn headroom(&self, said: headroom::Headroom) {
        let (requests, tokens) = (said.requests.and_then(room), said.tokens.and_then(room));
        if requests.is_some() || tokens.is_some() {
            self.upstream.note_headroom(Headroom {
                at: self.clock.now(),
                requests,
                tokens,
            });
        }
    }

    /// It asks for this, and not for chat.
    pub fn asking(mut self, operation: Operation) -> Self {
        self.asked.operation = operation;
        self
    }

    /// The client allows it less time than the operator: that this runs out says as little about the upstream as a client
    /// that hangs up.
    pub fn hasty(mut self) -> Self {
        self.is_hasty = true;
        self
    }

    /// The journal is to hear of its end.
    pub fn noted(mut self, note: Option<Note>) -> Self {
        self.note = note.map(Box::new);
        self
    }

    /// The stream has been silent for too long.
    pub fn gap(&mut self) {
        self.upstream
            .record(self.clock.now(), self.flight, &Event::Gap);
    }

    /// Ends it.
    pub fn finish(mut self, outcome: Outcome, account: Account) -> Finished {
        self.end(outcome, account)
    }

    fn end(&mut self, outcome: Outcome, account: Account) -> Finished {
        let now = self.clock.now();
        let outcome = match outcome {
            Outcome::Timeout(Phase::Attempt) if self.is_hasty => Outcome::Cancelled,
            other => other,
        };
        let end = Finished {
            outcome,
            total: now.since(self.started),
            first_content: self.first_content,
            tokens: account.tokens,
            estimated: account.estimated,
            cost: account.cost,
            wait: account.wait,
        };
        if !self.finished {
            self.finished = true;
            self.upstream
                .record(now, self.flight, &Event::Finished(end));
            self.witness
                .attempt_ended(&self.route, &self.upstream, self.asked, &end);
            if let Some(note) = self.note.take() {
                let (route, upstream) = (Arc::clone(&self.route), self.upstream.name().clone());
                let chosen = note.chosen;
                let kind = self.asked.kind;
                let line = DrawLine::new(self.started, route, upstream, chosen, kind, &end);
                note.journal.drawn(line);
            }
        }
        end
    }
}

/// What is left, in the controller's terms.
fn room(said: headroom::Room) -> Option<Room> {
    Some(Room {
        remaining: said.remaining? as f64,
        limit: said.limit.map(|limit| limit as f64),
        resets_in: said.resets_in.map(|span| span.as_secs_f64()),
    })
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.finished {
            self.end(Outcome::Cancelled, Account::default());
        }
    }
}
