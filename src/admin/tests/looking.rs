//! Requests, history and events, as somebody who watches gets them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::metrics::{ended, served};
use super::world::{BASE, World};
use crate::balance::gate::Reason;
use crate::live::{Call, RequestEnd};
use crate::model::{Outcome, PicoUsd, Tokens};

/// A request of `chat` that `target` answered.
fn answered(target: &str, by: &str, id: &'static str) -> Arc<RequestEnd> {
    let call = Call {
        served: served(Some(target), by),
        reason: Reason::Drawn,
        propensity: Some(0.6),
        after: Duration::ZERO,
        outcome: Outcome::Ok,
        status: None,
        total: Duration::from_millis(800),
        first_content: None,
        tokens: Some(Tokens {
            input: 100,
            cached_input: 40,
            output: 7,
            ..Tokens::default()
        }),
        estimated: false,
        cost: Some(PicoUsd::new(2_000_000_000)),
    };
    Arc::new(RequestEnd {
        id: http::HeaderValue::from_static(id),
        at: crate::model::Time::from_micros(1_800_000_000_000_000),
        calls: vec![call],
        ..ended("chat", served(Some(target), by), 200)
    })
}

fn failed() -> Arc<RequestEnd> {
    Arc::new(ended("chat", served(Some("b"), "two/small"), 502))
}

#[tokio::test]
async fn recent_requests_are_listed_newest_first_and_found_by_their_id() {
    let world = World::start().await;
    world
        .admin
        .ledger
        .ended(&answered("a", "one/small", "req_1"));
    world.admin.ledger.ended(&failed());
    world
        .admin
        .ledger
        .ended(&answered("a", "one/small", "req_3"));
    let got = world.ask("GET", "/api/v1/requests?limit=2").await.json();
    let requests = got["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (&requests[0]["id"], &requests[0]["number"]),
        (&"req_3".into(), &2.into())
    );
    assert_eq!(requests[1]["ended_by"], "target.server_error");
    let one = world.ask("GET", "/api/v1/requests/req_1").await.json();
    assert_eq!(one["calls"][0]["target"], "a");
    assert_eq!(one["calls"][0]["reason"], "drawn");
    assert_eq!(one["tokens"]["cached_input"], 40);
    assert!((one["cost_usd"].as_f64().unwrap() - 0.002).abs() < 1e-9);
    assert!(
        one["at"].as_f64().unwrap() > 1e9,
        "by the wall clock: {one}"
    );
    let failed = world
        .ask("GET", "/api/v1/requests?failed=true")
        .await
        .json();
    assert_eq!(failed["requests"].as_array().unwrap().len(), 1);
    assert_eq!(world.ask("GET", "/api/v1/requests/req_9").await.status, 404);
    for (query, part) in [
        ("limit=0", "from 1 to"),
        ("limits=3", "takes limit"),
        ("failed=1", "true or false"),
    ] {
        let refused = world.ask("GET", &format!("/api/v1/requests?{query}")).await;
        assert_eq!(refused.status, 400, "{query}");
        assert!(refused.body.contains(part), "{query}: {}", refused.body);
    }
}

