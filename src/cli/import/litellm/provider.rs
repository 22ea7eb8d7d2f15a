//! What a deployment says about its provider: kind, address, credential. Deployments that say the same share one.

use super::super::section::{Notes, Section, What};
use super::super::yaml::Node;
use super::known::{BARE, Known, PROVIDERS};
use super::secrets::{Secrets, demanded, plain, variable};
use crate::cli::toml_text::{quoted, text};
use crate::config::Endpoint;

/// A provider as it will be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Provider {
    pub(super) kind: &'static str,
    /// Keys and values in TOML.
    pub(super) fields: Vec<(&'static str, String)>,
    /// What to call it, as long as nobody else is called so.
    pub(super) wish: String,
}

/// An address that a provider cannot do without; it was told.
struct Missing;

/// The provider and the model's name there, without what `model` has in front.
pub(super) fn split<'a>(
    model: &'a str,
    named: Option<&str>,
) -> Result<(&'static Known, &'a str), String> {
    let find = |prefix: &str| PROVIDERS.iter().find(|known| known.prefix == prefix);
    if let Some(named) = named {
        let known = find(named).ok_or_else(|| no_kind(named))?;
        let bare = model
            .strip_prefix(named)
            .and_then(|rest| rest.strip_prefix('/'));
        return Ok((known, bare.unwrap_or(model)));
    }
    if let Some((prefix, rest)) = model.split_once('/') {
        return Ok((find(prefix).ok_or_else(|| no_kind(prefix))?, rest));
    }
    let bare = BARE.iter().find(|(start, _)| model.starts_with(start));
    let known = bare.and_then(|(_, prefix)| find(prefix));
    let known =
        known.ok_or("expected \"provider/model\": whose model it is, its name does not tell")?;
    Ok((known, model))
}

fn no_kind(prefix: &str) -> String {
    format!(
        "the provider {} has no kind here; if it speaks OpenAI's format, write one of kind = \"openai-compatible\" with its base_url",
        super::super::section::shown(prefix)
    )
}

/// What reading a provider goes by.
pub(super) struct Reading<'a, 'b> {
    pub(super) known: &'static Known,
    pub(super) params: &'a mut Section<'b>,
    pub(super) line: usize,
    pub(super) secrets: &'a mut Secrets,
    pub(super) notes: &'a mut Notes,
}

// === impl Reading ===

impl Reading<'_, '_> {
    /// The provider; `model` loses what belongs to an address. `None` where something is missing, which is told.
    pub(super) fn provider(mut self, model: &mut String) -> Option<Provider> {
        let kind = self.known.kind;
        let mut wish = kind.to_owned();
        let mut fields = Vec::new();
        match kind {
            "bedrock" => fields.push(("region", self.region(model, &mut wish))),
            "vertex" => fields.extend(self.vertex()),
            "azure" => {
                let version = self.word("api_version");
                // These are names of the API that needs no version.
                let version =
                    version.filter(|it| !["preview", "latest", "v1"].contains(&it.as_str()));
                fields.extend(version.map(|version| ("api_version", plain(&version))));
            }
            _ => {}
        }
        fields.extend(self.base(&mut wish).ok()?.map(|base| ("base_url", base)));
        if kind == "openai" {
            let organization = self.word("organization");
            fields.extend(organization.map(|it| ("organization", plain(&it))));
        }
        if kind != "vertex" {
            let key = self.key(&wish, fields.iter().any(|(key, _)| *key == "base_url"));
            fields.extend(key.map(|key| ("api_key", key)));
        }
        Some(Provider { kind, fields, wish })
    }

    fn text(&mut self, key: &str) -> Option<(usize, String)> {
        let node = self.params.take(key)?;
        Some((node.line, node.text()?.trim().to_owned()))
    }

    /// A text that becomes part of an address or a header; another one is told.
    fn word(&mut self, key: &str) -> Option<String> {
        let (line, word) = self.text(key)?;
        let fit = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let fits = !word.is_empty() && word.len() <= 100 && word.chars().all(fit);
        if fits || variable(&word).is_some() {
            return Some(word);
        }
        let why = "expected letters, digits, '-', '_', '.' and ':' only";
        self.tell(line, key, What::NotCarriedOver, why);
        None
    }

    fn tell(&mut self, line: usize, key: &str, what: What, why: &str) {
        self.notes.tell(line, &self.params.at(key), what, why);
    }

    /// The credential: as written, else by the variable that LiteLLM reads.
    fn key(&mut self, wish: &str, is_elsewhere: bool) -> Option<String> {
        let path = self.params.at("api_key");
        let node: Option<&Node> = self.params.take("api_key");
        if let Some(node) = node {
            let wish = format!("{wish}_API_KEY");
            return self.secrets.credential(node, &path, &wish, self.notes);
        }
        let name = self.known.key?;
        if self.known.kind == "bedrock" {
            let why = "Bedrock is called with an API key here: set AWS_BEARER_TOKEN_BEDROCK, or build with the feature `aws` and \
                       write credentials = \"aws\" in place of api_key";
            self.tell(self.line, "api_key", What::ToDo, why);
        }
        // A server of one's own is asked with OpenAI's key by LiteLLM too, which nobody means.
        (!(is_elsewhere && self.known.kind == "openai")).then(|| demanded(name))
    }

