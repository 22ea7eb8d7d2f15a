//! Clients that leave, answers that break, wrong requests, and the end.

use super::*;

#[tokio::test]
async fn a_client_that_leaves_a_hang_is_counted() {
    for law in ["black_hole = 1", "hang_body = 1", "ttft_ms = 1e9"] {
        for body in [question(1, 0), streamed(1, 0)] {
            let mock = Mock::start(&format!("error_rate = 0\n{law}")).await;
            {
                let asked = mock.open("POST", "/v1/chat/completions", body.to_string());
                let mut asked = std::pin::pin!(asked);
                let there = mock.until("the request to hang", |stats| stats.in_flight == 1);
                tokio::select! {
                    () = there => {}
                    reply = &mut asked => {
                        // Its header came; the rest never does.
                        let hangs = tokio::time::timeout(Duration::from_millis(20), reply.collect());
                        assert!(hangs.await.is_err(), "{law}: nothing after the role");
                    }
                }
            }
            mock.until("the client's leaving to be counted", |stats| {
                (stats.in_flight, stats.cancelled) == (0, 1)
            })
            .await;
            mock.end().await;
        }
    }
}

#[tokio::test]
async fn a_place_in_line_is_free_when_its_client_leaves() {
    let mock = Mock::start("servers = 1\nerror_rate = 0\nttft_ms = 1e9\nspread = 0").await;
    {
        let first = mock.open("POST", "/v1/chat/completions", question(1, 0).to_string());
        let there = mock.until("the first to be there", |stats| stats.in_flight == 1);
        tokio::select! { () = there => {} _ = first => panic!("answered before its time") }
    }
    mock.until("its leaving", |stats| stats.cancelled == 1)
        .await;
    let reply = mock
        .open("POST", "/v1/chat/completions", streamed(1, 1).to_string())
        .await;
    assert_eq!(
        reply.headers().get("x-mock-wait-us"),
        None,
        "the line is empty again"
    );
    drop(reply);
    mock.end().await;
}

/// Reads a stream until it has brought so many tokens, and says how many it brought.
async fn read_tokens(body: &mut Incoming, tokens: u64) -> u64 {
    let mut text = Vec::new();
    loop {
        let found = String::from_utf8_lossy(&text)
            .matches("\"delta\":{\"content\"")
            .count() as u64;
        if found >= tokens {
            return found;
        }
        match body.frame().await {
            Some(Ok(frame)) => text.extend_from_slice(frame.data_ref().unwrap()),
            other => panic!("expected {tokens} tokens, found {found}, then {other:?}"),
        }
    }
}

/// Breaks three streams under a law and checks what comes before; `then` checks what comes after.
async fn break_streams(law: &str, then: impl AsyncFn(Incoming)) -> Stats {
    let mock = Mock::start(&instantly(law)).await;
    for number in 0..3 {
        let law = mock.laws.law("").unwrap();
        let (Ending::Cut { tokens } | Ending::Stall { tokens }) =
            predicted(&law, Some(40), number).ending
        else {
            panic!("{law:?} should break every stream");
        };
        let body = streamed(40, number).to_string();
        let reply = mock.open("POST", "/v1/chat/completions", body).await;
        assert_eq!(reply.status(), 200, "it begins well");
        let mut body = reply.into_body();
        let found = read_tokens(&mut body, tokens).await;
        assert_eq!(found, tokens, "tokens before the break");
        then(body).await;
    }
    mock.until("all to be over", |stats| stats.in_flight == 0)
        .await;
    let stats = mock.laws.stats("").unwrap();
    mock.end().await;
    stats
}

#[tokio::test]
async fn a_cut_closes_the_connection_after_the_laws_tokens() {
    let stats = break_streams("cut = 1", async |mut body| {
        let next = body.frame().await;
        assert!(matches!(next, Some(Err(_))), "an error, no end: {next:?}");
    })
    .await;
    assert_eq!((stats.cut, stats.cancelled), (3, 0));
}

#[tokio::test]
async fn a_stall_is_silent_after_the_laws_tokens() {
    let stats = break_streams("stall = 1", async |mut body| {
        let next = tokio::time::timeout(Duration::from_millis(20), body.frame()).await;
        assert!(next.is_err(), "neither token nor end: {next:?}");
    })
    .await;
    assert_eq!((stats.cut, stats.cancelled), (0, 3), "the client left");
}

#[tokio::test]
async fn a_unary_answer_can_break_too() {
    let mock = Mock::start(&instantly("cut = 1")).await;
    let reply = mock
        .open("POST", "/v1/chat/completions", question(9, 0).to_string())
        .await;
    let declared: usize = reply.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(declared > 100, "the length of the whole answer is declared");
    assert!(
        reply.into_body().collect().await.is_err(),
        "and half of it comes"
    );
    mock.until("the cut to be counted", |stats| stats.cut == 1)
        .await;
    mock.end().await;
}

