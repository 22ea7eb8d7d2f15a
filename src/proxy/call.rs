//! One attempt: the request to one target, and what its answer is worth.
//!
//! Nothing has reached the client while this runs, so every failure in here can be made good by another target. A unary
//! answer is read whole and checked before it counts; a stream is held back until its first content (see [`super::opening`]).
//! The attempt's record lives on this stack and ends with it, whatever ends it.

use std::collections::VecDeque;

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use super::Proxy;
use super::body::{Bill, Passing};
use super::failed::{Failed, Read, not_an_answer, read_up_to};
use super::pace::Timers;
use super::pool::Pool;
use super::record::Ending;
use super::reply::Reply;
use super::upstream::{Due, Limits};
use crate::config::Deadlines;
use crate::live::{Account, Attempt, Member, Served, Snapshot};
use crate::model::{AnswerKind, Outcome, Phase, TargetIndex, Time};
use crate::provider::fault::classify;
use crate::provider::headers::returned;
use crate::provider::openai;
use crate::wire::answer;
use crate::wire::{Envelope, StreamReader};

/// Most bytes of an error's body that are read; what is longer is told in our words.
const MAX_ERROR: usize = 256 * 1024;
/// How long an error's body may take: the status has said what matters.
const ERROR_TIME: std::time::Duration = std::time::Duration::from_secs(10);

/// What all attempts of a request share.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) proxy: &'a Proxy,
    pub(super) snapshot: &'a Snapshot,
    pub(super) envelope: &'a Envelope,
    /// The request's body as it came.
    pub(super) body: &'a Bytes,
    /// The request's headers as they came.
    pub(super) headers: &'a HeaderMap,
    pub(super) deadlines: Deadlines,
    /// When the whole request must be over.
    pub(super) request_due: Time,
}

/// One attempt under way.
struct Running<'a, 'c> {
    call: &'a Call<'c>,
    member: &'a Member,
    kind: AnswerKind,
    attempt: Attempt,
    /// When it must be over.
    due: Due,
    started: Time,
}

impl Call<'_> {
    /// Calls `target` of `pool`; everything that happens is told to its meter, once.
    pub(super) async fn attempt(
        &self,
        pool: &Pool,
        target: TargetIndex,
        probe: bool,
        ending: &mut Ending,
    ) -> Result<Reply, Failed> {
        let Some(member) = pool.members().get(target.get()) else {
            return Err(Failed::new(
                Outcome::Refused,
                "the table names a target that does not exist",
            ));
        };
        ending.end.attempts += 1;
        ending.end.served = Some(Served {
            name: pool.name(target),
            upstream: member.config.name.clone(),
        });
        let kind = self.envelope.answer_kind();
        let attempt = Attempt::begin(
            member.upstream.clone(),
            pool.label.clone(),
            self.proxy.recorder.clone(),
            self.proxy.clock,
            kind,
            probe,
        );
        let started = attempt.started();
        let asked = self.envelope.extension.call_timeout;
        let longest = asked.map_or(self.deadlines.attempt, |asked| {
            asked.min(self.deadlines.attempt)
        });
        let due = Due::new(started.after(longest), Phase::Attempt);
        let running = Running {
            call: self,
            member,
            kind,
            attempt,
            due: due.or(Due::new(self.request_due, Phase::Request)),
            started,
        };
        running.run(ending).await
    }
}

impl Running<'_, '_> {
    async fn run(self, ending: &mut Ending) -> Result<Reply, Failed> {
        let result = match self.exchange(ending).await {
            Ok(response) if response.status().is_success() => match self.kind {
                AnswerKind::Streamed => return self.streamed(response, ending).await,
                AnswerKind::Unary => return self.unary(response, ending).await,
            },
            Ok(response) => ending.waiting(self.error(response)).await,
            Err(failed) => failed,
        };
        Err(self.failed(result))
    }

    /// Ends the attempt as failed.
    fn failed(self, failed: Failed) -> Failed {
        let account = Account {
            wait: failed.wait,
            ..Account::default()
        };
        self.attempt.finish(failed.outcome, account);
        failed
    }

    /// Up to the response's header.
    async fn exchange(&self, ending: &mut Ending) -> Result<Response<Incoming>, Failed> {
        let (call, provider) = (self.call, &self.member.provider);
        let base = openai::Base {
            origin: &provider.base.origin,
            path: &provider.base.path,
        };
        let uri = openai::uri(base, openai::CHAT)
            .map_err(|error| Failed::new(Outcome::Transport, format!("bad address: {error}")))?;
        let secret = provider
            .config
            .api_key
            .as_ref()
            .map(crate::config::Secret::expose);
        let also = &call.snapshot.config.server.forward_headers;
        let headers = openai::request_headers(call.headers, also, secret, self.kind)
            .map_err(|error| Failed::new(Outcome::Auth, error.to_string()))?;
        let body = call
            .envelope
            .rewrite(call.body, self.member.config.name.model());
        let build = || {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = Method::POST;
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = headers.clone();
            request
        };
        let header = match self.kind {
            AnswerKind::Streamed => call.deadlines.header_streamed,
            AnswerKind::Unary => call.deadlines.header_unary,
        };
        let limits = Limits {
            connect: Due::new(self.started.after(call.deadlines.connect), Phase::Connect)
                .or(self.due),
            header: Due::new(self.started.after(header), Phase::Header).or(self.due),
        };
        let sending = call.proxy.caller.send(build, call.proxy.clock, limits);
        let response = ending.waiting(sending).await?;
        if is_encoded(response.headers()) {
            return Err(Failed::new(
                Outcome::Malformed,
                "it compressed an answer that was asked for plain",
            ));
        }
        Ok(response)
    }

