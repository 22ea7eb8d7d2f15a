//! What is tried again in all, what is said of it, and where requests go that no target of their route can take.

use std::sync::Arc;

use super::faultd::{Act, Faultd, STREAM_HEAD, answer_of, chunk, completion, response, stream_of};
use super::world::{Plan, Spec, World, ask};
use crate::balance::Room;
use crate::config::{Fallback, Interface};
use crate::live::RateGroup;
use crate::model::{Outcome, Time, UpstreamName};

const LONG_PROMPT: &str = r#"{"error":{"message":"maximum context length is 8 tokens","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
const FLAGGED: &str =
    r#"{"error":{"message":"flagged","type":"invalid_request_error","code":"content_filter"}}"#;

async fn world(acts: &[Act], change: impl FnOnce(&mut Plan)) -> (World, Vec<Faultd>) {
    let mut targets = Vec::new();
    for act in acts {
        targets.push(Faultd::start(act.clone()).await);
    }
    let specs = targets.iter().map(|target| Spec::new(target.address, 1.0));
    let mut plan = Plan::new(specs.collect());
    change(&mut plan);
    (plan.start().await, targets)
}

fn status(line: &str, body: &str) -> Act {
    Act::Answer(response(line, "application/json", body))
}

#[tokio::test]
async fn a_spent_budget_ends_a_request_with_its_last_failure() {
    let bad = status("500 Internal Server Error", "{}");
    let acts = [bad.clone(), bad.clone(), bad];
    let (world, _targets) = world(&acts, |plan| plan.mode = crate::config::Mode::Off).await;
    let mut free = 0;
    while world.proxy.charge() == crate::limit::Grant::Granted {
        free += 1;
    }
    assert!(free >= 90, "ten seconds of free retries, found {free}");
    let got = world.chat(&ask(false)).await;
    assert_eq!((got.status, got.code().as_str()), (502, "upstream_error"));
    let message = got.error("message");
    assert!(message.contains("the retry budget is spent"), "{message}");
    assert_eq!(world.attempts().await.len(), 2, "the first move is free");
    assert!(world.requests().await[0].budget_spent);
}

#[tokio::test]
async fn the_last_error_names_everybody_who_was_tried_and_why() {
    let acts = [
        status("500 Internal Server Error", "{}"),
        status("200 OK", "<html>"),
    ];
    let (world, _targets) = world(&acts, |plan| plan.retries = 1).await;
    let message = world.chat(&ask(false)).await.error("message");
    let (first, second) = (
        message.contains("t0: it answered 500"),
        message.contains("t1: "),
    );
    assert!(first && second, "{message}");
    assert!(message.contains("after 2 attempts; tried "), "{message}");
}

#[tokio::test]
async fn one_refused_credential_leaves_the_target_and_a_second_takes_it_out() {
    let acts = [
        status("401 Unauthorized", "{}"),
        Act::Answer(answer_of("hello")),
    ];
    let (world, targets) = world(&acts, |_| {}).await;
    for refused in 1..=2 {
        assert!(
            world.upstreams[0].gate().serving,
            "after {} refusals",
            refused - 1
        );
        while targets[0].seen().len() < refused {
            assert_eq!(world.chat(&ask(false)).await.status, 200);
        }
    }
    world.attempts().await;
    assert!(!world.upstreams[0].gate().serving);
}

#[tokio::test]
async fn what_is_too_long_or_flagged_goes_where_the_route_says() {
    for (body, context) in [(LONG_PROMPT, true), (FLAGGED, false)] {
        let acts = [
            status("400 Bad Request", body),
            Act::Answer(answer_of("hello")),
        ];
        let change = |plan: &mut Plan| {
            plan.targets[1].weight = 0.0;
            plan.retries = 0;
            let there = Fallback::Upstream(UpstreamName::new("p1/m").unwrap());
            if context {
                plan.context_fallbacks.push(there);
            } else {
                plan.content_filter_fallbacks.push(there);
            }
        };
        let (world, _targets) = world(&acts, change).await;
        let got = world.chat(&ask(false)).await;
        assert_eq!(got.status, 200, "{got:?}");
        let outcomes: Vec<Outcome> = world.attempts().await.iter().map(|it| it.1).collect();
        assert_eq!(outcomes.len(), 2);
        assert_eq!(outcomes[1], Outcome::Ok);
    }
}

