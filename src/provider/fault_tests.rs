use proptest::prelude::*;

use super::*;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        let name = http::HeaderName::from_static(name);
        (name, http::HeaderValue::from_static(value))
    });
    pairs.collect()
}

#[track_caller]
fn check(status: u16, pairs: &[(&'static str, &'static str)], body: &str, outcome: Outcome) {
    let fault = classify(status, &headers(pairs), body.as_bytes(), 0);
    assert_eq!(fault.outcome, outcome, "{status} {pairs:?} {body}");
}

fn with_code(code: &str) -> String {
    format!(r#"{{"error":{{"message":"m","type":"t","param":null,"code":"{code}"}}}}"#)
}

#[test]
fn a_status_alone_has_its_meaning() {
    for (status, outcome) in [
        (200, Outcome::Ok),
        (204, Outcome::Ok),
        (100, Outcome::Malformed),
        (302, Outcome::Malformed),
        (304, Outcome::Malformed),
        (400, Outcome::ClientFault),
        (401, Outcome::Auth),
        (402, Outcome::QuotaExhausted),
        (403, Outcome::Auth),
        (404, Outcome::NoSuchModel),
        (405, Outcome::NoSuchModel),
        (408, Outcome::Timeout(Phase::Header)),
        (409, Outcome::ClientFault),
        (413, Outcome::ClientFault),
        (422, Outcome::ClientFault),
        (429, Outcome::RateLimited),
        (500, Outcome::ServerError),
        (503, Outcome::ServerError),
        (529, Outcome::Overloaded),
        (599, Outcome::ServerError),
        (0, Outcome::Malformed),
        (999, Outcome::Malformed),
    ] {
        check(status, &[], "", outcome);
        check(status, &[], "<html>gone</html>", outcome);
    }
}

#[test]
fn the_bodys_code_says_more_than_the_status() {
    for (status, code, outcome) in [
        (429, "insufficient_quota", Outcome::QuotaExhausted),
        (429, "billing_hard_limit_reached", Outcome::QuotaExhausted),
        (429, "rate_limit_exceeded", Outcome::RateLimited),
        (400, "context_length_exceeded", Outcome::ContextTooLong),
        (413, "context_length_exceeded", Outcome::ContextTooLong),
        (400, "content_filter", Outcome::ContentFiltered),
        (400, "content_policy_violation", Outcome::ContentFiltered),
        (400, "model_not_found", Outcome::NoSuchModel),
        (403, "model_not_found", Outcome::NoSuchModel),
        (404, "model_not_found", Outcome::NoSuchModel),
        (401, "invalid_api_key", Outcome::Auth),
        (500, "context_length_exceeded", Outcome::ServerError),
    ] {
        check(status, &[], &with_code(code), outcome);
    }
}

#[test]
fn other_servers_words_are_understood() {
    check(
        400,
        &[],
        r#"{"object":"error","message":"This model's maximum context length is 4096 tokens. However, …","code":400}"#,
        Outcome::ContextTooLong,
    );
    check(
        400,
        &[],
        r#"{"error":{"code":400,"message":"the request exceeds …","type":"exceed_context_size_error","n_ctx":512}}"#,
        Outcome::ContextTooLong,
    );
}

#[test]
fn a_wait_makes_503_a_request_to_be_spared() {
    check(503, &[("retry-after", "2")], "", Outcome::Overloaded);
    check(503, &[("retry-after-ms", "200")], "", Outcome::Overloaded);
    check(503, &[("retry-after", "soon")], "", Outcome::ServerError);
    check(500, &[("retry-after", "2")], "", Outcome::ServerError);
}

#[test]
fn the_most_exact_wait_counts() {
    let check =
        |status, pairs: &[(&'static str, &'static str)], message: &str, millis: Option<u64>| {
            let body = format!(r#"{{"error":{{"message":"{message}"}}}}"#);
            let fault = classify(status, &headers(pairs), body.as_bytes(), 0);
            assert_eq!(
                fault.wait,
                millis.map(Duration::from_millis),
                "{status} {pairs:?} {message}"
            );
        };
    let reset = ("x-ratelimit-reset-requests", "6m0s");
    let told = "Please try again in 174ms.";
    check(429, &[reset, ("retry-after", "3")], told, Some(3000));
    check(429, &[reset], told, Some(174));
    check(429, &[reset], "", Some(360_000));
    check(429, &[], "", None);
    check(500, &[reset], told, None);
    check(500, &[("retry-after", "3")], "", Some(3000));
    check(400, &[("retry-after", "3")], told, None);
    check(200, &[reset], "", None);
}

#[test]
fn an_error_inside_a_stream_is_judged_by_its_code() {
    let check = |json: &str, outcome| {
        let reported = Reported::read(json.as_bytes()).unwrap();
        assert_eq!(of_reported(&reported).outcome, outcome, "{json}");
    };
    check(&with_code("rate_limit_exceeded"), Outcome::RateLimited);
    check(&with_code("insufficient_quota"), Outcome::QuotaExhausted);
    check(
        &with_code("context_length_exceeded"),
        Outcome::ContextTooLong,
    );
    check(&with_code("content_filter"), Outcome::ContentFiltered);
    check(&with_code("anything"), Outcome::ServerError);
    check(r#"{"error":"gone"}"#, Outcome::ServerError);
    check(
        r#"{"error":{"message":"m","code":429}}"#,
        Outcome::RateLimited,
    );
    check(r#"{"error":{"message":"m","code":401}}"#, Outcome::Auth);
    check(
        r#"{"error":{"message":"m","code":400}}"#,
        Outcome::ClientFault,
    );
    check(
        r#"{"error":{"message":"m","code":502}}"#,
        Outcome::ServerError,
    );
    check(
        r#"{"error":{"message":"m","type":"overloaded_error"}}"#,
        Outcome::Overloaded,
    );
    check(
        r#"{"error":{"message":"m","type":"invalid_request_error"}}"#,
        Outcome::ClientFault,
    );
}

#[test]
fn a_streams_own_error_is_its_outcome_only_before_content() {
    let limited =
        b"data: {\"error\":{\"message\":\"try again in 2s\",\"code\":\"rate_limit_exceeded\"}}\n\n";
    let mut reader = crate::wire::StreamReader::new();
    let expected = Fault {
        outcome: Outcome::RateLimited,
        wait: Some(Duration::from_secs(2)),
    };
    assert_eq!(of_stream(reader.push(limited)), expected);
    let mut reader = crate::wire::StreamReader::new();
    reader.push(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
    assert_eq!(of_stream(reader.push(limited)).outcome, Outcome::CutStream);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
    #[test]
    fn anything_is_classified_and_waits_are_bounded(
        status in any::<u16>(),
        body in proptest::collection::vec(any::<u8>(), 0..200),
        value in "[ -~]{0,12}|[0-9.a-z]{0,8}",
        name in proptest::sample::select(&["retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"][..]),
        message in "(try again in )?[0-9.msh ]{0,12}",
        now in any::<u64>(),
    ) {
        let mut map = HeaderMap::new();
        map.insert(name, value.parse().expect("visible ASCII"));
        for body in [body, format!(r#"{{"error":"{message}"}}"#).into_bytes()] {
            let fault = classify(status, &map, &body, now);
            prop_assert!(fault.wait.is_none_or(|wait| wait <= Duration::from_secs(86_400)));
            prop_assert_eq!(fault.outcome == Outcome::Ok, (200..300).contains(&status));
        }
    }
}
