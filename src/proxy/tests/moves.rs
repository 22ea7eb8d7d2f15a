//! Conversations that belong to a provider: they stay there, and are moved without what only it understands.

use std::sync::Arc;

use serde_json::{Value, json};

use super::faultd::{Act, Faultd, response};
use super::world::{Got, Plan, Spec, World};
use crate::config::{Fallback, Interface, OnLostOrigin};
use crate::model::{Outcome, UpstreamName};
use crate::wire::seal::Origin;

/// A request to `path` with `body`, on a connection of its own.
pub(super) fn post_to(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn json_of(status: &str, body: &Value) -> Vec<u8> {
    response(status, "application/json", &body.to_string())
}

/// An answer of Messages with a thought that `name` signed.
fn thought(name: &str) -> Act {
    Act::Answer(json_of(
        "200 OK",
        &json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [
            {"type": "thinking", "thinking": "hm", "signature": format!("sig.{name}")},
            {"type": "text", "text": "hello"}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 2}}),
    ))
}

fn refusal() -> Act {
    Act::Answer(json_of(
        "400 Bad Request",
        &json!({"type": "error", "error": {"type": "invalid_request_error", "message": "this will not do"}}),
    ))
}

fn failure() -> Act {
    Act::Answer(json_of(
        "500 Internal Server Error",
        &json!({"error": {"message": "down"}}),
    ))
}

fn mark(name: &str) -> String {
    format!("wb1_{}_", Origin::of(name))
}

/// The second turn of a conversation whose thought is `signature`.
fn second(signature: &str) -> String {
    format!(
        r#"{{"model":"chat","max_tokens":9,  "messages":[{{"role":"user","content":"hi"}},{{"role":"assistant","content":[{{"type":"thinking","thinking":"hm","signature":"{signature}"}},{{"type":"text","text":"hello"}}]}},{{"role":"user","content":"go on"}}]}}"#
    )
}

async fn world(acts: Vec<Act>, change: impl FnOnce(&mut Plan)) -> (World, Vec<Faultd>) {
    let mut targets = Vec::new();
    for act in acts {
        targets.push(Faultd::start(act).await);
    }
    let specs = targets.iter();
    let specs = specs.map(|target| Spec::speaking(target.address, Interface::Anthropic));
    let mut plan = Plan::new(specs.collect());
    change(&mut plan);
    (plan.start().await, targets)
}

async fn go_on(world: &World, body: &str) -> Got {
    world.send(&post_to("/v1/messages", body)).await
}

fn counts(targets: &[Faultd]) -> Vec<usize> {
    targets.iter().map(|target| target.seen().len()).collect()
}

fn last_body(target: &Faultd) -> String {
    let seen = target.seen();
    let (_, body) = seen.last().unwrap().split_once("\r\n\r\n").unwrap();
    body.to_owned()
}

