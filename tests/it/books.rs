//! The books of a daemon that is killed, whose disk fills up, whose file is of another version.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;
use weighbridge::model::Time;
use weighbridge::store::{Books, Query, Sums};

use super::client::Client;
use super::daemon::{Daemon, asked, live, machine, until, weighbridge};

/// Clients that ask one thing after another.
const CLIENTS: usize = 8;

fn config(folder: &Path) -> String {
    let state = folder.join("state");
    let state = state.display();
    format!(
        r#"
config_version = 1
server = {{ state = "{state}" }}
[providers.one]
kind = "simulated"
law = {{ ttft_ms = 20, tpot_ms = 0.2, error_rate = 0 }}
[providers.two]
kind = "simulated"
law = {{ ttft_ms = 200, tpot_ms = 2, error_rate = 0 }}
[routes.chat.targets]
one = {{ use = "one/m", weight = 1 }}
two = {{ use = "two/m", weight = 1 }}
"#
    )
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), config(folder.path())).unwrap();
    folder
}

/// What clients got: when the last byte of each answer came, and how many tokens it had.
type Got = Vec<(Instant, u64)>;

#[expect(
    clippy::disallowed_methods,
    reason = "what a client sees is told by no clock of the daemon"
)]
fn now() -> Instant {
    Instant::now()
}

/// Asks until `stop`, or until the daemon is no more.
async fn ask(data: std::net::SocketAddr, stop: Arc<AtomicBool>) -> (Got, usize) {
    let client = Client::new(data);
    let body = serde_json::json!({
        "model": "chat", "max_tokens": 10, "messages": [{ "role": "user", "content": "hello" }],
    })
    .to_string();
    let (mut got, mut asked) = (Got::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        asked += 1;
        let Ok(answer) = client.chat(&body).await else {
            break;
        };
        let Ok(read) = serde_json::from_str::<Value>(&answer.body) else {
            break;
        };
        assert_eq!(answer.status, 200, "{}", answer.body);
        let tokens = read["usage"]["completion_tokens"].as_u64().unwrap();
        got.push((now(), tokens));
    }
    (got, asked)
}

struct Traffic {
    stop: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<(Got, usize)>>,
}

impl Traffic {
    fn to(daemon: &Daemon) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let client = |_| tokio::spawn(ask(daemon.data, Arc::clone(&stop)));
        Self {
            clients: (0..CLIENTS).map(client).collect(),
            stop,
        }
    }

    /// What all clients got together, and how often they asked.
    async fn end(self) -> (Got, usize) {
        self.stop.store(true, Ordering::Relaxed);
        let (mut all, mut asked) = (Got::new(), 0);
        for client in self.clients {
            let (got, own) = client.await.unwrap();
            all.extend(got);
            asked += own;
        }
        (all, asked)
    }
}

fn state(folder: &Path) -> PathBuf {
    folder.join("state")
}

/// All that the books have.
fn booked(folder: &Path) -> Sums {
    let query = Query {
        by: Vec::new(),
        since: Time::ZERO,
        until: Time::from_micros(u64::MAX / 4),
        only: Vec::new(),
        most: 1,
    };
    let usage = Books::to_read(&state(folder)).usage(&query);
    usage.unwrap().total
}

/// The granted share of the slow target.
async fn share(daemon: &Daemon) -> f64 {
    let route = daemon.json("/api/v1/routes/chat").await;
    let targets = route["targets"].as_array().unwrap();
    let two = targets.iter().find(|target| target["name"] == "two");
    two.unwrap()["granted"].as_f64().unwrap()
}

