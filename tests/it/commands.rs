//! What COMMANDS.md promises of every command: exit statuses, and output that programs can read.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::daemon::{Daemon, live, weighbridge};

const ENVIRONMENT: &str = r#"
[providers.sim]
kind = "simulated"
[prices]
"sim/m" = { input = "$1", output = "$2" }
[routes.chat.targets]
only = { use = "sim/m" }
"#;

fn bare(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = weighbridge();
    command.env_clear().current_dir(folder).args(arguments);
    command.stdin(Stdio::null());
    command
}

fn output(folder: &Path, arguments: &[&str]) -> Output {
    bare(folder, arguments).output().unwrap()
}

#[test]
fn what_cannot_be_done_is_exit_status_one_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    let nobody = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().to_string()
    };
    for arguments in [
        &["init"][..],
        &["import", "litellm", "absent.yaml"],
        &["serve", "--env", "absent"],
        &["demo", "--seconds", "10", "--listen", &address],
        &["check", "--env", "absent"],
        &["explain", "chat", "--admin", &nobody],
        &["status", "--admin", &nobody],
        &["status", "--watch", "--admin", &nobody],
        &["reload", "--admin", &nobody],
        &["health", "--admin", &nobody],
        &["prices", "list", "--env", "absent"],
        &["prices", "compare", "--env", "absent"],
        &[
            "prices",
            "refresh",
            "--env",
            "absent",
            "--from",
            "absent.json",
        ],
        &["simulate", "--scenario", "absent"],
        &["replay", "absent"],
        &["whatif", "absent", "--strategy", "fixed"],
        &["mock", "--law", "absent.toml"],
        &["mock", "--listen", &address],
    ] {
        let found = output(folder.path(), arguments);
        assert_eq!(found.status.code(), Some(1), "{arguments:?}");
        let told = [found.stdout, found.stderr].concat();
        assert!(!told.is_empty(), "{arguments:?} says why");
    }
}

#[test]
fn what_can_be_done_without_a_daemon_is_exit_status_zero() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["schema", "--scenario"][..],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["completions", "fish"],
        &["prices", "list", "--all", "--provider", "groq"],
        &["init", "--demo"],
        &["check", "--env", "development"],
        &["--help"],
        &["--version"],
    ] {
        let found = output(folder.path(), arguments);
        assert_eq!(found.status.code(), Some(0), "{arguments:?}");
        assert!(!found.stdout.is_empty(), "{arguments:?} prints something");
    }
}

#[test]
fn what_is_printed_for_programs_is_one_json_document() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["init", "--demo"][..],
        &["check", "--env", "development"],
        &["check", "--env", "development", "--show"],
        &["prices", "list", "--env", "development"],
        &["prices", "compare", "--env", "development"],
        &["prices", "list", "--all", "--provider", "groq"],
        &[
            "simulate",
            "--scenario",
            "01-stationary",
            "--policy",
            "fixed",
            "--seeds",
            "1",
        ],
        &[
            "simulate",
            "--exposure",
            "--policy",
            "fixed",
            "--seeds",
            "1",
        ],
    ] {
        let found = output(folder.path(), &[arguments, &["--format", "json"]].concat());
        assert_eq!(found.status.code(), Some(0), "{arguments:?}");
        let parsed = serde_json::from_slice::<Value>(&found.stdout);
        assert!(parsed.is_ok(), "{arguments:?}: {parsed:?}");
    }
}

#[tokio::test]
async fn what_a_daemon_says_is_one_json_document_and_watching_is_one_a_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(live(folder.path()), ENVIRONMENT).unwrap();
    let daemon = Daemon::start(folder.path());
    let admin = daemon.admin.to_string();
    for arguments in [
        &["status"][..],
        &["explain", "chat"],
        &["reload"],
        &["health"],
    ] {
        let more = ["--admin", &admin, "--format", "json"];
        let found = output(folder.path(), &[arguments, &more].concat());
        assert_eq!(found.status.code(), Some(0), "{arguments:?}");
        let parsed = serde_json::from_slice::<Value>(&found.stdout);
        assert!(parsed.is_ok(), "{arguments:?}: {parsed:?}");
    }
    let watch = [
        "status", "--watch", "1", "--format", "json", "--admin", &admin,
    ];
    let mut watch = bare(folder.path(), &watch);
    let mut watching = watch.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    for line in lines.take(2) {
        let document: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(document["routes"][0]["route"], "chat");
    }
    let id = watching.id().to_string();
    let interrupted = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(
        watching.wait().unwrap().code(),
        Some(0),
        "ctrl-c is how it ends"
    );
}
