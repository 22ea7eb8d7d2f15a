//! Which API a provider has, and what of the address belongs to it.

use super::preset::{OPENAI, PRESETS, Preset};

/// An API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interface {
    /// OpenAI's, as this preset has it.
    OpenAi(&'static Preset),
    /// Azure OpenAI.
    Azure {
        /// `api-version` of the address by deployments; `None` for the newer one, `/openai/v1`, which needs none.
        api_version: Option<String>,
    },
    /// Anthropic's Messages.
    Anthropic,
    /// Google's Gemini API with a key of AI Studio.
    Gemini,
    /// The same models of Vertex AI.
    Vertex {
        /// The project that is charged.
        project: String,
        /// The region, or `global`.
        region: String,
    },
    /// Bedrock's Converse.
    Bedrock,
    /// Cohere's chat, version 2.
    Cohere,
}

/// Kinds that have an API of their own.
pub(super) const OWN_KINDS: &[&str] = &[
    "azure",
    "anthropic",
    "gemini",
    "vertex",
    "bedrock",
    "cohere",
];

impl Interface {
    /// OpenAI's own.
    pub const OPENAI: Self = Self::OpenAi(&OPENAI);

    /// Its `kind` in the configuration.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::OpenAi(preset) => preset.name,
            Self::Azure { .. } => "azure",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Vertex { .. } => "vertex",
            Self::Bedrock => "bedrock",
            Self::Cohere => "cohere",
        }
    }

    /// Where it is, if the same for everybody.
    pub(super) fn base(&self) -> Option<String> {
        let fixed = match self {
            Self::OpenAi(preset) => preset.base?,
            Self::Azure { .. } | Self::Bedrock => return None,
            Self::Anthropic => "https://api.anthropic.com/v1",
            Self::Gemini => "https://generativelanguage.googleapis.com/v1beta",
            Self::Vertex { region, .. } if region == "global" => {
                "https://aiplatform.googleapis.com/v1"
            }
            Self::Vertex { region, .. } => {
                return Some(format!("https://{region}-aiplatform.googleapis.com/v1"));
            }
            Self::Cohere => "https://api.cohere.com/v2",
        };
        Some(fixed.to_owned())
    }

    /// The variable in which its users keep their credential; `None` where none is needed.
    pub(super) const fn key(&self) -> Option<&'static str> {
        match self {
            Self::OpenAi(preset) => preset.key,
            Self::Azure { .. } => Some("AZURE_OPENAI_API_KEY"),
            Self::Anthropic => Some("ANTHROPIC_API_KEY"),
            Self::Gemini => Some("GEMINI_API_KEY"),
            Self::Vertex { .. } => Some("GOOGLE_ACCESS_TOKEN"),
            Self::Bedrock => Some("AWS_BEARER_TOKEN_BEDROCK"),
            Self::Cohere => Some("CO_API_KEY"),
        }
    }
}

/// All kinds of providers that are called, for messages.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    let presets = PRESETS.iter().map(|preset| preset.name);
    presets.chain(OWN_KINDS.iter().copied())
}
