//! Health, routes, configuration, and what is refused.

use super::world::{BASE, SECRET, World};
use crate::model::{PicoUsd, TargetIndex};

#[tokio::test]
async fn health_has_the_names_that_others_look_for() {
    let world = World::start().await;
    for path in [
        "/healthz",
        "/livez",
        "/health",
        "/health/liveliness",
        "/healthz/",
    ] {
        let got = world.ask("GET", path).await;
        assert_eq!(got.status, 200, "{path}");
        assert_eq!(got.json()["status"], "ok", "{path}");
    }
    for path in ["/readyz", "/health/readiness"] {
        assert_eq!(world.ask("GET", path).await.status, 200, "{path}");
    }
    let head = world.ask("HEAD", "/healthz").await;
    assert_eq!(
        (head.status, head.body.as_str()),
        (200, ""),
        "a head without a body"
    );
}

#[tokio::test]
async fn a_draining_daemon_works_and_wants_no_traffic() {
    let world = World::start().await;
    world.admin.board.drain();
    let ready = world.ask("GET", "/readyz").await;
    assert_eq!(
        (ready.status, ready.json()["status"].as_str()),
        (503, Some("draining"))
    );
    assert_eq!(
        world.ask("GET", "/healthz").await.status,
        200,
        "it is not dead"
    );
}

