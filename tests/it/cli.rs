//! The command as a shell sees it: what it prints where, and its exit status.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// What no output may contain.
const SECRET: &str = "sk-planted-0123456789abcdef";

const GOOD: &str = r#"
config_version = 1
[providers.one]
kind = "openai"
api_key = "sk-planted-0123456789abcdef"
[routes.chat.targets]
a = { use = "one/small", weight = 3 }
b = { use = "one/large", weight = 1 }
"#;

fn weighbridge(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weighbridge"));
    command
        .args(arguments)
        .env_remove("WEIGHBRIDGE_ENV")
        .env_remove("WEIGHBRIDGE_ADMIN")
        .stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    weighbridge(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder whose environment `test` holds `config`.
fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test.toml"), config).unwrap();
    folder
}

fn check(folder: &Path, more: &[&str]) -> Output {
    let folder = folder.to_str().unwrap();
    let arguments = ["check", "--env", "test", "--config", folder];
    run(&[&arguments, more].concat())
}

#[test]
fn a_good_environment_passes_with_a_line() {
    let folder = folder(GOOD);
    let output = check(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let last = text(&output.stdout);
    let last = last.lines().last().unwrap();
    assert_eq!(last, "test: good: 1 provider, 1 route, 2 targets");
}

#[test]
fn a_broken_environment_fails_with_all_its_problems() {
    let broken = GOOD
        .replace("weight = 3", "weight = -3")
        .replace("weight = 1", "weight = 1, wieght = 1");
    let folder = folder(&broken);
    let output = check(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let printed = text(&output.stdout);
    let problems: Vec<&str> = printed.lines().collect();
    assert_eq!(problems.len(), 3, "two problems and a summary: {printed}");
    assert!(
        problems[0].starts_with("test.toml:7:")
            && problems[0].contains("routes.chat.targets.a.weight: "),
        "file, line, column and key: {printed}"
    );
    assert!(
        problems[1].ends_with("(did you mean `weight`?)"),
        "{printed}"
    );
    assert!(!printed.contains(SECRET), "no key in it");
    let json = check(folder.path(), &["--format", "json"]);
    assert_eq!(json.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["ok"], false);
    assert_eq!(document["problems"].as_array().map(Vec::len), Some(2));
    assert_eq!(document["problems"][0]["line"], 7);
}

#[test]
fn a_binary_that_cannot_send_traces_says_which_can() {
    if cfg!(feature = "otel") {
        return;
    }
    let otlp = "[telemetry.otlp]\nendpoint = \"http://127.0.0.1:4318\"\n";
    let folder = folder(&format!("{GOOD}{otlp}"));
    let output = check(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(told.contains("without the feature `otel`"), "{told}");
    assert!(
        told.contains("cargo build --release --features otel"),
        "{told}"
    );
    assert!(told.contains("test.toml:9:"), "with its line: {told}");
}

#[test]
fn what_is_shown_is_toml_with_origins_and_without_keys() {
    let folder = folder(GOOD);
    let base = "[server]\ndrain_grace = \"5s\"\n";
    std::fs::write(folder.path().join("base.toml"), base).unwrap();
    let output = check(folder.path(), &["--origin"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(
        printed.contains("# base.toml:2"),
        "where a value comes from: {printed}"
    );
    assert!(!printed.contains(SECRET), "{printed}");
    let again: toml::Table = printed.parse().unwrap();
    assert_eq!(again["server"]["drain_grace"].as_str(), Some("5s"));
    let json = check(folder.path(), &["--show", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["config"]["providers"]["one"]["api_key"], "***");
}

#[test]
fn the_environments_that_come_along_pass() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config");
    for env in ["development", "staging", "production"] {
        let mut command = weighbridge(&["check", "--config", config]);
        command
            .env("WEIGHBRIDGE_ENV", env)
            .env("OPENAI_API_KEY", SECRET)
            .env("EU_BASE_URL", "https://llm.example.eu/v1")
            .env("EU_API_KEY", "another-planted-key-0123456789");
        let output = command.output().unwrap();
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{env}: {printed}");
        assert!(!printed.contains("problem"), "{env}: {printed}");
    }
}

#[test]
fn a_wrong_command_line_is_exit_status_two() {
    for arguments in [
        &["check"][..],
        &["chek"],
        &[],
        &["status", "--format", "xml"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            output.stdout.is_empty(),
            "{arguments:?}: usage goes to standard error"
        );
    }
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for command in [
        "serve", "demo", "check", "explain", "status", "reload", "mock",
    ] {
        assert!(text(&help.stdout).contains(command), "{command} is listed");
    }
}

#[test]
fn an_admin_address_where_nobody_listens_is_told_in_words() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    for arguments in [&["explain", "chat"][..], &["status"], &["reload"]] {
        let output = run(&[arguments, &["--admin", &address]].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let told = text(&output.stderr);
        assert!(
            told.contains(&format!("nothing listens at {address}")) && told.contains("--admin"),
            "{arguments:?}: {told}"
        );
        assert!(output.stdout.is_empty(), "{arguments:?}: no half result");
    }
}

#[test]
fn something_else_on_the_admin_address_is_told_in_words() {
    let mut mock = Mock::start(&["--listen", "127.0.0.1:0"]);
    let admin = format!("http://{}", mock.address);
    let output = run(&["explain", "chat", "--admin", &admin]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stderr.is_empty(), "it says so");
    mock.end();
}

/// A mock server in a process of its own; killed when dropped.
pub(crate) struct Mock {
    child: Child,
    pub(crate) address: String,
}

impl Mock {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = weighbridge(&[&["mock"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = ready["mock"].as_str().unwrap().to_owned();
        Self { child, address }
    }

    /// Asks it to end and waits for that.
    fn end(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(killed.success(), "the signal was sent");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn the_mock_says_where_it_listens_follows_its_law_and_ends_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let law = folder.path().join("law.toml");
    std::fs::write(&law, "ttft_ms = 0\nerror_rate = 1.0\nerror_status = 503\n").unwrap();
    let mut mock = Mock::start(&["--law", law.to_str().unwrap()]);
    let mut stream = std::net::TcpStream::connect(&mock.address).unwrap();
    let body = r#"{"model":"m","messages":[]}"#;
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        mock.address,
        body.len()
    );
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 503"),
        "as the law says: {answer}"
    );
    assert_eq!(mock.end(), Some(0), "a wished end is no failure");
}

#[test]
fn a_broken_law_is_told_with_its_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let law = folder.path().join("law.toml");
    std::fs::write(&law, "ttft_ms = 1\ntfft_ms = 2\n").unwrap();
    let output = run(&["mock", "--law", law.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(
        told.contains("law.toml") && told.contains("line 2"),
        "{told}"
    );
}
