//! How a connection is spoken to: by TLS if the configuration in force says so, and with its certificate.
//!
//! The certificate is looked at once per connection, so that another one, or none, is in force from the next connection on;
//! connections that are open keep theirs.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::Tls;
use crate::identity::Identity;

/// The door of the data plane. Owned by its listener.
#[derive(Default)]
pub(super) struct Door {
    made: Option<(Arc<Tls>, TlsAcceptor)>,
}

/// What the next connection has to say first.
#[derive(Clone)]
pub(super) enum Entry {
    /// Its request.
    Plain,
    /// Its part of a handshake.
    Tls(TlsAcceptor),
    /// Nothing: it is closed.
    Closed,
}

impl Door {
    /// How the next connection is spoken to.
    pub(super) fn entry(&mut self, tls: Option<&Arc<Tls>>) -> Entry {
        let Some(tls) = tls else {
            self.made = None;
            return Entry::Plain;
        };
        match &self.made {
            Some((from, acceptor)) if from == tls => Entry::Tls(acceptor.clone()),
            _ => self.renewed(tls),
        }
    }

    /// The certificate was looked at when it was read. If it is unusable here all the same, clients go on seeing the one
    /// before, and without one they are not spoken to: never in the clear.
    fn renewed(&mut self, tls: &Arc<Tls>) -> Entry {
        match Identity::new(&tls.certificate, tls.key.expose()) {
            Ok(identity) => {
                let acceptor = TlsAcceptor::from(Arc::new(identity.server_config()));
                self.made = Some((Arc::clone(tls), acceptor.clone()));
                Entry::Tls(acceptor)
            }
            Err(error) => {
                tracing::error!(%error, "the certificate of server.tls can't be used");
                let before = self.made.as_ref();
                before.map_or(Entry::Closed, |(_, acceptor)| Entry::Tls(acceptor.clone()))
            }
        }
    }
}

/// The handshake of `stream`, which may take as long as `most`.
///
/// # Errors
/// The client spoke no TLS, wanted what is not offered, or took too long.
pub(super) async fn shaken(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    most: Duration,
) -> io::Result<TlsStream<TcpStream>> {
    timeout(most, acceptor.accept(stream)).await?
}
