//! The beginning of a stream, held back until its first content.
//!
//! A header and a role are no answer: targets that hang after them, report an error in the first event or send nothing at
//! all are common, and until the first content has gone out another target can still serve. So the header waits here with
//! the few events before it. The price is nothing that a client can see: it would have had nothing to show.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;

use super::failed::{Failed, Read, read_up_to, reported_in};
use super::flow::Flow;
use super::link::Answer;
use crate::model::{Class, Outcome};
use crate::provider::fault::{of_document, of_stream};
use crate::provider::headers::returned;
use crate::wire::sse::{Item, Splitter};
use crate::wire::{Reported, Seen};

/// What a stream of events calls itself.
const TEXT: &str = "text/event-stream";
/// What Amazon's streams call themselves.
const BINARY: &str = "application/vnd.amazon.eventstream";
/// Most bytes that are held back. A stream that says this much before its first content is let through.
const MOST_HELD: usize = 64 * 1024;

/// A stream that has begun.
#[derive(Debug)]
pub(super) struct Opened {
    /// What has been read.
    pub(super) held: VecDeque<Bytes>,
    /// The rest; `None` if that was all.
    pub(super) rest: Option<Answer>,
    /// What it says.
    pub(super) flow: Flow,
}

/// Whether the answer is a stream of events; one that does not say what it is gets the benefit of the doubt.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return true;
    };
    [TEXT, BINARY].iter().any(|known| is_kind(kind, known))
}

/// What a stream that passes unread is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// Events of text.
    Events,
    /// Something else: Amazon's frames, or the list that Google sends unless it is asked for events.
    Other,
    /// It does not say.
    Unsaid,
}

/// What a stream with these headers is made of.
pub(super) fn frame(headers: &HeaderMap) -> Frame {
    match headers.get(CONTENT_TYPE) {
        None => Frame::Unsaid,
        Some(kind) if is_kind(kind, TEXT) => Frame::Events,
        Some(_) => Frame::Other,
    }
}

fn is_kind(kind: &HeaderValue, known: &str) -> bool {
    let essence = kind.as_bytes().split(|byte| *byte == b';').next();
    essence.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(known.as_bytes()))
}

/// Reads until the first content.
///
/// # Errors
/// It reported an error, broke off or ended before that.
pub(super) async fn open(mut body: Answer, mut flow: Flow, now: u64) -> Result<Opened, Failed> {
    let (mut held, mut size) = (VecDeque::new(), 0);
    let mut said_there = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame?.into_data() else {
            continue;
        };
        size += chunk.len();
        said_there.extend_from_slice(&chunk);
        let said = flow.push(&chunk);
        let seen = flow.seen();
        if seen.error.is_some() && !seen.first_content {
            return Err(broken(seen, &said_there, now));
        }
        let begun = seen.first_content || (seen.done && seen.finished);
        hold(&mut held, said);
        if begun || size > MOST_HELD {
            let rest = Some(body);
            return Ok(Opened { held, rest, flow });
        }
    }
    // An answer may be empty and complete, as after a reason to stop; then it is an answer.
    hold(&mut held, flow.finish());
    match flow.seen().outcome() {
        Some(Outcome::Ok) => Ok(Opened {
            held,
            rest: None,
            flow,
        }),
        Some(_) | None => Err(broken(flow.seen(), &said_there, now)),
    }
}

fn hold(held: &mut VecDeque<Bytes>, said: Bytes) {
    if !said.is_empty() {
        held.push_back(said);
    }
}

/// The failure of a stream that `said` this and no content.
fn broken(seen: &Seen, said: &[u8], now: u64) -> Failed {
    let told = seen.error.is_some().then(|| error_event(said)).flatten();
    let fault = told.map_or_else(|| of_stream(seen), |data| of_document(&data, now));
    let detail = match &seen.error {
        // The client's own mistake is told in the provider's words, as it is where an answer passes.
        Some(error) if fault.outcome.class() == Class::ClientFault => error.message.clone(),
        Some(_) => "its stream began with an error".to_owned(),
        None => "its stream ended before any content".to_owned(),
    };
    Failed {
        wait: fault.wait,
        ..Failed::new(fault.outcome, detail)
    }
}

/// The data of the first event that reports an error; `None` where it is framed otherwise.
fn error_event(said: &[u8]) -> Option<Vec<u8>> {
    let (mut splitter, mut found) = (Splitter::up_to(MOST_HELD), None);
    let mut look = |item: Item<'_>| {
        if let Item::Event { data, .. } = item
            && found.is_none()
            && Reported::read(data).is_some()
        {
            found = Some(data.to_vec());
        }
    };
    splitter.push(said, &mut look);
    splitter.finish(&mut look);
    found
}

/// The failure of a target that answered a request for a stream with something else.
pub(super) async fn not_a_stream(headers: &HeaderMap, body: Answer, now: u64) -> Failed {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind: String = kind
        .unwrap_or("something unreadable")
        .chars()
        .take(60)
        .collect();
    let odd = || {
        Failed::new(
            Outcome::Malformed,
            format!("expected text/event-stream, found {kind}"),
        )
    };
    match read_up_to(body, MOST_HELD).await {
        Ok(Read::Whole(bytes)) => reported_in(returned(headers), bytes, now).unwrap_or_else(odd),
        Ok(Read::Longer(..)) | Err(_) => odd(),
    }
}
