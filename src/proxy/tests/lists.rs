//! Lists that requests bring, targets that they name, and who is eligible.

use super::faultd::{Act, Faultd, answer_of, response};
use super::world::{Got, Plan, Spec, World, ask};
use crate::config::{Fallback, Mode};
use crate::model::{Outcome, UpstreamName};

async fn two(change: impl FnOnce(&mut Plan)) -> (World, [Faultd; 2]) {
    let targets = [
        Faultd::start(Act::Answer(answer_of("one"))).await,
        Faultd::start(Act::Answer(answer_of("two"))).await,
    ];
    let specs = targets.iter().map(|target| Spec::new(target.address, 0.5));
    let mut plan = Plan::new(specs.collect());
    change(&mut plan);
    (plan.start().await, targets)
}

/// Sends `many` chats over one connection, after each other.
async fn served(world: &World, many: usize, body: &str) -> [usize; 2] {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let mut counts = [0, 0];
    for _ in 0..many {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut got = Vec::new();
        // Every answer of these targets ends with its usage.
        while !got.ends_with(b"\"completion_tokens\":2}}") {
            assert!(
                stream.read_buf(&mut got).await.unwrap() > 0,
                "{}",
                String::from_utf8_lossy(&got)
            );
        }
        let second = memchr::memmem::find(&got, b"x-weighbridge-provider: p1").is_some();
        counts[usize::from(second)] += 1;
    }
    counts
}

async fn check_weights(body: &str, share: f64) {
    const MANY: usize = 2_000;
    let (world, _targets) = two(|_| {}).await;
    let [first, second] = served(&world, MANY, body).await;
    assert_eq!(first + second, MANY, "every request is answered once");
    let error = (share * (1.0 - share) / MANY as f64).sqrt();
    let got = first as f64 / MANY as f64;
    assert!(
        (got - share).abs() <= 4.0 * error,
        "expected {share}, got {got}"
    );
}

#[tokio::test]
async fn two_thousand_requests_follow_the_lists_weights() {
    let body = r#"{"model":"x","orq":{"load_balancer":[{"model":"p0/m","weight":0.4},{"model":"p1/m","weight":0.8}]}}"#;
    check_weights(body, 1.0 / 3.0).await;
}

#[tokio::test]
async fn five_percent_are_five_percent() {
    let body = r#"{"load_balancer":{"type":"weight_based","models":[{"model":"p0/m","weight":0.05},{"model":"p1/m","weight":0.95}]}}"#;
    check_weights(body, 0.05).await;
}

#[tokio::test]
async fn a_round_robin_is_even_to_the_request() {
    let body = r#"{"load_balancer":{"type":"round_robin","models":[{"model":"p0/m","weight":0.9},{"model":"p1/m"}]}}"#;
    let (world, _targets) = two(|_| {}).await;
    let [first, _] = served(&world, 100, body).await;
    assert!(
        (49..=51).contains(&first),
        "whatever the weights say: {first}"
    );
}

#[tokio::test]
async fn a_route_follows_its_weights_to_within_a_request_or_two() {
    let (world, _targets) = two(|plan| plan.targets[0].weight = 1.5).await;
    let [first, _] = served(&world, 100, &ask(false)).await;
    assert!(
        (73..=77).contains(&first),
        "75 of 100, evenly drawn: {first}"
    );
}

#[tokio::test]
async fn an_adaptive_list_leaves_an_ejected_target_alone() {
    let body = r#"{"load_balancer":{"type":"adaptive","models":[{"model":"p0/m"},{"model":"p1/m"}]},"retry":{"count":2}}"#;
    let (world, targets) = two(|_| {}).await;
    targets[0].now_do(Act::Answer(response(
        "500 Internal Server Error",
        "text/plain",
        "x",
    )));
    let counts = served(&world, 30, body).await;
    assert_eq!(counts, [0, 30], "every request is answered by the other");
    let asked = targets[0].seen().len();
    assert_eq!(asked, 3, "three faults in a row eject it, then nobody asks");
}

#[tokio::test]
async fn weight_zero_gets_nothing_not_even_after_a_failure() {
    let body = r#"{"load_balancer":[{"model":"p0/m","weight":1},{"model":"p1/m","weight":0}],"retry":{"count":0}}"#;
    let (world, targets) = two(|_| {}).await;
    targets[0].now_do(Act::Reset);
    let got = world.chat(body).await;
    assert_eq!(got.status, 502, "{got:?}");
    let body = body.replace("\"count\":0", "\"count\":1");
    assert_eq!(world.chat(&body).await.status, 502);
    assert_eq!(targets[1].seen().len(), 0, "drained is drained");
}

