//! Credentials that change while requests run.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::task::JoinSet;

use super::client::Client;
use super::daemon::{Daemon, live, machine, until};
use super::upstream::Upstream;

/// How often the key is changed.
const CHANGES: u64 = 60;
/// Clients that send one request after the other.
const CLIENTS: usize = 6;

/// The number behind `mark` in `text`.
fn number(text: &str, mark: &str) -> u64 {
    let (_, rest) = text.split_once(mark).expect("the mark is there");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

fn ask(text: &str) -> String {
    format!(r#"{{"model":"chat","messages":[{{"role":"user","content":"{text}"}}]}}"#)
}

fn rename_over(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, file).unwrap();
}

fn completion(_: &str) -> (u16, String) {
    let answer = r#"{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",
        "message":{"role":"assistant","content":"hello"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
    (200, answer.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reload_no_request_carries_the_old_key() {
    let _machine = machine().await;
    let server = Upstream::start(completion).await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, "sk-key-0\n").unwrap();
    let text = format!(
        "[providers.p]\nkind = \"openai\"\nbase_url = \"http://{}/v1\"\napi_key = {{ file = \"key\" }}\n\
         [routes.chat.targets]\na = {{ use = \"p/m\" }}\n",
        server.address
    );
    fs::write(live(folder.path()), text).unwrap();
    let daemon = Daemon::start(folder.path());

    // What each client knows to be in force when it asks goes along with its request.
    let (in_force, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let client = Client::new(daemon.data);
        let (in_force, stop) = (Arc::clone(&in_force), Arc::clone(&stop));
        clients.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let known = in_force.load(Ordering::SeqCst);
                let got = client.chat(&ask(&format!("known-{known}."))).await.unwrap();
                assert_eq!(got.status, 200, "{}", got.body);
            }
        });
    }
    for change in 1..=CHANGES {
        rename_over(&key, &format!("sk-key-{change}\n"));
        let (status, answer) = daemon.reload().await;
        assert_eq!(status, 200, "{answer}");
        in_force.store(change, Ordering::SeqCst);
        let before = server.seen().len();
        until("requests run under each key", async || {
            (server.seen().len() > before + CLIENTS).then_some(())
        })
        .await;
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    for request in server.seen() {
        let (used, known) = (number(&request, "sk-key-"), number(&request, "known-"));
        assert!(used >= known, "key {used} after {known} was in force");
    }
}

/// Google, in two answers: a token that repeats who asked for it, and a model's words.
fn google(request: &str) -> (u16, String) {
    let answer = match request.split_once("refresh_token=login-") {
        Some((_, who)) => format!(r#"{{"access_token":"token-{who}","expires_in":3600}}"#),
        None => r#"{"candidates":[{"index":0,"finishReason":"STOP","content":{"role":"model","parts":[{"text":"hello"}]}}],
            "usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2}}"#
            .to_owned(),
    };
    (200, answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_there_before_the_first_request_and_follows_its_login() {
    let server = Upstream::start(google).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("login.json");
    let login = |number: u64| {
        format!(
            r#"{{"type":"authorized_user","client_id":"program","client_secret":"PLANTED","refresh_token":"login-{number}",
                "token_uri":"http://{}/token"}}"#,
            server.address
        )
    };
    fs::write(&file, login(1)).unwrap();
    let text = format!(
        "[providers.p]\nkind = \"vertex\"\nproject = \"mine\"\nbase_url = \"http://{}/v1\"\n\
         credentials = {{ file = \"login.json\" }}\n[routes.chat.targets]\na = {{ use = \"p/gemini\" }}\n",
        server.address
    );
    let config = live(folder.path());
    fs::write(&config, &text).unwrap();
    let daemon = Daemon::start(folder.path());
    let client = Client::new(daemon.data);
    let uses = |number: u64| {
        let wanted = format!("authorization: Bearer token-{number}\r\n");
        let seen = server.seen();
        seen.iter().filter(|seen| seen.contains(&wanted)).count()
    };
    let got = client.chat(&ask("hi")).await.unwrap();
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(uses(1), 1, "the first request has its token");

    // Another setting changes nothing about the login.
    rename_over(&config, &format!("{text}[defaults.retry]\ncount = 1\n"));
    assert_eq!(daemon.reload().await.0, 200);
    assert_eq!(client.chat(&ask("hi")).await.unwrap().status, 200);
    let asked = |server: &Upstream| {
        let seen = server.seen();
        seen.iter()
            .filter(|seen| seen.starts_with("POST /token "))
            .count()
    };
    assert_eq!((uses(1), asked(&server)), (2, 1), "the token was kept");

    rename_over(&file, &login(2));
    assert_eq!(daemon.reload().await.0, 200);
    until("the new login has a token", async || {
        let got = client.chat(&ask("hi")).await.unwrap();
        (got.status == 200).then_some(())
    })
    .await;
    assert_eq!(
        (uses(1), uses(2)),
        (2, 1),
        "the old token is not used again"
    );
    daemon.terminate();
    let ended = daemon.ended().await;
    for secret in ["PLANTED", "login-", "token-"] {
        assert!(!ended.log.contains(secret), "{}", ended.log);
    }
}