#[tokio::test]
async fn state_is_marked_only_where_another_provider_may_go_on() {
    let (alone, _targets) = world(vec![thought("p0")], |_| {}).await;
    let got = go_on(&alone, &second("x")).await;
    assert!(got.body.contains(r#""signature":"sig.p0""#), "{got:?}");
    let (both, _targets) = world(vec![thought("p0"), thought("p1")], |_| {}).await;
    let got = go_on(&both, &second("x")).await;
    let name = got.header("x-weighbridge-provider").to_owned();
    let marked = format!(r#""signature":"{}sig.{name}""#, mark(&name));
    assert!(got.body.contains(&marked), "{got:?}");
}

#[tokio::test]
async fn a_conversation_stays_with_its_origin_which_sees_the_bytes_of_the_client() {
    let (world, targets) = world(vec![thought("p0"), thought("p1"), thought("p2")], |_| {}).await;
    for _ in 0..6 {
        let got = go_on(&world, &second(&format!("{}sig.p1", mark("p1")))).await;
        assert_eq!(got.header("x-weighbridge-provider"), "p1");
        assert_eq!(got.header("x-weighbridge-stripped"), "");
    }
    assert_eq!(counts(&targets), [0, 6, 0]);
    let sent = second("sig.p1").replace(r#""model":"chat""#, r#""model":"m""#);
    assert_eq!(last_body(&targets[1]), sent);
}

#[tokio::test]
async fn a_failed_origin_loses_its_conversation_without_its_thoughts() {
    let (world, targets) = world(vec![failure(), thought("p1")], |_| {}).await;
    let got = go_on(&world, &second(&format!("{}sig.p0", mark("p0")))).await;
    assert_eq!(
        (got.status, got.header("x-weighbridge-provider")),
        (200, "p1"),
        "{got:?}"
    );
    assert_eq!(got.header("x-weighbridge-stripped"), "p0");
    assert_eq!(got.header("x-weighbridge-attempts"), "2");
    assert!(
        got.body.contains(&mark("p1")),
        "it is the other's now: {got:?}"
    );
    assert_eq!(counts(&targets), [1, 1]);
    let body: Value = serde_json::from_str(&last_body(&targets[1])).unwrap();
    assert_eq!(
        body["messages"][1]["content"],
        json!([{"type": "text", "text": "hello"}])
    );
}

#[tokio::test]
async fn a_drained_or_unknown_origin_is_gone_at_once() {
    let (world, targets) = world(vec![thought("p0"), thought("p1")], |plan| {
        plan.targets[0].weight = 0.0;
    })
    .await;
    let got = go_on(&world, &second(&format!("{}sig.p0", mark("p0")))).await;
    assert_eq!(
        (got.status, got.header("x-weighbridge-stripped")),
        (200, "p0"),
        "{got:?}"
    );
    let got = go_on(&world, &second("wb1_0000002a_sig")).await;
    assert_eq!(
        (got.status, got.header("x-weighbridge-stripped")),
        (200, "0000002a"),
        "{got:?}"
    );
    assert_eq!(counts(&targets), [0, 2]);
}

#[tokio::test]
async fn the_newest_of_two_origins_counts_and_the_others_thoughts_go() {
    let (world, targets) = world(vec![thought("p0"), thought("p1")], |_| {}).await;
    let body = json!({"model": "chat", "max_tokens": 9, "messages": [
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "old", "signature": format!("{}sig.p0", mark("p0"))},
            {"type": "text", "text": "hello"}]},
        {"role": "user", "content": "go on"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "new", "signature": format!("{}sig.p1", mark("p1"))},
            {"type": "text", "text": "well"}]},
        {"role": "user", "content": "go on"}]});
    let got = go_on(&world, &body.to_string()).await;
    assert_eq!(got.header("x-weighbridge-provider"), "p1");
    assert_eq!(got.header("x-weighbridge-stripped"), "p0", "{got:?}");
    assert_eq!(counts(&targets), [0, 1]);
    let sent = last_body(&targets[1]);
    assert!(
        sent.contains("\"sig.p1\"") && !sent.contains("sig.p0"),
        "{sent}"
    );
}

#[tokio::test]
async fn where_conversations_may_not_be_moved_the_client_is_told() {
    for (act, reason) in [(failure(), "500"), (Act::Reset, "broke")] {
        let (world, targets) = world(vec![act, thought("p1")], |plan| {
            plan.on_lost_origin = OnLostOrigin::Fail;
        })
        .await;
        let got = go_on(&world, &second(&format!("{}sig.p0", mark("p0")))).await;
        assert_eq!(got.status, 409, "{reason}: {got:?}");
        assert!(got.error("message").contains("\"p0\""), "{reason}: {got:?}");
        assert_eq!(counts(&targets), [1, 0], "{reason}");
        let ended = world.requests().await;
        assert_eq!(ended[0].code, Some("origin_lost"), "{reason}");
    }
}

