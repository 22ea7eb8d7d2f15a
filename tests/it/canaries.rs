//! Twelve secrets go every way that a secret can go, and come out nowhere that it should not.
//!
//! Each is planted where its owner keeps it. Then requests succeed and fail, files are refused, keys are asked for; and all
//! that the daemon said meanwhile is read: its log with every line there is, what clients got, the admin API, the metrics,
//! the journal, the books.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::daemon::{Daemon, live, until, weighbridge};
use super::upstream::Upstream;

/// What is planted, and where.
const CANARIES: [(&str, &str); 12] = [
    ("a key in a variable", "canary-a1-key-of-a-variable"),
    ("a key in a file", "canary-b2-key-of-a-file"),
    ("a key in the configuration", "canary-c3-key-of-the-text"),
    ("one of several keys", "canary-d4-key-of-a-pool"),
    ("a header of a provider", "canary-e5-header"),
    ("a client's key", "canary-f6-client"),
    ("a key that nobody holds", "canary-g7-stranger"),
    ("the admin token", "canary-h8-admin-token"),
    ("a webhook's address", "canary-i9-webhook"),
    ("a webhook's token", "canary-j10-webhook-token"),
    ("a prompt", "canary-k11-prompt"),
    ("an answer", "canary-l12-answer"),
];
const CLIENT: &str = CANARIES[5].1;
const STRANGER: &str = CANARIES[6].1;
const ADMIN: &str = CANARIES[7].1;
const PROMPT: &str = CANARIES[10].1;
const ANSWER: &str = CANARIES[11].1;

/// A good answer; to `bad` and `worse` a refusal and an error that quote the whole request.
fn provider(request: &str) -> (u16, String) {
    let quoted = serde_json::to_string(request).unwrap();
    let error = format!(r#"{{"error":{{"message":{quoted},"type":"x","code":"x"}}}}"#);
    if request.contains("\"bad\"") {
        return (401, error);
    }
    if request.contains("\"worse\"") {
        return (500, error);
    }
    if request.contains("\"wrong\"") {
        return (400, error);
    }
    let answer = format!(
        r#"{{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"finish_reason":"stop",
        "message":{{"role":"assistant","content":"{ANSWER}"}}}}],"usage":{{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}}}"#
    );
    (200, answer)
}

fn config(upstream: &Upstream, state: &Path) -> String {
    let [_, (_, _), (_, text), (_, pooled), (_, header), ..] = CANARIES;
    let (url, token) = (CANARIES[8].1, CANARIES[9].1);
    let (address, state) = (upstream.address, state.display());
    format!(
        r#"config_version = 1
[server]
state = "{state}/books"
[admin]
token = "${{ADMIN_TOKEN}}"
[controller]
journal = "{state}/journal"
[providers.a]
kind = "openai"
base_url = "http://{address}/v1"
api_key = "${{CANARY_KEY}}"
headers = {{ "X-Tenant" = "{header}" }}
[providers.b]
kind = "openai"
base_url = "http://{address}/v1"
api_key = {{ file = "key" }}
[providers.c]
kind = "openai"
base_url = "http://{address}/v1"
api_key = "{text}"
[providers.d]
kind = "openai"
base_url = "http://{address}/v1"
api_keys = ["{pooled}", "${{CANARY_KEY}}"]
[routes.chat.targets]
a = {{ use = "a/m", weight = 1 }}
b = {{ use = "b/m", weight = 1 }}
c = {{ use = "c/m", weight = 1 }}
d = {{ use = "d/m", weight = 1 }}
[keys.app]
key = "{CLIENT}"
[alerts.webhooks.all]
url = "http://{address}/hooks/{url}"
token = "{token}"
"#
    )
}

fn start(folder: &Path, upstream: &Upstream) -> Daemon {
    fs::write(folder.join("key"), CANARIES[1].1).unwrap();
    fs::write(live(folder), config(upstream, folder)).unwrap();
    let mut command = weighbridge();
    command.env("CANARY_KEY", CANARIES[0].1);
    command
        .env("ADMIN_TOKEN", ADMIN)
        .env("RUST_BACKTRACE", "full");
    command.env("WEIGHBRIDGE_LOG", "trace");
    Daemon::start_as(command, folder)
}

/// What clients are answered, to good requests and bad ones. A client hears its own answer, and no other secret.
async fn clients(daemon: &Daemon) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut told = String::new();
    for key in [CLIENT, STRANGER] {
        for model in [
            "chat", "a/m", "b/bad", "c/bad", "d/bad", "a/worse", "d/worse", "a/wrong", "c/wrong",
            "no/where",
        ] {
            for (header, value) in [
                ("authorization", format!("Bearer {key}")),
                ("x-api-key", key.to_owned()),
            ] {
                let body = format!(
                    r#"{{"model":"{model}","messages":[{{"role":"user","content":"{PROMPT}"}}]}}"#
                );
                let url = format!("http://{}/v1/chat/completions?key={key}", daemon.data);
                let request = http.post(url).header(header, value).body(body);
                let answer = request.send().await.unwrap();
                let head = format!("{} {:?}\n", answer.status(), answer.headers());
                told += &head;
                told += &answer.text().await.unwrap();
            }
        }
    }
    let broken = format!("{{\"model\":\"chat\",\"messages\":\"{PROMPT}");
    let request = http.post(format!("http://{}/v1/chat/completions", daemon.data));
    let answer = request
        .bearer_auth(CLIENT)
        .body(broken)
        .send()
        .await
        .unwrap();
    told + &answer.text().await.unwrap()
}

