//! What goes to a target: the client's body with the target's model in it, or the same request in the target's dialect.

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::Full;

use super::failed::Failed;
use super::question::{Question, Whose};
use crate::dialect::Front;
use crate::dialect::responses::may_hold_capsules;
use crate::live::{Clock, Member, TRACEPARENT, TRACESTATE, Trace};
use crate::model::{AnswerKind, Outcome};
use crate::provider::access::{NotSigned, Unsigned};
use crate::provider::manner::{PathAsk, Speech};
use crate::wire::{Envelope, seal};

/// A request to one target.
#[derive(Debug)]
pub(super) struct Outgoing {
    uri: Uri,
    headers: HeaderMap,
    method: Method,
    body: Bytes,
    /// Whether the target's dialect is not the client's.
    pub(super) translated: bool,
    /// Whether token counts were asked for that the client did not ask for.
    pub(super) asked_usage: bool,
    /// What the client said and the target will not hear.
    pub(super) dropped: Vec<String>,
}

impl Outgoing {
    /// The request of `question` to `member`; `client` are the client's headers, `also` names more of them that may pass.
    ///
    /// # Errors
    /// The target cannot be asked this.
    pub(super) fn new(
        question: &Question,
        member: &Member,
        client: &HeaderMap,
        also: &[String],
    ) -> Result<Self, Failed> {
        let (manner, model) = (&member.provider.manner, member.config.name.model());
        let Some(speech) = question.speech(member) else {
            return Err(Failed::new(Outcome::Refused, "it has no such interface"));
        };
        let ask = PathAsk {
            front: question.front,
            speech,
            model,
            kind: question.kind(),
            other: question
                .through
                .as_ref()
                .map_or("", |through| &through.rest),
        };
        let uri = member
            .provider
            .uri(&ask)
            .map_err(|error| Failed::new(Outcome::Refused, format!("bad address: {error}")))?;
        let content = question.through.as_ref().and_then(|it| it.content.as_ref());
        let mut headers = manner.headers(client, also, question.kind(), content);
        if let Some(accept) = client.get(ACCEPT).filter(|_| question.through.is_some()) {
            headers.insert(ACCEPT, accept.clone());
        }
        let mut outgoing = Self {
            uri,
            headers,
            method: question
                .through
                .as_ref()
                .map_or(Method::POST, |through| through.method.clone()),
            body: Bytes::new(),
            translated: speech == Speech::Translated,
            asked_usage: false,
            dropped: Vec::new(),
        };
        if outgoing.translated {
            outgoing.translate(question, member)?;
        } else {
            outgoing.pass(question, member);
        }
        Ok(outgoing)
    }

    /// The client's body, with the target's model.
    fn pass(&mut self, question: &Question, member: &Member) {
        let (own, model) = (own_form(question), member.config.name.model());
        let (envelope, body) = own
            .as_ref()
            .map_or((&question.envelope, &question.body), |(envelope, body)| {
                (envelope, body)
            });
        let streams = question.kind() == AnswerKind::Streamed;
        let asks = streams && member.provider.manner.asks_usage(question.front);
        self.asked_usage = asks && !envelope.include_usage;
        self.body = if asks {
            envelope.rewrite_asking_usage(body, model)
        } else {
            envelope.rewrite(body, model)
        };
    }

    fn translate(&mut self, question: &Question, member: &Member) -> Result<(), Failed> {
        let Some(Ok(ask)) = question.neutral() else {
            return Err(Failed::new(Outcome::Refused, "the request cannot be read"));
        };
        let written = ask
            .write(&member.target, member.config.name.model())
            .map_err(|unfit| Failed::new(Outcome::Refused, unfit.to_string()))?;
        self.body = written.body.into();
        self.dropped = written.dropped;
        Ok(())
    }

    /// Makes it part of its request's trace: what the target does is a child of the span of this call, the `attempt`th.
    pub(super) fn follow(&mut self, trace: &Trace, attempt: u32) {
        self.headers.insert(TRACEPARENT, trace.header(attempt));
        if trace.parent().is_none() {
            // It belonged to a trace that could not be read.
            self.headers.remove(TRACESTATE);
        }
    }

    /// Gives it the target's credential, of several the one at the place `key`.
    ///
    /// # Errors
    /// There is none at the moment: the target would refuse it.
    pub(super) fn sign(&mut self, member: &Member, key: usize, clock: Clock) -> Result<(), Failed> {
        let mut unsigned = Unsigned {
            method: &self.method,
            uri: &self.uri,
            headers: &mut self.headers,
            body: &self.body,
            now: clock.now(),
            unix_seconds: clock.unix_seconds(),
        };
        let signed = member.provider.manner.sign(&mut unsigned, key);
        signed.map_err(|error| match error {
            NotSigned::NoPass => Failed::new(Outcome::Auth, error.to_string()),
            NotSigned::Unfit => Failed::new(Outcome::Refused, error.to_string()),
        })
    }

    /// The request itself; a clone of handles, so that it can be sent again.
    pub(super) fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// The body where it cannot pass as it is although the target speaks the client's dialect: thoughts of other dialects were
/// packed into it, or a conversation was moved in the middle of its calls. `None` where it can.
fn own_form(question: &Question) -> Option<(Envelope, Bytes)> {
    let body = match question.front {
        Front::Responses if may_hold_capsules(&question.body) => {
            seal::without_capsules(&question.body)
        }
        Front::Messages | Front::CountTokens if question.whose != Whose::Anybodys => {
            seal::without_idle_thinking(&question.body)
        }
        _ => return None,
    };
    let envelope = Envelope::read(&body).ok()?;
    Some((envelope, body))
}