#[tokio::test]
async fn a_draining_daemon_shows_everything_and_changes_nothing() {
    let world = World::start().await;
    let generation = world.admin.published.read().generation;
    std::fs::write(world.file(), BASE.replace("60", "50")).unwrap();
    world.admin.board.drain();
    let order = r#"{"route":"chat","frozen":true,"reason":"a test","seconds":60}"#;
    for (method, path, body) in [
        ("POST", "/api/v1/reload", ""),
        ("POST", "/api/v1/steering", order),
        (
            "POST",
            "/api/v1/switch",
            r#"{"off":true,"reason":"a test"}"#,
        ),
        (
            "POST",
            "/api/v1/keys",
            r#"{"name":"new","reason":"a test"}"#,
        ),
        ("POST", "/api/v1/keys/app", "{}"),
        ("PATCH", "/api/v1/keys/app", "{}"),
        ("DELETE", "/api/v1/keys/app", ""),
    ] {
        let got = world.send(method, path, &[], body).await;
        assert_eq!(got.status, 503, "{method} {path}: {}", got.body);
        assert!(
            got.body.contains("send it again"),
            "{method} {path}: {}",
            got.body
        );
        for header in ["connection: close", "retry-after: 1"] {
            assert!(got.head.contains(header), "{header}: {}", got.head);
        }
    }
    let snapshot = world.admin.published.read();
    assert_eq!(snapshot.generation, generation);
    assert!(snapshot.switch.thrown().is_none());
    for path in ["/metrics", "/api/v1/routes", "/api/v1/steering"] {
        assert_eq!(world.ask("GET", path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_route_is_shown_as_scripts_expect_it() {
    let world = World::start().await;
    world.decided().await;
    let cells = world
        .admin
        .published
        .read()
        .route("chat")
        .unwrap()
        .cells
        .clone();
    for index in [0, 0, 0, 1] {
        cells.picked(TargetIndex(index));
    }
    let got = world.ask("GET", "/api/v1/routes/chat").await;
    assert_eq!(got.status, 200, "{}", got.body);
    let route = got.json();
    assert_eq!(route["route"], "chat");
    assert_eq!(route["strategy"], "adaptive");
    assert_eq!(route["table_version"], 1);
    let target = &route["targets"][0];
    for (key, value) in [("name", "a"), ("use", "one/small"), ("state", "serving")] {
        assert_eq!(target[key], value, "{key}");
    }
    let share = |target: usize, key: &str| route["targets"][target][key].as_f64().unwrap();
    for key in ["configured", "proposed", "granted"] {
        let sum: f64 = (0..3).map(|target| share(target, key)).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{key} makes a whole, not {sum}");
    }
    assert!((share(0, "configured") - 0.6).abs() < 1e-9, "as a fraction");
    assert!(
        (share(0, "actual") - 0.75).abs() < 1e-9,
        "three of four first picks"
    );
    for key in ["samples", "confidence", "rails"] {
        assert!(!target[key].is_null(), "{key} is there");
    }
    for key in ["latency", "cost", "error"] {
        assert!(target["terms"][key].is_number(), "the term {key} is there");
    }
    let sentences = route["explanation"].as_array().unwrap();
    assert_eq!(sentences.len(), 4, "one for the route, one for each target");
}

#[tokio::test]
async fn a_spent_budget_is_why_a_target_takes_nothing() {
    let budget = "kind = \"simulated\"\nbudget = { month_usd = 1, at_limit = \"avoid\" }";
    let world = World::serving(&BASE.replace("kind = \"simulated\"", budget)).await;
    world.decided().await;
    let before = world.ask("GET", "/api/v1/routes/chat").await.json();
    assert!(before["targets"][1]["spent_until"].is_null(), "{before}");
    let snapshot = world.admin.published.read();
    let dollar = PicoUsd::new(1_000_000_000_000);
    let allowance = snapshot.budgets.provider("two").unwrap();
    allowance.spend(world.admin.clock.now(), dollar);
    let route = world.ask("GET", "/api/v1/routes/chat").await.json();
    let said = |line: usize| route["explanation"][line].as_str().unwrap();
    let why = "b: takes nothing: this month's budget of provider \"two\" is spent, until ";
    assert!(said(2).starts_with(why), "{route}");
    assert!(
        said(1).ends_with("; more than that while another's budget is spent"),
        "{route}"
    );
    assert_eq!(route["targets"][1]["sentence"], said(2));
    assert!(route["targets"][1]["spent_until"].is_number(), "{route}");
    assert!(route["targets"][0]["spent_until"].is_null(), "{route}");
}

#[tokio::test]
async fn a_target_whose_spent_budget_has_its_requests_refused_says_so() {
    for (spot, refused) in [
        ("kind = \"simulated\"\n", [false, true, true]),
        ("[routes.chat]\n", [true, true, true]),
    ] {
        let budget = format!("{spot}budget = {{ month_usd = 1, at_limit = \"refuse\" }}\n");
        let text = BASE.replace(
            "[routes.chat.targets]",
            "[routes.chat]\n[routes.chat.targets]",
        );
        let world = World::serving(&text.replace(spot, &budget)).await;
        world.decided().await;
        let snapshot = world.admin.published.read();
        let dollar = PicoUsd::new(1_000_000_000_000);
        snapshot.budgets.all()[0].spend(world.admin.clock.now(), dollar);
        let route = world.ask("GET", "/api/v1/routes/chat").await.json();
        for (place, refused) in refused.into_iter().enumerate() {
            let target = &route["targets"][place];
            let said = target["sentence"].as_str().unwrap();
            assert_eq!(target["spent_until"].is_number(), refused, "{route}");
            let why = ": its requests are refused (429): this month's budget of ";
            assert_eq!(said.contains(why), refused, "{said}");
            assert!(!said.contains("more than that"), "{said}");
        }
    }
}

#[tokio::test]
async fn all_routes_are_listed_in_the_order_of_their_names() {
    let world = World::start().await;
    let got = world.ask("GET", "/api/v1/routes").await.json();
    let names: Vec<&str> = got["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| route["route"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["chat", "summary"]);
    assert_eq!(got["config_generation"], 1);
}

#[tokio::test]
async fn a_route_that_is_not_there_names_those_alike() {
    let world = World::start().await;
    let got = world.ask("GET", "/api/v1/routes/chatt").await;
    assert_eq!(got.status, 404);
    assert_eq!(got.json()["error"]["nearest"], serde_json::json!(["chat"]));
}

#[tokio::test]
async fn the_configuration_is_shown_without_its_key() {
    let world = World::start().await;
    let got = world.ask("GET", "/api/v1/config").await;
    let shown = got.json();
    assert_eq!(shown["config_generation"], 1);
    assert_eq!(
        shown["digest"].as_str().map(str::len),
        Some(16),
        "a digest in hex"
    );
    assert_eq!(shown["config"]["providers"]["one"]["api_key"], "***");
    assert_eq!(
        shown["config"]["routes"]["chat"]["targets"]["a"]["weight"],
        60
    );
    for path in [
        "/api/v1/config",
        "/api/v1/routes",
        "/healthz",
        "/metrics",
        "/api/v1",
    ] {
        let got = world.ask("GET", path).await;
        assert!(!got.body.contains(SECRET), "{path} shows the key");
    }
}

#[tokio::test]
async fn wrong_paths_and_methods_are_told_in_json() {
    let world = World::start().await;
    for (method, path, status) in [
        ("GET", "/api", 200),
        ("GET", "/nothing", 404),
        ("GET", "/api/v1/routes/a/b", 404),
        ("POST", "/api/v1/routes", 405),
        ("DELETE", "/healthz", 405),
        ("GET", "/api/v1/reload", 405),
        ("PUT", "/api/v1/reload", 405),
    ] {
        let got = world.ask(method, path).await;
        assert_eq!(got.status, status, "{method} {path}");
        assert!(got.json().is_object(), "{method} {path}: {}", got.body);
    }
    let got = world.ask("GET", "/api/v1/reload").await;
    assert!(got.head.contains("allow: post"), "{}", got.head);
}

#[tokio::test]
async fn the_listener_ends_when_told_and_leaves_nothing_behind() {
    let world = World::start().await;
    assert_eq!(world.ask("GET", "/healthz").await.status, 200);
    let address = world.address.clone();
    world.end().await;
    let after = tokio::net::TcpStream::connect(&address).await;
    assert!(after.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_name_that_leads_here_reads_nothing() {
    let world = World::start().await;
    let paths = ["/api/v1/config", "/api/v1/routes", "/metrics", "/healthz"];
    for host in [
        "evil.example",
        "evil.example:9901",
        "localhost.evil.example",
    ] {
        for path in paths {
            let got = world.send("GET", path, &[("host", host)], "").await;
            assert_eq!(got.status, 403, "{path} of {host}");
            assert!(
                !got.body.contains("chat"),
                "{path} of {host} says {}",
                got.body
            );
        }
        let got = world
            .send("POST", "/api/v1/reload", &[("host", host)], "")
            .await;
        assert_eq!(got.status, 403, "a reload of {host}");
    }
    for host in [
        "localhost:9901",
        "LOCALHOST",
        "127.0.0.1",
        "[::1]:9901",
        "10.1.2.3:80",
    ] {
        let got = world
            .send("GET", "/api/v1/routes", &[("host", host)], "")
            .await;
        assert_eq!(got.status, 200, "{host} is no page's name");
    }
    let remote = format!("{BASE}[admin]\nallow_remote = true\n");
    std::fs::write(world.file(), remote).unwrap();
    assert_eq!(world.ask("POST", "/api/v1/reload").await.status, 200);
    let got = world
        .send("GET", "/healthz", &[("host", "weighbridge.internal")], "")
        .await;
    assert_eq!(got.status, 200, "whoever allows others gives it a name");
    world.end().await;
}
