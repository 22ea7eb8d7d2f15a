//! A controller that does not come to its tick for ten seconds: shares stay, gates act, and it goes on as if after a pause.
//!
//! The tick is suspended by the configuration itself: the longest one that it allows is ten seconds.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use weighbridge::law::Law;
use weighbridge::live::Clock;

use super::super::client::Client;
use super::super::daemon::{Daemon, live, machine, until};
use super::providers::Providers;
use super::worlds::TARGETS;

const WELL: &str = "ttft_ms = 20\ntpot_ms = 0.5\nspread = 0.3\nerror_rate = 0";
const SICK: &str = "error_rate = 1\nerror_status = 500\nerror_ms = [1, 5]";
/// Between two groups of requests.
const PAUSE: Duration = Duration::from_millis(80);
/// A tick never accounts for more seconds than this.
const LONGEST: f64 = 5.0;

fn environment(providers: SocketAddr, folder: &Path, tick: &str) -> String {
    let journal = folder.join("journal");
    let mut text = format!(
        "config_version = 1\ncontroller = {{ tick = \"{tick}\", journal = \"{}\" }}\n",
        journal.display()
    );
    for (target, weight) in TARGETS {
        writeln!(
            text,
            "[providers.{target}]\nkind = \"openai\"\napi_key = \"none\"\n\
             base_url = \"http://{providers}/{target}/v1\"\n\
             [routes.chat.targets.{target}]\nuse = \"{target}/m\"\nweight = {weight}"
        )
        .unwrap();
    }
    text
}

struct World {
    providers: Providers,
    folder: tempfile::TempDir,
    daemon: Daemon,
    client: Client,
}

impl World {
    async fn start() -> Self {
        let providers = Providers::start(Clock::start()).await;
        for (target, _) in TARGETS {
            providers
                .laws
                .put(target, Law::read(WELL).unwrap())
                .unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let text = environment(providers.address, folder.path(), "250ms");
        fs::write(live(folder.path()), text).unwrap();
        let daemon = Daemon::start(folder.path());
        let client = Client::new(daemon.data);
        Self {
            providers,
            folder,
            daemon,
            client,
        }
    }

    fn law(&self, target: &str, law: &str) {
        let law = Law::read(law).unwrap();
        self.providers.laws.put(target, law).unwrap();
    }

    fn met(&self, target: &str) -> u64 {
        self.providers.laws.stats(target).unwrap().requests
    }

    async fn tick(&self, tick: &str) {
        let text = environment(self.providers.address, self.folder.path(), tick);
        fs::write(live(self.folder.path()), text).unwrap();
        assert_eq!(self.daemon.reload().await.0, 200, "the file is good");
    }

    /// Four requests at once, so many times; all are answered.
    async fn ask(&self, groups: u32) {
        let body = json!({"model": "chat", "stream": true, "max_tokens": 20,
            "messages": [{"role": "user", "content": "hi"}]})
        .to_string();
        for _ in 0..groups {
            let four = [0; 4].map(|_| self.client.chat(&body));
            let [a, b, c, d] = four;
            let got = tokio::join!(a, b, c, d);
            for got in [got.0, got.1, got.2, got.3] {
                let got = got.unwrap();
                assert!(
                    got.is_whole_stream(),
                    "another target makes it good: {got:?}"
                );
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The version of the route's table, and the granted shares.
    async fn table(&self) -> (u64, Vec<f64>) {
        let route = self.daemon.json("/api/v1/routes/chat").await;
        let targets = route["targets"].as_array().unwrap();
        let granted = |target: &Value| target["granted"].as_f64().unwrap();
        (
            route["table_version"].as_u64().unwrap(),
            targets.iter().map(granted).collect(),
        )
    }

    /// Seconds since the last decision.
    async fn age(&self) -> f64 {
        let (_, text) = self.daemon.get("/metrics").await;
        let mut lines = text.lines();
        let value = lines.find_map(|it| it.strip_prefix("weighbridge_controller_age_seconds "));
        value.expect("it is always told").parse().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_stay_and_gates_act_while_the_tick_is_suspended() {
    let _machine = machine().await;
    let world = World::start().await;
    world.ask(40).await;
    world.tick("10s").await;
    world.ask(4).await;
    let before = world.table().await;

    world.law("a", SICK);
    let met = world.met("a");
    world.ask(25).await;
    let met = world.met("a") - met;
    assert!(
        met <= 12,
        "{met} of 100 requests met the dead target, of which half were its own"
    );
    while world.age().await < 8.0 {
        world.ask(1).await;
    }
    assert_eq!(world.table().await, before, "the shares in force stay");

    world.law("a", WELL);
    until("the tick must come", async || {
        (world.age().await < 2.0).then_some(())
    })
    .await;
    world.tick("250ms").await;
    until("everybody must have his share again", async || {
        world.ask(1).await;
        let (_, granted) = world.table().await;
        let shares = granted.iter().zip(TARGETS);
        let mut shares = shares.map(|(share, (_, configured))| share / configured);
        shares
            .all(|part| (0.75..1.35).contains(&part))
            .then_some(())
    })
    .await;
    accounted(world).await;
}

/// What the ticks thought had passed.
async fn accounted(world: World) {
    world.daemon.terminate();
    world.daemon.ended().await;
    let files = fs::read_dir(world.folder.path().join("journal")).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let text: String = texts.collect();
    let spans = text.split("\"elapsed\":").skip(1);
    let number = |rest: &str| {
        let end = rest.find([',', '}']).unwrap();
        rest[..end].parse::<f64>().unwrap()
    };
    let longest = spans.map(number).fold(0.0, f64::max);
    assert!(
        (longest - LONGEST).abs() < 1e-9,
        "ten seconds are a pause of {LONGEST} s to the controller, not {longest}"
    );
    world.providers.end().await;
}
