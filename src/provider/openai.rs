//! OpenAI's API, and every server that speaks it: the body passes as it is, the address and the headers are made here.

use http::header::{self, HeaderMap, HeaderValue};
use http::uri::{InvalidUri, Uri};

use super::headers;
use crate::model::AnswerKind;

/// Where `POST` goes for a chat, under the base.
pub const CHAT: &str = "chat/completions";

/// Who we say we are.
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("weighbridge/", env!("CARGO_PKG_VERSION")));

/// Where a provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base<'a> {
    /// Scheme and authority, for example `https://api.openai.com`.
    pub origin: &'a str,
    /// Path without a slash at its end, for example `/v1`; may be empty.
    pub path: &'a str,
}

/// A credential that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a credential of visible ASCII characters, found another one in it (perhaps a line end)"
)]
pub struct BadSecret;

/// The address of `path` (for example [`CHAT`]) under `base`.
///
/// # Errors
/// A base that was not checked: not a scheme, an authority and a path.
pub fn uri(base: Base<'_>, path: &str) -> Result<Uri, InvalidUri> {
    format!("{}{}/{path}", base.origin, base.path).parse()
}

/// The headers of a request to the provider: what may pass of the `client`'s (see [`headers::forwarded`]), and our own,
/// which win. Without a `secret` there is no credential, as local servers have it. Framing is the transport's.
pub fn request_headers(
    client: &HeaderMap,
    also: &[String],
    secret: Option<&str>,
    kind: AnswerKind,
) -> Result<HeaderMap, BadSecret> {
    let mut headers = headers::forwarded(client, also);
    let accept = match kind {
        AnswerKind::Streamed => "text/event-stream",
        AnswerKind::Unary => "application/json",
    };
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::USER_AGENT, USER_AGENT);
    if let Some(secret) = secret {
        headers.insert(header::AUTHORIZATION, bearer(secret)?);
    }
    Ok(headers)
}

/// `Bearer` and the secret, marked so that it is neither printed nor kept in a compression table.
fn bearer(secret: &str) -> Result<HeaderValue, BadSecret> {
    let is_visible = secret.bytes().all(|byte| byte.is_ascii_graphic());
    let value = HeaderValue::try_from(format!("Bearer {secret}"));
    match value {
        Ok(mut value) if is_visible => {
            value.set_sensitive(true);
            Ok(value)
        }
        Ok(_) | Err(_) => Err(BadSecret),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_base_and_path() {
        let base = Base {
            origin: "https://api.openai.com",
            path: "/v1",
        };
        let address = uri(base, CHAT).unwrap();
        assert_eq!(address, "https://api.openai.com/v1/chat/completions");
        let bare = Base {
            origin: "http://127.0.0.1:8081",
            path: "",
        };
        assert_eq!(uri(bare, CHAT).unwrap().path(), "/chat/completions");
    }

    #[test]
    fn our_credential_replaces_the_clients_and_is_not_printed() {
        let mut client = HeaderMap::new();
        client.insert("authorization", HeaderValue::from_static("Bearer client"));
        let also = ["authorization".to_owned()];
        let headers =
            request_headers(&client, &also, Some("sk-ours"), AnswerKind::Streamed).unwrap();
        assert_eq!(headers["authorization"], "Bearer sk-ours");
        assert!(!format!("{headers:?}").contains("sk-ours"), "{headers:?}");
        assert_eq!(headers["accept"], "text/event-stream");
        let none = request_headers(&client, &[], None, AnswerKind::Unary).unwrap();
        assert!(
            !none.contains_key("authorization"),
            "the client's key stays here"
        );
        assert_eq!(none["accept"], "application/json");
    }

    #[test]
    fn a_secret_with_a_line_end_is_refused_without_being_shown() {
        for secret in ["sk-x\n", "sk-x\r\nx: y", "sk x", "sk-\u{e9}", "sk-x\0"] {
            let refused = request_headers(&HeaderMap::new(), &[], Some(secret), AnswerKind::Unary);
            let message = refused.unwrap_err().to_string();
            assert!(!message.contains("sk"), "{message}");
        }
    }
}
