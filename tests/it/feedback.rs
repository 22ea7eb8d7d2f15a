//! What applications say of answers, through the program and real sockets: who may say it, and what shares make of it.

use std::path::Path;

use serde_json::{Value, json};

use super::client::Client;
use super::daemon::{Daemon, live, machine, until, weighbridge};

const KEY: &str = "wb-a-key-of-the-first-client";
const OTHER: &str = "wb-a-key-of-the-second-one";

/// Two targets that are alike, on a route with `aims`.
fn start(folder: &Path, aims: &str, rest: &str) -> Daemon {
    let law = "law = { ttft_ms = 2, tpot_ms = 0.1, spread = 0, error_rate = 0 }";
    let journal = folder.join("journal");
    let text = format!(
        r#"config_version = 1
[controller]
tick = "50ms"
journal = "{}"
[providers.one]
kind = "simulated"
{law}
[providers.two]
kind = "simulated"
{law}
[routes.chat]
{aims}
[routes.chat.targets]
one = {{ use = "one/m", weight = 1 }}
two = {{ use = "two/m", weight = 1 }}
{rest}
"#,
        journal.display()
    );
    std::fs::write(live(folder), text).unwrap();
    Daemon::start(folder)
}

/// The ids of `many` answers, each with the name of the target that gave it.
async fn answers(daemon: &Daemon, many: usize) -> Vec<(String, String)> {
    let client = Client::new(daemon.data);
    let body = json!({
        "model": "chat", "max_tokens": 1, "messages": [{ "role": "user", "content": "hi" }],
    });
    let mut answers = Vec::new();
    for _ in 0..many {
        let got = client.chat(&body.to_string()).await.unwrap();
        assert!(got.is_whole(), "{got:?}");
        let header = |name: &str| got.header(name).to_owned();
        answers.push((header("x-request-id"), header("x-weighbridge-target")));
    }
    answers
}

/// Sends `body` as feedback, by the holder of a key.
async fn feedback(daemon: &Daemon, key: &str, body: &Value) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.post(format!("http://{}/v1/feedback", daemon.data));
    let request = request.header("x-api-key", key).json(body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

/// Rates the answers of `one` with the first score and those of `two` with the second.
async fn rate(daemon: &Daemon, answers: &[(String, String)], scores: [f64; 2]) {
    for (id, target) in answers {
        let score = scores[usize::from(target == "two")];
        let body = json!({ "request_id": id, "score": score });
        let (status, told) = feedback(daemon, KEY, &body).await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(told["target"], target.as_str(), "{told}");
        assert_eq!(told["counts"], true, "{told}");
    }
}

/// The row of target `two`, once `wanted` is true of it.
async fn two(daemon: &Daemon, claim: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(claim, async || {
        let route = daemon.json("/api/v1/routes/chat").await;
        let row = route["targets"][1].clone();
        wanted(&row).then_some(row)
    })
    .await
}

fn granted(row: &Value) -> f64 {
    row["granted"].as_f64().unwrap()
}

fn scores(row: &Value) -> f64 {
    row["evidence"]["quality"]["scores"]
        .as_f64()
        .unwrap_or_default()
}

#[tokio::test]
async fn who_is_rated_badly_loses_its_share_where_quality_has_a_weight() {
    let _machine = machine().await;
    let folder = tempfile::tempdir().unwrap();
    let daemon = start(folder.path(), "objective = { quality = 5 }", "");
    let given = answers(&daemon, 80).await;
    rate(&daemon, &given, [0.9, 0.2]).await;
    let row = two(&daemon, "its share falls", |row| granted(row) < 0.1).await;
    let quality = &row["evidence"]["quality"];
    assert!(
        (quality["mean"].as_f64().unwrap() - 0.2).abs() < 1e-6,
        "{row}"
    );
    assert!(row["terms"]["quality"].as_f64().unwrap() > 1.0, "{row}");
    let sentence = row["sentence"].as_str().unwrap();
    assert!(
        sentence.contains("its answers are rated 0.20"),
        "{sentence}"
    );
    let (_, metrics) = daemon.get("/metrics").await;
    for name in ["feedback_score_count", "quality", "quality_scores"] {
        let line = format!("weighbridge_{name}{{route=\"chat\",target=\"two\"");
        assert!(metrics.contains(&line), "{name} is exported");
    }
    let (id, _) = &given[0];
    let shown = daemon.json(&format!("/api/v1/requests/{id}")).await;
    assert!(shown["feedback"]["score"].is_number(), "{shown}");

    daemon.terminate();
    assert!(daemon.ended().await.status.success());
    let replay = weighbridge()
        .args(["replay", "--format", "json"])
        .arg(folder.path().join("journal"))
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&replay.stdout).unwrap();
    assert_eq!(found["agrees"], true, "decided again to the byte: {found}");
}

#[tokio::test]
async fn without_a_weight_scores_are_shown_and_move_nothing() {
    let _machine = machine().await;
    let folder = tempfile::tempdir().unwrap();
    let daemon = start(folder.path(), "objective = { latency = 0 }", "");
    let given = answers(&daemon, 60).await;
    rate(&daemon, &given, [0.9, 0.2]).await;
    let many = given.iter().filter(|(_, target)| target == "two").count();
    let row = two(&daemon, "its scores are shown", |row| {
        scores(row) > many as f64 - 0.5
    })
    .await;
    assert!((granted(&row) - 0.5).abs() < 0.02, "{row}");
    assert!(row["terms"].get("quality").is_none(), "{row}");
}

