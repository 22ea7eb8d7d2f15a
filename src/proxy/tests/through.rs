//! What passes unread: by its model, and by its provider.

use std::time::Duration;

use super::faultd::{Act, Faultd, STREAM_HEAD, answer_of, chunk, response};
use super::world::{Plan, Spec, World};
use crate::config::Interface;
use crate::model::PicoUsd;

pub(super) fn request(line: &str, content: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer the-clients\r\n\
         content-type: {content}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn two() -> ([Faultd; 2], World) {
    let ok = || Act::Answer(response("200 OK", "application/json", r#"{"ok":true}"#));
    let targets = [Faultd::start(ok()).await, Faultd::start(ok()).await];
    let world = Plan::new(vec![
        Spec::new(targets[0].address, 1.0),
        Spec::speaking(targets[1].address, Interface::Anthropic),
    ])
    .start()
    .await;
    (targets, world)
}

#[tokio::test]
async fn a_request_is_routed_by_the_model_in_its_body() {
    let ([openai, anthropic], world) = two().await;
    let body = r#"{"prompt":"a cat","model":"chat"}"#;
    for _ in 0..4 {
        let got = world
            .send(&request(
                "POST /v1/images/generations?x=1",
                "application/json",
                body,
            ))
            .await;
        assert_eq!(
            (got.status, got.body.as_str()),
            (200, r#"{"ok":true}"#),
            "{got:?}"
        );
    }
    let seen = &openai.seen()[0];
    assert!(
        seen.starts_with("POST /v1/images/generations?x=1 "),
        "{seen}"
    );
    assert!(
        seen.contains("authorization: Bearer sk-key-of-p0"),
        "{seen}"
    );
    assert!(
        seen.ends_with(r#"{"prompt":"a cat","model":"m"}"#),
        "{seen}"
    );
    assert_eq!(anthropic.connections(), 0, "it has no such paths");
}

#[tokio::test]
async fn what_passes_unread_costs_what_its_request_costs_and_no_tokens_are_made_up() {
    let event = "data: {\"b64_json\":\"AAAA\"}\n\n".repeat(5);
    let stream = format!("{STREAM_HEAD}{}0\r\n\r\n", chunk(&event));
    let whole = response("200 OK", "application/json", r#"{"data":[]}"#);
    for (stream, answer) in [(false, whole), (true, stream.into_bytes())] {
        for price in [0, 7] {
            let target = Faultd::start(Act::Answer(answer.clone())).await;
            let mut spec = Spec::new(target.address, 1.0);
            spec.price.request = price;
            let world = Plan::new(vec![spec]).start().await;
            let body = format!(r#"{{"prompt":"a cat","model":"chat","stream":{stream}}}"#);
            let line = "POST /v1/images/generations";
            let got = world.send(&request(line, "application/json", &body)).await;
            assert_eq!(got.status, 200, "{got:?}");
            let ends = world.ends().await;
            assert_eq!(ends[0].tokens, None, "stream: {stream}");
            let cost = ends[0].cost.map(PicoUsd::pico);
            assert_eq!(cost, (price > 0).then_some(7), "stream: {stream}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_the_path_asks_for_passes_while_it_comes() {
    let begun = format!("{STREAM_HEAD}{}", chunk("data: {}\n\n"));
    let target = Faultd::start(Act::SendAndHang(begun.into())).await;
    let mut plan = Plan::new(vec![Spec::speaking(target.address, Interface::Gemini)]);
    plan.deadlines.between_tokens = Duration::from_millis(300);
    let world = plan.start().await;
    let line = "POST /p0/models/m:streamGenerateContent?alt=sse";
    let got = world.send(&request(line, "application/json", "{}")).await;
    assert_eq!(
        got.status, 200,
        "the header went out before the end: {got:?}"
    );
    assert!(got.body.starts_with("data: {}\n\n"), "{got:?}");
    assert!(got.body.contains("upstream_timeout"), "{got:?}");
}

#[tokio::test]
async fn into_a_stream_of_frames_nothing_is_written_when_it_breaks_off() {
    let head = STREAM_HEAD.replace("text/event-stream", "application/vnd.amazon.eventstream");
    assert_ne!(head, STREAM_HEAD);
    let cut = Act::SendAndClose(format!("{head}{}", chunk("frame")).into());
    let target = Faultd::start(cut).await;
    let world = Plan::new(vec![Spec::speaking(target.address, Interface::Bedrock)]);
    let world = world.start().await;
    let line = "POST /p0/model/m/converse-stream";
    let got = world.send(&request(line, "application/json", "{}")).await;
    assert_eq!((got.status, got.body.as_str()), (200, "frame"), "{got:?}");
    assert!(!got.whole, "the connection ends in place of the stream");
}

#[tokio::test]
async fn a_form_is_routed_by_its_field() {
    let ([openai, _anthropic], world) = two().await;
    let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nchat\r\n--b\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nRIFF\r\n--b--\r\n";
    let kind = "multipart/form-data; boundary=b";
    let got = world
        .send(&request("POST /v1/audio/transcriptions", kind, form))
        .await;
    assert_eq!(got.status, 200, "{got:?}");
    let seen = &openai.seen()[0];
    assert!(seen.ends_with(&form.replace("chat", "m")), "{seen}");
    assert!(seen.contains(kind), "{seen}");
}

#[tokio::test]
async fn without_a_model_it_is_said_what_to_do() {
    let (_targets, world) = two().await;
    let got = world
        .send(&request("GET /v1/files", "application/json", ""))
        .await;
    assert_eq!((got.status, got.code().as_str()), (404, "not_found"));
    assert!(got.error("message").contains("/PROVIDER/files"), "{got:?}");
    let got = world
        .send(&request(
            "POST /v1/audio/speech",
            "application/octet-stream",
            "x",
        ))
        .await;
    assert_eq!(got.code(), "invalid_request_error");
    assert_eq!(got.error("param"), "model", "{got:?}");
}

#[tokio::test]
async fn a_provider_in_the_path_gets_the_request_as_it_is_and_once() {
    let ([openai, anthropic], world) = two().await;
    for line in ["GET /p0/v1/files/f-1?limit=2", "DELETE /p0/files/f-1"] {
        let got = world.send(&request(line, "application/json", "")).await;
        assert_eq!(got.status, 200, "{got:?}");
        assert_eq!(got.header("x-weighbridge-provider"), "p0");
    }
    let seen = openai.seen();
    assert!(
        seen[0].starts_with("GET /v1/files/f-1?limit=2 "),
        "{seen:?}"
    );
    assert!(seen[1].starts_with("DELETE /v1/files/f-1 "), "{seen:?}");
    assert!(
        seen.iter().all(|it| it.contains("Bearer sk-key-of-p0")),
        "{seen:?}"
    );
    let body = r#"{"model":"claude","x":1}"#;
    let got = world
        .send(&request(
            "POST /p1/v1/messages/batches",
            "application/json",
            body,
        ))
        .await;
    assert_eq!(got.status, 200);
    let seen = &anthropic.seen()[0];
    assert!(
        seen.starts_with("POST /v1/messages/batches ") && seen.ends_with(body),
        "{seen}"
    );
    assert!(!seen.contains("the-clients"), "{seen}");

    openai.now_do(Act::Answer(response("500 Oops", "application/json", "{}")));
    let got = world
        .send(&request("POST /p0/batches", "application/json", "{}"))
        .await;
    assert_eq!(got.header("x-weighbridge-attempts"), "1", "{got:?}");
}

#[tokio::test]
async fn what_a_named_provider_does_not_have_is_told_in_its_words_and_harms_nobody() {
    let ([openai, _anthropic], world) = two().await;
    let missing = r#"{"error":{"message":"No such File object: f-9"}}"#;
    openai.now_do(Act::Answer(response(
        "404 Not Found",
        "application/json",
        missing,
    )));
    let got = world
        .send(&request("GET /p0/files/f-9", "application/json", ""))
        .await;
    assert_eq!((got.status, got.body.as_str()), (404, missing));
    openai.now_do(Act::Answer(answer_of("x")));
    let chat = r#"{"model":"p0/m","messages":[]}"#;
    let got = world
        .send(&request(
            "POST /v1/chat/completions",
            "application/json",
            chat,
        ))
        .await;
    assert_eq!(got.status, 200);
}

#[tokio::test]
async fn nobody_leaves_a_providers_base_by_dots() {
    let ([openai, _anthropic], world) = two().await;
    for path in [
        "/p0/../secret",
        "/p0/%2e%2e/secret",
        "/p0/a/./b",
        "/p0/a%2f..%2fb",
    ] {
        let got = world
            .send(&request(&format!("GET {path}"), "application/json", ""))
            .await;
        assert_eq!(got.status, 400, "{path}: {got:?}");
    }
    assert_eq!(openai.connections(), 0);
}

#[tokio::test]
async fn one_model_can_be_looked_up() {
    let (_targets, world) = two().await;
    for name in ["chat", "p0/m", "p0%2Fm"] {
        let line = format!("GET /v1/models/{name}");
        let got = world.send(&request(&line, "application/json", "")).await;
        assert_eq!(got.status, 200, "{got:?}");
        assert!(got.body.contains("\"object\":\"model\""));
    }
    let got = world
        .send(&request("GET /v1/models/chatt", "application/json", ""))
        .await;
    assert_eq!(got.status, 404);
    assert!(got.error("message").contains("\"chat\""), "{got:?}");
}

#[tokio::test]
async fn what_is_stored_is_found_under_its_provider_by_the_id_that_was_handed_out() {
    let stored = r#"{"object":"response","id":"resp_1","output":[]}"#;
    let answer = || Act::Answer(response("200 OK", "application/json", stored));
    let targets = [Faultd::start(answer()).await, Faultd::start(answer()).await];
    let specs = targets.iter().map(|target| Spec::new(target.address, 1.0));
    let world = Plan::new(specs.collect()).start().await;
    let send = async |line: &str, body: &str| {
        let request = request(line, "application/json", body);
        world.send(&request).await
    };
    let made = send("POST /v1/responses", r#"{"model":"chat","input":"hi"}"#).await;
    let made_by = made.header("x-weighbridge-provider").to_owned();
    let made: serde_json::Value = serde_json::from_str(&made.body).unwrap();
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("wb1_"), "{id}");

    let got = send(&format!("GET /v1/responses/{id}"), "").await;
    assert_eq!(got.status, 404, "{got:?}");
    let message = got.error("message");
    assert!(message.contains("/PROVIDER/responses/resp_1"), "{message}");

    let target = &targets[usize::from(made_by == "p1")];
    for (line, seen_as) in [
        (
            format!("GET /{made_by}/responses/{id}?stream=false"),
            "GET /v1/responses/resp_1?stream=false ",
        ),
        (
            format!("DELETE /{made_by}/v1/responses/{id}"),
            "DELETE /v1/responses/resp_1 ",
        ),
    ] {
        let got = send(&line, "").await;
        assert_eq!((got.status, got.body.as_str()), (200, stored), "{line}");
        let seen = target.seen();
        assert!(seen.last().unwrap().starts_with(seen_as), "{seen:?}");
    }
    let next = format!(r#"{{"model":"m","previous_response_id":"{id}","input":"go on"}}"#);
    let got = send(&format!("POST /{made_by}/responses"), &next).await;
    assert_eq!(got.status, 200, "{got:?}");
    let seen = target.seen();
    let bare = r#""previous_response_id":"resp_1""#;
    assert!(seen.last().unwrap().contains(bare), "{seen:?}");
}
