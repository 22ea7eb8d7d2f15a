//! Several credentials of one provider: what one is told does not count against it while another works.

use super::faultd::{Act, Faultd, answer_of, response};
use super::world::{Got, Plan, Spec, World, ask};
use crate::config::{GoogleLogin, Login};
use crate::model::Outcome;

const REFUSED: &str = "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"no\"}}";
const LIMITED: &str = "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"slow down\"}}";

fn refusal() -> Vec<u8> {
    response("401 Unauthorized", "application/json", REFUSED)
}

fn limit(seconds: u32) -> Vec<u8> {
    let kind = format!("application/json\r\nretry-after: {seconds}");
    response("429 Too Many Requests", &kind, LIMITED)
}

/// A target with `keys`, which answers each by its name.
async fn world(keys: &[&'static str], answers: &[(&'static str, Vec<u8>)]) -> (World, Faultd) {
    let target = Faultd::start(by_key(answers)).await;
    let mut spec = Spec::new(target.address, 1.0);
    spec.keys = keys.to_vec();
    (Plan::new(vec![spec]).start().await, target)
}

fn by_key(answers: &[(&'static str, Vec<u8>)]) -> Act {
    let answers = answers
        .iter()
        .map(|(key, answer)| (format!("Bearer {key}\r\n"), answer.clone()));
    Act::ByHead(answers.collect(), answer_of("hello"))
}

async fn chats(world: &World, many: usize) -> Vec<Got> {
    let mut got = Vec::new();
    for _ in 0..many {
        got.push(world.chat(&ask(false)).await);
    }
    got
}

fn uses(target: &Faultd, key: &str) -> usize {
    let wanted = format!("authorization: Bearer {key}\r\n");
    let seen = target.seen();
    seen.iter().filter(|seen| seen.contains(&wanted)).count()
}

#[tokio::test]
async fn keys_are_used_in_turn() {
    let (world, target) = world(&["k-one", "k-two", "k-three"], &[]).await;
    assert!(chats(&world, 9).await.iter().all(|got| got.status == 200));
    for key in ["k-one", "k-two", "k-three"] {
        assert_eq!(uses(&target, key), 3, "{key}");
    }
}

#[tokio::test]
async fn a_refused_key_costs_no_request_and_does_not_eject_its_target() {
    let (world, target) = world(&["k-bad", "k-good"], &[("k-bad", refusal())]).await;
    for got in chats(&world, 6).await {
        assert_eq!(got.status, 200, "{got:?}");
        assert_eq!(got.header("x-weighbridge-attempts"), "1");
    }
    assert_eq!(uses(&target, "k-bad"), 1, "then it is set aside");
    assert_eq!(uses(&target, "k-good"), 6);
    assert!(world.upstreams[0].gate().serving, "its target goes on");
    let attempts = world.attempts().await;
    assert!(
        attempts.iter().all(|(_, outcome)| *outcome == Outcome::Ok),
        "{attempts:?}"
    );
}

#[tokio::test]
async fn a_target_of_which_all_keys_are_refused_is_ejected() {
    let answers = [("k-bad", refusal()), ("k-worse", refusal())];
    let (world, target) = world(&["k-bad", "k-worse"], &answers).await;
    let got = world.chat(&ask(false)).await;
    assert_ne!(got.status, 200);
    assert!(!got.body.contains("k-"), "{got:?}");
    assert_eq!(target.seen().len(), 2, "each was tried");
    assert_eq!(
        world.attempts().await,
        [("p0/m".to_owned(), Outcome::Auth)],
        "as one attempt"
    );
    assert!(world.upstreams[0].gate().serving, "one request says little");
    world.chat(&ask(false)).await;
    world.attempts().await;
    assert!(!world.upstreams[0].gate().serving);
}

#[tokio::test]
async fn a_key_that_is_used_up_is_spared_and_blocks_nobody() {
    let (world, target) = world(&["k-empty", "k-good"], &[("k-empty", limit(60))]).await;
    assert!(chats(&world, 5).await.iter().all(|got| got.status == 200));
    assert_eq!(uses(&target, "k-empty"), 1);
    assert_eq!(world.upstreams[0].gate().blocked_until.as_micros(), 0);
}

#[tokio::test]
async fn a_target_waits_for_its_next_key_when_all_are_refused_or_used_up() {
    let answers = [("k-bad", refusal()), ("k-empty", limit(60))];
    let (world, _target) = world(&["k-bad", "k-empty"], &answers).await;
    let got = world.chat(&ask(false)).await;
    assert_eq!(got.status, 429, "{got:?}");
    assert_eq!(
        world.attempts().await,
        [("p0/m".to_owned(), Outcome::RateLimited)]
    );
    let gate = world.upstreams[0].gate();
    assert!(gate.serving, "one of the keys is only used up");
    assert!(gate.blocked_until.as_micros() > 30_000_000);
}

#[tokio::test]
async fn a_refusal_inside_an_answer_does_not_eject_the_target_either() {
    let told = response("200 OK", "application/json", REFUSED);
    let (world, target) = world(&["k-bad", "k-good"], &[("k-bad", told)]).await;
    for got in chats(&world, 4).await {
        assert_eq!(got.status, 200, "{got:?}");
    }
    assert_eq!(uses(&target, "k-bad"), 1);
    assert!(world.upstreams[0].gate().serving);
}

#[tokio::test]
async fn a_target_without_a_valid_token_is_not_called_and_the_next_one_is() {
    let without = Faultd::start(Act::Answer(answer_of("never"))).await;
    let with = Faultd::start(Act::Answer(answer_of("hello"))).await;
    let mut spec = Spec::new(without.address, 1.0);
    spec.login = Some(Login::Google(GoogleLogin::Machine {
        host: "127.0.0.1:1".to_owned(),
    }));
    let world = Plan::new(vec![spec, Spec::new(with.address, 1.0)])
        .start()
        .await;
    for got in chats(&world, 6).await {
        assert_eq!(got.status, 200, "{}", got.body);
    }
    assert_eq!(without.seen().len(), 0, "it would refuse them");
    assert_eq!(with.seen().len(), 6);
}
