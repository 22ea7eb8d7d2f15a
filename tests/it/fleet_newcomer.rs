//! A replica that begins knows what was done before it was there, from its first request on.

use serde_json::{Value, json};

use super::daemon::{Daemon, machine};
use super::fleet_books::{Fleet, KEY, asked, has_order};

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
