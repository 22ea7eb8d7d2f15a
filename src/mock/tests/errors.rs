//! Errors have the shape of the API that was asked.

use super::*;

/// A request of each API, with where its errors say what they are and what they say.
fn apis() -> [(&'static str, Value, &'static str, &'static str); 5] {
    let chat = json!([{"role": "user", "content": "x"}]);
    [
        (
            "/v1/chat/completions",
            json!({"model": "m", "messages": chat}),
            "/error/type",
            "/error/message",
        ),
        (
            "/v1/messages",
            json!({"model": "m", "max_tokens": 1, "messages": chat}),
            "/error/type",
            "/error/message",
        ),
        (
            "/v1beta/models/m:generateContent",
            json!({"contents": [{"parts": [{"text": "x"}]}]}),
            "/error/status",
            "/error/message",
        ),
        (
            "/model/m/converse",
            json!({"messages": [{"role": "user", "content": [{"text": "x"}]}]}),
            "",
            "/message",
        ),
        (
            "/v2/chat",
            json!({"model": "m", "messages": chat}),
            "",
            "/message",
        ),
    ]
}

/// Each kind of error with the status and the type that each of the [`apis`] gives it.
const KINDS: &str = "
rate_limit  429 requests              429 rate_limit_error      429 RESOURCE_EXHAUSTED 429 ThrottlingException:           429 -
quota       429 insufficient_quota    400 invalid_request_error 429 RESOURCE_EXHAUSTED 400 ServiceQuotaExceededException: 429 -
overloaded  503 server_error          529 overloaded_error      503 UNAVAILABLE        503 ServiceUnavailableException:   503 -
server      500 server_error          500 api_error             500 INTERNAL           500 InternalServerException:       500 -
auth        401 invalid_request_error 401 authentication_error  400 INVALID_ARGUMENT   403 UnrecognizedClientException:   401 -
model       404 invalid_request_error 404 not_found_error       404 NOT_FOUND          404 ResourceNotFoundException:     404 -
context     400 invalid_request_error 400 invalid_request_error 400 INVALID_ARGUMENT   400 ValidationException:           400 -
content     400 invalid_request_error 400 invalid_request_error 200 -                  400 ValidationException:           400 -
client      400 invalid_request_error 400 invalid_request_error 400 INVALID_ARGUMENT   400 ValidationException:           400 -
";

#[tokio::test]
async fn each_kind_has_each_apis_status_and_type() {
    let mock = Mock::start(INSTANT).await;
    for line in KINDS.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let kind = words[0];
        let law = format!("error_rate = 1\nerror_ms = [0, 0]\nerror_kind = \"{kind}\"");
        assert_eq!(mock.send("PUT", "/_law", law).await.status, 200);
        for ((path, body, type_at, words_at), expected) in apis().iter().zip(words[1..].chunks(2)) {
            let reply = mock.send("POST", path, body.to_string()).await;
            assert_eq!(reply.status.as_str(), expected[0], "{kind} at {path}");
            let document = reply.json();
            let found = document.pointer(type_at).and_then(Value::as_str);
            let header = reply.headers.get("x-amzn-errortype");
            let header = header.map(|value| value.to_str().unwrap().split("http").next().unwrap());
            let found = header.or(found).unwrap_or("-");
            assert_eq!(found, expected[1], "{kind} at {path}: {document}");
            let words = document.pointer(words_at);
            assert!(
                reply.status == 200 || words.is_some_and(Value::is_string),
                "{kind} at {path}: {document}"
            );
        }
    }
    mock.end().await;
}

#[tokio::test]
async fn a_written_status_wins_over_the_apis_own() {
    let law = "error_rate = 1\nerror_ms = [0, 0]\nerror_kind = \"overloaded\"\nerror_status = 429";
    let mock = Mock::start(law).await;
    for (path, body, _, _) in apis() {
        let reply = mock.send("POST", path, body.to_string()).await;
        assert_eq!(reply.status, 429, "{path}");
    }
    mock.end().await;
}

#[tokio::test]
async fn who_is_over_quota_learns_it_as_the_api_says_it() {
    let mock = Mock::start(&instantly("window_limit = { requests = 1, seconds = 60 }")).await;
    let [_, (messages, body, ..), (google, contents, ..), ..] = apis();
    let first = mock.send("POST", messages, body.to_string()).await;
    assert_eq!(first.status, 200);
    let refused = mock.send("POST", messages, body.to_string()).await;
    assert_eq!(refused.status, 429);
    assert!((1..=60).contains(&refused.number("retry-after").unwrap()));
    assert_eq!(
        refused.number("anthropic-ratelimit-requests-remaining"),
        Some(0)
    );
    let refused = mock.send("POST", google, contents.to_string()).await.json();
    let detail = &refused["error"]["details"][0];
    assert_eq!(detail["@type"], "type.googleapis.com/google.rpc.RetryInfo");
    assert!(detail["retryDelay"].as_str().unwrap().ends_with('s'));
    mock.end().await;
}

#[tokio::test]
async fn each_stream_breaks_off_in_its_own_way() {
    let mock = Mock::start(&instantly("misbehave = \"error_midway\"")).await;
    let chat = json!([{"role": "user", "content": "x"}]);
    for (path, body, last) in [
        (
            "/v1/messages",
            json!({"model": "m", "max_tokens": 9, "messages": chat}),
            "event: error\n",
        ),
        (
            "/v1/responses",
            json!({"model": "m", "input": "x"}),
            "event: response.failed\n",
        ),
        (
            "/v2/chat",
            json!({"model": "m", "messages": chat}),
            "event: message-end\n",
        ),
        (
            "/v1beta/models/m:streamGenerateContent?alt=sse",
            json!({"contents": [{"parts": []}]}),
            "data: {\"error\"",
        ),
    ] {
        let mut body = body.clone();
        body["stream"] = json!(true);
        let reply = mock.send("POST", path, body.to_string()).await;
        assert_eq!(reply.status, 200, "{path}");
        let text = String::from_utf8(reply.body.to_vec()).unwrap();
        let events: Vec<&str> = text.trim_end().split("\n\n").collect();
        assert!(events.len() > 2, "{path} begins well: {text}");
        assert!(events.last().unwrap().starts_with(last), "{path}: {text}");
    }
    mock.end().await;
}

#[tokio::test]
async fn wrong_requests_are_refused_in_the_apis_shape() {
    let mock = Mock::start(INSTANT).await;
    for (path, _, _, words_at) in apis() {
        for body in ["", "[]", "{}", "{\"model\":\"m\"}"] {
            let reply = mock.send("POST", path, body).await;
            assert_eq!(reply.status, 400, "{path} {body}");
            let document = reply.json();
            assert!(
                document.pointer(words_at).is_some_and(Value::is_string),
                "{path} {body}: {document}"
            );
        }
    }
    mock.end().await;
}
