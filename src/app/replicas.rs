//! The other replicas: where this one meets them, and the task that tells and hears them.

#[cfg(feature = "redis")]
use std::sync::Arc;

use tokio::sync::watch;

use super::background::Background;
#[cfg(feature = "redis")]
use super::common::in_common;
use crate::control::{Controller, Handle};
#[cfg(feature = "redis")]
use crate::live::Post;
use crate::live::{Board, Clock, Published};

/// What a daemon with other replicas has; nothing where the configuration has no `[cluster]`.
#[derive(Debug)]
pub(super) struct Replicas {
    #[cfg(feature = "redis")]
    joined: Option<Joined>,
}

#[cfg(feature = "redis")]
#[derive(Debug)]
struct Joined {
    address: crate::cluster::Address,
    post: Arc<Post>,
    clock: Clock,
    parts: Vec<Box<dyn crate::cluster::Part>>,
}

/// Where the others are met, shown on the board, and the controller that decides with them.
#[cfg(feature = "redis")]
pub(super) fn replicas(
    published: &Published,
    board: &Board,
    clock: Clock,
    handle: &Handle,
    controller: Controller,
) -> (Replicas, Controller) {
    let snapshot = published.read();
    let Some(cluster) = &snapshot.config.cluster else {
        return (Replicas { joined: None }, controller);
    };
    let post = Post::new(own_name(cluster), &cluster.namespace, clock.now());
    let post = Arc::new(post);
    let (controller, parts) = in_common(controller, published, handle, &post, clock);
    let joined = Joined {
        address: crate::cluster::Address::of(cluster),
        post,
        clock,
        parts,
    };
    board.meets_at(Arc::clone(&joined.post));
    let controller = controller.joining(Arc::clone(&joined.post));
    let joined = Some(joined);
    (Replicas { joined }, controller)
}

/// The name that the configuration gives this replica, or one that nobody else comes to.
#[cfg(feature = "redis")]
fn own_name(cluster: &crate::config::Cluster) -> crate::fleet::ReplicaId {
    use crate::fleet::ReplicaId;
    let named = cluster.replica.as_deref();
    let named = named.and_then(|name| ReplicaId::new(name).ok());
    named.unwrap_or_else(|| ReplicaId::numbered(rand::random()))
}

/// Nothing: no configuration of this program has other replicas.
#[cfg(not(feature = "redis"))]
pub(super) fn replicas(
    _: &Published,
    _: &Board,
    _: Clock,
    _: &Handle,
    controller: Controller,
) -> (Replicas, Controller) {
    (Replicas {}, controller)
}

impl Replicas {
    /// Has the controller begin with what the fleet has learned, if that can be had at once.
    #[cfg(feature = "redis")]
    pub(super) async fn endow(&self, controller: &mut Controller) {
        use crate::cluster::{Keys, inherit};
        use crate::store::Resumed;
        let Some(joined) = &self.joined else { return };
        let keys = Keys::of(joined.post.namespace());
        match inherit(&joined.address, &keys, joined.clock).await {
            Ok(found) => {
                let resumed = Resumed {
                    shares: found.shares,
                    learned: found.learned,
                    unreadable: None,
                };
                if controller.inherit(resumed) {
                    tracing::info!("begins with what the other replicas have learned");
                }
            }
            Err(why) => tracing::warn!(
                engine = %joined.address, why,
                "what the other replicas have learned cannot be had; this one begins without it"
            ),
        }
    }

    /// Nothing is to be had.
    #[cfg(not(feature = "redis"))]
    pub(super) async fn endow(&self, _: &mut Controller) {}

    /// Begins the exchange.
    #[cfg(feature = "redis")]
    pub(super) fn exchange(self, tasks: &mut Background, ended: &watch::Receiver<bool>) {
        let Some(joined) = self.joined else { return };
        let Joined {
            address,
            post,
            clock,
            parts,
        } = joined;
        let exchange = crate::cluster::Exchange::new(address, post, clock, parts);
        tasks.spawn_keeper("exchange with other replicas", exchange.run(ended.clone()));
    }

    /// There is nobody.
    #[cfg(not(feature = "redis"))]
    pub(super) fn exchange(self, _: &mut Background, _: &watch::Receiver<bool>) {}
}
