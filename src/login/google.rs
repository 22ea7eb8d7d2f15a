//! Tokens of Google Cloud: for a service account, for a person who has logged in, for the machine.
//!
//! Sources, read 2026-11-24: <https://developers.google.com/identity/protocols/oauth2/service-account>,
//! <https://developers.google.com/identity/protocols/oauth2/web-server>,
//! <https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys>.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, RequestBuilder, Response};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::json;

use super::{Fresh, NoToken};
use crate::config::GoogleLogin;
use crate::live::{Patience, direct_client};
use crate::provider::access::Pass;

/// What a token may be used for; who may do what is up to the project's own roles.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The kind of grant that a service account signs.
const JWT_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The machine's own token, at its metadata server.
const MACHINE_PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";
/// How long a signed request for a token is good: the longest that Google takes.
const ASSERTION_LIFE: u64 = 3_600;
/// Life of a token that does not say: shorter than any that Google makes by itself.
const UNSAID_LIFE: u64 = 600;
/// Longest life that is believed.
const LONGEST_LIFE: u64 = 86_400;
/// Most bytes of an answer that are read; a token has some two thousand.
const MAX_ANSWER: usize = 64 * 1024;
/// To connect, and for the whole exchange.
const CONNECT: Duration = Duration::from_secs(5);
const EXCHANGE: Duration = Duration::from_secs(15);

/// Asks Google for tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Google {
    /// Made for the first login that asks.
    http: Arc<OnceLock<Client>>,
}

/// An answer with a token.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<u64>,
}

/// An answer without one.
#[derive(Deserialize)]
struct Denied {
    error: String,
}

// === impl Google ===

impl Google {
    /// The client.
    fn http(&self) -> Result<&Client, NoToken> {
        if let Some(made) = self.http.get() {
            return Ok(made);
        }
        let made = direct_client(Patience {
            connect: CONNECT,
            whole: EXCHANGE,
        });
        let made = made.map_err(|_| {
            let why = "this machine has no certificates to check it by";
            NoToken::Unreachable(why.to_owned())
        })?;
        Ok(self.http.get_or_init(|| made))
    }

    /// A token for `login`.
    pub(super) async fn fetch(
        &self,
        login: &GoogleLogin,
        unix_seconds: u64,
    ) -> Result<Fresh, NoToken> {
        let http = self.http()?;
        let request = match login {
            GoogleLogin::ServiceAccount {
                email,
                key_id,
                private_key,
                token_uri,
            } => {
                let claims = json!({
                    "iss": email,
                    "scope": SCOPE,
                    "aud": token_uri,
                    "iat": unix_seconds,
                    "exp": unix_seconds.saturating_add(ASSERTION_LIFE),
                });
                let assertion = signed(&claims, key_id.as_deref(), private_key.expose())?;
                let fields = [("grant_type", JWT_GRANT), ("assertion", &assertion)];
                form(http.post(token_uri), &fields)
            }
            GoogleLogin::User {
                client_id,
                client_secret,
                refresh_token,
                token_uri,
            } => {
                let fields = [
                    ("grant_type", "refresh_token"),
                    ("client_id", client_id),
                    ("client_secret", client_secret.expose()),
                    ("refresh_token", refresh_token.expose()),
                ];
                form(http.post(token_uri), &fields)
            }
            GoogleLogin::Machine { host } => http
                .get(format!("http://{host}{MACHINE_PATH}"))
                .header("metadata-flavor", "Google"),
        };
        let unreachable = |error: reqwest::Error| NoToken::Unreachable(reason(&error));
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let body = body(response).await?;
        if !status.is_success() {
            return Err(NoToken::Refused(refusal(status.as_u16(), &body)));
        }
        granted(&body)
    }
}

fn granted(body: &[u8]) -> Result<Fresh, NoToken> {
    let granted: Granted = serde_json::from_slice(body).map_err(|_| NoToken::Malformed)?;
    let pass = Pass::bearer(&granted.access_token).map_err(|_| NoToken::Malformed)?;
    let life = granted.expires_in.unwrap_or(UNSAID_LIFE).min(LONGEST_LIFE);
    Ok(Fresh {
        pass,
        life: Duration::from_secs(life),
    })
}

/// The status, and the word for the reason if there is one: a word, since whole answers may repeat what was sent.
fn refusal(status: u16, body: &[u8]) -> String {
    let word = serde_json::from_slice::<Denied>(body).ok();
    let is_word = |word: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        word.len() <= 40 && word.bytes().all(fits)
    };
    match word.filter(|word| is_word(&word.error)) {
        Some(word) => format!("{status} {}", word.error),
        None => status.to_string(),
    }
}

async fn body(mut response: Response) -> Result<Vec<u8>, NoToken> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(piece)) if body.len() + piece.len() <= MAX_ANSWER => body.extend(piece),
            Ok(Some(_)) => return Err(NoToken::Malformed),
            Ok(None) => return Ok(body),
            Err(error) => return Err(NoToken::Unreachable(reason(&error))),
        }
    }
}

/// The innermost reason, which is the one that helps.
fn reason(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    if std::ptr::addr_eq(inner, error) {
        // Its own words would repeat the address.
        let late = if error.is_timeout() {
            "no answer in time"
        } else {
            "no exchange"
        };
        return late.to_owned();
    }
    inner.to_string()
}

/// The claims as a signed JSON web token.
pub(super) fn signed(
    claims: &serde_json::Value,
    key_id: Option<&str>,
    pem: &str,
) -> Result<String, NoToken> {
    let mut head = json!({"alg": "RS256", "typ": "JWT"});
    if let (Some(head), Some(id)) = (head.as_object_mut(), key_id) {
        head.insert("kid".to_owned(), id.into());
    }
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&head), part(claims));
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| NoToken::Key)?;
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| NoToken::Key)?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .map_err(|_| NoToken::Key)?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

/// A form as browsers send it.
fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let mut text = String::new();
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                text.push(char::from(byte));
            } else {
                text.push('%');
                text.extend([byte >> 4, byte & 15].map(hex_digit));
            }
        }
    }
    request
        .header("content-type", "application/x-www-form-urlencoded")
        .body(text)
}
