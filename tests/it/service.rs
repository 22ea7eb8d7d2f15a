//! What a service manager hears, at a socket of the test's own, and what `weighbridge health` says by its exit status.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::client::Client;
use super::daemon::{Daemon, PATIENCE, live, until, weighbridge};

const CONFIG: &str = r#"
config_version = 1
[providers.a]
kind = "simulated"
[routes.chat.targets]
a = { use = "a/m" }
"#;

const TOKEN: &str = "a-token-of-a-test";

/// The manager's end, which keeps what it heard last.
struct Manager(UnixDatagram);

impl Manager {
    fn listen(folder: &Path) -> Self {
        let socket = UnixDatagram::bind(folder.join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// A daemon under it, which owes a sign of life every two seconds.
    fn start(&self, folder: &Path) -> Daemon {
        let mut command = weighbridge();
        let socket = self.0.local_addr().unwrap();
        command
            .env("NOTIFY_SOCKET", socket.as_pathname().unwrap())
            .env("WATCHDOG_USEC", "400000")
            .env_remove("WATCHDOG_PID");
        Daemon::start_as(command, folder)
    }

    /// The next message.
    fn heard(&self) -> Vec<String> {
        let mut buffer = [0; 4096];
        let length = self.0.recv(&mut buffer).expect("a message within the time");
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The next message that is no sign of life.
    fn news(&self) -> Vec<String> {
        loop {
            let heard = self.heard();
            if heard != ["WATCHDOG=1"] {
                return heard;
            }
        }
    }
}

#[tokio::test]
async fn a_service_manager_hears_of_every_turn() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), CONFIG).unwrap();
    let manager = Manager::listen(folder.path());
    let daemon = manager.start(folder.path());
    let ready = manager.news();
    assert_eq!(ready, ["READY=1", "STATUS=serving configuration 1"]);
    for _ in 0..3 {
        assert_eq!(manager.heard(), ["WATCHDOG=1"], "the controller ticks");
    }

    std::fs::write(live(folder.path()), CONFIG.replace("a/m", "nobody/m")).unwrap();
    daemon.signal("-HUP");
    assert_reloading(&manager.news());
    let refused = manager.news();
    assert_eq!(refused[0], "READY=1", "the reload is over");
    let said = "STATUS=the configuration was refused: 1 problem; the last good one goes on";
    assert_eq!(refused[1], said);

    std::fs::write(live(folder.path()), CONFIG.replace("a/m", "a/n")).unwrap();
    daemon.signal("-HUP");
    assert_reloading(&manager.news());
    let applied = manager.news();
    assert_eq!(applied, ["READY=1", "STATUS=serving configuration 2"]);

    daemon.terminate();
    let stopping = manager.news();
    let asked = [
        "STOPPING=1",
        "EXTEND_TIMEOUT_USEC=50000000",
        "STATUS=draining",
    ];
    assert_eq!(stopping, asked, "the drain may take its grace");
    let ended = daemon.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
}

/// systemd takes no reload for one without the time at which it began.
fn assert_reloading(heard: &[String]) {
    assert_eq!(heard[0], "RELOADING=1");
    let since = heard[1].strip_prefix("MONOTONIC_USEC=");
    let since = since.and_then(|since| since.parse::<u64>().ok());
    assert!(since.is_some_and(|since| since > 0), "{heard:?}");
}

fn health(daemon: &Daemon, more: &[&str]) -> Output {
    let mut command = weighbridge();
    let admin = format!("http://{}", daemon.admin);
    command.args(["health", "--admin", &admin]).args(more);
    command.output().unwrap()
}

#[tokio::test]
async fn health_is_an_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), CONFIG).unwrap();
    let daemon = Daemon::start(folder.path());
    for more in [&[][..], &["--ready"], &["--format", "json"]] {
        let output = health(&daemon, more);
        assert_eq!(output.status.code(), Some(0), "{more:?}: {output:?}");
        assert!(!output.stdout.is_empty(), "and it says so");
    }
    std::fs::write(live(folder.path()), "[").unwrap();
    assert_eq!(daemon.reload().await.0, 409);
    let output = health(&daemon, &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "a refused file kills nobody");
    assert!(
        said.starts_with("config_refused: configuration 1 goes on"),
        "{said}"
    );
    let admin = daemon.admin;
    daemon.terminate();
    daemon.ended().await;
    let mut command = weighbridge();
    command.args(["health", "--admin", &admin.to_string()]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "nobody is there: {output:?}");
}

#[tokio::test]
async fn a_daemon_whose_books_another_process_holds_is_well_and_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let text = CONFIG.replace(
        "[providers.a]",
        &format!(
            "server = {{ state = \"{}\" }}\nadmin = {{ token = \"{TOKEN}\" }}\n[providers.a]",
            state.display()
        ),
    );
    std::fs::write(live(folder.path()), text).unwrap();
    let holder = Daemon::start(folder.path());
    let second = Daemon::start(folder.path());
    let (status, body) = second.get("/healthz").await;
    assert_eq!(status, 200, "nobody restarts it for its books: {body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["status"], "degraded", "{body}");
    let said = body["degraded"][0].as_str().unwrap();
    let no_why = "the books cannot be written: requests are served";
    assert!(said.starts_with(no_why), "to who holds no token: {said}");
    assert_eq!(second.get("/readyz").await.0, 200, "it wants traffic");
    let stranger = health(&second, &[]);
    let printed = String::from_utf8(stranger.stdout).unwrap();
    let expected = format!("degraded: configuration 1; {no_why}");
    assert!(printed.starts_with(&expected), "{printed}");
    let asked = health(&second, &["--admin-token", TOKEN]);
    let printed = String::from_utf8(asked.stdout).unwrap();
    assert_eq!(asked.status.code(), Some(0), "{printed}");
    let expected = "degraded: configuration 1; the books cannot be written (";
    assert!(printed.starts_with(expected), "{printed}");
    holder.terminate();
    holder.ended().await;
    let client = Client::new(second.data);
    until("it takes over with what there is to write", async || {
        let ask = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;
        assert_eq!(client.chat(ask).await.unwrap().status, 200);
        let health = second.json("/healthz").await;
        (health["status"] == "ok" && health["degraded"] == json!([])).then_some(())
    })
    .await;
}
