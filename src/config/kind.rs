//! `kind` of a provider, and the keys that belong to one kind or another.

use crate::law::Law;

use super::Endpoint;
use super::ProviderKind;
use super::field::Field;
use super::interface::{Interface, OWN_KINDS, kinds};
use super::interpolate::Lookup;
use super::law::law;
use super::login::{self, Login};
use super::preset::{ELSEWHERE, Preset};
use super::problem::nearest;
use super::section::Section;
use super::tree::Value;

/// Names under which people look for a kind that is called otherwise here.
const OTHERWISE: &[(&str, &str)] = &[
    ("azure-openai", "azure"),
    ("claude", "anthropic"),
    ("compatible", "openai-compatible"),
    ("google", "gemini"),
    ("lmstudio", "lm-studio"),
    ("llama.cpp", "llamacpp"),
    ("x-ai", "xai"),
];

/// What belongs to one kind or another, as written.
#[derive(Debug)]
pub(super) struct Written<'a> {
    pub(super) key: Option<Field<'a>>,
    pub(super) keys: Option<Field<'a>>,
    credentials: Option<Field<'a>>,
    base: Option<Field<'a>>,
    api_version: Option<Field<'a>>,
    region: Option<Field<'a>>,
    project: Option<Field<'a>>,
    organization: Option<Field<'a>>,
    law: Option<Field<'a>>,
    speaks: Option<Field<'a>>,
}

// === impl Written ===

impl<'a> Written<'a> {
    /// Takes the keys out of a provider's table.
    pub(super) fn take(section: &mut Section<'a>) -> Self {
        Self {
            key: section.field("api_key"),
            keys: section.field("api_keys"),
            credentials: section.field("credentials"),
            base: section.field("base_url"),
            api_version: section.field("api_version"),
            region: section.field("region"),
            project: section.field("project"),
            organization: section.field("organization"),
            law: section.field("law"),
            speaks: section.field("speaks"),
        }
    }

    /// The headers that tell OpenAI whom to bill; for other kinds, which have none, it is told or means something else.
    /// Source: <https://platform.openai.com/docs/api-reference/authentication>, 2026-11-24.
    pub(super) fn accounts(&self, kind: Option<&Field<'_>>) -> Vec<(&'static str, Field<'a>)> {
        let is_openai = kind.is_some_and(
            |kind| matches!(&kind.node.value, Value::Text(text) if text.full == "openai"),
        );
        let fields = [
            ("openai-organization", &self.organization),
            ("openai-project", &self.project),
        ];
        let set = fields
            .into_iter()
            .filter_map(|(name, field)| Some((name, field.clone()?)));
        set.filter(|_| is_openai).collect()
    }

    /// The kind with what belongs to it; tells what belongs to another.
    pub(super) fn kind(&self, provider: &Field<'_>, kind: &Field<'_>) -> Option<ProviderKind> {
        let word = kind.str()?;
        if word == "simulated" {
            return self.simulated();
        }
        let known = Preset::named(word).is_some() || OWN_KINDS.contains(&word);
        if !known {
            unknown_kind(kind, word);
            return None;
        }
        for field in [&self.law, &self.speaks] {
            only_for(field.as_ref(), "kind = \"simulated\"");
        }
        let interface = self.interface(provider, word)?;
        let base = self.endpoint(provider, &interface)?;
        if interface == Interface::OPENAI {
            self.warn_of_no_path(&base);
        }
        let is_elsewhere = interface == Interface::OPENAI && !is_openais(&base);
        let interface = if is_elsewhere {
            Interface::OpenAi(&ELSEWHERE)
        } else {
            interface
        };
        self.warn_of_no_key(provider, &interface);
        Some(ProviderKind::Api { interface, base })
    }

    /// How the credential is worked out, if it is; tells what is wrong with it and what does not go with it.
    pub(super) fn login(&self, kind: Option<&Field<'_>>, lookup: &dyn Lookup) -> Option<Login> {
        let field = self.credentials.as_ref()?;
        if let Some(key) = self.key.as_ref().or(self.keys.as_ref()) {
            key.conflict(
                "expected either api_key or credentials, found both",
                "remove one of them",
            );
        }
        match kind?.str()? {
            "vertex" => login::google(field, lookup),
            "bedrock" => {
                let region = self.region.as_ref().and_then(Field::str);
                login::aws(field, region.map(str::to_owned))
            }
            // Told with the kind.
            "simulated" => None,
            _ => {
                only_for(Some(field), "kind = \"vertex\" or \"bedrock\"");
                None
            }
        }
    }

    fn simulated(&self) -> Option<ProviderKind> {
        let elsewhere = [
            &self.base,
            &self.key,
            &self.keys,
            &self.credentials,
            &self.api_version,
            &self.region,
            &self.project,
            &self.organization,
        ];
        for field in elsewhere {
            only_for(field.as_ref(), "a kind that is called at an address");
        }
        let law = match &self.law {
            Some(field) => law(field),
            None => Some(Box::new(Law::default())),
        };
        let speaks = match &self.speaks {
            Some(field) => spoken(field),
            None => Some(Interface::OPENAI),
        };
        Some(ProviderKind::Simulated {
            law: law?,
            speaks: speaks?,
        })
    }

