//! Whom the daemon talks to: the hosts in its files and nobody else, as the system's own record of its calls has it.
//!
//! The test needs strace and the right to trace, and says in a line where it has not. What is not looked at is the
//! system's resolver, which is asked for the names in the files.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use super::client::Client;
use super::daemon::{Daemon, live, until};

/// Calls that name another host.
const CALLS: &str = "trace=connect,sendto,sendmsg,sendmmsg";
const ANSWER: &str = r#"{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;

/// A provider that answers everything alike; it ends with the test's process.
fn provider() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

/// Answers one request after the other until the other side has enough.
fn answer(stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
        let text = format!("{head}{}\r\n\r\n{ANSWER}", ANSWER.len());
        reader.get_mut().write_all(text.as_bytes()).ok()?;
    }
}

/// The program under strace, which stands aside so that the program is the command's own process.
fn traced(record: &Path) -> Command {
    let mut command = Command::new("strace");
    command
        .args(["-D", "-f", "-qq", "-s", "0", "-e", CALLS, "-o"])
        .arg(record)
        .arg(env!("CARGO_BIN_EXE_weighbridge"));
    command
}

fn can_trace(record: &Path) -> bool {
    let mut command = Command::new("strace");
    command.args(["-qq", "-o"]).arg(record).arg("true");
    let status = command.stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The addresses of other hosts in a record, as `ADDRESS:PORT`.
fn destinations(record: &str) -> BTreeSet<String> {
    let between = |text: &str, from: &str, to: &str| {
        let (_, rest) = text.split_once(from)?;
        Some(rest.split_once(to)?.0.to_owned())
    };
    let mut found = BTreeSet::new();
    for line in record
        .lines()
        .filter(|line| line.contains("sa_family=AF_INET"))
    {
        let port = between(line, "_port=htons(", ")").unwrap();
        let address = between(line, "inet_addr(\"", "\")")
            .or_else(|| between(line, "inet_pton(AF_INET6, \"", "\""))
            .unwrap_or_else(|| panic!("an address in {line}"));
        // The resolver finds out by which route an address would be reached, and sends nothing.
        if port != "0" {
            found.insert(format!("{address}:{port}"));
        }
    }
    found
}

#[tokio::test]
async fn the_daemon_talks_only_to_hosts_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    if !can_trace(&record) {
        println!("skipped: strace is not installed here or may not trace");
        return;
    }
    let (by_address, by_name) = (provider(), provider());
    let config = format!(
        "config_version = 1\n\
         [providers.a]\nkind = \"openai\"\nbase_url = \"http://{by_address}/v1\"\napi_key = \"k-1\"\n\
         [providers.b]\nkind = \"openai\"\nbase_url = \"http://localhost:{}/v1\"\napi_key = \"k-2\"\n\
         [routes.chat]\nmix_models = true\n[routes.chat.targets]\n\
         a = {{ use = \"a/m\", weight = 1 }}\nb = {{ use = \"b/m\", weight = 1 }}\n",
        by_name.port()
    );
    std::fs::write(live(folder.path()), &config).unwrap();
    let daemon = Daemon::start_as(traced(&record), folder.path());
    let client = Client::new(daemon.data);
    // What would lead others elsewhere, and a picture that somebody else is to fetch.
    let body = r#"{"model":"chat","api_base":"http://127.0.0.2:81/v1","base_url":"http://127.0.0.2:82",
        "messages":[{"role":"user","content":[{"type":"text","text":"hi"},
        {"type":"image_url","image_url":{"url":"http://127.0.0.2:83/cat.png"}}]}]}"#;
    for _ in 0..20 {
        let got = client.chat(body).await.unwrap();
        assert!(got.is_whole(), "{got:?}");
    }
    std::fs::write(live(folder.path()), format!("{config}# changed\n")).unwrap();
    assert_eq!(daemon.reload().await.0, 200);
    assert_eq!(daemon.get("/metrics").await.0, 200);
    daemon.terminate();
    assert_eq!(daemon.ended().await.status.code(), Some(0));

    let port = by_name.port();
    let configured = [
        by_address.to_string(),
        by_name.to_string(),
        format!("::1:{port}"),
    ];
    let seen = until("the record must be complete", async || {
        let seen = destinations(&std::fs::read_to_string(&record).unwrap());
        (seen.len() >= 2).then_some(seen)
    })
    .await;
    println!("connected to {seen:?}");
    let others: Vec<&String> = seen.iter().filter(|it| !configured.contains(it)).collect();
    assert!(others.is_empty(), "nobody else: {others:?}");
    for used in &configured[..2] {
        assert!(seen.contains(used), "both were used: {seen:?}");
    }
}

#[test]
fn a_record_is_read_for_what_it_names() {
    let record = r#"
7 connect(9, {sa_family=AF_INET, sin_port=htons(8443), sin_addr=inet_addr("10.0.0.7")}, 16) = -1 EINPROGRESS
7 connect(9, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = 0
7 connect(5, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT
7 connect(5, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
"#;
    let seen: Vec<String> = destinations(record).into_iter().collect();
    assert_eq!(seen, ["10.0.0.7:8443", "2001:db8::1:443"]);
}