#[tokio::test]
async fn who_is_below_the_floor_is_left_out_until_its_scores_are_better() {
    let _machine = machine().await;
    let folder = tempfile::tempdir().unwrap();
    // By quality alone: times of a busy machine would move shares as well.
    let aims = "min_quality = 0.6\nobjective = { latency = 0 }";
    let daemon = start(folder.path(), aims, "");
    let given = answers(&daemon, 80).await;
    rate(&daemon, &given, [0.9, 0.2]).await;
    let row = two(&daemon, "it leaves", |row| granted(row) == 0.0).await;
    let rails = row["rails"].as_array().unwrap();
    assert!(rails.contains(&json!("min_quality")), "{row}");
    let sentence = row["sentence"].as_str().unwrap();
    assert!(
        sentence.contains("below your min_quality of 0.6"),
        "{sentence}"
    );
    let after = answers(&daemon, 30).await;
    let others = after.iter().filter(|(_, target)| target == "two");
    assert_eq!(others.count(), 0, "nobody is sent there");
    // Whoever rated them has changed their mind.
    rate(&daemon, &given, [0.9, 0.8]).await;
    let row = two(&daemon, "it comes back", |row| granted(row) > 0.4).await;
    assert!(row["evidence"]["quality"]["mean"].as_f64().unwrap() > 0.7);
}

#[tokio::test]
async fn a_score_is_taken_once_and_changed_by_the_next_and_nonsense_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = start(folder.path(), "", "");
    let given = answers(&daemon, 1).await;
    let rating =
        |score: Value| json!({ "request_id": given[0].0, "score": score, "label": "thumbs" });
    let (status, told) = feedback(&daemon, KEY, &rating(json!(0.2))).await;
    assert_eq!((status, &told["replaced"]), (200, &Value::Null), "{told}");
    for (score, before) in [(0.2, 0.2), (0.7, 0.2), (0.7, 0.7)] {
        let (status, told) = feedback(&daemon, KEY, &rating(json!(score))).await;
        assert_eq!((status, &told["replaced"]), (200, &json!(before)), "{told}");
    }
    let target = usize::from(given[0].1 == "two");
    let mean = until("the last one counts", async || {
        let route = daemon.json("/api/v1/routes/chat").await;
        let quality = route["targets"][target]["evidence"]["quality"].clone();
        let mean = quality["mean"].as_f64()?;
        (mean > 0.5).then_some((mean, quality["scores"].as_f64()?))
    })
    .await;
    assert!((mean.0 - 0.7).abs() < 1e-4, "found {mean:?}");
    assert!(
        (mean.1 - 1.0).abs() < 1e-3,
        "one answer, one score: {mean:?}"
    );
    let (status, told) = feedback(&daemon, KEY, &rating(json!(7))).await;
    assert_eq!(status, 400);
    assert_eq!(told["error"]["param"], "score", "{told}");
    let unknown = json!({ "request_id": "req_of_nobody", "score": 1 });
    let (status, told) = feedback(&daemon, KEY, &unknown).await;
    assert_eq!(status, 404);
    let message = told["error"]["message"].as_str().unwrap();
    assert!(message.contains("one of the last 57000"), "{message}");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let got = http.get(format!("http://{}/v1/feedback", daemon.data));
    assert_eq!(got.send().await.unwrap().status().as_u16(), 405);
}

#[tokio::test]
async fn a_key_rates_its_own_requests_alone_and_lists_have_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let keys = format!("[keys.app]\nkey = \"{KEY}\"\n[keys.foe]\nkey = \"{OTHER}\"\n");
    let daemon = start(folder.path(), "", &keys);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |model: &str| {
        let request = http.post(format!("http://{}/v1/chat/completions", daemon.data));
        let body = json!({
            "model": model, "max_tokens": 1, "stream": true,
            "messages": [{ "role": "user", "content": "hi" }],
        });
        let got = request
            .header("x-api-key", KEY)
            .json(&body)
            .send()
            .await
            .unwrap();
        let id = got.headers()["x-request-id"].to_str().unwrap().to_owned();
        // Rated as soon as the last byte is there.
        assert!(got.text().await.unwrap().ends_with("[DONE]\n\n"));
        json!({ "request_id": id, "score": 0 })
    };
    let rating = ask("chat").await;
    assert_eq!(
        feedback(&daemon, OTHER, &rating).await.0,
        404,
        "not its own"
    );
    assert_eq!(feedback(&daemon, "wb-nobody", &rating).await.0, 401);
    assert_eq!(feedback(&daemon, KEY, &rating).await.0, 200);
    let rating = ask("one/m").await;
    let (status, told) = feedback(&daemon, KEY, &rating).await;
    assert_eq!((status, &told["counts"]), (200, &json!(false)), "{told}");
    assert!(told["why"].as_str().unwrap().contains("itself"), "{told}");
}
