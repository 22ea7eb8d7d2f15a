//! An engine that is full, that evicts what it holds, or that takes no writes: what it is worth less, nobody loses.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::client::Client;
use super::clients::Clients;
use super::daemon::{Daemon, machine, until};
use super::fleet_books::{self, KEY, asked, paid};
use super::redis::Redis;
use super::replicas::{self, Provider, config_with};

const BUDGET: &str = "[routes.paid]\nbudget = { day_usd = 1, at_limit = \"refuse\" }\ntargets.only = { use = \"paid/m\" }\n";
/// What a request of the paid route costs, in dollars.
const COST: f64 = 0.002;

/// Asks each of them until it has refused forty times in a row; how many answers there were.
async fn spend(daemons: &[Daemon], keys: Option<&str>) -> u32 {
    let mut clients = JoinSet::new();
    for daemon in daemons {
        let client = match keys {
            Some(key) => Client::with_key(daemon.data, key),
            None => Client::new(daemon.data),
        };
        clients.spawn(async move {
            let (mut good, mut refused) = (0, 0);
            while refused < 40 {
                match client.chat(&paid()).await.unwrap().status {
                    200 => (good, refused) = (good + 1, 0),
                    _ => refused += 1,
                }
                if refused > 0 {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            good
        });
    }
    clients.join_all().await.into_iter().sum()
}

/// Asks each of them so often.
async fn ask(daemons: &[Daemon], times: u32, key: Option<&str>) -> u32 {
    let mut good = 0;
    for daemon in daemons {
        let client = match key {
            Some(key) => Client::with_key(daemon.data, key),
            None => Client::new(daemon.data),
        };
        for _ in 0..times {
            good += u32::from(client.chat(&paid()).await.unwrap().status == 200);
        }
    }
    good
}

async fn is(daemon: &Daemon, state: &str) -> bool {
    daemon.json("/api/v1/fleet").await["state"] == state
}

async fn set(engine: &Redis, name: &str, value: &str) {
    let set = engine.ask(&format!("CONFIG SET {name} {value}")).await;
    assert!(set.unwrap().starts_with("+OK"), "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_engine_stops_no_traffic_and_no_budget_is_spent_beyond_the_last_leases() {
    let _machine = machine().await;
    let Some(fleet) = fleet_books::Fleet::start(BUDGET).await else {
        return;
    };
    let (engine, daemons) = (&fleet.engine, &fleet.daemons);
    let traffic = Clients::of(daemons, None, 10.0);
    let before = ask(daemons, 30, None).await;
    set(engine, "maxmemory-policy", "noeviction").await;
    set(engine, "maxmemory", "1").await;
    fleet
        .everywhere("all must notice", async |it| is(it, "degraded").await)
        .await;
    let told = daemons[0].json("/api/v1/fleet").await;
    let why = told["why"].as_str().unwrap();
    println!("{why}");
    assert!(
        why.contains("memory is full") && why.contains("`maxmemory`"),
        "{why}"
    );
    let metrics = daemons[0].get("/metrics").await.1;
    let line = "weighbridge_cluster_state{state=\"degraded\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    let meanwhile = spend(daemons, None).await;
    let spent = f64::from(before + meanwhile) * COST;
    println!(
        "full: {before} requests before it and {meanwhile} by the last leases, ${spent:.3} of $1"
    );
    assert!(meanwhile > 0, "what was granted may be spent");
    assert!(spent <= 1.02, "{spent}");
    until("an alert must say so", async || {
        let alerts = daemons[0].json("/api/v1/alerts").await.to_string();
        (alerts.contains("cluster") && alerts.contains("memory is full")).then_some(())
    })
    .await;
    set(engine, "maxmemory", "0").await;
    let took = fleet
        .everywhere("all are back", async |it| is(it, "joined").await)
        .await;
    let afterwards = spend(daemons, None).await;
    let spent = f64::from(before + meanwhile + afterwards) * COST;
    println!(
        "joined {:.1} s after there was room, and spent ${spent:.3} of $1",
        took.as_secs_f64()
    );
    assert!((0.97..=1.02).contains(&spent), "{spent}");
    traffic.lost_nothing("no request needs the engine").await;
}

/// Puts values of nobody's into the engine until it has evicted thousands of times.
async fn crowded(engine: &Redis) {
    let evicted = async || {
        let info = engine.ask("INFO stats").await.unwrap();
        let line = info.lines().find_map(|it| it.strip_prefix("evicted_keys:"));
        line.unwrap().trim().parse::<u64>().unwrap()
    };
    let mut number = 0;
    while evicted().await < 3_000 {
        let more = (0..200).map(|it| format!("SETRANGE junk:{} 10000 x\r\n", number + it));
        engine.ask(more.collect::<String>().trim_end()).await;
        number += 200;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_evicts_keys_forgets_nothing_that_replicas_share() {
    let _machine = machine().await;
    let more = format!(
        "{BUDGET}[keys.app]\nkey = \"{KEY}\"\n[keys.leaked]\nkey = \"wb-a-key-that-has-leaked\"\n"
    );
    let Some(mut fleet) = fleet_books::Fleet::start(&more).await else {
        return;
    };
    let leaked = "wb-a-key-that-has-leaked";
    let path = "/api/v1/keys/leaked?reason=leaked";
    fleet
        .send(0, reqwest::Method::DELETE, path, &Value::Null)
        .await;
    let is_out = async |it: &Daemon| asked(it, leaked).await == 401;
    fleet.everywhere("a revocation", is_out).await;
    let traffic = Clients::of(&fleet.daemons, Some(KEY), 10.0);
    let before = ask(&fleet.daemons, 30, Some(KEY)).await;
    let used = fleet.engine.ask("INFO memory").await.unwrap();
    let used = used.lines().find_map(|it| it.strip_prefix("used_memory:"));
    let used: u64 = used.unwrap().trim().parse().unwrap();
    set(&fleet.engine, "maxmemory-policy", "allkeys-lru").await;
    set(&fleet.engine, "maxmemory", &(used + 1_000_000).to_string()).await;
    crowded(&fleet.engine).await;
    // What is read least goes first, in the end: who was there, what was spent, and what was revoked but not its version.
    let gone = "DEL wb1:{books}:keys wb1:{books}:orders wb1:{books}:replicas";
    fleet.engine.ask(gone).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    fleet.add(&more);
    fleet
        .everywhere("all go on", async |it| is(it, "joined").await)
        .await;
    fleet.everywhere("the revocation", is_out).await;
    let sheets = fleet.engine.ask("KEYS wb1:{books}:spent:*").await.unwrap();
    let sheets = sheets.lines().filter(|it| it.starts_with("wb1"));
    let sheets: Vec<String> = sheets.map(str::to_owned).collect();
    assert!(!sheets.is_empty(), "the budget is shared");
    let gone = format!("DEL {}", sheets.join(" "));
    fleet.engine.ask(&gone).await.unwrap();
    let rest = spend(&fleet.daemons, Some(KEY)).await;
    let spent = f64::from(before + rest) * COST;
    println!("an engine that evicts: ${spent:.3} of $1 were spent, and what was revoked stays so");
    assert!((0.97..=1.02).contains(&spent), "{spent}");
    traffic.lost_nothing("no request needs the engine").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_takes_no_writes_is_said_to_be_one() {
    let Some(primary) = Redis::start().await else {
        return;
    };
    let port = primary.address.port().to_string();
    let Some(copy) = Redis::spawned(&["--replicaof", "127.0.0.1", &port]) else {
        return;
    };
    copy.is_up().await;
    let provider = Provider::start(5).await;
    let mut fleet = replicas::Fleet::default();
    let file = config_with("r0", copy.address, &[provider.address], ["", "", ""]);
    fleet.add(&file);
    let why = until("it must be said", async || {
        let told = fleet.replicas[0].json("/api/v1/fleet").await;
        let why = told["why"].as_str()?.to_owned();
        why.contains("READONLY").then_some(why)
    })
    .await;
    println!("{why}");
    assert!(why.contains("must name the primary"), "{why}");
    let got = Client::new(fleet.replicas[0].data)
        .chat(replicas::ASK)
        .await;
    assert_eq!(got.unwrap().status, 200);
    copy.ask("REPLICAOF NO ONE").await.unwrap();
    fleet.together().await;
}
