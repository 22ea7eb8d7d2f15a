//! Reading the files again, and who may ask for it.

use super::world::{BASE, SECRET, World};

#[tokio::test]
async fn a_good_file_is_in_force_when_the_answer_comes() {
    let world = World::start().await;
    let same = world.ask("POST", "/api/v1/reload").await;
    assert_eq!(
        (same.status, same.json()["config_generation"].as_u64()),
        (200, Some(1))
    );
    assert_eq!(
        same.json()["changes"],
        serde_json::json!([]),
        "nothing changed"
    );
    std::fs::write(world.file(), BASE.replace("weight = 60", "weight = 90")).unwrap();
    let got = world.ask("POST", "/api/v1/reload").await;
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(got.json()["config_generation"], 2);
    let change = got.json()["changes"][0].as_str().unwrap().to_owned();
    assert!(change.contains("chat.targets.a"), "{change}");
    assert_eq!(got.json()["needs_restart"], serde_json::json!([]));
    let shown = world.ask("GET", "/api/v1/config").await.json();
    assert_eq!(shown["config_generation"], 2);
    assert_eq!(
        shown["config"]["routes"]["chat"]["targets"]["a"]["weight"], 90,
        "what is shown is what is in force"
    );
}

#[tokio::test]
async fn a_broken_file_is_a_conflict_with_all_that_is_wrong() {
    let world = World::start().await;
    let broken = BASE
        .replace("weight = 60", "weight = 60, wieght = 60")
        .replace("weight = 30", "weight = -3");
    std::fs::write(world.file(), broken).unwrap();
    let got = world.ask("POST", "/api/v1/reload").await;
    assert_eq!(got.status, 409, "{}", got.body);
    let problems = got.json()["problems"].clone();
    assert_eq!(
        problems.as_array().map(Vec::len),
        Some(2),
        "both at once: {problems}"
    );
    let first = &problems[0];
    assert_eq!(first["file"], "test.toml");
    assert_eq!(first["key"], "routes.chat.targets.a.wieght");
    assert!(
        first["line"].as_u64() > Some(1) && first["column"].as_u64() > Some(0),
        "{first}"
    );
    assert!(
        first["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("weight")),
        "{first}"
    );
    assert!(!got.body.contains(SECRET), "no key in it");
    let health = world.ask("GET", "/healthz").await;
    assert_eq!(health.status, 200, "it serves on");
    assert_eq!(health.json()["status"], "config_refused");
    assert_eq!(health.json()["config_generation"], 1, "the last good one");
    assert_eq!(health.json()["config"]["problems"], problems);
    std::fs::write(world.file(), BASE).unwrap();
    assert_eq!(
        world.ask("POST", "/api/v1/reload").await.status,
        200,
        "mended"
    );
    assert_eq!(world.ask("GET", "/healthz").await.json()["status"], "ok");
}

#[tokio::test]
async fn another_sites_page_cannot_have_files_read() {
    let world = World::start().await;
    let own = format!("http://{}", world.address);
    let accepted = || world.admin.board.reloads().0;
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let got = world
            .send("POST", "/api/v1/reload", &[("origin", origin)], "")
            .await;
        assert_eq!(got.status, 403, "{origin}");
    }
    assert_eq!(accepted(), 0, "nothing was read");
    let got = world
        .send("POST", "/api/v1/reload", &[("origin", &own)], "")
        .await;
    assert_eq!(got.status, 200, "its own page may");
    assert_eq!(accepted(), 1);
}

#[tokio::test]
async fn a_large_body_is_refused_and_a_small_one_ignored() {
    let world = World::start().await;
    let small = world.send("POST", "/api/v1/reload", &[], "{}").await;
    assert_eq!(small.status, 200);
    let large = world
        .send("POST", "/api/v1/reload", &[], &"x".repeat(70_000))
        .await;
    assert_eq!(large.status, 413);
}
