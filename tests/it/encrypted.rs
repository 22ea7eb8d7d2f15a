//! `[server.tls]`: clients are spoken to by TLS, and a new certificate is in force without a restart.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::daemon::{Daemon, live, until};

const CONFIG: &str = r#"
config_version = 1
[server]
head_timeout = "2s"
[server.tls]
certificate = { file = "tls.crt" }
key = { file = "tls.key" }
[providers.slow]
kind = "simulated"
law = { ttft_ms = 1, tpot_ms = 20, spread = 0, error_rate = 0 }
[routes.chat.targets]
slow = { use = "slow/m" }
"#;
const ASK: &str = r#"{"model":"chat","max_tokens":2,"messages":[{"role":"user","content":"hi"}]}"#;
const STREAM: &str = r#"{"model":"chat","stream":true,"max_tokens":150,"messages":[{"role":"user","content":"hi"}]}"#;

/// A certificate of its own making, with its key.
struct Pair {
    certificate: String,
    key: String,
}

impl Pair {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self {
            certificate: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }

    fn write(&self, folder: &Path) {
        std::fs::write(folder.join("tls.crt"), &self.certificate).unwrap();
        std::fs::write(folder.join("tls.key"), &self.key).unwrap();
    }

    /// A client that trusts this certificate only and keeps no connection.
    fn client(&self, daemon: &Daemon) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.certificate.as_bytes()).unwrap();
        reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([root])
            .resolve("localhost", daemon.data)
            .pool_max_idle_per_host(0)
            .build()
            .unwrap()
    }
}

fn start(pair: &Pair) -> (tempfile::TempDir, Daemon) {
    let folder = tempfile::tempdir().unwrap();
    pair.write(folder.path());
    std::fs::write(live(folder.path()), CONFIG).unwrap();
    let daemon = Daemon::start(folder.path());
    (folder, daemon)
}

async fn ask(
    client: &reqwest::Client,
    daemon: &Daemon,
    body: &'static str,
) -> reqwest::Result<reqwest::Response> {
    let port = daemon.data.port();
    let url = format!("https://localhost:{port}/v1/chat/completions");
    let request = client.post(url).header("content-type", "application/json");
    request.body(body).send().await
}

#[tokio::test]
async fn requests_are_answered_by_tls_and_by_nothing_else() {
    let pair = Pair::new();
    let (_folder, daemon) = start(&pair);
    let answer = ask(&pair.client(&daemon), &daemon, ASK).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("chat.completion"));

    let stranger = Pair::new().client(&daemon);
    let refused = ask(&stranger, &daemon, ASK).await;
    assert!(refused.is_err(), "another certificate is not trusted");

    let mut plain = TcpStream::connect(daemon.data).await.unwrap();
    let request = "GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n";
    plain.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    drop(plain.read_to_end(&mut answer).await);
    let mut again = TcpStream::connect(daemon.data).await.unwrap();
    again.write_all(request.as_bytes()).await.unwrap();
    drop(again.read_to_end(&mut Vec::new()).await);
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
    assert!(text.contains("this port speaks HTTPS"), "{text}");
    assert!(!text.contains("\"object\""), "nothing is served: {text}");

    let mut noise = TcpStream::connect(daemon.data).await.unwrap();
    noise.write_all(b"\x01\x02\x03").await.unwrap();
    noise.shutdown().await.unwrap();
    let mut answer = Vec::new();
    drop(noise.read_to_end(&mut answer).await);
    assert!(!answer.starts_with(b"HTTP"), "what is no HTTP is cut");
    daemon.terminate();
    let log = daemon.ended().await.log;
    assert_eq!(log.matches("spoke plain HTTP").count(), 1, "{log}");
}

/// A connection whose client offers these protocols.
async fn connected(pair: &Pair, daemon: &Daemon, offered: &[&str]) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|it| it.as_bytes().to_vec()).collect();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(daemon.data).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    connector.connect(name, stream).await.unwrap()
}

#[tokio::test]
async fn http_2_is_offered_and_preferred() {
    let pair = Pair::new();
    let (_folder, daemon) = start(&pair);
    for (offered, expected) in [
        (&["http/1.1", "h2"][..], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let stream = connected(&pair, &daemon, offered).await;
        let spoken = stream.get_ref().1.alpn_protocol();
        assert_eq!(spoken, expected.map(str::as_bytes), "of {offered:?}");
    }
}

#[tokio::test]
async fn whoever_agreed_on_http_2_is_not_served_http_1() {
    let pair = Pair::new();
    let (_folder, daemon) = start(&pair);
    let request = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    for (offered, served) in [(&["h2"][..], false), (&["http/1.1"], true)] {
        let mut stream = connected(&pair, &daemon, offered).await;
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(text.contains("HTTP/1.1"), served, "{offered:?}: {text}");
    }
}

#[tokio::test]
async fn a_new_certificate_is_in_force_for_the_next_connection_and_open_streams_go_on() {
    let (old, new) = (Pair::new(), Pair::new());
    let (folder, daemon) = start(&old);
    let mut stream = ask(&old.client(&daemon), &daemon, STREAM).await.unwrap();
    let mut text = stream.chunk().await.unwrap().unwrap().to_vec();
    new.write(folder.path());
    let (of_old, of_new) = (old.client(&daemon), new.client(&daemon));
    until("the new certificate must be shown", async || {
        ask(&of_new, &daemon, ASK).await.ok()
    })
    .await;
    assert!(
        ask(&of_old, &daemon, ASK).await.is_err(),
        "the old one is gone"
    );
    while let Some(chunk) = stream.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(text.trim_end().ends_with("data: [DONE]"), "{text}");
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused_and_the_old_pair_goes_on() {
    let (old, other) = (Pair::new(), Pair::new());
    let (folder, daemon) = start(&old);
    std::fs::write(folder.path().join("tls.key"), &other.key).unwrap();
    let (status, told) = daemon.reload().await;
    let told = told.to_string();
    assert_eq!(status, 409, "{told}");
    for expected in [
        "live.toml",
        "\"line\":7",
        "server.tls.key",
        "the key of the certificate",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    assert!(!told.contains("PRIVATE"), "nothing of the key: {told}");
    let answer = ask(&old.client(&daemon), &daemon, ASK).await.unwrap();
    assert_eq!(answer.status(), 200);
    daemon.terminate();
    let log = daemon.ended().await.log;
    let secret = other.key.lines().nth(1).unwrap();
    assert!(!log.contains(secret), "nor in the log");
}

#[tokio::test]
async fn clients_that_never_finish_a_handshake_are_given_up_and_hold_nobody_up() {
    let pair = Pair::new();
    let (_folder, daemon) = start(&pair);
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(daemon.data).await.unwrap());
    }
    let answer = ask(&pair.client(&daemon), &daemon, ASK).await.unwrap();
    assert_eq!(answer.status(), 200, "beside a hundred silent ones");
    for mut client in silent {
        let mut nothing = [0; 1];
        let end = tokio::time::timeout(Duration::from_secs(30), client.read(&mut nothing)).await;
        let closed = matches!(end.unwrap(), Ok(0) | Err(_));
        assert!(closed, "a silent client is given up");
    }
}
