//! `[providers.NAME]`: what is called, how, and with which credential.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::law::Law;
use crate::model::ProviderName;

use super::credential::credential;
use super::field::Field;
use super::interpolate::Lookup;
use super::law::law;
use super::problem::{Problem, nearest};
use super::section::Section;
use super::{Endpoint, Provider, ProviderKind};

/// Where OpenAI's own API is: the default of its own client.
/// Source: <https://github.com/openai/openai-python>, commit 38dd534 (2024-09-09).
const OPENAI: &str = "https://api.openai.com/v1";

/// Kinds that later versions know, and those that speak OpenAI's format and so need no kind of their own.
const LATER: &[&str] = &[
    "anthropic",
    "azure",
    "bedrock",
    "cohere",
    "gemini",
    "google",
    "vertex",
];
const ALIKE: &[&str] = &[
    "compatible",
    "deepseek",
    "fireworks",
    "groq",
    "llamacpp",
    "lmstudio",
    "mistral",
    "ollama",
    "openai-compatible",
    "openrouter",
    "sglang",
    "together",
    "vllm",
    "xai",
];

/// Keys of providers that later versions know.
const UNSUPPORTED: &[&str] = &[
    "api_version",
    "budget",
    "capabilities",
    "ca_file",
    "deadlines",
    "headers",
    "limits",
    "max_in_flight",
    "organization",
    "project",
    "proxy",
    "quota_group",
    "region",
    "rpm",
    "tpm",
];

/// All providers that could be read, by name.
pub(super) fn providers(
    section: &Section<'_>,
    lookup: &dyn Lookup,
) -> BTreeMap<ProviderName, Arc<Provider>> {
    section
        .entries()
        .filter_map(|(name, field)| {
            let name = match ProviderName::new(name) {
                Ok(name) => name,
                Err(error) => {
                    field.problem(error.to_string(), "");
                    return None;
                }
            };
            let provider = provider(name.clone(), &field, lookup)?;
            Some((name, Arc::new(provider)))
        })
        .collect()
}

fn provider(name: ProviderName, field: &Field<'_>, lookup: &dyn Lookup) -> Option<Provider> {
    let mut section = field.section()?;
    let _enabled = section.field("enabled").and_then(|field| field.boolean());
    let written = Written {
        key: section.field("api_key"),
        base: section.field("base_url"),
        law: section.field("law"),
    };
    let models = section.field("models").map(|field| field.texts());
    let tags = section.field("tags").map(|field| field.texts());
    let discount = section.field("discount").and_then(|field| field.fraction());
    let kind = section.field("kind");
    section.finish(UNSUPPORTED);
    let api_key = match &written.key {
        Some(key) => credential(key, lookup).map(Some),
        None => Some(None),
    };
    let Some(kind) = kind else {
        field.conflict(
            "expected `kind`, found none",
            "write kind = \"openai\" or kind = \"simulated\"",
        );
        return None;
    };
    Some(Provider {
        name,
        kind: written.kind(field, kind_of(&kind)?)?,
        api_key: api_key?,
        models: models.unwrap_or_default(),
        tags: tags.unwrap_or_default(),
        discount: discount.unwrap_or(0.0),
    })
}

/// What belongs to one kind or another.
struct Written<'a> {
    key: Option<Field<'a>>,
    base: Option<Field<'a>>,
    law: Option<Field<'a>>,
}

impl Written<'_> {
    /// The kind with what belongs to it; tells what belongs to another.
    fn kind(&self, provider: &Field<'_>, kind: Kind) -> Option<ProviderKind> {
        let law = match &self.law {
            Some(field) => law(field),
            None => Some(Box::new(Law::default())),
        };
        match kind {
            Kind::OpenAi => {
                only_for(self.law.as_ref(), "simulated");
                let (problem, hint) = (
                    "no api_key: OpenAI refuses requests without one",
                    "write api_key = \"${OPENAI_API_KEY}\"",
                );
                if self.base.is_none() && self.key.is_none() {
                    provider.warn(problem, hint);
                }
                let base = match &self.base {
                    Some(field) => endpoint(field),
                    None => Endpoint::new(OPENAI).ok(),
                };
                Some(ProviderKind::OpenAi { base: base? })
            }
            Kind::Simulated => {
                only_for(self.base.as_ref(), "openai");
                only_for(self.key.as_ref(), "openai");
                Some(ProviderKind::Simulated { law: law? })
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    OpenAi,
    Simulated,
}

fn kind_of(field: &Field<'_>) -> Option<Kind> {
    let word = field.str()?;
    match word {
        "openai" => return Some(Kind::OpenAi),
        "simulated" => return Some(Kind::Simulated),
        _ => {}
    }
    if LATER.contains(&word) {
        field.problem(
            format!("kind \"{word}\" is not supported by this version"),
            "an OpenAI-compatible address of it works with kind = \"openai\" and its base_url",
        );
    } else if ALIKE.contains(&word) {
        field.problem(
            format!("there is no kind \"{word}\""),
            "it speaks OpenAI's format: write kind = \"openai\" and its base_url",
        );
    } else {
        let hint = nearest(word, ["openai", "simulated"])
            .map(|kind| format!("did you mean \"{kind}\"?"))
            .unwrap_or_default();
        field.expected("kind \"openai\" or \"simulated\"", &hint);
    }
    None
}

fn only_for(field: Option<&Field<'_>>, kind: &str) {
    if let Some(field) = field {
        field.conflict(
            format!("expected only with kind = \"{kind}\""),
            "remove it, or give the provider another name in this environment",
        );
    }
}

fn endpoint(field: &Field<'_>) -> Option<Endpoint> {
    match Endpoint::new(field.str()?) {
        Ok(endpoint) => Some(endpoint),
        Err(error) => {
            field.problem(
                error.to_string(),
                "for example \"https://api.openai.com/v1\"",
            );
            None
        }
    }
}

/// The problem of naming a provider that is not there.
pub(super) fn unknown<'a>(
    field: &Field<'_>,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Problem {
    let problem = field.at(format!("there is no provider {}", super::mask::quote(name)));
    let known: Vec<&str> = known.into_iter().take(500).collect();
    match nearest(name, known.iter().copied()) {
        Some(other) => problem.hint(format!("did you mean \"{other}\"?")),
        None if known.is_empty() => problem,
        None => problem.hint(format!("there are: {}", first(&known))),
    }
}

/// The first few names.
fn first(names: &[&str]) -> String {
    let some: Vec<&str> = names.iter().copied().take(10).collect();
    let more = if names.len() > some.len() {
        ", …"
    } else {
        ""
    };
    format!("{}{more}", some.join(", "))
}
