//! Clients of every front at targets of every interface.

use serde_json::{Value, json};

use super::faultd::{Act, Faultd, STREAM_HEAD, answer_of, chunk, response, stream_of};
use super::world::{Got, Plan, Spec, World, ask};
use crate::config::Interface;
use crate::wire::eventstream;

mod fronts;

/// A request to `path` with `body`, on a connection of its own.
fn post_to(path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn one(interface: Interface, act: Act) -> (Faultd, World) {
    let target = Faultd::start(act).await;
    let world = Plan::new(vec![Spec::speaking(target.address, interface)])
        .start()
        .await;
    (target, world)
}

/// Head and body of the only request that the target saw.
fn only(target: &Faultd) -> (String, Value) {
    let seen = target.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let (head, body) = seen[0].split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

fn parsed(got: &Got) -> Value {
    serde_json::from_str(&got.body).unwrap_or_else(|error| panic!("{error}: {}", got.body))
}

/// The documents in the events of a stream.
fn events(got: &Got) -> Vec<Value> {
    let lines = got.body.lines();
    let data = lines.filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

const CONVERSE: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"hello"}]}},
    "stopReason":"end_turn","usage":{"inputTokens":7,"outputTokens":2,"totalTokens":9}}"#;

fn converse_stream() -> Vec<u8> {
    let event = |kind: &str, payload: &str| {
        let headers = [
            (":event-type", kind),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ];
        eventstream::write(&headers, payload.as_bytes())
    };
    let all = [
        event("messageStart", r#"{"role":"assistant"}"#),
        event(
            "contentBlockDelta",
            r#"{"contentBlockIndex":0,"delta":{"text":"hel"}}"#,
        ),
        event(
            "contentBlockDelta",
            r#"{"contentBlockIndex":0,"delta":{"text":"lo"}}"#,
        ),
        event("contentBlockStop", r#"{"contentBlockIndex":0}"#),
        event("messageStop", r#"{"stopReason":"end_turn"}"#),
        event(
            "metadata",
            r#"{"usage":{"inputTokens":7,"outputTokens":2,"totalTokens":9}}"#,
        ),
    ]
    .concat();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ncontent-length: {}\r\n\r\n",
        all.len()
    );
    [head.into_bytes(), all].concat()
}

#[tokio::test]
async fn a_chat_is_answered_by_converse() {
    let act = Act::Answer(response("200 OK", "application/json", CONVERSE));
    let (target, world) = one(Interface::Bedrock, act).await;
    let got = world.chat(&ask(false)).await;
    assert_eq!(got.status, 200, "{got:?}");
    let answer = parsed(&got);
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["choices"][0]["message"]["content"], "hello");
    assert_eq!(answer["usage"]["total_tokens"], 9);
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!(got.header("x-weighbridge-tokens-input"), "7");
    // A micro-dollar per million tokens of the prompt, ten of the answer.
    assert_eq!(got.header("x-weighbridge-cost-usd"), "0.000000000027");
    let (head, body) = only(&target);
    assert!(
        head.starts_with("POST /v1/model/m/converse HTTP/1.1"),
        "{head}"
    );
    assert!(
        head.contains("authorization: Bearer sk-key-of-p0"),
        "{head}"
    );
    assert_eq!(body["messages"][0]["content"][0]["text"], "hi");
}

#[tokio::test]
async fn a_streamed_chat_is_answered_by_converse() {
    let (_target, world) = one(Interface::Bedrock, Act::Answer(converse_stream())).await;
    let got = world.chat(&ask(true)).await;
    assert_eq!(got.status, 200, "{got:?}");
    assert!(got.header("content-type").starts_with("text/event-stream"));
    let events = events(&got);
    let text: String = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, "hello");
    assert!(got.body.ends_with("data: [DONE]\n\n"), "{}", got.body);
    let usage = events.iter().filter(|event| event["usage"].is_object());
    assert_eq!(usage.count(), 0, "nobody asked for it");
    let ended = world.ends().await;
    assert_eq!(
        ended[0].tokens.map(|tokens| tokens.input),
        Some(7),
        "it is booked"
    );
}

#[tokio::test]
async fn a_cut_foreign_stream_ends_with_an_error_and_no_done() {
    let mut stream = converse_stream();
    stream.truncate(stream.len() - 250);
    let (_target, world) = one(Interface::Bedrock, Act::SendAndClose(stream)).await;
    let got = world.chat(&ask(true)).await;
    assert!(got.body.contains("\"error\""), "{}", got.body);
    assert!(!got.body.contains("[DONE]"), "{}", got.body);
}

#[tokio::test]
async fn token_counts_are_asked_for_and_taken_out_again() {
    let (target, world) = one(Interface::OPENAI, Act::Answer(stream_of(&["a", "b"]))).await;
    let got = world.chat(&ask(true)).await;
    assert!(!got.body.contains("usage"), "{}", got.body);
    assert!(got.body.ends_with("data: [DONE]\n\n"));
    let (_, body) = only(&target);
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
    let ended = world.ends().await;
    assert_eq!(ended[0].tokens.map(|tokens| tokens.output), Some(2));
}

