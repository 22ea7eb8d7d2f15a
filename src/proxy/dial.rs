//! Connections to providers: TCP with Nagle's algorithm off, TLS where the address asks for it, and how often each
//! connection was used.
//!
//! The count is what tells a server that closed an idle connection from one that hangs up on a request: the first is no
//! fault of anybody's and is tried again on another connection, the second is one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Extensions, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower_service::Service;

/// Connects; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Dialer {
    https: HttpsConnector<HttpConnector>,
}

/// A connection to a provider.
#[derive(Debug)]
pub(super) struct Line {
    io: MaybeHttpsStream<TokioIo<TcpStream>>,
    used: Used,
}

/// Whether a connection has carried a request before.
#[derive(Clone, Debug, Default)]
struct Used(Arc<AtomicBool>);

/// Notes that `connection` carries a request now; tells whether it carried one before.
pub(super) fn use_again(connection: &Connected) -> bool {
    let mut extras = Extensions::new();
    connection.get_extras(&mut extras);
    extras
        .get::<Used>()
        .is_some_and(|used| used.0.swap(true, Ordering::Relaxed))
}

impl Dialer {
    /// A dialer that trusts what the system trusts; with it, why that failed, if it did: then every TLS handshake fails
    /// and plain HTTP works.
    pub(super) fn new() -> (Self, Option<String>) {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let builder = HttpsConnectorBuilder::new();
        match builder.with_provider_and_platform_verifier(provider) {
            Ok(builder) => {
                let https = builder.https_or_http().enable_http1();
                let https = https.wrap_connector(tcp());
                (Self { https }, None)
            }
            Err(error) => (Self::without_roots(), Some(error.to_string())),
        }
    }

    /// A dialer that trusts no certificate.
    pub(super) fn without_roots() -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider supports the default protocol versions")
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp());
        Self { https }
    }
}

/// TCP without Nagle's algorithm: a chunk of a stream must not wait for the acknowledgement of the one before.
fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    // A dead peer of a long silent answer is noticed by the kernel even where deadlines are long.
    tcp.set_keepalive(Some(Duration::from_secs(60)));
    tcp
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Service<Uri> for Dialer {
    type Response = Line;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Line, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.https.call(uri);
        Box::pin(async move {
            Ok(Line {
                io: connecting.await?,
                used: Used::default(),
            })
        })
    }
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        self.io.connected().extra(self.used.clone())
    }
}

impl Read for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_to_providers_have_nagle_off() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut dialer = Dialer::without_roots();
        let uri = format!("http://{address}/").parse().unwrap();
        let line = dialer.call(uri).await.unwrap();
        let MaybeHttpsStream::Http(plain) = &line.io else {
            panic!("plain HTTP was asked for");
        };
        assert!(plain.inner().nodelay().unwrap(), "TCP_NODELAY must be set");
    }

    #[tokio::test]
    async fn a_connection_knows_whether_it_was_used_before() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut dialer = Dialer::without_roots();
        let uri = format!("http://{address}/").parse().unwrap();
        let line = dialer.call(uri).await.unwrap();
        assert!(!use_again(&line.connected()), "a fresh connection");
        assert!(use_again(&line.connected()), "the same one, again");
    }
}