#[tokio::test]
async fn a_stored_conversation_fails_with_its_origin_whatever_is_configured() {
    let target = || async { Faultd::start(failure()).await };
    let (first, second) = (target().await, target().await);
    let specs = vec![
        Spec::new(first.address, 1.0),
        Spec::new(second.address, 1.0),
    ];
    let world = Plan::new(specs).start().await;
    let body = format!(
        r#"{{"model":"chat","input":"go on","previous_response_id":"{}resp_1"}}"#,
        mark("p1")
    );
    let got = world.send(&post_to("/v1/responses", &body)).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (409, "origin_lost"),
        "{got:?}"
    );
    assert!(
        got.error("message").contains("previous_response_id"),
        "{got:?}"
    );
    assert_eq!((first.seen().len(), second.seen().len()), (0, 1));
    let sent = last_body(&second);
    assert!(
        sent.contains(r#""previous_response_id":"resp_1""#),
        "{sent}"
    );
}

#[tokio::test]
async fn a_refusal_of_what_was_moved_is_not_the_clients() {
    let (world, targets) = world(vec![failure(), refusal(), thought("p2")], |_| {}).await;
    let body = second(&format!("{}sig.p0", mark("p0")));
    let got = loop {
        let got = go_on(&world, &body).await;
        assert_eq!(
            (got.status, got.header("x-weighbridge-provider")),
            (200, "p2"),
            "{got:?}"
        );
        if !targets[1].seen().is_empty() {
            break got;
        }
    };
    assert_eq!(got.header("x-weighbridge-stripped"), "p0");
    let attempts = world.attempts().await;
    let of_p1: Vec<Outcome> = attempts
        .iter()
        .filter(|(name, _)| name == "p1/m")
        .map(|(_, outcome)| *outcome)
        .collect();
    assert_eq!(of_p1, [Outcome::MoveRefused]);
}

#[tokio::test]
async fn a_conversation_that_nobody_takes_over_is_lost() {
    let (world, targets) = world(vec![failure(), refusal()], |_| {}).await;
    let got = go_on(&world, &second(&format!("{}sig.p0", mark("p0")))).await;
    assert_eq!(got.status, 409, "{got:?}");
    assert!(got.error("message").contains("this will not do"), "{got:?}");
    assert_eq!(counts(&targets), [1, 1]);
}

#[tokio::test]
async fn a_mistake_that_the_origin_finds_is_the_clients() {
    let (world, targets) = world(vec![refusal(), thought("p1")], |_| {}).await;
    let got = go_on(&world, &second(&format!("{}sig.p0", mark("p0")))).await;
    assert_eq!(
        (got.status, got.error("message").as_str()),
        (400, "this will not do")
    );
    assert_eq!(counts(&targets), [1, 0]);
    assert_eq!(world.attempts().await[0].1, Outcome::ClientFault);
}

#[tokio::test]
async fn an_origin_without_substitute_is_tried_as_any_other() {
    let (world, targets) = world(vec![failure()], |_| {}).await;
    let got = go_on(&world, &second(&format!("{}sig.p0", mark("p0")))).await;
    assert_eq!(got.status, 502, "{got:?}");
    assert_eq!(counts(&targets), [3], "with the retries of everybody");
}

#[tokio::test]
async fn a_fallback_keeps_the_conversations_that_it_began() {
    let (world, targets) = world(vec![thought("p0"), thought("p1")], |plan| {
        plan.targets[1].weight = 0.0;
        plan.fallbacks = vec![Fallback::Upstream(UpstreamName::new("p1/m").unwrap())];
    })
    .await;
    let got = go_on(&world, &second(&format!("{}sig.p1", mark("p1")))).await;
    assert_eq!(
        (got.status, got.header("x-weighbridge-provider")),
        (200, "p1"),
        "{got:?}"
    );
    assert_eq!(got.header("x-weighbridge-stripped"), "");
    assert_eq!(counts(&targets), [0, 1]);
}

