//! Servers that speak OpenAI's format, by name. A preset is data: where the server is, and which parts of the format it
//! knows. Whatever has no preset is `openai` with a `base_url`.

/// A part of OpenAI's format, or an addition to it, that a server may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// `max_completion_tokens`; those without it take `max_tokens`.
    MaxCompletionTokens,
    /// The role `developer`; without it the role is written as `system`.
    Developer,
    /// `stream_options.include_usage`.
    StreamUsage,
    /// Answers by a JSON schema.
    JsonSchema,
    /// Answers that are any JSON object.
    JsonObject,
    /// `strict` of tools and schemas.
    Strict,
    /// Contents that are lists of texts.
    TextLists,
    /// `cache_control` on parts and tools.
    CacheControl,
    /// `reasoning_effort`.
    Effort,
    /// `reasoning: {effort, max_tokens}`.
    ReasoningObject,
    /// Past thoughts as `reasoning_content`.
    ReasoningContent,
    /// Past thoughts as `reasoning_details`.
    ReasoningDetails,
    /// `top_k`.
    TopK,
    /// Members that are not OpenAI's pass without an error.
    AnyExtra,
    /// `POST /responses`.
    Responses,
    /// `POST /completions`.
    Completions,
    /// `POST /embeddings`.
    Embeddings,
}

/// A server that speaks OpenAI's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name, as `kind` has it.
    pub name: &'static str,
    /// Where it is; `None` where that must be said.
    pub base: Option<&'static str>,
    /// The variable in which its users keep their credential; `None` for servers that need none.
    pub key: Option<&'static str>,
    /// What it knows.
    pub features: &'static [Feature],
}

use Feature::{
    AnyExtra, CacheControl, Completions, Developer, Effort, Embeddings, JsonObject, JsonSchema,
    MaxCompletionTokens, ReasoningContent, ReasoningDetails, ReasoningObject, Responses,
    StreamUsage, Strict, TextLists, TopK,
};

/// OpenAI's own, and what any other server is taken for that is reached by a `base_url` alone.
pub const OPENAI: Preset = Preset {
    name: "openai",
    base: Some("https://api.openai.com/v1"),
    key: Some("OPENAI_API_KEY"),
    features: &[
        MaxCompletionTokens,
        Developer,
        StreamUsage,
        JsonSchema,
        JsonObject,
        Strict,
        TextLists,
        Effort,
        Responses,
        Completions,
        Embeddings,
    ],
};

/// What a server elsewhere is taken for that says no more of itself than `kind = "openai"` and a `base_url`: few of them have
/// Responses, and asking those that lack it costs them their good name, so that a response is said in chat there.
pub const ELSEWHERE: Preset = Preset {
    name: "openai",
    base: None,
    key: None,
    features: &[
        MaxCompletionTokens,
        Developer,
        StreamUsage,
        JsonSchema,
        JsonObject,
        Strict,
        TextLists,
        Effort,
        Completions,
        Embeddings,
    ],
};

/// What a server of one's own knows, with the additions that all of them have.
const OPEN: &[Feature] = &[
    StreamUsage,
    JsonSchema,
    JsonObject,
    Strict,
    TextLists,
    Effort,
    ReasoningContent,
    TopK,
    AnyExtra,
    Completions,
    Embeddings,
];

