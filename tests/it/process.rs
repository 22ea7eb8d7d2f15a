//! What a machine does to a daemon: no descriptors left, a clock that jumps. It goes on, and blames no target.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::client::Client;
use super::daemon::{Daemon, live, machine, until, weighbridge};

const CONFIG: &str = r#"
config_version = 1
[providers.a]
kind = "simulated"
law = { ttft_ms = 2, tpot_ms = 0.1, spread = 0.2, error_rate = 0 }
[providers.b]
kind = "simulated"
law = { ttft_ms = 2, tpot_ms = 0.1, spread = 0.2, error_rate = 0 }
[routes.chat.targets]
a = { use = "a/m", weight = 1 }
b = { use = "b/m", weight = 1 }
"#;
const ASK: &str = r#"{"model":"chat","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
/// Open files that the daemon may have.
const FEW: usize = 64;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), CONFIG).unwrap();
    folder
}

/// Requests one after the other on connections of their own, all of which must succeed.
async fn serves(daemon: &Daemon, requests: usize) {
    for _ in 0..requests {
        let got = Client::new(daemon.data).chat(ASK).await.unwrap();
        assert_eq!(got.status, 200, "{}", got.body);
    }
}

/// Ticks of the CPU that the process has used, a hundred of them a second.
fn ticks(daemon: &Daemon) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", daemon.pid())).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Clients' connections that it has not let go of, also those of clients who have hung up.
fn held(daemon: &Daemon) -> usize {
    let port = format!(":{:04X}", daemon.data.port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let is_held = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // Established, and established with a client who has hung up.
        fields[1].ends_with(&port) && matches!(fields[3], "01" | "08")
    };
    table.lines().filter(is_held).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_descriptor_left_it_sheds_and_comes_back_by_itself() {
    let _machine = machine().await;
    let folder = folder();
    let mut command = Command::new("sh");
    let limited = format!("ulimit -n {FEW}; exec \"$0\" \"$@\"");
    command
        .args(["-c", &limited])
        .arg(weighbridge().get_program());
    let daemon = Daemon::start_as(command, folder.path());
    serves(&daemon, 20).await;
    // More of them than the daemon may have files; half of them have begun a request.
    let mut open = Vec::new();
    for number in 0..4 * FEW {
        let mut stream = TcpStream::connect(daemon.data).await.unwrap();
        if number % 2 == 0 {
            drop(
                stream
                    .write_all(b"POST /v1/chat/completions HTTP/1.1\r\n")
                    .await,
            );
        }
        open.push(stream);
    }
    let busy = ticks(&daemon);
    let client = Client::new(daemon.data);
    let (mut shed, mut tries) = (0, JoinSet::new());
    for _ in 0..50 {
        let client = client.clone();
        tries.spawn(async move { client.chat(ASK).await.map(|got| got.status) });
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let used = ticks(&daemon) - busy;
    assert!(
        used < 100,
        "half of one core at most: {used} hundredths in 2 s"
    );
    drop(open);
    while let Some(tried) = tries.join_next().await {
        match tried.unwrap() {
            Ok(200) => {}
            Ok(status) => {
                assert_eq!(status, 503, "shed and no other error");
                shed += 1;
            }
            Err(error) => assert!(!error.is_timeout(), "nobody is left waiting: {error}"),
        }
    }
    drop(client);
    println!("{shed} of 50 shed");
    until("it must come back by itself", async || {
        let got = Client::new(daemon.data).chat(ASK).await;
        got.is_ok_and(|got| got.status == 200).then_some(())
    })
    .await;
    // Until the last of those who hung up is let go, it may have no place for one more.
    until("it must let go of who hung up", async || {
        (held(&daemon) == 0).then_some(())
    })
    .await;
    serves(&daemon, 100).await;
    let ejections = daemon.counted("weighbridge_ejections_total").await;
    assert!(ejections < 0.5, "no target is blamed: {ejections}");
}

/// Where the library is that tells a process another time.
fn faketime() -> Option<PathBuf> {
    let folders = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib",
    ];
    let library = folders.map(|folder| Path::new(folder).join("faketime/libfaketime.so.1"));
    library.into_iter().find(|path| path.exists())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_an_hour_stops_nothing() {
    let Some(library) = faketime() else {
        println!("skipped: libfaketime is not installed");
        return;
    };
    let _machine = machine().await;
    let folder = folder();
    let state = folder.path().join("state");
    let server = format!("{CONFIG}[server]\nstate = {state:?}\n");
    std::fs::write(live(folder.path()), server).unwrap();
    let jump = folder.path().join("jump");
    std::fs::write(&jump, "+0").unwrap();
    let start = || {
        let mut command = weighbridge();
        command
            .env("LD_PRELOAD", &library)
            .env("FAKETIME_TIMESTAMP_FILE", &jump)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Daemon::start_as(command, folder.path())
    };
    let mut daemon = start();
    for offset in ["+3600", "-3600", "+86400", "+0"] {
        std::fs::write(&jump, offset).unwrap();
        serves(&daemon, 30).await;
        assert_eq!(
            daemon.get("/readyz").await.0,
            200,
            "while it runs: {offset}"
        );
        // And a start at that time, with books of another one.
        daemon.terminate();
        assert!(daemon.ended().await.status.success());
        daemon = start();
        serves(&daemon, 30).await;
        let ejections = daemon.counted("weighbridge_ejections_total").await;
        assert!(ejections < 0.5, "nobody is blamed at {offset}");
        assert_eq!(daemon.get("/healthz").await.0, 200, "at {offset}");
    }
}
