//! Simulated providers against the daemon's own reading: two descriptions of each API, written apart, must agree.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use weighbridge::law::Law;
use weighbridge::live::Clock;
use weighbridge::mock::{self, Laws};
use weighbridge::model::Outcome;
use weighbridge::provider::classify;

use super::daemon::{Daemon, live};

/// What is spoken.
const ALL: [&str; 5] = ["openai", "anthropic", "gemini", "bedrock", "cohere"];

/// A path and a request of each of [`ALL`].
fn requests() -> [(&'static str, Value); 5] {
    let chat = json!([{"role": "user", "content": "x"}]);
    let blocks = json!([{"role": "user", "content": [{"text": "x"}]}]);
    [
        (
            "/v1/chat/completions",
            json!({"model": "m", "messages": chat}),
        ),
        (
            "/v1/messages",
            json!({"model": "m", "max_tokens": 5, "messages": chat}),
        ),
        (
            "/v1beta/models/m:generateContent",
            json!({"contents": [{"parts": [{"text": "x"}]}]}),
        ),
        ("/model/m/converse", json!({"messages": blocks})),
        ("/v2/chat", json!({"model": "m", "messages": chat})),
    ]
}

#[tokio::test]
async fn every_error_means_to_the_daemon_what_the_law_meant() {
    let laws = Laws::new(Law::instant(), Clock::start());
    let (stop, stopped) = oneshot::channel::<()>();
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let end = async {
        stopped.await.ok();
    };
    let (address, served) = mock::run(anywhere, laws.clone(), end).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (kind, expected) in [
        ("rate_limit", Outcome::RateLimited),
        ("quota", Outcome::QuotaExhausted),
        ("overloaded", Outcome::Overloaded),
        ("server", Outcome::ServerError),
        ("auth", Outcome::Auth),
        ("model", Outcome::NoSuchModel),
        ("context", Outcome::ContextTooLong),
        ("content", Outcome::ContentFiltered),
        ("client", Outcome::ClientFault),
    ] {
        let law = format!("error_rate = 1\nerror_ms = [0, 0]\nerror_kind = \"{kind}\"");
        laws.put("", Law::read(&law).unwrap()).unwrap();
        for (path, body) in requests() {
            let request = http.post(format!("http://{address}{path}"));
            let answer = request.body(body.to_string()).send().await.unwrap();
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let bytes = answer.bytes().await.unwrap();
            if status == 200 {
                continue;
            }
            let fault = classify(status, &headers, &bytes, 0);
            assert_eq!(fault.outcome, expected, "{kind} at {path}: {bytes:?}");
        }
    }
    stop.send(()).unwrap();
    served.await.unwrap();
}

/// One provider of each of [`ALL`], which calls a tool wherever it may.
fn config() -> String {
    let mut text =
        "config_version = 1\n[routes.chat.targets]\none = { use = \"openai/m\" }\n".to_owned();
    for speaks in ALL {
        let more = format!(
            "[providers.{speaks}]\nkind = \"simulated\"\nspeaks = \"{speaks}\"\n\
             [providers.{speaks}.law]\nttft_ms = 0\ntpot_ms = 0\nerror_rate = 0\ntools = 1\n"
        );
        text.push_str(&more);
    }
    text
}

/// A front's path and request, streamed or not, and what its answer must contain if the tool was called.
fn fronts(model: &str) -> [(&'static str, Value, &'static str); 3] {
    let chat = json!([{"role": "user", "content": "How is the weather?"}]);
    let schema =
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let function = json!({"name": "weather", "description": "d", "parameters": schema});
    [
        (
            "chat/completions",
            json!({"model": model, "messages": chat,
                   "tools": [{"type": "function", "function": function}]}),
            "\"tool_calls\"",
        ),
        (
            "messages",
            json!({"model": model, "max_tokens": 50, "messages": chat,
                   "tools": [{"name": "weather", "input_schema": schema}]}),
            "\"tool_use\"",
        ),
        (
            "responses",
            json!({"model": model, "input": "How is the weather?",
                   "tools": [{"type": "function", "name": "weather", "parameters": schema}]}),
            "\"function_call\"",
        ),
    ]
}

#[tokio::test]
async fn every_front_has_its_tool_called_by_every_simulated_provider() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), config()).unwrap();
    let daemon = Daemon::start(folder.path());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for speaks in ALL {
        for (path, mut body, mark) in fronts(&format!("{speaks}/m")) {
            for streams in [false, true] {
                body["stream"] = json!(streams);
                let request = http
                    .post(format!("http://{}/v1/{path}", daemon.data))
                    .header("content-type", "application/json");
                let answer = request.body(body.to_string()).send().await.unwrap();
                let status = answer.status();
                let text = answer.text().await.unwrap();
                let told = format!("{path} at {speaks}, streamed {streams}: {text}");
                assert_eq!(status, 200, "{told}");
                assert!(text.contains(mark) && text.contains("weather"), "{told}");
                assert!(text.contains("city"), "with its arguments: {told}");
            }
        }
    }
}