/// Reads events until `wanted` says that it has seen enough.
async fn watch(world: &World, wanted: impl Fn(&str) -> bool) -> String {
    let mut stream = TcpStream::connect(&world.address).await.unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: {}\r\n\r\n",
        world.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    let mut piece = [0; 4096];
    let reading = async {
        while !wanted(&text) {
            let n = stream.read(&mut piece).await.unwrap();
            assert!(n > 0, "it ended: {text}");
            text.push_str(std::str::from_utf8(&piece[..n]).unwrap());
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(20), reading).await;
    read.unwrap_or_else(|_| panic!("not in twenty seconds: {text}"));
    text
}

#[tokio::test]
async fn who_watches_is_told_of_requests_and_of_a_refused_file() {
    let world = World::start().await;
    std::fs::write(
        world.file(),
        format!("{BASE}\n[routes.chat]\nstrategy = \"wild\"\n"),
    )
    .unwrap();
    assert_eq!(world.ask("POST", "/api/v1/reload").await.status, 409);
    std::fs::write(world.file(), format!("{BASE}\n[nonsense]\n")).unwrap();
    let told = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        for _ in 0..5 {
            world
                .admin
                .ledger
                .ended(&answered("a", "one/small", "req_1"));
        }
        world.ask("POST", "/api/v1/reload").await
    };
    let seen = |text: &str| text.contains("event: config") && text.contains("\"requests\":5");
    let (text, refused) = tokio::join!(watch(&world, seen), told);
    assert_eq!(refused.status, 409);
    assert!(text.contains("event: hello\ndata: {\"version\":"), "{text}");
    assert!(text.contains("[nonsense]"), "the line is shown: {text}");
    let history = world
        .ask("GET", "/api/v1/history?route=chat&seconds=60")
        .await
        .json();
    let route = &history["routes"]["chat"];
    assert_eq!(route["targets"], serde_json::json!(["a", "b", "c"]));
    let samples = route["samples"].as_array().unwrap();
    let sum: u64 = samples
        .iter()
        .map(|it| it["requests"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, 5, "{history}");
    let report = world.ask("GET", "/api/v1/routes/chat").await.json();
    let target = &report["targets"][0];
    assert_eq!(target["requests_last_minute"], 5);
    assert!((target["cached_ratio"].as_f64().unwrap() - 0.4).abs() < 1e-9);
    assert!(
        target["noise"].as_str().unwrap().contains("too few"),
        "{target}"
    );
    assert_eq!(
        world.ask("GET", "/api/v1/history?route=chet").await.status,
        404
    );
}

#[tokio::test]
async fn the_overview_and_the_configuration_say_what_is_in_force() {
    let world = World::start().await;
    let overview = world.ask("GET", "/api/v1/overview").await.json();
    assert_eq!(overview["environment"], "test");
    assert_eq!(overview["routes"], serde_json::json!(["chat", "summary"]));
    let changed = BASE.replace("weight = 60", "weight = 50");
    std::fs::write(world.file(), changed).unwrap();
    assert_eq!(world.ask("POST", "/api/v1/reload").await.status, 200);
    let config = world.ask("GET", "/api/v1/config").await.json();
    let changes = config["changes"].to_string();
    assert!(
        changes.contains("60") && changes.contains("50"),
        "{changes}"
    );
    assert!(config["loaded_at"].as_f64().unwrap() >= overview["started_at"].as_f64().unwrap());
}

#[tokio::test]
async fn the_description_names_every_path_that_is_served() {
    let world = World::start().await;
    let document = world.ask("GET", "/api/v1/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let index = world.ask("GET", "/api/v1").await.json();
    for line in index["paths"].as_array().unwrap() {
        let (method, path) = line.as_str().unwrap().split_once(' ').unwrap();
        let described = &document["paths"][path][method.to_lowercase()];
        assert_ne!(*described, Value::Null, "{line}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_to_who_holds_the_token_alone() {
    let world = World::start().await;
    let guarded = format!("{BASE}[admin]\ntoken = \"a-token-of-a-test\"\n");
    std::fs::write(world.file(), &guarded).unwrap();
    assert_eq!(world.ask("POST", "/api/v1/reload").await.status, 200);
    let held = [("authorization", "Bearer a-token-of-a-test")];
    let thrown = r#"{"off":true,"reason":"the reason why","by":"ada"}"#;
    world.send("POST", "/api/v1/switch", &held, thrown).await;
    std::fs::write(world.file(), guarded.replace("weight = 60", "wieght = 60")).unwrap();
    let refused = world.send("POST", "/api/v1/reload", &held, "").await;
    assert_eq!(refused.status, 409);
    let stranger = world.ask("GET", "/healthz").await;
    assert_eq!(stranger.status, 200);
    assert_eq!(stranger.json()["status"], "config_refused");
    for part in ["wieght", "the reason why", "ada"] {
        assert!(!stranger.body.contains(part), "{part}: {}", stranger.body);
    }
    let operator = world.send("GET", "/healthz", &held, "").await;
    for part in ["wieght", "the reason why", "ada"] {
        assert!(operator.body.contains(part), "{part}: {}", operator.body);
    }
}

#[tokio::test]
async fn a_token_is_asked_for_where_there_is_one() {
    let world = World::start().await;
    let guarded = format!("{BASE}[admin]\ntoken = \"a-token-of-a-test\"\n");
    std::fs::write(world.file(), guarded).unwrap();
    assert_eq!(world.ask("POST", "/api/v1/reload").await.status, 200);
    for path in ["/api/v1/routes", "/metrics", "/api/v1/events"] {
        let refused = world.ask("GET", path).await;
        assert_eq!(refused.status, 401, "{path}");
        assert!(
            refused.head.contains("www-authenticate: bearer"),
            "{}",
            refused.head
        );
    }
    for path in ["/healthz", "/readyz", "/"] {
        assert_eq!(world.ask("GET", path).await.status, 200, "{path}");
    }
    for (given, status) in [
        ("Bearer a-token-of-a-test", 200),
        ("bearer a-token-of-a-test", 200),
        ("Bearer a-token-of-a-tesT", 401),
        ("Bearer a-token-of-a-test2", 401),
        ("Bearer ", 401),
        ("a-token-of-a-test", 401),
    ] {
        let headers = [("authorization", given)];
        let got = world.send("GET", "/api/v1/routes", &headers, "").await;
        assert_eq!(got.status, status, "{given}");
        assert!(!got.body.contains("a-token-of"), "never told");
    }
}
