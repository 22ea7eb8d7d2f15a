//! Claims about the renewal of credentials, against a server on this machine that makes tokens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::google::{Google, signed};
use super::keeper::{Holder, pause};
use super::{NoToken, Pass};
use crate::config::{GoogleLogin, Login, Secret};
use crate::live::Clock;
use crate::provider::access::Access;

/// A server that gives one answer after the other and tells what it was asked.
struct Tokens {
    address: SocketAddr,
    asked: mpsc::UnboundedReceiver<String>,
    task: AbortHandle,
}

impl Drop for Tokens {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tokens {
    async fn start(answers: Vec<(u16, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = mpsc::unbounded_channel();
        let serving = tokio::spawn(async move {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = String::new();
                while !is_whole(&request) {
                    let mut piece = [0; 4096];
                    let length = stream.read(&mut piece).await.unwrap();
                    assert!(length > 0, "a whole request: {request}");
                    request.push_str(std::str::from_utf8(&piece[..length]).unwrap());
                }
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).await.unwrap();
                stream.write_all(body.as_bytes()).await.unwrap();
                tell.send(request).unwrap();
            }
        });
        Self {
            address,
            asked,
            task: serving.abort_handle(),
        }
    }

    async fn next(&mut self) -> String {
        let waiting = tokio::time::timeout(Duration::from_secs(20), self.asked.recv());
        waiting.await.expect("it is asked in time").unwrap()
    }

    fn uri(&self) -> String {
        format!("http://{}/token", self.address)
    }

    fn user(&self) -> GoogleLogin {
        GoogleLogin::User {
            client_id: "program".to_owned(),
            client_secret: Secret::new("PLANTED&1".to_owned()),
            refresh_token: Secret::new("1//PLANTED".to_owned()),
            token_uri: self.uri(),
        }
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse().unwrap())
}

