//! What is kept of a request: each call with its end, whatever became of it.

use super::faultd::{Act, Faultd, STREAM_HEAD, answer_of, chunk, piece, response, stream_of};
use super::world::{Plan, Spec, World, ask};
use crate::config::Fallback;
use crate::live::RequestEnd;
use crate::model::{Outcome, UpstreamName};

/// Two targets of equal weight that draws take in turn, the first of which fails.
async fn world(second: Act) -> (World, Vec<Faultd>) {
    let failing = response("500 Internal Server Error", "application/json", "{}");
    let mut targets = Vec::new();
    for act in [Act::Answer(failing), second] {
        targets.push(Faultd::start(act).await);
    }
    let specs = targets.iter().map(|target| Spec::new(target.address, 1.0));
    let mut plan = Plan::new(specs.collect());
    plan.mode = crate::config::Mode::Off;
    (plan.start().await, targets)
}

/// The record of a request that went to the failing target first.
async fn moved(world: &World, streamed: bool) -> RequestEnd {
    for _ in 0..4 {
        world.chat(&ask(streamed)).await;
    }
    let records = world.requests().await;
    let moved = records.into_iter().find(|end| end.calls.len() == 2);
    moved.expect("one of four begins at the failing target")
}

#[tokio::test]
async fn each_call_is_kept_with_its_end_its_tokens_and_its_cost() {
    for (streamed, answer) in [(true, stream_of(&["he", "llo"])), (false, answer_of("hi"))] {
        let (world, _targets) = world(Act::Answer(answer)).await;
        let end = moved(&world, streamed).await;
        let [failed, answered] = end.calls.as_slice() else {
            panic!("two calls: {end:?}");
        };
        assert_eq!(
            (failed.outcome, failed.status, failed.served.target()),
            (Outcome::ServerError, Some(500), "t0")
        );
        assert_eq!(
            (answered.outcome, answered.served.target()),
            (Outcome::Ok, "t1")
        );
        assert!(answered.after >= failed.after + failed.total, "in turn");
        assert!(answered.total > std::time::Duration::ZERO);
        assert_eq!(end.tokens(), answered.tokens);
        assert!(answered.tokens.is_some_and(|tokens| tokens.output > 0));
        assert_eq!(end.cost(), answered.cost, "a failure costs nothing");
        assert!(end.cost().is_some());
        assert_eq!(end.ended_by().to_string(), "target.done");
        assert!(
            end.id.as_bytes().starts_with(b"req_"),
            "as the client was told"
        );
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_kept_as_its_targets() {
    let broken = format!("{STREAM_HEAD}{}", chunk(&piece("he")));
    let (world, _targets) = world(Act::SendAndClose(broken.into())).await;
    let end = moved(&world, true).await;
    let last = end.calls.last().expect("two");
    assert_eq!(last.outcome, end.outcome);
    assert_eq!(end.ended_by().who, "target", "{end:?}");
    assert!(
        last.tokens.is_some(),
        "what was delivered is booked: {end:?}"
    );
}

#[tokio::test]
async fn a_request_with_many_calls_has_the_cost_of_all_of_them() {
    let failing = response("500 Internal Server Error", "application/json", "{}");
    let mut targets = Vec::new();
    for _ in 0..10 {
        targets.push(Faultd::start(Act::Answer(failing.clone())).await);
    }
    targets.push(Faultd::start(Act::Answer(answer_of("hi"))).await);
    let specs = targets.iter().map(|target| Spec::new(target.address, 1.0));
    let mut specs: Vec<Spec> = specs.collect();
    specs[10].weight = 0.0;
    let mut plan = Plan::new(specs);
    plan.mode = crate::config::Mode::Off;
    plan.retries = 10;
    let there = UpstreamName::new("p10/m").unwrap();
    plan.fallbacks.push(Fallback::Upstream(there));
    let world = plan.start().await;
    let got = world.chat(&ask(false)).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let records = world.requests().await;
    let end = &records[0];
    assert_eq!((end.attempts, end.calls.len()), (11, 11));
    assert_eq!(end.calls[10].outcome, Outcome::Ok);
    assert!(
        end.cost().is_some() && end.cost() == end.calls[10].cost,
        "{end:?}"
    );
    assert!(end.tokens().is_some(), "of the one that answered");
}
