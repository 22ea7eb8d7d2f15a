//! Cohere's chat and embed.

use super::*;

fn ask(more: &Value) -> Value {
    let mut body = json!({"model": "command", "max_tokens": 4,
        "messages": [{"role": "user", "content": "How heavy?"}]});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[tokio::test]
async fn an_answer_has_coheres_shape_streamed_or_not() {
    let mock = Mock::start(INSTANT).await;
    let more = json!({"thinking": {"type": "enabled"}});
    let whole = mock.send("POST", "/v2/chat", ask(&more).to_string()).await;
    let whole = whole.json();
    assert_eq!(
        whole["message"]["content"],
        json!([{"type": "thinking", "thinking": "the"}, {"type": "text", "text": "scale weighs each"}])
    );
    assert_eq!(whole["finish_reason"], "MAX_TOKENS");
    assert_eq!(whole["usage"]["tokens"]["output_tokens"], 4);
    mock.anew();
    let mut body = ask(&more);
    body["stream"] = json!(true);
    let events = named(&mock.send("POST", "/v2/chat", body.to_string()).await.body);
    assert_eq!(
        course(&events),
        [
            "message-start",
            "content-start",
            "content-delta",
            "content-end",
            "content-start",
            "content-delta",
            "content-end",
            "message-end",
            ""
        ]
    );
    let text = joined(&events[5..], "/delta/message/content/text");
    assert_eq!(text, "scale weighs each");
    let (_, end) = &events[events.len() - 2];
    assert_eq!(end["delta"]["usage"], whole["usage"]);
    assert_eq!(events.last().unwrap().1, "[DONE]");
    mock.end().await;
}

#[tokio::test]
async fn a_tool_is_called_in_fragments() {
    let mock = Mock::start(INSTANT).await;
    let tool =
        json!({"type": "function", "function": {"name": "weather", "parameters": weather()}});
    let body = ask(&json!({"stream": true, "tools": [tool], "tool_choice": "REQUIRED"}));
    let events = named(&mock.send("POST", "/v2/chat", body.to_string()).await.body);
    assert_eq!(
        course(&events),
        [
            "message-start",
            "tool-call-start",
            "tool-call-delta",
            "tool-call-end",
            "message-end",
            ""
        ]
    );
    let arguments = joined(&events, "/delta/message/tool_calls/function/arguments");
    assert_eq!(arguments, WEATHER);
    assert_eq!(joined(&events, "/delta/finish_reason"), "TOOL_CALL");
    mock.end().await;
}

#[tokio::test]
async fn texts_become_vectors() {
    let mock = Mock::start(INSTANT).await;
    let body = json!({"model": "embed", "texts": ["a", "b", "a"], "input_type": "search_query"});
    let reply = mock
        .send("POST", "/v2/embed", body.to_string())
        .await
        .json();
    let vectors = &reply["embeddings"]["float"];
    assert_eq!(vectors[0], vectors[2], "the same text is the same vector");
    assert_ne!(vectors[0], vectors[1]);
    assert_eq!(vectors[0].as_array().unwrap().len(), 8);
    mock.end().await;
}
