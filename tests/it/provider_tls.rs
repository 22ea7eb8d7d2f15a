//! Providers whose TLS or whose name is bad: each is a fault of that provider, told in words, made good by the next one,
//! and no credential is sent.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::client::Client;
use super::daemon::{Daemon, live, weighbridge};

const KEY: &str = "sk-of-a-provider-that-is-not-who-it-says";
const ANSWER: &str = r#"{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
/// An alert of TLS 1.0: fatal, no version in common.
const OLD: &[u8] = &[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46];

/// How a provider behaves towards whoever connects.
#[derive(Clone)]
enum Manner {
    /// Answers by TLS with this certificate.
    Tls(Arc<ServerConfig>),
    /// Writes these bytes after the first ones that come, and hangs up.
    Says(&'static [u8]),
    /// Takes what comes and is silent.
    Silent,
}

/// A provider that notes everything it can read.
struct Place {
    port: u16,
    read: Arc<Mutex<Vec<u8>>>,
    _tasks: JoinSet<()>,
}

impl Place {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let read = Arc::new(Mutex::new(Vec::new()));
        let (kept, mut tasks) = (Arc::clone(&read), JoinSet::new());
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(serve(stream, manner.clone(), Arc::clone(&kept)));
            }
        });
        Self {
            port,
            read,
            _tasks: tasks,
        }
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, kept: Arc<Mutex<Vec<u8>>>) {
    let mut piece = [0; 16_384];
    match manner {
        Manner::Tls(config) => {
            let Ok(mut stream) = TlsAcceptor::from(config).accept(stream).await else {
                return;
            };
            while let Ok(length @ 1..) = stream.read(&mut piece).await {
                kept.lock().unwrap().extend_from_slice(&piece[..length]);
                if piece[..length].ends_with(b"}") {
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
                    let length = ANSWER.len();
                    let answer = format!("{head}\r\ncontent-length: {length}\r\n\r\n{ANSWER}");
                    drop(stream.write_all(answer.as_bytes()).await);
                }
            }
        }
        Manner::Says(bytes) => {
            if let Ok(length) = stream.read(&mut piece).await {
                kept.lock().unwrap().extend_from_slice(&piece[..length]);
                drop(stream.write_all(bytes).await);
            }
        }
        Manner::Silent => {
            while let Ok(length @ 1..) = stream.read(&mut piece).await {
                kept.lock().unwrap().extend_from_slice(&piece[..length]);
            }
        }
    }
}

/// An authority, and certificates by it.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    fn certify(&self, name: &str, until: i32) -> Manner {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let chain = vec![CertificateDer::from(certificate)];
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Manner::Tls(Arc::new(config))
    }
}

/// A route for each place, which goes to it alone, and one that has `good` to fall back on.
fn write(folder: &Path, places: &[(&str, u16)], good: u16) {
    let provider = |(name, port): (&str, u16)| {
        let host = match name {
            "nameless" => "nobody.invalid",
            _ => "localhost",
        };
        format!(
            "[providers.{name}]\nkind = \"openai\"\nbase_url = \"https://{host}:{port}/v1\"\napi_key = \"{KEY}\"\n"
        )
    };
    let route = |name: &str, to: &str, rest: &str| {
        let target = format!("[routes.{name}.targets]\nit = {{ use = \"{to}/m\" }}\n");
        format!("[routes.{name}]\nmode = \"off\"\n{rest}{target}")
    };
    let mut text = vec![
        "config_version = 1\n[defaults.deadlines]\nconnect = \"1s\"\n".to_owned(),
        provider(("good", good)),
        route("good", "good", ""),
    ];
    for (name, port) in places {
        text.push(provider((name, *port)));
        text.push(route(name, name, ""));
        let helped = format!("{name}-helped");
        text.push(route(&helped, name, "fallbacks = [\"good\"]\n"));
    }
    std::fs::write(live(folder), text.concat()).unwrap();
}

/// What is wrong with a provider, and what is told of it.
fn kinds(known: &Authority) -> [(&'static str, Manner, &'static str); 8] {
    let unknown = Authority::new();
    let elsewhere = known.certify("elsewhere.example", 2090);
    let plain = Manner::Says(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    [
        (
            "expired",
            known.certify("localhost", 2021),
            "certificate has expired",
        ),
        ("misnamed", elsewhere, "its certificate is for another name"),
        (
            "unknown",
            unknown.certify("localhost", 2090),
            "by an authority that this machine does not trust",
        ),
        ("old", Manner::Says(OLD), "it ended the TLS handshake"),
        ("cut", Manner::Says(b""), "it hung up in the TLS handshake"),
        ("plain", plain, "does not speak TLS"),
        ("silent", Manner::Silent, "did not stand in time (3 times)"),
        ("nameless", Manner::Silent, "its name has no address"),
    ]
}

fn ask(route: &str) -> String {
    format!(r#"{{"model":"{route}","max_tokens":2,"messages":[{{"role":"user","content":"hi"}}]}}"#)
}

#[tokio::test]
async fn a_provider_that_is_not_who_it_says_gets_no_key_and_costs_nobody_an_answer() {
    let known = Authority::new();
    let good = Place::start(known.certify("localhost", 2090)).await;
    let mut places = Vec::new();
    for (name, manner, words) in kinds(&known) {
        places.push((name, Place::start(manner).await, words));
    }
    let folder = tempfile::tempdir().unwrap();
    let ports: Vec<(&str, u16)> = places
        .iter()
        .map(|(name, it, _)| (*name, it.port))
        .collect();
    write(folder.path(), &ports, good.port);
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, &known.pem).unwrap();
    let mut command: Command = weighbridge();
    command
        .env("SSL_CERT_FILE", &roots)
        .env_remove("SSL_CERT_DIR");
    let daemon = Daemon::start_as(command, folder.path());
    let client = Client::new(daemon.data);

    let got = client.chat(&ask("good")).await.unwrap();
    assert_eq!(got.status, 200, "{}", got.body);
    for (name, place, words) in &places {
        let got = client.chat(&ask(name)).await.unwrap();
        let error: Value = serde_json::from_str(&got.body).unwrap();
        let (status, code) = match *name {
            "silent" => (504, "upstream_timeout"),
            _ => (502, "upstream_error"),
        };
        assert_eq!(
            (got.status, &error["error"]["code"]),
            (status, &Value::from(code)),
            "{name}"
        );
        let helped = client.chat(&ask(&format!("{name}-helped"))).await.unwrap();
        assert_eq!(helped.status, 200, "{name}: {}", helped.body);
        let read = place.read.lock().unwrap().clone();
        let leaked = String::from_utf8_lossy(&read).contains(KEY);
        assert!(!leaked, "{name} was sent the key");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{name}: {message}");
    }
    daemon.terminate();
    let ended = daemon.ended().await;
    assert!(!ended.log.contains(KEY), "{}", ended.log);
}
