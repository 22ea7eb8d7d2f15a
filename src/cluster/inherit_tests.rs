//! What is left for a newcomer, by way of a real engine.

use std::sync::Arc;

use tokio::sync::watch;

use super::super::engine::Engine;
use super::*;
use crate::balance::{Memory, Plan};
use crate::cluster::Exchange;
use crate::live::Post;

#[tokio::test]
async fn what_a_fleet_has_learned_outlives_its_last_replica() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let (clock, keys) = (Clock::start(), Keys::of("t"));
    let post = Arc::new(Post::new(ReplicaId::numbered(1), "t", clock.now()));
    let exchange = Exchange::new(engine.address(), Arc::clone(&post), clock, Vec::new());
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(exchange.run(stopped));
    while !post.membership().is_joined() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let plan = Plan::new(Vec::new(), []);
    let learned = Learned::of(&plan, &Memory::new(&plan), clock.now());
    post.remember(learned.clone());
    stop.send_replace(true);
    running.await.unwrap();
    let (found, why) = inherit(&engine.address(), &keys, clock).await;
    assert_eq!(why, None);
    assert_eq!(found.learned.map(|it| it.at), Some(learned.at));
}