    fn interface(&self, provider: &Field<'_>, word: &str) -> Option<Interface> {
        if word != "azure" {
            only_for(self.api_version.as_ref(), "kind = \"azure\"");
        }
        if word != "vertex" && word != "openai" {
            only_for(
                self.project.as_ref(),
                "kind = \"vertex\" or kind = \"openai\"",
            );
        }
        if word != "openai" {
            only_for(self.organization.as_ref(), "kind = \"openai\"");
        }
        if word != "vertex" && word != "bedrock" {
            only_for(self.region.as_ref(), "kind = \"bedrock\" or \"vertex\"");
        }
        let text = |field: &Option<Field<'_>>| field.as_ref().map(plain);
        match word {
            "azure" => Some(Interface::Azure {
                api_version: match text(&self.api_version) {
                    Some(version) => Some(version?),
                    None => None,
                },
            }),
            "anthropic" => Some(Interface::Anthropic),
            "gemini" => Some(Interface::Gemini),
            "cohere" => Some(Interface::Cohere),
            "bedrock" => Some(Interface::Bedrock),
            "vertex" => {
                let Some(project) = text(&self.project) else {
                    let hint = "write project = \"…\": the id of the Google Cloud project";
                    provider.missing("project", hint);
                    return None;
                };
                Some(Interface::Vertex {
                    project: project?,
                    region: match text(&self.region) {
                        Some(region) => region?,
                        None => "global".to_owned(),
                    },
                })
            }
            name => Preset::named(name).map(Interface::OpenAi),
        }
    }

    /// Where it is: as written, else where this kind always is.
    fn endpoint(&self, provider: &Field<'_>, interface: &Interface) -> Option<Endpoint> {
        if let Some(field) = &self.base {
            return endpoint(field);
        }
        if *interface == Interface::Bedrock {
            let Some(field) = &self.region else {
                let hint = "write region = \"eu-central-1\", or the base_url of a private endpoint";
                provider.missing("region", hint);
                return None;
            };
            let region = plain(field)?;
            return Endpoint::new(&format!("https://bedrock-runtime.{region}.amazonaws.com")).ok();
        }
        let Some(base) = interface.base() else {
            let hint = match interface {
                Interface::Azure { .. } => {
                    "write base_url = \"https://NAME.openai.azure.com\" with your resource's name"
                }
                _ => "write base_url = \"http://HOST:PORT/v1\"",
            };
            provider.missing("base_url", hint);
            return None;
        };
        Endpoint::new(&base).ok()
    }

    /// Without a path, requests go to `/chat/completions`, where OpenAI and most servers have nothing.
    fn warn_of_no_path(&self, base: &Endpoint) {
        if let Some(field) = self.base.as_ref().filter(|_| base.path.is_empty()) {
            let hint = format!("write base_url = \"{}/v1\"", base.origin);
            field.warn(
                "it has no path: most servers have their API under /v1",
                &hint,
            );
        }
    }

    fn warn_of_no_key(&self, provider: &Field<'_>, interface: &Interface) {
        let Some(variable) = interface.key() else {
            return;
        };
        // A server of one's own may need none, whatever it speaks.
        let has_key = self.key.is_some() || self.keys.is_some() || self.credentials.is_some();
        if !has_key && self.base.is_none() {
            let kind = interface.kind();
            provider.warn(
                format!("no api_key: {kind} refuses requests without one"),
                &format!("write api_key = \"${{{variable}}}\""),
            );
        }
    }
}

/// Whether the address is one of OpenAI's own.
fn is_openais(base: &Endpoint) -> bool {
    let host = base.origin.rsplit('/').next().unwrap_or("");
    let host = host.split(':').next().unwrap_or("");
    host == "openai.com" || host.ends_with(".openai.com")
}

/// A region, a project, a version: they become part of an address.
fn plain(field: &Field<'_>) -> Option<String> {
    let text = field.str()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    if !text.is_empty() && text.len() <= 100 && text.bytes().all(fits) {
        return Some(text.to_owned());
    }
    field.expected("letters, digits, '-', '_', '.' and ':' only", "");
    None
}

/// What a simulated provider speaks.
fn spoken(field: &Field<'_>) -> Option<Interface> {
    let word = field.str()?;
    match word {
        "openai" => Some(Interface::OPENAI),
        "anthropic" => Some(Interface::Anthropic),
        "gemini" => Some(Interface::Gemini),
        "bedrock" => Some(Interface::Bedrock),
        "cohere" => Some(Interface::Cohere),
        _ => {
            let all = ["openai", "anthropic", "gemini", "bedrock", "cohere"];
            let hint = nearest(word, all).map(|kind| format!("did you mean \"{kind}\"?"));
            field.expected(
                "\"openai\", \"anthropic\", \"gemini\", \"bedrock\" or \"cohere\"",
                &hint.unwrap_or_default(),
            );
            None
        }
    }
}

fn unknown_kind(field: &Field<'_>, word: &str) {
    let other = OTHERWISE.iter().find(|(name, _)| *name == word);
    let near = other
        .map(|(_, kind)| (*kind).to_owned())
        .or_else(|| nearest(word, kinds().chain(["simulated"])).map(ToString::to_string));
    let hint = near.map_or_else(
        || "a server that speaks OpenAI's format is kind = \"openai\" with its base_url".to_owned(),
        |kind| format!("did you mean \"{kind}\"?"),
    );
    let all: Vec<&str> = kinds().chain(["simulated"]).collect();
    field.expected(&format!("one of {}", all.join(", ")), &hint);
}

fn only_for(field: Option<&Field<'_>>, whose: &str) {
    if let Some(field) = field {
        field.conflict(
            format!("expected only with {whose}"),
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
