//! Every fault of a target before its first content: the next one serves, and each attempt is counted once.

use std::time::Duration;

use super::faultd::{Act, Faultd, ROLE, STREAM_HEAD, answer_of, chunk, response, stream_of};
use super::world::{Got, LONG, Plan, Spec, World, ask};
use crate::config::Deadlines;
use crate::model::{Outcome, Phase};

/// Long enough for a loaded machine to answer, short enough to wait for.
const SHORT: Duration = Duration::from_millis(300);

fn good(stream: bool) -> Act {
    Act::Answer(if stream {
        stream_of(&["he", "llo"])
    } else {
        answer_of("hello")
    })
}

/// A world of a bad target that is drawn first and a good one.
async fn world(bad: Act, stream: bool, deadlines: Deadlines) -> (World, Faultd, Faultd) {
    let (bad, good) = (Faultd::start(bad).await, Faultd::start(good(stream)).await);
    let mut plan = Plan::new(vec![
        Spec::new(bad.address, 0.5),
        Spec::new(good.address, 0.5),
    ]);
    plan.deadlines = deadlines;
    (plan.start().await, bad, good)
}

fn assert_served(got: &Got, stream: bool, case: &str) {
    assert_eq!(got.status, 200, "{case}: {got:?}");
    assert!(got.whole, "{case}: the answer must be complete");
    let wanted = if stream { "[DONE]" } else { "hello" };
    assert!(got.body.contains(wanted), "{case}: {got:?}");
    assert_eq!(got.header("x-weighbridge-attempts"), "2", "{case}");
    assert_eq!(got.header("x-weighbridge-target"), "t1", "{case}");
}

async fn check(case: &str, bad: Act, stream: bool, deadlines: Deadlines, expected: Outcome) {
    let (world, _bad, _good) = world(bad, stream, deadlines).await;
    let got = world.chat(&ask(stream)).await;
    assert_served(&got, stream, case);
    let attempts = world.attempts().await;
    let wanted = [
        ("p0/m".to_owned(), expected),
        ("p1/m".to_owned(), Outcome::Ok),
    ];
    assert_eq!(attempts, wanted, "{case}: one observation an attempt");
    let requests = world.requests().await;
    assert_eq!(requests.len(), 1, "{case}: one record a request");
    assert_eq!(
        (requests[0].status, requests[0].attempts),
        (200, 2),
        "{case}"
    );
}