/// A new secret of the client's key, which comes in beside the one before. Its answer is the one place where it may be.
async fn rotated(daemon: &Daemon) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let rotate = http.post(format!("http://{}/api/v1/keys/app", daemon.admin));
    let rotate = rotate.bearer_auth(ADMIN).body(r#"{"seconds":600}"#);
    let answer = rotate.send().await.unwrap().text().await.unwrap();
    let made: Value = serde_json::from_str(&answer).unwrap();
    let key = made["key"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned();
    let body = format!(r#"{{"model":"chat","messages":[{{"role":"user","content":"{PROMPT}"}}]}}"#);
    let url = format!("http://{}/v1/chat/completions", daemon.data);
    let answer = http
        .post(url)
        .bearer_auth(&key)
        .body(body)
        .send()
        .await
        .unwrap();
    assert_ne!(answer.status().as_u16(), 401, "it comes in");
    key
}

/// All that can be read at the admin address.
async fn admin(daemon: &Daemon) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| {
        let request = http.get(format!("http://{}{path}", daemon.admin));
        let answer = request.bearer_auth(ADMIN).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, description) = get("/api/v1/openapi.json").await;
    assert_eq!(status, 200, "{description}");
    let description: Value = serde_json::from_str(&description).unwrap();
    let mut told = String::new();
    let paths = description["paths"].as_object().unwrap();
    for (path, operations) in paths {
        let is_read = operations.get("get").is_some() && !path.contains("events");
        if is_read {
            let path = path.replace("{route}", "chat").replace("{key}", "app");
            let page = format!("{path} {:?}\n", get(&path).await);
            told += &page;
        }
    }
    for path in [
        "/",
        "/metrics",
        "/healthz",
        "/readyz",
        "/api/v1/requests?limit=200",
    ] {
        let page = format!("{path} {:?}\n", get(path).await);
        told += &page;
    }
    let (_, requests) = get("/api/v1/requests?limit=200").await;
    assert!(requests.contains("a/m"), "requests are listed: {requests}");
    told
}

/// All bytes below `folder`.
fn files(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(files(&path));
        } else {
            bytes.extend(fs::read(&path).unwrap());
        }
    }
    bytes
}

#[tokio::test]
async fn no_secret_comes_out_where_it_should_not() {
    let upstream = Upstream::start(provider).await;
    let folder = tempfile::tempdir().unwrap();
    let daemon = start(folder.path(), &upstream);
    let to_clients = clients(&daemon).await;
    let second = rotated(&daemon).await;
    let mut told = admin(&daemon).await;
    // A file that is refused, with its lines; it has the same secrets in it.
    let text = config(&upstream, folder.path()).replace("kind = \"openai\"", "kind = \"opemai\"");
    fs::write(live(folder.path()), text).unwrap();
    until("the file is refused", async || {
        let page = admin(&daemon).await;
        page.contains("opemai").then(|| told += &page)
    })
    .await;
    until("a webhook is told", async || {
        let seen = upstream.seen();
        seen.iter()
            .any(|request| request.starts_with("POST /hooks/"))
            .then_some(())
    })
    .await;
    let requests = upstream.seen();
    let bodies = requests
        .iter()
        .filter_map(|request| request.split_once("\r\n\r\n"));
    let hooks: String = bodies
        .filter(|(head, _)| head.starts_with("POST /hooks/"))
        .map(|(_, body)| body)
        .collect();
    daemon.terminate();
    let log = daemon.ended().await.log;
    assert!(log.contains("TRACE"), "every line is logged: {log}");
    let kept = [
        files(&folder.path().join("books")),
        files(&folder.path().join("journal")),
    ]
    .concat();
    assert!(kept.len() > 10_000, "books and a journal are kept");
    let places = [
        ("answers to clients", to_clients.as_bytes()),
        ("the admin address", told.as_bytes()),
        ("the log", log.as_bytes()),
        ("webhooks' bodies", hooks.as_bytes()),
        ("the books and the journal", kept.as_slice()),
    ];
    let mut found = Vec::new();
    for (place, bytes) in places {
        for (what, canary) in CANARIES.into_iter().chain([("a new secret", &*second)]) {
            // What a client said, and what it was answered, is its own.
            let is_its_own = place == "answers to clients" && [ANSWER, PROMPT].contains(&canary);
            if let Some(at) = memchr::memmem::find(bytes, canary.as_bytes()).filter(|_| !is_its_own)
            {
                let around = &bytes[at.saturating_sub(200)..(at + 60).min(bytes.len())];
                found.push(format!(
                    "{what} in {place}: {}",
                    String::from_utf8_lossy(around)
                ));
            }
        }
    }
    println!("tally: {} secrets found", found.len());
    assert!(found.is_empty(), "{}", found.join("\n\n"));
    let used = upstream.seen().concat();
    for (what, canary) in &CANARIES[..5] {
        assert!(used.contains(canary), "{what} was used at all");
    }
}
