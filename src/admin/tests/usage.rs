use super::world::World;

#[tokio::test]
async fn without_books_usage_says_what_to_set() {
    let world = World::start().await;
    let got = world.ask("GET", "/api/v1/usage?by=team").await;
    assert_eq!(got.status, 409);
    let message = got.json()["error"]["message"].to_string();
    assert!(message.contains("server.state"), "{message}");
    let got = world.ask("GET", "/api/v1/usage?by=teem").await;
    assert_eq!(got.status, 400, "a word that is none");
    let got = world.ask("GET", "/api/v1/usage?since=yesterday").await;
    assert_eq!(got.status, 400, "a moment that is none");
    world.end().await;
}

#[tokio::test]
async fn without_books_nobody_can_tell_what_obeying_would_have_changed() {
    let world = World::start().await;
    let got = world.ask("GET", "/api/v1/report?since=7d").await;
    assert_eq!(got.status, 409);
    let message = got.json()["error"]["message"].to_string();
    assert!(message.contains("server.state"), "{message}");
    let got = world.ask("GET", "/api/v1/report?until=tomorrow").await;
    assert_eq!(got.status, 400, "a moment that is none");
    world.end().await;
}
