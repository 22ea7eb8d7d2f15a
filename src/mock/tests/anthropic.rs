//! Anthropic's Messages.

use super::*;

fn ask(more: &Value) -> Value {
    let mut body = json!({"model": "claude", "max_tokens": 4,
        "messages": [{"role": "user", "content": "How heavy is it?"}]});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

fn tools() -> Value {
    json!([{"name": "weather", "input_schema": weather()}])
}

#[tokio::test]
async fn a_message_has_anthropics_shape() {
    let mock = Mock::start(INSTANT).await;
    let reply = mock
        .send("POST", "/v1/messages", ask(&json!({})).to_string())
        .await;
    assert_eq!(reply.status, 200);
    let message = reply.json();
    assert_eq!(
        (&message["type"], &message["role"]),
        (&json!("message"), &json!("assistant"))
    );
    assert_eq!(
        message["content"],
        json!([{"type": "text", "text": "the scale weighs each"}])
    );
    assert_eq!(
        message["stop_reason"], "max_tokens",
        "the bound was reached"
    );
    assert_eq!(message["usage"]["output_tokens"], 4);
    let long = ask(&json!({"max_tokens": 100_000}));
    let long = mock.send("POST", "/v1/messages", long.to_string()).await;
    assert_eq!(
        long.json()["stop_reason"],
        "end_turn",
        "it is a bound, not a wish"
    );
    mock.end().await;
}

#[tokio::test]
async fn a_message_streams_in_blocks_and_ends_with_message_stop() {
    let mock = Mock::start(INSTANT).await;
    let body = ask(&json!({"stream": true, "max_tokens": 8, "thinking": {"type": "enabled"}}));
    let reply = mock.send("POST", "/v1/messages", body.to_string()).await;
    let events = named(&reply.body);
    assert_eq!(
        course(&events),
        [
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    assert_eq!(joined(&events, "/delta/thinking"), "the scale");
    assert_eq!(
        joined(&events, "/delta/text"),
        "weighs each load of grain and"
    );
    let (_, delta) = &events[events.len() - 2];
    assert_eq!(delta["delta"]["stop_reason"], "max_tokens");
    assert_eq!(delta["usage"]["output_tokens"], 8);
    let whole = ask(&json!({"max_tokens": 8, "thinking": {"type": "enabled"}}));
    let whole = mock.send("POST", "/v1/messages", whole.to_string()).await;
    assert_eq!(whole.json()["content"][0]["type"], "thinking");
    mock.end().await;
}

#[tokio::test]
async fn a_tool_is_called_with_arguments_of_its_schema_in_fragments() {
    let mock = Mock::start(&instantly("tools = 1")).await;
    let body = ask(&json!({"stream": true, "tools": tools()}));
    let reply = mock.send("POST", "/v1/messages", body.to_string()).await;
    let events = named(&reply.body);
    let block = &events[2].1["content_block"];
    assert_eq!(
        (&block["type"], &block["name"], &block["input"]),
        (&json!("tool_use"), &json!("weather"), &json!({}))
    );
    assert_eq!(joined(&events, "/delta/partial_json"), WEATHER);
    assert_eq!(joined(&events, "/delta/stop_reason"), "tool_use");
    let fragments = events
        .iter()
        .filter(|(name, _)| name == "content_block_delta");
    assert!(fragments.count() > 1, "in fragments");
    mock.end().await;
}

#[tokio::test]
async fn whether_a_tool_is_called_is_the_laws_choice_unless_it_is_demanded() {
    let mock = Mock::start(INSTANT).await;
    let reason = async |more: Value| {
        let body = ask(&more).to_string();
        let reply = mock.send("POST", "/v1/messages", body).await.json();
        (
            reply["stop_reason"].as_str().unwrap().to_owned(),
            reply["content"].as_array().unwrap().len(),
        )
    };
    let tools = tools();
    assert_eq!(
        reason(json!({"tools": tools})).await.0,
        "max_tokens",
        "the law says none"
    );
    let demanded = json!({"tools": tools, "tool_choice": {"type": "any"}});
    assert_eq!(reason(demanded).await, ("tool_use".to_owned(), 1));
    assert_eq!(
        mock.send("PUT", "/_law", instantly("tools = 1"))
            .await
            .status,
        200
    );
    assert_eq!(reason(json!({"tools": tools})).await.0, "tool_use");
    let none = json!({"tools": tools, "tool_choice": {"type": "none"}});
    assert_eq!(reason(none).await.0, "max_tokens");
    let both = json!({"tools": tools, "messages": [{"role": "user", "content": "Both, please."}]});
    assert_eq!(reason(both).await.1, 2, "two calls at once");
    let result = json!({"tools": tools, "messages": [
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "9"}]}]});
    assert_eq!(
        reason(result).await.0,
        "max_tokens",
        "a result is answered with words"
    );
    mock.end().await;
}

#[tokio::test]
async fn thoughts_that_another_target_signed_are_refused() {
    let mock = Mock::start(TWO).await;
    let body = ask(&json!({"thinking": {"type": "enabled"}})).to_string();
    let first = mock.send("POST", "/a/v1/messages", body).await.json();
    let again = ask(&json!({"messages": [
        {"role": "user", "content": "x"}, {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": "y"}]}));
    let again = again.to_string();
    let own = mock.send("POST", "/a/v1/messages", again.clone()).await;
    assert_eq!(own.status, 200, "who signed it takes it back");
    let other = mock.send("POST", "/b/v1/messages", again).await;
    assert_eq!(other.status, 400);
    let error = &other.json()["error"];
    assert_eq!(error["type"], "invalid_request_error");
    assert_eq!(
        error["message"],
        "messages.1.content.0: Invalid `signature` in `thinking` block"
    );
    assert_eq!(mock.laws.stats("b").unwrap().refused, 1);
    mock.end().await;
}

#[tokio::test]
async fn tokens_are_counted_as_an_answer_counts_them() {
    let mock = Mock::start(INSTANT).await;
    let mut body = ask(&json!({}));
    let used = mock
        .send("POST", "/v1/messages", body.to_string())
        .await
        .json();
    body.as_object_mut().unwrap().remove("max_tokens");
    let counted = mock
        .send("POST", "/v1/messages/count_tokens", body.to_string())
        .await;
    assert_eq!(
        counted.json(),
        json!({"input_tokens": used["usage"]["input_tokens"]})
    );
    let missing = mock.send("POST", "/v1/messages", body.to_string()).await;
    assert_eq!(missing.status, 400);
    assert_eq!(
        missing.json()["error"]["message"],
        "max_tokens: Field required"
    );
    mock.end().await;
}
