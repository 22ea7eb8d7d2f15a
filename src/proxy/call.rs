//! One attempt: the request to one target, and what its answer is worth.
//!
//! Nothing has reached the client while this runs, so every failure in here can be made good by another target. A unary
//! answer is read whole and checked before it counts; a stream is held back until its first content (see [`super::opening`]).
//! The attempt's record lives on this stack and ends with it, whatever ends it.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{Response, StatusCode};

use super::Proxy;
use super::bill::Bill;
use super::credentials;
use super::dispatch::Pick;
use super::exchange::Outgoing;
use super::failed::{Failed, Read, read_up_to};
use super::link::Answer;
use super::pool::Pool;
use super::question::Question;
use super::record::Ending;
use super::reply::Reply;
use super::upstream::{Due, Limits};
use crate::balance::gate::Reason;
use crate::config::Deadlines;
use crate::journal::Chosen;
use crate::live::{Account, Attempt, Member, Note, Served, Snapshot, Turn};
use crate::model::{AnswerKind, Outcome, Phase, Time};
use crate::provider::fault::classify;
use crate::provider::headers::returned;
use crate::provider::headroom::Headroom;
use crate::wire::seal::{Origin, Shape};

mod streamed;
mod unary;

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
        let served = Served {
            name: pool.name(target),
            upstream: member.config.name.clone(),
        };
        ending.calls(served, pick);
        let kind = self.question.kind();
        let attempt = Attempt::begin(
            member.upstream.clone(),
            pool.label.clone(),
            self.proxy.recorder.clone(),
            self.proxy.clock,
            kind,
            pick.reason == Reason::Probe,
        );
        let attempt = attempt.asking(self.question.front.operation());
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
        if let Some(trace) = &ending.end.trace {
            outgoing.follow(trace, ending.end.attempts);
        }
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
            let error = Box::pin(self.error(response, outgoing.translated));
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
    fn streams(&self, response: &Response<Answer>) -> bool {
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
    ) -> Result<Response<Answer>, Failed> {
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
        let response = ending.waiting(pin!(sending)).await?;
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
    async fn error(&self, response: Response<Answer>, translated: bool) -> Failed {
        let (parts, body) = response.into_parts();
        let due = Due::new(
            self.call.proxy.clock.now().after(ERROR_TIME),
            Phase::Attempt,
        )
        .or(self.due);
        let clock = self.call.proxy.clock;
        let read = due.bound(clock, pin!(read_up_to(body, MAX_ERROR))).await;
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
