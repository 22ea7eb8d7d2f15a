//! A Redis of the test's own, and a wire to it that can be cut.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::daemon::until;

/// A server without anything on disk. It ends with the test.
#[derive(Debug)]
pub(crate) struct Redis {
    process: Child,
    pub(crate) address: SocketAddr,
}

/// So often a server is started that ends at once: where many tests take ports, somebody may have taken its own before it
/// did.
const TRIES: usize = 5;

/// A free port, as far as anybody can know.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// The first of the engines that the machine has.
fn spawn(port: u16, more: &[&str]) -> Option<Child> {
    let mut names = ["redis-server", "valkey-server"].into_iter();
    names.find_map(|name| spawn_as(name, port, more))
}

fn spawn_as(name: &str, port: u16, more: &[&str]) -> Option<Child> {
    let mut command = Command::new(name);
    // A configuration file comes before everything else.
    let (file, more) = match more.split_first() {
        Some((first, rest)) if !first.starts_with('-') => (Some(first), rest),
        _ => (None, more),
    };
    command
        .args(file)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().ok()
}

impl Redis {
    /// Starts one; `None`, said, where there is no Redis.
    pub(crate) async fn start() -> Option<Self> {
        for _ in 0..TRIES {
            let mut redis = Self::spawned(&[])?;
            if redis.came_up().await {
                return Some(redis);
            }
        }
        panic!("redis ended {TRIES} times before it answered")
    }

    /// Waits until it answers or has ended; whether it answers.
    async fn came_up(&mut self) -> bool {
        until("redis must start", async || {
            let answer = self.ask("PING").await;
            // Looked at last: who has its port may be another test's, which answers as well.
            if self.process.try_wait().unwrap().is_some() {
                return Some(false);
            }
            answer?.contains("PONG").then_some(true)
        })
        .await
    }

    /// The same with `more` on its command line, not yet ready.
    pub(crate) fn spawned(more: &[&str]) -> Option<Self> {
        let port = free_port();
        let Some(process) = spawn(port, more) else {
            println!("skipped: neither redis-server nor valkey-server is in PATH");
            return None;
        };
        Some(Self {
            process,
            address: (Ipv4Addr::LOCALHOST, port).into(),
        })
    }

    /// Its address, as a configuration names it.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}/0", self.address)
    }

    /// Waits until something listens there.
    pub(crate) async fn listens(&self) {
        until("redis must listen", async || {
            TcpStream::connect(self.address).await.ok()
        })
        .await;
    }

    pub(crate) async fn is_up(&self) {
        until("redis must start", async || {
            self.ask("PING")
                .await
                .filter(|answer| answer.contains("PONG"))
        })
        .await;
    }

    /// What it answers to a command in one line; nothing if it cannot be reached.
    pub(crate) async fn ask(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).await.ok()?;
        let line = format!("{command}\r\n");
        stream.write_all(line.as_bytes()).await.ok()?;
        let (mut bytes, wait) = (Vec::new(), Duration::from_millis(200));
        // An answer has no end of its own that is worth reading here: it is over when nothing more comes.
        while let Ok(Ok(1..)) = tokio::time::timeout(wait, stream.read_buf(&mut bytes)).await {}
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Commands that come within `span`, by name: those that clients send, and those that scripts call.
    pub(crate) async fn monitored(&self, span: Duration) -> [BTreeMap<String, u64>; 2] {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(b"MONITOR\r\n").await.unwrap();
        let mut lines = BufReader::new(stream).split(b'\n');
        let mut found = [BTreeMap::new(), BTreeMap::new()];
        let reading = async {
            while let Ok(Some(line)) = lines.next_segment().await {
                // `1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`, or `[0 lua]`; what is no text is written in escapes.
                let line = String::from_utf8_lossy(&line).into_owned();
                let Some((head, rest)) = line.split_once("] \"") else {
                    continue;
                };
                let name = rest.split('"').next().unwrap_or_default().to_lowercase();
                let of = &mut found[usize::from(head.ends_with("lua"))];
                *of.entry(name).or_default() += 1;
            }
        };
        drop(tokio::time::timeout(span, reading).await);
        found
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }

    /// Starts it again where it was, with nothing in it.
    pub(crate) async fn restart(&mut self) {
        self.process = spawn(self.address.port(), &[]).unwrap();
        self.is_up().await;
    }

    /// It keeps its connections and answers nobody.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A wire to an address, which can be cut: what is on it stops, and whoever comes is hung up on. Or it swallows what comes.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    state: Arc<AtomicU8>,
    _task: JoinSet<()>,
}

const WHOLE: u8 = 0;
const CUT: u8 = 1;
const SWALLOWS: u8 = 2;

impl Wire {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(AtomicU8::new(WHOLE));
        let (seen, mut task) = (Arc::clone(&state), JoinSet::new());
        task.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                if seen.load(Ordering::Relaxed) != CUT {
                    open.spawn(carry(stream, target, Arc::clone(&seen)));
                }
            }
        });
        Self {
            address,
            state,
            _task: task,
        }
    }

    pub(crate) fn cut(&self) {
        self.state.store(CUT, Ordering::Relaxed);
    }

    /// Connections stand and are taken, and nothing comes of them.
    pub(crate) fn swallow(&self) {
        self.state.store(SWALLOWS, Ordering::Relaxed);
    }

    pub(crate) fn mend(&self) {
        self.state.store(WHOLE, Ordering::Relaxed);
    }
}

async fn carry(mut near: TcpStream, target: SocketAddr, state: Arc<AtomicU8>) {
    let Ok(mut far) = TcpStream::connect(target).await else {
        return;
    };
    let is_no_more = async |was: u8| {
        while state.load(Ordering::Relaxed) == was {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        () = is_no_more(WHOLE) => is_no_more(SWALLOWS).await,
    }
}
