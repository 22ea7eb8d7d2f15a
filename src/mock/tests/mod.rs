//! The mock as a client meets it: over real sockets, with a client of its own.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Laws, Stats, run};
use crate::law::{Answer, Ask, Draws, Ending, Fate, Law, State, fate, salt};
use crate::live::Clock;
use crate::model::Time;

mod amazon;
mod anthropic;
mod cohere;
mod errors;
mod extras;
mod faults;
mod google;
mod lawful;
mod openai;
mod shapes;

struct Mock {
    origin: String,
    laws: Laws,
    client: Client<HttpConnector, Full<Bytes>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|problem| {
            panic!("expected JSON ({problem}), found {:?}", self.body);
        })
    }

    fn number(&self, header: &str) -> Option<u64> {
        self.headers.get(header)?.to_str().ok()?.parse().ok()
    }
}

impl Mock {
    async fn start(toml: &str) -> Self {
        let laws = Laws::read(toml, Clock::start()).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let shutdown = async {
            stopped.await.ok();
        };
        let (address, task) = run(anywhere, laws.clone(), shutdown).await.unwrap();
        Self {
            origin: format!("http://{address}"),
            laws,
            client: Client::builder(TokioExecutor::new()).build_http(),
            stop,
            task,
        }
    }

    /// The time by the server's clock.
    fn now(&self) -> Time {
        self.laws.clock().now()
    }

    async fn open(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> http::Response<Incoming> {
        self.try_open(method, path, body).await.unwrap()
    }

    async fn try_open(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<http::Response<Incoming>, hyper_util::client::legacy::Error> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin))
            .body(Full::new(body.into()))
            .unwrap();
        self.client.request(request).await
    }

    async fn send(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Reply {
        let (head, body) = self.open(method, path, body).await.into_parts();
        Reply {
            status: head.status,
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    async fn chat(&self, body: &Value) -> Reply {
        self.send("POST", "/v1/chat/completions", body.to_string())
            .await
    }

    /// Puts the law in force anew, so that the next request is the first one again.
    fn anew(&self) {
        let law = self.laws.law("").unwrap();
        self.laws.put("", Law::clone(&law)).unwrap();
    }

    /// Waits for the counts to become so; a second is what a client that leaves may take to be noticed.
    async fn until(&self, what: &str, so: impl Fn(&Stats) -> bool) {
        let reached = async {
            while !so(&self.laws.stats("").unwrap()) {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(1), reached)
            .await
            .is_err()
        {
            panic!("expected {what} within a second: {:?}", self.laws.stats(""));
        }
    }

    async fn end(self) {
        self.stop.send(()).ok();
        self.task.await.unwrap();
    }
}

const INSTANT: &str = "ttft_ms = 0\ntpot_ms = 0\nspread = 0\nerror_rate = 0\n";

/// A law without delays, and without errors but for those in `more`.
fn instantly(more: &str) -> String {
    let delays = "ttft_ms = 0\ntpot_ms = 0\nspread = 0\n";
    let errors = if more.contains("error_rate") {
        ""
    } else {
        "error_rate = 0\n"
    };
    format!("{delays}{errors}{more}")
}

fn question(tokens: u64, number: u64) -> Value {
    json!({"model": "tiny", "messages": [{"role": "user", "content": "How heavy is it?"}],
           "max_tokens": tokens, "seed": number})
}

fn streamed(tokens: u64, number: u64) -> Value {
    let mut body = question(tokens, number);
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    body
}

/// The data of each event.
fn events(body: &[u8]) -> Vec<String> {
    std::str::from_utf8(body)
        .unwrap()
        .split("\n\n")
        .filter(|event| !event.is_empty())
        .map(|event| event.strip_prefix("data: ").unwrap().to_owned())
        .collect()
}

/// The events of a stream whose events have names: each name with its data.
fn named(body: &[u8]) -> Vec<(String, Value)> {
    let text = std::str::from_utf8(body).unwrap();
    let events = text.split("\n\n").filter(|event| !event.is_empty());
    events
        .map(|event| {
            let name = event.strip_prefix("event: ").unwrap_or("\n");
            let (name, data) = name.split_once('\n').unwrap();
            let data = if name.is_empty() { event } else { data };
            let data = data.strip_prefix("data: ").unwrap();
            (
                name.to_owned(),
                serde_json::from_str(data).unwrap_or(json!(data)),
            )
        })
        .collect()
}

/// The names of events, each run of the same one as one.
fn course(events: &[(String, Value)]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    names
}

/// The texts at one place of all events, put together.
fn joined(events: &[(String, Value)], place: &str) -> String {
    let texts = events
        .iter()
        .filter_map(|(_, data)| data.pointer(place)?.as_str());
    texts.collect()
}

/// JSON Schema of a tool's arguments.
fn weather() -> Value {
    json!({"type": "object", "required": ["city", "days"],
           "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}})
}

/// What a tool of that schema is called with.
const WEATHER: &str = r#"{"city":"grain","days":7}"#;

/// Two targets, one of which signed what the other is to be asked with.
const TWO: &str = "[target.a]\nttft_ms = 0\ntpot_ms = 0\nerror_rate = 0\ntools = 1\n\
                   [target.b]\nttft_ms = 0\ntpot_ms = 0\nerror_rate = 0\ntools = 1\n";

/// The answer that the law itself computes for a request at its time 0 to the target without a name.
fn predicted(law: &Law, tokens: Option<u64>, number: u64) -> Answer {
    let ask = Ask {
        tokens_out: tokens,
        ..Ask::default()
    };
    let draws = Draws::of(law.seed, number, salt(""));
    match fate(law, &mut State::default(), &ask, &draws, Time::ZERO) {
        Fate::Answer(answer) => answer,
        other => panic!("expected an answer, found {other:?}"),
    }
}
