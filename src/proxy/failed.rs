//! Attempts that failed, and reading what a target sent as far as it makes sense.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;

use super::link::Answer;
use super::upstream::{Unanswered, innermost, io_cause};
use crate::model::{Class, Outcome};
use crate::provider::fault::{Fault, of_document};
use crate::provider::manner::Manner;
use crate::wire::Reported;
use crate::wire::answer::NotAnswer;

/// An attempt that failed before anything reached the client.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    /// How it ended.
    pub(super) outcome: Outcome,
    /// The status that came, if one came.
    pub(super) status: Option<StatusCode>,
    /// How long the target asks to be left alone.
    pub(super) wait: Option<Duration>,
    /// For people: what happened.
    pub(super) detail: String,
    /// The provider's own words, where they may be for the client.
    pub(super) answer: Option<Box<(HeaderMap, Bytes)>>,
}

impl Failed {
    pub(super) fn new(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self {
            outcome,
            status: None,
            wait: None,
            detail: detail.into(),
            answer: None,
        }
    }

    /// An error that came where an answer should be.
    pub(super) fn reported(fault: Fault, headers: HeaderMap, body: Bytes) -> Self {
        Self {
            wait: fault.wait,
            answer: Some(Box::new((headers, body))),
            ..Self::new(fault.outcome, "it reported an error in place of an answer")
        }
    }
}

impl Failed {
    /// What happened, in our words: those of a provider may quote the request.
    pub(super) fn told(&self) -> String {
        match (self.outcome.class(), self.status) {
            (Class::ClientFault, Some(status)) => {
                format!("it answered {status} ({})", self.outcome.label())
            }
            (Class::ClientFault, None) => self.outcome.label().to_owned(),
            _ if self.outcome == Outcome::MoveRefused => {
                "it does not go on with a conversation of another's".to_owned()
            }
            _ => self.detail.clone(),
        }
    }

    /// Takes the credentials of the provider that is called in this `manner` out of what it said: some quote them.
    pub(super) fn hush(&mut self, manner: &Manner) {
        if let Some(answer) = &mut self.answer {
            answer.1 = manner.discreet(std::mem::take(&mut answer.1));
        }
        let detail = manner.discreet(Bytes::from(std::mem::take(&mut self.detail)));
        self.detail = String::from_utf8_lossy(&detail).into_owned();
    }

    /// For a client that speaks another dialect than the target: what the target says of the client's own mistake becomes
    /// the detail, which is told in the client's dialect.
    pub(super) fn retell(&mut self) {
        let Some(answer) = self.answer.take() else {
            return;
        };
        let body = answer.1;
        if self.outcome.class() == Class::ClientFault
            && let Some(reported) = Reported::read(&body)
        {
            self.detail = reported.message;
        }
    }
}

impl From<Unanswered> for Failed {
    fn from(unanswered: Unanswered) -> Self {
        Self::new(unanswered.outcome, unanswered.detail)
    }
}

impl From<hyper::Error> for Failed {
    /// A body that broke off: by its framing, or with its connection.
    fn from(error: hyper::Error) -> Self {
        use std::io::ErrorKind::{InvalidData, InvalidInput};
        let io = io_cause(&error).map(std::io::Error::kind);
        let framing = error.is_parse() || matches!(io, Some(InvalidData | InvalidInput));
        let outcome = if framing {
            Outcome::Malformed
        } else {
            Outcome::Transport
        };
        Self::new(
            outcome,
            format!("the answer broke off: {}", innermost(&error)),
        )
    }
}

/// The failure of a target whose document is no answer; `now` in seconds since 1970.
pub(super) fn not_an_answer(
    reason: &NotAnswer,
    headers: HeaderMap,
    body: Bytes,
    now: u64,
) -> Failed {
    match reason {
        // Read anew: what is kept of a report lacks Google's details, which say for how long and why.
        NotAnswer::Reported(_) => Failed::reported(of_document(&body, now), headers, body),
        NotAnswer::Empty
        | NotAnswer::Html
        | NotAnswer::NotJson(_)
        | NotAnswer::NoChoices
        | NotAnswer::OtherKind(_) => Failed::new(Outcome::Malformed, reason.to_string()),
    }
}

/// A body, as far as it was read.
pub(super) enum Read {
    /// All of it.
    Whole(Bytes),
    /// More than was wanted: what was read, and the rest.
    Longer(VecDeque<Bytes>, Answer),
}

/// Reads `body` up to about `most` bytes.
pub(super) async fn read_up_to(mut body: Answer, most: usize) -> Result<Read, Failed> {
    let (mut held, mut size) = (VecDeque::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame?.into_data() else {
            continue;
        };
        size = size.saturating_add(chunk.len());
        held.push_back(chunk);
        if size > most {
            return Ok(Read::Longer(held, body));
        }
    }
    if held.len() == 1 {
        return Ok(Read::Whole(held.pop_front().unwrap_or_default()));
    }
    let mut whole = BytesMut::with_capacity(size);
    for chunk in &held {
        whole.extend_from_slice(chunk);
    }
    Ok(Read::Whole(whole.freeze()))
}

/// The error in a document that came where a stream should be, if it holds one.
pub(super) fn reported_in(headers: HeaderMap, body: Bytes, now: u64) -> Option<Failed> {
    Reported::read(&body)?;
    Some(Failed::reported(of_document(&body, now), headers, body))
}
