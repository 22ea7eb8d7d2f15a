//! What three replicas share exactly, as processes around a real engine: a budget, a rate, orders, keys, the kill switch.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::client::Client;
use super::daemon::{Daemon, live, machine, until};
use super::redis::Redis;

pub(crate) const KEY: &str = "wb-a-key-of-the-files-of-all-three";
/// What is everywhere "within a second" may take this long on a machine with other work; the figure is printed.
const SOON: Duration = Duration::from_secs(5);

#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what is claimed"
)]
fn now() -> Instant {
    Instant::now()
}

/// Replicas, each with a folder of its own.
pub(crate) struct Fleet {
    pub(crate) daemons: Vec<Daemon>,
    pub(crate) engine: Redis,
    folders: Vec<TempDir>,
}

/// The file of a replica with `more` in it.
fn file(place: usize, engine: &Redis, folder: &TempDir, more: &str) -> String {
    let law = "law = { ttft_ms = 20, tpot_ms = 0.1, spread = 0.3, error_rate = 0 }";
    format!(
        r#"config_version = 1
[cluster]
url = "{}"
namespace = "books"
replica = "r{place}"
[server]
state = "{}"
[providers.paid]
kind = "simulated"
{law}
[providers.free]
kind = "simulated"
{law}
[prices]
"paid/m" = {{ input = "$0", output = "$0", request = "$0.002 / request" }}
"free/m" = {{ input = "$0", output = "$0" }}
"free/n" = {{ input = "$0", output = "$0" }}
[routes.chat.targets]
a = {{ use = "free/m", weight = 1 }}
b = {{ use = "free/n", weight = 1 }}
{more}
"#,
        engine.url(),
        folder.path().join("state").display()
    )
}

impl Fleet {
    /// Three replicas with `more` in their files, once they know of each other; `None` where there is no engine.
    pub(crate) async fn start(more: &str) -> Option<Self> {
        let engine = Redis::start().await?;
        let folders: Vec<TempDir> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
        let started = folders.iter().enumerate().map(|(place, folder)| {
            let text = file(place, &engine, folder, more);
            std::fs::write(live(folder.path()), text).unwrap();
            Daemon::start(folder.path())
        });
        let fleet = Self {
            daemons: started.collect(),
            engine,
            folders,
        };
        // Somebody's order that all hear of shows that they have met.
        let id = fleet
            .order(0, &json!({ "action": "freeze", "route": "chat" }))
            .await;
        fleet
            .everywhere("the replicas meet", async |it| has_order(it, &id).await)
            .await;
        fleet.end(2, &id).await;
        fleet
            .everywhere("an order ends", async |it| !has_order(it, &id).await)
            .await;
        Some(fleet)
    }

    /// One replica more, that knows nothing.
    pub(crate) fn add(&mut self, more: &str) {
        let folder = tempfile::tempdir().unwrap();
        let text = file(self.daemons.len(), &self.engine, &folder, more);
        std::fs::write(live(folder.path()), text).unwrap();
        self.daemons.push(Daemon::start(folder.path()));
        self.folders.push(folder);
    }

    /// Waits until `claim` is so at all; tells how long that took.
    pub(crate) async fn everywhere(
        &self,
        claim: &str,
        is_so: impl AsyncFn(&Daemon) -> bool,
    ) -> Duration {
        let begun = now();
        for daemon in &self.daemons {
            until(claim, async || is_so(daemon).await.then_some(())).await;
        }
        begun.elapsed()
    }

    pub(crate) async fn send(
        &self,
        place: usize,
        method: reqwest::Method,
        path: &str,
        body: &Value,
    ) -> Value {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}{path}", self.daemons[place].admin);
        let mut request = http.request(method, url);
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Gives an order to one of them; its id.
    pub(crate) async fn order(&self, place: usize, wish: &Value) -> String {
        let given = self.give(place, wish).await;
        given["order"]["id"]
            .as_str()
            .or(given["id"].as_str())
            .unwrap()
            .to_owned()
    }

    async fn give(&self, place: usize, wish: &Value) -> Value {
        let mut wish = wish.clone();
        wish["reason"] = json!("a test");
        wish["seconds"] = json!(600);
        self.send(place, reqwest::Method::POST, "/api/v1/steering", &wish)
            .await
    }

    async fn end(&self, place: usize, id: &str) -> Value {
        let path = format!("/api/v1/steering/{id}");
        self.send(place, reqwest::Method::DELETE, &path, &Value::Null)
            .await
    }