#[tokio::test]
async fn an_answer_in_which_a_policy_lets_nothing_be_said_goes_there_too() {
    let blocked =
        r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":3}}"#;
    let event = format!(
        "{STREAM_HEAD}{}0\r\n\r\n",
        chunk(&format!("data: {blocked}\n\n"))
    );
    for stream in [false, true] {
        let (refusal, answer) = if stream {
            (event.clone().into_bytes(), stream_of(&["hello"]))
        } else {
            let whole = response("200 OK", "application/json", blocked);
            (whole, answer_of("hello"))
        };
        for named in [false, true] {
            let acts = [Act::Answer(refusal.clone()), Act::Answer(answer.clone())];
            let change = |plan: &mut Plan| {
                plan.targets[0].interface = Interface::Gemini;
                plan.targets[1].weight = 0.0;
                let there = Fallback::Upstream(UpstreamName::new("p1/m").unwrap());
                plan.content_filter_fallbacks.extend(named.then_some(there));
            };
            let (world, targets) = world(&acts, change).await;
            let got = world.chat(&ask(stream)).await;
            assert_eq!(got.status, 200, "{got:?}");
            assert_eq!(targets[1].seen().len(), usize::from(named), "{got:?}");
            let expected = if named { "hello" } else { "content_filter" };
            assert!(got.body.contains(expected), "{got:?}");
        }
    }
}

#[tokio::test]
async fn a_detour_that_ends_in_nothing_leaves_the_providers_words() {
    let acts = [
        status("400 Bad Request", LONG_PROMPT),
        status("400 Bad Request", LONG_PROMPT),
    ];
    let change = |plan: &mut Plan| {
        plan.targets[1].weight = 0.0;
        let there = Fallback::Upstream(UpstreamName::new("p1/m").unwrap());
        plan.context_fallbacks.push(there);
    };
    let (world, _targets) = world(&acts, change).await;
    let got = world.chat(&ask(false)).await;
    assert_eq!((got.status, got.body.as_str()), (400, LONG_PROMPT));
    assert_eq!(world.attempts().await.len(), 2);
}

#[tokio::test]
async fn a_rate_limit_is_one_of_the_whole_quota_group() {
    let limited =
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 30\r\ncontent-length: 2\r\n\r\n{}";
    let good = Act::Answer(answer_of("hello"));
    let acts = [Act::Answer(limited.into()), good.clone(), good];
    let (world, targets) = world(&acts, |_| {}).await;
    let group = Arc::<RateGroup>::default();
    for upstream in &world.upstreams[..2] {
        upstream.join(Some(&group));
    }
    while targets[0].seen().is_empty() {
        assert_eq!(world.chat(&ask(false)).await.status, 200);
    }
    world.attempts().await;
    let [first, second, third] = [0, 1, 2].map(|i| world.upstreams[i].gate().blocked_until);
    assert!(first > world.proxy.clock.now(), "it asked for 30 s");
    assert_eq!(first, second, "its group waits with it");
    assert!(third < first, "others do not");
}

#[tokio::test]
async fn who_takes_nothing_by_an_order_beside_a_spent_budget_is_told_as_that() {
    let answer = Act::Answer(answer_of("hello"));
    let acts = [answer.clone(), answer.clone(), answer];
    let (world, _targets) = world(&acts, |plan| {
        plan.targets[0].spent = true;
        plan.targets[1].drained = Some(Time::from_secs_f64(4_102_444_800.0));
        plan.targets[2].weight = 0.0;
    })
    .await;
    let spent = "this month's budget of provider \"p0\" is spent and begins anew at ";
    let got = world.chat(&ask(false)).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (503, "no_eligible_target")
    );
    let message = got.error("message");
    for part in [
        &format!("no target of route \"chat\" may serve this request (t0: {spent}"),
        "; t1: drained by an operator's order until 2100-01-01 00:00 UTC; t2: its weight is 0)",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let got = world.chat(r#"{"model":"p0/some"}"#).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (503, "no_eligible_target")
    );
    let message = got.error("message");
    let said = format!("target \"p0/some\" may not serve this request (p0/some: {spent}");
    assert!(message.starts_with(&said), "{message}");
}

#[tokio::test]
async fn googles_details_say_how_long_to_wait_also_within_an_answer() {
    let told = r#"{"error":{"code":429,"message":"no","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"25s"}]}}"#;
    for stream in [false, true] {
        let (world, _targets) = world(&[status("200 OK", told)], |plan| plan.retries = 0).await;
        let got = world.chat(&ask(stream)).await;
        assert_eq!(
            (got.status, got.header("retry-after")),
            (429, "25"),
            "{got:?}"
        );
    }
}

#[tokio::test]
async fn what_is_left_of_a_limit_reaches_the_controller_with_the_answer() {
    let kind = "application/json\r\nx-ratelimit-limit-requests: 100\r\n\
                x-ratelimit-remaining-requests: 2\r\nx-ratelimit-reset-requests: 20s";
    let act = Act::Answer(response("200 OK", kind, &completion("hello")));
    let (world, _targets) = world(&[act], |_| {}).await;
    assert_eq!(world.chat(&ask(false)).await.status, 200);
    let input = world.upstreams[0].collect(Time::from_micros(1), None);
    let room = input.headroom.and_then(|headroom| headroom.requests);
    let expected = Room {
        remaining: 2.0,
        limit: Some(100.0),
        resets_in: Some(20.0),
    };
    assert_eq!(room, Some(expected));
}
