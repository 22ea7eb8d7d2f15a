//! One attempt: the request to one target, and what its answer is worth.
//!
//! Nothing has reached the client while this runs, so every failure in here can be made good by another target. A unary
//! answer is read whole and checked before it counts; a stream is held back until its first content (see [`super::opening`]).
//! The attempt's record lives on this stack and ends with it, whatever ends it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::Incoming;

use super::Proxy;
use super::bill::Bill;
use super::body::Passing;
use super::credentials;
use super::dispatch::Pick;
use super::exchange::Outgoing;
use super::failed::{Failed, Read, not_an_answer, read_up_to};
use super::flow::Flow;
use super::opening::Frame;
use super::pace::Timers;
use super::pool::Pool;
use super::question::Question;
use super::record::Ending;
use super::reply::Reply;
use super::told::{tell_account, tell_dropped};
use super::upstream::{Due, Limits};
use crate::balance::gate::Reason;
use crate::config::Deadlines;
use crate::dialect::neutral::NotRead;
use crate::journal::Chosen;
use crate::live::{Account, Attempt, Member, Note, Served, Snapshot, Turn};
use crate::model::{AnswerKind, Outcome, Phase, Time, Tokens};
use crate::provider::fault::classify;
use crate::provider::headers::returned;
use crate::provider::headroom::Headroom;
use crate::wire::answer::{self, NotAnswer};
use crate::wire::seal::{Origin, Shape, sealed};
use crate::wire::{Tail, is_refused};

/// Most bytes of an error's body that are read; what is longer is told in our words.
const MAX_ERROR: usize = 256 * 1024;
/// How long an error's body may take: the status has said what matters.
const ERROR_TIME: std::time::Duration = std::time::Duration::from_secs(10);

/// What is said of a good answer without any content, after which others may be asked.
const REFUSED: &str = "a content policy let it say nothing";

/// What all attempts of a request share.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) proxy: &'a Proxy,
    pub(super) snapshot: &'a Snapshot,
    pub(super) question: &'a Question,
    /// The request's headers as they came.
    pub(super) headers: &'a HeaderMap,
    pub(super) deadlines: Deadlines,
    /// When the whole request must be over.
    pub(super) request_due: Time,
    /// Whether another provider may have to go on with the conversation some day, so that state is marked.
    pub(super) seals: bool,
    /// Whether there are others to ask where a content policy refuses.
    pub(super) moves_refused: bool,
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
    /// How long its phases may take.
    deadlines: Deadlines,
    /// The credential that it uses.
    key: Turn,
}

impl Call<'_> {
    /// Calls the target of `pick`; everything that happens is told to its meter, once.
    pub(super) async fn attempt(
        &self,
        pool: &Pool,
        pick: Pick,
        ending: &mut Ending,
    ) -> Result<Reply, Failed> {
        let target = pick.target;
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
        let kind = self.question.kind();
        let attempt = Attempt::begin(
            member.upstream.clone(),
            pool.label.clone(),
            self.proxy.recorder.clone(),
            self.proxy.clock,
            kind,
            pick.reason == Reason::Probe,
        );
        let attempt = attempt.noted(self.note(pool, pick, ending.end.attempts));
        let started = attempt.started();
        let asked = self.question.envelope.extension.call_timeout;
        let deadlines = member.deadlines.over(self.deadlines);
        let longest = asked.map_or(deadlines.attempt, |asked| asked.min(deadlines.attempt));
        let attempt = if longest < deadlines.attempt {
            attempt.hasty()
        } else {
            attempt
        };
        let due = Due::new(started.after(longest), Phase::Attempt);
        let running = Running {
            call: self,
            member,
            kind,
            attempt,
            due: due.or(Due::new(self.request_due, Phase::Request)),
            started,
            deadlines,
            key: member.provider.keys.first(started),
        };
        running.run(ending).await
    }

    /// What the journal is to hear of the attempt, if there is one.
    fn note(&self, pool: &Pool, pick: Pick, attempt: u32) -> Option<Note> {
        let journal = Arc::clone(self.proxy.journal.as_ref()?);
        let chosen = Chosen {
            target: pool.name(pick.target),
            reason: pick.reason,
            propensity: pick.propensity,
            attempt,
        };
        Some(Note { journal, chosen })
    }
}

impl Running<'_, '_> {
    async fn run(mut self, ending: &mut Ending) -> Result<Reply, Failed> {
        let (call, member) = (self.call, self.member);
        let also = &call.snapshot.config.server.forward_headers;
        let mut outgoing = match Outgoing::new(call.question, member, call.headers, also) {
            Ok(outgoing) => outgoing,
            Err(failed) => return Err(self.failed(failed)),
        };
        loop {
            if let Err(failed) = outgoing.sign(member, self.key.place, call.proxy.clock) {
                return Err(self.failed(failed));
            }
            let response = match self.exchange(&outgoing, ending).await {
                Ok(response) => response,
                Err(failed) => return Err(self.failed(failed)),
            };
            if response.status().is_success() {
                member.provider.keys.taken(self.key);
                return match self.kind {
                    AnswerKind::Streamed if self.streams(&response) => {
                        self.streamed(response, &outgoing, ending).await
                    }
                    AnswerKind::Streamed | AnswerKind::Unary => {
                        self.unary(response, &outgoing, ending).await
                    }
                };
            }
            let error = self.error(response, outgoing.translated);
            let failed = ending.waiting(error).await;
            // Another key is no other target: it is the same attempt, and only its end counts.
            match credentials::another(
                &member.provider,
                &mut self.key,
                &failed,
                call.proxy.clock.now(),
            ) {
                Some(key) => self.key = key,
                None => return Err(self.failed(failed)),
            }
        }
    }

