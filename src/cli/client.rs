//! Talking to a running daemon's admin listener.
//!
//! No proxy of the environment is asked (the listener is on this machine, as a rule, and a proxy can't reach that), and no
//! redirect is followed: whoever redirects is not the daemon.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Failure, Format};
use crate::live::{Patience, direct_client};

/// For the connection to stand.
const CONNECT: Duration = Duration::from_secs(3);
/// For an answer. A reload waits for the controller, which a slow disk may hold up.
const ANSWER: Duration = Duration::from_secs(30);

/// Which daemon is meant.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct AdminArgs {
    /// The admin address of the daemon
    #[arg(
        long,
        value_name = "URL",
        env = "WEIGHBRIDGE_ADMIN",
        default_value = "http://127.0.0.1:9901"
    )]
    pub(super) admin: String,
    /// The admin listener's token, where it asks for one
    #[arg(
        long,
        value_name = "TOKEN",
        env = "WEIGHBRIDGE_ADMIN_TOKEN",
        hide_env_values = true
    )]
    pub(super) admin_token: Option<String>,
}

/// Who asks, for the log and for those who look at what is in force.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Who {
    /// Who gives or ends it
    #[arg(
        long,
        value_name = "NAME",
        env = "USER",
        hide_env = true,
        default_value = "cli"
    )]
    pub(super) by: String,
}

/// What every deed at a running daemon is told that needs no reason.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    pub(super) who: Who,
    #[command(flatten)]
    pub(super) admin: AdminArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

/// `text` as a segment of a path or a value of a query: what is not a letter, a digit or one of `-_.` becomes `%XX`.
pub(super) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// An answer: its status and its JSON.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: Value,
    url: String,
}

impl AdminArgs {
    /// Asks for `path`.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.send(Method::GET, path, None).await
    }

    /// Asks to do what `path` says.
    pub(super) async fn post(&self, path: &str) -> Result<Answer, Failure> {
        self.send(Method::POST, path, None).await
    }

    /// Asks for `path` with a query of these pairs.
    pub(super) async fn get_with(
        &self,
        path: &str,
        pairs: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs);
        self.get(&format!("{path}?{}", query.finish())).await
    }

    /// Asks to do what `path` says with `body`.
    pub(super) async fn post_json(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer, Failure> {
        self.send_json(Method::POST, path, body).await
    }

    /// Asks to change what is at `path` as `body` says.
    pub(super) async fn patch_json(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer, Failure> {
        self.send_json(Method::PATCH, path, body).await
    }

    async fn send_json(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer, Failure> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Failure::Told(format!("the wish cannot be written: {error}")))?;
        self.send(method, path, Some(body)).await
    }

    /// Asks to remove what is at `path`.
    pub(super) async fn delete(&self, path: &str) -> Result<Answer, Failure> {
        self.send(Method::DELETE, path, None).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Failure> {
        let base = self.admin.trim_end_matches('/');
        let scheme = if base.contains("://") { "" } else { "http://" };
        let url = format!("{scheme}{base}{path}");
        let client = direct_client(Patience {
            connect: CONNECT,
            whole: ANSWER,
        });
        let client =
            client.map_err(|error| Failure::Told(format!("no HTTP client: {}", chain(&error))))?;
        let mut request = client.request(method, &url);
        if let Some(token) = &self.admin_token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let sent = request.send().await;
        let response = sent.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let body = response.bytes().await;
        let body = body.map_err(|error| self.unreachable(&error))?;
        match serde_json::from_slice(&body) {
            Ok(body) => Ok(Answer { status, body, url }),
            Err(_) => Err(Failure::Told(format!(
                "expected the admin API of weighbridge at {url}, found something else (status \
                 {status}); --admin names another address"
            ))),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let admin = &self.admin;
        Failure::Told(if error.is_builder() {
            format!("expected an address such as http://127.0.0.1:9901, found {admin:?}")
        } else if error.is_timeout() {
            format!("no answer from {admin} in time; is it weighbridge's admin listener?")
        } else if error.is_connect() {
            format!(
                "nothing listens at {admin} ({}); start a daemon with `weighbridge serve --env \
                 NAME`, or name its admin address with --admin",
                last(error)
            )
        } else {
            format!("no answer from {admin}: {}", chain(error))
        })
    }
}

impl Answer {
    /// The answer as what it should be; else what the daemon says is wrong.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, Failure> {
        if !self.status.is_success() {
            return Err(Failure::Told(self.complaint()));
        }
        self.parsed()
    }

    /// The answer as what it should be, whatever its status.
    pub(super) fn parsed<T: DeserializeOwned>(self) -> Result<T, Failure> {
        serde_json::from_value(self.body).map_err(|error| {
            Failure::Told(format!(
                "{} answers in a shape that this program does not know ({error}); are they of the \
                 same version?",
                self.url
            ))
        })
    }

    /// The answer as it came.
    pub(super) fn body(&self) -> &Value {
        &self.body
    }

    /// What the daemon says is wrong.
    fn complaint(&self) -> String {
        match self.body["error"]["message"].as_str() {
            Some(message) => message.to_owned(),
            None => format!("{} answers with status {}", self.url, self.status),
        }
    }
}

/// What an error says and what it stems from.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let words: Vec<String> = causes.map(ToString::to_string).collect();
    words.join(": ")
}

/// What an error stems from in the end.
fn last(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_an_address_whatever_is_in_it() {
        assert_eq!(encoded("team-a_1.b"), "team-a_1.b");
        assert_eq!(encoded("../config"), "..%2Fconfig");
        assert_eq!(encoded("a/b?c#d:e f%"), "a%2Fb%3Fc%23d%3Ae%20f%25");
    }
}
