//! What a client asks, in every form that a target may need: as it came, and, once somebody needs it, in the neutral form.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::dialect::Front;
use crate::dialect::any::Client;
use crate::dialect::neutral::{Misread, Request};
use crate::live::Member;
use crate::model::AnswerKind;
use crate::provider::manner::Speech;
use crate::wire::{Envelope, Watched};

/// A request whose body was read.
#[derive(Debug)]
pub(super) struct Question {
    /// The interface that was called.
    pub(super) front: Front,
    /// What routing needs of it.
    pub(super) envelope: Envelope,
    /// The body as it came.
    pub(super) body: Bytes,
    neutral: OnceLock<Result<Request, Misread>>,
}

impl Question {
    /// A request of `front` with this body.
    pub(super) fn new(front: Front, envelope: Envelope, body: Bytes) -> Self {
        Self {
            front,
            envelope,
            body,
            neutral: OnceLock::new(),
        }
    }

    /// Whether the answer is to come in pieces. Embeddings and counts have none, whatever the body says.
    pub(super) fn kind(&self) -> AnswerKind {
        match self.front {
            Front::Embeddings | Front::CountTokens => AnswerKind::Unary,
            Front::Chat
            | Front::Completions
            | Front::Responses
            | Front::Messages
            | Front::Other => self.envelope.answer_kind(),
        }
    }

    /// What the client speaks; `None` where nobody converses.
    pub(super) const fn client(&self) -> Option<Client> {
        Client::of(self.front)
    }

    /// How the request reaches `member`; `None` if it cannot.
    pub(super) fn speech(&self, member: &Member) -> Option<Speech> {
        member.provider.manner.speech(self.front)
    }

    /// The request in the neutral form, read when first asked for; `None` where nobody converses.
    pub(super) fn neutral(&self) -> Option<Result<&Request, &Misread>> {
        let client = self.client()?;
        let read = self.neutral.get_or_init(|| client.read_request(&self.body));
        Some(read.as_ref())
    }

    /// What an answer that passes as it is must be.
    pub(super) const fn watched(&self) -> Watched {
        match self.front {
            Front::Chat => Watched::Chat,
            Front::Completions => Watched::Completions,
            Front::Embeddings => Watched::Embeddings,
            Front::Responses => Watched::Responses,
            Front::Messages => Watched::Messages,
            Front::CountTokens | Front::Other => Watched::Any,
        }
    }
}
