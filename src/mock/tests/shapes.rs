//! Answers, streams and refusals have OpenAI's shapes.

use super::*;

#[tokio::test]
async fn a_unary_answer_has_openais_shape() {
    let mock = Mock::start(INSTANT).await;
    for path in ["/v1/chat/completions", "/chat/completions"] {
        let reply = mock.send("POST", path, question(3, 0).to_string()).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.headers["content-type"], "application/json");
        let answer = reply.json();
        assert_eq!(answer["object"], "chat.completion");
        assert_eq!(answer["model"], "tiny", "the name that was asked for");
        assert!(answer["created"].as_u64().unwrap() > 1_700_000_000);
        assert!(answer["id"].as_str().unwrap().starts_with("chatcmpl-"));
        let choice = &answer["choices"][0];
        assert_eq!(choice["message"]["role"], "assistant");
        assert_eq!(choice["message"]["content"], "the scale weighs");
        assert_eq!(choice["finish_reason"], "length");
        let usage = &answer["usage"];
        assert_eq!(usage["completion_tokens"], 3);
        assert_eq!(
            usage["total_tokens"].as_u64().unwrap(),
            usage["prompt_tokens"].as_u64().unwrap() + 3
        );
    }
    mock.end().await;
}

#[tokio::test]
async fn a_stream_has_openais_events_in_order() {
    let mock = Mock::start(INSTANT).await;
    let reply = mock.chat(&streamed(5, 9)).await;
    assert_eq!(
        reply.headers["content-type"],
        "text/event-stream; charset=utf-8"
    );
    let events = events(&reply.body);
    assert_eq!(events.len(), 1 + 5 + 1 + 1 + 1, "{events:?}");
    assert_eq!(events.last().unwrap(), "[DONE]");
    let chunks: Vec<Value> = events[..8]
        .iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    for chunk in &chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["id"], chunks[0]["id"], "one answer, one id");
    }
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(
        chunks[0]["choices"][0]["delta"]["content"], "",
        "the role chunk has no content"
    );
    let text: String = chunks[1..6]
        .iter()
        .map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().unwrap())
        .collect();
    let whole = mock.chat(&question(5, 9)).await.json();
    assert_eq!(
        whole["choices"][0]["message"]["content"], text,
        "the same request says the same, streamed or not"
    );
    assert_eq!(chunks[6]["choices"][0]["finish_reason"], "length");
    assert_eq!(chunks[6]["usage"], Value::Null);
    assert_eq!(chunks[7]["choices"], json!([]));
    assert_eq!(chunks[7]["usage"], whole["usage"]);
    mock.end().await;
}

#[tokio::test]
async fn without_being_asked_a_stream_counts_nothing() {
    let mock = Mock::start(INSTANT).await;
    let mut body = streamed(2, 0);
    body["stream_options"] = Value::Null;
    let events = events(&mock.chat(&body).await.body);
    assert_eq!(events.len(), 1 + 2 + 1 + 1, "{events:?}");
    assert!(!events.concat().contains("usage"), "{events:?}");
    mock.end().await;
}

#[tokio::test]
async fn a_long_stream_arrives_whole() {
    let mock = Mock::start(INSTANT).await;
    let body = mock.chat(&streamed(20_000, 0)).await.body;
    assert_eq!(events(&body).len(), 20_004, "over many frames");
    mock.end().await;
}

#[tokio::test]
async fn the_model_list_names_the_targets() {
    let mock = Mock::start("[target.a]\n[target.b]\n").await;
    let list = mock.send("GET", "/v1/models", "").await.json();
    assert_eq!(list["object"], "list");
    let names: Vec<_> = list["data"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 2);
    assert_eq!(
        (&names[0]["id"], &names[1]["id"]),
        (&json!("a"), &json!("b"))
    );
    mock.end().await;
}

#[tokio::test]
async fn http2_with_prior_knowledge_is_spoken_on_the_same_port() {
    let mock = Mock::start(INSTANT).await;
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let request = Request::post(format!("{}/v1/chat/completions", mock.origin))
        .body(Full::from(streamed(3, 0).to_string()))
        .unwrap();
    let reply = client.request(request).await.unwrap();
    assert_eq!(reply.version(), http::Version::HTTP_2);
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(events(&body).len(), 7);
    mock.end().await;
}
