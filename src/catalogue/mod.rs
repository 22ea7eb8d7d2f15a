//! What models cost and can do, as far as it is published: a list that is part of the program.
//!
//! The problem: a price that somebody must type in is a price that is missing or old, and without one there is no cost to
//! balance by. The choice: an embedded list, made by `scripts/catalogue` out of packages that follow the providers' price
//! pages, each entry with its date and its sources; `[prices]` in the configuration overrides it, and
//! `weighbridge prices refresh` writes such overrides out of newer data. The list knows list prices alone: no contract, no
//! batch or priority rates, no regions beyond those that are part of a model's name. Nothing here is read while a request
//! is served; the first question reads the list once, in some milliseconds.

use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::model::Price;

mod amount;
mod find;
mod genai;
mod litellm;
mod read;

pub use find::List;
pub use read::{Unreadable, read};

/// The list itself.
const EMBEDDED: &str = include_str!("models.psv");

/// The kinds of providers that the list knows: `kind` in the configuration, and the names of presets.
pub const KINDS: &[&str] = &[
    "anthropic",
    "azure",
    "bedrock",
    "cerebras",
    "cohere",
    "deepseek",
    "fireworks",
    "gemini",
    "groq",
    "huggingface",
    "mistral",
    "nvidia",
    "openai",
    "openrouter",
    "perplexity",
    "together",
    "vertex",
    "xai",
];

/// A model at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The provider's kind, one of [`KINDS`].
    pub kind: &'static str,
    /// The model's name at that provider.
    pub model: String,
    /// What it is asked for.
    pub mode: Mode,
    /// The list price; `None` where only the rest is known.
    pub price: Option<Price>,
    /// Most tokens of a prompt.
    pub context: Option<u64>,
    /// Most tokens of an answer.
    pub max_output: Option<u64>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The day on which the sources said so, such as `2026-11-23`.
    pub date: Arc<str>,
    /// Who says so: data packages with their versions.
    pub source: Arc<str>,
    /// The provider's page that they name.
    pub page: Option<Arc<str>>,
    /// Whether another source says otherwise about the price.
    pub disputed: bool,
}

/// What a model is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Chats.
    Chat,
    /// Texts to go on with: the legacy completions.
    Completion,
    /// Chats by the Responses API alone.
    Responses,
    /// Vectors.
    Embedding,
}

/// What a model can do; `None` where the sources do not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Capabilities {
    /// Calls tools.
    pub tools: Option<bool>,
    /// Sees images.
    pub images: Option<bool>,
    /// Hears audio.
    pub audio: Option<bool>,
    /// Keeps to a JSON schema.
    pub json_schema: Option<bool>,
    /// Reasons before it answers.
    pub reasoning: Option<bool>,
    /// Streams its answers.
    pub streaming: Option<bool>,
}

/// All entries, sorted by kind and model.
pub fn entries() -> &'static [Entry] {
    LIST.entries()
}

/// The entry of `model` at a provider of this kind.
///
/// Names are taken as providers take them, so what differs in spelling alone is found too: a date or a version at the end
/// (`gpt-4o-2024-08-06`, `claude-haiku-4-5@20251001`, `…-v1:0`, `-latest`) that the list does not have, `models/` and
/// `publishers/…/models/` in front, the region of a Bedrock profile, Fireworks' and Vertex' owners, OpenRouter's variants
/// (`:nitro`, not `:free`). An exact name always wins. `None` where nothing is known, also for kinds that the list lacks.
pub fn find(kind: &str, model: &str) -> Option<&'static Entry> {
    LIST.find(kind, model)
}

/// Whether `text` is a day such as `2026-11-23`.
pub fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let number = |text: &str, digits: usize| {
        let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| text.parse::<u32>().ok())?
    };
    number(year, 4).is_some()
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
}

static LIST: LazyLock<List> = LazyLock::new(|| {
    // A test shows that the embedded list can be read. Without a list all prices must be configured, which is said.
    List::new(read::own(EMBEDDED).unwrap_or_default())
});

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chat => "chat",
            Self::Completion => "completion",
            Self::Responses => "responses",
            Self::Embedding => "embedding",
        })
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