    /// Whether an answer that was asked for as a stream is read as one: what passes unread may be a document all the same.
    fn streams(&self, response: &Response<Incoming>) -> bool {
        let is_stream = || super::opening::is_event_stream(response.headers());
        match &self.call.question.through {
            None => true,
            Some(through) => through.names_a_stream() || is_stream(),
        }
    }

    /// Ends the attempt as failed.
    fn failed(self, failed: Failed) -> Failed {
        let (provider, now) = (&self.member.provider, self.call.proxy.clock.now());
        let mut failed = credentials::judged(provider, self.key, failed, now);
        failed.hush(&provider.manner);
        if self.call.question.is_moved() && failed.outcome == Outcome::ClientFault {
            // Nobody but us put this conversation there. The client is told what the provider says of it.
            failed.retell();
            failed.outcome = Outcome::MoveRefused;
            let status = failed.status.map_or(0, |status| status.as_u16());
            let target = &self.member.config.name;
            tracing::warn!(%target, status, "refused a conversation that was moved there");
        }
        let account = Account {
            wait: failed.wait,
            ..Account::default()
        };
        self.attempt.finish(evidence(&failed), account);
        failed
    }

    /// Up to the response's header.
    async fn exchange(
        &self,
        outgoing: &Outgoing,
        ending: &mut Ending,
    ) -> Result<Response<Incoming>, Failed> {
        let call = self.call;
        let header = match self.kind {
            AnswerKind::Streamed => self.deadlines.header_streamed,
            AnswerKind::Unary => self.deadlines.header_unary,
        };
        let limits = Limits {
            connect: Due::new(self.started.after(self.deadlines.connect), Phase::Connect)
                .or(self.due),
            header: Due::new(self.started.after(header), Phase::Header).or(self.due),
        };
        let build = || outgoing.request();
        let sending = call.proxy.caller.send(build, call.proxy.clock, limits);
        let response = ending.waiting(sending).await?;
        // With several keys it is one key's: the others may have more.
        if !self.member.provider.keys.are_several() {
            self.attempt
                .headroom(Headroom::read(response.headers(), self.now()));
        }
        if is_encoded(response.headers()) {
            return Err(Failed::new(
                Outcome::Malformed,
                "it compressed an answer that was asked for plain",
            ));
        }
        Ok(response)
    }

    /// A status that is not success.
    async fn error(&self, response: Response<Incoming>, translated: bool) -> Failed {
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
        let is_named = self.call.question.named_provider().is_some();
        let outcome = match fault.outcome {
            // What is not there is what the client named, not a model of the operator's.
            Outcome::NoSuchModel if is_named => Outcome::ClientFault,
            other => other,
        };
        let mut failed = Failed {
            status: Some(status),
            wait: fault.wait,
            answer: whole.then(|| Box::new((returned(&parts.headers), bytes))),
            ..Failed::new(outcome, format!("it answered {status}"))
        };
        // A page of a gate in front of the provider is no error of any dialect.
        let is_page = failed
            .answer
            .as_ref()
            .is_some_and(|answer| !answer.1.trim_ascii_start().starts_with(b"{"));
        if translated || (is_page && self.call.question.through.is_none()) {
            failed.retell();
        }
        failed
    }

    /// A unary answer: read whole and checked.
    async fn unary(
        self,
        response: Response<Incoming>,
        outgoing: &Outgoing,
        ending: &mut Ending,
    ) -> Result<Reply, Failed> {
        let (parts, body) = response.into_parts();
        let most =
            usize::try_from(self.call.snapshot.config.server.max_answer).unwrap_or(usize::MAX);
        let reading = self
            .due
            .bound(self.call.proxy.clock, read_up_to(body, most));
        let mut headers = returned(&parts.headers);
        let read = match ending.waiting(reading).await {
            Err(late) => return Err(self.failed(late.into())),
            Ok(Err(broken)) => return Err(self.failed(broken)),
            Ok(Ok(read)) => read,
        };
        let bytes = match read {
            Read::Whole(bytes) => bytes,
            Read::Longer(..) if outgoing.translated => {
                let detail = "its answer is longer than server.max_answer allows for translation";
                return Err(self.failed(Failed::new(Outcome::Malformed, detail)));
            }
            Read::Longer(held, rest) => {
                return Ok(self.passing(headers, held, Some(rest), None));
            }
        };
        let answer = bytes.clone();
        match self.read_answer(outgoing.translated, &mut headers, bytes) {
            Err(failed) => Err(self.failed(failed)),
            Ok((usage, body)) => {
                let body = match self.seal() {
                    Some((origin, shape)) => sealed(&body, origin, shape),
                    None => body,
                };
                let account = self.bill().of_answer(usage, &answer);
                tell_account(&mut headers, &account);
                tell_dropped(&mut headers, &outgoing.dropped);
                self.attempt.finish(Outcome::Ok, account);
                ending.end.outcome = Outcome::Ok;
                let status = parts.status;
                Ok(Reply::Whole {
                    status,
                    headers,
                    body,
                })
            }
        }
    }

