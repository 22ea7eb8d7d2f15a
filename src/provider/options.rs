//! From a provider's interface to the dialect that it is spoken to in.

use crate::config::Interface;
use crate::config::preset::{Feature, Preset};
use crate::dialect::any::Target;
use crate::dialect::chat::{ChatOptions, MaxTokensKey, PastReasoning, Schemas, ThinkingKey};
use crate::dialect::gemini::GeminiOptions;
use crate::dialect::messages::MessagesOptions;

/// The dialect of a provider with this `interface`, with what its server knows of it.
pub(super) fn target(interface: &Interface) -> Target {
    match interface {
        Interface::OpenAi(preset) => Target::Chat(of_preset(preset)),
        Interface::Azure { .. } => Target::Chat(ChatOptions::default()),
        Interface::Bedrock => Target::Converse,
        Interface::Anthropic => Target::Messages(MessagesOptions::default()),
        Interface::Gemini => Target::Gemini(GeminiOptions::default()),
        Interface::Vertex { .. } => Target::Gemini(GeminiOptions {
            vertex: true,
            ..GeminiOptions::default()
        }),
        Interface::Cohere => Target::Cohere,
    }
}

fn of_preset(preset: &Preset) -> ChatOptions {
    let knows = |feature| preset.knows(feature);
    ChatOptions {
        max_tokens: if knows(Feature::MaxCompletionTokens) {
            MaxTokensKey::MaxCompletionTokens
        } else {
            MaxTokensKey::MaxTokens
        },
        developer: knows(Feature::Developer),
        stream_usage: knows(Feature::StreamUsage),
        schemas: match (knows(Feature::JsonSchema), knows(Feature::JsonObject)) {
            (true, _) => Schemas::Known,
            (false, true) => Schemas::ObjectOnly,
            (false, false) => Schemas::None,
        },
        strict: knows(Feature::Strict),
        text_lists: knows(Feature::TextLists),
        cache_control: knows(Feature::CacheControl),
        past_reasoning: match (
            knows(Feature::ReasoningDetails),
            knows(Feature::ReasoningContent),
        ) {
            (true, _) => PastReasoning::Details,
            (false, true) => PastReasoning::Content,
            (false, false) => PastReasoning::Drop,
        },
        thinking: match (knows(Feature::ReasoningObject), knows(Feature::Effort)) {
            (true, _) => ThinkingKey::Object,
            (false, true) => ThinkingKey::Effort,
            (false, false) => ThinkingKey::Drop,
        },
        top_k: knows(Feature::TopK),
        any_extra: knows(Feature::AnyExtra),
        drop: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openais_own_preset_is_the_default_of_the_dialect() {
        let target = target(&Interface::OPENAI);
        assert_eq!(target, Target::Chat(ChatOptions::default()));
    }
}