    /// The status of a request with a key.
    async fn status(&self, place: usize, key: &str) -> u16 {
        asked(&self.daemons[place], key).await
    }
}

pub(crate) async fn asked(daemon: &Daemon, key: &str) -> u16 {
    Asker::new(daemon).status(key).await
}

/// A client of one of them.
struct Asker {
    http: reqwest::Client,
    url: String,
}

impl Asker {
    fn new(daemon: &Daemon) -> Self {
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            url: format!("http://{}/v1/chat/completions", daemon.data),
        }
    }

    async fn status(&self, key: &str) -> u16 {
        let body = r#"{"model":"chat","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#;
        let request = self.http.post(&self.url).body(body);
        let request = request.header("authorization", format!("Bearer {key}"));
        request.send().await.unwrap().status().as_u16()
    }
}

pub(crate) async fn has_order(daemon: &Daemon, id: &str) -> bool {
    let steering = daemon.json("/api/v1/steering").await;
    let orders = steering["orders"].as_array().unwrap();
    orders
        .iter()
        .any(|it| it.to_string().contains(&format!("\"{id}\"")))
}

async fn is_off(daemon: &Daemon) -> bool {
    daemon.json("/api/v1/switch").await["off"] == true
}

/// A request of a route that costs a fifth of a cent.
pub(crate) fn paid() -> String {
    r#"{"model":"paid","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#.to_owned()
}

