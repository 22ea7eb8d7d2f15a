//! Three daemons and a real Redis decide as one, and go on by themselves whatever becomes of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use weighbridge::live::Clock;
use weighbridge::model::Time;

use super::client::Client;
use super::daemon::{Daemon, asked, live, machine, until, weighbridge};
use super::redis::{Redis, Wire};

const ASK: &str = r#"{"model":"chat","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
const ANSWER: &str = r#"{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#;

/// Seconds since something began.
struct Watch(Clock, Time);

impl Watch {
    fn start() -> Self {
        let clock = Clock::start();
        Self(clock, clock.now())
    }

    fn seconds(&self) -> f64 {
        self.0.now().secs_since(self.1)
    }
}

/// A provider that all replicas call. It can be made slower, and closed, so that connections are refused.
#[derive(Debug)]
struct Provider {
    address: SocketAddr,
    delay_ms: Arc<AtomicU64>,
    task: JoinSet<()>,
}

impl Provider {
    async fn start(delay_ms: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut provider = Self {
            address: listener.local_addr().unwrap(),
            delay_ms: Arc::new(AtomicU64::new(delay_ms)),
            task: JoinSet::new(),
        };
        provider.open(listener);
        provider
    }

    fn open(&mut self, listener: TcpListener) {
        let delay = Arc::clone(&self.delay_ms);
        self.task.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(answer(stream, Arc::clone(&delay)));
            }
        });
    }

    /// Hangs up on everybody, and refuses whoever comes.
    async fn close(&mut self) {
        self.task.shutdown().await;
    }
}

/// Answers on a connection until it ends.
async fn answer(mut stream: TcpStream, delay: Arc<AtomicU64>) {
    let mut bytes = Vec::new();
    loop {
        let whole = memchr::memmem::find(&bytes, b"\r\n\r\n").and_then(|end| {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let mut lines = head.lines();
            let length = lines.find_map(|it| it.strip_prefix("content-length: "))?;
            Some(end + 4 + length.trim().parse::<usize>().ok()?)
        });
        if let Some(whole) = whole.filter(|whole| bytes.len() >= *whole) {
            bytes.drain(..whole);
            tokio::time::sleep(Duration::from_millis(delay.load(Ordering::Relaxed))).await;
            let length = ANSWER.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
            );
            let sent = stream.write_all(format!("{head}{ANSWER}").as_bytes()).await;
            if sent.is_err() {
                return;
            }
        } else if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            return;
        }
    }
}

/// The configuration of one replica.
fn config(replica: &str, redis: SocketAddr, providers: &[&Provider]) -> String {
    let head = format!(
        "config_version = 1\n[server]\nreuse_port = true\n\
         [cluster]\nurl = \"redis://{redis}\"\nnamespace = \"test\"\nreplica = \"{replica}\"\n"
    );
    let named = || providers.iter().zip(["a", "b", "c"]);
    let provider = |(provider, name): (&&Provider, &str)| {
        let address = provider.address;
        format!(
            "[providers.{name}]\nkind = \"openai\"\nbase_url = \"http://{address}/v1\"\napi_key = \"k-of-a-test\"\n"
        )
    };
    let providers = named().map(provider).collect::<Vec<_>>().concat();
    let target = |name: &str| format!("{name} = {{ use = \"{name}/m\", weight = 1 }}\n");
    let targets = named().map(|(_, name)| target(name));
    let targets = targets.collect::<Vec<_>>().concat();
    format!("{head}{providers}[routes.chat.targets]\n{targets}")
}

/// Replicas with their folders.
struct Fleet {
    replicas: Vec<Daemon>,
    folders: Vec<tempfile::TempDir>,
}

impl Fleet {
    fn start(count: usize, redis: &[SocketAddr], providers: &[&Provider]) -> Self {
        let mut fleet = Self {
            replicas: Vec::new(),
            folders: Vec::new(),
        };
        for number in 0..count {
            let redis = redis[number.min(redis.len() - 1)];
            fleet.add(&config(&format!("r{number}"), redis, providers));
        }
        fleet
    }

    fn add(&mut self, config: &str) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(live(folder.path()), config).unwrap();
        self.replicas.push(start(folder.path()));
        self.folders.push(folder);
    }

    /// Waits until all of them see all of them.
    async fn together(&self) {
        for daemon in &self.replicas {
            let claim = "all must see each other";
            until(claim, async || {
                let fleet = daemon.json("/api/v1/fleet").await;
                let live = fleet["replicas"].as_array()?.iter();
                let alike = |it: &&Value| it["live"] == true && it["same_configuration"] == true;
                let live = live.filter(alike).count();
                (fleet["state"] == "joined" && live == self.replicas.len()).then_some(())
            })
            .await;
        }
    }
}

fn start(folder: &Path) -> Daemon {
    let mut command = weighbridge();
    command.args(["serve", "--env", "live", "--config"]);
    command.arg(folder);
    Daemon::started(command)
}

/// The granted share of a target at a replica.
async fn share(daemon: &Daemon, target: &str) -> f64 {
    let route = daemon.json("/api/v1/routes/chat").await;
    let targets = route["targets"].as_array().unwrap();
    let found = targets.iter().find(|it| it["name"] == target).unwrap();
    found["granted"].as_f64().unwrap()
}

async fn state(daemon: &Daemon) -> Value {
    daemon.json("/api/v1/fleet").await["state"].clone()
}

/// What clients saw.
#[derive(Debug, Default)]
struct Seen {
    stop: AtomicBool,
    answered: AtomicU64,
    lost: AtomicU64,
    /// Seconds of each answer.
    took: std::sync::Mutex<Vec<f64>>,
}

