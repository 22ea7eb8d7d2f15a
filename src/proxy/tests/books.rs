//! What is written into the books for answers that say little about their cost, or say it late.

use std::time::Duration;

use super::faultd::{Act, Faultd, response};
use super::through::request;
use super::world::{Plan, Spec, World, ask};
use crate::config::Interface;
use crate::model::{Finished, Tokens};

const USAGE: &str = r#","usage":{"prompt_tokens":9,"completion_tokens":70000}"#;

/// A chat's answer of so many bytes of text that ends with `usage`.
fn answer(size: usize, usage: &str) -> String {
    let text = "x".repeat(size);
    format!(
        r#"{{"id":"x","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}]{usage}}}"#
    )
}

/// How the only attempt ends that gets `body` as an answer; at most 64 KiB of it are held.
async fn booked(body: &str) -> Finished {
    let act = Act::Answer(response("200 OK", "application/json", body));
    let target = Faultd::start(act).await;
    let mut plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
    plan.max_answer = 64 * 1024;
    let world = plan.start().await;
    let got = world.chat(&ask(false)).await;
    assert_eq!((got.status, got.body.as_str()), (200, body));
    world.ends().await[0]
}

#[tokio::test]
async fn an_answer_that_is_too_large_to_hold_is_booked_by_the_counts_at_its_end() {
    let end = booked(&answer(280_000, USAGE)).await;
    let reported = Tokens {
        input: 9,
        output: 70_000,
        ..Tokens::default()
    };
    assert_eq!((end.tokens, end.estimated), (Some(reported), false));
    assert!(end.cost.is_some());
    let end = booked(&answer(280_000, "")).await;
    let output = end.tokens.map_or(0, |tokens| tokens.output);
    assert!(end.estimated, "without counts it is a guess");
    assert!((70_000..70_100).contains(&output), "by its size: {output}");
}

#[tokio::test]
async fn a_short_answer_without_counts_is_estimated_from_its_text() {
    let end = booked(&answer(40, "")).await;
    assert!(end.estimated, "it is marked");
    let output = end.tokens.map_or(0, |tokens| tokens.output);
    assert_eq!(output, 10, "four bytes a token");
}

/// Google's list, as it sends it to those who do not ask for events.
const LIST: &str = r#"[{"candidates":[{"content":{"parts":[{"text":"he"}]}}]}
,
{"candidates":[{"content":{"parts":[{"text":"llo"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2}}
]"#;

async fn gemini(act: Act) -> (World, Faultd) {
    let target = Faultd::start(act).await;
    let mut plan = Plan::new(vec![Spec::speaking(target.address, Interface::Gemini)]);
    plan.deadlines.between_tokens = Duration::from_millis(300);
    (plan.start().await, target)
}

#[tokio::test]
async fn googles_list_passes_while_it_comes_and_is_booked_by_its_end() {
    let counted = Tokens {
        input: 9,
        output: 2,
        ..Tokens::default()
    };
    for verb in ["streamGenerateContent", "generateContent"] {
        let whole = response("200 OK", "application/json; charset=UTF-8", LIST);
        let (world, _target) = gemini(Act::Answer(whole)).await;
        let line = format!("POST /p0/models/m:{verb}");
        let got = world.send(&request(&line, "application/json", "{}")).await;
        assert_eq!((got.status, got.body.as_str()), (200, LIST));
        assert_eq!(world.ends().await[0].tokens, Some(counted), "{verb}");
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
    let begun = Act::SendAndHang(format!("{head}{LIST}").into());
    let (world, _target) = gemini(begun).await;
    let line = "POST /p0/models/m:streamGenerateContent";
    let got = world.send(&request(line, "application/json", "{}")).await;
    assert_eq!(
        (got.status, got.body.as_str()),
        (200, LIST),
        "it went out before the end, and no event was written into it"
    );
    assert!(!got.whole, "the connection ends in place of the list");
}