#[tokio::test]
async fn a_refusing_target_is_made_good_by_the_next() {
    for stream in [false, true] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = listener.local_addr().unwrap();
        drop(listener);
        let good = Faultd::start(good(stream)).await;
        let plan = Plan::new(vec![Spec::new(nobody, 0.5), Spec::new(good.address, 0.5)]);
        let world = plan.start().await;
        assert_served(&world.chat(&ask(stream)).await, stream, "refused");
        let attempts = world.attempts().await;
        assert_eq!(attempts[0], ("p0/m".to_owned(), Outcome::Transport));
        assert_eq!(attempts.len(), 2, "one observation an attempt");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_good_by_the_next() {
    for stream in [false, true] {
        check("reset", Act::Reset, stream, LONG, Outcome::Transport).await;
        let close = Act::SendAndClose(Vec::new());
        check("closed", close, stream, LONG, Outcome::Transport).await;
        let half_a_head = Act::SendAndClose(b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec());
        check("half a head", half_a_head, stream, LONG, Outcome::Transport).await;
        let short = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"choices\":";
        let wrong_length = Act::SendAndClose(short.into());
        check(
            "wrong length",
            wrong_length,
            stream,
            LONG,
            Outcome::Transport,
        )
        .await;
    }
}

#[tokio::test]
async fn a_silent_target_is_made_good_by_the_next() {
    for stream in [false, true] {
        let deadlines = Deadlines {
            header_streamed: SHORT,
            header_unary: SHORT,
            ..LONG
        };
        let hang = Act::SendAndHang(Vec::new());
        check(
            "no header",
            hang,
            stream,
            deadlines,
            Outcome::Timeout(Phase::Header),
        )
        .await;
    }
    let head = format!("{STREAM_HEAD}{}", chunk(ROLE));
    let deadlines = Deadlines {
        first_token: SHORT,
        ..LONG
    };
    let hang = Act::SendAndHang(head.into());
    check(
        "no content",
        hang,
        true,
        deadlines,
        Outcome::Timeout(Phase::FirstToken),
    )
    .await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    let deadlines = Deadlines {
        attempt: SHORT,
        ..LONG
    };
    let hang = Act::SendAndHang(head.into());
    check(
        "half a body",
        hang,
        false,
        deadlines,
        Outcome::Timeout(Phase::Attempt),
    )
    .await;
}

#[tokio::test]
async fn an_answer_that_is_none_is_made_good_by_the_next() {
    let redirect =
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let zipped = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nxx";
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n";
    for stream in [false, true] {
        let cases: [(&str, Vec<u8>); 6] = [
            (
                "HTML",
                response("200 OK", "text/html", "<html>login</html>"),
            ),
            ("redirect", redirect.into()),
            ("compressed", zipped.into()),
            ("broken chunk", chunks.into()),
            ("not HTTP", b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec()),
            (
                "broken JSON",
                response("200 OK", "application/json", "{\"choices\":["),
            ),
        ];
        for (case, bytes) in cases {
            check(
                case,
                Act::SendAndClose(bytes),
                stream,
                LONG,
                Outcome::Malformed,
            )
            .await;
        }
    }
    let empty = format!("{STREAM_HEAD}0\r\n\r\n");
    check(
        "empty stream",
        Act::Answer(empty.into()),
        true,
        LONG,
        Outcome::Malformed,
    )
    .await;
    let done = format!("{STREAM_HEAD}{}0\r\n\r\n", chunk("data: [DONE]\n\n"));
    check(
        "only DONE",
        Act::Answer(done.into()),
        true,
        LONG,
        Outcome::Malformed,
    )
    .await;
}

#[tokio::test]
async fn errors_of_the_server_are_made_good_by_the_next() {
    let error = r#"{"error":{"message":"no","type":"server_error","code":null}}"#;
    let cases = [
        ("500 Internal Server Error", Outcome::ServerError),
        ("503 Service Unavailable", Outcome::ServerError),
        ("529 Overloaded", Outcome::Overloaded),
        ("429 Too Many Requests", Outcome::RateLimited),
        ("401 Unauthorized", Outcome::Auth),
        ("404 Not Found", Outcome::NoSuchModel),
    ];
    for stream in [false, true] {
        for (status, expected) in cases {
            let bytes = response(status, "application/json", error);
            check(status, Act::Answer(bytes), stream, LONG, expected).await;
        }
        let early = format!(
            "{STREAM_HEAD}{}{}0\r\n\r\n",
            chunk(ROLE),
            chunk(&format!("data: {error}\n\n"))
        );
        let told = if stream {
            early.into()
        } else {
            response("200 OK", "application/json", error)
        };
        check(
            "reported",
            Act::Answer(told),
            stream,
            LONG,
            Outcome::ServerError,
        )
        .await;
    }
}

#[tokio::test]
async fn the_clients_own_mistake_passes_in_the_providers_words_and_is_not_tried_again() {
    let words = r#"{"error":{"message":"temperature is too high","type":"invalid_request_error","code":"x"}}"#;
    for stream in [false, true] {
        let bad = response("400 Bad Request", "application/json", words);
        let (world, _bad, good) = world(Act::Answer(bad), stream, LONG).await;
        let got = world.chat(&ask(stream)).await;
        assert_eq!(
            (got.status, got.body.as_str()),
            (400, words),
            "word for word"
        );
        assert_eq!(
            world.attempts().await,
            [("p0/m".to_owned(), Outcome::ClientFault)]
        );
        assert_eq!(good.seen().len(), 0, "nobody else is asked");
    }
}

#[tokio::test]
async fn a_page_in_place_of_an_error_is_told_in_the_clients_dialect() {
    let page = "<html><h1>413 Request Entity Too Large</h1></html>";
    let bad = response("413 Content Too Large", "text/html", page);
    let (world, _bad, _good) = world(Act::Answer(bad), false, LONG).await;
    let got = world.chat(&ask(false)).await;
    let told = (got.status, got.code());
    assert_eq!(told, (413, "invalid_request_error".to_owned()), "{got:?}");
    assert_eq!(got.header("content-type"), "application/json");
    assert!(!got.body.contains("html"), "{got:?}");
}

#[tokio::test]
async fn when_all_fail_the_client_hears_the_last_failure_and_not_to_retry() {
    let bad = response("500 Internal Server Error", "application/json", "{}");
    let (first, second) = (
        Faultd::start(Act::Answer(bad.clone())).await,
        Faultd::start(Act::Answer(bad)).await,
    );
    let mut plan = Plan::new(vec![
        Spec::new(first.address, 0.5),
        Spec::new(second.address, 0.5),
    ]);
    plan.retries = 1;
    let world = plan.start().await;
    let got = world.chat(&ask(false)).await;
    assert_eq!((got.status, got.code().as_str()), (502, "upstream_error"));
    assert!(
        got.error("message").contains("\"p1\""),
        "it names the provider: {got:?}"
    );
    assert_eq!(
        got.header("x-should-retry"),
        "false",
        "our retries are spent"
    );
    assert_eq!(got.header("x-weighbridge-attempts"), "2");
    assert!(
        !got.body.contains("127.0.0.1") && !got.body.contains("sk-"),
        "nothing private: {got:?}"
    );
    assert_eq!(world.attempts().await.len(), 2, "1 + retries attempts");
}

#[tokio::test]
async fn a_rate_limit_of_the_only_target_reaches_the_client_with_its_wait() {
    let limited =
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 30\r\ncontent-length: 2\r\n\r\n{}";
    let target = Faultd::start(Act::Answer(limited.into())).await;
    let plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
    let world = plan.start().await;
    let got = world.chat(&ask(false)).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (429, "rate_limit_exceeded"),
        "{got:?}"
    );
    assert_eq!(got.header("retry-after"), "30");
    assert_eq!(
        target.seen().len(),
        1,
        "30 s do not fit into the request's time: no second attempt"
    );
    let again = world.chat(&ask(false)).await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (503, "overloaded"),
        "{again:?}"
    );
    assert_eq!(target.seen().len(), 1, "a blocked target is left alone");
}