    /// The answer for the client, and what it cost in tokens.
    fn read_answer(
        &self,
        translated: bool,
        headers: &mut HeaderMap,
        bytes: Bytes,
    ) -> Result<(Option<Tokens>, Bytes), Failed> {
        let question = self.call.question;
        if !translated {
            let watched = question.watched();
            return match answer::read_as(watched, &bytes) {
                Ok(_) if self.call.moves_refused && is_refused(watched, &bytes) => {
                    Err(Failed::new(Outcome::ContentFiltered, REFUSED))
                }
                Ok(facts) => Ok((facts.usage, bytes)),
                Err(reason) => Err(not_an_answer(&reason, headers.clone(), bytes, self.now())),
            };
        }
        let Some(Ok(ask)) = question.neutral() else {
            return Err(Failed::new(Outcome::Refused, "the request cannot be read"));
        };
        let target = &self.member.target;
        let said = ask
            .answer(target, &bytes, self.now())
            .map_err(|reason| not_read(reason, headers, bytes, self.now()))?;
        if said.is_refused && self.call.moves_refused {
            return Err(Failed::new(Outcome::ContentFiltered, REFUSED));
        }
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        Ok((said.usage, said.body.into()))
    }

    /// A stream: held back until its first content.
    async fn streamed(
        mut self,
        response: Response<Incoming>,
        outgoing: &Outgoing,
        ending: &mut Ending,
    ) -> Result<Reply, Failed> {
        let (parts, body) = response.into_parts();
        let mut headers = returned(&parts.headers);
        let clock = self.call.proxy.clock;
        let first = self.started.after(self.deadlines.first_token);
        let due = Due::new(first, Phase::FirstToken).or(self.due);
        let is_unread = self.call.question.through.is_some();
        let frame = super::opening::frame(&parts.headers);
        let flow = match self.flow(outgoing) {
            Ok(flow) if is_unread => match frame {
                Frame::Events => flow.in_events(),
                Frame::Other => flow.in_frames(),
                Frame::Unsaid => flow,
            },
            Ok(flow) => flow,
            Err(failed) => return Err(self.failed(failed)),
        };
        let opened = if is_unread || super::opening::is_event_stream(&parts.headers) {
            let opening = super::opening::open(body, flow, clock.unix_seconds());
            ending.waiting(due.bound(clock, opening)).await
        } else {
            let other = super::opening::not_a_stream(&parts.headers, body, clock.unix_seconds());
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

    /// What marks the state in the answer, if anything does.
    fn seal(&self) -> Option<(Origin, Shape)> {
        let shape = self.call.question.shape().filter(|_| self.call.seals)?;
        let name = self.member.config.name.provider();
        Some((Origin::of(name.as_str()), shape))
    }

    /// In seconds since 1970.
    fn now(&self) -> u64 {
        self.call.proxy.clock.unix_seconds()
    }

    fn bill(&self) -> Bill {
        Bill {
            price: self.member.config.price,
            prompt_bytes: self.call.question.envelope.prompt_bytes,
            front: self.call.question.front,
            upstream: Arc::clone(&self.member.upstream),
        }
    }

    /// Hands the attempt over to the body.
    fn passing(
        self,
        headers: HeaderMap,
        held: VecDeque<Bytes>,
        source: Option<Incoming>,
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
        };
        Reply::Passing {
            headers,
            passing: Box::new(passing),
        }
    }
}

/// The failure of a target whose document cannot be read; `now` in seconds since 1970.
fn not_read(reason: NotRead, headers: &HeaderMap, body: Bytes, now: u64) -> Failed {
    match reason {
        NotRead::Reported(reported) => {
            let reported = NotAnswer::Reported(reported);
            let mut failed = not_an_answer(&reported, headers.clone(), body, now);
            failed.retell();
            failed
        }
        NotRead::Other(misread) => Failed::new(Outcome::Malformed, misread.to_string()),
    }
}

/// Whether the body is compressed although nobody asked for it.
fn is_encoded(headers: &HeaderMap) -> bool {
    let encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    encodings
        .into_iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// What a failure counts as at its target. A 503 that says "overloaded" and names no wait may be a limit or an illness:
/// ejection and probes find out within seconds, a rate that is learned from it would hold the target down for minutes.
fn evidence(failed: &Failed) -> Outcome {
    let is_503 = failed.status == Some(StatusCode::SERVICE_UNAVAILABLE);
    match failed.outcome {
        Outcome::Overloaded if is_503 && failed.wait.is_none() => Outcome::ServerError,
        outcome => outcome,
    }
}
