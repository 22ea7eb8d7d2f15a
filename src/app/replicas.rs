//! The other replicas: where this one meets them, and the task that tells and hears them.

#[cfg(feature = "redis")]
use std::path::Path;
#[cfg(feature = "redis")]
use std::sync::Arc;

use tokio::sync::watch;

use super::background::Background;
#[cfg(feature = "redis")]
use super::common::in_common;
use crate::control::{Controller, Handle};
#[cfg(feature = "redis")]
use crate::fleet::ReplicaId;
#[cfg(feature = "redis")]
use crate::live::Post;
use crate::live::{Board, Clock, Published};

/// The file in `server.state` that has the name which was made up for this replica.
#[cfg(feature = "redis")]
const NAME: &str = "replica";

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
    let name = own_name(cluster, snapshot.config.server.state.as_deref());
    let post = Post::new(name, &cluster.namespace, clock.now());
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
///
/// That one lies beside the books, where there are any: what they have spent is counted under the name, and would count
/// again under another one at each start.
#[cfg(feature = "redis")]
fn own_name(cluster: &crate::config::Cluster, state: Option<&Path>) -> ReplicaId {
    let named = cluster.replica.as_deref();
    let named = named.and_then(|name| ReplicaId::new(name).ok());
    named.unwrap_or_else(|| match state {
        Some(folder) => kept_name(&folder.join(NAME)),
        None => ReplicaId::numbered(rand::random()),
    })
}

#[cfg(feature = "redis")]
fn kept_name(file: &Path) -> ReplicaId {
    let kept = std::fs::read_to_string(file).ok();
    if let Some(kept) = kept.and_then(|text| ReplicaId::new(text.trim()).ok()) {
        return kept;
    }
    let name = ReplicaId::numbered(rand::random());
    if let Err(error) = std::fs::write(file, format!("{name}\n")) {
        tracing::warn!(
            file = %file.display(), %error, %name,
            "the name that was made up for this replica cannot be kept: after a restart it is another one, and what the books \
             have spent counts twice. `replica` in [cluster] gives it one"
        );
    }
    name
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
    /// Has the controller begin with what the fleet has learned and operators did, if that can be had at once.
    #[cfg(feature = "redis")]
    pub(super) async fn endow(&self, controller: &mut Controller) {
        use crate::cluster::{Keys, inherit};
        use crate::store::Resumed;
        let Some(joined) = &self.joined else { return };
        let keys = Keys::of(joined.post.namespace());
        let (found, why) = inherit(&joined.address, &keys, joined.clock).await;
        if let Some(why) = why {
            if found.learned.is_none() {
                joined.post.awaits_bequest();
            }
            tracing::warn!(
                engine = %joined.address, why,
                "what the other replicas have learned, and orders and keys of theirs, cannot all be had; this one begins \
                 without, and asks again when it can"
            );
        }
        let resumed = Resumed {
            shares: found.shares,
            learned: found.learned,
            unreadable: None,
        };
        if controller.inherit(resumed) {
            tracing::info!("begins with what the other replicas have learned");
        }
        controller.begin_with(&found.told);
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

#[cfg(test)]
#[cfg(feature = "redis")]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_made_up_is_the_same_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        let name = kept_name(&file);
        assert_eq!(kept_name(&file), name);
        std::fs::write(&file, "two words").unwrap();
        let next = kept_name(&file);
        assert_ne!(next, name, "what is no name is none");
        assert_eq!(kept_name(&file), next);
        let nowhere = folder.path().join("no/such").join(NAME);
        assert_ne!(kept_name(&nowhere), next, "a start needs no file");
    }
}
