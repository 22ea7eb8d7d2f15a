//! Client keys, through the program and real sockets: who comes in, for what, and how often.

use std::path::Path;

use serde_json::{Value, json};

use super::daemon::{Daemon, live, weighbridge};

const KEY: &str = "wb-a-key-of-the-first-client";
const OTHER: &str = "wb-a-key-of-the-second-one";

/// What a key is told by, as the program prints it for a new one.
fn new_key(name: &str) -> (String, String) {
    let made = weighbridge()
        .args(["keys", "new", name, "--format", "json"])
        .output()
        .unwrap();
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    (text("key"), text("hash"))
}

/// Routes at two providers, one of which is in the EU, and some keys.
fn start(folder: &Path, hash: &str) -> Daemon {
    let law = "law = { ttft_ms = 1, tpot_ms = 0.1, spread = 0, error_rate = 0 }";
    let text = format!(
        r#"config_version = 1
[providers.us]
kind = "simulated"
{law}
[providers.eu]
kind = "simulated"
{law}
tags = ["eu"]
[prices]
"eu/m" = {{ input = "$0", output = "$0", request = "$0.001 / request" }}
[routes.chat]
targets.us = {{ use = "us/m", weight = 1 }}
targets.eu = {{ use = "eu/m", weight = 1 }}
[routes.abroad.targets]
us = {{ use = "us/m" }}
[keys.app]
hash = "{hash}"
routes = ["chat"]
require = ["eu"]
team = "search"
[keys.quick]
key = "{KEY}"
rpm = 3
[keys.poor]
key = "{OTHER}"
budget = {{ month_usd = 0.002, at_limit = "refuse" }}
require = ["eu"]
[keys.old]
key = "wb-a-key-that-has-expired"
expires = 2020-12-31
"#
    );
    std::fs::write(live(folder), text).unwrap();
    Daemon::start(folder)
}

struct Asked {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: String,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

async fn ask(daemon: &Daemon, path: &str, headers: &[(&str, &str)], model: &str) -> Asked {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.post(format!("http://{}{path}", daemon.data));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = json!({
        "model": model,
        "max_tokens": 1,
        "messages": [{ "role": "user", "content": "hi" }],
    });
    let answer = request.json(&body).send().await.unwrap();
    Asked {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: answer.text().await.unwrap(),
    }
}

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn a_key_is_asked_for_and_known_wherever_clients_put_it() {
    let folder = tempfile::tempdir().unwrap();
    let (key, hash) = new_key("app");
    let daemon = start(folder.path(), &hash);
    let bearer = format!("Bearer {key}");
    for headers in [
        [("authorization", bearer.as_str())],
        [("x-api-key", key.as_str())],
        [("api-key", key.as_str())],
    ] {
        let got = ask(&daemon, CHAT, &headers, "chat").await;
        assert_eq!(got.status, 200, "{headers:?}: {}", got.body);
        assert_eq!(got.header("x-weighbridge-provider"), "eu", "as it requires");
    }
    for headers in [
        vec![],
        vec![("authorization", "Bearer wb-nobody-has-this-key")],
        vec![("authorization", "Basic d2I6")],
        vec![("x-api-key", "wb-a-key-that-has-expired")],
    ] {
        let got = ask(&daemon, CHAT, &headers, "chat").await;
        assert_eq!(got.status, 401, "{headers:?}");
        assert!(
            got.body.contains("\"code\":\"invalid_api_key\""),
            "{}",
            got.body
        );
        let got = ask(&daemon, "/v1/messages", &headers, "chat").await;
        let body: Value = serde_json::from_str(&got.body).unwrap();
        assert_eq!(body["error"]["type"], "authentication_error", "{body}");
    }
    let got = ask(&daemon, CHAT, &[("x-api-key", &key)], "abroad").await;
    assert_eq!(got.status, 403, "{}", got.body);
    assert!(got.body.contains("permission_denied"), "{}", got.body);
    let got = ask(&daemon, CHAT, &[("x-api-key", &key)], "eu/m").await;
    assert_eq!(got.status, 403, "no target by name where routes are listed");
    let got = ask(&daemon, CHAT, &[("x-api-key", OTHER)], "abroad").await;
    assert_eq!(got.status, 503, "nobody of it is in the EU: {}", got.body);
}

#[tokio::test]
async fn a_key_has_its_rate_and_its_budget() {
    let folder = tempfile::tempdir().unwrap();
    let (_, hash) = new_key("app");
    let daemon = start(folder.path(), &hash);
    for _ in 0..3 {
        let got = ask(&daemon, CHAT, &[("x-api-key", KEY)], "chat").await;
        assert_eq!(got.status, 200, "{}", got.body);
    }
    let got = ask(&daemon, CHAT, &[("x-api-key", KEY)], "chat").await;
    assert_eq!(got.status, 429, "{}", got.body);
    assert!(got.body.contains("rate_limit_exceeded"), "{}", got.body);
    let wait: u64 = got.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "three come a minute: {wait}");
    for _ in 0..2 {
        let got = ask(&daemon, CHAT, &[("x-api-key", OTHER)], "chat").await;
        assert_eq!(got.status, 200, "{}", got.body);
    }
    let got = ask(&daemon, CHAT, &[("x-api-key", OTHER)], "chat").await;
    assert_eq!(got.status, 429, "{}", got.body);
    assert!(got.body.contains("budget_exceeded"), "{}", got.body);
}

#[tokio::test]
async fn requests_say_whose_they_are_and_nothing_says_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let (key, hash) = new_key("app");
    let daemon = start(folder.path(), &hash);
    let tags = (
        "x-weighbridge-tags",
        "team=sales,feature=chatbot, user = u1",
    );
    let got = ask(&daemon, CHAT, &[("x-api-key", &key), tags], "chat").await;
    assert_eq!(got.status, 200, "{}", got.body);
    let requests = daemon.json("/api/v1/requests").await;
    let request = &requests["requests"][0];
    let said = ["key", "team", "feature", "user"].map(|field| request[field].as_str().unwrap());
    assert_eq!(
        said,
        ["app", "search", "chatbot", "u1"],
        "the key's team holds"
    );
    let mut shown = String::new();
    for path in [
        "/api/v1/config",
        "/api/v1/keys",
        "/api/v1/requests",
        "/metrics",
    ] {
        shown.push_str(&daemon.get(path).await.1);
    }
    daemon.terminate();
    shown.push_str(&daemon.ended().await.log);
    for secret in [key.as_str(), hash.as_str(), KEY, OTHER] {
        assert!(!shown.contains(secret), "{secret} is told");
    }
}
