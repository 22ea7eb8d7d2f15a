//! From a provider's interface to the dialect that it is spoken to in.

use super::models;
use crate::config::preset::{Feature, Preset};
use crate::config::{Capabilities, Interface};
use crate::dialect::any::Target;
use crate::dialect::chat::{ChatOptions, MaxTokensKey, PastReasoning, Schemas, ThinkingKey};
use crate::dialect::gemini::GeminiOptions;
use crate::dialect::messages::MessagesOptions;

/// Most tokens that are asked for where neither client nor configuration bound an answer. They are kept free in the model's
/// context, so what is published (128,000 and more) would leave too little room for the prompt.
const MOST_ASKED: u64 = 32_000;

/// The dialect of `model` at a provider with this `interface`, with what is known of both.
pub(super) fn target(interface: &Interface, model: &str, can: &Capabilities) -> Target {
    match interface {
        Interface::OpenAi(preset) => Target::Chat(chat(of_preset(preset), can)),
        Interface::Azure { .. } => Target::Chat(chat(ChatOptions::default(), can)),
        Interface::Bedrock => Target::Converse,
        Interface::Anthropic => Target::Messages(messages(model, can)),
        Interface::Gemini => Target::Gemini(GeminiOptions {
            thinking_levels: models::takes_thinking_levels(model),
            ..GeminiOptions::default()
        }),
        Interface::Vertex { .. } => Target::Gemini(GeminiOptions {
            vertex: true,
            thinking_levels: models::takes_thinking_levels(model),
        }),
        Interface::Cohere => Target::Cohere,
    }
}

/// What a model can do better than its server's preset says is not believed: the list tells of models, not of servers.
fn chat(options: ChatOptions, can: &Capabilities) -> ChatOptions {
    let schemas = match (can.json_schema, options.schemas) {
        (Some(false), Schemas::Known) => Schemas::ObjectOnly,
        (_, schemas) => schemas,
    };
    ChatOptions { schemas, ..options }
}

fn messages(model: &str, can: &Capabilities) -> MessagesOptions {
    let default = MessagesOptions::default();
    let known = can.max_output.map(|most| most.min(MOST_ASKED));
    MessagesOptions {
        max_output: known
            .or_else(|| models::old_max_output(model))
            .unwrap_or(default.max_output),
        structured_outputs: can
            .json_schema
            .unwrap_or_else(|| !models::lacks_schemas(model)),
        adaptive_thinking: models::thinks_adaptively(model),
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
        let target = target(&Interface::OPENAI, "m", &Capabilities::default());
        assert_eq!(target, Target::Chat(ChatOptions::default()));
    }

    #[test]
    fn what_is_known_of_a_model_is_asked_of_it() {
        let claude = |model: &str, max_output| {
            let can = Capabilities {
                max_output,
                ..Capabilities::default()
            };
            messages(model, &can)
        };
        assert_eq!(claude("claude-opus-4-1", None), MessagesOptions::default());
        assert_eq!(claude("claude-3-haiku-20240307", None).max_output, 4096);
        assert_eq!(claude("claude-opus-5", Some(128_000)).max_output, 32_000);
        assert_eq!(claude("m", Some(2_000)).max_output, 2_000);
        assert!(claude("claude-opus-5", None).adaptive_thinking);
        let no_schemas = Capabilities {
            json_schema: Some(false),
            ..Capabilities::default()
        };
        assert!(!messages("claude-opus-5", &no_schemas).structured_outputs);
        let options = chat(ChatOptions::default(), &no_schemas);
        assert_eq!(options.schemas, Schemas::ObjectOnly);
    }
}
