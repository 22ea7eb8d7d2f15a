//! Clients of other interfaces than chat, and what is counted of answers.

use serde_json::{Value, json};

use super::super::faultd::{Act, STREAM_HEAD, answer_of, chunk, response, stream_of};
use super::super::world::ask;
use super::{CONVERSE, events, one, only, parsed, post_to};
use crate::config::Interface;
use crate::live::Clock;

const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"hello"}],
    "stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":2}}"#;

/// What the client of Anthropic's sends.
fn message(stream: bool) -> Value {
    json!({"model": "chat", "max_tokens": 64, "stream": stream, "system": "be kind",
        "messages": [{"role": "user", "content": "hi"}]})
}

#[tokio::test]
async fn a_message_is_answered_by_chat() {
    let (target, world) = one(Interface::OPENAI, Act::Answer(answer_of("hello"))).await;
    for path in ["/v1/messages", "/v3/anthropic/v1/messages"] {
        let got = world.send(&post_to(path, &message(false))).await;
        assert_eq!(got.status, 200, "{got:?}");
        let answer = parsed(&got);
        assert_eq!(answer["type"], "message");
        assert_eq!(answer["content"][0]["text"], "hello");
        assert_eq!(answer["stop_reason"], "end_turn");
        assert_eq!(answer["usage"]["input_tokens"], 9);
    }
    let seen = &target.seen()[0];
    assert!(seen.starts_with("POST /v1/chat/completions "), "{seen}");
    assert!(seen.contains("be kind"), "{seen}");
}

#[tokio::test]
async fn a_streamed_message_is_answered_by_chat() {
    let (_target, world) = one(Interface::OPENAI, Act::Answer(stream_of(&["hel", "lo"]))).await;
    let got = world.send(&post_to("/v1/messages", &message(true))).await;
    let kinds: Vec<String> = events(&got)
        .iter()
        .map(|event| event["type"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        kinds.first().map(String::as_str),
        Some("message_start"),
        "{got:?}"
    );
    assert_eq!(
        kinds.last().map(String::as_str),
        Some("message_stop"),
        "{got:?}"
    );
    assert!(!got.body.contains("[DONE]"));
    let events = events(&got);
    let last = events.iter().find(|event| event["type"] == "message_delta");
    assert_eq!(last.unwrap()["usage"]["output_tokens"], 2, "{got:?}");
}

#[tokio::test]
async fn a_chat_is_answered_by_messages() {
    let act = Act::Answer(response("200 OK", "application/json", MESSAGE));
    let (target, world) = one(Interface::Anthropic, act).await;
    let got = world.chat(&ask(false)).await;
    assert_eq!(
        parsed(&got)["choices"][0]["message"]["content"],
        "hello",
        "{got:?}"
    );
    let (head, body) = only(&target);
    assert!(head.starts_with("POST /v1/messages "), "{head}");
    assert!(head.contains("x-api-key: sk-key-of-p0"), "{head}");
    assert!(head.contains("anthropic-version: 2023-06-01"), "{head}");
    assert!(body["max_tokens"].as_u64() > Some(0), "it must be there");
}

#[tokio::test]
async fn an_answer_without_a_date_is_of_today() {
    let begun = Clock::start().unix_seconds();
    let paths = [
        (
            "/v1/chat/completions",
            "created",
            json!({"model": "chat", "messages": [{"role": "user", "content": "hi"}]}),
        ),
        (
            "/v1/completions",
            "created",
            json!({"model": "chat", "prompt": "hi"}),
        ),
        (
            "/v1/responses",
            "created_at",
            json!({"model": "chat", "input": "hi"}),
        ),
    ];
    for (path, member, body) in paths {
        let act = Act::Answer(response("200 OK", "application/json", MESSAGE));
        let (_target, world) = one(Interface::Anthropic, act).await;
        let got = world.send(&post_to(path, &body)).await;
        let made = parsed(&got)[member].as_u64();
        assert!(made >= Some(begun), "{path}: {got:?}");
    }
}

#[tokio::test]
async fn messages_pass_to_their_own_provider_as_they_are() {
    let act = Act::Answer(response("200 OK", "application/json", MESSAGE));
    let (target, world) = one(Interface::Anthropic, act).await;
    let got = world.send(&post_to("/v1/messages", &message(false))).await;
    assert_eq!((got.status, got.body.as_str()), (200, MESSAGE));
    let (_, body) = only(&target);
    let expected = json!({"model": "m", "max_tokens": 64, "stream": false, "system": "be kind",
        "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_response_is_answered_by_every_dialect() {
    let body = json!({"model": "chat", "input": "hi"});
    let gemini = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"hello"}]},"finishReason":"STOP"}],
        "usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":2,"totalTokenCount":9},"modelVersion":"g"}"#;
    let cohere = r#"{"id":"c","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"text","text":"hello"}]},
        "usage":{"billed_units":{"input_tokens":7,"output_tokens":2}}}"#;
    for (interface, path, answer) in [
        (Interface::Anthropic, "/v1/messages", MESSAGE),
        (Interface::Bedrock, "/v1/model/m/converse", CONVERSE),
        (Interface::Gemini, "/v1/models/m:generateContent", gemini),
        (Interface::Cohere, "/v1/chat", cohere),
    ] {
        let act = Act::Answer(response("200 OK", "application/json", answer));
        let (target, world) = one(interface, act).await;
        let got = world.send(&post_to("/v1/responses", &body)).await;
        let answer = parsed(&got);
        assert_eq!(answer["object"], "response", "{got:?}");
        assert_eq!(
            answer["output"][0]["content"][0]["text"], "hello",
            "{got:?}"
        );
        assert_eq!(answer["usage"]["total_tokens"], 9, "{path}");
        let (head, _) = only(&target);
        assert!(head.starts_with(&format!("POST {path} ")), "{head}");
    }
}