#[tokio::test]
async fn lists_can_be_switched_off() {
    let (world, _targets) = two(|plan| plan.lists = false).await;
    let got = world.chat(r#"{"load_balancer":[{"model":"p0/m"}]}"#).await;
    assert_eq!(got.status, 400);
    assert!(got.error("message").contains("requests.lists"), "{got:?}");
}

#[tokio::test]
async fn a_target_can_be_named_and_gets_its_own_model() {
    let (world, targets) = two(|_| {}).await;
    let got = world.chat(r#"{"model":"p1/some/model","x":1}"#).await;
    assert_eq!(
        (
            got.header("x-weighbridge-route"),
            got.header("x-weighbridge-target")
        ),
        ("direct", "p1/some/model")
    );
    assert_eq!(got.header("x-weighbridge-model"), "some/model");
    assert!(
        targets[1].seen()[0].ends_with(r#"{"model":"some/model","x":1}"#),
        "split at the first slash only"
    );
}

#[tokio::test]
async fn unknown_fields_reach_the_target_byte_for_byte_and_the_key_is_ours() {
    let (world, targets) = two(|_| {}).await;
    let rest = r#""temperature": 0.1000,"new_field":{"a":[1,2.50,"\u00e9é"]},  "messages":[{"role":"user","content":"x"}]"#;
    let body = format!(r#"{{"model":"chat",{rest},"orq":{{"retries":{{"count":1}}}}}}"#);
    let request = String::from_utf8(super::world::post(&body)).unwrap();
    let secrets = "authorization: Bearer clients-key\r\ncookie: a=b\r\nx-forwarded-for: 1.2.3.4\r\nte: trailers\r\n";
    let request = request.replacen("host: x\r\n", &format!("host: x\r\n{secrets}"), 1);
    let got: Got = world.send(request.as_bytes()).await;
    assert_eq!(got.status, 200, "{got:?}");
    let seen = targets[0].seen().concat();
    assert!(
        seen.ends_with(&format!(r#"{{"model":"m",{rest}}}"#)),
        "{seen}"
    );
    assert!(
        seen.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"),
        "{seen}"
    );
    let head = seen.to_lowercase();
    assert!(
        head.contains("authorization: bearer sk-key-of-p0"),
        "the target's key: {seen}"
    );
    for private in [
        "clients-key",
        "cookie",
        "x-forwarded-for",
        "\r\nte:",
        "connection:",
    ] {
        assert!(!head.contains(private), "{private} must stay here: {seen}");
    }
    assert!(
        head.contains(&format!("host: {}", targets[0].address)),
        "its own Host: {seen}"
    );
}

#[tokio::test]
async fn only_eligible_targets_are_asked_whatever_fails() {
    let (world, targets) = two(|plan| {
        plan.require = vec!["eu".into()];
        plan.targets[1].tags = vec!["eu".into()];
    })
    .await;
    targets[1].now_do(Act::Reset);
    let body = r#"{"model":"chat","retry":{"count":1}}"#;
    assert_eq!(world.chat(body).await.status, 502);
    assert_eq!(
        targets[0].seen().len(),
        0,
        "failover does not widen the rule"
    );
    assert!(targets[1].seen().len() >= 2, "it is tried again instead");
}

#[tokio::test]
async fn nobody_eligible_is_said_with_the_rule() {
    let (world, _targets) = two(|plan| plan.require = vec!["eu".into()]).await;
    let got = world.chat(&ask(false)).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (503, "no_eligible_target")
    );
    assert!(
        got.error("message").contains("the tag \"eu\" is required"),
        "{got:?}"
    );
}

#[tokio::test]
async fn fallbacks_serve_when_the_route_has_nobody_left() {
    let last = Faultd::start(Act::Answer(answer_of("three"))).await;
    let bad = Faultd::start(Act::Reset).await;
    let mut plan = Plan::new(vec![
        Spec::new(bad.address, 1.0),
        Spec::new(last.address, 0.0),
    ]);
    plan.fallbacks = vec![Fallback::Upstream(UpstreamName::new("p1/m").unwrap())];
    let world = plan.start().await;
    for _ in 0..5 {
        let got = world.chat(&ask(false)).await;
        assert_eq!(
            (got.status, got.header("x-weighbridge-provider")),
            (200, "p1"),
            "{got:?}"
        );
    }
    let attempts = world.attempts().await;
    let faults = attempts
        .iter()
        .filter(|(_, outcome)| *outcome == Outcome::Transport)
        .count();
    assert_eq!(
        faults, 3,
        "once ejected, the route goes to its fallback at once: {attempts:?}"
    );
}

#[tokio::test]
async fn without_the_controller_nothing_is_ejected() {
    let (world, targets) = two(|plan| plan.mode = Mode::Off).await;
    targets[0].now_do(Act::Reset);
    served(&world, 20, &ask(false)).await;
    assert_eq!(
        targets[0].seen().len(),
        10,
        "the configured shares hold, failover acts"
    );
}
