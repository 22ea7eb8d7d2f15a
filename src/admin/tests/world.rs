//! An admin listener with a controller behind it and nothing in front.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::admin::{Admin, Watch, look, serve};
use crate::config::{Config, Endpoint};
use crate::control::{self, Handle, Simulate, Source, first_snapshot};
use crate::law::Law;
use crate::live::{Board, Clock, Ledger, Published};
use crate::model::ProviderName;
use crate::store::Books;
use crate::telemetry::Metrics;

/// What the configuration's key is, and no answer may contain.
pub(super) const SECRET: &str = "sk-planted-0123456789abcdef";

/// Two routes; `chat` has three targets.
pub(super) const BASE: &str = r#"
config_version = 1
[providers.one]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
api_key = "sk-planted-0123456789abcdef"
[providers.two]
kind = "simulated"
[prices]
"one/listed-by-price" = { input = "$1", output = "$2" }
[routes.chat.targets]
a = { use = "one/small", weight = 60 }
b = { use = "two/small", weight = 30 }
c = { use = "two/large", weight = 10 }
[routes.summary.targets]
a = { use = "one/small" }
"#;

/// Simulated providers that are never called.
#[derive(Debug)]
struct Nobody;

impl Simulate for Nobody {
    fn endpoint(&mut self, _: &ProviderName, _: &Law) -> io::Result<Endpoint> {
        Endpoint::new("http://127.0.0.1:9/v1").map_err(io::Error::other)
    }

    fn keep_only(&mut self, _: &Config) {}
}

/// A running listener; dropped, everything ends.
pub(super) struct World {
    pub(super) admin: Arc<Admin>,
    pub(super) address: String,
    folder: TempDir,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// An answer.
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("expected JSON ({error}), found {:?}", self.body))
    }
}

impl World {
    /// Serves [`BASE`].
    pub(super) async fn start() -> Self {
        Self::serving(BASE).await
    }

    /// Serves the configuration in `text`.
    pub(super) async fn serving(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("test.toml"), text).unwrap();
        let source = Source::Files {
            dir: folder.path().to_owned(),
            env: "test".to_owned(),
        };
        let compiled = source.read().result.unwrap();
        let clock = Clock::start();
        let snapshot = first_snapshot(compiled.config, 7, &mut Nobody).unwrap();
        let (published, publisher) = Published::first(snapshot);
        let board = Arc::new(Board::starting_with(compiled.shown));
        let (handle, asked) = Handle::new();
        let (controller, reloader) = control::reloads(
            source,
            publisher,
            Arc::clone(&board),
            clock,
            7,
            Box::new(Nobody),
            asked,
        );
        let admin = Arc::new(Admin {
            books: Books::none(),
            alerts: Arc::default(),
            metrics: Arc::new(Metrics::new(published.clone())),
            published,
            board,
            ledger: Arc::new(Ledger::default()),
            watch: Watch::default(),
            stage: Arc::default(),
            environment: "test".to_owned(),
            started: clock.now(),
            handle,
            clock,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(controller.run(stopped.clone()));
        tasks.spawn(reloader.run());
        tasks.spawn(look(Arc::clone(&admin), stopped.clone()));
        let served = Arc::clone(&admin);
        tasks.spawn(async move {
            let mut stopped = stopped;
            let shutdown = async move { drop(stopped.wait_for(|stop| *stop).await) };
            serve(listener, served, shutdown).await;
        });
        Self {
            admin,
            address,
            folder,
            stop,
            tasks,
        }
    }

    /// Waits until the controller has decided once.
    pub(super) async fn decided(&self) {
        while self.admin.board.decisions().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// The environment's file.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("test.toml")
    }

    /// Sends a request without a body and without further headers.
    pub(super) async fn ask(&self, method: &str, path: &str) -> Got {
        self.send(method, path, &[], "").await
    }

    /// Sends a request and reads to the connection's end.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Got {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let host = if headers.iter().any(|(name, _)| *name == "host") {
            String::new()
        } else {
            format!("host: {}\r\n", self.address)
        };
        let own = format!("{host}connection: close\r\n");
        let length = format!("content-length: {}\r\n", body.len());
        let more: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let more = more.concat();
        let text = format!("{method} {path} HTTP/1.1\r\n{own}{length}{more}\r\n{body}");
        // What is too large may be refused before all of it was sent.
        drop(stream.write_all(text.as_bytes()).await);
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer));
        drop(read.await.expect("an answer within ten seconds"));
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Got {
            status: status.unwrap_or_else(|| panic!("no status in {head:?}")),
            head: head.to_lowercase(),
            body: body.to_owned(),
        }
    }

    /// Tells the listener to end, and waits until all has ended.
    pub(super) async fn end(mut self) {
        self.stop.send_replace(true);
        drop(self.admin);
        // The reloader ends with the last handle.
        while self.tasks.join_next().await.is_some() {}
    }
}
