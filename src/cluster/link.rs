//! The connection to the engine: one server, the master behind sentinels, or a cluster.
//!
//! A connection that failed or was too slow is dropped and a new one made by whoever owns the [`Address`]; nothing
//! reconnects by itself, so that nothing queues up behind an engine that does not answer.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    Pipeline, ProtocolVersion, PushInfo, PushKind, RedisConnectionInfo, RedisError, RedisFuture,
    RedisResult, TlsMode, Value,
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
    /// Commands that were sent, by their number.
    sent: u64,
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
        self.open(|_| ()).await
    }

    /// Connects, and calls `hear` with the place in `channels` and the text of each message of theirs for as long as the
    /// connection lasts. `hear` must not wait.
    pub(super) async fn connect_hearing<const N: usize>(
        &self,
        channels: [String; N],
        hear: impl Fn(usize, &[u8]) + Send + Sync + 'static,
    ) -> RedisResult<Link> {
        let names = channels.clone();
        let hear = move |push: &PushInfo| {
            if let (PushKind::Message, [Value::BulkString(name), Value::BulkString(text)]) =
                (&push.kind, push.data.as_slice())
                && let Some(place) = names.iter().position(|it| it.as_bytes() == name)
            {
                hear(place, text);
            }
        };
        let mut link = self.open(hear).await?;
        for channel in channels {
            match &mut link.wire {
                Wire::One(one) => one.subscribe(channel).await?,
                Wire::Cluster(cluster) => cluster.subscribe(channel).await?,
            }
        }
        Ok(link)
    }

    async fn open(&self, hear: impl Fn(&PushInfo) + Send + Sync + 'static) -> RedisResult<Link> {
        let hear = move |push: PushInfo| -> Result<(), Infallible> {
            hear(&push);
            Ok(())
        };
        let wire = match &self.url.kind {
            RedisKind::Cluster => {
                let client = self.cluster()?.push_sender(hear);
                Wire::Cluster(client.build()?.get_async_connection().await?)
            }
            RedisKind::Single | RedisKind::Sentinel(_) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(LONGEST))
                    .set_response_timeout(Some(LONGEST))
                    .set_push_sender(hear);
                let client = self.client().await?;
                let connection = client.get_multiplexed_async_connection_with_config(&config);
                Wire::One(connection.await?)
            }
        };
        Ok(Link { wire, sent: 0 })
    }

    /// Who is asked: the server, or the master that the sentinels name.
    async fn client(&self) -> RedisResult<Client> {
        let settings = self.settings();
        let RedisKind::Sentinel(name) = &self.url.kind else {
            let server = self.infos(&settings).into_iter().next();
            return Client::open(server.ok_or_else(nobody)?);
        };
        let mut node = SentinelNodeConnectionInfo::default().set_redis_connection_info(settings);
        if self.url.tls {
            node = node.set_tls_mode(TlsMode::Secure);
        }
        let mut sentinel = Sentinel::build(self.infos(&self.sentinel_settings()))?;
        sentinel.async_master_for(name, Some(&node)).await
    }

    fn cluster(&self) -> RedisResult<ClusterClientBuilder> {
        let infos = self.infos(&self.settings());
        if infos.is_empty() {
            return Err(nobody());
        }
        let mut builder = ClusterClient::builder(infos)
            .use_protocol(ProtocolVersion::RESP3)
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
        Ok(builder)
    }

    /// How a server is entered.
    fn settings(&self) -> RedisConnectionInfo {
        // The protocol in which one connection both asks and hears.
        let mut settings = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_db(i64::from(self.url.database));
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

fn nobody() -> RedisError {
    RedisError::from(std::io::Error::other("no server is named"))
}

/// The address without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl Link {
    /// Commands that were sent since it was opened.
    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        self.sent += 1;
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
        self.sent += pipeline.cmd_iter().count() as u64;
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
