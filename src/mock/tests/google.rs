//! Google's generateContent.

use super::*;

const UNARY: &str = "/v1beta/models/gem:generateContent";
const EVENTS: &str = "/v1beta/models/gem:streamGenerateContent?alt=sse";

fn ask(config: &Value) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "How heavy?"}]}],
           "generationConfig": config})
}

fn with_tools() -> Value {
    let mut body = ask(&json!({"thinkingConfig": {"includeThoughts": true}, "maxOutputTokens": 8}));
    body["tools"] =
        json!([{"functionDeclarations": [{"name": "weather", "parameters": weather()}]}]);
    body
}

#[tokio::test]
async fn an_answer_has_googles_shape() {
    let mock = Mock::start(INSTANT).await;
    let body = ask(&json!({"maxOutputTokens": 3})).to_string();
    let reply = mock.send("POST", UNARY, body).await.json();
    let candidate = &reply["candidates"][0];
    assert_eq!(
        candidate["content"],
        json!({"role": "model", "parts": [{"text": "the scale weighs"}]})
    );
    assert_eq!(candidate["finishReason"], "MAX_TOKENS");
    assert_eq!(reply["usageMetadata"]["candidatesTokenCount"], 3);
    assert_eq!(reply["modelVersion"], "gem", "the model of the path");
    let count = ask(&json!({})).to_string();
    let count = mock
        .send("POST", "/v1beta/models/gem:countTokens", count)
        .await;
    assert_eq!(
        count.json()["totalTokens"],
        reply["usageMetadata"]["promptTokenCount"]
    );
    mock.end().await;
}

#[tokio::test]
async fn a_stream_is_a_row_of_whole_answers_without_an_end_mark() {
    let mock = Mock::start(INSTANT).await;
    let body = ask(&json!({"maxOutputTokens": 3})).to_string();
    let events = named(&mock.send("POST", EVENTS, body.clone()).await.body);
    assert_eq!(events.len(), 4, "three words and the reason");
    let text = joined(&events, "/candidates/0/content/parts/0/text");
    assert_eq!(text, "the scale weighs");
    assert_eq!(joined(&events, "/candidates/0/finishReason"), "MAX_TOKENS");
    mock.anew();
    let array = EVENTS.trim_end_matches("?alt=sse");
    let array = mock.send("POST", array, body).await.json();
    let plain: Vec<&Value> = events.iter().map(|(_, data)| data).collect();
    let array: Vec<&Value> = array.as_array().unwrap().iter().collect();
    assert_eq!(
        array[0]["candidates"], plain[0]["candidates"],
        "the same as elements of one array"
    );
    assert_eq!(array.len(), 4);
    mock.end().await;
}

#[tokio::test]
async fn a_call_comes_whole_and_signed_where_thoughts_led_to_it() {
    let mock = Mock::start(&instantly("tools = 1")).await;
    let body = with_tools().to_string();
    let events = named(&mock.send("POST", EVENTS, body.clone()).await.body);
    let parts: Vec<&Value> = events
        .iter()
        .map(|(_, data)| &data["candidates"][0]["content"]["parts"][0])
        .collect();
    assert_eq!(parts.len(), 4, "two thoughts, the call, the end");
    assert_eq!(
        (&parts[0]["thought"], &parts[1]["thought"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(parts[2]["functionCall"]["args"].to_string(), WEATHER);
    let whole = mock.send("POST", UNARY, body).await.json();
    let call = &whole["candidates"][0]["content"]["parts"][1];
    assert_eq!(
        call["functionCall"]["args"],
        parts[2]["functionCall"]["args"]
    );
    assert!(
        call["thoughtSignature"].as_str().unwrap().len() > 10
            && parts[2]["thoughtSignature"].is_string(),
        "{call}"
    );
    mock.end().await;
}

#[tokio::test]
async fn a_signature_of_another_target_is_corrupted() {
    let mock = Mock::start(TWO).await;
    let path = |target: &str| format!("/{target}/v1/models/gem:generateContent");
    let first = mock
        .send("POST", &path("a"), with_tools().to_string())
        .await;
    let mut again = with_tools();
    let said = first.json()["candidates"][0]["content"].clone();
    again["contents"].as_array_mut().unwrap().push(said);
    let own = mock.send("POST", &path("a"), again.to_string()).await;
    assert_eq!(own.status, 200, "who signed it takes it back");
    let other = mock.send("POST", &path("b"), again.to_string()).await;
    assert_eq!(other.status, 400);
    assert_eq!(other.json()["error"]["status"], "INVALID_ARGUMENT");
    let exempt = json!({"role": "model", "parts": [
        {"text": "x", "thought_signature": "skip_thought_signature_validator"}]});
    again["contents"][1] = exempt;
    let exempt = mock.send("POST", &path("b"), again.to_string()).await;
    assert_eq!(exempt.status, 200, "Google's own way around it");
    mock.end().await;
}

#[tokio::test]
async fn an_answer_in_a_schema_satisfies_it() {
    let mock = Mock::start(INSTANT).await;
    let config = json!({"responseMimeType": "application/json", "responseSchema": weather()});
    let reply = mock.send("POST", UNARY, ask(&config).to_string()).await;
    let text = &reply.json()["candidates"][0]["content"]["parts"][0]["text"];
    assert_eq!(text, WEATHER);
    mock.end().await;
}
