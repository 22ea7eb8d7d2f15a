//! One request of the demo, as an ordinary client would send it.

use std::net::SocketAddr;
use std::time::Duration;

use super::traffic::Arrival;
use crate::live::{NoClient, Patience, direct_client};

/// What the client saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saw {
    /// A complete answer.
    Answer,
    /// Anything else.
    Failure,
}

/// A client of the daemon at one address.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
}

/// Longer than any answer of the demo takes, the sick target's queue included.
const PATIENCE: Duration = Duration::from_secs(60);

impl Client {
    pub(super) fn new(address: SocketAddr) -> Result<Self, NoClient> {
        let http = direct_client(Patience {
            connect: PATIENCE,
            whole: PATIENCE,
        })?;
        Ok(Self {
            http,
            url: format!("http://{address}/v1/chat/completions"),
        })
    }

    /// Sends `arrival` to `route` and reads the answer to its end.
    pub(super) async fn ask(&self, route: &str, arrival: &Arrival) -> Saw {
        let request = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .body(body(route, arrival));
        let Ok(response) = request.send().await else {
            return Saw::Failure;
        };
        let good = response.status().is_success();
        let Ok(text) = response.bytes().await else {
            return Saw::Failure;
        };
        let end: &[u8] = if arrival.streamed {
            b"data: [DONE]"
        } else {
            b"}"
        };
        if good && text.trim_ascii_end().ends_with(end) {
            Saw::Answer
        } else {
            Saw::Failure
        }
    }
}

/// An OpenAI request of about the arrival's prompt tokens, at four bytes a token.
fn body(route: &str, arrival: &Arrival) -> String {
    let words = usize::try_from(arrival.prompt_tokens).unwrap_or_default();
    serde_json::json!({
        "model": route,
        "messages": [{ "role": "user", "content": "why ".repeat(words) }],
        "max_tokens": arrival.answer_tokens,
        "stream": arrival.streamed,
        "stream_options": if arrival.streamed {
            serde_json::json!({ "include_usage": true })
        } else {
            serde_json::Value::Null
        },
        "seed": arrival.number,
    })
    .to_string()
}
