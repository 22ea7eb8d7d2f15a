//! A replica that ends in an orderly way is left out at once, and one that is killed by its silence; the others say which.

use serde_json::Value;

use super::daemon::{Daemon, machine, until};
use super::redis::Redis;
use super::replicas::{Fleet, Provider, rounds};

/// How `name` is seen at `daemon`: whether it is live, and why it is not.
async fn seen(daemon: &Daemon, name: &str) -> Option<(bool, Value)> {
    let fleet = daemon.json("/api/v1/fleet").await;
    let replicas = fleet["replicas"].as_array().unwrap().iter();
    let mut replicas = replicas.cloned();
    let found = replicas.find(|it| it["name"] == name);
    found.map(|it| (it["live"] == true, it["gone"].clone()))
}

/// When the process began that is known as `r2`.
async fn began(daemon: &Daemon) -> f64 {
    let fleet = daemon.json("/api/v1/fleet").await;
    let replicas = fleet["replicas"].as_array().unwrap().iter();
    let mut began = replicas
        .filter_map(|it| (it["name"] == "r2").then_some(it["started_at"].as_f64().unwrap()));
    began.next().unwrap()
}

/// Waits until `name` counts no more at `daemon`; why it does not.
async fn gone(daemon: &Daemon, name: &str) -> Value {
    until("it must count no more", async || {
        let (live, why) = seen(daemon, name).await?;
        (!live).then_some(why)
    })
    .await
}

async fn there(daemon: &Daemon, name: &str) {
    until("it must be there", async || {
        (seen(daemon, name).await? == (true, Value::Null)).then_some(())
    })
    .await;
}

/// Lines of a log that say what became of `replica`, in order, by the words that tell them apart.
fn told<'a>(log: &str, replica: &str, words: [&'a str; 4]) -> Vec<&'a str> {
    let of = log.lines().filter(|line| line.contains(replica));
    let told = of.filter_map(|line| words.into_iter().find(|word| line.contains(word)));
    told.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_ends_in_order_is_left_out_at_once_and_who_is_killed_by_its_silence() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let provider = Provider::start(5).await;
    let mut fleet = Fleet::start(3, &[redis.address], &[&provider]);
    fleet.together().await;
    let end = |daemon: Daemon| async move {
        daemon.terminate();
        let ended = daemon.ended().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
        ended.log
    };
    end(fleet.replicas.pop().unwrap()).await;
    for daemon in &fleet.replicas {
        assert_eq!(gone(daemon, "r2").await, "left", "it said so");
        let routes = daemon.json("/api/v1/routes").await;
        assert_eq!(routes["cluster"]["replicas"], 2, "{routes}");
    }
    // Under the same name at once.
    let again = Daemon::start(fleet.folders[2].path());
    there(&fleet.replicas[0], "r2").await;
    // A takeover: the end of the one before is not that of the one which goes on.
    let began = began(&fleet.replicas[0]).await;
    let next = Daemon::start_beside(&again, fleet.folders[2].path());
    until("the later one must be heard", async || {
        (self::began(&fleet.replicas[0]).await > began).then_some(())
    })
    .await;
    end(again).await;
    there(&fleet.replicas[0], "r2").await;
    next.signal("-KILL");
    next.ended().await;
    for daemon in &fleet.replicas {
        assert_eq!(gone(daemon, "r2").await, "silent", "it could not");
    }
    // The clock alone says that it is silent; the log has it with a look after that.
    let before = rounds(&fleet.replicas[0]).await;
    until("it must look round", async || {
        (rounds(&fleet.replicas[0]).await >= before + 2).then_some(())
    })
    .await;
    // An engine that does not answer holds nobody up.
    redis.freeze();
    end(fleet.replicas.pop().unwrap()).await;
    redis.thaw();
    gone(&fleet.replicas[0], "r1").await;
    let log = end(fleet.replicas.pop().unwrap()).await;
    let words = [
        "another replica is there",
        "another replica has begun again",
        "it said that it leaves",
        "it is silent",
    ];
    let [came, again, left, silent] = words;
    let told = told(&log, "r2", words);
    assert_eq!(told, [came, left, came, again, silent], "{log}");
}
