//! Connections to providers: TCP with Nagle's algorithm off, TLS where the address asks for it.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
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
pub(super) type Line = MaybeHttpsStream<TokioIo<TcpStream>>;

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

    /// A connection to the host of `uri`.
    ///
    /// # Errors
    /// None can be made.
    pub(super) async fn dial(&self, uri: Uri) -> Result<Line, BoxError> {
        // A connector is ready whenever it is asked.
        self.https.clone().call(uri).await
    }
}

/// Why there is no connection.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// TCP without Nagle's algorithm: a chunk of a stream must not wait for the acknowledgement of the one before.
fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    // A dead peer of a long silent answer is noticed by the kernel even where deadlines are long.
    tcp.set_keepalive(Some(Duration::from_secs(60)));
    tcp
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_to_providers_have_nagle_off() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let dialer = Dialer::without_roots();
        let uri = format!("http://{address}/").parse().unwrap();
        let line = dialer.dial(uri).await.unwrap();
        let MaybeHttpsStream::Http(plain) = &line else {
            panic!("plain HTTP was asked for");
        };
        assert!(plain.inner().nodelay().unwrap(), "TCP_NODELAY must be set");
    }
}