/// One life of a daemon: traffic, and a kill after `life`.
async fn killed(folder: &Path, life: Duration) {
    let before = booked(folder);
    let daemon = Daemon::start(folder);
    let begins_with = share(&daemon).await;
    assert!(
        begins_with < 0.3,
        "the slow target has its learned share at once, found {begins_with}"
    );
    let traffic = Traffic::to(&daemon);
    tokio::time::sleep(life).await;
    // SIGKILL.
    let kill = now();
    drop(daemon);
    let (got, asked) = traffic.end().await;
    let after = booked(folder);
    let requests = after.requests - before.requests;
    let tokens = after.tokens_out - before.tokens_out;
    let old = |at: &Instant| kill.saturating_duration_since(*at) > Duration::from_secs(1);
    let least = got.iter().filter(|(at, _)| old(at)).count();
    let least_tokens: u64 = got.iter().filter(|(at, _)| old(at)).map(|got| got.1).sum();
    let all = asked.max(got.len());
    let told = format!(
        "{requests} booked, {} answered, {least} of them a second before",
        got.len()
    );
    assert!(
        requests >= least as u64,
        "no more than a second is lost: {told}"
    );
    assert!(requests <= all as u64, "nothing is booked twice: {told}");
    assert!(
        tokens >= least_tokens,
        "{tokens} tokens booked, {least_tokens} answered"
    );
    let most = got.iter().map(|got| got.1).sum::<u64>() + 10 * CLIENTS as u64;
    assert!(
        tokens <= most,
        "{tokens} tokens booked, at most {most} answered"
    );
    let learned = Books::to_read(&state(folder)).resumed().unwrap();
    assert!(learned.shares.is_some() && learned.unreadable.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_loses_no_more_than_a_second_and_no_learned_share() {
    let _machine = machine().await;
    let folder = folder();
    let daemon = Daemon::start(folder.path());
    let traffic = Traffic::to(&daemon);
    until("the slow target must lose its share", async || {
        (share(&daemon).await < 0.15).then_some(())
    })
    .await;
    let (got, _) = traffic.end().await;
    daemon.terminate();
    assert!(daemon.ended().await.status.success());
    let total = booked(folder.path());
    assert_eq!(
        total.requests,
        got.len() as u64,
        "an end in order loses nothing"
    );
    let tokens: u64 = got.iter().map(|(_, tokens)| tokens).sum();
    assert_eq!(total.tokens_out, tokens, "to the token");
    let state = state(folder.path());
    let (good, text) = run(&[
        "explain",
        "chat",
        "--at",
        "now",
        "--state",
        state.to_str().unwrap(),
    ]);
    assert!(
        good && text.contains("shares were last moved at") && text.contains("two"),
        "{text}"
    );
    let kills = asked("WEIGHBRIDGE_KILLS", 10);
    for _ in 0..kills {
        let life = Duration::from_secs_f64(0.1 + 2.9 * rand::random::<f64>());
        killed(folder.path(), life).await;
    }
    let last = Daemon::start(folder.path());
    last.terminate();
    let log = last.ended().await.log;
    assert!(log.contains("goes on from the learned shares"), "{log}");
    let whole = !log.contains("begun anew");
    assert!(whole, "nothing that a daemon wrote is let go: {log}");
    println!("tally: {kills} faults survived");
}

/// Runs a command; its status, and what it prints.
fn run(arguments: &[&str]) -> (bool, String) {
    let output = weighbridge().args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    (output.status.success(), format!("{text}{said}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_is_the_same_by_daemon_by_folder_and_beside_an_export() {
    let folder = folder();
    let daemon = Daemon::start(folder.path());
    let traffic = Traffic::to(&daemon);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (got, _) = traffic.end().await;
    let answered = got.len() as u64;
    until("all must be in the books", async || {
        let usage = daemon.json("/api/v1/usage?by=route,target&since=1h").await;
        (usage["total"]["requests"] == answered).then_some(())
    })
    .await;
    let admin = format!("http://{}", daemon.admin);
    let (good, text) = run(&[
        "usage", "--by", "route", "--format", "json", "--admin", &admin,
    ]);
    let usage: Value = serde_json::from_str(&text).unwrap();
    assert!(good && usage["rows"][0]["route"] == "chat", "{text}");
    assert_eq!(usage["rows"][0]["requests"], answered, "{text}");
    let state = state(folder.path());
    let state = state.to_str().unwrap();
    let (good, text) = run(&[
        "usage", "--by", "model", "--format", "csv", "--state", state,
    ]);
    assert!(
        good && text.starts_with("model,requests,failed,calls,"),
        "{text}"
    );
    assert!(
        text.contains(&format!("\nm,{answered},0,{answered},")),
        "{text}"
    );

    let sums = booked(folder.path());
    let export = folder.path().join("export.csv");
    let write = |output: u64| {
        let text = format!(
            "model,num_model_requests,input_tokens,output_tokens\nm,{answered},{},{output}\n",
            sums.tokens_in
        );
        std::fs::write(&export, text).unwrap();
        let export = export.to_str().unwrap();
        run(&[
            "reconcile",
            export,
            "--state",
            state,
            "--since",
            "1h",
            "--until",
            "now",
            "--tolerance",
            "0.01",
        ])
    };
    let (good, text) = write(sums.tokens_out);
    assert!(good && text.contains("+0.00 %"), "{text}");
    let (good, text) = write(2 * sums.tokens_out);
    assert!(!good && text.contains("-50.00 %"), "{text}");
}

#[tokio::test]
async fn books_of_a_later_version_do_not_hold_up_the_start_and_are_said() {
    let folder = folder();
    let daemon = Daemon::start(folder.path());
    daemon.terminate();
    daemon.ended().await;
    let file = state(folder.path()).join("books.sqlite");
    let connection = Connection::open(&file).unwrap();
    connection
        .execute("UPDATE meta SET value = 77", [])
        .unwrap();
    drop(connection);
    let daemon = Daemon::start(folder.path());
    let health = daemon.json("/healthz").await;
    let refused = health["store"]["refused"].as_str().unwrap();
    assert!(
        refused.contains("schema 77 of a later version"),
        "{refused}"
    );
    assert!(refused.contains("refused-1"), "{refused}");
    assert_eq!(health["store"]["state"], "ok", "new books are kept");
    daemon.terminate();
    let log = daemon.ended().await.log;
    assert!(log.contains("schema 77"), "{log}");
}

/// A file system of 2 MB of its own; `None` where this user may not mount one.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(&at);
        let done = mount.output().is_ok_and(|output| output.status.success());
        done.then_some(Self(at))
    }

    fn again(&self, how: &str) {
        let mut mount = Command::new("mount");
        let status = mount.args(["-o", how]).arg(&self.0).status().unwrap();
        assert!(status.success(), "{how}");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

async fn store(daemon: &Daemon) -> String {
    let health = daemon.json("/healthz").await;
    health["store"]["state"].as_str().unwrap().to_owned()
}

/// Traffic until the books are said to fail; how many were answered.
async fn answered_while_failing(daemon: &Daemon) -> u64 {
    let traffic = Traffic::to(daemon);
    until("it must be said that the books fail", async || {
        (store(daemon).await == "failing").then_some(())
    })
    .await;
    let (_, metrics) = daemon.get("/metrics").await;
    assert!(metrics.contains("weighbridge_store_failing 1"), "{metrics}");
    let (got, _) = traffic.end().await;
    assert!(!got.is_empty(), "all that was asked is answered");
    got.len() as u64
}

async fn goes_on(daemon: Daemon) {
    until("the books must go on", async || {
        (store(&daemon).await == "ok").then_some(())
    })
    .await;
    daemon.terminate();
    assert!(daemon.ended().await.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_and_a_read_only_disk_stop_no_traffic_and_lose_nothing_that_fits() {
    let _machine = machine().await;
    let folder = folder();
    let Some(disk) = Mounted::new(state(folder.path())) else {
        eprintln!("skipped: this user may not mount a file system");
        return;
    };
    let daemon = Daemon::start(folder.path());
    let filler = disk.0.join("filler");
    drop(std::fs::write(&filler, vec![7_u8; 4 << 20]));
    let mut answered = answered_while_failing(&daemon).await;
    std::fs::remove_file(&filler).unwrap();
    goes_on(daemon).await;
    assert_eq!(
        booked(folder.path()).requests,
        answered,
        "what waited was written"
    );
    let learned = Books::to_read(&state(folder.path())).resumed().unwrap();
    disk.again("remount,ro");
    let still = Books::to_read(&state(folder.path())).resumed().unwrap();
    assert_eq!(still, learned, "what was learned can be read all the same");
    let daemon = Daemon::start(folder.path());
    answered += answered_while_failing(&daemon).await;
    disk.again("remount,rw");
    goes_on(daemon).await;
    assert_eq!(
        booked(folder.path()).requests,
        answered,
        "what waited was written"
    );
}
