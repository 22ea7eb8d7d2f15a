//! What kind of answer passes by.

/// The dialect of an answer that is passed on as it is: what makes it whole, and where its facts stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Watched {
    /// OpenAI's chat completions.
    #[default]
    Chat,
    /// OpenAI's older completions.
    Completions,
    /// OpenAI's embeddings. They do not stream.
    Embeddings,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
    /// Anything else: every document is an answer, every event content, and every end an end.
    Any,
}

impl Watched {
    /// The kind in an error's words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Chat => "a chat completion",
            Self::Completions => "a completion",
            Self::Embeddings => "a list of embeddings",
            Self::Responses => "a response",
            Self::Messages => "a message",
            Self::Any => "an answer",
        }
    }
}
