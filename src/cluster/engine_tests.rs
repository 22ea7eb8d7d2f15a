//! A real engine for tests: a process of its own on a free port, which ends with the test.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::{AsyncConnectionConfig, Client};

use super::{Address, Link};
use crate::config::{Cluster, RedisUrl};

/// A `redis-server` or `valkey-server` that forgets everything when it ends.
#[derive(Debug)]
pub(crate) struct Engine {
    process: Child,
    port: u16,
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Engine {
    /// Starts one; `None`, with a line that says so, where the machine has none.
    pub(crate) async fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .ok()?
            .local_addr()
            .ok()?
            .port();
        let arguments = ["--port", &port.to_string(), "--bind", "127.0.0.1"];
        let forgets = ["--save", "", "--appendonly", "no"];
        let started = ["redis-server", "valkey-server"]
            .into_iter()
            .find_map(|name| {
                let mut command = Command::new(name);
                command.args(arguments).args(forgets);
                command
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .ok()
            });
        let Some(process) = started else {
            println!("skipped: neither redis-server nor valkey-server is in PATH");
            return None;
        };
        let engine = Self { process, port };
        for _ in 0..500 {
            if engine.connected().await.is_some() {
                return Some(engine);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the engine does not answer at port {port}");
    }

    /// Where it is, as the exchange is told.
    pub(crate) fn address(&self) -> Address {
        let text = format!("redis://127.0.0.1:{}/", self.port);
        Address::of(&Cluster {
            url: RedisUrl::new(&text).expect("it is an address"),
            sentinel_password: None,
            namespace: "t".to_owned(),
            replica: None,
        })
    }

    /// A connection as the exchange has one.
    pub(crate) async fn link(&self) -> Link {
        let link = self.address().connect().await;
        link.expect("it answered a moment ago")
    }

    /// A plain connection.
    pub(crate) async fn connected(&self) -> Option<redis::aio::MultiplexedConnection> {
        let client = Client::open(format!("redis://127.0.0.1:{}/", self.port)).ok()?;
        let config = AsyncConnectionConfig::new();
        let mut link = client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .ok()?;
        let answer: redis::RedisResult<String> = redis::cmd("PING").query_async(&mut link).await;
        answer.is_ok().then_some(link)
    }
}
