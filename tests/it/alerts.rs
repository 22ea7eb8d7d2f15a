//! Alerts, through the program to a webhook: each once, tried again, and over when it is over.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use weighbridge::store::Books;

use super::client::Client;
use super::daemon::{Daemon, live, until};

const SECRET: &str = "a-secret-of-the-webhook";
const PLACE: &str = "hooks-T0PLACE-that-nobody-may-know";

/// What a webhook was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hook {
    taken: Arc<Mutex<Vec<Told>>>,
    /// Messages that are turned away at first.
    failures: Arc<Mutex<u32>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Told {
    head: String,
    pub(crate) body: Value,
}

impl Hook {
    /// A webhook that turns the first message away; it ends with the test's process.
    pub(crate) fn start(failures: u32) -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let hook = Self {
            failures: Arc::new(Mutex::new(failures)),
            ..Self::default()
        };
        let serving = hook.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let hook = serving.clone();
                std::thread::spawn(move || hook.answer(stream));
            }
        });
        (hook, address)
    }

    fn answer(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
                if line == "\r\n" {
                    break;
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let mut failures = self.failures.lock().unwrap();
            let status = if *failures > 0 {
                *failures -= 1;
                "503 Service Unavailable"
            } else {
                let body = serde_json::from_slice(&body).unwrap();
                self.taken.lock().unwrap().push(Told { head, body });
                "200 OK"
            };
            drop(failures);
            let text = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            reader.get_mut().write_all(text.as_bytes()).ok()?;
        }
    }

    fn taken(&self) -> Vec<Told> {
        self.taken.lock().unwrap().clone()
    }

    /// Waits until so many were taken.
    pub(crate) async fn has(&self, count: usize) -> Vec<Told> {
        until(&format!("{count} messages must come"), async || {
            let taken = self.taken();
            (taken.len() >= count).then_some(taken)
        })
        .await
    }
}

/// A provider with a budget of `limit` that is told of at half and at the whole; each request costs a tenth of a cent.
fn config(limit: &str, state: &Path, json: SocketAddr, slack: SocketAddr) -> String {
    format!(
        r#"config_version = 1
[server]
state = "{}"
[alerts.webhooks.json]
url = "http://{json}/{PLACE}"
headers = {{ x-hook-secret = "{SECRET}" }}
kinds = ["budget"]
[alerts.webhooks.chat]
url = "http://{slack}/{PLACE}"
format = "slack"
kinds = ["config_refused"]
[providers.paid]
kind = "simulated"
law = {{ ttft_ms = 1, tpot_ms = 0.1, spread = 0, error_rate = 0 }}
budget = {{ month_usd = {limit}, alert_at = [0.5, 1.0], at_limit = "alert" }}
[prices]
"paid/m" = {{ input = "$0", output = "$0", request = "$0.001 / request" }}
[routes.chat]
targets.paid = {{ use = "paid/m" }}
"#,
        state.display()
    )
}

async fn spend(daemon: &Daemon, requests: u32) {
    let client = Client::new(daemon.data);
    let body = r#"{"model":"chat","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#;
    for _ in 0..requests {
        assert!(client.chat(body).await.unwrap().is_whole());
    }
}

