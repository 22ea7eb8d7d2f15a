//! What a request asks a model to do.

/// The operations that OpenTelemetry's conventions for generative AI tell apart, and two of ours.
/// Source: <https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md>,
/// `gen_ai.operation.name`, 2026-11-22.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// An answer in a conversation, in whatever interface.
    Chat,
    /// A text goes on: OpenAI's older interface.
    TextCompletion,
    /// Vectors for texts.
    Embeddings,
    /// A count of tokens. Not in the conventions.
    CountTokens,
    /// Whatever passes unread, and requests that ask for no model. Not in the conventions.
    Other,
}

impl Operation {
    /// All of them, in the order of their positions.
    pub const ALL: [Self; 5] = [
        Self::Chat,
        Self::TextCompletion,
        Self::Embeddings,
        Self::CountTokens,
        Self::Other,
    ];

    /// Position in arrays that keep each apart.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// `gen_ai.operation.name`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::TextCompletion => "text_completion",
            Self::Embeddings => "embeddings",
            Self::CountTokens => "count_tokens",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_its_own_place_and_name() {
        for (i, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation.index(), i, "{operation:?}");
            let same = |other: &Operation| other.label() == operation.label();
            assert_eq!(Operation::ALL.iter().filter(|it| same(it)).count(), 1);
        }
    }
}
