//! Client keys, through the program and real sockets: who comes in, for what, and how often.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::daemon::{Daemon, live, until, weighbridge};

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

/// Runs `weighbridge keys` against `daemon`.
fn keys(daemon: &Daemon, words: &[&str]) -> Output {
    let mut command: Command = weighbridge();
    command.arg("keys").args(words).args(["--format", "json"]);
    command.env("WEIGHBRIDGE_ADMIN", format!("http://{}", daemon.admin));
    command.env("USER", "ada");
    command.output().unwrap()
}

fn told(daemon: &Daemon, words: &[&str]) -> Value {
    let output = keys(daemon, words);
    assert!(output.status.success(), "{words:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// One route, no key of the files but `OTHER`, and books.
fn kept(folder: &Path) -> Daemon {
    let text = format!(
        r#"config_version = 1
[server]
state = "{}/state"
require_key = true
[providers.sim]
kind = "simulated"
law = {{ ttft_ms = 1, tpot_ms = 0.1, spread = 0, error_rate = 0 }}
[prices]
"sim/m" = {{ input = "$0", output = "$0", request = "$0.001 / request" }}
[routes.chat.targets]
only = {{ use = "sim/m" }}
[routes.wide.targets]
only = {{ use = "sim/m" }}
[keys.filed]
key = "{OTHER}"
[controller]
journal = "{}/journal"
"#,
        folder.display(),
        folder.display()
    );
    std::fs::write(live(folder), text).unwrap();
    Daemon::start(folder)
}

/// The status of a request with this key, and what is said.
async fn asked(daemon: &Daemon, key: &str, route: &str) -> (u16, String) {
    let got = ask(daemon, CHAT, &[("x-api-key", key)], route).await;
    (got.status, got.body)
}

#[tokio::test]
async fn keys_are_made_and_revoked_while_it_runs_and_outlive_being_killed() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = kept(folder.path());
    let words = "new team-a --save --reason launch --route chat --rpm 100 --month-usd 0.002 --at-limit refuse";
    let made = told(&daemon, &words.split(' ').collect::<Vec<_>>());
    let key = made["key"].as_str().unwrap().to_owned();
    assert_eq!(
        (&made["from"], &made["made"]["by"]),
        (&json!("books"), &json!("ada"))
    );
    assert_eq!(asked(&daemon, &key, "chat").await.0, 200, "at once");
    assert_eq!(asked(&daemon, &key, "wide").await.0, 403);
    assert_eq!(asked(&daemon, OTHER, "wide").await.0, 200);
    told(&daemon, &["revoke", "filed", "--reason", "leaked"]);
    let (status, said) = asked(&daemon, OTHER, "wide").await;
    assert_eq!(status, 401, "{said}");
    assert!(said.contains("this key was revoked"), "{said}");
    // A second of usage may be lost, so wait until it is in the books.
    until("its cost must be in the books", async || {
        let usage = daemon.json("/api/v1/usage?by=key&key=team-a").await;
        (usage["total"]["cost_usd"] == json!(0.001)).then_some(())
    })
    .await;
    daemon.signal("-KILL");
    daemon.ended().await;

    let daemon = kept(folder.path());
    assert_eq!(asked(&daemon, OTHER, "wide").await.0, 401, "still revoked");
    assert_eq!(asked(&daemon, &key, "chat").await.0, 200, "still accepted");
    let (status, said) = until("its budget must be spent", async || {
        let (status, said) = asked(&daemon, &key, "chat").await;
        (status != 200).then_some((status, said))
    })
    .await;
    assert_eq!(status, 429, "what it spent before counts: {said}");
    let listed = told(&daemon, &["list"]);
    let row = |name: &str| {
        let mut rows = listed["keys"].as_array().unwrap().iter();
        rows.find(|row| row["name"] == name).unwrap().clone()
    };
    let filed = row("filed");
    assert_eq!(filed["state"], "revoked", "{filed}");
    assert_eq!(filed["revoked"]["reason"], "leaked");
    let place = filed["place"].as_str().unwrap();
    assert!(place.ends_with("live.toml:14"), "{place}");
    assert!(
        row("team-a")["last_used"].as_f64().unwrap() > 1.7e9,
        "{listed}"
    );
    assert!(!listed.to_string().contains(&key) && !listed.to_string().contains("sha256"));
    told(&daemon, &["restore", "filed", "--reason", "the wrong one"]);
    assert_eq!(asked(&daemon, OTHER, "wide").await.0, 200);
    let before = told(&daemon, &["revoke", "team-a"]);
    assert_eq!(
        (&before["kept"], &before["revoked"]["by"]),
        (&json!(true), &json!("ada"))
    );
    assert_eq!(asked(&daemon, &key, "chat").await.0, 401);
    let listed = told(&daemon, &["list"]);
    let mut rows = listed["keys"].as_array().unwrap().iter();
    let gone = rows.find(|row| row["name"] == "team-a").unwrap();
    assert_eq!(gone["state"], "revoked", "{gone}");
    assert!(gone["last_used"].as_f64().unwrap() > 1.7e9, "{gone}");
    let nobody = keys(&daemon, &["revoke", "team-b"]);
    assert_eq!(nobody.status.code(), Some(1));
    let said = String::from_utf8(nobody.stderr).unwrap();
    assert!(said.contains("no key is called \"team-b\""), "{said}");
}

/// The key of a made one, from its answer.
fn secret(made: &Value) -> String {
    made["key"].as_str().unwrap().to_owned()
}

/// The row of the list with this name.
fn listed(daemon: &Daemon, name: &str) -> Value {
    let listed = told(daemon, &["list"]);
    let mut rows = listed["keys"].as_array().unwrap().iter();
    rows.find(|row| row["name"] == name).unwrap().clone()
}

/// Rotates a key that was made here with a grace and one of the files without, and then the daemon is killed.
async fn rotated(folder: &Path) -> (String, String, String) {
    let daemon = kept(folder);
    let words = "new team-a --save --reason launch --route chat --rpm 100 --team search";
    let old = told(&daemon, &words.split(' ').collect::<Vec<_>>());
    let new = told(&daemon, &["rotate", "team-a", "--grace", "24h"]);
    let words = ["rotate", "filed", "--grace", "0s", "--reason", "leaked"];
    let of_files = told(&daemon, &words);
    let message = of_files["message"].as_str().unwrap();
    assert!(
        message.contains("live.toml:14: write this hash there"),
        "{message}"
    );
    assert!(of_files["hash"].as_str().unwrap().starts_with("sha256:"));
    daemon.signal("-KILL");
    daemon.ended().await;
    (secret(&old), secret(&new), secret(&of_files))
}

#[tokio::test]
async fn a_key_gets_a_new_secret_and_the_one_before_ends_in_words_also_after_being_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new, of_files) = rotated(folder.path()).await;
    let daemon = kept(folder.path());
    for key in [&old, &new] {
        assert_eq!(asked(&daemon, key, "chat").await.0, 200, "both come in");
        assert_eq!(asked(&daemon, key, "wide").await.0, 403, "the same rights");
    }
    let (status, said) = asked(&daemon, OTHER, "wide").await;
    assert_eq!(status, 401, "{said}");
    let words = "this key was replaced by a new one, and was accepted until";
    assert!(said.contains(words), "{said}");
    assert_eq!(asked(&daemon, &of_files, "wide").await.0, 200);
    let (team, filed) = (listed(&daemon, "team-a"), listed(&daemon, "filed"));
    let before = &team["before"][0];
    let grace = before["until"].as_u64().unwrap() - before["replaced"]["at"].as_u64().unwrap();
    assert_eq!((grace, &before["state"]), (86_400, &json!("accepted")));
    let made = (before["since"].as_u64(), team["rotated"]["at"].as_u64());
    assert!(made.0.is_some() && made.0 <= made.1, "{team}");
    assert!(before["last_used"].is_f64() && team["last_used"].is_f64());
    assert_eq!(filed["before"][0]["state"], "over", "{filed}");
    assert!(filed["before"][0]["last_refused"].is_f64(), "{filed}");
    for secret in [&old, &new, &of_files] {
        assert!(!format!("{team}{filed}").contains(secret.as_str()));
    }
    until("both secrets are one row of the books", async || {
        let usage = daemon.json("/api/v1/usage?by=key,team&key=team-a").await;
        let rows = usage["rows"].as_array().unwrap().len();
        (rows == 1 && usage["total"]["requests"].as_u64() >= Some(2)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn revoking_ends_both_secrets_and_a_revoked_key_gets_no_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new, _) = rotated(folder.path()).await;
    let daemon = kept(folder.path());
    told(&daemon, &["revoke", "team-a"]);
    for key in [&old, &new] {
        assert_eq!(asked(&daemon, key, "chat").await.0, 401);
    }
    let refused = keys(&daemon, &["rotate", "team-a"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("\"team-a\" is revoked"), "{said}");
    daemon.terminate();
    daemon.ended().await;
    let mut replay = weighbridge();
    let replayed = replay.arg("replay").arg(folder.path().join("journal"));
    let replayed = replayed.output().unwrap();
    assert!(replayed.status.success(), "keys take no part: {replayed:?}");
}