fn token(name: &str, life: u64) -> (u16, String) {
    let body = format!(r#"{{"access_token":"{name}","expires_in":{life},"token_type":"Bearer"}}"#);
    (200, body)
}

fn value(pass: &Pass) -> &str {
    match pass {
        Pass::Bearer(value) => value.to_str().unwrap(),
        #[cfg(feature = "aws")]
        Pass::Aws(_) => panic!("Google has bearers"),
    }
}

#[tokio::test]
async fn a_service_account_asks_with_a_signed_token_of_its_own() {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let key = STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n");
    let mut tokens = Tokens::start(vec![token("ya29.fresh", 3_599)]).await;
    let login = GoogleLogin::ServiceAccount {
        email: "a@p.iam.gserviceaccount.com".to_owned(),
        key_id: Some("k1".to_owned()),
        private_key: Secret::new(pem),
        token_uri: tokens.uri(),
    };
    let fresh = Google::default()
        .fetch(&login, 1_700_000_000)
        .await
        .unwrap();
    assert_eq!(fresh.life, Duration::from_secs(3_599));
    assert_eq!(value(&fresh.pass), "Bearer ya29.fresh");

    let asked = tokens.next().await;
    let (_, body) = asked.split_once("\r\n\r\n").unwrap();
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    let assertion = body.strip_prefix(grant).expect("the grant");
    let (text, signature) = assertion.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
        .verify(text.as_bytes(), &signature)
        .expect("the signature is that of the key");
    let (head, claims) = text.split_once('.').unwrap();
    let read = |part: &str| -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(
        read(head),
        serde_json::json!({"alg": "RS256", "typ": "JWT", "kid": "k1"})
    );
    assert_eq!(
        read(claims),
        serde_json::json!({
            "iss": "a@p.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": tokens.uri(),
            "iat": 1_700_000_000,
            "exp": 1_700_003_600,
        })
    );
}

#[tokio::test]
async fn a_persons_login_and_a_machine_are_asked_in_their_own_ways() {
    let mut tokens = Tokens::start(vec![token("one", 100), token("two", 100)]).await;
    let google = Google::default();
    let fresh = google.fetch(&tokens.user(), 0).await.unwrap();
    assert_eq!(value(&fresh.pass), "Bearer one");
    let asked = tokens.next().await;
    assert!(asked.starts_with("POST /token "), "{asked}");
    let form = "grant_type=refresh_token&client_id=program&client_secret=PLANTED%261&refresh_token=1%2F%2FPLANTED";
    assert!(asked.ends_with(form), "{asked}");

    let machine = GoogleLogin::Machine {
        host: tokens.address.to_string(),
    };
    let fresh = google.fetch(&machine, 0).await.unwrap();
    assert_eq!(value(&fresh.pass), "Bearer two");
    let asked = tokens.next().await;
    let path = "GET /computeMetadata/v1/instance/service-accounts/default/token ";
    assert!(asked.starts_with(path), "{asked}");
    assert!(asked.contains("metadata-flavor: Google\r\n"), "{asked}");
}

#[tokio::test]
async fn a_refusal_is_told_by_its_word_and_repeats_nothing() {
    let long = format!("\"{}\"", "x".repeat(100_000));
    let cases = [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"PLANTED"}"#,
            "answered 400 invalid_grant",
        ),
        (401, r#"{"error":"PLANTED 1//x"}"#, "answered 401"),
        (302, "", "answered 302"),
        (
            200,
            r#"{"access_token":"PLANTED\r\nx: y","expires_in":1}"#,
            "something else than a token",
        ),
        (200, r#"{"token":"PLANTED"}"#, "something else than a token"),
        (200, long.as_str(), "something else than a token"),
    ];
    for (status, body, expected) in cases {
        let tokens = Tokens::start(vec![(status, body.to_owned())]).await;
        let error = Google::default()
            .fetch(&tokens.user(), 0)
            .await
            .unwrap_err();
        let told = error.to_string();
        assert!(told.ends_with(expected), "{told}");
        assert!(!format!("{told}{error:?}").contains("PLANTED"), "{told}");
    }
    let nobody = GoogleLogin::Machine {
        host: "127.0.0.1:1".to_owned(),
    };
    let error = Google::default().fetch(&nobody, 0).await.unwrap_err();
    assert!(matches!(error, NoToken::Unreachable(_)), "{error}");
    let broken = signed(
        &serde_json::json!({}),
        None,
        "-----BEGIN PRIVATE KEY-----\nx",
    );
    assert!(matches!(broken, Err(NoToken::Key)), "a key that is none");
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_and_a_failure_leaves_the_old_one() {
    let answers = vec![token("old", 2), (500, String::new()), token("new", 3_600)];
    let mut tokens = Tokens::start(answers).await;
    let (access, clock) = (Arc::new(Access::default()), Clock::start());
    let holder = Holder {
        provider: "p".to_owned(),
        login: Login::Google(tokens.user()),
        access: Arc::clone(&access),
        google: Google::default(),
        clock,
    };
    let (told, first) = tokio::sync::oneshot::channel();
    let holding = tokio::spawn(holder.hold(told));
    assert!(
        first.await.is_err(),
        "a first try ends by its being dropped"
    );
    let pass = || access.pass(clock.now());
    assert_eq!(value(&pass().unwrap()), "Bearer old");
    tokens.next().await;
    let asked = clock.now();
    tokens.next().await;
    let waited = clock.now().since(asked);
    assert!(
        waited < Duration::from_secs(2),
        "before its end: {waited:?}"
    );
    assert_eq!(value(&pass().unwrap()), "Bearer old", "the failure left it");
    tokens.next().await;
    while pass().is_none_or(|pass| value(&pass) != "Bearer new") {
        tokio::task::yield_now().await;
    }
    holding.abort();
}

#[test]
fn a_credential_is_renewed_after_four_fifths_and_five_minutes_before_its_end() {
    let cases = [
        (3_600, 2_880),
        (43_200, 34_560),
        (1_500, 1_200),
        (1_000, 700),
        (360, 60),
        (310, 15),
        (200, 15),
        (10, 8),
        (0, 1),
    ];
    for (life, expected) in cases {
        let (life, expected) = (Duration::from_secs(life), Duration::from_secs(expected));
        assert_eq!(pause(life), expected, "of a life of {life:?}");
    }
}
