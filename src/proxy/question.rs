//! What a client asks, in every form that a target may need: as it came, and, once somebody needs it, in the neutral form.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::reply::Reject;
use super::through::Through;
use crate::dialect::Front;
use crate::dialect::any::Ask;
use crate::dialect::neutral::Misread;
use crate::live::{Client, Member};
use crate::model::AnswerKind;
use crate::provider::manner::Speech;
use crate::wire::seal::{Origin, Shape};
use crate::wire::{Envelope, ErrorBody, Needs, Watched};

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
    /// Who asks, where a key is needed.
    pub(super) client: Option<Arc<Client>>,
    /// What is special about it if it passes unread.
    pub(super) through: Option<Box<Through>>,
    neutral: OnceLock<Option<Result<Ask, Misread>>>,
    needs: OnceLock<Needs>,
}

impl Question {
    /// A request of `front` with this body.
    pub(super) fn new(front: Front, envelope: Envelope, body: Bytes) -> Self {
        Self {
            front,
            envelope,
            body,
            whose: Whose::default(),
            client: None,
            through: None,
            neutral: OnceLock::new(),
            needs: OnceLock::new(),
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

    /// The same, asked by `client`.
    pub(super) fn by(self, client: Option<Arc<Client>>) -> Self {
        Self { client, ..self }
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

    /// Whether it is a turn of a conversation, whose beginning it then repeats.
    pub(super) const fn converses(&self) -> bool {
        match self.front {
            Front::Chat | Front::Messages | Front::Responses | Front::CountTokens => true,
            Front::Completions | Front::Embeddings | Front::Other => false,
        }
    }

    /// A request that passes unread.
    pub(super) fn through(through: Through, envelope: Envelope, body: Bytes) -> Self {
        Self {
            through: Some(Box::new(through)),
            ..Self::new(Front::Other, envelope, body)
        }
    }

    /// The provider that the path names.
    pub(super) fn named_provider(&self) -> Option<&str> {
        self.through.as_ref()?.provider.as_deref()
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

    /// How the request reaches `member`; `None` if it cannot.
    pub(super) fn speech(&self, member: &Member) -> Option<Speech> {
        let manner = &member.provider.manner;
        if self.front == Front::Other && self.named_provider().is_none() && !manner.is_openai() {
            return None;
        }
        manner.speech(self.front)
    }

    /// The request as it can be said in other words, read when first asked for; `None` where it cannot.
    pub(super) fn neutral(&self) -> Option<Result<&Ask, &Misread>> {
        let read = || Ask::read(self.front, &self.body);
        let read = self.neutral.get_or_init(read).as_ref()?;
        Some(read.as_ref())
    }

    /// What it needs of a model, found out when first asked for.
    pub(super) fn needs(&self) -> Needs {
        *self.needs.get_or_init(|| Needs::of(&self.body))
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
