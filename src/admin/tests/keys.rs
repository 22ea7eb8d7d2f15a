//! Client keys over the API, where there are no books and the files ask for none.

use serde_json::json;

use super::world::World;

#[tokio::test]
async fn what_cannot_be_done_about_a_key_has_its_status_and_says_what_to_do() {
    let world = World::start().await;
    let named = |name: &str| json!({ "name": name, "reason": "a test" }).to_string();
    let restore = json!({ "revoked": false, "reason": "a test" }).to_string();
    for (method, path, body, status, part) in [
        (
            "POST",
            "/api/v1/keys",
            named("app"),
            409,
            "set server.state to a folder",
        ),
        (
            "POST",
            "/api/v1/keys",
            "{".to_owned(),
            400,
            "the body is not what was expected",
        ),
        (
            "POST",
            "/api/v1/keys",
            json!({ "nmae": 1 }).to_string(),
            400,
            "unknown field",
        ),
        (
            "DELETE",
            "/api/v1/keys/app",
            String::new(),
            404,
            "no key is called \"app\"",
        ),
        (
            "PATCH",
            "/api/v1/keys/app",
            restore,
            404,
            "no key is called",
        ),
        (
            "PATCH",
            "/api/v1/keys/app",
            json!({ "revoked": true }).to_string(),
            400,
            "reason",
        ),
        (
            "PUT",
            "/api/v1/keys/app",
            String::new(),
            405,
            "expected POST, DELETE, PATCH",
        ),
    ] {
        let got = world.send(method, path, &[], &body).await;
        assert_eq!(got.status, status, "{method} {path} {body}: {}", got.body);
        let message = got.json()["error"]["message"].to_string();
        assert!(
            message.replace("\\\"", "\"").contains(part),
            "{method} {path}: {message}"
        );
    }
    let listed = world.ask("GET", "/api/v1/keys").await.json();
    assert_eq!(listed, json!({ "keys": [], "asked_for": false }));
}

#[tokio::test]
async fn a_wish_for_a_new_secret_is_read_before_it_is_refused() {
    let world = World::start().await;
    for (body, status, part) in [
        (json!({ "grace": "24h" }), 400, "unknown field"),
        (json!({ "seconds": -1 }), 400, "seconds"),
        (
            json!({ "seconds": 60 }),
            409,
            "set server.state to a folder",
        ),
    ] {
        let body = body.to_string();
        let got = world.send("POST", "/api/v1/keys/app", &[], &body).await;
        assert_eq!(got.status, status, "{body}: {}", got.body);
        assert!(got.body.contains(part), "{body}: {}", got.body);
    }
}
