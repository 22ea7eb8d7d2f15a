//! Daemons around one Redis with providers of the test's own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use weighbridge::live::Clock;
use weighbridge::model::Time;

use super::daemon::{Daemon, live, until, weighbridge};

pub(crate) const ASK: &str =
    r#"{"model":"chat","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str = r#"{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#;

/// Seconds since something began.
#[derive(Debug)]
pub(crate) struct Watch(Clock, Time);

impl Watch {
    pub(crate) fn start() -> Self {
        let clock = Clock::start();
        Self(clock, clock.now())
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.0.now().secs_since(self.1)
    }
}

/// A provider that all replicas call. It can be made slower, limited, and closed, so that connections are refused.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    manner: Arc<Manner>,
    task: JoinSet<()>,
}

/// How it answers.
#[derive(Debug, Default)]
struct Manner {
    delay_ms: AtomicU64,
    /// For how many seconds it asks to be left alone, in place of an answer; 0 if it answers.
    limited_for: AtomicU64,
    /// Requests that came.
    asked: AtomicU64,
}

impl Provider {
    pub(crate) async fn start(delay_ms: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut provider = Self {
            address: listener.local_addr().unwrap(),
            manner: Arc::default(),
            task: JoinSet::new(),
        };
        provider.manner.delay_ms.store(delay_ms, Ordering::Relaxed);
        provider.open(listener);
        provider
    }

    fn open(&mut self, listener: TcpListener) {
        let manner = Arc::clone(&self.manner);
        self.task.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(answer(stream, Arc::clone(&manner)));
            }
        });
    }

    /// Hangs up on everybody, and refuses whoever comes.
    pub(crate) async fn close(&mut self) {
        self.task.shutdown().await;
    }

    /// It asks whoever comes to leave it alone for so many seconds; with 0 it answers again.
    pub(crate) fn limit_for(&self, seconds: u64) {
        self.manner.limited_for.store(seconds, Ordering::Relaxed);
    }

    /// Requests that came since the last call.
    pub(crate) fn take_asked(&self) -> u64 {
        self.manner.asked.swap(0, Ordering::Relaxed)
    }
}

/// Answers on a connection until it ends.
async fn answer(mut stream: TcpStream, manner: Arc<Manner>) {
    let mut bytes = Vec::new();
    loop {
        let whole = memchr::memmem::find(&bytes, b"\r\n\r\n").and_then(|end| {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let mut lines = head.lines();
            let length = lines.find_map(|it| it.strip_prefix("content-length: "))?;
            Some(end + 4 + length.trim().parse::<usize>().ok()?)
        });
        if let Some(whole) = whole.filter(|whole| bytes.len() >= *whole) {
            bytes.drain(..whole);
            manner.asked.fetch_add(1, Ordering::Relaxed);
            let delay = manner.delay_ms.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(delay)).await;
            let (head, body) = match manner.limited_for.load(Ordering::Relaxed) {
                0 => ("200 OK".to_owned(), ANSWER),
                wait => (format!("429 No\r\nretry-after: {wait}"), "{}"),
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {head}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
            );
            let sent = stream.write_all(format!("{head}{body}").as_bytes()).await;
            if sent.is_err() {
                return;
            }
        } else if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            return;
        }
    }
}

/// The configuration of one replica.
pub(crate) fn config(replica: &str, redis: SocketAddr, providers: &[&Provider]) -> String {
    let addresses: Vec<SocketAddr> = providers.iter().map(|it| it.address).collect();
    config_with(replica, redis, &addresses, ["", "", ""])
}

/// The same with the addresses at which it reaches its providers, and what else it says: at its head, of each provider, and
/// as more targets of its route.
pub(crate) fn config_with(
    replica: &str,
    redis: SocketAddr,
    providers: &[SocketAddr],
    [more, of_provider, targets_more]: [&str; 3],
) -> String {
    let head = format!(
        "config_version = 1\n[server]\nreuse_port = true\n\
         [cluster]\nurl = \"redis://{redis}\"\nnamespace = \"test\"\nreplica = \"{replica}\"\n"
    );
    let named = || providers.iter().zip(["a", "b", "c"]);
    let provider = |(address, name): (&SocketAddr, &str)| {
        format!(
            "[providers.{name}]\nkind = \"openai\"\nbase_url = \"http://{address}/v1\"\napi_key = \"k-of-a-test\"\n{of_provider}"
        )
    };
    let providers = named().map(provider).collect::<Vec<_>>().concat();
    let target = |name: &str| format!("{name} = {{ use = \"{name}/m\", weight = 1 }}\n");
    let targets = named().map(|(_, name)| target(name));
    let targets = targets.collect::<Vec<_>>().concat();
    format!("{head}{more}{providers}[routes.chat.targets]\n{targets}{targets_more}")
}

/// Replicas with their folders.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    pub(crate) replicas: Vec<Daemon>,
    pub(crate) folders: Vec<tempfile::TempDir>,
}

impl Fleet {
    pub(crate) fn start(count: usize, redis: &[SocketAddr], providers: &[&Provider]) -> Self {
        let mut fleet = Self::default();
        for number in 0..count {
            let redis = redis[number.min(redis.len() - 1)];
            fleet.add(&config(&format!("r{number}"), redis, providers));
        }
        fleet
    }

    pub(crate) fn add(&mut self, config: &str) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(live(folder.path()), config).unwrap();
        self.replicas.push(start(folder.path()));
        self.folders.push(folder);
    }

    /// Waits until all of them see all of them.
    pub(crate) async fn together(&self) {
        for daemon in &self.replicas {
            let claim = "all must see each other";
            until(claim, async || {
                let fleet = daemon.json("/api/v1/fleet").await;
                let live = fleet["replicas"].as_array()?.iter();
                let alike = |it: &&Value| it["live"] == true && it["same_configuration"] == true;
                let live = live.filter(alike).count();
                (fleet["state"] == "joined" && live == self.replicas.len()).then_some(())
            })
            .await;
        }
    }
}

fn start(folder: &Path) -> Daemon {
    let mut command = weighbridge();
    command.args(["serve", "--env", "live", "--config"]);
    command.arg(folder);
    Daemon::started(command)
}

/// The granted share of a target at a replica.
pub(crate) async fn share(daemon: &Daemon, target: &str) -> f64 {
    let route = daemon.json("/api/v1/routes/chat").await;
    let targets = route["targets"].as_array().unwrap();
    let found = targets.iter().find(|it| it["name"] == target).unwrap();
    found["granted"].as_f64().unwrap()
}

/// Exchanges with the engine that went well.
pub(crate) async fn rounds(daemon: &Daemon) -> u64 {
    let fleet = daemon.json("/api/v1/fleet").await;
    fleet["exchanges"].as_u64().unwrap()
}

pub(crate) async fn state(daemon: &Daemon) -> Value {
    daemon.json("/api/v1/fleet").await["state"].clone()
}