#[tokio::test]
async fn ways_not_to_speak_the_protocol() {
    let mock = Mock::start(INSTANT).await;
    for (how, status, unary, streamed_text) in [
        ("html", 200, "<!DOCTYPE html>", "<!DOCTYPE html>"),
        ("redirect", 302, "", ""),
        ("empty", 200, "", ""),
        ("half_json", 200, "{\"id\"", "data: {\"id\""),
        ("error_first", 200, "{\"error\"", "data: {\"error\""),
        ("error_midway", 200, "{\"error\"", "data: {\"id\""),
    ] {
        let law = instantly(&format!("misbehave = \"{how}\""));
        assert_eq!(mock.send("PUT", "/_law", law).await.status, 200);
        for (body, begins) in [(question(9, 0), unary), (streamed(9, 0), streamed_text)] {
            let reply = mock.chat(&body).await;
            assert_eq!(reply.status, status, "{how}");
            let text = std::str::from_utf8(&reply.body).unwrap();
            assert!(text.starts_with(begins), "{how}: {text}");
            assert_eq!(text.is_empty(), begins.is_empty(), "{how}: {text}");
            assert!(!text.contains("[DONE]"), "{how} never ends well: {text}");
        }
    }
    let stats = mock.laws.stats("").unwrap();
    assert_eq!((stats.wrong, stats.in_flight), (12, 0), "all counted");
    mock.end().await;
}

#[tokio::test]
async fn counts_add_up_over_all_fates() {
    let mock = Mock::start(&instantly(
        "error_rate = 0.3\nerror_ms = [0, 1]\ncut = 0.3\nmisbehave = \"html\"\nmisbehave_share = 0.3",
    ))
    .await;
    for number in 0..80 {
        let body = if number % 2 == 0 {
            question(9, number)
        } else {
            streamed(9, number)
        };
        let reply = mock
            .open("POST", "/v1/chat/completions", body.to_string())
            .await;
        reply.into_body().collect().await.ok();
    }
    mock.send("POST", "/v1/chat/completions", "not JSON").await;
    mock.until("all to be over", |stats| stats.in_flight == 0)
        .await;
    let stats: Stats = serde_json::from_slice(&mock.send("GET", "/_stats", "").await.body).unwrap();
    assert_eq!(stats.requests, 81);
    assert_eq!(stats.refused, 1);
    assert_eq!(stats.cancelled, 0, "no client left early");
    assert!(stats.errors > 0 && stats.cut > 0 && stats.wrong > 0 && stats.answered > 0);
    assert_eq!(
        stats.requests,
        stats.answered + stats.errors + stats.refused + stats.cut + stats.wrong,
        "{stats:?}"
    );
    mock.end().await;
}

#[tokio::test]
async fn wrong_requests_are_refused_in_words() {
    let mock = Mock::start(INSTANT).await;
    let chat = "/v1/chat/completions";
    for (method, path, body, status, words) in [
        ("POST", chat, "", 400, "in JSON"),
        ("POST", chat, "\u{fffd}{", 400, "in JSON"),
        ("POST", chat, "{\"messages\":[]}", 400, "model"),
        ("GET", chat, "", 405, "expected POST"),
        ("DELETE", "/_law", "", 405, "expected GET, PUT"),
        ("PUT", "/_stats", "", 405, "expected GET"),
        ("PUT", "/_x/_law", "", 400, "not beginning with _"),
        ("GET", "/b/_stats", "", 404, "no target"),
        ("GET", "/v1/other", "", 404, "/v1/other"),
        ("GET", "/", "", 404, "nothing"),
    ] {
        let reply = mock.send(method, path, body).await;
        assert_eq!(reply.status, status, "{method} {path} {body}");
        let said = reply.json()["error"]["message"].to_string();
        assert!(said.contains(words), "{method} {path} {body}: {said}");
    }
    let large = vec![b' '; (64 << 20) + 1];
    // The refusal may come while the client is still sending; then hyper may see a broken pipe instead.
    if let Ok(reply) = mock.try_open("POST", chat, large).await {
        assert_eq!(reply.status(), 413);
    }
    mock.until("all refusals", |stats| stats.refused == 4).await;
    mock.end().await;
}

#[tokio::test]
async fn shutdown_ends_hanging_requests_and_closes_the_port() {
    let mock = Mock::start("black_hole = 1").await;
    let (origin, client) = (mock.origin.clone(), mock.client.clone());
    let request = || {
        Request::post(format!("{origin}/v1/chat/completions"))
            .body(Full::from(question(1, 0).to_string()))
            .unwrap()
    };
    let hanging = tokio::spawn(client.request(request()));
    mock.until("the request to hang", |stats| stats.in_flight == 1)
        .await;
    let laws = mock.laws.clone();
    mock.end().await;
    assert!(hanging.await.unwrap().is_err(), "its connection is closed");
    assert_eq!(laws.stats("").unwrap().in_flight, 0, "nothing runs on");
    assert!(client.request(request()).await.is_err(), "nobody listens");
}

#[tokio::test]
async fn a_server_that_is_dropped_leaves_nothing_running() {
    let mock = Mock::start("black_hole = 1").await;
    let hanging = tokio::spawn(
        mock.client.request(
            Request::post(format!("{}/v1/chat/completions", mock.origin))
                .body(Full::from(question(1, 0).to_string()))
                .unwrap(),
        ),
    );
    mock.until("the request to hang", |stats| stats.in_flight == 1)
        .await;
    mock.task.abort();
    mock.until("its request to end", |stats| stats.in_flight == 0)
        .await;
    assert!(hanging.await.unwrap().is_err(), "its connection is closed");
}
