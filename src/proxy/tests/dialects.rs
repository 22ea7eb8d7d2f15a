//! Clients of every front at targets of every interface.

use serde_json::{Value, json};

use super::faultd::{Act, Faultd, STREAM_HEAD, answer_of, chunk, response, stream_of};
use super::world::{Got, Plan, Spec, World, ask};
use crate::config::Interface;
use crate::live::Clock;
use crate::wire::eventstream;

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
