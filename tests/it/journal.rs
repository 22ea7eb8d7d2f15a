//! A journal written by the program under real traffic is decided again by the program, byte for byte.

use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;
use weighbridge::live::Clock;

use super::client::Client;
use super::daemon::{Daemon, live, weighbridge};

/// Two simulated providers; `second` is the law of the second. Its own journal, four ticks in the time of one.
fn config(folder: &Path, weight: f64, second: &str) -> String {
    let journal = folder.join("journal");
    let journal = journal.display();
    format!(
        r#"
config_version = 1
controller = {{ tick = "50ms", journal = "{journal}" }}
[providers.one]
kind = "simulated"
law = {{ ttft_ms = 20, tpot_ms = 1, error_rate = 0 }}
[providers.two]
kind = "simulated"
law = {{ {second} }}
[providers.never]
kind = "openai"
api_key = "sk-never-to-be-seen"
[routes.chat.targets]
one = {{ use = "one/m", weight = 1 }}
two = {{ use = "two/m", weight = {weight} }}
"#
    )
}

const WELL: &str = "ttft_ms = 20, tpot_ms = 1, error_rate = 0";
const SICK: &str = "ttft_ms = 20, tpot_ms = 1, error_rate = 1, error_status = 503";

/// Traffic for some time, streamed and not; tells how many were sent.
async fn traffic(daemon: &Daemon, seconds: f64) -> u64 {
    let client = Client::new(daemon.data);
    let body = |stream: bool| {
        serde_json::json!({
            "model": "chat", "max_tokens": 20, "stream": stream,
            "messages": [{ "role": "user", "content": "do not write this down" }],
        })
        .to_string()
    };
    let clock = Clock::start();
    let (start, mut sent) = (clock.now(), 0);
    while clock.now().secs_since(start) < seconds {
        let stream = body(sent % 2 == 0);
        let four = [0; 4].map(|_| client.chat(&stream));
        let [a, b, c, d] = four;
        for got in [tokio::join!(a, b), tokio::join!(c, d)] {
            got.0.unwrap();
            got.1.unwrap();
        }
        sent += 4;
    }
    sent
}

fn run(arguments: &[&str], journal: &Path) -> (bool, String) {
    let output = weighbridge().args(arguments).arg(journal).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() || !text.is_empty(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.success(), text)
}

fn texts(journal: &Path) -> String {
    let files = std::fs::read_dir(journal).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts.collect()
}

#[tokio::test]
async fn what_was_decided_under_traffic_reloads_and_a_crash_is_decided_again() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let write = |weight, law| {
        std::fs::write(live(folder.path()), config(folder.path(), weight, law)).unwrap();
    };
    write(1.0, WELL);
    let daemon = Daemon::start(folder.path());
    let mut sent = traffic(&daemon, 1.5).await;
    write(3.0, SICK);
    assert_eq!(daemon.reload().await.0, 200, "the file is good");
    sent += traffic(&daemon, 1.5).await;
    // A crash: nothing is flushed that was not.
    drop(daemon);
    let again = Daemon::start(folder.path());
    sent += traffic(&again, 1.0).await;
    write(1.0, WELL);
    assert_eq!(again.reload().await.0, 200, "the file is good");
    sent += traffic(&again, 0.5).await;
    again.terminate();
    assert!(again.ended().await.status.success(), "it drained");

    let (agrees, text) = run(&["replay", "--format", "json"], &journal);
    let found: Value = serde_json::from_str(&text).unwrap();
    assert!(agrees && found["agrees"] == true, "{text}");
    let number = |key: &str| found[key].as_u64().unwrap();
    assert!(
        number("ticks") > 40,
        "four and a half seconds of ticks: {text}"
    );
    assert_eq!(number("different"), 0, "{text}");
    assert!(
        number("checkpoints") >= 4,
        "two starts, two reloads: {text}"
    );
    let draws = number("draws");
    assert!(draws > sent / 2, "{draws} lines of some {sent} requests");

    let (_, text) = run(&["replay", "--strategy", "fixed"], &journal);
    assert!(text.contains("same to the byte"), "{text}");
    assert!(text.contains("chat") && text.contains("two"), "{text}");
    let (_, text) = run(
        &[
            "replay",
            "--env",
            "live",
            "--config",
            folder.path().to_str().unwrap(),
        ],
        &journal,
    );
    assert!(text.contains("THEN"), "another configuration: {text}");

    let all = texts(&journal);
    assert!(!all.contains("never-to-be-seen"), "no key is written down");
    assert!(!all.contains("do not write this"), "no prompt is");
    assert!(
        all.contains("\"propensity\":0."),
        "draws have their probability"
    );
}

#[tokio::test]
async fn a_past_decision_is_explained_in_the_same_sentences() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    std::fs::write(live(folder.path()), config(folder.path(), 1.0, SICK)).unwrap();
    let daemon = Daemon::start(folder.path());
    traffic(&daemon, 1.0).await;
    let now = Clock::start().wall();
    let unix = now.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    daemon.terminate();
    daemon.ended().await;
    let at = format!("{}", unix.as_secs_f64());
    let (good, text) = run(&["explain", "chat", "--at", &at, "--journal"], &journal);
    assert!(good, "{text}");
    assert!(text.contains("decided at 20"), "when: {text}");
    assert!(
        text.contains("two: ejected because it kept failing"),
        "why: {text}"
    );
    let (good, _) = run(
        &[
            "explain",
            "chat",
            "--at",
            &at,
            "--format",
            "json",
            "--journal",
        ],
        &journal,
    );
    assert!(good, "for programs too");
    let output = weighbridge()
        .args(["explain", "chat", "--at", "2001-01-01T00:00", "--journal"])
        .arg(&journal)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("no decision about route \"chat\" at 2001-01-01"),
        "{said}"
    );
}
