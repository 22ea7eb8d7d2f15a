//! OpenAI's APIs beside plain chat: tools, thoughts and schemas in chat, completions, Responses.

use super::*;

fn tools() -> Value {
    json!([{"type": "function", "function": {"name": "weather", "parameters": weather()}}])
}

fn with(mut body: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[tokio::test]
async fn chat_calls_two_tools_at_once_where_both_are_asked_for() {
    let mock = Mock::start(&instantly("tools = 1")).await;
    let more = json!({"tools": tools(),
        "messages": [{"role": "user", "content": "Weather in both towns?"}]});
    let whole = mock.chat(&with(question(4, 0), &more)).await.json();
    let choice = &whole["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let calls = choice["message"]["tool_calls"].as_array().unwrap();
    assert_eq!(calls.len(), 2);
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    let events = named(&mock.chat(&with(streamed(4, 0), &more)).await.body);
    for (index, call) in calls.iter().enumerate() {
        let deltas = events.iter().map(|(_, data)| &data["choices"][0]["delta"]);
        let deltas: Vec<&Value> = deltas
            .map(|delta| &delta["tool_calls"][0])
            .filter(|delta| delta["index"] == index)
            .collect();
        assert_eq!(deltas[0]["id"], call["id"]);
        let arguments = deltas.iter().map(|delta| {
            let arguments = &delta["function"]["arguments"];
            arguments.as_str().unwrap()
        });
        assert_eq!(arguments.collect::<String>(), WEATHER);
        assert!(deltas.len() > 2, "in fragments");
    }
    mock.end().await;
}

#[tokio::test]
async fn chat_shows_its_thoughts_and_counts_them() {
    let mock = Mock::start(INSTANT).await;
    let more = json!({"reasoning_effort": "low"});
    let whole = mock.chat(&with(question(8, 0), &more)).await.json();
    let message = &whole["choices"][0]["message"];
    assert_eq!(message["reasoning_content"], "the scale");
    assert_eq!(message["content"], "weighs each load of grain and");
    let details = &whole["usage"]["completion_tokens_details"];
    assert_eq!(details["reasoning_tokens"], 2);
    let events = named(&mock.chat(&with(streamed(8, 0), &more)).await.body);
    let thoughts = joined(&events, "/choices/0/delta/reasoning_content");
    assert_eq!(thoughts, "the scale");
    mock.end().await;
}

#[tokio::test]
async fn an_answer_in_a_schema_satisfies_it() {
    let mock = Mock::start(INSTANT).await;
    let format = json!({"type": "json_schema", "json_schema": {"name": "w", "schema": weather()}});
    let more = json!({"response_format": format});
    let whole = mock.chat(&with(question(4, 0), &more)).await.json();
    assert_eq!(whole["choices"][0]["message"]["content"], WEATHER);
    let events = named(&mock.chat(&with(streamed(4, 0), &more)).await.body);
    assert_eq!(joined(&events, "/choices/0/delta/content"), WEATHER);
    mock.end().await;
}

#[tokio::test]
async fn a_text_is_completed_streamed_or_not() {
    let mock = Mock::start(INSTANT).await;
    let mut body = json!({"model": "old", "prompt": "Once", "max_tokens": 3});
    let whole = mock
        .send("POST", "/v1/completions", body.to_string())
        .await
        .json();
    assert_eq!(whole["object"], "text_completion");
    assert_eq!(whole["choices"][0]["text"], "the scale weighs");
    body["stream"] = json!(true);
    mock.anew();
    let reply = mock.send("POST", "/v1/completions", body.to_string()).await;
    let events = named(&reply.body);
    assert_eq!(joined(&events, "/choices/0/text"), "the scale weighs");
    assert_eq!(events.last().unwrap().1, "[DONE]");
    assert!(
        events.iter().all(|(_, data)| data["usage"].is_null()),
        "nobody asked"
    );
    mock.end().await;
}

fn response(more: &Value) -> Value {
    with(
        json!({"model": "gpt", "input": "How heavy?", "max_output_tokens": 8}),
        more,
    )
}

#[tokio::test]
async fn a_response_has_its_items() {
    let mock = Mock::start(INSTANT).await;
    let more = json!({"reasoning": {"effort": "low", "summary": "auto"},
                      "include": ["reasoning.encrypted_content"]});
    let reply = mock
        .send("POST", "/v1/responses", response(&more).to_string())
        .await
        .json();
    assert_eq!(reply["object"], "response");
    assert_eq!(reply["status"], "incomplete", "the bound was reached");
    let (thought, message) = (&reply["output"][0], &reply["output"][1]);
    assert_eq!(thought["summary"][0]["text"], "the scale");
    assert!(thought["encrypted_content"].is_string());
    assert_eq!(
        message["content"][0]["text"],
        "weighs each load of grain and"
    );
    assert_eq!(reply["usage"]["output_tokens"], 8);
    let details = &reply["usage"]["output_tokens_details"];
    assert_eq!(details["reasoning_tokens"], 2);
    mock.end().await;
}

#[tokio::test]
async fn a_responses_stream_is_typed_numbered_and_ends_with_the_whole() {
    let mock = Mock::start(&instantly("tools = 1")).await;
    let tool = json!({"type": "function", "name": "weather", "parameters": weather()});
    let more = json!({"stream": true, "tools": [tool], "reasoning": {"summary": "auto"}});
    let body = response(&more).to_string();
    let events = named(&mock.send("POST", "/v1/responses", body).await.body);
    assert_eq!(
        course(&events),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed"
        ]
    );
    for (number, (name, data)) in events.iter().enumerate() {
        assert_eq!(data["sequence_number"], number);
        assert_eq!(data["type"], **name);
    }
    let calls = events
        .iter()
        .filter(|(name, _)| name == "response.function_call_arguments.delta");
    let arguments = calls.map(|(_, data)| data["delta"].as_str().unwrap());
    assert_eq!(arguments.collect::<String>(), WEATHER);
    let whole = &events.last().unwrap().1["response"];
    assert_eq!(whole["output"][1]["arguments"], WEATHER);
    mock.anew();
    let text = named(
        &mock
            .send(
                "POST",
                "/v1/responses",
                response(&json!({"stream": true})).to_string(),
            )
            .await
            .body,
    );
    assert_eq!(
        text.last().unwrap().0,
        "response.incomplete",
        "where the bound was reached"
    );
    assert_eq!(
        joined(&text, "/delta"),
        "the scale weighs each load of grain and"
    );
    mock.end().await;
}

#[tokio::test]
async fn a_response_of_another_target_is_not_found() {
    let mock = Mock::start(TWO).await;
    let send = async |target: &str, more: Value| {
        let path = format!("/{target}/v1/responses");
        mock.send("POST", &path, response(&more).to_string()).await
    };
    let first = send("a", json!({})).await.json();
    let next = json!({"previous_response_id": first["id"]});
    assert_eq!(send("a", next.clone()).await.status, 200);
    let other = send("b", next).await;
    assert_eq!(other.status, 400);
    assert_eq!(other.json()["error"]["code"], "previous_response_not_found");
    let id = first["id"].as_str().unwrap();
    let stored = async |target: &str| {
        let path = format!("/{target}/v1/responses/{id}");
        mock.send("GET", &path, "").await.status
    };
    assert_eq!(stored("a").await, 200);
    assert_eq!(stored("b").await, 404);
    mock.end().await;
}

#[tokio::test]
async fn sealed_thoughts_of_another_target_cannot_be_opened() {
    let mock = Mock::start(TWO).await;
    let send = async |target: &str, more: Value| {
        let path = format!("/{target}/v1/responses");
        mock.send("POST", &path, response(&more).to_string()).await
    };
    let thinks = json!({"reasoning": {}, "include": ["reasoning.encrypted_content"]});
    let thought = send("a", thinks).await.json()["output"][0].clone();
    let input = |item: &Value| json!({"input": [item, {"role": "user", "content": "y"}]});
    assert_eq!(send("a", input(&thought)).await.status, 200);
    let other = send("b", input(&thought)).await;
    assert_eq!(other.status, 400);
    assert_eq!(other.json()["error"]["code"], "invalid_encrypted_content");
    let mut bare = thought.clone();
    bare.as_object_mut().unwrap().remove("encrypted_content");
    assert_eq!(
        send("a", input(&bare)).await.status,
        200,
        "it has it stored"
    );
    assert_eq!(send("b", input(&bare)).await.status, 404);
    mock.end().await;
}
