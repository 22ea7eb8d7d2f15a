//! What one replica meets and the others do not: a broken way to a provider, and a limit that is everybody's.

use std::time::Duration;

use super::client::Client;
use super::clients::Clients;
use super::daemon::{Daemon, machine, until};
use super::redis::{Redis, Wire};
use super::replicas::{ASK, Fleet, Provider, Watch, config_with, share};

/// What the target `b` has at each of them, and whether it is ejected there.
async fn standings(fleet: &Fleet) -> Vec<(f64, bool)> {
    let mut all = Vec::new();
    for daemon in &fleet.replicas {
        let fleet = daemon.json("/api/v1/fleet").await;
        let own = &fleet["replicas"][0]["ejected"];
        let is_out = own.as_array().unwrap().iter().any(|it| it == "b/m");
        all.push((share(daemon, "b").await, is_out));
    }
    all
}

/// Watches for so many seconds: the two whose network is whole keep the target, the third has shed it at the end.
async fn watched(fleet: &Fleet, what: &str, seconds: f64) {
    let (begun, mut shed_after, mut told) = (Watch::start(), None, 0.0);
    let mut least = [1.0_f64; 2];
    let mut now = standings(fleet).await;
    while begun.seconds() < seconds {
        tokio::time::sleep(Duration::from_millis(250)).await;
        now = standings(fleet).await;
        for (least, (share, is_out)) in least.iter_mut().zip(&now) {
            *least = least.min(*share);
            assert!(
                !is_out,
                "{what}: ejected where the network is whole: {now:?}"
            );
        }
        if now[2].0 <= 0.05 && shed_after.is_none() {
            shed_after = Some(begun.seconds());
        }
        if begun.seconds() >= told {
            let shares: Vec<f64> = now.iter().map(|it| it.0).collect();
            println!(
                "{what}: after {:4.1} s shares of b {shares:.2?}",
                begun.seconds()
            );
            if std::env::var("DBG").is_ok() {
                for d in &fleet.replicas {
                    println!("{}", d.json("/api/v1/routes/chat").await);
                    println!("{}", d.json("/api/v1/percentiles").await["upstreams"]);
                }
            }
            told += 2.0;
        }
    }
    println!(
        "{what}: at least {least:.2?} where the network is whole; shed where it is broken after {shed_after:.1?} s"
    );
    assert!(shed_after.is_some(), "{what}: {now:?}");
    assert!(least.iter().all(|share| *share > 0.3), "{what}: {least:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_with_a_broken_network_sheds_a_target_that_the_others_keep() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    // A stall of this machine is then no multiple of an answer's time.
    let (one, two) = (Provider::start(150).await, Provider::start(150).await);
    let wire = Wire::to(two.address).await;
    // By faults alone: how long answers take on a busy machine is no part of the claim.
    let said = "[defaults.deadlines]\nheader_unary = \"4s\"\n\
                [routes.chat]\nobjective = { latency = 0, cost = 0, errors = 5 }\n";
    let mut fleet = Fleet::default();
    for (number, to_two) in [two.address, two.address, wire.address].iter().enumerate() {
        let name = format!("r{number}");
        let providers = [one.address, *to_two];
        fleet.add(&config_with(
            &name,
            redis.address,
            &providers,
            [said, "", ""],
        ));
    }
    fleet.together().await;
    let clients = Clients::of(&fleet.replicas, None, 10.0);
    let is_back = async || {
        until("all give it its share again", async || {
            let all = standings(&fleet).await;
            all.iter().all(|it| it.0 > 0.3 && !it.1).then_some(())
        })
        .await;
    };
    tokio::time::sleep(Duration::from_secs(4)).await;
    is_back().await;
    wire.cut();
    watched(&fleet, "refused", 12.0).await;
    wire.mend();
    is_back().await;
    wire.swallow();
    watched(&fleet, "swallowed", 15.0).await;
    wire.mend();
    is_back().await;
    clients.lost_nothing("the others answer").await;
}

/// The status of a request for a target that no list or route stands for.
async fn direct(daemon: &Daemon, target: &str) -> u16 {
    let body = ASK.replace("\"chat\"", &format!("\"{target}\""));
    Client::new(daemon.data).chat(&body).await.unwrap().status
}

/// Three replicas with three providers, of which the first two share a quota.
async fn with_a_quota_group(redis: &Redis, providers: &[Provider; 3]) -> Fleet {
    let addresses: Vec<_> = providers.iter().map(|it| it.address).collect();
    let mut fleet = Fleet::default();
    for number in 0..3 {
        let name = format!("r{number}");
        let mut file = config_with(&name, redis.address, &addresses, ["", "", ""]);
        for provider in ["a", "b"] {
            let head = format!("[providers.{provider}]\n");
            file = file.replace(&head, &format!("{head}quota_group = \"one\"\n"));
        }
        fleet.add(&file);
    }
    fleet.together().await;
    fleet
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_one_replica_runs_into_is_one_of_the_whole_quota_group_at_all() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let providers = [
        Provider::start(5).await,
        Provider::start(5).await,
        Provider::start(5).await,
    ];
    let [limited, grouped, free] = &providers;
    let fleet = with_a_quota_group(&redis, &providers).await;
    // A model that no route has is known to the third replica alone.
    assert_eq!(direct(&fleet.replicas[2], "b/other").await, 200);
    limited.limit_for(120);
    until("the first replica runs into the limit", async || {
        let got = Client::new(fleet.replicas[0].data).chat(ASK).await.unwrap();
        assert_eq!(got.status, 200, "others are there");
        (limited.take_asked() > 0).then_some(())
    })
    .await;
    let begun = Watch::start();
    for daemon in &fleet.replicas {
        for target in ["a/m", "b/m", "b/other"] {
            until("the group is left alone everywhere", async || {
                (direct(daemon, target).await == 503).then_some(())
            })
            .await;
        }
    }
    println!(
        "all of the group is left alone by all after {:.2} s",
        begun.seconds()
    );
    let asked = limited.take_asked();
    grouped.take_asked();
    free.take_asked();
    assert!(asked <= 5, "found out {asked} times more");
    for daemon in &fleet.replicas {
        for _ in 0..10 {
            let got = Client::new(daemon.data).chat(ASK).await.unwrap();
            assert_eq!(got.status, 200, "others are there");
        }
    }
    let asked = (limited.take_asked(), grouped.take_asked());
    assert_eq!(asked, (0, 0), "nobody finds it out for itself");
    assert_eq!(free.take_asked(), 30);
}