    /// The address, if it is not the kind's own.
    fn base(&mut self, wish: &mut String) -> Result<Option<String>, Missing> {
        let found = self.text("api_base").or_else(|| self.text("base_url"));
        let Some((line, written)) = found else {
            if self.known.kind == "azure" {
                return Ok(Some(demanded("AZURE_API_BASE")));
            }
            if self.known.needs_base {
                let why = "there is no api_base, and this provider has no address of its own";
                self.tell(self.line, "api_base", What::NotCarriedOver, why);
                return Err(Missing);
            }
            return Ok(None);
        };
        if variable(&written).is_some() {
            if let Some(path) = own_path(self.known.kind) {
                let why = format!("the address in the variable must end with {path}");
                self.tell(line, "api_base", What::ToDo, &why);
            }
            return Ok(Some(plain(&written)));
        }
        match Endpoint::new(&written) {
            Ok(endpoint) => {
                *wish = self.named_by(&endpoint);
                Ok(Some(text(&address(self.known.kind, &endpoint))))
            }
            Err(why) => {
                let key = format!("{}_BASE_URL", wish.to_ascii_uppercase().replace('-', "_"));
                let why = format!("{why}: set {key} to an address");
                self.tell(line, "api_base", What::ToDo, &why);
                Ok(Some(demanded(&key)))
            }
        }
    }

    /// What to call a provider at `endpoint`.
    fn named_by(&self, endpoint: &Endpoint) -> String {
        let kind = self.known.kind;
        let host = endpoint.origin.rsplit('/').next().unwrap_or_default();
        let host: String = host
            .chars()
            .take_while(|c| *c != ':')
            .filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c))
            .collect();
        match kind {
            "azure" => format!("azure-{}", host.split('.').next().unwrap_or_default()),
            "openai" if host != "api.openai.com" => format!("openai-at-{host}"),
            "openai-compatible" if !host.is_empty() => format!("at-{host}"),
            _ => kind.to_owned(),
        }
    }

    /// The region of Bedrock: written, in front of the model's name, or by variable.
    fn region(&mut self, model: &mut String, wish: &mut String) -> String {
        for way in ["converse/", "converse_like/", "invoke/"] {
            if let Some(rest) = model.strip_prefix(way) {
                *model = rest.to_owned();
            }
        }
        let is_region = |text: &str| {
            let parts: Vec<&str> = text.split('-').collect();
            parts.len() >= 3
                && parts
                    .iter()
                    .all(|part| part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
                && parts.last().is_some_and(|last| last.parse::<u8>().is_ok())
        };
        let in_front = model.split_once('/').filter(|(first, _)| is_region(first));
        let in_front = in_front.map(|(region, rest)| (region.to_owned(), rest.to_owned()));
        if let Some((_, rest)) = &in_front {
            rest.clone_into(model);
        }
        let written = self.word("aws_region_name");
        match written.or_else(|| in_front.map(|(region, _)| region)) {
            Some(region) => {
                if variable(&region).is_none() {
                    *wish = format!("bedrock-{region}");
                }
                plain(&region)
            }
            None => quoted("${AWS_REGION:-us-west-2}"),
        }
    }

    /// Project, region and login of Vertex AI.
    fn vertex(&mut self) -> Vec<(&'static str, String)> {
        let project = self.word("vertex_project").map(|it| plain(&it));
        let region = self.word("vertex_location").map(|it| plain(&it));
        let login = match self.text("vertex_credentials") {
            Some((line, written)) if written.trim_start().starts_with('{') => {
                let why = "the key file itself is not written: save it and write credentials = { file = \"…\" }";
                self.tell(line, "vertex_credentials", What::ToDo, why);
                None
            }
            Some((line, written)) => {
                if variable(&written).is_some() {
                    let why = "the variable must hold the path of a key file, not its content";
                    self.tell(line, "vertex_credentials", What::ToDo, why);
                }
                Some(format!("{{ file = {} }}", plain(&written)))
            }
            None => None,
        };
        vec![
            (
                "project",
                project.unwrap_or_else(|| demanded("VERTEXAI_PROJECT")),
            ),
            (
                "region",
                region.unwrap_or_else(|| quoted("${VERTEXAI_LOCATION:-us-central1}")),
            ),
            ("credentials", login.unwrap_or_else(|| quoted("adc"))),
        ]
    }
}

/// The path that an address of this kind ends with here and does not with LiteLLM.
fn own_path(kind: &str) -> Option<&'static str> {
    match kind {
        "anthropic" | "ollama" => Some("/v1"),
        "gemini" => Some("/v1beta"),
        "cohere" => Some("/v2"),
        _ => None,
    }
}

/// The address as it is written here.
fn address(kind: &str, endpoint: &Endpoint) -> String {
    let Endpoint { origin, path } = endpoint;
    if kind == "azure" {
        // What follows is worked out of the deployment and the version.
        let path = path.split("/openai").next().unwrap_or_default();
        return format!("{origin}{path}");
    }
    let Some(own) = own_path(kind) else {
        return format!("{origin}{path}");
    };
    // Where whole addresses were written, the end of them is what is asked.
    let path = path.split("/messages").next().unwrap_or_default();
    let path = path.strip_suffix(own).unwrap_or(path);
    format!("{origin}{path}{own}")
}