#[tokio::test]
async fn token_counts_that_were_asked_for_pass() {
    let (_target, world) = one(Interface::OPENAI, Act::Answer(stream_of(&["a"]))).await;
    let body = json!({"model": "chat", "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "hi"}]});
    let got = world.chat(&body.to_string()).await;
    assert!(got.body.contains("\"prompt_tokens\":9"), "{}", got.body);
}

#[tokio::test]
async fn embeddings_and_completions_pass_as_they_are() {
    let answer = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":3,"total_tokens":3}}"#;
    let act = Act::Answer(response("200 OK", "application/json", answer));
    let (target, world) = one(Interface::OPENAI, act).await;
    let body = json!({"model": "chat", "input": "x"});
    let got = world.send(&post_to("/v1/embeddings", &body)).await;
    assert_eq!((got.status, got.body.as_str()), (200, answer));
    assert_eq!(got.header("x-weighbridge-tokens-input"), "3");
    assert!(target.seen()[0].starts_with("POST /v1/embeddings "));
    target.now_do(Act::Answer(answer_of("x")));
    let body = json!({"model": "chat", "prompt": "x"});
    let got = world.send(&post_to("/v1/completions", &body)).await;
    assert_eq!(got.status, 200);
    assert!(target.seen()[1].starts_with("POST /v1/completions "));
}

#[tokio::test]
async fn a_target_without_the_interface_is_not_asked() {
    let (target, world) = one(Interface::Bedrock, Act::Reset).await;
    let body = json!({"model": "chat", "input": "x"});
    let got = world.send(&post_to("/v1/embeddings", &body)).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (503, "no_eligible_target")
    );
    assert!(
        got.error("message")
            .contains("t0: it has no embeddings interface"),
        "{got:?}"
    );
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn what_a_dialect_cannot_say_goes_to_those_that_can() {
    let bedrock = Faultd::start(Act::Reset).await;
    let openai = Faultd::start(Act::Answer(answer_of("two"))).await;
    let world = Plan::new(vec![
        Spec::speaking(bedrock.address, Interface::Bedrock),
        Spec::new(openai.address, 1.0),
    ])
    .start()
    .await;
    let body = json!({"model": "chat", "n": 2, "messages": [{"role": "user", "content": "hi"}]});
    for _ in 0..8 {
        let got = world.chat(&body.to_string()).await;
        assert_eq!(got.header("x-weighbridge-target"), "t1", "{got:?}");
    }
    assert_eq!(bedrock.connections(), 0);
}

#[tokio::test]
async fn what_is_harmless_is_left_out_and_named() {
    let act = Act::Answer(response("200 OK", "application/json", CONVERSE));
    let (_target, world) = one(Interface::Bedrock, act).await;
    let body = json!({"model": "chat", "seed": 7, "messages": [{"role": "user", "content": "hi"}]});
    let got = world.chat(&body.to_string()).await;
    assert_eq!(got.header("x-weighbridge-dropped"), "seed", "{got:?}");
}

#[tokio::test]
async fn the_clients_mistake_is_told_in_the_clients_dialect() {
    let body = r#"{"message":"Input is too long for requested model."}"#;
    let act = Act::Answer(response("400 Bad Request", "application/json", body));
    let (_target, world) = one(Interface::Bedrock, act).await;
    let got = world.chat(&ask(false)).await;
    assert_eq!(got.status, 400, "{got:?}");
    assert!(
        got.error("message").contains("Input is too long"),
        "{got:?}"
    );
}

#[tokio::test]
async fn a_body_that_only_translation_cannot_read_is_the_clients_mistake() {
    let (target, world) = one(Interface::Bedrock, Act::Reset).await;
    let got = world
        .chat(&json!({"model": "chat", "messages": [{"role": "user", "content": 7}]}).to_string())
        .await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (400, "invalid_request_error")
    );
    assert!(
        got.error("param").starts_with("messages[0].content"),
        "{got:?}"
    );
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn a_stream_of_another_dialect_moves_on_before_its_first_content() {
    let broken = Faultd::start(Act::SendAndClose(
        format!("{STREAM_HEAD}{}0\r\n\r\n", chunk(": nothing\n\n")).into_bytes(),
    ))
    .await;
    let whole = Faultd::start(Act::Answer(converse_stream())).await;
    let world = Plan::new(vec![
        Spec::new(broken.address, 1.0),
        Spec::speaking(whole.address, Interface::Bedrock),
    ])
    .start()
    .await;
    for _ in 0..4 {
        let got = world.chat(&ask(true)).await;
        assert_eq!(got.header("x-weighbridge-target"), "t1", "{got:?}");
        assert!(got.body.contains("[DONE]"));
    }
}
