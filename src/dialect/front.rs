//! What a client may ask for, by the path that it calls.

use super::neutral::Dialect;
use crate::model::Operation;

/// An interface that clients call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Front {
    /// `POST …/chat/completions`.
    Chat,
    /// `POST …/completions`, OpenAI's older interface.
    Completions,
    /// `POST …/embeddings`.
    Embeddings,
    /// `POST …/responses`.
    Responses,
    /// `POST …/messages`, Anthropic's.
    Messages,
    /// `POST …/messages/count_tokens`, Anthropic's: counts and answers nothing.
    CountTokens,
    /// Whatever else is passed on as it is: images, audio, files, what comes next month.
    Other,
}

impl Front {
    /// All that have a body of a known shape.
    pub const KNOWN: [Self; 6] = [
        Self::Chat,
        Self::Completions,
        Self::Embeddings,
        Self::Responses,
        Self::Messages,
        Self::CountTokens,
    ];

    /// The front at `path` under a base such as `/v1`, for example `/chat/completions`.
    pub fn at(path: &str) -> Option<Self> {
        Self::KNOWN
            .into_iter()
            .find(|front| front.path() == Some(path))
    }

    /// Its path under a base.
    pub const fn path(self) -> Option<&'static str> {
        match self {
            Self::Chat => Some("/chat/completions"),
            Self::Completions => Some("/completions"),
            Self::Embeddings => Some("/embeddings"),
            Self::Responses => Some("/responses"),
            Self::Messages => Some("/messages"),
            Self::CountTokens => Some("/messages/count_tokens"),
            Self::Other => None,
        }
    }

    /// The dialect that its requests are in; `None` where there is no conversation in them to translate.
    pub const fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Chat => Some(Dialect::Chat),
            Self::Completions => Some(Dialect::Completions),
            Self::Responses => Some(Dialect::Responses),
            Self::Messages | Self::CountTokens => Some(Dialect::Messages),
            Self::Embeddings | Self::Other => None,
        }
    }

    /// Whether its errors have Anthropic's shape; all others have OpenAI's.
    pub const fn is_anthropic(self) -> bool {
        matches!(self, Self::Messages | Self::CountTokens)
    }

    /// What its requests ask a model to do.
    pub const fn operation(self) -> Operation {
        match self {
            Self::Chat | Self::Responses | Self::Messages => Operation::Chat,
            Self::Completions => Operation::TextCompletion,
            Self::Embeddings => Operation::Embeddings,
            Self::CountTokens => Operation::CountTokens,
            Self::Other => Operation::Other,
        }
    }

    /// Its name, for labels.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_front_is_found_at_its_path() {
        for front in Front::KNOWN {
            assert_eq!(front.path().and_then(Front::at), Some(front));
        }
        assert_eq!(Front::at("/images/generations"), None);
    }
}
