//! How a provider is called: address, credential and headers of its API, and the language it is spoken to in.
//!
//! Each credential is turned into its header once, here, and only [`Manner::sign`] hands one out, beside the address that
//! [`Manner::uri`] makes of the configured base: nothing of a request can send it elsewhere.
//!
//! Sources, read 2026-11-24: <https://platform.openai.com/docs/api-reference/authentication>,
//! <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference>,
//! <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/api-version-lifecycle>,
//! <https://docs.anthropic.com/en/api/overview>, <https://ai.google.dev/api/generate-content>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>,
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>,
//! <https://docs.cohere.com/v2/reference/chat>.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{InvalidUri, Uri};

use super::access::{Access, NotSigned, Unsigned};
use super::discretion::discreet;
use super::{headers, options};
use crate::config::preset::Feature;
use crate::config::{Capabilities, Endpoint, Interface, Secret, is_public_header};
use crate::dialect::Front;
use crate::dialect::any::Target;
use crate::model::AnswerKind;

/// Who we say we are.
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("weighbridge/", env!("CARGO_PKG_VERSION")));
/// The version of Anthropic's API that a request has which names none: the only one there is.
const ANTHROPIC_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// How a provider is called.
#[derive(Clone, Debug)]
pub struct Manner {
    interface: Interface,
    credentials: Credentials,
    /// What each request has besides; sensitive too, but for what everybody may know.
    fixed: Vec<(HeaderName, HeaderValue)>,
}

/// What lets requests in.
#[derive(Clone, Debug)]
enum Credentials {
    /// As written: headers, marked as sensitive, so that they are neither printed nor kept in a compression table.
    Static(Vec<(HeaderName, HeaderValue)>),
    /// Worked out, and renewed beside the requests.
    Refreshed(Arc<Access>),
}

/// A credential that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a credential of visible ASCII characters, found another one in it (perhaps a line end)"
)]
pub struct BadSecret;

/// How a request of one front reaches a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// As it came: the provider has the same interface.
    Native,
    /// In the provider's own dialect.
    Translated,
    /// Not at all: the answer is worked out here.
    Estimated,
}

/// What an address is made of, beside the base.
#[derive(Clone, Copy, Debug)]
pub struct PathAsk<'a> {
    /// What was asked for.
    pub front: Front,
    /// How it is said.
    pub speech: Speech,
    /// The provider's model.
    pub model: &'a str,
    /// Whether the answer is to come in pieces.
    pub kind: AnswerKind,
    /// Where [`Front::Other`] goes: path and query, from the slash on.
    pub other: &'a str,
}

// === impl Manner ===