#[tokio::test]
async fn an_origin_that_is_known_to_be_ill_is_not_asked() {
    let (world, targets) = world(vec![failure(), thought("p1")], |_| {}).await;
    let body = second(&format!("{}sig.p0", mark("p0")));
    for _ in 0..8 {
        assert_eq!(go_on(&world, &body).await.status, 200);
    }
    assert_eq!(counts(&targets), [3, 8], "three faults in a row eject it");
}

#[tokio::test]
async fn thoughts_of_another_dialect_are_marked_and_come_back() {
    let make = Arc::new(|request: &str| {
        let answer = json!({"id": "c", "object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "hello", "reasoning_details": [
                {"type": "reasoning.text", "text": "hm", "signature": "sig.p0"}]}}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2}});
        assert!(!request.contains("wb1_"), "no mark leaves: {request}");
        json_of("200 OK", &answer)
    });
    let target = Faultd::start(Act::Reply(make)).await;
    let other = Faultd::start(failure()).await;
    let specs = vec![
        Spec::new(target.address, 1.0),
        Spec::new(other.address, 0.0),
    ];
    let world = Plan::new(specs).start().await;
    let got = go_on(
        &world,
        r#"{"model":"chat","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#,
    )
    .await;
    let marked = format!(r#""signature":"{}sig.p0""#, mark("p0"));
    assert!(got.body.contains(&marked), "{got:?}");
    let got = go_on(&world, &second(&format!("{}sig.p0", mark("p0")))).await;
    assert_eq!(
        (got.status, got.header("x-weighbridge-stripped")),
        (200, ""),
        "{got:?}"
    );
}

#[tokio::test]
async fn thoughts_that_another_dialect_packed_are_not_passed_to_a_server_of_responses() {
    let target = Faultd::start(refusal()).await;
    let world = Plan::new(vec![Spec::new(target.address, 1.0)])
        .start()
        .await;
    let body = json!({"model": "chat", "input": [
        {"type": "reasoning", "summary": [], "encrypted_content": "{\"wb\":1,\"signature\":\"s\"}"},
        {"role": "user", "content": "go on"}]});
    world
        .send(&post_to("/v1/responses", &body.to_string()))
        .await;
    let sent: Value = serde_json::from_str(&last_body(&target)).unwrap();
    assert_eq!(sent["input"], json!([{"role": "user", "content": "go on"}]));
    assert_eq!(sent["model"], "m");
}

#[tokio::test]
async fn an_origin_that_is_blocked_for_a_moment_is_waited_for() {
    let limited =
        b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\n{}";
    let acts = vec![Act::Answer(limited.to_vec()), thought("p1")];
    let (world, targets) = world(acts, |_| {}).await;
    let body = second(&format!("{}sig.p0", mark("p0")));
    let got = go_on(&world, &body).await;
    assert_eq!(got.header("x-weighbridge-provider"), "p1", "{got:?}");
    targets[0].now_do(thought("p0"));
    let got = go_on(&world, &body).await;
    assert_eq!(got.header("x-weighbridge-provider"), "p0", "{got:?}");
    assert_eq!(counts(&targets), [2, 1]);
}

#[tokio::test]
async fn a_streamed_answer_is_marked_and_is_otherwise_the_same_bytes() {
    let events = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[]}}\n\n\
        event: content_block_start\ndata: {\"type\":\"content_block_start\",  \"index\":0,\"content_block\":{\"type\":\"thinking\",\
        \"thinking\":\"\",\"signature\":\"\"}}\n\n\
        event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\
        \"signature\":\"sig.p0\"}}\n\n\
        event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
        event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n\
        event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let act = Act::Answer(response("200 OK", "text/event-stream", events));
    let (world, _targets) = world(vec![act, failure()], |plan| plan.targets[1].weight = 0.0).await;
    let body = r#"{"model":"chat","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let got = go_on(&world, body).await;
    assert!(got.whole, "{got:?}");
    let marked = format!("{}sig.p0", mark("p0"));
    assert_eq!(got.body, events.replace("sig.p0", &marked));
}