#[tokio::test]
async fn a_targets_own_deadline_holds_before_its_routes() {
    let head = format!("{STREAM_HEAD}{}", chunk(ROLE));
    let (bad, good) = (
        Faultd::start(Act::SendAndHang(head.into())).await,
        Faultd::start(good(true)).await,
    );
    let mut slow = Spec::new(bad.address, 0.5);
    slow.deadlines.first_token = Some(SHORT);
    let world = Plan::new(vec![slow, Spec::new(good.address, 0.5)]).start();
    let world = world.await;
    assert_served(&world.chat(&ask(true)).await, true, "own deadline");
    let first = world.attempts().await.first().cloned();
    let expected = Outcome::Timeout(Phase::FirstToken);
    assert_eq!(first, Some(("p0/m".to_owned(), expected)));
}

#[tokio::test]
async fn an_overload_without_a_wait_counts_as_an_illness() {
    let body =
        r#"{"error":{"message":"That model is currently overloaded","type":"server_error"}}"#;
    let (world, bad, _good) = world(
        Act::Answer(response(
            "503 Service Unavailable",
            "application/json",
            body,
        )),
        false,
        LONG,
    )
    .await;
    let got = world.chat(&ask(false)).await;
    assert_eq!(got.status, 200, "{got:?}");
    let attempts = world.attempts().await;
    assert_eq!(attempts[0].1, Outcome::ServerError, "{attempts:?}");
    let waits = format!(
        "HTTP/1.1 503 Busy\r\nretry-after: 2\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    bad.now_do(Act::Answer(waits.into_bytes()));
    let direct = ask(false).replace("\"chat\"", "\"p0/m\"");
    let got = world.chat(&direct).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (503, "overloaded"),
        "{got:?}"
    );
    let last = world.attempts().await.pop();
    assert_eq!(last.map(|(_, outcome)| outcome), Some(Outcome::Overloaded));
}

#[tokio::test]
async fn a_bound_of_the_clients_own_says_nothing_about_the_target() {
    let (world, _bad, _good) = world(Act::SendAndHang(Vec::new()), false, LONG).await;
    let body = ask(false).replace("\"chat\"", "\"p0/m\"");
    let hasty = body.replacen(
        '{',
        "{\"timeout\":{\"call_timeout\":20},\"retry\":{\"count\":0},",
        1,
    );
    let got = world.chat(&hasty).await;
    assert_eq!(
        (got.status, got.code().as_str()),
        (504, "upstream_timeout"),
        "{got:?}"
    );
    let attempts = world.attempts().await;
    assert_eq!(attempts, [("p0/m".to_owned(), Outcome::Cancelled)]);
}

#[tokio::test]
async fn a_refusal_says_which_route_and_a_list_says_what_it_takes() {
    let (world, _bad, _good) = world(good(false), false, LONG).await;
    let list = "{\"load_balancer\":[{\"model\":\"chat\"}],\"messages\":[]}";
    let got = world.chat(list).await;
    assert_eq!(got.status, 400, "{got:?}");
    assert!(
        got.error("message").contains("\"chat\" is a route"),
        "{got:?}"
    );
}
