//! The `weighbridge` program as a process of its own, with a configuration in a folder of the test's own.
//!
//! Ports are free ones and read from the line that `serve` prints. Whatever becomes of a test, its process ends with it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Nothing that a test waits for takes this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two looks at something that is about to change.
const LOOK: Duration = Duration::from_millis(5);

/// So many tests that wait for real time or make load go on at once. One after the other they take five minutes, in which they
/// use a minute of one core; four at a time leave two cores half idle, and twice as many would not.
const SEATS: usize = 4;

/// Tests that wait for real time or make load hold this, so that they do not disturb each other.
pub(crate) async fn machine() -> SemaphorePermit<'static> {
    static MACHINE: Semaphore = Semaphore::const_new(SEATS);
    let seat = MACHINE.acquire().await;
    seat.expect("nobody closes it")
}

/// How often a test does what it does: as a variable of the environment says, which `scripts/soak` sets, else `usual`.
pub(crate) fn asked(variable: &str, usual: usize) -> usize {
    let said = std::env::var(variable).ok();
    said.map_or(usual, |said| said.parse().expect("a number was asked for"))
}

/// The program.
pub(crate) fn weighbridge() -> Command {
    Command::new(env!("CARGO_BIN_EXE_weighbridge"))
}

/// A daemon that serves the environment `live`.
#[derive(Debug)]
pub(crate) struct Daemon {
    process: Child,
    log: Option<JoinHandle<String>>,
    pub(crate) data: SocketAddr,
    pub(crate) admin: SocketAddr,
    http: reqwest::Client,
}

/// What is left of a daemon.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) log: String,
}

impl Daemon {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(config: &Path) -> Self {
        Self::start_as(weighbridge(), config)
    }

    /// The same by a command of the test's own that ends with the program's name.
    pub(crate) fn start_as(mut command: Command, config: &Path) -> Self {
        command.args(["serve", "--env", "live", "--config"]);
        command.arg(config);
        Self::started(command)
    }

    /// Starts what `command` says, `serve` with its environment, on free ports, and waits until it is ready.
    pub(crate) fn started(command: Command) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::started_at(command, free, free)
    }

    /// The same where the other one listens, which must share its addresses.
    pub(crate) fn start_beside(other: &Self, config: &Path) -> Self {
        let mut command = weighbridge();
        command.args(["serve", "--env", "live", "--config"]);
        command.arg(config);
        Self::started_at(command, other.data, other.admin)
    }

    fn started_at(mut command: Command, data: SocketAddr, admin: SocketAddr) -> Self {
        let mut process = command
            .args(["--listen", &data.to_string()])
            .args(["--admin-listen", &admin.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built beside this test");
        let mut stderr = process.stderr.take().unwrap();
        // Read to its end all the while: a full pipe would stop the daemon.
        let log = std::thread::spawn(move || {
            let mut text = Vec::new();
            drop(stderr.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            drop(process.kill());
            panic!(
                "expected one line of JSON, got {line:?}; the log:\n{}",
                log.join().unwrap()
            );
        };
        let address = |which: &str| ready[which].as_str().unwrap().parse().unwrap();
        Self {
            data: address("data"),
            admin: address("admin"),
            process,
            log: Some(log),
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(PATIENCE)
                .build()
                .unwrap(),
        }
    }

    /// Asks the admin listener.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let request = self.http.get(format!("http://{}{path}", self.admin));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The same, as JSON.
    pub(crate) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await.1).unwrap()
    }

    /// Has the files read.
    pub(crate) async fn reload(&self) -> (u16, Value) {
        let request = self
            .http
            .post(format!("http://{}/api/v1/reload", self.admin));
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (
            status,
            serde_json::from_str(&answer.text().await.unwrap()).unwrap(),
        )
    }

    /// How many configurations were put in force.
    pub(crate) async fn generation(&self) -> u64 {
        self.json("/api/v1/config").await["config_generation"]
            .as_u64()
            .unwrap()
    }

    /// The sum of a counter over all its series.
    pub(crate) async fn counted(&self, name: &str) -> f64 {
        let (status, text) = self.get("/metrics").await;
        assert_eq!(status, 200, "metrics are always there");
        let values = text
            .lines()
            .filter(|line| line.starts_with(&format!("{name}{{")))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum()
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.process.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success(), "the process is there to be told");
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Ended {
        let status = until("the daemon must end", async || {
            self.process.try_wait().unwrap()
        })
        .await;
        let log = self.log.take().map(|log| log.join().unwrap());
        Ended {
            status,
            log: log.unwrap_or_default(),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Looks again and again until there is something; fails with `claim` after a while.
pub(crate) async fn until<T>(claim: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking)
        .await
        .unwrap_or_else(|_| panic!("{claim} within {PATIENCE:?}"))
}

/// The file of the environment `live` in `folder`.
pub(crate) fn live(folder: &Path) -> PathBuf {
    folder.join("live.toml")
}
