//! Whatever this server has no words for: images, sound, files, batches, what comes next month.
//!
//! Two ways lead through. Under `/v1/…` the request names a `model`, in JSON, in a form or in the query, and is routed by it
//! like any other: shares, failover, limits and books hold. Under `/PROVIDER/…` it goes to that provider, once, as it is,
//! since files and batches live where they were made. Either way the credential is the provider's own and the answer
//! passes unread.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Method};
use serde_json::Value;

use super::question::Question;
use super::reply::Reject;
use crate::wire::seal::{Origin, unsealed, without_marks};
use crate::wire::{Code, Envelope, ErrorBody, multipart};

/// What is special about a request that passes unread.
#[derive(Clone, Debug)]
pub(super) struct Through {
    /// As the client has it.
    pub(super) method: Method,
    /// Path and query at the provider, from the slash on.
    pub(super) rest: String,
    /// The body's type.
    pub(super) content: Option<HeaderValue>,
    /// The provider, if the path names it.
    pub(super) provider: Option<String>,
}

impl Through {
    /// The request of `head` whose path, less what this server is found under, is `below`; `provider` is who was named.
    ///
    /// # Errors
    /// A path with `.` or `..` in it, which could leave the provider's base.
    pub(super) fn new(head: &Parts, below: &str, provider: Option<&str>) -> Result<Self, Reject> {
        let dots = |segment: &str| {
            let plain = segment.to_ascii_lowercase().replace("%2e", ".");
            plain == "." || plain == ".."
        };
        if below.split(['/', '\\']).any(dots) || below.to_ascii_lowercase().contains("%2f..") {
            let message = "expected a path without . and .. in it";
            return Err(Reject::new(Code::InvalidRequestError, message).final_word());
        }
        let query = head.uri.query();
        let rest = query.map_or_else(|| below.to_owned(), |query| format!("{below}?{query}"));
        // The id of something stored, as it was handed out.
        let rest = without_marks(&rest);
        Ok(Self {
            method: head.method.clone(),
            rest,
            content: head.headers.get(CONTENT_TYPE).cloned(),
            provider: provider.map(str::to_owned),
        })
    }

    /// The question in `body`.
    ///
    /// # Errors
    /// It names no model, and no provider was named either.
    pub(super) fn question(self, body: Bytes) -> Result<Question, Reject> {
        let (envelope, body) = match &self.provider {
            Some(provider) => {
                // Ids of what it stored, as they were handed out.
                let body = if self.is_json() {
                    unsealed(&body, Origin::of(provider))
                } else {
                    body
                };
                (self.envelope_of_named(&body), body)
            }
            None => (self.envelope(&body)?, body),
        };
        Ok(Question::through(self, envelope, body))
    }

    fn is_json(&self) -> bool {
        let kind = self.content.as_ref().and_then(|kind| kind.to_str().ok());
        kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"))
    }

    /// A body that passes as it is; the model is for the books alone.
    fn envelope_of_named(&self, body: &Bytes) -> Envelope {
        let document: Option<Value> = self
            .is_json()
            .then(|| serde_json::from_slice(body).ok())
            .flatten();
        let member = |key: &str| document.as_ref()?.get(key).cloned();
        let model = member("model").and_then(|model| Some(model.as_str()?.to_owned()));
        let mut envelope = Envelope::opaque(model.unwrap_or_default(), body.len(), None);
        envelope.stream = member("stream") == Some(Value::Bool(true)) || self.names_a_stream();
        envelope
    }

    /// Whether the path asks for a stream, as Google's and Amazon's do: `…:streamGenerateContent`, `…/converse-stream`.
    pub(super) fn names_a_stream(&self) -> bool {
        let path = self.rest.split('?').next().unwrap_or("");
        let last = path.rsplit('/').next().unwrap_or("");
        last.contains(":stream") || last.ends_with("-stream")
    }

    fn envelope(&self, body: &Bytes) -> Result<Envelope, Reject> {
        if self.is_json() && !body.is_empty() {
            return Envelope::read(body)
                .map_err(|error| Reject::of(ErrorBody::from(error)).final_word());
        }
        let content = self.content.as_ref().and_then(|kind| kind.to_str().ok());
        if let Some(place) = content.and_then(|kind| multipart::model(kind, body)) {
            let model = body.get(place.clone()).unwrap_or_default();
            let model = String::from_utf8_lossy(model).into_owned();
            return Ok(Envelope::opaque(model, body.len(), Some(place)));
        }
        Err(self.unnamed(body.is_empty()))
    }

    /// The answer to a request that names nobody.
    fn unnamed(&self, is_empty: bool) -> Reject {
        let (method, path) = (&self.method, self.path());
        if is_empty {
            let message = format!(
                "nothing is at {path:?} for {method}; what belongs to one provider is under /PROVIDER{path}"
            );
            return Reject::new(Code::NotFound, message).final_word();
        }
        let message = format!(
            "expected a \"model\" in the body, by which {method} {path:?} is routed, found none; what belongs to one \
             provider is under /PROVIDER{path}"
        );
        let reject = Reject::new(Code::InvalidRequestError, message).about("model");
        reject.final_word()
    }

    /// The path, for messages.
    fn path(&self) -> String {
        let path = self.rest.split('?').next().unwrap_or("");
        path.chars().take(100).collect()
    }
}