fn field<'a>(told: &'a Told, name: &str) -> &'a str {
    told.body[name].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_budget_tells_once_a_threshold_and_when_that_is_over() {
    let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (json, json_at) = Hook::start(1);
    let (slack, slack_at) = Hook::start(0);
    let text = |limit| config(limit, state.path(), json_at, slack_at);
    std::fs::write(live(folder.path()), text("0.01")).unwrap();
    let daemon = Daemon::start(folder.path());
    spend(&daemon, 6).await;
    let told = json.has(1).await;
    assert_eq!(field(&told[0], "state"), "firing");
    assert_eq!(field(&told[0], "subject"), "provider paid, month");
    assert!(field(&told[0], "message").starts_with("50 % of this month's budget"));
    assert!(told[0].head.contains(SECRET), "the header goes along");
    spend(&daemon, 6).await;
    let told = json.has(2).await;
    assert!(field(&told[1], "message").starts_with("100 % of this month's budget"));
    assert_ne!(told[0].body["id"], told[1].body["id"]);
    let open = daemon.json("/api/v1/alerts?open=true").await;
    assert_eq!(open["alerts"].as_array().unwrap().len(), 2);
    assert_eq!(daemon.json("/api/v1/overview").await["alerts"], 2);
    // Broken files are told to the one who asked for that, and change nothing.
    std::fs::write(live(folder.path()), "broken").unwrap();
    assert_eq!(daemon.reload().await.0, 409);
    let refused = slack.has(1).await;
    assert!(
        field(&refused[0], "text").contains("config_refused"),
        "{refused:?}"
    );
    // With a larger limit both thresholds are far away.
    std::fs::write(live(folder.path()), text("1")).unwrap();
    assert_eq!(daemon.reload().await.0, 200);
    let told = json.has(4).await;
    assert!(told[2..].iter().all(|it| field(it, "state") == "resolved"));
    assert_eq!(slack.has(2).await.len(), 2);
    assert_eq!(json.taken().len(), 4, "each once, and once that it is over");
    let shown = daemon.get("/api/v1/config").await.1;
    assert!(!shown.contains(PLACE) && !shown.contains(SECRET), "{shown}");
    assert!(
        daemon.counted("weighbridge_alerts").await < 1e-9,
        "none is open"
    );
    daemon.terminate();
    let log = daemon.ended().await.log;
    assert!(!log.contains(PLACE) && !log.contains(SECRET), "{log}");
    let daemon = Daemon::start(folder.path());
    let all = daemon.json("/api/v1/alerts").await;
    let over = all["alerts"].as_array().unwrap();
    assert_eq!(over.len(), 3, "the books have them: {all}");
    assert!(over.iter().all(|alert| alert["resolved"].is_number()));
}

#[tokio::test]
async fn what_no_webhook_took_before_a_kill_is_told_by_the_next_process() {
    let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (json, json_at) = Hook::start(u32::MAX);
    let (_slack, slack_at) = Hook::start(0);
    let text = config("0.01", state.path(), json_at, slack_at);
    std::fs::write(live(folder.path()), text).unwrap();
    let daemon = Daemon::start(folder.path());
    spend(&daemon, 6).await;
    let books = Books::to_read(state.path());
    let untold = until("the message must wait in the books", async || {
        let untold = books.untold(10).unwrap_or_default();
        let was_tried = *json.failures.lock().unwrap() < u32::MAX;
        (untold.len() == 1 && was_tried).then_some(untold)
    })
    .await;
    daemon.signal("-KILL");
    daemon.ended().await;

    *json.failures.lock().unwrap() = 0;
    let daemon = Daemon::start(folder.path());
    let told = json.has(1).await;
    assert_eq!(field(&told[0], "id"), untold[0].0.id);
    assert_eq!(field(&told[0], "state"), "firing");
    until("nothing must wait any more", async || {
        books.untold(10).unwrap().is_empty().then_some(())
    })
    .await;
    daemon.terminate();
    daemon.ended().await;
    let daemon = Daemon::start(folder.path());
    spend(&daemon, 6).await;
    let told = json.has(2).await;
    assert_eq!(told.len(), 2, "the first is not told again: {told:?}");
    assert!(field(&told[1], "message").starts_with("100 %"), "{told:?}");
}

#[tokio::test]
async fn thresholds_that_are_reached_at_once_are_one_message_and_alerts_of_their_own() {
    let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (json, json_at) = Hook::start(0);
    let (_slack, slack_at) = Hook::start(0);
    let text = |limit| config(limit, state.path(), json_at, slack_at);
    std::fs::write(live(folder.path()), text("0.0005")).unwrap();
    let daemon = Daemon::start(folder.path());
    spend(&daemon, 1).await;
    let told = json.has(1).await;
    let message = field(&told[0], "message");
    assert!(
        message.starts_with("100 % of this month's budget"),
        "{message}"
    );
    assert!(message.ends_with("(reached with it: 50 %)"), "{message}");
    let open = daemon.json("/api/v1/alerts?open=true").await;
    assert_eq!(open["alerts"].as_array().unwrap().len(), 2, "each is one");
    std::fs::write(live(folder.path()), text("1")).unwrap();
    assert_eq!(daemon.reload().await.0, 200);
    let told = json.has(2).await;
    assert_eq!(field(&told[1], "state"), "resolved");
    assert_eq!(told[0].body["id"], told[1].body["id"]);
    daemon.terminate();
    daemon.ended().await;
    assert_eq!(json.taken().len(), 2, "one each way");
}
