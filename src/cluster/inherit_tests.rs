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

/// What was learned of one upstream after so many answers, `ago` seconds ago.
fn of_answers(answers: u64, ago: u64, clock: Clock) -> Learned {
    let upstream = crate::model::UpstreamName::new("p/m").unwrap();
    let plan = Plan::new(
        vec![crate::balance::even_route("r", &[("t", upstream)])],
        [],
    );
    let at = Time::from_micros(clock.now().as_micros() - ago * 1_000_000);
    let learned = Learned::of(&plan, &Memory::new(&plan), at);
    let mut text = serde_json::to_value(&learned).unwrap();
    text["memory"]["upstreams"][0]["samples"] = answers.into();
    serde_json::from_value(text).unwrap()
}

#[tokio::test]
async fn a_memory_of_hardly_any_answers_is_passed_over_for_one_that_knows() {
    let Some(engine) = Engine::start().await else {
        return;
    };
    let (clock, keys) = (Clock::start(), Keys::of("t"));
    let mut link = engine.link().await;
    let put = async |link: &mut Link, name: &str, learned: &Learned| {
        let mut pipe = redis::pipe();
        let packed = crate::cluster::pack::pack(learned, MEMORY).unwrap();
        let at = learned.at.as_micros() / 1_000;
        pipe.zadd(keys.named(MEMORIES), name, at).ignore();
        pipe.set(keys.of_replica("memory", name), packed).ignore();
        pipe.query_async::<()>(link).await.unwrap();
    };
    put(&mut link, "new", &of_answers(3, 1, clock)).await;
    let found = memory(&mut link, &keys, clock, None).await.unwrap();
    assert_eq!(found, None, "nobody knows anything yet");
    let (older, own) = (of_answers(900, 30, clock), of_answers(500, 20, clock));
    put(&mut link, "older", &older).await;
    put(&mut link, "own", &own).await;
    let found = memory(&mut link, &keys, clock, None).await.unwrap();
    assert_eq!(found.map(|it| it.at), Some(own.at));
    let found = memory(&mut link, &keys, clock, Some("own")).await.unwrap();
    assert_eq!(found.map(|it| it.at), Some(older.at));
    let (begun, _) = inherit(&engine.address(), &keys, clock).await;
    assert_eq!(begun.learned.map(|it| it.at), Some(own.at));
}