impl Manner {
    /// The manner of a provider with this `interface` and these credentials, which [`Manner::sign`] knows by their places;
    /// none if it needs none.
    ///
    /// # Errors
    /// A secret that cannot stand in a header.
    pub fn new(interface: &Interface, secrets: &[&str]) -> Result<Self, BadSecret> {
        let credentials = secrets
            .iter()
            .map(|secret| credential(interface, secret))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            interface: interface.clone(),
            credentials: Credentials::Static(credentials),
            fixed: Vec::new(),
        })
    }

    /// The same with `headers` in each request, in place of the client's of the same name.
    ///
    /// # Errors
    /// A name or a value that cannot stand in a header.
    pub fn with_headers(mut self, headers: &[(String, Secret)]) -> Result<Self, BadSecret> {
        let header = |(name, value): &(String, Secret)| {
            let name = HeaderName::try_from(name).map_err(|_| BadSecret)?;
            let is_public = is_public_header(name.as_str(), value.expose());
            let mut value = HeaderValue::try_from(value.expose()).map_err(|_| BadSecret)?;
            value.set_sensitive(!is_public);
            Ok((name, value))
        };
        self.fixed = headers.iter().map(header).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// The same with the credential that `access` has at the moment of a request.
    pub fn with_access(mut self, access: Arc<Access>) -> Self {
        self.credentials = Credentials::Refreshed(access);
        self
    }

    /// Where its credential is kept, if it is one that is worked out.
    pub const fn access(&self) -> Option<&Arc<Access>> {
        match &self.credentials {
            Credentials::Static(_) => None,
            Credentials::Refreshed(access) => Some(access),
        }
    }

    /// The dialect that `model` is spoken to in where a request is translated, with what it can do.
    pub fn target(&self, model: &str, can: &Capabilities) -> Target {
        options::target(&self.interface, model, can)
    }

    /// Whether the provider has OpenAI's paths.
    pub const fn is_openai(&self) -> bool {
        matches!(
            self.interface,
            Interface::OpenAi(_) | Interface::Azure { .. }
        )
    }

    /// Whether the address of a known front is the same for all models.
    pub const fn has_fixed_paths(&self) -> bool {
        matches!(self.interface, Interface::OpenAi(_))
    }

    /// How a request of `front` reaches the provider; `None` if it cannot.
    pub fn speech(&self, front: Front) -> Option<Speech> {
        let openai = |feature: Feature| match &self.interface {
            Interface::OpenAi(preset) => preset.knows(feature),
            Interface::Azure { .. } => true,
            Interface::Anthropic
            | Interface::Gemini
            | Interface::Vertex { .. }
            | Interface::Bedrock
            | Interface::Cohere => false,
        };
        let native = match front {
            Front::Chat => self.is_openai(),
            Front::Completions => openai(Feature::Completions),
            Front::Responses => openai(Feature::Responses),
            Front::Embeddings => openai(Feature::Embeddings),
            Front::Messages | Front::CountTokens => self.interface == Interface::Anthropic,
            Front::Other => true,
        };
        match front {
            _ if native => Some(Speech::Native),
            Front::Embeddings => self.has_own_embeddings().then_some(Speech::Translated),
            Front::Other => None,
            Front::CountTokens => Some(Speech::Estimated),
            Front::Chat | Front::Completions | Front::Responses | Front::Messages => {
                Some(Speech::Translated)
            }
        }
    }

    /// Whether the provider has an interface for vectors that is not OpenAI's.
    const fn has_own_embeddings(&self) -> bool {
        matches!(self.interface, Interface::Gemini | Interface::Cohere)
    }

    /// Whether `stream_options.include_usage` may be put into a native request of `front`.
    pub fn asks_usage(&self, front: Front) -> bool {
        let has_option = matches!(front, Front::Chat | Front::Completions);
        has_option
            && match &self.interface {
                Interface::OpenAi(preset) => preset.knows(Feature::StreamUsage),
                Interface::Azure { .. } => true,
                Interface::Anthropic
                | Interface::Gemini
                | Interface::Vertex { .. }
                | Interface::Bedrock
                | Interface::Cohere => false,
            }
    }

    /// Whether the model stands in the address, so that a body that passes as it is need not name it.
    pub const fn has_model_in_path(&self) -> bool {
        matches!(
            self.interface,
            Interface::Azure {
                api_version: Some(_)
            }
        )
    }

    /// Where a request goes.
    ///
    /// # Errors
    /// A model's name that cannot stand in an address.
    pub fn uri(&self, base: &Endpoint, ask: &PathAsk<'_>) -> Result<Uri, InvalidUri> {
        let (origin, path) = (&base.origin, base.path.as_str());
        let rest = match ask.front.path() {
            Some(path) if ask.speech == Speech::Native => path,
            _ if ask.front == Front::Other => without_version(path, ask.other),
            _ => "/chat/completions",
        };
        let model = segment(ask.model);
        let text = match &self.interface {
            Interface::OpenAi(_) => format!("{origin}{path}{rest}"),
            Interface::Azure { api_version } => {
                let path = path.trim_end_matches("/v1").trim_end_matches("/openai");
                azure(
                    &format!("{origin}{path}"),
                    api_version.as_deref(),
                    &model,
                    rest,
                )
            }
            Interface::Anthropic => {
                let rest = match ask.speech {
                    Speech::Native => rest,
                    Speech::Translated | Speech::Estimated => "/messages",
                };
                format!("{origin}{}{rest}", versioned(path, "/v1"))
            }
            Interface::Gemini if ask.front == Front::Other => {
                let rest = without_keys(rest);
                format!("{origin}{}{rest}", versioned(path, "/v1beta"))
            }
            Interface::Gemini => {
                let verb = match ask.front {
                    Front::Embeddings => "batchEmbedContents",
                    _ => generate(ask.kind),
                };
                format!(
                    "{origin}{}/models/{model}:{verb}",
                    versioned(path, "/v1beta")
                )
            }
            Interface::Vertex { .. } if ask.front == Front::Other => {
                format!("{origin}{path}{}", without_keys(rest))
            }
            Interface::Bedrock | Interface::Cohere if ask.front == Front::Other => {
                format!("{origin}{path}{rest}")
            }
            Interface::Vertex { project, region } => {
                let verb = generate(ask.kind);
                format!(
                    "{origin}{path}/projects/{project}/locations/{region}/publishers/google/models/{model}:{verb}"
                )
            }
            Interface::Bedrock => {
                let verb = match ask.kind {
                    AnswerKind::Streamed => "converse-stream",
                    AnswerKind::Unary => "converse",
                };
                format!("{origin}{path}/model/{model}/{verb}")
            }
            Interface::Cohere if ask.front == Front::Embeddings => format!("{origin}{path}/embed"),
            Interface::Cohere => format!("{origin}{path}/chat"),
        };
        text.parse()
    }

    /// The headers of a request, without the credential: what may pass of the `client`'s (see [`headers::forwarded`]), over
    /// that the operator's, over these our own. The body is JSON unless `content` says otherwise. Framing is the transport's.
    pub fn headers(
        &self,
        client: &HeaderMap,
        also: &[String],
        kind: AnswerKind,
        content: Option<&HeaderValue>,
    ) -> HeaderMap {
        let mut headers = headers::forwarded(client, also);
        for (name, value) in &self.fixed {
            headers.insert(name, value.clone());
        }
        let accept = match (kind, &self.interface) {
            (AnswerKind::Streamed, Interface::Bedrock) => "application/vnd.amazon.eventstream",
            (AnswerKind::Streamed, _) => "text/event-stream",
            (AnswerKind::Unary, _) => "application/json",
        };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, content.cloned().unwrap_or(json));
        headers.insert(header::USER_AGENT, USER_AGENT);
        if self.interface == Interface::Anthropic {
            let version = HeaderName::from_static("anthropic-version");
            headers.entry(version).or_insert(ANTHROPIC_VERSION);
        }
        headers
    }

    /// Puts the credential into the headers of `request`, instead of another one that may stand there: of several that
    /// are written down the one at the place `key`. Without credentials, or without that one, nothing is added.
    ///
    /// # Errors
    /// It is one that is worked out, and there is none at the moment.
    pub fn sign(&self, request: &mut Unsigned<'_>, key: usize) -> Result<(), NotSigned> {
        let written = match &self.credentials {
            Credentials::Static(written) => written,
            Credentials::Refreshed(access) => return access.sign(request),
        };
        for (name, _) in written {
            request.headers.remove(name);
        }
        if let Some((name, value)) = written.get(key) {
            request.headers.insert(name, value.clone());
        }
        Ok(())
    }

    /// `said` without the credentials and the operator's headers that it quotes. Versions and features of an API are told:
    /// a refusal of one says nothing without its name.
    pub fn discreet(&self, said: Bytes) -> Bytes {
        let values = self.fixed.iter().map(|(_, value)| value);
        let hidden = values.filter(|value| value.is_sensitive());
        let said = hidden.fold(said, discreet);
        match &self.credentials {
            Credentials::Static(written) => {
                let values = written.iter().map(|(_, value)| value);
                values.fold(said, discreet)
            }
            Credentials::Refreshed(access) => access.discreet(said),
        }
    }
}

