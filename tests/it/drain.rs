//! SIGTERM: nothing new, what is under way comes to its end, exit status 0.

use super::client::Client;
use super::daemon::{Daemon, live, machine, until};

/// A stream of about a second.
const CONFIG: &str = r#"
config_version = 1
[providers.slow]
kind = "simulated"
law = { ttft_ms = 50, tpot_ms = 25, spread = 0, error_rate = 0 }
[routes.chat.targets]
slow = { use = "slow/m" }
"#;
const ASK: &str = r#"{"model":"chat","stream":true,"max_tokens":TOKENS,"messages":[{"role":"user","content":"hi"}]}"#;

fn start(config: &str) -> (tempfile::TempDir, Daemon) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), config).unwrap();
    let daemon = Daemon::start(folder.path());
    (folder, daemon)
}

#[tokio::test]
async fn a_stream_under_way_comes_to_its_end_and_the_status_is_0() {
    let (_folder, daemon) = start(CONFIG);
    let client = Client::new(daemon.data);
    assert_eq!(daemon.get("/readyz").await.0, 200, "it wants traffic");
    let mut stream = client.open(&ASK.replace("TOKENS", "40")).await.unwrap();
    let mut text = stream.chunk().await.unwrap().unwrap().to_vec();
    daemon.terminate();
    until("readiness must turn", async || {
        (daemon.get("/readyz").await.0 == 503).then_some(())
    })
    .await;
    assert_eq!(
        daemon.get("/healthz").await.0,
        200,
        "a daemon that drains is alive"
    );
    until("new connections must be refused", async || {
        let late = tokio::net::TcpStream::connect(daemon.data).await;
        late.is_err().then_some(())
    })
    .await;
    while let Some(chunk) = stream.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.trim_end().ends_with("data: [DONE]"),
        "the stream came to its end: {text}"
    );
    let ended = daemon.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
}

/// Streams that are open when the signal comes.
const OPEN: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_open_streams_none_is_lost() {
    let _machine = machine().await;
    let (_folder, daemon) = start(CONFIG);
    let client = Client::new(daemon.data);
    let mut streams = Vec::new();
    for _ in 0..OPEN {
        // Some two seconds each, so that the first one is open when the last one is opened.
        let mut stream = client.open(&ASK.replace("TOKENS", "80")).await.unwrap();
        let begun = stream.chunk().await.unwrap().unwrap().to_vec();
        streams.push((stream, begun));
    }
    daemon.terminate();
    let mut reading = tokio::task::JoinSet::new();
    for (mut stream, mut text) in streams {
        reading.spawn(async move {
            while let Ok(Some(chunk)) = stream.chunk().await {
                text.extend_from_slice(&chunk);
            }
            String::from_utf8(text).unwrap()
        });
    }
    let texts = reading.join_all().await;
    let whole = texts
        .iter()
        .filter(|text| text.trim_end().ends_with("data: [DONE]"))
        .count();
    println!("tally: {whole} requests answered");
    println!("tally: {} requests lost", OPEN - whole);
    assert_eq!(whole, OPEN, "each came to its end");
    let ended = daemon.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
}

#[tokio::test]
async fn a_stream_beyond_the_grace_is_told_so_and_the_status_is_1() {
    let (_folder, daemon) = start(&format!("{CONFIG}\n[server]\ndrain_grace = \"300ms\"\n"));
    let client = Client::new(daemon.data);
    let mut stream = client.open(&ASK.replace("TOKENS", "800")).await.unwrap();
    let mut text = stream.chunk().await.unwrap().unwrap().to_vec();
    daemon.terminate();
    while let Ok(Some(chunk)) = stream.chunk().await {
        text.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("\"error\"") && !text.contains("[DONE]"),
        "a stream that was cut says so: {text}"
    );
    let ended = daemon.ended().await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.log);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (_folder, daemon) = start(CONFIG);
    let client = Client::new(daemon.data);
    let mut stream = client.open(&ASK.replace("TOKENS", "800")).await.unwrap();
    stream.chunk().await.unwrap().unwrap();
    daemon.terminate();
    until("readiness must turn", async || {
        (daemon.get("/readyz").await.0 == 503).then_some(())
    })
    .await;
    daemon.terminate();
    let ended = daemon.ended().await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.log);
    assert!(ended.log.contains("cutting what is open"), "{}", ended.log);
}

#[tokio::test]
async fn without_anything_open_it_ends_at_once() {
    let (_folder, daemon) = start(CONFIG);
    daemon.terminate();
    let ended = daemon.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
}