    /// A status that is not success.
    async fn error(&self, response: Response<Incoming>) -> Failed {
        let (parts, body) = response.into_parts();
        let due = Due::new(
            self.call.proxy.clock.now().after(ERROR_TIME),
            Phase::Attempt,
        )
        .or(self.due);
        let clock = self.call.proxy.clock;
        let read = due.bound(clock, read_up_to(body, MAX_ERROR)).await;
        let (bytes, whole) = match read {
            Ok(Ok(Read::Whole(bytes))) => (bytes, true),
            Ok(Ok(Read::Longer(..)) | Err(_)) | Err(_) => (Bytes::new(), false),
        };
        let status = parts.status;
        let fault = classify(
            status.as_u16(),
            &parts.headers,
            &bytes,
            clock.unix_seconds(),
        );
        Failed {
            status: Some(status),
            wait: fault.wait,
            answer: whole.then(|| (returned(&parts.headers), bytes)),
            ..Failed::new(fault.outcome, format!("it answered {status}"))
        }
    }

    /// A unary answer: read whole and checked.
    async fn unary(
        self,
        response: Response<Incoming>,
        ending: &mut Ending,
    ) -> Result<Reply, Failed> {
        let (parts, body) = response.into_parts();
        let most =
            usize::try_from(self.call.snapshot.config.server.max_answer).unwrap_or(usize::MAX);
        let reading = self
            .due
            .bound(self.call.proxy.clock, read_up_to(body, most));
        let headers = returned(&parts.headers);
        match ending.waiting(reading).await {
            Err(late) => Err(self.failed(late.into())),
            Ok(Err(broken)) => Err(self.failed(broken)),
            Ok(Ok(Read::Longer(held, rest))) => Ok(self.passing(headers, held, Some(rest), None)),
            Ok(Ok(Read::Whole(bytes))) => match answer::read(&bytes) {
                Err(reason) => Err(self.failed(not_an_answer(&reason, headers, bytes))),
                Ok(facts) => {
                    let account = self.bill().account(facts.usage);
                    self.attempt.finish(Outcome::Ok, account);
                    ending.end.outcome = Outcome::Ok;
                    let status = parts.status;
                    Ok(Reply::Whole {
                        status,
                        headers,
                        body: bytes,
                    })
                }
            },
        }
    }

    /// A stream: held back until its first content.
    async fn streamed(
        mut self,
        response: Response<Incoming>,
        ending: &mut Ending,
    ) -> Result<Reply, Failed> {
        let (parts, body) = response.into_parts();
        let headers = returned(&parts.headers);
        let clock = self.call.proxy.clock;
        let first = self.started.after(self.call.deadlines.first_token);
        let due = Due::new(first, Phase::FirstToken).or(self.due);
        let opened = if super::opening::is_event_stream(&parts.headers) {
            ending
                .waiting(due.bound(clock, super::opening::open(body)))
                .await
        } else {
            let other = super::opening::not_a_stream(&parts.headers, body);
            ending.waiting(due.bound(clock, other)).await.map(Err)
        };
        match opened {
            Err(late) => Err(self.failed(late.into())),
            Ok(Err(failed)) => Err(self.failed(failed)),
            Ok(Ok(opened)) => {
                if opened.reader.seen().first_content {
                    self.attempt.first_content();
                }
                Ok(self.passing(headers, opened.held, opened.rest, Some(opened.reader)))
            }
        }
    }

    fn bill(&self) -> Bill {
        Bill {
            price: self.member.config.price,
            prompt_bytes: self.call.envelope.prompt_bytes,
        }
    }

    /// Hands the attempt over to the body.
    fn passing(
        self,
        headers: HeaderMap,
        held: VecDeque<Bytes>,
        source: Option<Incoming>,
        reader: Option<StreamReader>,
    ) -> Reply {
        let (call, bill) = (self.call, self.bill());
        let between = match reader {
            Some(_) => call.deadlines.between_tokens,
            // A document has no tokens to wait for: its attempt's time is what counts.
            None => call.deadlines.attempt,
        };
        let passing = Passing {
            held,
            source,
            reader,
            attempt: Some(self.attempt),
            ending: None,
            status: StatusCode::OK.as_u16(),
            bill,
            provider: self.member.config.name.provider().to_string(),
            timers: Timers::start(call.proxy.clock, between, self.due),
            cut: call.proxy.shears.handle(),
        };
        Reply::Passing {
            headers,
            passing: Box::new(passing),
        }
    }
}

/// Whether the body is compressed although nobody asked for it.
fn is_encoded(headers: &HeaderMap) -> bool {
    let encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    encodings
        .into_iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}
