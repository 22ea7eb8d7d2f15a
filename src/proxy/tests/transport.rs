//! Connections on both sides: reused, closed while idle, of either version.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::faultd::{Act, Faultd, answer_of, stream_of};
use super::world::{Plan, Spec, ask};
use crate::model::Outcome;

#[tokio::test]
async fn connections_to_targets_are_reused() {
    let target = Faultd::start(Act::Answer(answer_of("hello"))).await;
    let world = Plan::new(vec![Spec::new(target.address, 1.0)])
        .start()
        .await;
    for _ in 0..10 {
        assert_eq!(world.chat(&ask(false)).await.status, 200);
    }
    target.now_do(Act::Answer(stream_of(&["a"])));
    for _ in 0..10 {
        assert_eq!(world.chat(&ask(true)).await.status, 200);
    }
    assert_eq!(
        target.connections(),
        1,
        "after each other they need one connection, streamed or not"
    );
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_nobodys_fault() {
    let target = Faultd::start(Act::SendAndClose(answer_of("hello"))).await;
    let world = Plan::new(vec![Spec::new(target.address, 1.0)])
        .start()
        .await;
    for round in 0..200 {
        let got = world.chat(&ask(false)).await;
        assert_eq!(
            (got.status, got.header("x-weighbridge-attempts")),
            (200, "1"),
            "round {round}: {got:?}"
        );
    }
    let attempts = world.attempts().await;
    assert!(
        attempts.iter().all(|(_, outcome)| *outcome == Outcome::Ok),
        "{attempts:?}"
    );
}

#[tokio::test]
async fn a_used_connection_that_hangs_up_on_a_request_is_replaced_within_the_attempt() {
    let target = Faultd::start(Act::AnswerOnce(answer_of("hello"))).await;
    let world = Plan::new(vec![Spec::new(target.address, 1.0)])
        .start()
        .await;
    for round in 0..10 {
        let got = world.chat(&ask(false)).await;
        assert_eq!(
            (got.status, got.header("x-weighbridge-attempts")),
            (200, "1"),
            "round {round}: {got:?}"
        );
    }
    let attempts = world.attempts().await;
    assert!(
        attempts.iter().all(|(_, outcome)| *outcome == Outcome::Ok),
        "{attempts:?}"
    );
    assert_eq!(
        (target.connections(), target.seen().len()),
        (10, 19),
        "each but the first was sent twice"
    );
}

#[tokio::test]
async fn a_fresh_connection_that_hangs_up_is_a_failure_and_is_not_repeated() {
    let target = Faultd::start(Act::SendAndClose(Vec::new())).await;
    let world = Plan::new(vec![Spec::new(target.address, 1.0)])
        .start()
        .await;
    let got = world.chat(r#"{"model":"chat","retry":{"count":0}}"#).await;
    assert_eq!(got.status, 502, "{got:?}");
    assert_eq!(target.seen().len(), 1, "one attempt is one request");
}

#[tokio::test]
async fn http2_without_tls_shares_the_port() {
    let target = Faultd::start(Act::Answer(stream_of(&["he", "llo"]))).await;
    let world = Plan::new(vec![Spec::new(target.address, 1.0)])
        .start()
        .await;
    let stream = TcpStream::connect(world.address).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    let driver = tokio::spawn(connection);
    let uri = format!("http://{}/v1/chat/completions", world.address);
    let calls = (0..20).map(|_| {
        let (mut sender, uri) = (sender.clone(), uri.clone());
        tokio::spawn(async move {
            let request = Request::post(uri)
                .body(Full::new(Bytes::from(ask(true))))
                .unwrap();
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(response.status(), 200);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert!(body.ends_with(b"[DONE]\n\n"), "{body:?}");
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(world.attempts().await.len(), 20);
    driver.abort();
}

#[tokio::test]
async fn a_reset_on_http2_ends_the_call() {
    let target = Faultd::start(Act::SendAndHang(stream_of(&["he"])[..200].to_vec())).await;
    let world = Plan::new(vec![Spec::new(target.address, 1.0)])
        .start()
        .await;
    let stream = TcpStream::connect(world.address).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let driver = tokio::spawn(connection);
    let uri = format!("http://{}/v1/chat/completions", world.address);
    let request = Request::post(uri)
        .body(Full::new(Bytes::from(ask(true))))
        .unwrap();
    let call = tokio::spawn(async move { sender.send_request(request).await });
    while target.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    call.abort();
    target.hang_ups(1).await;
    assert_eq!(
        world.attempts().await,
        [("p0/m".to_owned(), Outcome::Cancelled)]
    );
    driver.abort();
}

#[tokio::test]
async fn many_clients_at_once_are_each_answered_once() {
    let target = Faultd::start(Act::Answer(answer_of("hello"))).await;
    let mut plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
    (plan.max_connections, plan.max_requests) = (200, 200);
    let world = Arc::new(plan.start().await);
    let clients = (0..200).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.chat(&ask(false)).await.status })
    });
    for client in clients.collect::<Vec<_>>() {
        assert_eq!(client.await.unwrap(), 200, "as many as there may be");
    }
    assert_eq!(world.requests().await.len(), 200);
}

#[tokio::test]
async fn a_panic_is_one_requests_500() {
    let target = Faultd::start(Act::Answer(answer_of("hello"))).await;
    let world = Plan::new(vec![Spec::new(target.address, 1.0)])
        .start()
        .await;
    world.panic_once();
    let got = world.chat(&ask(false)).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (500, "internal_error"),
        "{got:?}"
    );
    assert_eq!(
        world.chat(&ask(false)).await.status,
        200,
        "and nobody else's"
    );
    let requests = world.requests().await;
    let codes: Vec<_> = requests.iter().map(|end| (end.status, end.code)).collect();
    assert_eq!(
        codes,
        [(500, Some("internal_error")), (200, None)],
        "both are counted"
    );
    assert_eq!(world.attempts().await.len(), 2);
}

#[tokio::test]
async fn answers_tell_who_served_and_what_we_added() {
    let target = Faultd::start(Act::Answer(answer_of("hello"))).await;
    let world = Plan::new(vec![Spec::new(target.address, 1.0)])
        .start()
        .await;
    let got = world.chat(&ask(false)).await;
    let told = ["route", "target", "provider", "model", "attempts", "config"];
    let told = told.map(|name| got.header(&format!("x-weighbridge-{name}")).to_owned());
    assert_eq!(told, ["chat", "t0", "p0", "m", "1", "3"]);
    let overhead = got.header("x-weighbridge-overhead-ms");
    assert!(
        overhead.parse::<f64>().is_ok_and(|ms| ms >= 0.0),
        "{overhead}"
    );
    assert_eq!(
        overhead.split('.').nth(1).map(str::len),
        Some(3),
        "to the microsecond"
    );
    let end = &world.requests().await[0];
    let served = end.served.as_ref().unwrap();
    assert_eq!(
        (served.target(), served.provider(), served.model()),
        ("t0", "p0", "m")
    );
    let route = &world.proxy.published.read().routes[0];
    assert_eq!(route.cells.picked_ever(), [1], "a first pick is counted");
    assert_eq!(route.cells.collect().arrivals, 1, "and an arrival");
}
