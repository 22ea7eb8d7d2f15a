//! A new daemon takes the port over from the old one, and no client notices: none of these tries again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::daemon::{Daemon, PATIENCE, asked, live, machine, until};

const CONFIG: &str = r#"
config_version = 1
[server]
reuse_port = true
[providers.a]
kind = "simulated"
law = { ttft_ms = 5, tpot_ms = 0.5, spread = 0.5, error_rate = 0 }
[routes.chat.targets]
a = { use = "a/m" }
"#;
/// Clients of each kind.
const CLIENTS: usize = 6;
/// Requests between two restarts.
const BETWEEN: u64 = 300;

/// How long a client keeps a connection.
#[derive(Clone, Copy, Debug)]
enum Keeps {
    /// For one request.
    Never,
    /// Until an answer says that it ends.
    UntilTold,
}

#[derive(Debug, Default)]
struct Seen {
    stop: AtomicBool,
    answered: AtomicU64,
    lost: AtomicU64,
}

/// One request and its answer. Returns whether the connection may be used again.
async fn exchange(stream: &mut TcpStream, keeps: Keeps) -> Result<bool, String> {
    let body = r#"{"model":"chat","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
    let connection = match keeps {
        Keeps::Never => "close",
        Keeps::UntilTold => "keep-alive",
    };
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: {connection}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let sent = stream.write_all(request.as_bytes()).await;
    sent.map_err(|error| format!("not sent: {error}"))?;
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                if !head.starts_with("http/1.1 200") {
                    return Err(head);
                }
                return Ok(!head.contains("connection: close"));
            }
        }
        match stream.read_buf(&mut bytes).await {
            Ok(0) => return Err(format!("ended after {} bytes", bytes.len())),
            Ok(_) => {}
            Err(error) => return Err(format!("{error} after {} bytes", bytes.len())),
        }
    }
}

/// Asks until it is told to stop.
async fn ask(data: SocketAddr, keeps: Keeps, seen: Arc<Seen>) {
    let mut kept = None;
    while !seen.stop.load(Ordering::Relaxed) {
        let asking = async {
            let mut stream = match kept.take() {
                Some(stream) => stream,
                None => TcpStream::connect(data)
                    .await
                    .map_err(|error| format!("no connection: {error}"))?,
            };
            let goes_on = exchange(&mut stream, keeps).await?;
            Ok::<_, String>(goes_on.then_some(stream))
        };
        match timeout(PATIENCE, asking).await {
            Ok(Ok(stream)) => {
                kept = stream;
                seen.answered.fetch_add(1, Ordering::Relaxed);
            }
            other => {
                println!("lost by a client that keeps connections {keeps:?}: {other:?}");
                seen.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
        // A pause, so that a connection is idle for a moment at any time of the restart.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_daemon_takes_over_and_no_request_is_lost() {
    let _machine = machine().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), CONFIG).unwrap();
    let mut daemon = Daemon::start(folder.path());
    let seen = Arc::new(Seen::default());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        for keeps in [Keeps::Never, Keeps::UntilTold] {
            clients.spawn(ask(daemon.data, keeps, Arc::clone(&seen)));
        }
    }
    let answered = || seen.answered.load(Ordering::Relaxed);
    let restarts = asked("WEIGHBRIDGE_RESTARTS", 3);
    for _ in 0..restarts {
        let before = answered();
        until("there is load", async || {
            (answered() > before + BETWEEN).then_some(())
        })
        .await;
        let next = Daemon::start_beside(&daemon, folder.path());
        let old = std::mem::replace(&mut daemon, next);
        old.terminate();
        let ended = old.ended().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    }
    let before = answered();
    until("the last one serves", async || {
        (answered() > before + BETWEEN).then_some(())
    })
    .await;
    seen.stop.store(true, Ordering::Relaxed);
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    let lost = seen.lost.load(Ordering::Relaxed);
    println!("tally: {restarts} faults survived");
    println!("tally: {} requests answered", answered());
    println!("tally: {lost} requests lost");
    assert_eq!(lost, 0, "no request is lost");
}

#[tokio::test]
async fn without_reuse_port_a_second_daemon_is_told_that_somebody_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let alone = CONFIG.replace("reuse_port = true", "reuse_port = false");
    std::fs::write(live(folder.path()), alone).unwrap();
    let daemon = Daemon::start(folder.path());
    let second = super::daemon::weighbridge()
        .args(["serve", "--env", "live", "--config"])
        .arg(folder.path())
        .args([
            "--listen",
            &daemon.data.to_string(),
            "--admin-listen",
            "127.0.0.1:0",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success(), "{said}");
    assert!(said.contains("is another process there?"), "{said}");
}