#[tokio::test]
async fn an_earlier_response_is_known_to_its_own_interface_alone() {
    let (target, world) = one(Interface::Anthropic, Act::Reset).await;
    let body = json!({"model": "chat", "input": "hi", "previous_response_id": "resp_1"});
    let got = world.send(&post_to("/v1/responses", &body)).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (503, "no_eligible_target")
    );
    assert!(
        got.error("message").contains("previous_response_id"),
        "{got:?}"
    );
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn errors_have_the_shape_of_what_was_called() {
    let (_target, world) = one(Interface::OPENAI, Act::Reset).await;
    let got = world.send(&post_to("/v1/messages", &message(false))).await;
    assert_eq!(got.status, 502, "{got:?}");
    assert_eq!(parsed(&got)["type"], "error");
    assert_eq!(parsed(&got)["error"]["type"], "api_error");
    let unknown = json!({"model": "nobody", "max_tokens": 1, "messages": []});
    let got = world.send(&post_to("/v1/messages", &unknown)).await;
    assert_eq!(got.status, 404);
    assert_eq!(parsed(&got)["error"]["type"], "not_found_error", "{got:?}");
    let id = got.header("x-request-id");
    assert_eq!(parsed(&got)["request_id"], id, "{got:?}");
}

#[tokio::test]
async fn a_cut_stream_of_messages_ends_with_an_error_event() {
    let begun = format!(
        "{STREAM_HEAD}{}",
        chunk(
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"c\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n\
             event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
             event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"he\"}}\n\n"
        )
    );
    for path in ["/v1/messages", "/v1/chat/completions"] {
        let act = Act::SendAndClose(begun.clone().into_bytes());
        let (_target, world) = one(Interface::Anthropic, act).await;
        let got = world.send(&post_to(path, &message(true))).await;
        let last = events(&got).pop().unwrap();
        assert!(last["error"]["message"].is_string(), "{path}: {}", got.body);
        assert_eq!(
            got.body.contains("event: error"),
            path == "/v1/messages",
            "{}",
            got.body
        );
    }
}

