//! What happens is what the law says.

use super::*;

#[tokio::test]
async fn the_answer_is_the_one_that_the_law_computes() {
    let mock = Mock::start("error_rate = 0\nttft_ms = 20\ntpot_ms = 0.2\nseed = 5").await;
    let law = mock.laws.law("").unwrap();
    for number in [3, 4] {
        let expected = predicted(&law, None, number);
        let mut body = question(0, number);
        body.as_object_mut().unwrap().remove("max_tokens");
        let sent = mock.now();
        let answer = mock.chat(&body).await.json();
        let elapsed = mock.now().since(sent);
        assert_eq!(answer["usage"]["completion_tokens"], expected.tokens_out);
        assert_eq!(answer["choices"][0]["finish_reason"], "stop");
        assert!(
            elapsed >= expected.total,
            "no answer before its time: {elapsed:?} < {:?}",
            expected.total
        );
    }
    mock.end().await;
}

#[tokio::test]
async fn over_quota_is_a_429_that_says_when_to_come_back() {
    let mock = Mock::start(&instantly("window_limit = { requests = 1, seconds = 60 }")).await;
    assert_eq!(mock.chat(&question(1, 0)).await.status, 200);
    let refused = mock.chat(&question(1, 1)).await;
    assert_eq!(refused.status, 429);
    let millis = refused.number("retry-after-ms").unwrap();
    assert!((1..=60_000).contains(&millis), "{millis} ms of a minute");
    assert_eq!(
        refused.number("retry-after").unwrap(),
        millis.div_ceil(1_000),
        "the same in whole seconds"
    );
    assert_eq!(refused.json()["error"]["code"], "rate_limit_exceeded");
    mock.end().await;
}

#[tokio::test]
async fn errors_have_the_laws_status_and_openais_shape() {
    let mock = Mock::start("error_rate = 1\nerror_status = 503\nerror_ms = [0, 1]").await;
    let reply = mock.chat(&streamed(1, 0)).await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["error"]["type"], "server_error");
    assert!(!reply.headers.contains_key("retry-after"));
    assert_eq!(mock.laws.stats("").unwrap().errors, 1);
    mock.end().await;
}

#[tokio::test]
async fn who_comes_second_waits_for_the_first() {
    let mock =
        Mock::start("servers = 1\nspread = 0\nerror_rate = 0\nttft_ms = 30\ntpot_ms = 1\nseed = 1")
            .await;
    let law = mock.laws.law("").unwrap();
    let service = predicted(&law, Some(20), 0).total;
    let first = async {
        let reply = mock.chat(&question(20, 0)).await;
        (reply, mock.now())
    };
    let second = async {
        mock.until("the first to be there", |stats| stats.in_flight == 1)
            .await;
        let sent = mock.now();
        let reply = mock.chat(&streamed(20, 1)).await;
        (reply, sent, mock.now())
    };
    let ((first, first_end), (second, sent, second_end)) = tokio::join!(first, second);
    assert_eq!(first.number("x-mock-wait-us"), None, "nobody was before it");
    let waited = Duration::from_micros(second.number("x-mock-wait-us").unwrap());
    assert!(waited <= service, "{waited:?} is the rest of the first");
    assert!(
        second_end.since(sent) >= waited + service,
        "its own service comes after the wait"
    );
    assert!(second_end > first_end, "first in, first out");
    mock.end().await;
}

#[tokio::test]
async fn a_new_law_holds_from_the_next_request_on() {
    let mock = Mock::start(INSTANT).await;
    let broken = mock.send("PUT", "/_law", "ttft_ms = 5\nspread = -1").await;
    assert_eq!(broken.status, 400);
    let words = broken.json()["error"]["message"].to_string();
    assert!(
        words.contains("line 2") && words.contains("from 0 up"),
        "said where and why: {words}"
    );
    assert_eq!(
        mock.chat(&question(1, 0)).await.status,
        200,
        "a broken law changes nothing"
    );
    let failing = r#"{"error_rate": 1, "error_status": 500, "error_ms": [0, 0]}"#;
    let put = mock.send("PUT", "/_law", failing).await;
    assert_eq!(put.status, 200);
    assert_eq!(put.json()["error_rate"], 1.0, "the law in force is shown");
    assert_eq!(mock.chat(&question(1, 0)).await.status, 500);
    let shown = mock.send("GET", "/_law", "").await.json();
    assert_eq!(shown, put.json());
    mock.end().await;
}

#[tokio::test]
async fn each_target_has_its_own_law_and_counts() {
    let mock = Mock::start(INSTANT).await;
    let chat = question(1, 0).to_string();
    let missing = mock
        .send("POST", "/b/v1/chat/completions", chat.clone())
        .await;
    assert_eq!(missing.status, 404, "nobody made it yet");
    let failing = "error_rate = 1\nerror_ms = [0, 0]";
    assert_eq!(mock.send("PUT", "/b/_law", failing).await.status, 200);
    let reply = mock
        .send("POST", "/b/v1/chat/completions", chat.clone())
        .await;
    assert_eq!(reply.status, 500, "its own law");
    let reply = mock.send("POST", "/v1/chat/completions", chat).await;
    assert_eq!(reply.status, 200, "the other one's is as it was");
    let stats = mock.send("GET", "/b/_stats", "").await.json();
    assert_eq!(
        (&stats["requests"], &stats["errors"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(mock.laws.stats("").unwrap().errors, 0);
    mock.end().await;
}
