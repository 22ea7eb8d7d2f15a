//! Where people keep their providers' keys and addresses, and which model of each provider to begin with.

/// A kind of provider as it shows in an environment.
#[derive(Debug)]
pub(super) struct Starter {
    /// `kind` in the configuration, and the provider's name there.
    pub(super) kind: &'static str,
    /// Variables that hold its key, the usual one first.
    pub(super) keys: &'static [&'static str],
    /// Variables that hold its address, beside those that are called like the key with `_BASE_URL` or `_API_BASE`.
    pub(super) bases: &'static [&'static str],
    /// What the provider's own clients put behind an address without a path, and we write down.
    pub(super) path: &'static str,
    /// The model to begin with: an everyday one, cheap enough to try things with.
    pub(super) model: &'static str,
}

/// All of them, in the order in which they are written.
///
/// Names of variables are those of the providers' own clients and, second, those that LiteLLM reads; models are current ones
/// of the catalogue, where a test finds each with its price. Source: the clients' documentation and
/// <https://docs.litellm.ai/docs/providers>, read 2026-11-29.
pub(super) const STARTERS: &[Starter] = &[
    Starter {
        bases: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
        ..starter("openai", &["OPENAI_API_KEY"], "gpt-6-luna")
    },
    Starter {
        path: "/v1",
        ..starter("anthropic", &["ANTHROPIC_API_KEY"], "claude-haiku-5-5")
    },
    Starter {
        bases: &["GOOGLE_GEMINI_BASE_URL"],
        path: "/v1beta",
        ..starter(
            "gemini",
            &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            "gemini-3.8-flash",
        )
    },
    Starter {
        path: "/v1",
        ..starter("mistral", &["MISTRAL_API_KEY"], "mistral-small-latest")
    },
    Starter {
        path: "/openai/v1",
        ..starter("groq", &["GROQ_API_KEY"], "openai/gpt-oss-120b")
    },
    starter("openrouter", &["OPENROUTER_API_KEY"], "openai/gpt-6-luna"),
    Starter {
        bases: &["AZURE_OPENAI_ENDPOINT", "AZURE_API_BASE"],
        ..starter(
            "azure",
            &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"],
            "gpt-6-luna",
        )
    },
    Starter {
        bases: &["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"],
        ..starter(
            "bedrock",
            &["AWS_BEARER_TOKEN_BEDROCK"],
            "global.anthropic.claude-haiku-5-5",
        )
    },
    Starter {
        bases: &["CO_API_URL"],
        path: "/v2",
        ..starter(
            "cohere",
            &["CO_API_KEY", "COHERE_API_KEY"],
            "command-a-03-2025",
        )
    },
    starter("deepseek", &["DEEPSEEK_API_KEY"], "deepseek-v4-flash"),
    starter("xai", &["XAI_API_KEY"], "grok-4.3"),
    starter(
        "together",
        &[
            "TOGETHER_API_KEY",
            "TOGETHERAI_API_KEY",
            "TOGETHER_AI_API_KEY",
        ],
        "openai/gpt-oss-120b",
    ),
    starter(
        "fireworks",
        &["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"],
        "accounts/fireworks/models/gpt-oss-120b",
    ),
    starter("cerebras", &["CEREBRAS_API_KEY"], "gpt-oss-120b"),
    starter(
        "perplexity",
        &["PERPLEXITY_API_KEY", "PERPLEXITYAI_API_KEY"],
        "sonar",
    ),
    starter(
        "nvidia",
        &["NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY"],
        "openai/gpt-oss-120b",
    ),
    starter(
        "huggingface",
        &["HF_TOKEN", "HUGGINGFACE_API_KEY"],
        "openai/gpt-oss-120b:groq",
    ),
];

const fn starter(
    kind: &'static str,
    keys: &'static [&'static str],
    model: &'static str,
) -> Starter {
    Starter {
        kind,
        keys,
        bases: &[],
        path: "",
        model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{self, Mode};
    use crate::config::preset::PRESETS;

    #[test]
    fn every_model_to_begin_with_is_a_chat_model_with_a_published_price() {
        for starter in STARTERS {
            // NVIDIA publishes none, so its answers have no cost until somebody writes a price.
            if starter.kind == "nvidia" {
                continue;
            }
            let model = starter.model;
            let entry = catalogue::find(starter.kind, model);
            let entry = entry.unwrap_or_else(|| panic!("{}/{model} is published", starter.kind));
            assert!(
                entry.price.is_some(),
                "{}/{model} has a price",
                starter.kind
            );
            assert_eq!(entry.mode, Mode::Chat, "{}/{model}", starter.kind);
        }
    }

    #[test]
    fn every_preset_that_needs_a_key_is_looked_for_under_its_variable() {
        for preset in PRESETS {
            let Some(key) = preset.key else { continue };
            let found = STARTERS.iter().find(|starter| starter.kind == preset.name);
            let found = found.unwrap_or_else(|| panic!("{} is looked for", preset.name));
            assert!(found.keys.contains(&key), "{key}");
        }
    }
}