/// `path`, with `version` if it has none at its end: both are what people write, and what the official clients take.
fn versioned(path: &str, version: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or("");
    let mut bytes = last.bytes();
    let is_version = bytes.next() == Some(b'v') && bytes.next().is_some_and(|b| b.is_ascii_digit());
    if is_version {
        path.to_owned()
    } else {
        format!("{path}{version}")
    }
}

/// `rest` without the version that `path` ends with: `/v1/files` and `/files` are the same under `…/v1`.
fn without_version<'a>(path: &str, rest: &'a str) -> &'a str {
    let last = path.rsplit('/').next().unwrap_or("");
    let below = rest
        .strip_prefix('/')
        .and_then(|rest| rest.strip_prefix(last));
    match below {
        Some(below) if !last.is_empty() && below.starts_with('/') => below,
        _ => rest,
    }
}

/// `rest` without the parameters in which Google takes credentials too: a client's own goes nowhere.
/// Source, read 2026-11-28: <https://cloud.google.com/apis/docs/system-parameters>.
fn without_keys(rest: &str) -> String {
    let Some((path, query)) = rest.split_once('?') else {
        return rest.to_owned();
    };
    let is_kept = |parameter: &&str| {
        let name = parameter.split('=').next().unwrap_or("");
        !matches!(name, "key" | "$key" | "access_token" | "oauth_token")
    };
    let kept: Vec<&str> = query.split('&').filter(is_kept).collect();
    if kept.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", kept.join("&"))
}

