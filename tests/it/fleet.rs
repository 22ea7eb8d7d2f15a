//! Three daemons and a real Redis decide as one, and go on by themselves whatever becomes of it.

use std::time::Duration;

use serde_json::Value;

use super::client::Client;
use super::clients::Clients;
use super::daemon::{Daemon, asked, machine, until};
use super::redis::{Redis, Wire};
use super::replicas::{ASK, Fleet, Provider, Watch, config, share, state};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_shed_a_target_that_refuses_connections_as_one() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let (good, mut bad) = (Provider::start(20).await, Provider::start(20).await);
    let fleet = Fleet::start(3, &[redis.address], &[&good, &bad]);
    fleet.together().await;
    let clients = Clients::of(&fleet.replicas, None, 20.0 / 3.0);
    tokio::time::sleep(Duration::from_secs(6)).await;
    let mut before = Vec::new();
    for daemon in &fleet.replicas {
        before.push(share(daemon, "b").await);
    }
    bad.close().await;
    let begun = Watch::start();
    let mut seconds = vec![None; 3];
    until("every one of them must shed it", async || {
        for (number, daemon) in fleet.replicas.iter().enumerate() {
            if share(daemon, "b").await <= 0.1 * before[number] {
                let now = begun.seconds();
                seconds[number].get_or_insert(now);
            }
        }
        seconds.iter().all(Option::is_some).then_some(())
    })
    .await;
    let seconds: Vec<f64> = seconds.into_iter().flatten().collect();
    let last = seconds.iter().copied().fold(0.0, f64::max);
    println!("90 % shed by all three after {last:.1} s: {seconds:.1?} (reach: 4 s)");
    assert!(last < 10.0, "{last} s");
    clients
        .lost_nothing("what a target refuses goes elsewhere")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_begins_with_the_shares_of_the_fleet() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let (quick, slow) = (Provider::start(20).await, Provider::start(200).await);
    let providers = [&quick, &slow];
    let mut fleet = Fleet::start(3, &[redis.address], &providers);
    fleet.together().await;
    let clients = Clients::of(&fleet.replicas, None, 20.0);
    until("the slow one has little", async || {
        (share(&fleet.replicas[0], "b").await < 0.2).then_some(())
    })
    .await;
    // A memory is put away every ten seconds.
    tokio::time::sleep(Duration::from_secs(11)).await;
    fleet.add(&config("r3", redis.address, &providers));
    let begun = Watch::start();
    let at_once = share(&fleet.replicas[3], "b").await;
    tokio::time::sleep(Duration::from_secs_f64((2.0 - begun.seconds()).max(0.0))).await;
    let (mut others, newcomer) = (0.0, share(&fleet.replicas[3], "b").await);
    for daemon in &fleet.replicas[..3] {
        others += share(daemon, "b").await / 3.0;
    }
    let apart = (newcomer - others).abs();
    println!(
        "a newcomer's share {at_once:.3} at once and {newcomer:.3} after 2 s, the fleet's {others:.3}: {apart:.3} apart (reach: 0.05)"
    );
    assert!(apart < 0.1 && (at_once - others).abs() < 0.15);
    clients
        .lost_nothing("a newcomer costs nobody a request")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_becomes_of_redis_no_request_is_lost_or_slower() {
    let _machine = machine().await;
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let (one, two) = (Provider::start(10).await, Provider::start(10).await);
    let wire = Wire::to(redis.address).await;
    let to = [redis.address, redis.address, wire.address];
    let fleet = Fleet::start(3, &to, &[&one, &two]);
    fleet.together().await;
    let clients = Clients::of(&fleet.replicas, None, 20.0);
    let all_are = async |expected: &str| {
        for daemon in &fleet.replicas {
            let claim = format!("all must be {expected}");
            until(&claim, async || {
                (state(daemon).await == expected).then_some(())
            })
            .await;
        }
    };
    let frozen = Duration::from_secs(asked("WEIGHBRIDGE_FROZEN_SECONDS", 5) as u64);
    tokio::time::sleep(frozen).await;
    let (median, late, count) = clients.percentiles();
    println!("before: median {median:.1} ms, 99 % {late:.1} ms of {count}");
    redis.freeze();
    tokio::time::sleep(frozen).await;
    all_are("degraded").await;
    let (frozen_median, frozen_late, count) = clients.percentiles();
    println!("redis frozen: median {frozen_median:.1} ms, 99 % {frozen_late:.1} ms of {count}");
    assert!(frozen_median < median + 20.0, "no request waits for it");
    until(
        "each says that it decides by itself, and with what",
        async || {
            for daemon in &fleet.replicas {
                let route = daemon.json("/api/v1/routes/chat").await;
                let apart = route["apart"].as_str()?;
                let last = route["explanation"].as_array()?.last()?;
                let tells = apart.contains("it takes 33.3 %, as one of the 3 that were there last");
                if last != apart || !tells {
                    return None;
                }
            }
            Some(())
        },
    )
    .await;
    redis.thaw();
    let begun = Watch::start();
    fleet.together().await;
    println!("together again {:.1} s after it", begun.seconds());
    let route = fleet.replicas[0].json("/api/v1/routes/chat").await;
    assert!(route["apart"].is_null(), "{route}");
    redis.kill();
    all_are("degraded").await;
    redis.restart().await;
    let begun = Watch::start();
    fleet.together().await;
    println!("together again {:.1} s after a restart", begun.seconds());
    wire.cut();
    until("one is cut off", async || {
        (state(&fleet.replicas[2]).await == "degraded").then_some(())
    })
    .await;
    assert_eq!(
        state(&fleet.replicas[0]).await,
        "joined",
        "the others are not"
    );
    wire.mend();
    fleet.together().await;
    clients.lost_nothing("no request needs the engine").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_all_and_the_end_of_one_lose_nothing() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let (one, two) = (Provider::start(10).await, Provider::start(10).await);
    let mut fleet = Fleet::start(3, &[redis.address], &[&one, &two]);
    fleet.together().await;
    let clients = Clients::of(&fleet.replicas, None, 15.0);
    for number in 0..3 {
        let folder = fleet.folders[number].path();
        let next = Daemon::start_beside(&fleet.replicas[number], folder);
        let old = std::mem::replace(&mut fleet.replicas[number], next);
        old.terminate();
        let ended = old.ended().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    }
    fleet.together().await;
    // One more, that nobody asks, is killed: the others go on, and miss it in some seconds.
    fleet.add(&config("r3", redis.address, &[&one, &two]));
    fleet.together().await;
    let killed = fleet.replicas.pop().unwrap();
    killed.signal("-KILL");
    killed.ended().await;
    let begun = Watch::start();
    fleet.together().await;
    println!(
        "one that was killed is missed after {:.1} s",
        begun.seconds()
    );
    clients.lost_nothing("a restart loses nothing").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_write_into_redis_harms_nobody() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let provider = Provider::start(5).await;
    let fleet = Fleet::start(2, &[redis.address], &[&provider]);
    fleet.together().await;
    let far = "99999999999999";
    for command in [
        // Nobody's report, one that is no report, one under another name, and names that none has.
        format!("ZADD wb1:{{test}}:replicas {far} nobody {far} rubbish {far} r1"),
        "SET wb1:{test}:report:rubbish rubbish".to_owned(),
        format!(
            "ZADD wb1:{{test}}:replicas {far} \"a b\" {far} \"\" {far} {}",
            "x".repeat(99)
        ),
        "SETRANGE wb1:{test}:report:nobody 1000000 x".to_owned(),
        "SET wb:{test}:schemas rubbish".to_owned(),
        "PUBLISH wb1:{test}:news rubbish".to_owned(),
        "PUBLISH wb1:{test}:news \"orders nobody\"".to_owned(),
        "HSET wb:{test}:schemas 2 \"99999999999999 9.9.9\"".to_owned(),
    ] {
        redis.ask(&command).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let seen = fleet.replicas[0].json("/api/v1/fleet").await;
    let names = seen["replicas"].as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["r0", "r1"]);
    assert_eq!(seen["state"], "joined", "{seen}");
    let got = Client::new(fleet.replicas[0].data).chat(ASK).await.unwrap();
    assert_eq!(got.status, 200);
    let metrics = fleet.replicas[0].get("/metrics").await.1;
    for line in [
        "weighbridge_cluster_state{state=\"joined\"} 1",
        "weighbridge_cluster_replicas 2",
        "weighbridge_cluster_lag_seconds{replica=\"r1\"}",
        "weighbridge_cluster_exchanges_total ",
        "weighbridge_cluster_exchange_failures_total ",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_replica_tells_percentiles_of_all() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let provider = Provider::start(30).await;
    let fleet = Fleet::start(2, &[redis.address], &[&provider]);
    fleet.together().await;
    // Each has answers of its own: ten at the first, five at the second.
    for (daemon, requests) in fleet.replicas.iter().zip([10, 5]) {
        for _ in 0..requests {
            let got = Client::new(daemon.data).chat(ASK).await.unwrap();
            assert_eq!(got.status, 200);
        }
    }
    let count = |report: &Value| report["upstreams"][0]["total_ms"]["count"].as_u64();
    let own = fleet.replicas[1].json("/api/v1/percentiles").await;
    assert_eq!(count(&own), Some(5), "{own}");
    for daemon in &fleet.replicas {
        let all = until("histograms of all come within some seconds", async || {
            let all = daemon.json("/api/v1/percentiles?scope=fleet").await;
            (count(&all) == Some(15)).then_some(all)
        })
        .await;
        let median = all["upstreams"][0]["total_ms"]["p50"].as_f64().unwrap();
        assert!((25.0..500.0).contains(&median), "{all}");
        assert_eq!(all["replicas"].as_array().unwrap().len(), 2);
        assert_eq!(all["missing"], serde_json::json!([]));
    }
    let (status, text) = fleet.replicas[0].get("/api/v1/percentiles?scope=x").await;
    assert_eq!(status, 400, "{text}");
}
