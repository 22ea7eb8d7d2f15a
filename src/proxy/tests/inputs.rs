//! What clients send that is wrong, or merely odd: each gets a clear error in OpenAI's shape, and no target hears of it.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::faultd::{Act, Faultd, answer_of};
use super::world::{Got, Plan, Spec, World, ask, post};

async fn world(change: impl FnOnce(&mut Plan)) -> (World, Faultd) {
    let target = Faultd::start(Act::Answer(answer_of("hello"))).await;
    let mut plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
    change(&mut plan);
    (plan.start().await, target)
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_refused_with_the_place() {
    let (world, target) = world(|_| {}).await;
    let deep = format!("{{\"model\":\"chat\",\"messages\":{}", "[".repeat(10_000));
    let cases = [
        ("", 400, "invalid_request_error"),
        ("nonsense", 400, "invalid_request_error"),
        ("[1]", 400, "invalid_request_error"),
        ("{}", 400, "invalid_request_error"),
        (r#"{"model":7}"#, 400, "invalid_request_error"),
        (r#"{"model":null}"#, 400, "invalid_request_error"),
        (
            r#"{"model":"chat","stream":"yes"}"#,
            400,
            "invalid_request_error",
        ),
        (deep.as_str(), 400, "invalid_request_error"),
        (r#"{"model":"caht"}"#, 404, "model_not_found"),
        (r#"{"model":"p9/m"}"#, 404, "model_not_found"),
        (r#"{"load_balancer":[]}"#, 400, "invalid_request_error"),
        (
            r#"{"load_balancer":[{"model":"p0/m","weight":-1}]}"#,
            400,
            "invalid_request_error",
        ),
        (
            r#"{"load_balancer":[{"model":"p0/m"},{"model":"p0/m"}]}"#,
            400,
            "invalid_request_error",
        ),
        (
            r#"{"load_balancer":[{"model":"nope/m"}]}"#,
            404,
            "model_not_found",
        ),
        (
            r#"{"model":"chat","fallbacks":[{"model":"nope"}]}"#,
            404,
            "model_not_found",
        ),
    ];
    for (body, status, code) in cases {
        let got = world.chat(body).await;
        let shown: String = body.chars().take(60).collect();
        assert_eq!(
            (got.status, got.code().as_str()),
            (status, code),
            "{shown}: {got:?}"
        );
        assert!(
            !got.header("x-request-id").is_empty(),
            "{shown}: every answer has an id"
        );
        assert_eq!(got.header("x-weighbridge-config"), "3", "{shown}");
        assert_eq!(got.header("x-weighbridge-attempts"), "0", "{shown}");
        assert!(
            !got.header("x-weighbridge-overhead-ms").is_empty(),
            "{shown}"
        );
    }
    let requests = world.requests().await;
    assert_eq!(requests.len(), cases.len(), "one record a request");
    assert!(
        requests
            .iter()
            .all(|end| end.code.is_some() && end.attempts == 0)
    );
    assert_eq!(target.seen().len(), 0, "no target hears of it");
}

#[tokio::test]
async fn an_unknown_name_is_answered_with_the_nearest() {
    let (world, _target) = world(|_| {}).await;
    let got = world.chat(r#"{"model":"caht"}"#).await;
    assert!(
        got.error("message").contains("did you mean \"chat\""),
        "{got:?}"
    );
    let got = world
        .chat(r#"{"load_balancer":[{"model":"p0/m"},{"model":"p0m"}]}"#)
        .await;
    assert_eq!(
        got.error("param"),
        "load_balancer.models[1].model",
        "it names the entry: {got:?}"
    );
}

#[tokio::test]
async fn invalid_utf8_is_refused() {
    let (world, _target) = world(|_| {}).await;
    let mut request = post("{\"model\":\"ch__\"}");
    let at = request.len() - 3;
    request[at] = 0xFF;
    let got = world.send(&request).await;
    assert_eq!(got.status, 400);
    assert!(got.error("message").contains("UTF-8"), "{got:?}");
}

fn raw(line: &str, headers: &str) -> Vec<u8> {
    format!("{line}\r\n{headers}connection: close\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn paths_and_methods_that_are_not_here_are_refused() {
    let (world, _target) = world(|_| {}).await;
    let cases = [
        ("GET /v1/chat/completions HTTP/1.1", 405),
        ("DELETE /v1/chat/completions HTTP/1.1", 405),
        ("POST /v1/models HTTP/1.1", 405),
        ("TRACE /v1/models HTTP/1.1", 405),
        ("CONNECT example.org:443 HTTP/1.1", 405),
        ("GET / HTTP/1.1", 404),
        ("GET /v1/chat HTTP/1.1", 404),
        ("POST /V1/chat/completions HTTP/1.1", 404),
        ("POST //v1/chat/completions HTTP/1.1", 404),
        ("POST /v1/x/..;/chat/completions HTTP/1.1", 404),
        ("OPTIONS * HTTP/1.1", 404),
        ("GET /v1/models HTTP/1.1", 200),
        ("GET /v3/router/models HTTP/1.1", 200),
    ];
    for (line, status) in cases {
        let got = world.send(&raw(line, "host: x\r\n")).await;
        assert_eq!(got.status, status, "{line}: {got:?}");
        assert_eq!(
            got.header("allow").is_empty(),
            status != 405,
            "{line}: 405 says what is allowed"
        );
    }
}

#[tokio::test]
async fn heads_that_nobody_should_forward_are_refused() {
    let (world, target) = world(|_| {}).await;
    let body = ask(false);
    let length = format!("content-length: {}\r\n", body.len());
    let chunked = "transfer-encoding: gzip, chunked\r\n".to_owned();
    let cases = [
        (length.clone(), 400, "no Host"),
        (format!("host: a\r\nhost: b\r\n{length}"), 400, "two Hosts"),
        (format!("host: a@b\r\n{length}"), 400, "a password in Host"),
        (
            format!("host: x\r\ncontent-encoding: gzip\r\n{length}"),
            415,
            "an encoding",
        ),
        (format!("host: x\r\n{chunked}"), 400, "a transfer coding"),
        (
            format!("host: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n{length}"),
            400,
            "WebSocket",
        ),
    ];
    for (headers, status, case) in cases {
        let request = format!("POST /v1/chat/completions HTTP/1.1\r\n{headers}\r\n{body}");
        let got = world.send(request.as_bytes()).await;
        assert_eq!(got.status, status, "{case}: {got:?}");
        assert!(got.error("message").len() > 10, "{case}: in words");
    }
    let many: Vec<String> = (0..101).map(|i| format!("x-{i}: 1\r\n")).collect();
    let many = many.concat();
    let got = world
        .send(&raw(
            "GET /v1/models HTTP/1.1",
            &format!("host: x\r\n{many}"),
        ))
        .await;
    assert_eq!(got.status, 431, "too many headers");
    assert_eq!(target.seen().len(), 0, "no target hears of it");
}

#[tokio::test]
async fn a_body_over_the_bound_is_refused_before_it_is_read() {
    let (world, target) = world(|plan| plan.max_body = 1_000).await;
    let huge = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 67108864\r\n\r\n";
    let got = world.send(huge.as_bytes()).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (413, "request_too_large"),
        "{got:?}"
    );
    assert_eq!(
        got.header("connection"),
        "close",
        "the rest will not be read"
    );
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1_024));
    let chunked = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}"
    );
    let got = world.send(chunked.as_bytes()).await;
    assert_eq!(got.status, 413, "also without a length: {got:?}");
    let waits = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5000\r\n\r\n";
    let got = world.send(waits.as_bytes()).await;
    assert_eq!(got.status, 413, "and without inviting it: {got:?}");
    assert_eq!(target.seen().len(), 0, "no target hears of it");
}

#[tokio::test]
async fn a_slow_body_and_a_broken_one_are_the_clients_fault() {
    let (world, target) = world(|plan| plan.body_timeout = Duration::from_millis(200)).await;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n";
    let got = world
        .send(format!("{head}content-length: 99\r\n\r\n{{").as_bytes())
        .await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (408, "request_timeout"),
        "{got:?}"
    );
    let broken = format!("{head}transfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n");
    let got = world.send(broken.as_bytes()).await;
    assert_eq!(got.status, 400, "{got:?}");
    assert_eq!(
        target.seen().len(),
        0,
        "no target hears of it, and none is blamed"
    );
}

#[tokio::test]
async fn silent_connections_are_closed() {
    let (world, _target) = world(|plan| plan.head_timeout = Duration::from_millis(200)).await;
    for opening in ["", "PRI", "POST /v1/chat/completions HTTP/1.1\r\nhost"] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(opening.as_bytes()).await.unwrap();
        // Reading to the end is the assertion: an open connection would never get there.
        let got = Got::read(stream).await;
        assert_ne!(got.status, 200, "{opening:?}");
    }
}

#[tokio::test]
async fn expect_continue_is_honoured() {
    let (world, _target) = world(|_| {}).await;
    let request = String::from_utf8(post(&ask(false))).unwrap();
    let request = request.replacen("host: x\r\n", "host: x\r\nexpect: 100-continue\r\n", 1);
    let got = world.send(request.as_bytes()).await;
    assert_eq!(got.status, 100, "first the invitation");
    assert!(
        got.body.starts_with("HTTP/1.1 200 OK"),
        "then the answer: {got:?}"
    );
}

#[tokio::test]
async fn a_clients_id_is_kept_if_it_is_one() {
    let (world, _target) = world(|_| {}).await;
    let with = |id: &str| {
        raw(
            "GET /v1/models HTTP/1.1",
            &format!("host: x\r\nx-request-id: {id}\r\n"),
        )
    };
    let got = world.send(&with("abc-123_Z")).await;
    assert_eq!(
        got.header("x-request-id"),
        "abc-123_z",
        "the test's client reads heads in lower case"
    );
    for bad in ["a b", "a\"b", &"x".repeat(129)] {
        let got = world.send(&with(bad)).await;
        assert!(
            got.header("x-request-id").starts_with("req_"),
            "{bad:?} is replaced: {got:?}"
        );
    }
}

#[tokio::test]
async fn clients_of_messages_find_the_id_where_anthropic_has_it() {
    let (world, _target) = world(|_| {}).await;
    let with_id = "host: x\r\nx-request-id: abc-123\r\ncontent-length: 2\r\n";
    for path in ["/v1/messages", "/v1/messages/count_tokens"] {
        let request = [
            raw(&format!("POST {path} HTTP/1.1"), with_id),
            b"{}".to_vec(),
        ];
        let got = world.send(&request.concat()).await;
        assert_eq!(got.header("request-id"), "abc-123", "{got:?}");
        assert_eq!(got.header("x-request-id"), "abc-123", "as everywhere");
    }
    let got = world
        .send(&raw("GET /v1/models HTTP/1.1", "host: x\r\n"))
        .await;
    assert_eq!(got.header("request-id"), "", "elsewhere one is enough");
}

#[tokio::test]
async fn models_lists_routes_and_targets() {
    let (world, _target) = world(|_| {}).await;
    let got = world
        .send(&raw("GET /v1/models HTTP/1.1", "host: x\r\n"))
        .await;
    let list: serde_json::Value = serde_json::from_str(&got.body).unwrap();
    let ids: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|model| model["id"].as_str())
        .collect();
    assert_eq!(ids, ["chat", "p0/m"]);
}

#[tokio::test]
async fn every_alias_serves() {
    let (world, _target) = world(|_| {}).await;
    for base in [
        "/v1",
        "/v2/proxy",
        "/v2/gateway",
        "/v2/router",
        "/v3/router",
    ] {
        let request = String::from_utf8(post(&ask(false))).unwrap();
        let request = request.replacen("/v1", base, 1);
        let got = world.send(request.as_bytes()).await;
        assert_eq!(got.status, 200, "{base}: {got:?}");
    }
}