/// All presets. Addresses and features are those of the servers' own documentation, read 2026-11-23 and 2026-11-24:
/// <https://console.groq.com/docs/openai>, <https://docs.mistral.ai/api>, <https://api-docs.deepseek.com>,
/// <https://docs.x.ai/docs/api-reference>, <https://docs.together.ai/docs/openai-api-compatibility>,
/// <https://docs.fireworks.ai/tools-sdks/openai-compatibility>, <https://openrouter.ai/docs/api-reference/overview>,
/// <https://inference-docs.cerebras.ai/resources/openai>, <https://docs.perplexity.ai/guides/chat-completions-guide>,
/// <https://docs.api.nvidia.com/nim/reference/llm-apis>, <https://huggingface.co/docs/inference-providers>,
/// <https://docs.ollama.com/openai>, <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html>,
/// <https://docs.sglang.ai/basic_usage/openai_api.html>, <https://lmstudio.ai/docs/app/api/endpoints/openai>,
/// <https://github.com/ggml-org/llama.cpp/tree/master/tools/server>.
pub const PRESETS: &[Preset] = &[
    OPENAI,
    hosted(
        "groq",
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
        &[
            MaxCompletionTokens,
            StreamUsage,
            JsonSchema,
            JsonObject,
            Strict,
            TextLists,
            Effort,
            Responses,
        ],
    ),
    // Unknown members are refused with 422; token counts end every stream unasked.
    hosted(
        "mistral",
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        &[JsonSchema, JsonObject, Strict, TextLists, Embeddings],
    ),
    hosted(
        "deepseek",
        "https://api.deepseek.com",
        "DEEPSEEK_API_KEY",
        &[
            StreamUsage,
            JsonObject,
            TextLists,
            ReasoningContent,
            AnyExtra,
        ],
    ),
    hosted(
        "xai",
        "https://api.x.ai/v1",
        "XAI_API_KEY",
        &[
            MaxCompletionTokens,
            StreamUsage,
            JsonSchema,
            JsonObject,
            Strict,
            TextLists,
            Effort,
            Responses,
        ],
    ),
    hosted(
        "together",
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
        OPEN,
    ),
    hosted(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        "FIREWORKS_API_KEY",
        OPEN,
    ),
    hosted(
        "openrouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        &[
            MaxCompletionTokens,
            Developer,
            StreamUsage,
            JsonSchema,
            JsonObject,
            Strict,
            TextLists,
            CacheControl,
            ReasoningObject,
            ReasoningDetails,
            TopK,
            AnyExtra,
            Responses,
            Completions,
            Embeddings,
        ],
    ),
    hosted(
        "cerebras",
        "https://api.cerebras.ai/v1",
        "CEREBRAS_API_KEY",
        &[
            MaxCompletionTokens,
            StreamUsage,
            JsonSchema,
            JsonObject,
            Strict,
            TextLists,
            Effort,
            Completions,
        ],
    ),
    hosted(
        "perplexity",
        "https://api.perplexity.ai",
        "PERPLEXITY_API_KEY",
        &[JsonSchema, TextLists, Effort, TopK, AnyExtra],
    ),
    hosted(
        "nvidia",
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_API_KEY",
        &[
            StreamUsage,
            JsonSchema,
            JsonObject,
            TextLists,
            TopK,
            AnyExtra,
            Completions,
            Embeddings,
        ],
    ),
    hosted(
        "huggingface",
        "https://router.huggingface.co/v1",
        "HF_TOKEN",
        &[
            StreamUsage,
            JsonSchema,
            JsonObject,
            TextLists,
            Effort,
            TopK,
            AnyExtra,
            Responses,
        ],
    ),
    own("ollama", "http://127.0.0.1:11434/v1"),
    own("vllm", "http://127.0.0.1:8000/v1"),
    own("sglang", "http://127.0.0.1:30000/v1"),
    own("lm-studio", "http://127.0.0.1:1234/v1"),
    own("llamacpp", "http://127.0.0.1:8080/v1"),
    Preset {
        name: "openai-compatible",
        base: None,
        key: None,
        features: OPEN,
    },
];

const fn hosted(
    name: &'static str,
    base: &'static str,
    key: &'static str,
    features: &'static [Feature],
) -> Preset {
    Preset {
        name,
        base: Some(base),
        key: Some(key),
        features,
    }
}

const fn own(name: &'static str, base: &'static str) -> Preset {
    Preset {
        name,
        base: Some(base),
        key: None,
        features: OPEN,
    }
}

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// Whether the server knows `feature`.
    pub fn knows(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Endpoint;

    #[test]
    fn every_preset_is_found_and_its_address_is_one() {
        for preset in PRESETS {
            assert_eq!(Preset::named(preset.name), Some(preset));
            let base = preset.base.map(Endpoint::new);
            assert!(base.is_none_or(|base| base.is_ok()), "{}", preset.name);
        }
        assert_eq!(Preset::named("nobody"), None);
    }

    #[test]
    fn a_server_has_one_way_to_say_each_thing() {
        for preset in PRESETS {
            let both = |one, other| preset.knows(one) && preset.knows(other);
            assert!(!both(Effort, ReasoningObject), "{}", preset.name);
            assert!(!both(ReasoningContent, ReasoningDetails), "{}", preset.name);
        }
    }
}