fn azure(base: &str, api_version: Option<&str>, deployment: &str, rest: &str) -> String {
    let Some(version) = api_version else {
        return format!("{base}/openai/v1{rest}");
    };
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let is_version = |parameter: &str| {
        let name = parameter.split('=').next().unwrap_or("");
        name.eq_ignore_ascii_case("api-version")
    };
    match rest {
        "/chat/completions" | "/completions" | "/embeddings" => {
            format!("{base}/openai/deployments/{deployment}{rest}?api-version={version}")
        }
        // The client of a path that passes unread may need another version of it.
        _ if query.split('&').any(is_version) => format!("{base}/openai{rest}"),
        _ => {
            let and = if rest.contains('?') { '&' } else { '?' };
            format!("{base}/openai{rest}{and}api-version={version}")
        }
    }
}

const fn generate(kind: AnswerKind) -> &'static str {
    match kind {
        AnswerKind::Streamed => "streamGenerateContent?alt=sse",
        AnswerKind::Unary => "generateContent",
    }
}

/// A model's name as one segment of a path: everything but letters, digits, `-`, `.`, `_` and `~` by its bytes.
fn segment(model: &str) -> String {
    let mut text = String::with_capacity(model.len());
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(hex_digit(byte >> 4));
            text.push(hex_digit(byte & 15));
        }
    }
    text
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

/// The header that holds the credential.
fn credential(interface: &Interface, secret: &str) -> Result<(HeaderName, HeaderValue), BadSecret> {
    // Tokens of Entra ID and of Google's and Anthropic's logins come as bearers, keys have headers of their own.
    let key = match interface {
        Interface::Azure { .. } if !secret.starts_with("eyJ") => Some("api-key"),
        Interface::Anthropic if !secret.starts_with("sk-ant-oat") => Some("x-api-key"),
        Interface::Gemini if !secret.starts_with("ya29.") => Some("x-goog-api-key"),
        Interface::Vertex { .. } if secret.starts_with("AIza") || secret.starts_with("AQ.") => {
            Some("x-goog-api-key")
        }
        _ => None,
    };
    let (name, text) = match key {
        Some(name) => (HeaderName::from_static(name), secret.to_owned()),
        None => (header::AUTHORIZATION, format!("Bearer {secret}")),
    };
    let is_visible = secret.bytes().all(|byte| byte.is_ascii_graphic());
    match HeaderValue::try_from(text) {
        Ok(mut value) if is_visible => {
            value.set_sensitive(true);
            Ok((name, value))
        }
        Ok(_) | Err(_) => Err(BadSecret),
    }
}

#[cfg(test)]
#[path = "manner_tests.rs"]
mod tests;
