//! Many clients that do nothing: connections that are kept and never used, readers that take nothing of their stream. They
//! cost a bounded amount of memory each, and nobody else notices.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::client::Client;
use super::daemon::{Daemon, live, machine, weighbridge};

/// The provider's: quick, so that it has more ready than readers take.
const LAW: &str = "ttft_ms = 1\ntpot_ms = 0.02\nspread = 0\nerror_rate = 0\n";
const ASK: &str = r#"{"model":"chat","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
const LONG: &str = r#"{"model":"chat","stream":true,"max_tokens":20000,"messages":[{"role":"user","content":"hi"}]}"#;
/// Connections that have had an answer and are kept, and readers of streams who have stopped.
const IDLE: usize = 2_000;
const STALLED: usize = 500;
const AT_A_TIME: usize = 20;
/// What the daemon may hold with all of them there, in KiB. An optimised build has 135 MB or so; with streams of which hyper
/// kept as much as it may read at a time it had 225.
const MOST_KIB: u64 = 200 * 1_024;

fn post(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// A provider in a process of its own, so that what it keeps is not taken for the daemon's. It ends with the test.
struct Provider {
    process: Child,
    address: String,
}

impl Provider {
    fn start(folder: &Path) -> Self {
        let law = folder.join("law.toml");
        std::fs::write(&law, LAW).unwrap();
        let mut command = weighbridge();
        command.args(["mock", "--law"]).arg(law);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(process.stdout.take().unwrap());
        told.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self {
            process,
            address: ready["mock"].as_str().unwrap().to_owned(),
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A connection on which one request was answered whole.
async fn idle(data: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(data).await.unwrap();
    stream.write_all(post(ASK).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut piece = [0; 4_096];
        let length = stream.read(&mut piece).await.unwrap();
        assert!(
            length > 0,
            "closed after {}",
            String::from_utf8_lossy(&answer)
        );
        answer.extend_from_slice(&piece[..length]);
    }
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    stream
}

/// A stream whose reader took its beginning and nothing more.
async fn stalled(data: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(data).await.unwrap();
    stream.write_all(post(LONG).as_bytes()).await.unwrap();
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    stream
}

/// So many clients, some at a time.
async fn come<F>(count: usize, client: impl Fn() -> F) -> Vec<TcpStream>
where
    F: Future<Output = TcpStream> + Send + 'static,
{
    let (mut coming, mut there) = (JoinSet::new(), Vec::with_capacity(count));
    for _ in 0..count {
        if coming.len() == AT_A_TIME {
            there.extend(coming.join_next().await.map(Result::unwrap));
        }
        coming.spawn(client());
    }
    there.extend(coming.join_all().await);
    there
}

/// Resident memory in KiB.
fn resident(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_who_do_nothing_take_little_memory_and_nobodys_place() {
    let _machine = machine().await;
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1_024);
    // A stream has two in the daemon.
    let share = if files < 8_192 { 10 } else { 1 };
    let (idles, stalls) = (IDLE / share, STALLED / share);
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::start(folder.path());
    let config = format!(
        "config_version = 1\n[providers.a]\nkind = \"openai\"\nbase_url = \"http://{}/v1\"\napi_key = \"key\"\n\
         [routes.chat.targets]\na = {{ use = \"a/m\" }}\n",
        provider.address
    );
    std::fs::write(live(folder.path()), config).unwrap();
    let daemon = Daemon::start(folder.path());
    let client = Client::new(daemon.data);
    assert_eq!(client.chat(ASK).await.unwrap().status, 200);
    let before = resident(&daemon);

    let data = daemon.data;
    let idle = come(idles, || idle(data)).await;
    let with_idle = resident(&daemon);
    let stalled = come(stalls, || stalled(data)).await;
    // Until what the daemon reads ahead for those who do not take it is full.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let with_all = resident(&daemon);
    println!(
        "{before} KiB, with {idles} idle connections {with_idle}, with {stalls} stalled streams beside them {with_all}"
    );
    assert!(with_all < MOST_KIB, "{with_all} KiB");
    for _ in 0..20 {
        let got = Client::new(daemon.data).chat(ASK).await.unwrap();
        assert_eq!(got.status, 200, "among them {}", got.body);
    }
    drop((idle, stalled));
}
