//! Orders and the kill switch over the API.

use serde_json::{Value, json};

use super::world::{BASE, Got, World};
use crate::model::PicoUsd;

impl World {
    async fn order(&self, order: &Value) -> Got {
        let json = [("content-type", "application/json")];
        let body = order.to_string();
        self.send("POST", "/api/v1/steering", &json, &body).await
    }
}

fn pin(share: f64) -> Value {
    json!({ "action": "pin", "route": "chat", "target": "a", "share": share, "reason": "a test" })
}

#[tokio::test]
async fn an_order_is_made_listed_shown_and_ended() {
    let world = World::start().await;
    world.decided().await;
    let made = world.order(&pin(0.25)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    assert_eq!((&made["id"], &made["by"]), (&json!("1"), &json!("api")));
    assert_eq!(made["kept"], false, "there are no books");
    assert!(
        made["message"].to_string().contains("a restart forgets"),
        "{made}"
    );
    let steering = world.ask("GET", "/api/v1/steering").await.json();
    assert_eq!(steering["orders"][0]["share"], 0.25);
    assert_eq!(steering["orders"][0]["routes"], json!(["chat"]));
    let overview = world.ask("GET", "/api/v1/overview").await.json();
    assert_eq!(overview["steering"], 1);
    let route = world.ask("GET", "/api/v1/routes/chat").await.json();
    let said = route["explanation"].to_string();
    assert!(
        said.contains("order 1: pin a of chat at 25.0 %, by api until"),
        "{said}"
    );
    let ended = world.ask("DELETE", "/api/v1/steering/1?by=ada").await;
    assert_eq!(ended.status, 200, "{}", ended.body);
    let steering = world.ask("GET", "/api/v1/steering").await.json();
    assert_eq!(steering["orders"], json!([]));
}

#[tokio::test]
async fn who_is_kept_away_by_a_spent_budget_does_not_serve_in_place_of_who_is_drained() {
    let budget = "kind = \"simulated\"\nbudget = { month_usd = 1, at_limit = \"avoid\" }";
    let world = World::serving(&BASE.replace("kind = \"simulated\"", budget)).await;
    let drain = |target: &str, force: bool| json!({ "action": "drain", "route": "chat", "target": target, "reason": "a test", "force": force });
    let accepted = world.order(&drain("a", false)).await;
    assert_eq!(accepted.status, 201, "{}", accepted.body);
    let ended = world.ask("DELETE", "/api/v1/steering/1").await;
    assert_eq!(ended.status, 200, "{}", ended.body);
    let snapshot = world.admin.published.read();
    let dollar = PicoUsd::new(1_000_000_000_000);
    snapshot.budgets.all()[0].spend(world.admin.clock.now(), dollar);
    let refused = world.order(&drain("a", false)).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    let json = refused.json();
    let message = json["error"]["message"].as_str().unwrap();
    for part in [
        "nobody to serve chat: this month's budget of provider \"two\" is spent, until ",
        "; --force ",
    ] {
        assert!(message.contains(part), "{message}");
    }
    for (target, force) in [("b", false), ("a", true)] {
        let accepted = world.order(&drain(target, force)).await;
        assert_eq!(accepted.status, 201, "{}", accepted.body);
    }
}

#[tokio::test]
async fn each_fault_of_an_order_has_its_status() {
    let world = World::start().await;
    let drain = |target: &str| json!({ "action": "drain", "target": target, "reason": "a test" });
    for (order, status, part) in [
        (json!({ "action": "pin" }), 400, "route: expected"),
        (json!("pin"), 400, "the body is not what was expected"),
        (
            json!({ "action": "drain", "target": "a", "whom": 1 }),
            400,
            "unknown field",
        ),
        (
            json!({ "action": "drain", "target": "a" }),
            400,
            "reason: expected",
        ),
        (pin(1.5), 400, "found 1.5"),
        (drain("two/smal"), 404, "did you mean two/small?"),
        (drain("one"), 409, "nobody to serve summary"),
    ] {
        let got = world.order(&order).await;
        assert_eq!(got.status, status, "{order}: {}", got.body);
        let message = got.json()["error"]["message"].to_string();
        assert!(message.contains(part), "{order}: {message}");
    }
    let gone = world.ask("DELETE", "/api/v1/steering/9").await;
    assert_eq!(gone.status, 404, "{}", gone.body);
    let foreign = [("origin", "http://evil.example"), ("host", "127.0.0.1")];
    let body = pin(0.2).to_string();
    let got = world
        .send("POST", "/api/v1/steering", &foreign, &body)
        .await;
    assert_eq!(got.status, 403, "another site's page steers nothing");
    assert!(world.admin.board.steering().is_empty());
}

#[tokio::test]
async fn the_kill_switch_is_thrown_and_seen() {
    let world = World::start().await;
    let throw = |off: bool| json!({ "off": off, "reason": "it hangs", "by": "ada" }).to_string();
    let got = world
        .send("POST", "/api/v1/switch", &[], &throw(true))
        .await;
    assert_eq!((got.status, &got.json()["off"]), (200, &json!(true)));
    let snapshot = world.admin.published.read();
    assert!(!snapshot.route("chat").unwrap().row().guarded);
    let health = world.ask("GET", "/healthz").await.json();
    assert_eq!(health["switch"]["thrown"]["by"], "ada");
    let route = world.ask("GET", "/api/v1/routes/chat").await.json();
    let said = route["explanation"].to_string();
    assert!(
        said.contains("the kill switch is off, by ada: it hangs"),
        "{said}"
    );
    world
        .send("POST", "/api/v1/switch", &[], &throw(false))
        .await;
    assert!(snapshot.route("chat").unwrap().row().guarded);
    let nameless = r#"{"off":true,"reason":""}"#;
    let got = world.send("POST", "/api/v1/switch", &[], nameless).await;
    assert_eq!(got.status, 400, "{}", got.body);
}
