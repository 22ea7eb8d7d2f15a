//! What replicas have in common exactly: budgets, rates, orders, keys, the kill switch; put together with the exchange.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::cluster::{Histograms, Leases, Part, Rights, Shared};
use crate::config::digest_text;
use crate::control::{Controller, Handle, News, Wake};
use crate::live::{Clock, Post, Published, TellCell, Topic, key_digest};

/// How much may wait for the controller: what is heard while it is busy is heard again a round later.
const WAITING: usize = 4;

/// The controller that tells and hears of orders and keys at this post, and what takes part in each round.
pub(super) fn in_common(
    controller: Controller,
    published: &Published,
    handle: &Handle,
    post: &Arc<Post>,
    clock: Clock,
) -> (Controller, Vec<Box<dyn Part>>) {
    let ring = |topic| {
        let post = Arc::clone(post);
        move || post.bell().ring(topic)
    };
    let snapshot = published.read();
    snapshot.budgets.sharing().begin(ring(Topic::Leases));
    snapshot.switch.watch(ring(Topic::Orders));
    let (orders, keys) = (ring(Topic::Orders), ring(Topic::Keys));
    let wake = Wake(Arc::new(move |news| match news {
        News::Orders => orders(),
        News::Keys => keys(),
    }));
    let cell = Arc::new(TellCell::new(mark(post)));
    let (hears, heard) = mpsc::channel(WAITING);
    let controller = controller.telling(Arc::clone(&cell), heard, handle, wake);
    // What an operator did comes first: a part that the engine refuses does not keep the others from their turn, and one
    // that takes long does.
    let parts: Vec<Box<dyn Part>> = vec![
        Box::new(Shared::new(published.clone(), clock, cell, hears)),
        Box::new(Leases::new(published.clone(), clock)),
        Box::new(Histograms::new(published.clone(), Arc::clone(post), clock)),
        Box::new(Rights::new(Arc::clone(post))),
    ];
    (controller, parts)
}

/// What ids of this process end with: of a replica's name and its beginning, so that no two are the same.
fn mark(post: &Post) -> String {
    let who = format!("{}:{}", post.replica(), post.epoch());
    let digest = digest_text(&key_digest(who.as_bytes()));
    digest.chars().skip("sha256:".len()).take(8).collect()
}
