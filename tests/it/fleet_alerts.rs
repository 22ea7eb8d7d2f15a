//! What replicas tell webhooks of a budget that they share.

use std::collections::BTreeSet;

use serde_json::Value;

use super::alerts::{Hook, Told};
use super::client::Client;
use super::daemon::{Daemon, machine, until};
use super::fleet_books::{Fleet, paid};
use super::replicas::rounds;

/// A tenth of a dollar a day, told of at half and at the whole; nothing is held back. A request costs a fiftieth of it.
fn more(hook: std::net::SocketAddr) -> String {
    format!(
        r#"[alerts.webhooks.all]
url = "http://{hook}/"
kinds = ["budget"]
[routes.paid]
budget = {{ day_usd = 0.1, alert_at = [0.5, 1.0], at_limit = "alert" }}
targets.only = {{ use = "paid/m" }}
"#
    )
}

async fn spend(daemons: &[Daemon], times: u32) {
    for daemon in daemons {
        let client = Client::new(daemon.data);
        for _ in 0..times {
            assert_eq!(client.chat(&paid()).await.unwrap().status, 200);
        }
    }
}

/// How many thresholds it lists as reached.
async fn raised(daemon: &Daemon) -> usize {
    let listed = daemon.json("/api/v1/alerts").await;
    let alerts = listed["alerts"].as_array().unwrap().iter();
    alerts.filter(|it| it["kind"] == "budget").count()
}

fn texts(told: &[Told], key: &str) -> BTreeSet<String> {
    let text = |it: &Told| it.body[key].as_str().unwrap().to_owned();
    told.iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_budget_that_all_share_one_tells_and_each_does_while_the_engine_is_away() {
    let _machine = machine().await;
    let (hook, address) = Hook::start(0);
    let Some(mut fleet) = Fleet::start(&more(address)).await else {
        return;
    };
    spend(&fleet.daemons, 10).await;
    fleet
        .everywhere("half is spent", async |it| raised(it).await == 1)
        .await;
    // Whoever asked has its answer by then.
    for daemon in &fleet.daemons {
        let begun = rounds(daemon).await;
        until("rounds go on", async || {
            (rounds(daemon).await >= begun + 4).then_some(())
        })
        .await;
    }
    let told = hook.has(1).await;
    assert_eq!(told.len(), 1, "one message of three replicas: {told:?}");
    let id = told[0].body["id"].as_str().unwrap();
    assert!(
        id.starts_with("budget:route/paid/day/") && id.ends_with("/50"),
        "{id}"
    );

    fleet.engine.kill();
    fleet
        .everywhere("all notice", async |it| {
            it.json("/api/v1/fleet").await["state"] == "degraded"
        })
        .await;
    spend(&fleet.daemons, 50).await;
    let told = hook.has(4).await;
    let (ids, who) = (texts(&told[1..], "id"), texts(&told[1..], "replica"));
    assert_eq!(ids.len(), 1, "the same at all: {ids:?}");
    assert!(ids.iter().all(|id| id.ends_with("/100")), "{ids:?}");
    assert_eq!(who.len(), 3, "each tells its own: {who:?}");
    assert_eq!(told[1].body["resolved"], Value::Null);
}