#[tokio::test]
async fn a_cut_stream_of_responses_ends_with_an_error_event_of_theirs() {
    let delta = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":0,\"item_id\":\"i\",\"output_index\":0,\"content_index\":0,\"delta\":\"he\"}\n\n";
    let begun = format!("{STREAM_HEAD}{}", chunk(delta));
    let (_target, world) = one(Interface::OPENAI, Act::SendAndClose(begun.into_bytes())).await;
    let body = json!({"model": "chat", "input": "hi", "stream": true});
    let got = world.send(&post_to("/v1/responses", &body)).await;
    let last = events(&got).pop().unwrap();
    assert!(got.body.contains("event: error\n"), "{}", got.body);
    assert_eq!(last["type"], "error", "{last}");
    assert_eq!(last["code"], "upstream_error", "{last}");
    assert_eq!(last["sequence_number"], 1, "after one event: {last}");
    assert!(last["message"].is_string(), "{last}");
}

#[tokio::test]
async fn embeddings_are_asked_for_in_the_targets_words() {
    let gemini = r#"{"embeddings":[{"values":[0.5,0.25]}]}"#;
    let cohere = r#"{"id":"e","embeddings":{"float":[[0.5,0.25]]},"meta":{"billed_units":{"input_tokens":3}}}"#;
    for (interface, path, answer) in [
        (Interface::Gemini, "/v1/models/m:batchEmbedContents", gemini),
        (Interface::Cohere, "/v1/embed", cohere),
    ] {
        let act = Act::Answer(response("200 OK", "application/json", answer));
        let (target, world) = one(interface, act).await;
        let body = json!({"model": "chat", "input": ["x"]});
        let got = world.send(&post_to("/v1/embeddings", &body)).await;
        assert_eq!(
            parsed(&got)["data"][0]["embedding"],
            json!([0.5, 0.25]),
            "{got:?}"
        );
        let (head, _) = only(&target);
        assert!(head.starts_with(&format!("POST {path} ")), "{head}");
    }
}

#[tokio::test]
async fn tokens_are_counted_by_who_can_and_else_estimated() {
    let body = json!({"model": "chat", "messages": [{"role": "user", "content": "hi"}]});
    let act = Act::Answer(response(
        "200 OK",
        "application/json",
        r#"{"input_tokens":14}"#,
    ));
    let (target, world) = one(Interface::Anthropic, act).await;
    let got = world
        .send(&post_to("/v1/messages/count_tokens", &body))
        .await;
    assert_eq!(got.body, r#"{"input_tokens":14}"#, "{got:?}");
    assert!(target.seen()[0].starts_with("POST /v1/messages/count_tokens "));

    let (target, world) = one(Interface::OPENAI, Act::Reset).await;
    let got = world
        .send(&post_to("/v1/messages/count_tokens", &body))
        .await;
    assert_eq!(got.status, 200, "{got:?}");
    assert!(parsed(&got)["input_tokens"].as_u64() > Some(0));
    assert_eq!(got.header("x-weighbridge-estimated"), "true");
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn an_answer_without_counts_is_booked_by_its_size_and_marked() {
    let body = json!({"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": "a".repeat(4_000)},
        "finish_reason": "stop"}]});
    let act = Act::Answer(response("200 OK", "application/json", &body.to_string()));
    let (_target, world) = one(Interface::OPENAI, act).await;
    let got = world.chat(&ask(false)).await;
    assert_eq!(got.header("x-weighbridge-estimated"), "true", "{got:?}");
    let tokens: u64 = got.header("x-weighbridge-tokens-output").parse().unwrap();
    assert!((900..=1_000).contains(&tokens), "{tokens}");
    let ends = world.ends().await;
    assert!(ends[0].estimated && ends[0].cost.is_some());

    let (_target, world) = one(Interface::OPENAI, Act::Answer(answer_of("x"))).await;
    let got = world.chat(&ask(false)).await;
    assert_eq!(got.header("x-weighbridge-estimated"), "", "{got:?}");
}
