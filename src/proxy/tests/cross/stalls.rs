//! A stream that falls silent after its first content ends with an error event that the front's clients understand.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::super::faultd::{Act, Faultd};
use super::super::moves::post_to;
use super::super::world::{Got, LONG, Plan, Spec};
use super::fixtures::{Body, Dialect, answer};
use super::fronts::{native_response, request, said};
use crate::config::{Deadlines, Interface};
use crate::dialect::Front;
use crate::model::{Outcome, Phase};
use crate::provider::manner::{Manner, Speech};

/// Silence that ends a stream. The first content comes with the head, so a slow machine can't take its place.
const SHORT: Duration = Duration::from_millis(150);

/// When the first content is due: a stream whose content is held back fails rather than hangs.
const LONGER: Duration = Duration::from_secs(8);

const STREAMED: [Front; 4] = [
    Front::Chat,
    Front::Completions,
    Front::Responses,
    Front::Messages,
];

fn providers() -> [(Interface, Dialect); 5] {
    [
        (Interface::OPENAI, Dialect::Chat),
        (Interface::Anthropic, Dialect::Messages),
        (Interface::Gemini, Dialect::Gemini),
        (Interface::Bedrock, Dialect::Converse),
        (Interface::Cohere, Dialect::Cohere),
    ]
}

/// The bytes of a stream to the end of the event that says `hel` and no more.
fn begun(dialect: Dialect, stream: &[u8]) -> &[u8] {
    let says = memchr::memmem::find(stream, b"\"hel\"").unwrap();
    if dialect != Dialect::Converse {
        let end = memchr::memmem::find(&stream[says..], b"\n\n").unwrap();
        return &stream[..says + end + 2];
    }
    // Every message begins with its length.
    let mut end = 0;
    while end <= says {
        let length = u32::from_be_bytes(stream[end..end + 4].try_into().unwrap());
        end += usize::try_from(length).unwrap();
    }
    &stream[..end]
}

fn silent_after(dialect: Dialect, (kind, stream): &Body) -> Act {
    let begun = begun(dialect, stream);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
        begun.len()
    );
    Act::SendAndHang([head.as_bytes(), begun, b"\r\n"].concat())
}

/// The name of the last event, if it has one, and its document.
fn last_event(got: &Got) -> (Option<&str>, Value) {
    let event = got.body.trim_end().rsplit("\n\n").next().unwrap();
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
    let document = serde_json::from_str(field("data: ").unwrap()).unwrap();
    (field("event: "), document)
}

fn check_told(front: Front, got: &Got, case: &str) {
    let (name, event) = last_event(got);
    match front {
        Front::Messages => {
            assert_eq!(name, Some("error"), "{case}");
            assert_eq!(event["type"], "error", "{case}");
            assert!(event["error"]["type"].is_string(), "{case}");
            assert!(event["error"]["message"].is_string(), "{case}");
        }
        Front::Responses => {
            assert_eq!(name, Some("error"), "{case}");
            assert_eq!(event["type"], "error", "{case}");
            assert_eq!(event["code"], "upstream_timeout", "{case}");
            assert!(event["message"].is_string(), "{case}");
        }
        _ => {
            assert_eq!(name, None, "{case}");
            assert_eq!(event["error"]["code"], "upstream_timeout", "{case}");
        }
    }
    for end in ["[DONE]", "message_stop", "response.completed"] {
        assert!(
            !got.body.contains(end),
            "nobody may take it for whole: {case}"
        );
    }
}

/// One cell: what `front` hears of `interface` that falls silent.
async fn falls_silent(interface: Interface, dialect: Dialect, front: Front, speech: Speech) {
    let stream = if speech == Speech::Native && front == Front::Responses {
        native_response(false, true)
    } else {
        answer(dialect, false, true)
    };
    let target = Faultd::start(silent_after(dialect, &stream)).await;
    let spec = Spec::speaking(target.address, interface.clone());
    let mut plan = Plan::new(vec![spec]);
    plan.deadlines = Deadlines {
        between_tokens: SHORT,
        first_token: LONGER,
        ..LONG
    };
    plan.retries = 0;
    let world = plan.start().await;
    let path = format!("/v1{}", front.path().unwrap());
    let ask = request(front, false, true).to_string();
    let got = world.send(&post_to(&path, &ask)).await;
    let case = format!("{interface:?} {front:?}: {got:?}");
    assert_eq!(got.status, 200, "{case}");
    assert!(got.whole, "the error event is the orderly end: {case}");
    assert_eq!(said(front, true, &got).text, "hel", "{case}");
    check_told(front, &got, &case);
    let outcome = Outcome::Timeout(Phase::BetweenTokens);
    let attempts = world.attempts().await;
    assert_eq!(attempts, [("p0/m".to_owned(), outcome)], "{case}");
}

#[tokio::test]
async fn a_stall_after_content_is_told_in_the_clients_own_words() {
    let mut cells = JoinSet::new();
    for (interface, dialect) in providers() {
        for front in STREAMED {
            if let Some(speech) = Manner::new(&interface, &[]).unwrap().speech(front) {
                cells.spawn(falls_silent(interface.clone(), dialect, front, speech));
            }
        }
    }
    let tried = cells.len();
    let mut wrong = 0;
    while let Some(told) = cells.join_next().await {
        wrong += usize::from(told.is_err());
    }
    assert_eq!(wrong, 0, "each of these has said what is wrong");
    assert!(tried >= 16, "only {tried} cells were tried");
}
