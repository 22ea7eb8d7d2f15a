//! A stream of server-sent events that keeps to the times of its answer.
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

use super::answer::{self, Text};
use super::body;
use super::laws::{End, Flight};
use super::question::Form;
use crate::law::{Answer, Ending};
use crate::live::Clock;
use crate::model::Time;

/// A frame is full above this: large enough to make writes cheap, small enough for back-pressure to be felt.
const FRAME: usize = 16 * 1024;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Role,
    Token(u64),
    Finish,
    Counts,
    Done,
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
    text: Text,
    /// What every chunk begins with.
    head: Bytes,
    /// The field `usage` of all chunks but the one that counts, or nothing.
    usage: &'static str,
    step: Step,
    sleep: Option<Pin<Box<Sleep>>>,
    out: BytesMut,
    flight: Option<Flight>,
}

impl Stream {
    /// The stream of a request that arrived at `arrival` by `clock`.
    pub(super) fn new(
        answer: Answer,
        text: Text,
        form: Form,
        flight: Flight,
        (clock, arrival): (Clock, Time),
    ) -> Self {
        Self {
            clock,
            arrival,
            answer,
            head: text.chunk_head(),
            text,
            usage: match form {
                Form::Unary | Form::Stream => "",
                Form::StreamWithUsage => ",\"usage\":null",
            },
            step: Step::Role,
            sleep: None,
            out: BytesMut::new(),
            flight: Some(flight),
        }
    }

    /// When the next event is due, from the arrival on.
    fn due(&self) -> Duration {
        match self.step {
            Step::Role => self.answer.wait,
            Step::Token(index) => self.answer.token_at(index),
            Step::Finish | Step::Counts | Step::Done => self.answer.total,
            Step::ErrorEvent | Step::Stall | Step::Flush | Step::Cut | Step::Over => {
                self.answer.token_at(self.sent())
            }
        }
    }

    /// Tokens that come before the ending.
    fn sent(&self) -> u64 {
        match self.answer.ending {
            Ending::Complete => self.text.tokens(),
            Ending::Stall { tokens } | Ending::Cut { tokens } | Ending::ErrorEvent { tokens } => {
                tokens
            }
        }
    }

    /// What comes after `tokens` tokens.
    fn after(&self, tokens: u64) -> Step {
        if tokens < self.sent() {
            return Step::Token(tokens);
        }
        match self.answer.ending {
            Ending::Complete => Step::Finish,
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
                Step::Role
                | Step::Token(_)
                | Step::Finish
                | Step::Counts
                | Step::Done
                | Step::ErrorEvent
                | Step::Over => self.write(),
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
            Step::Role => {
                // An error before the first token comes in place of everything else.
                let next = self.after(0);
                if next != Step::ErrorEvent {
                    self.out.extend_from_slice(&self.head);
                    Text::role(&mut self.out, self.usage);
                }
                next
            }
            Step::Token(index) => {
                self.out.extend_from_slice(&self.head);
                self.text.content(&mut self.out, index, self.usage);
                self.after(index + 1)
            }
            Step::Finish => {
                self.out.extend_from_slice(&self.head);
                self.text.finish(&mut self.out, self.usage);
                if self.usage.is_empty() {
                    Step::Done
                } else {
                    Step::Counts
                }
            }
            Step::Counts => {
                self.out.extend_from_slice(&self.head);
                self.text.counts(&mut self.out);
                Step::Done
            }
            Step::Done => {
                self.out.extend_from_slice(answer::DONE);
                self.end(End::Answered);
                Step::Over
            }
            Step::ErrorEvent => {
                self.out.extend_from_slice(answer::ERROR_EVENT);
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
