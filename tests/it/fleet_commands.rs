//! What a replica asks of Redis, counted there.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::JoinSet;

use super::client::Client;
use super::clients::Clients;
use super::daemon::{asked, machine, until};
use super::redis::Redis;
use super::replicas::{ASK, Fleet, Provider, config_with};

/// What a replica may ask for in a second.
const MOST: f64 = 10.0;
const REPLICAS: usize = 3;

/// Three replicas with fifty targets, a budget of the route and one of a provider, a key with a rate of requests and one of
/// tokens, and one that may do little.
fn fleet(redis: &Redis, provider: &Provider) -> Fleet {
    let price = |it: usize| {
        format!(
            "\"a/m{it}\" = {{ input = \"$1\", output = \"$1\", request = \"$0.001 / request\" }}\n"
        )
    };
    let prices: String = (1..50).map(price).collect();
    let more = format!(
        "[prices]\n{prices}\
         [keys.steady]\nkey = \"wb-a-key-that-asks-as-it-may\"\nrpm = 6000\ntpm = 600000\nbudget = {{ month_usd = 100, at_limit = \"refuse\" }}\n\
         [keys.eager]\nkey = \"wb-a-key-that-asks-for-more\"\nrpm = 60\n\
         [routes.chat]\nbudget = {{ day_usd = 50, month_usd = 500, at_limit = \"refuse\" }}\n"
    );
    let targets = (1..50).map(|it| format!("t{it} = {{ use = \"a/m{it}\", weight = 1 }}\n"));
    let targets: String = targets.collect();
    let mut fleet = Fleet::default();
    for number in 0..REPLICAS {
        let said = [
            more.as_str(),
            "budget = { day_usd = 50, at_limit = \"avoid\" }\n",
            targets.as_str(),
        ];
        fleet.add(&config_with(
            &format!("r{number}"),
            redis.address,
            &[provider.address],
            said,
        ));
    }
    fleet
}

/// Counts for a while, says what it was, and holds it against what may be.
async fn counted(redis: &Redis, what: &str) {
    let seconds = asked("WEIGHBRIDGE_COMMANDS_SECONDS", 12);
    let [sent, inside] = redis.monitored(Duration::from_secs(seconds as u64)).await;
    let each = |calls: &BTreeMap<String, u64>| {
        calls.values().sum::<u64>() as f64 / seconds as f64 / REPLICAS as f64
    };
    println!(
        "{what}: {:.1} commands a second and replica at 50 targets (reach: {MOST}), and {:.1} calls within scripts, in {seconds} s: {sent:?}; {inside:?}",
        each(&sent),
        each(&inside)
    );
    assert!(each(&sent) <= MOST, "{what}");
    let scripts = sent.get("evalsha").copied().unwrap_or_default();
    // Two each second; half of them where the machine has no time for the rounds.
    let least = seconds * REPLICAS;
    assert!(
        scripts >= least as u64,
        "budgets and rates are in use: {sent:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_of_fifty_targets_asks_redis_for_ten_commands_a_second_at_most() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let provider = Provider::start(5).await;
    let fleet = fleet(&redis, &provider);
    fleet.together().await;
    let steady = Some("wb-a-key-that-asks-as-it-may");
    let clients = Clients::of(&fleet.replicas, steady, 20.0);
    // What the first seconds bring: leases that nobody has yet, rounds that quiet seconds have saved up.
    tokio::time::sleep(Duration::from_secs(4)).await;
    counted(&redis, "as it may").await;
    // A key that wants more than its rate is always at the end of what it was granted.
    let mut eager = JoinSet::new();
    for daemon in &fleet.replicas {
        let client = Client::with_key(daemon.data, "wb-a-key-that-asks-for-more");
        eager.spawn(async move {
            let mut refused = 0_u32;
            loop {
                refused += u32::from(client.chat(ASK).await.unwrap().status == 429);
                assert!(refused < 100_000);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
    }
    until("the eager key is refused", async || {
        let got = Client::with_key(fleet.replicas[0].data, "wb-a-key-that-asks-for-more");
        (got.chat(ASK).await.unwrap().status == 429).then_some(())
    })
    .await;
    // It may use up what was saved first.
    tokio::time::sleep(Duration::from_secs(8)).await;
    counted(&redis, "beside a key that wants more than it may").await;
    eager.shutdown().await;
    clients.lost_nothing("who asks as it may is answered").await;
}