impl Seen {
    /// The median and the 99th percentile in milliseconds of what was answered since the last call.
    fn percentiles(&self) -> (f64, f64, usize) {
        let mut took = std::mem::take(&mut *self.took.lock().unwrap());
        took.sort_unstable_by(f64::total_cmp);
        let at = |percent: usize| {
            let place = took.len() * percent / 100;
            took.get(place).copied().unwrap_or_default() * 1e3
        };
        (at(50), at(99), took.len())
    }
}

/// Asks one replica, so many requests a second, each of which must be answered. Nothing is tried again.
async fn load(data: SocketAddr, each_second: f64, seen: Arc<Seen>) {
    let client = Client::new(data);
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / each_second));
    let mut under_way = JoinSet::new();
    while !seen.stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        let (client, seen) = (client.clone(), Arc::clone(&seen));
        under_way.spawn(async move {
            let begun = Watch::start();
            match client.chat(ASK).await {
                Ok(got) if got.is_whole() => {
                    seen.answered.fetch_add(1, Ordering::Relaxed);
                    seen.took.lock().unwrap().push(begun.seconds());
                }
                other => {
                    println!("lost: {other:?}");
                    seen.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

fn loads(fleet: &Fleet, each_second: f64) -> (JoinSet<()>, Arc<Seen>) {
    let (mut clients, seen) = (JoinSet::new(), Arc::new(Seen::default()));
    for daemon in &fleet.replicas {
        clients.spawn(load(daemon.data, each_second, Arc::clone(&seen)));
    }
    (clients, seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_shed_a_target_that_refuses_connections_as_one() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let (good, mut bad) = (Provider::start(20).await, Provider::start(20).await);
    let fleet = Fleet::start(3, &[redis.address], &[&good, &bad]);
    fleet.together().await;
    let (mut clients, seen) = loads(&fleet, 20.0 / 3.0);
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
    seen.stop.store(true, Ordering::Relaxed);
    while clients.join_next().await.is_some() {}
    let lost = seen.lost.load(Ordering::Relaxed);
    let answered = seen.answered.load(Ordering::Relaxed);
    println!("{answered} answered, {lost} lost");
    assert_eq!(lost, 0, "what a target refuses goes elsewhere");
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
    let (mut clients, seen) = loads(&fleet, 20.0);
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
    seen.stop.store(true, Ordering::Relaxed);
    while clients.join_next().await.is_some() {}
    assert_eq!(seen.lost.load(Ordering::Relaxed), 0);
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
    let (mut clients, seen) = loads(&fleet, 20.0);
    let all_are = async |expected: &str| {
        for daemon in &fleet.replicas {
            let claim = format!("all must be {expected}");
            until(&claim, async || {
                (state(daemon).await == expected).then_some(())
            })
            .await;
        }
    };
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (median, late, count) = seen.percentiles();
    println!("before: median {median:.1} ms, 99 % {late:.1} ms of {count}");
    redis.freeze();
    let frozen = asked("WEIGHBRIDGE_FROZEN_SECONDS", 5);
    tokio::time::sleep(Duration::from_secs(frozen as u64)).await;
    all_are("degraded").await;
    let (frozen_median, frozen_late, count) = seen.percentiles();
    println!("redis frozen: median {frozen_median:.1} ms, 99 % {frozen_late:.1} ms of {count}");
    assert!(frozen_median < median + 20.0, "no request waits for it");
    redis.thaw();
    let begun = Watch::start();
    fleet.together().await;
    println!("together again {:.1} s after it", begun.seconds());
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
    seen.stop.store(true, Ordering::Relaxed);
    while clients.join_next().await.is_some() {}
    let (answered, lost) = (
        seen.answered.load(Ordering::Relaxed),
        seen.lost.load(Ordering::Relaxed),
    );
    println!("{answered} answered, {lost} lost");
    assert_eq!(lost, 0);
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
    let (mut clients, seen) = loads(&fleet, 15.0);
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
    seen.stop.store(true, Ordering::Relaxed);
    while clients.join_next().await.is_some() {}
    let lost = seen.lost.load(Ordering::Relaxed);
    let answered = seen.answered.load(Ordering::Relaxed);
    println!("{answered} answered, {lost} lost");
    assert_eq!(lost, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_of_fifty_targets_asks_redis_for_ten_commands_a_second_at_most() {
    let _machine = machine().await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let provider = Provider::start(5).await;
    let mut fleet = Fleet {
        replicas: Vec::new(),
        folders: Vec::new(),
    };
    for number in 0..3 {
        let first = config(&format!("r{number}"), redis.address, &[&provider]);
        let more = (1..50).map(|it| format!("t{it} = {{ use = \"a/m{it}\", weight = 1 }}\n"));
        fleet.add(&(first + &more.collect::<Vec<_>>().concat()));
    }
    fleet.together().await;
    let (mut clients, seen) = loads(&fleet, 20.0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let count = async || {
        let calls = redis.calls().await;
        let own = ["info", "ping"];
        let calls: Vec<_> = calls
            .into_iter()
            .filter(|(name, _)| !own.contains(&name.as_str()))
            .collect();
        (calls.iter().map(|(_, calls)| calls).sum::<u64>(), calls)
    };
    let (before, _) = count().await;
    let begun = Watch::start();
    tokio::time::sleep(Duration::from_secs(12)).await;
    let (after, calls) = count().await;
    let each = (after - before) as f64 / begun.seconds() / 3.0;
    println!("{each:.1} commands a second and replica at 50 targets (reach: 10): {calls:?}");
    assert!(each <= 10.0);
    seen.stop.store(true, Ordering::Relaxed);
    while clients.join_next().await.is_some() {}
    assert_eq!(seen.lost.load(Ordering::Relaxed), 0);
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
