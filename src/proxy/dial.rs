//! Connections to providers: TCP with Nagle's algorithm off, TLS where the address asks for it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tower_service::Service;

use crate::live::trusted;

/// Connects; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Dialer {
    tcp: HttpConnector,
    /// TLS over it, from the first time that an address asks for it.
    https: Arc<OnceLock<HttpsConnector<HttpConnector>>>,
}

/// A connection to a provider.
pub(super) type Line = MaybeHttpsStream<TokioIo<TcpStream>>;

impl Dialer {
    /// A dialer that trusts what the system trusts.
    pub(super) fn new() -> Self {
        Self {
            tcp: tcp(),
            https: Arc::default(),
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
        let tcp = tcp();
        let https = Arc::new(OnceLock::from(over(tcp.clone(), config)));
        Self { tcp, https }
    }

    /// A connection to the host of `uri`.
    ///
    /// # Errors
    /// None can be made.
    pub(super) async fn dial(&self, uri: Uri) -> Result<Line, BoxError> {
        // Connectors are ready whenever they are asked.
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return self.https().await?.call(uri).await;
        }
        let plain = self.tcp.clone().call(uri).await?;
        Ok(Line::Http(plain))
    }

    async fn https(&self) -> Result<HttpsConnector<HttpConnector>, BoxError> {
        if let Some(known) = self.https.get() {
            return Ok(known.clone());
        }
        // It may have to read files.
        let config = tokio::task::spawn_blocking(trusted).await??;
        let made = || over(self.tcp.clone(), config);
        Ok(self.https.get_or_init(made).clone())
    }
}

/// TLS over `tcp`.
fn over(tcp: HttpConnector, config: ClientConfig) -> HttpsConnector<HttpConnector> {
    let builder = HttpsConnectorBuilder::new().with_tls_config(config);
    builder.https_only().enable_http1().wrap_connector(tcp)
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

    #[tokio::test]
    async fn plain_http_needs_no_authorities() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let dialer = Dialer::new();
        let uri = format!("http://{address}/").parse().unwrap();
        dialer.dial(uri).await.unwrap();
        assert!(
            dialer.https.get().is_none(),
            "they take longer to read than all the rest of a start"
        );
    }
}
