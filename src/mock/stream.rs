//! A stream of events that keeps to the times of its answer.
//!
//! No task and no channel: the body is asked for more by hyper, so back-pressure is hyper's and a client that leaves
//! drops it. Each event has its due time; whatever is due when the body is polled goes out in one frame, so that tokens
//! that come faster than the timer's millisecond share a write, each still an event of its own.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use tokio::time::Sleep;

use super::body;
use super::dialects::Told;
use super::laws::{End, Flight};
use crate::law::{Answer, Ending};
use crate::live::Clock;
use crate::model::Time;

/// A frame is full above this: large enough to make writes cheap, small enough for back-pressure to be felt.
const FRAME: usize = 16 * 1024;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Begin,
    Piece(u64),
    End,
    ErrorEvent,
    Stall,
    /// Pending once, so that hyper flushes what came before.
    Flush,
    Cut,
    Over,
}

/// The events of one answer.
#[derive(Debug)]
pub(super) struct Stream {
    clock: Clock,
    arrival: Time,
    answer: Answer,
    told: Told,
    /// Pieces that come before the ending.
    sent: u64,
    step: Step,
    sleep: Option<Pin<Box<Sleep>>>,
    out: BytesMut,
    flight: Option<Flight>,
}

impl Stream {
    /// The stream of a request that arrived at `arrival` by `clock`.
    pub(super) fn new(
        answer: Answer,
        told: Told,
        flight: Flight,
        (clock, arrival): (Clock, Time),
    ) -> Self {
        let pieces = told.script.pieces();
        let sent = match answer.ending {
            Ending::Complete => pieces,
            Ending::Stall { tokens } | Ending::Cut { tokens } | Ending::ErrorEvent { tokens } => {
                part(tokens, pieces, answer.tokens_out).min(pieces)
            }
        };
        Self {
            clock,
            arrival,
            answer,
            told,
            sent,
            step: Step::Begin,
            sleep: None,
            out: BytesMut::new(),
            flight: Some(flight),
        }
    }

    /// When the next event is due, from the arrival on.
    fn due(&self) -> Duration {
        match self.step {
            Step::Begin => self.answer.wait,
            Step::Piece(index) => self.piece_at(index),
            Step::End => self.answer.total,
            Step::ErrorEvent | Step::Stall | Step::Flush | Step::Cut | Step::Over => {
                self.piece_at(self.sent)
            }
        }
    }

    /// When piece `index` comes: with the token that stands at its place, as there may be more or fewer pieces.
    fn piece_at(&self, index: u64) -> Duration {
        let (pieces, tokens) = (self.told.script.pieces(), self.answer.tokens_out);
        let token = if pieces == tokens {
            index
        } else {
            u64::try_from(u128::from(index) * u128::from(tokens) / u128::from(pieces.max(1)))
                .unwrap_or(u64::MAX)
        };
        self.answer.token_at(token)
    }

    /// What comes after `pieces` pieces.
    fn after(&self, pieces: u64) -> Step {
        if pieces < self.sent {
            return Step::Piece(pieces);
        }
        match self.answer.ending {
            Ending::Complete => Step::End,
            Ending::Stall { .. } => Step::Stall,
            Ending::Cut { .. } => Step::Flush,
            Ending::ErrorEvent { .. } => Step::ErrorEvent,
        }
    }

    /// The next frame, when it is due.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        while self.out.len() < FRAME && self.step != Step::Over {
            if !self.is_due() {
                if !self.out.is_empty() {
                    break;
                }
                ready!(self.poll_sleep(cx));
                continue;
            }
            match self.step {
                Step::Stall | Step::Flush | Step::Cut if !self.out.is_empty() => break,
                Step::Stall => return Poll::Pending,
                Step::Flush => {
                    self.step = Step::Cut;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Cut => {
                    self.end(End::Cut);
                    return Poll::Ready(Some(Err(body::cut())));
                }
                Step::Begin | Step::Piece(_) | Step::End | Step::ErrorEvent | Step::Over => {
                    self.write();
                }
            }
        }
        Poll::Ready((!self.out.is_empty()).then(|| Ok(Frame::data(self.out.split().freeze()))))
    }

    fn is_due(&self) -> bool {
        let due = self.due();
        due.is_zero() || self.arrival.after(due) <= self.clock.now()
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = self.clock.instant_of(self.arrival.after(self.due()));
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(cx)
    }

    /// Writes the event that is due and moves on.
    fn write(&mut self) {
        self.step = match self.step {
            Step::Begin => {
                // An error before the first piece comes in place of everything else.
                let next = self.after(0);
                if next != Step::ErrorEvent {
                    self.told.begin(&mut self.out);
                }
                next
            }
            Step::Piece(index) => {
                self.told.piece(&mut self.out, index);
                self.after(index + 1)
            }
            Step::End => {
                self.told.end(&mut self.out);
                self.end(End::Answered);
                Step::Over
            }
            Step::ErrorEvent => {
                self.told.error(&mut self.out);
                self.end(End::Wrong);
                Step::Over
            }
            step @ (Step::Stall | Step::Flush | Step::Cut | Step::Over) => step,
        };
    }

    fn end(&mut self, end: End) {
        if let Some(flight) = self.flight.take() {
            flight.end(end);
        }
    }
}

/// As many of `pieces` as `tokens` are of `all`, rounded up.
fn part(tokens: u64, pieces: u64, all: u64) -> u64 {
    let part = (u128::from(tokens) * u128::from(pieces)).div_ceil(u128::from(all.max(1)));
    u64::try_from(part).unwrap_or(u64::MAX)
}
