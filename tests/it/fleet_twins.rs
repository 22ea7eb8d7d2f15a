//! Two processes with one name: operators of either are told, until one of them ends.

use std::process::Output;

use super::daemon::{Daemon, machine, until, weighbridge};
use super::redis::Redis;
use super::replicas::{Fleet, Provider, config};

/// What a command says of a daemon.
fn said(command: &str, daemon: &Daemon) -> String {
    let admin = format!("http://{}", daemon.admin);
    let output = weighbridge().args([command, "--admin", &admin]).output();
    let Output { stdout, stderr, .. } = output.unwrap();
    String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned()
}

/// The messages of the alert `cluster` that hold at a daemon.
async fn alerts(daemon: &Daemon) -> Vec<String> {
    let alerts = daemon.json("/api/v1/alerts").await;
    let all = alerts["alerts"].as_array().unwrap().iter();
    let open = all.filter(|it| it["kind"] == "cluster" && it["resolved"].is_null());
    open.map(|it| it["message"].to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_with_one_name_are_told_until_one_of_them_ends() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let provider = Provider::start(5).await;
    let mut fleet = Fleet::start(1, &[redis.address], &[&provider]);
    fleet.add(&config("r0", redis.address, &[&provider]));
    for daemon in &fleet.replicas {
        until("each must find the other out", async || {
            let fleet = daemon.json("/api/v1/fleet").await;
            fleet["same_name"]["since"].as_f64()
        })
        .await;
        for command in ["status", "fleet"] {
            let said = said(command, daemon);
            assert!(said.contains("NOTE: another process calls"), "{said}");
        }
        let told = until("it must be told as an alert", async || {
            alerts(daemon).await.pop()
        })
        .await;
        assert!(told.contains("WEIGHBRIDGE_REPLICA"), "{told}");
    }
    let ended = fleet.replicas.pop().unwrap();
    ended.terminate();
    let log = ended.ended().await.log;
    assert!(log.contains("Give each process a name of its own"), "{log}");
    let stays = &fleet.replicas[0];
    until("it must be over", async || {
        let fleet = stays.json("/api/v1/fleet").await;
        let is_over = fleet["same_name"].is_null() && alerts(stays).await.is_empty();
        is_over.then_some(())
    })
    .await;
    assert!(!said("status", stays).contains("NOTE"), "one is none");
}
