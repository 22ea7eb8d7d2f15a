//! The body of an answer, and of a stream everything that can happen to it after its header went out.
//!
//! A stream passes chunk by chunk: the next chunk is read from the provider when the client has taken the last one, so a
//! slow client slows the provider down and nothing piles up here. The body owns the attempt. However it ends (the last
//! byte, a cut, a deadline, a client that leaves, the process shutting down), the attempt ends with it, once; and a dropped
//! body closes the provider's connection, so that nobody generates for nobody.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::ahead;
use super::bill::Bill;
use super::cut::Cut;
use super::flow::Flow;
use super::link::Answer;
use super::pace::{Fired, Timers};
use super::record::Ending;
use super::upstream::Unanswered;
use crate::live::{Account, Attempt};
use crate::model::Outcome;
use crate::wire::{Code, ErrorBody, Tail};

/// Most of an answer that is handed on in one piece. Halved, large answers take more writes; doubled, as much more is held of
/// each that nobody takes.
const PIECE: usize = 64 * 1024;

/// The body of every answer.
#[derive(Debug)]
pub struct Body(Inner);

#[derive(Debug)]
enum Inner {
    /// Known in full.
    Whole(Option<Bytes>),
    /// Passing.
    Passing(Box<Passing>),
}

/// The provider's answer broke off where it cannot be said within it.
#[derive(Debug, thiserror::Error)]
#[error("the provider's answer broke off: {0}")]
pub struct BrokenOff(String);

/// What passes, with everything that ends with it.
#[derive(Debug)]
pub(super) struct Passing {
    /// Chunks that have been read already.
    pub(super) held: VecDeque<Bytes>,
    /// The rest; `None` when the provider has sent everything.
    pub(super) source: Option<Answer>,
    /// The way of a stream; `None` for a document too large to check.
    pub(super) flow: Option<Flow>,
    /// Its end, where the counts stand of what is not read event by event.
    pub(super) tail: Option<Tail>,
    /// Ends with the body.
    pub(super) attempt: Option<Attempt>,
    /// Ends with the body.
    pub(super) ending: Option<Ending>,
    /// The status that went out.
    pub(super) status: u16,
    /// What turns its size into money.
    pub(super) bill: Bill,
    /// The target's name, for messages.
    pub(super) provider: String,
    /// Deadlines.
    pub(super) timers: Timers,
    /// Fires when the process stops waiting for open streams.
    pub(super) cut: Cut,
    /// What breaks the connection in the next turn.
    pub(super) broken: Option<BrokenOff>,
}

impl Body {
    /// A body that is known in full.
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self(Inner::Whole((!bytes.is_empty()).then_some(bytes)))
    }

    /// A body that passes.
    pub(super) fn passing(mut passing: Box<Passing>) -> Self {
        if passing.is_done() {
            passing.note_done();
        }
        Self(Inner::Passing(passing))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let polled = match &mut self.get_mut().0 {
            Inner::Whole(bytes) => {
                Poll::Ready(next_piece(bytes).map(|bytes| Ok(Frame::data(bytes))))
            }
            // The client is behind; its connection asks again when it has taken something.
            Inner::Passing(_) if ahead::is_too_far() => return Poll::Pending,
            Inner::Passing(passing) => passing.poll_chunk(cx).map(|chunk| {
                let chunk = chunk?;
                Some(chunk.inspect(ahead::handed).map(Frame::data))
            }),
        };
        super::streams::asked(&polled);
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Whole(bytes) => bytes.is_none(),
            Inner::Passing(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            Inner::Passing(_) => SizeHint::default(),
        }
    }
}

/// What goes next of an answer that is known in full. HTTP/2 keeps a piece whole until its client has taken it, so that of a
/// large answer only this much is out of our hands.
fn next_piece(bytes: &mut Option<Bytes>) -> Option<Bytes> {
    match bytes {
        Some(rest) if rest.len() > PIECE => Some(rest.split_to(PIECE)),
        other => other.take(),
    }
}

