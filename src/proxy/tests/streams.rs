//! Streams after their first content: bytes pass unchanged, and every end is told and counted.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::faultd::{
    Act, Faultd, STREAM_HEAD, answer_of, chunk, completion, piece, response, stream_of,
};
use super::world::{Got, LONG, PATIENCE, Plan, Spec, World, ask, post};
use crate::config::Deadlines;
use crate::model::{Outcome, Phase, Tokens};

const SHORT: Duration = Duration::from_millis(300);

async fn world(act: Act, deadlines: Deadlines) -> (World, Faultd) {
    let target = Faultd::start(act).await;
    let mut plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
    plan.deadlines = deadlines;
    (plan.start().await, target)
}

fn begun() -> String {
    format!("{STREAM_HEAD}{}", chunk(&piece("he")))
}

#[tokio::test]
async fn a_stream_passes_byte_for_byte_and_is_counted_to_its_last_token() {
    let (world, _target) = world(Act::Answer(stream_of(&["he", "llo"])), LONG).await;
    let got = world.chat(&ask(true)).await;
    let sent = String::from_utf8(stream_of(&["he", "llo"])).unwrap();
    for line in got.body.lines().filter(|line| !line.is_empty()) {
        assert!(sent.contains(line), "a line that nobody sent: {line}");
    }
    assert!(got.body.ends_with("data: [DONE]\n\n"), "{got:?}");
    assert_eq!(got.header("content-type"), "text/event-stream");
    assert_eq!(got.header("cache-control"), "no-cache, no-transform");
    assert_eq!(got.header("x-accel-buffering"), "no");
    let ends = world.ends().await;
    let tokens = Tokens {
        input: 9,
        output: 2,
        ..Tokens::default()
    };
    assert_eq!(
        (ends[0].outcome, ends[0].tokens),
        (Outcome::Ok, Some(tokens))
    );
    assert_eq!(
        ends[0].cost.map(crate::model::PicoUsd::pico),
        Some(9 + 20),
        "tokens times price"
    );
    assert!(
        ends[0].first_content.is_some(),
        "a stream has a first content"
    );
    let requests = world.requests().await;
    assert!(requests[0].first_content.is_some() && requests[0].outcome == Outcome::Ok);
}

#[tokio::test]
async fn a_stream_without_usage_is_counted_by_its_pieces() {
    let bytes = format!(
        "{}{}{}0\r\n\r\n",
        begun(),
        chunk(&piece("llo")),
        chunk("data: [DONE]\n\n")
    );
    let (world, _target) = world(Act::Answer(bytes.into()), LONG).await;
    world.chat(&ask(true)).await;
    let tokens = world.ends().await[0].tokens.expect("an estimate");
    assert_eq!(tokens.output, 2, "one a piece");
    assert!(tokens.input > 10, "a quarter of the body's bytes");
}

