//! Amazon's Converse.

use super::*;
use crate::wire::eventstream::{Message, Splitter};

const UNARY: &str = "/model/us.nova%3A0/converse";
const STREAM: &str = "/model/us.nova%3A0/converse-stream";

fn ask(more: &Value) -> Value {
    let mut body = json!({"messages": [{"role": "user", "content": [{"text": "How heavy?"}]}],
                          "inferenceConfig": {"maxTokens": 8}});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

fn thinking() -> Value {
    json!({"additionalModelRequestFields": {"thinking": {"type": "enabled"}}})
}

fn messages(body: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    Splitter::new()
        .push(body, |message| messages.push(message))
        .unwrap();
    messages
}

fn events(body: &[u8]) -> Vec<(String, Value)> {
    let messages = messages(body).into_iter();
    messages
        .map(|message| {
            assert_eq!(message.kind, "event");
            (
                message.name,
                serde_json::from_slice(&message.payload).unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn an_answer_has_amazons_shape() {
    let mock = Mock::start(INSTANT).await;
    let reply = mock.send("POST", UNARY, ask(&thinking()).to_string()).await;
    let reply = reply.json();
    let content = &reply["output"]["message"]["content"];
    assert_eq!(
        content[0]["reasoningContent"]["reasoningText"]["text"],
        "the scale"
    );
    assert_eq!(content[1]["text"], "weighs each load of grain and");
    assert_eq!(reply["stopReason"], "max_tokens");
    assert_eq!(reply["usage"]["outputTokens"], 8);
    mock.end().await;
}

#[tokio::test]
async fn a_stream_is_of_binary_messages_and_ends_with_metadata() {
    let mock = Mock::start(INSTANT).await;
    let reply = mock
        .send("POST", STREAM, ask(&thinking()).to_string())
        .await;
    assert_eq!(
        reply.headers["content-type"],
        "application/vnd.amazon.eventstream"
    );
    let events = events(&reply.body);
    assert_eq!(
        course(&events),
        [
            "messageStart",
            "contentBlockDelta",
            "contentBlockStop",
            "contentBlockDelta",
            "contentBlockStop",
            "messageStop",
            "metadata"
        ]
    );
    assert_eq!(joined(&events, "/delta/reasoningContent/text"), "the scale");
    assert_eq!(
        joined(&events, "/delta/text"),
        "weighs each load of grain and"
    );
    assert_eq!(events.last().unwrap().1["usage"]["outputTokens"], 8);
    mock.end().await;
}

#[tokio::test]
async fn a_tool_is_called_in_fragments() {
    let mock = Mock::start(&instantly("tools = 1")).await;
    let tool = json!({"toolSpec": {"name": "weather", "inputSchema": {"json": weather()}}});
    let body = ask(&json!({"toolConfig": {"tools": [tool]}})).to_string();
    let events = events(&mock.send("POST", STREAM, body.clone()).await.body);
    assert_eq!(events[1].0, "contentBlockStart");
    assert_eq!(joined(&events, "/delta/toolUse/input"), WEATHER);
    assert_eq!(joined(&events, "/stopReason"), "tool_use");
    mock.anew();
    let whole = mock.send("POST", UNARY, body).await.json();
    let call = &whole["output"]["message"]["content"][0]["toolUse"];
    assert_eq!(call["input"].to_string(), WEATHER);
    assert_eq!(
        call["toolUseId"], events[1].1["start"]["toolUse"]["toolUseId"],
        "the same request says the same, streamed or not"
    );
    mock.end().await;
}

#[tokio::test]
async fn a_signature_of_another_target_is_refused() {
    let mock = Mock::start(TWO).await;
    let path = |target: &str| format!("/{target}/v1/model/nova/converse");
    let first = mock
        .send("POST", &path("a"), ask(&thinking()).to_string())
        .await;
    let said = first.json()["output"]["message"].clone();
    let again = ask(&json!({"messages": [said, {"role": "user", "content": [{"text": "y"}]}]}));
    let own = mock.send("POST", &path("a"), again.to_string()).await;
    assert_eq!(own.status, 200, "who signed it takes it back");
    let other = mock.send("POST", &path("b"), again.to_string()).await;
    assert_eq!(other.status, 400);
    let kind = other.headers["x-amzn-errortype"].to_str().unwrap();
    assert!(kind.starts_with("ValidationException:"), "{kind}");
    let words = other.json()["message"].to_string();
    assert!(
        words.contains("Invalid `signature` in `thinking` block"),
        "{words}"
    );
    mock.end().await;
}

#[tokio::test]
async fn an_error_in_a_stream_is_an_exception() {
    let mock = Mock::start(&instantly("misbehave = \"error_midway\"")).await;
    let reply = mock.send("POST", STREAM, ask(&json!({})).to_string()).await;
    let messages = messages(&reply.body);
    let last = messages.last().unwrap();
    assert_eq!(
        (last.kind.as_str(), last.name.as_str()),
        ("exception", "internalServerException")
    );
    assert!(messages.len() > 2, "after the beginning of an answer");
    mock.end().await;
}