impl Passing {
    /// The next chunk. What breaks the connection waits for a turn of its own: what was handed on before it in this one
    /// has not been written yet, and would go down with the connection.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        if let Some(broken) = self.broken.take() {
            return Poll::Ready(Some(Err(broken)));
        }
        let polled = self.poll_next(cx);
        if let Poll::Ready(Some(Err(broken))) = polled {
            self.broken = Some(broken);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        polled
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        self.timers.resume();
        loop {
            if let Some(chunk) = self.held.pop_front() {
                self.timers.came(false);
                return Poll::Ready(Some(Ok(chunk)));
            }
            let Some(source) = &mut self.source else {
                self.complete();
                return Poll::Ready(None);
            };
            match Pin::new(source).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers stay here: nothing of the provider's framing goes on.
                    let Ok(chunk) = frame.into_data() else {
                        continue;
                    };
                    let said = self.observe(chunk);
                    if !said.is_empty() {
                        return Poll::Ready(Some(Ok(said)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    let detail = super::upstream::innermost(&error);
                    if let Some(broken) = self.broke_off(Outcome::CutStream, &detail) {
                        return Poll::Ready(Some(Err(broken)));
                    }
                }
                Poll::Ready(None) => {
                    self.source = None;
                    if let Some(broken) = self.ended() {
                        return Poll::Ready(Some(Err(broken)));
                    }
                }
                Poll::Pending => {
                    if let Some(broken) = std::task::ready!(self.poll_limits(cx)) {
                        return Poll::Ready(Some(Err(broken)));
                    }
                }
            }
        }
    }

    /// Waits for a deadline or the end of the process; ready when the body has been brought to an end.
    fn poll_limits(&mut self, cx: &mut Context<'_>) -> Poll<Option<BrokenOff>> {
        if self.cut.poll(cx).is_ready() {
            // Whoever cuts is us: the target is not to blame.
            return Poll::Ready(self.broke_off(Outcome::Cancelled, "the proxy is shutting down"));
        }
        loop {
            match std::task::ready!(self.timers.poll(cx)) {
                Fired::Gap => {
                    if let Some(attempt) = &mut self.attempt {
                        attempt.gap();
                    }
                }
                Fired::Deadline(_) if self.is_done() => {
                    self.source = None;
                    return Poll::Ready(None);
                }
                Fired::Deadline(phase) => {
                    let late = Unanswered::timeout(phase);
                    return Poll::Ready(self.broke_off(late.outcome, &late.detail));
                }
            }
        }
    }

    /// Looks at what came; gives what goes to the client.
    fn observe(&mut self, chunk: Bytes) -> Bytes {
        if let Some(tail) = &mut self.tail {
            tail.push(&chunk);
        }
        let Some(flow) = &mut self.flow else {
            self.timers.came(true);
            return chunk;
        };
        let before = flow.seen().content_events;
        let said = flow.push(&chunk);
        let seen = flow.seen();
        let (content, done) = (seen.content_events > before, seen.done);
        self.timers.came(content || done);
        if content {
            self.note_first_content();
        }
        if done {
            self.note_done();
        }
        said
    }

    /// The answer is complete; what is left is the end of the connection.
    fn note_done(&mut self) {
        self.timers.answer_is_done();
        self.finish_attempt(None);
    }

    /// The first content passed; only the first call counts.
    fn note_first_content(&mut self) {
        if let Some(attempt) = &mut self.attempt {
            attempt.first_content();
        }
        if let Some(ending) = &mut self.ending {
            ending.first_content();
        }
    }

    /// Whether content has come.
    pub(super) fn has_content(&self) -> bool {
        self.flow
            .as_ref()
            .is_some_and(|flow| flow.seen().first_content)
    }

    fn is_done(&self) -> bool {
        self.flow.as_ref().is_some_and(|flow| flow.seen().done)
    }

    /// The provider has sent everything it will: was that the whole answer?
    fn ended(&mut self) -> Option<BrokenOff> {
        let outcome = match &mut self.flow {
            None => Some(Outcome::Ok),
            Some(flow) => {
                let rest = flow.finish();
                if !rest.is_empty() {
                    self.held.push_back(rest);
                }
                flow.seen().outcome()
            }
        };
        match outcome {
            Some(Outcome::Ok) => None,
            Some(outcome) => self.broke_off(outcome, "it ended before its end"),
            None => self.broke_off(Outcome::CutStream, "it reported an error"),
        }
    }

    /// Ends a body that is not complete: a stream of text with an error event, anything else by breaking the connection.
    fn broke_off(&mut self, outcome: Outcome, detail: &str) -> Option<BrokenOff> {
        self.source = None;
        if self.is_done() {
            return None;
        }
        self.finish_attempt(Some(outcome));
        let Some(flow) = &mut self.flow else {
            self.end_request(outcome, Code::UpstreamError);
            return Some(BrokenOff(detail.to_owned()));
        };
        let code = match outcome {
            Outcome::Timeout(_) => Code::UpstreamTimeout,
            _ => Code::UpstreamError,
        };
        // An error of the provider's own has passed to the client already.
        let mut broken = None;
        if flow.seen().error.is_none() {
            let message = format!(
                "the stream of provider {:?} broke off: {detail}",
                self.provider
            );
            match flow.error(&ErrorBody::new(code, message)) {
                Some(event) => self.held.push_back(event),
                None => broken = Some(BrokenOff(detail.to_owned())),
            }
        }
        self.end_request(outcome, code);
        broken
    }

    fn end_request(&mut self, outcome: Outcome, code: Code) {
        if let Some(mut ending) = self.ending.take() {
            ending.end.outcome = outcome;
            ending.end.code = Some(code.label());
            ending.finish(self.status);
        }
    }

    /// Everything has passed.
    fn complete(&mut self) {
        self.finish_attempt(None);
        if let Some(mut ending) = self.ending.take() {
            ending.end.outcome = Outcome::Ok;
            ending.finish(self.status);
        }
    }

    /// Ends the attempt, as complete unless `broken` says how it was not.
    fn finish_attempt(&mut self, broken: Option<Outcome>) {
        if let Some(attempt) = self.attempt.take() {
            let account = match &self.flow {
                Some(flow) => self.bill.of_stream(flow.seen(), self.tail.as_ref()),
                None if broken.is_some() => Account::default(),
                None => self.bill.of_end(self.tail.as_ref()),
            };
            let end = attempt.finish(broken.unwrap_or(Outcome::Ok), account);
            if let Some(ending) = &mut self.ending {
                ending.called(&end);
            }
        }
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        // Tokens that were delivered are booked although the client left.
        self.finish_attempt(Some(Outcome::Cancelled));
        if self.is_done() {
            self.complete();
        }
    }
}
