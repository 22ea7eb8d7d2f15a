//! The HTTP client for whoever is called beside providers: collectors, webhooks, token services, a daemon's admin address.

use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;

use super::trust::trusted;

/// How long somebody is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the whole exchange.
    pub whole: Duration,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum NoClient {
    /// This machine has no certificates to check others by.
    #[error(transparent)]
    Trust(#[from] rustls::Error),
    /// The client itself cannot be made.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}

/// A client that goes to the address that it is given and nowhere else: what is sent (alerts, spans, secrets) is for whom
/// the files name, so no proxy of the environment gets it, and no redirect takes it elsewhere.
///
/// # Errors
/// This machine has no certificates to check others by.
pub fn direct_client(patience: Patience) -> Result<Client, NoClient> {
    let mut tls = trusted()?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(patience.connect)
        .timeout(patience.whole)
        .build()?;
    Ok(client)
}
