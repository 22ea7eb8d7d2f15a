//! Targets that break the framing of HTTP: each answer is played fifty times for documents and for streams. The client sees
//! another target's answer, the right party is charged, and no connection and no request is left over.

use std::time::Duration;

use tokio::time::timeout;

use super::faultd::{Act, Faultd, answer_of, completion, stream_of};
use super::world::{PATIENCE, Plan, Spec, ask};
use crate::config::Deadlines;
use crate::model::{Class, Outcome};

/// How often each is played, of either kind.
const ROUNDS: usize = 50;

/// What a target says before it hangs up, with its name.
type Said = (&'static str, Vec<u8>);

fn ok(stream: bool) -> String {
    let kind = if stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n")
}

fn named<const N: usize>(said: [(&'static str, String); N]) -> Vec<Said> {
    let named = said.into_iter();
    named
        .map(|(name, text)| (name, text.into_bytes()))
        .collect()
}

/// Heads that are none.
fn heads(stream: bool) -> Vec<Said> {
    let ok = ok(stream);
    let many = "x-a: 1\r\n".repeat(500);
    let huge = "a".repeat(2 << 20);
    let switch = "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    let mut said = named([
        ("two megabytes", format!("{ok}x-a: {huge}\r\n\r\n")),
        (
            "500 headers",
            format!("{ok}{many}content-length: 0\r\n\r\n"),
        ),
        ("half a head", "HTTP/1.1 200 O".to_owned()),
        ("nothing", String::new()),
        ("no head at all", completion("hello")),
        (
            "a status that is none",
            "HTTP/1.1 9999 Odd\r\n\r\n".to_owned(),
        ),
        ("a switch of protocols", switch.to_owned()),
    ]);
    let hello = [
        0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03,
    ];
    said.push(("a TLS hello", hello.to_vec()));
    said
}

/// Bodies that are not what their heads say.
fn bodies(stream: bool) -> Vec<Said> {
    let (ok, body) = (ok(stream), completion("hello"));
    let (begun, _) = body.split_at(40);
    let sized = |length: &str, body: &str| format!("{ok}content-length: {length}\r\n\r\n{body}");
    let chunked = |body: &str| format!("{ok}transfer-encoding: chunked\r\n\r\n{body}");
    let encoded = format!("{ok}content-encoding: gzip\r\ncontent-length: 4\r\n\r\n\u{1f}\u{8}ab");
    named([
        ("a length that is none", sized("-5", &body)),
        ("two lengths", sized("5\r\ncontent-length: 500", &body)),
        ("a length too long", sized("5000", begun)),
        ("a length too short", sized("40", &body)),
        ("an empty body", sized("0", "")),
        (
            "a chunk without a size",
            chunked(&format!("zz\r\n{body}\r\n0\r\n\r\n")),
        ),
        ("a chunk that is cut", chunked(&format!("fff\r\n{begun}"))),
        ("an encoding that nobody asked for", encoded),
    ])
}

fn good(stream: bool) -> Vec<u8> {
    if stream {
        stream_of(&["he", "llo"])
    } else {
        answer_of("hello")
    }
}

async fn check(name: &str, said: Vec<u8>, stream: bool) {
    let bad = Faultd::start(Act::SendAndClose(said)).await;
    let fine = Faultd::start(Act::Answer(good(stream))).await;
    let targets = [bad.address, fine.address].map(|address| Spec::new(address, 1.0));
    let mut plan = Plan::new(targets.to_vec());
    // A target that hangs up owes nothing; where one is waited for, this shows.
    plan.deadlines = Deadlines {
        first_token: Duration::from_secs(5),
        header_unary: Duration::from_secs(5),
        header_streamed: Duration::from_secs(5),
        ..plan.deadlines
    };
    plan.retries = 1;
    let world = plan.start().await;
    for _ in 0..ROUNDS {
        let got = world.chat(&ask(stream)).await;
        let whole = got.whole && got.body.contains(if stream { "[DONE]" } else { "hello" });
        assert!(
            got.status == 200 && whole,
            "{name}: the other one answers: {got:?}"
        );
        world.let_back();
    }
    let attempts = world.attempts().await;
    let of = |whose: &str| {
        let whose = format!("{whose}/m");
        attempts.iter().filter(move |(name, _)| *name == whose)
    };
    assert!(of("p0").count() >= ROUNDS / 3, "{name}: it must have shown");
    for (_, outcome) in of("p0") {
        assert_eq!(
            outcome.class(),
            Class::Fault,
            "{name}: {outcome:?} is its fault"
        );
    }
    for (_, outcome) in of("p1") {
        assert_eq!(*outcome, Outcome::Ok, "{name}: and nobody else's");
    }
    world.ended().await;
    for target in [&bad, &fine] {
        let ended = timeout(PATIENCE, target.connections_ended(target.connections())).await;
        assert!(ended.is_ok(), "{name}: a connection is left open");
    }
    println!("tally: {} faults survived", of("p0").count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_is_framed_wrong_is_the_targets_fault_and_another_answers() {
    for (name, said) in heads(false).into_iter().chain(bodies(false)) {
        check(name, said, false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_framed_wrong_is_the_targets_fault_and_another_answers() {
    for (name, said) in heads(true).into_iter().chain(bodies(true)) {
        check(name, said, true).await;
    }
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_reaches_nobody() {
    for stream in [false, true] {
        let evil = String::from_utf8(good(stream))
            .unwrap()
            .replace("llo", "EVIL");
        let two = [good(stream), evil.into_bytes()].concat();
        let target = Faultd::start(Act::Answer(two)).await;
        let world = Plan::new(vec![Spec::new(target.address, 1.0)])
            .start()
            .await;
        for _ in 0..ROUNDS {
            let got = world.chat(&ask(stream)).await;
            assert_eq!(got.status, 200, "{got:?}");
            assert!(!got.body.contains("EVIL"), "it is nobody's answer: {got:?}");
        }
        assert_eq!(target.seen().len(), ROUNDS, "each was asked for once");
    }
}

#[tokio::test]
async fn hints_before_an_answer_are_passed_over() {
    for stream in [false, true] {
        let hint = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
        let said = [hint.repeat(100).into_bytes(), good(stream)].concat();
        let target = Faultd::start(Act::Answer(said)).await;
        let world = Plan::new(vec![Spec::new(target.address, 1.0)])
            .start()
            .await;
        let got = world.chat(&ask(stream)).await;
        assert_eq!(got.status, 200, "{got:?}");
        assert_eq!(world.attempts().await, [("p0/m".to_owned(), Outcome::Ok)]);
    }
}
