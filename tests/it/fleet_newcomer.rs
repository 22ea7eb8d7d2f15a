//! A replica that begins knows what was done before it was there, from its first request on.

use serde_json::{Value, json};

use super::clients::Clients;
use super::daemon::{Daemon, machine, until};
use super::fleet_books::{Fleet, KEY, asked, has_order};
use super::redis::{Redis, Wire};
use super::replicas::{self, Provider, config, share, state};

/// What becomes of its first requests, with a key that was made elsewhere and with one that was revoked there.
async fn first(newcomer: &Daemon, made: &str) -> (u16, u16) {
    (asked(newcomer, made).await, asked(newcomer, KEY).await)
}

#[tokio::test]
async fn a_newcomer_knows_orders_and_keys_from_its_first_request_on_also_when_nobody_is_left() {
    let _machine = machine().await;
    let more = format!("[keys.app]\nkey = \"{KEY}\"\n");
    let Some(mut fleet) = Fleet::start(&more).await else {
        return;
    };
    let wish = json!({ "name": "made", "reason": "a test" });
    let made = fleet
        .send(1, reqwest::Method::POST, "/api/v1/keys", &wish)
        .await;
    let made = made["key"].as_str().unwrap().to_owned();
    let path = "/api/v1/keys/app?reason=leaked";
    fleet
        .send(0, reqwest::Method::DELETE, path, &Value::Null)
        .await;
    let id = fleet
        .order(2, &json!({ "action": "drain", "target": "b" }))
        .await;
    fleet.add(&more);
    let newcomer = fleet.daemons.last().unwrap();
    assert_eq!(first(newcomer, &made).await, (200, 401));
    assert!(has_order(newcomer, &id).await);
    for daemon in std::mem::take(&mut fleet.daemons) {
        daemon.terminate();
        daemon.ended().await;
    }
    // It has a folder of its own, which is empty: only the engine knows by now.
    fleet.add(&more);
    assert_eq!(first(&fleet.daemons[0], &made).await, (200, 401));
    assert!(has_order(&fleet.daemons[0], &id).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_begins_while_the_engine_is_away_has_what_the_fleet_has_learned_when_it_is_back() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let (quick, slow) = (Provider::start(20).await, Provider::start(200).await);
    let providers = [&quick, &slow];
    let mut fleet = replicas::Fleet::start(1, &[redis.address], &providers);
    let clients = Clients::of(&fleet.replicas, None, 30.0);
    until("the slow one has little", async || {
        (share(&fleet.replicas[0], "b").await < 0.2).then_some(())
    })
    .await;
    redis.ask("DEL wb1:{test}:memory:r0").await.unwrap();
    until("a memory of that is put away", async || {
        let there = redis.ask("EXISTS wb1:{test}:memory:r0").await?;
        there.contains(":1").then_some(())
    })
    .await;
    // From here on nobody measures anything: what the newcomer comes to know it has from the memory alone.
    clients.lost_nothing("nothing was wrong").await;
    let wire = Wire::to(redis.address).await;
    wire.cut();
    fleet.add(&config("r1", wire.address, &providers));
    let newcomer = &fleet.replicas[1];
    assert_eq!(state(newcomer).await, "degraded");
    let before = share(newcomer, "b").await;
    assert!((before - 0.5).abs() < 1e-6, "as configured: {before}");
    wire.mend();
    fleet.together().await;
    until("it has what the fleet has learned", async || {
        (share(newcomer, "b").await < 0.3).then_some(())
    })
    .await;
}
