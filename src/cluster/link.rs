//! The connection to the engine: one server, the master behind sentinels, or a cluster.
//!
//! A connection that failed or was too slow is dropped and a new one made by whoever owns the [`Address`]; nothing
//! reconnects by itself, so that nothing queues up behind an engine that does not answer.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection, PubSub};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    Pipeline, RedisConnectionInfo, RedisFuture, RedisResult, TlsMode, Value,
};

use crate::config::{Cluster, RedisKind, RedisUrl, Secret};

/// Longest that a connection or one answer may take; rounds have a limit of their own, which is shorter. It is a second line:
/// without it a connection that nobody waits for any more would stay.
const LONGEST: Duration = Duration::from_secs(2);

/// Where the engine is, and how it is entered.
#[derive(Clone, Debug)]
pub struct Address {
    url: RedisUrl,
    sentinel_password: Option<Secret>,
}

/// An open connection.
#[derive(Clone)]
pub struct Link {
    wire: Wire,
}

#[derive(Clone)]
enum Wire {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.wire {
            Wire::One(_) => "to one server",
            Wire::Cluster(_) => "to a cluster",
        };
        write!(f, "Link({kind})")
    }
}

impl Address {
    /// The address that the configuration names.
    pub fn of(cluster: &Cluster) -> Self {
        Self {
            url: cluster.url.clone(),
            sentinel_password: cluster.sentinel_password.clone(),
        }
    }

    /// Connects. The caller bounds how long it may take.
    pub async fn connect(&self) -> RedisResult<Link> {
        let wire = match &self.url.kind {
            RedisKind::Cluster => Wire::Cluster(self.cluster()?.get_async_connection().await?),
            RedisKind::Single | RedisKind::Sentinel(_) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(LONGEST))
                    .set_response_timeout(Some(LONGEST));
                let client = self.client().await?;
                let connection = client.get_multiplexed_async_connection_with_config(&config);
                Wire::One(connection.await?)
            }
        };
        Ok(Link { wire })
    }

    /// A connection that hears what is published: messages of a cluster reach each of its servers.
    pub async fn listen(&self, channel: &str) -> RedisResult<PubSub> {
        let mut heard = self.client().await?.get_async_pubsub().await?;
        heard.subscribe(channel).await?;
        Ok(heard)
    }

    /// Who is asked: the server, the master that the sentinels name, or the first of a cluster's that answers.
    async fn client(&self) -> RedisResult<Client> {
        match &self.url.kind {
            RedisKind::Sentinel(name) => {
                let sentinels = self.infos(&self.sentinel_settings());
                let tls = self.url.tls.then_some(TlsMode::Secure);
                let mut node = SentinelNodeConnectionInfo::default()
                    .set_redis_connection_info(self.settings());
                if let Some(tls) = tls {
                    node = node.set_tls_mode(tls);
                }
                let mut sentinel = Sentinel::build(sentinels)?;
                sentinel.async_master_for(name, Some(&node)).await
            }
            RedisKind::Single | RedisKind::Cluster => {
                let mut last = None;
                for info in self.infos(&self.settings()) {
                    let client = Client::open(info)?;
                    if self.url.nodes.len() == 1 {
                        return Ok(client);
                    }
                    match client.get_multiplexed_async_connection().await {
                        Ok(_) => return Ok(client),
                        Err(error) => last = Some(error),
                    }
                }
                Err(last.unwrap_or_else(|| {
                    redis::RedisError::from(std::io::Error::other("no server is named"))
                }))
            }
        }
    }

    fn cluster(&self) -> RedisResult<ClusterClient> {
        let mut builder = ClusterClient::builder(self.infos(&self.settings()))
            .retries(1)
            .connection_timeout(LONGEST)
            .response_timeout(LONGEST);
        if let Some(user) = &self.url.user {
            builder = builder.username(user);
        }
        if let Some(password) = &self.url.password {
            builder = builder.password(password.expose());
        }
        if self.url.tls {
            builder = builder.tls(TlsMode::Secure);
        }
        builder.build()
    }

    /// How a server is entered.
    fn settings(&self) -> RedisConnectionInfo {
        let mut settings = RedisConnectionInfo::default().set_db(i64::from(self.url.database));
        if let Some(user) = &self.url.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.url.password {
            settings = settings.set_password(password.expose());
        }
        settings.set_lib_name("weighbridge", env!("CARGO_PKG_VERSION"))
    }

    fn sentinel_settings(&self) -> RedisConnectionInfo {
        let settings = RedisConnectionInfo::default();
        match &self.sentinel_password {
            Some(password) => settings.set_password(password.expose()),
            None => settings,
        }
    }

    fn infos(&self, settings: &RedisConnectionInfo) -> Vec<ConnectionInfo> {
        let address = |(host, port): &(String, u16)| {
            let (host, port) = (host.clone(), *port);
            if self.url.tls {
                ConnectionAddr::TcpTls {
                    host,
                    port,
                    insecure: false,
                    tls_params: None,
                }
            } else {
                ConnectionAddr::Tcp(host, port)
            }
        };
        let infos = self.url.nodes.iter().map(|node| {
            let info = address(node).into_connection_info();
            info.map(|info| info.set_redis_settings(settings.clone()))
        });
        infos.filter_map(Result::ok).collect()
    }
}

/// The address without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.wire {
            Wire::One(one) => one.req_packed_command(cmd),
            Wire::Cluster(cluster) => cluster.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.wire {
            Wire::One(one) => one.req_packed_commands(pipeline, offset, count),
            Wire::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.wire {
            Wire::One(one) => one.get_db(),
            Wire::Cluster(cluster) => cluster.get_db(),
        }
    }
}
