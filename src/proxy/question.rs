//! What a client asks, in every form that a target may need: as it came, and, once somebody needs it, in the neutral form.

use std::sync::OnceLock;

use bytes::Bytes;

use super::reply::Reject;
use crate::dialect::Front;
use crate::dialect::any::Client;
use crate::dialect::neutral::{Misread, Request};
use crate::live::Member;
use crate::model::AnswerKind;
use crate::provider::manner::Speech;
use crate::wire::seal::{Origin, Shape};
use crate::wire::{Envelope, ErrorBody, Watched};

/// Who may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Whose {
    /// Anybody.
    #[default]
    Anybodys,
    /// Only the provider that made the state which the body holds.
    Only(Origin),
    /// Everybody but the provider whose state was taken out of the body: the conversation is moved.
    MovedFrom(Origin),
}

/// A request whose body was read.
#[derive(Debug)]
pub(super) struct Question {
    /// The interface that was called.
    pub(super) front: Front,
    /// What routing needs of it.
    pub(super) envelope: Envelope,
    /// The body as it came.
    pub(super) body: Bytes,
    /// Who may be asked, where the conversation holds state of somebody.
    pub(super) whose: Whose,
    neutral: OnceLock<Result<Request, Misread>>,
}

impl Question {
    /// A request of `front` with this body.
    pub(super) fn new(front: Front, envelope: Envelope, body: Bytes) -> Self {
        Self {
            front,
            envelope,
            body,
            whose: Whose::default(),
            neutral: OnceLock::new(),
        }
    }

    /// A request of `front` with this body, its envelope read.
    ///
    /// # Errors
    /// A body that is no request.
    pub(super) fn read(front: Front, body: Bytes) -> Result<Self, Reject> {
        let bad = |error| Reject::of(ErrorBody::from(error)).final_word();
        let envelope = Envelope::read(&body).map_err(bad)?;
        Ok(Self::new(front, envelope, body))
    }

    /// The same for these only.
    pub(super) fn of(self, whose: Whose) -> Self {
        Self { whose, ..self }
    }

    /// Whether the conversation is moved away from who began it.
    pub(super) const fn is_moved(&self) -> bool {
        matches!(self.whose, Whose::MovedFrom(_))
    }

    /// Where state stands in answers to it; `None` where nobody converses.
    pub(super) const fn shape(&self) -> Option<Shape> {
        match self.front {
            Front::Chat | Front::Completions | Front::Messages => Some(Shape::Thoughts),
            Front::Responses => Some(Shape::Items),
            Front::Embeddings | Front::CountTokens | Front::Other => None,
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
