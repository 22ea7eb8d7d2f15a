//! The simulated providers of a configuration: one mock server on a loopback socket, one target a provider.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{Config, Endpoint, ProviderKind};
use crate::control::Simulate;
use crate::law::Law;
use crate::live::Clock;
use crate::mock::{self, Laws};
use crate::model::ProviderName;

/// Owner of the mock server. It starts with the first simulated provider and ends when this is dropped.
#[derive(Debug)]
pub(super) struct Fleet {
    laws: Laws,
    known: BTreeMap<String, Law>,
    server: Option<Server>,
}

#[derive(Debug)]
struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
    /// Dropped, the server stops.
    _stop: watch::Sender<()>,
}

impl Fleet {
    pub(super) fn new(clock: Clock) -> Self {
        let laws = Laws::new(Law::default(), clock);
        Self {
            laws,
            known: BTreeMap::new(),
            server: None,
        }
    }

    /// The laws in force, for whoever stages an incident.
    pub(super) fn laws(&self) -> Laws {
        self.laws.clone()
    }

    fn address(&mut self) -> io::Result<SocketAddr> {
        if let Some(server) = &self.server
            && !server.task.is_finished()
        {
            return Ok(server.address);
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let (stop, mut stopped) = watch::channel(());
        let laws = self.laws.clone();
        let task = tokio::spawn(async move {
            let until = async move {
                // The sender never sends: it is dropped.
                while stopped.changed().await.is_ok() {}
            };
            mock::serve(listener, laws, until).await;
        });
        self.server = Some(Server {
            address,
            task,
            _stop: stop,
        });
        Ok(address)
    }
}

impl Simulate for Fleet {
    fn endpoint(&mut self, provider: &ProviderName, law: &Law) -> io::Result<Endpoint> {
        let address = self.address()?;
        // A law that is put again begins anew: only a changed one is.
        if self.known.get(provider.as_str()) != Some(law) {
            self.laws
                .put(provider.as_str(), law.clone())
                .map_err(io::Error::other)?;
            self.known.insert(provider.as_str().to_owned(), law.clone());
        }
        Ok(Endpoint {
            origin: format!("http://{address}"),
            path: format!("/{provider}/v1"),
        })
    }

    fn keep_only(&mut self, config: &Config) {
        let simulated = |name: &String| {
            config.providers.values().any(|provider| {
                provider.name.as_str() == name
                    && matches!(provider.kind, ProviderKind::Simulated { .. })
            })
        };
        let gone: Vec<String> = self
            .known
            .keys()
            .filter(|name| !simulated(name))
            .cloned()
            .collect();
        for name in gone {
            self.laws.remove(&name);
            self.known.remove(&name);
        }
    }
}
