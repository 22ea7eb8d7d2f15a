//! A stream: held back until its first content, then handed over with the attempt.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};

use super::super::body::Passing;
use super::super::exchange::Outgoing;
use super::super::failed::Failed;
use super::super::flow::Flow;
use super::super::link::Answer;
use super::super::opening::{self, Frame};
use super::super::pace::Timers;
use super::super::record::Ending;
use super::super::reply::Reply;
use super::super::told::tell_dropped;
use super::super::upstream::Due;
use super::{REFUSED, Running};
use crate::model::{Outcome, Phase};
use crate::provider::headers::returned;
use crate::wire::Tail;

impl Running<'_, '_> {
    /// A stream: held back until its first content.
    pub(super) async fn streamed(
        mut self,
        response: Response<Answer>,
        outgoing: &Outgoing,
        ending: &mut Ending,
    ) -> Result<Reply, Failed> {
        let (parts, body) = response.into_parts();
        let mut headers = returned(&parts.headers);
        let clock = self.call.proxy.clock;
        let first = self.started.after(self.deadlines.first_token);
        let due = Due::new(first, Phase::FirstToken).or(self.due);
        let is_unread = self.call.question.through.is_some();
        let frame = opening::frame(&parts.headers);
        let flow = match self.flow(outgoing) {
            Ok(flow) if is_unread => match frame {
                Frame::Events => flow.in_events(),
                Frame::Other => flow.in_frames(),
                Frame::Unsaid => flow,
            },
            Ok(flow) => flow,
            Err(failed) => return Err(self.failed(failed)),
        };
        let opened = if is_unread || opening::is_event_stream(&parts.headers) {
            let opening = pin!(opening::open(body, flow, clock.unix_seconds()));
            ending.waiting(pin!(due.bound(clock, opening))).await
        } else {
            let other = opening::not_a_stream(&parts.headers, body, clock.unix_seconds());
            let other = Box::pin(other);
            ending.waiting(due.bound(clock, other)).await.map(Err)
        };
        match opened {
            Err(late) => Err(self.failed(late.into())),
            Ok(Err(mut failed)) => {
                if outgoing.translated {
                    failed.retell();
                }
                Err(self.failed(failed))
            }
            Ok(Ok(opened)) if opened.flow.is_refused() && self.call.moves_refused => {
                Err(self.failed(Failed::new(Outcome::ContentFiltered, REFUSED)))
            }
            Ok(Ok(opened)) => {
                if opened.flow.seen().first_content {
                    self.attempt.first_content();
                }
                if outgoing.translated {
                    headers.insert(
                        header::CONTENT_TYPE,
                        HeaderValue::from_static("text/event-stream; charset=utf-8"),
                    );
                }
                tell_dropped(&mut headers, &outgoing.dropped);
                Ok(self.passing(headers, opened.held, opened.rest, Some(opened.flow)))
            }
        }
    }

    /// The way of a stream from the target to the client.
    fn flow(&self, outgoing: &Outgoing) -> Result<Flow, Failed> {
        let (question, proxy) = (self.call.question, self.call.proxy);
        if !outgoing.translated {
            let (front, watched) = (question.front, question.watched());
            let provider = Arc::clone(&self.member.provider);
            let flow = Flow::native(front, watched, outgoing.asked_usage, provider);
            return Ok(flow.sealing(self.seal()));
        }
        let Some(Ok(ask)) = question.neutral() else {
            return Err(Failed::new(Outcome::Refused, "the request cannot be read"));
        };
        let (seed, now) = (proxy.chance.long_number(), proxy.clock.unix_seconds());
        let target = &self.member.target;
        let stream = ask.stream(target, seed, now);
        let (reader, writer) =
            stream.ok_or_else(|| Failed::new(Outcome::Refused, "its answers do not stream"))?;
        Ok(Flow::translated(reader, writer).sealing(self.seal()))
    }

    /// Hands the attempt over to the body.
    pub(super) fn passing(
        self,
        headers: HeaderMap,
        held: VecDeque<Bytes>,
        source: Option<Answer>,
        flow: Option<Flow>,
    ) -> Reply {
        let (call, bill) = (self.call, self.bill());
        let between = match flow {
            Some(_) => self.deadlines.between_tokens,
            // A document has no tokens to wait for: its attempt's time is what counts.
            None => self.deadlines.attempt,
        };
        let tail = match &flow {
            Some(flow) if flow.is_text() => None,
            Some(_) | None => {
                let mut tail = Tail::default();
                for chunk in &held {
                    tail.push(chunk);
                }
                Some(tail)
            }
        };
        let passing = Passing {
            held,
            tail,
            source,
            flow,
            attempt: Some(self.attempt),
            ending: None,
            status: StatusCode::OK.as_u16(),
            bill,
            provider: self.member.config.name.provider().to_string(),
            timers: Timers::start(call.proxy.clock, between, self.due),
            cut: call.proxy.shears.handle(),
            broken: None,
        };
        Reply::Passing {
            headers,
            passing: Box::new(passing),
        }
    }
}