async fn check_cut(case: &str, act: Act, deadlines: Deadlines, outcome: Outcome, code: &str) {
    let (world, target) = world(act, deadlines).await;
    let got = world.chat(&ask(true)).await;
    assert_eq!(got.status, 200, "{case}: the header had gone out");
    assert!(
        got.body.starts_with(&piece("he")),
        "{case}: what had come is not lost: {got:?}"
    );
    assert!(
        got.body.contains(&format!("\"code\":\"{code}\"")),
        "{case}: the client is told: {got:?}"
    );
    assert!(
        !got.body.contains("[DONE]"),
        "{case}: nobody may take it for complete"
    );
    assert!(got.whole, "{case}: the error event is the orderly end");
    assert_eq!(
        world.attempts().await,
        [("p0/m".to_owned(), outcome)],
        "{case}: one observation"
    );
    assert_eq!(
        target.seen().len(),
        1,
        "{case}: nothing is tried again after content"
    );
    let requests = world.requests().await;
    assert_eq!(
        (requests.len(), requests[0].outcome),
        (1, outcome),
        "{case}: one record"
    );
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_error_event() {
    let cut = Act::SendAndClose(begun().into());
    check_cut("cut", cut, LONG, Outcome::CutStream, "upstream_error").await;
    let ended = Act::Answer(format!("{}0\r\n\r\n", begun()).into());
    check_cut(
        "ended early",
        ended,
        LONG,
        Outcome::CutStream,
        "upstream_error",
    )
    .await;
    let broken = Act::SendAndClose(format!("{}zz\r\n", begun()).into());
    check_cut(
        "broken chunk",
        broken,
        LONG,
        Outcome::CutStream,
        "upstream_error",
    )
    .await;
    let own = chunk("data: {\"error\":{\"message\":\"m\",\"code\":\"boom\"}}\n\n");
    let told = Act::Answer(format!("{}{own}0\r\n\r\n", begun()).into());
    check_cut("its own error", told, LONG, Outcome::CutStream, "boom").await;
}

#[tokio::test]
async fn a_piece_of_an_event_is_not_passed_on_before_the_error_event() {
    for usage in [false, true] {
        let cut = format!("{}{}", begun(), chunk("data: {\"choices\":[{\"del"));
        let (world, _target) = world(Act::SendAndClose(cut.into()), LONG).await;
        let options = format!(",\"stream_options\":{{\"include_usage\":{usage}}}}}");
        let asked = ask(true);
        let got = world
            .chat(&format!("{}{options}", asked.trim_end_matches('}')))
            .await;
        let data: Vec<&str> = got
            .body
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .collect();
        assert_eq!(data.len(), 2, "{got:?}");
        for document in data {
            let read: Result<serde_json::Value, _> = serde_json::from_str(document);
            assert!(read.is_ok(), "{document}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_goes_silent_ends_with_an_error_event() {
    let deadlines = Deadlines {
        between_tokens: SHORT,
        ..LONG
    };
    let hang = Act::SendAndHang(begun().into());
    let outcome = Outcome::Timeout(Phase::BetweenTokens);
    check_cut(
        "silent",
        hang.clone(),
        deadlines,
        outcome,
        "upstream_timeout",
    )
    .await;
    let deadlines = Deadlines {
        attempt: SHORT,
        ..LONG
    };
    let outcome = Outcome::Timeout(Phase::Attempt);
    check_cut(
        "attempt",
        hang.clone(),
        deadlines,
        outcome,
        "upstream_timeout",
    )
    .await;
    let deadlines = Deadlines {
        total: SHORT,
        ..LONG
    };
    let outcome = Outcome::Timeout(Phase::Request);
    check_cut("request", hang, deadlines, outcome, "upstream_timeout").await;
}

#[tokio::test]
async fn pings_do_not_hide_a_stream_that_went_silent() {
    let deadlines = Deadlines {
        between_tokens: SHORT,
        ..LONG
    };
    let pings = vec![chunk(": ping\n\n").into_bytes(); 1_000];
    let mut pieces = vec![begun().into_bytes()];
    pieces.extend(pings);
    let trickle = Act::Trickle(pieces, Duration::from_millis(20));
    let outcome = Outcome::Timeout(Phase::BetweenTokens);
    check_cut("pings", trickle, deadlines, outcome, "upstream_timeout").await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call_within_a_second() {
    for act in [
        Act::SendAndHang(begun().into()),
        Act::SendAndHang(Vec::new()),
    ] {
        let (world, target) = world(act, LONG).await;
        let mut client = TcpStream::connect(world.address).await.unwrap();
        client.write_all(&post(&ask(true))).await.unwrap();
        while target.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        drop(client);
        let left = timeout(Duration::from_secs(1), target.hang_ups(1)).await;
        assert!(left.is_ok(), "the provider must see it within a second");
        assert_eq!(
            world.attempts().await,
            [("p0/m".to_owned(), Outcome::Cancelled)]
        );
        let requests = world.requests().await;
        assert_eq!(
            (requests.len(), requests[0].status),
            (1, 499),
            "counted as left by the client"
        );
    }
}

#[tokio::test]
async fn tokens_that_were_delivered_are_booked_when_the_client_leaves() {
    let (world, target) = world(Act::SendAndHang(begun().into()), LONG).await;
    let mut client = TcpStream::connect(world.address).await.unwrap();
    client.write_all(&post(&ask(true))).await.unwrap();
    let mut got = Vec::new();
    while memchr::memmem::find(&got, b"\"he\"").is_none() {
        client.read_buf(&mut got).await.unwrap();
    }
    drop(client);
    target.hang_ups(1).await;
    let end = world.ends().await[0];
    assert_eq!(end.tokens.map(|tokens| tokens.output), Some(1), "{end:?}");
    assert!(end.first_content.is_some(), "what was measured is kept");
}

#[tokio::test]
async fn a_unary_answer_too_large_to_check_passes_and_a_cut_one_is_not_whole() {
    let text = "x".repeat(300_000);
    for (act, outcome) in [
        (Act::Answer(answer_of(&text)), Outcome::Ok),
        (
            Act::SendAndClose(answer_of(&text)[..200_000].to_vec()),
            Outcome::CutStream,
        ),
    ] {
        let target = Faultd::start(act).await;
        let mut plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
        plan.max_answer = 64 * 1024;
        let world = plan.start().await;
        let got = world.chat(&ask(false)).await;
        assert_eq!(
            got.whole,
            outcome == Outcome::Ok,
            "a cut body must not look complete"
        );
        if outcome == Outcome::Ok {
            assert_eq!(got.body, completion(&text), "byte for byte");
        }
        assert_eq!(world.attempts().await, [("p0/m".to_owned(), outcome)]);
    }
}

#[tokio::test]
async fn at_the_end_of_the_grace_open_streams_are_told() {
    let target = Faultd::start(Act::SendAndHang(begun().into())).await;
    let mut plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
    plan.grace = SHORT;
    let mut world = plan.start().await;
    let mut client = TcpStream::connect(world.address).await.unwrap();
    client.write_all(&post(&ask(true))).await.unwrap();
    while target.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    world.stop();
    let got = Got::read(client).await;
    assert!(got.body.contains("shutting down") && got.whole, "{got:?}");
    assert_eq!(
        world.attempts().await,
        [("p0/m".to_owned(), Outcome::Cancelled)],
        "not the target's fault"
    );
    let report = timeout(PATIENCE, world.server).await.unwrap().unwrap();
    assert_eq!(report.cut, 1, "and it is reported");
}

#[tokio::test]
async fn a_stop_waits_for_requests_within_the_grace() {
    let slow = Act::Trickle(vec![stream_of(&["a"])], SHORT);
    let (mut world, target) = world(slow, LONG).await;
    let mut client = TcpStream::connect(world.address).await.unwrap();
    client.write_all(&post(&ask(true))).await.unwrap();
    while target.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    world.stop();
    let got = Got::read(client).await;
    assert!(
        got.body.contains("[DONE]"),
        "in-flight requests finish: {got:?}"
    );
    let report = timeout(PATIENCE, world.server).await.unwrap().unwrap();
    assert_eq!(report.cut, 0);
}

#[tokio::test]
async fn a_call_timeout_of_the_request_bounds_the_attempt() {
    let (world, _target) = world(Act::SendAndHang(Vec::new()), LONG).await;
    let body = r#"{"model":"chat","orq":{"timeout":{"call_timeout":100},"retries":{"count":0}}}"#;
    let got = world.chat(body).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (504, "upstream_timeout"),
        "{got:?}"
    );
    let attempts = world.attempts().await;
    assert_eq!(attempts, [("p0/m".to_owned(), Outcome::Cancelled)]);
}

#[tokio::test]
async fn a_document_in_place_of_a_stream_is_malformed() {
    let document = response("200 OK", "application/json", &completion("hello"));
    let (world, _target) = world(Act::Answer(document), LONG).await;
    let body = r#"{"model":"chat","stream":true,"retry":{"count":0}}"#;
    let got = world.chat(body).await;
    assert_eq!(
        got.status, 502,
        "a streaming client could not read it: {got:?}"
    );
    assert_eq!(
        world.attempts().await,
        [("p0/m".to_owned(), Outcome::Malformed)]
    );
}
