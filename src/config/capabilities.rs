//! `capabilities`: what a model can do, where the published list has it wrong or does not have it.

use crate::catalogue::{self, Mode};

use super::Provider;
use super::section::Section;

/// What a model can do, as far as is known; `None` is unknown, and allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Calls tools.
    pub tools: Option<bool>,
    /// Sees images.
    pub images: Option<bool>,
    /// Keeps to a JSON schema.
    pub json_schema: Option<bool>,
    /// Most tokens of a prompt.
    pub context: Option<u64>,
    /// Most tokens of an answer.
    pub max_output: Option<u64>,
}

/// Most tokens of a prompt or an answer that may be written: far more than any model has.
const MOST_TOKENS: i64 = 1_000_000_000;

// === impl Capabilities ===

impl Capabilities {
    /// These, and where they say nothing, `wider`.
    #[must_use]
    pub fn or(self, wider: Self) -> Self {
        Self {
            tools: self.tools.or(wider.tools),
            images: self.images.or(wider.images),
            json_schema: self.json_schema.or(wider.json_schema),
            context: self.context.or(wider.context),
            max_output: self.max_output.or(wider.max_output),
        }
    }
}

// === impl Provider ===

impl Provider {
    /// What `model` can do at this provider: as written, else as published, which nothing is of a server of one's own.
    pub fn capabilities_of(&self, model: &str) -> Capabilities {
        let entry = self
            .catalogue()
            .and_then(|kind| catalogue::find(kind, model))
            .filter(|entry| matches!(entry.mode, Mode::Chat | Mode::Responses));
        let published = entry.map_or_else(Capabilities::default, |entry| Capabilities {
            tools: entry.capabilities.tools,
            images: entry.capabilities.images,
            json_schema: entry.capabilities.json_schema,
            context: entry.context,
            max_output: entry.max_output,
        });
        self.capabilities.or(published)
    }
}

/// The table of a provider or a target.
pub(super) fn capabilities(section: Option<Section<'_>>) -> Capabilities {
    let Some(mut section) = section else {
        return Capabilities::default();
    };
    let mut can = |key: &'static str| section.field(key)?.boolean();
    let (tools, images, json_schema) = (can("tools"), can("images"), can("json_schema"));
    let mut tokens = |key: &'static str| {
        let tokens: i64 = section.field(key)?.whole(1..=MOST_TOKENS)?;
        u64::try_from(tokens).ok()
    };
    let (context, max_output) = (tokens("context"), tokens("max_output"));
    section.finish(&["audio", "reasoning", "streaming"]);
    Capabilities {
        tools,
        images,
        json_schema,
        context,
        max_output,
    }
}