#[tokio::test]
async fn three_replicas_spend_a_dollar_once() {
    let _machine = machine().await;
    let more = "[routes.paid]\nbudget = { day_usd = 1, at_limit = \"refuse\" }\ntargets.only = { use = \"paid/m\" }";
    let Some(fleet) = Fleet::start(more).await else {
        return;
    };
    let mut clients = JoinSet::new();
    for daemon in &fleet.daemons {
        for _ in 0..3 {
            let client = Client::new(daemon.data);
            clients.spawn(async move {
                let (mut good, mut refused) = (0_u32, 0_u32);
                // Near the end the rest is given out in smaller and smaller parts, a round each.
                while refused < 100 {
                    let got = client.chat(&paid()).await.unwrap();
                    match got.status {
                        200 => (good, refused) = (good + 1, 0),
                        429 => {
                            refused += 1;
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                        other => panic!("{other}: {}", got.body),
                    }
                }
                good
            });
        }
    }
    let good: u32 = clients.join_all().await.into_iter().sum();
    let spent = f64::from(good) * 0.002;
    println!(
        "three replicas and nine clients spent ${spent:.3} of $1: {:+.1} %",
        (spent - 1.0) * 100.0
    );
    assert!(spent <= 1.02, "{spent}");
    assert!(spent >= 0.97, "{spent}: what is there is given out");
    for daemon in &fleet.daemons {
        let budgets = daemon.json("/api/v1/budgets").await;
        let told = budgets["budgets"][0]["spent_usd"].as_f64().unwrap();
        assert!(
            (told - spent).abs() < 0.01,
            "each tells what all spent: {budgets}"
        );
    }
}

#[tokio::test]
async fn three_replicas_let_through_one_rate() {
    let _machine = machine().await;
    let more = format!("[keys.app]\nkey = \"{KEY}\"\nrpm = 120\n");
    let Some(fleet) = Fleet::start(&more).await else {
        return;
    };
    let begun = now();
    let seconds = 6.0;
    let mut clients = JoinSet::new();
    // Sixty a second want to come in at each.
    for daemon in &fleet.daemons {
        for _ in 0..2 {
            let (client, mut through) = (Asker::new(daemon), 0_u32);
            clients.spawn(async move {
                while begun.elapsed().as_secs_f64() < seconds {
                    through += u32::from(client.status(KEY).await == 200);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                through
            });
        }
    }
    let through: u32 = clients.join_all().await.into_iter().sum();
    let promised = 120.0 + 2.0 * begun.elapsed().as_secs_f64();
    println!("{through} requests of at most {promised:.0} got through in {seconds} s");
    assert!(
        f64::from(through) <= promised + 6.0,
        "{through} of {promised}"
    );
    assert!(
        f64::from(through) >= promised - 25.0,
        "{through} of {promised}"
    );
}

#[tokio::test]
async fn what_an_operator_does_is_everywhere_within_a_second() {
    let more = format!("[keys.app]\nkey = \"{KEY}\"\n");
    let Some(fleet) = Fleet::start(&more).await else {
        return;
    };
    let say = |what: &str, took: Duration| {
        println!("{what}: everywhere after {} ms", took.as_millis());
        assert!(took < SOON, "{what}: {took:?}");
    };
    for (what, wish) in [
        (
            "a pin",
            json!({ "action": "pin", "route": "chat", "target": "a", "share": 0.3 }),
        ),
        ("a drain", json!({ "action": "drain", "target": "b" })),
        ("a freeze", json!({ "action": "freeze", "route": "chat" })),
    ] {
        let begun = now();
        let id = fleet.order(0, &wish).await;
        fleet
            .everywhere(what, async |it| has_order(it, &id).await)
            .await;
        say(what, begun.elapsed());
        let begun = now();
        let ended = fleet.end(1, &id).await;
        assert!(ended["message"].is_null(), "{ended}");
        fleet
            .everywhere(what, async |it| !has_order(it, &id).await)
            .await;
        say(&format!("the end of {what}"), begun.elapsed());
    }
    for off in [true, false] {
        let begun = now();
        let wish = json!({ "off": off, "reason": "a test" });
        fleet
            .send(2, reqwest::Method::POST, "/api/v1/switch", &wish)
            .await;
        fleet
            .everywhere("the switch", async |it| is_off(it).await == off)
            .await;
        say("the switch", begun.elapsed());
    }
    let wish = json!({ "name": "made", "reason": "a test" });
    let begun = now();
    let made = fleet
        .send(1, reqwest::Method::POST, "/api/v1/keys", &wish)
        .await;
    let made = made["key"].as_str().unwrap().to_owned();
    fleet
        .everywhere("a key that was made", async |it| {
            asked(it, &made).await == 200
        })
        .await;
    say("a key that was made", begun.elapsed());
    for (name, key) in [("made", made.as_str()), ("app", KEY)] {
        let begun = now();
        let path = format!("/api/v1/keys/{name}?reason=leaked");
        fleet
            .send(0, reqwest::Method::DELETE, &path, &Value::Null)
            .await;
        fleet
            .everywhere("a revoked key", async |it| asked(it, key).await == 401)
            .await;
        say("a revoked key", begun.elapsed());
    }
}

#[tokio::test]
async fn what_is_done_while_the_engine_is_away_is_everywhere_when_it_is_back() {
    let more = format!(
        "[keys.app]\nkey = \"{KEY}\"\n[keys.other]\nkey = \"wb-another-key-of-all-three\"\n"
    );
    let Some(mut fleet) = Fleet::start(&more).await else {
        return;
    };
    fleet
        .send(
            1,
            reqwest::Method::DELETE,
            "/api/v1/keys/other?reason=leaked",
            &Value::Null,
        )
        .await;
    let other = "wb-another-key-of-all-three";
    fleet
        .everywhere("the first revocation", async |it| {
            asked(it, other).await == 401
        })
        .await;
    fleet.engine.kill();
    let given = fleet
        .give(0, &json!({ "action": "drain", "target": "b" }))
        .await;
    let message = given["message"].as_str().unwrap();
    assert!(message.contains("in force here"), "{given}");
    let id = given["order"]["id"]
        .as_str()
        .or(given["id"].as_str())
        .unwrap()
        .to_owned();
    assert!(has_order(&fleet.daemons[0], &id).await);
    let standing = fleet
        .send(
            0,
            reqwest::Method::DELETE,
            "/api/v1/keys/app?reason=leaked",
            &Value::Null,
        )
        .await;
    assert!(
        standing["message"]
            .as_str()
            .unwrap()
            .contains("in force here"),
        "{standing}"
    );
    assert_eq!(fleet.status(0, KEY).await, 401, "at once here");
    assert_eq!(fleet.status(1, KEY).await, 200, "which has not heard");
    fleet.engine.restart().await;
    let took = fleet
        .everywhere("the order", async |it| has_order(it, &id).await)
        .await;
    fleet
        .everywhere("the revocation", async |it| asked(it, KEY).await == 401)
        .await;
    println!(
        "an engine that came back empty: everywhere after {} ms",
        took.as_millis()
    );
    // What was told before the engine forgot it is still so for all, and for one that begins now.
    for place in 0..3 {
        assert_eq!(fleet.status(place, other).await, 401);
    }
}
