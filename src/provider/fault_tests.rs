use proptest::prelude::*;

use super::*;
use crate::model::Phase;

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

/// What may be done about a fault: its demand at the target.
#[track_caller]
fn demands(status: u16, pairs: &[(&'static str, &'static str)], body: &str, demand: Demand) {
    let fault = classify(status, &headers(pairs), body.as_bytes(), 0);
    assert_eq!(fault.demand(), demand, "{status} {pairs:?} {body}");
}

#[test]
fn what_will_not_pass_by_waiting_ejects() {
    demands(401, &[], "", Demand::Eject(Why::Credential));
    demands(403, &[], "", Demand::Eject(Why::Credential));
    demands(404, &[], "", Demand::Eject(Why::Model));
    demands(402, &[], "", Demand::Eject(Why::Quota));
    demands(
        429,
        &[("retry-after", "601")],
        "",
        Demand::Eject(Why::AbsurdWait),
    );
    let azure = r#"{"error":{"code":"429","message":"… Please retry after 86400 seconds. …"}}"#;
    demands(429, &[], azure, Demand::Eject(Why::AbsurdWait));
    assert!(Why::Credential.needs_operator() && !Why::AbsurdWait.needs_operator());
}

#[test]
fn what_will_pass_asks_for_its_time_only() {
    let spare = |seconds| Demand::Spare(Duration::from_secs(seconds));
    demands(429, &[("retry-after", "600")], "", spare(600));
    demands(503, &[("retry-after", "2")], "", spare(2));
    demands(429, &[], "", Demand::Nothing);
    demands(500, &[], "", Demand::Nothing);
    demands(400, &[], "", Demand::Nothing);
    demands(200, &[], "", Demand::Nothing);
}

#[test]
fn a_request_above_the_whole_limit_says_nothing_of_the_next() {
    let body = r#"{"error":{"message":"Request too large for x on tokens per min (TPM): Limit 30000, Requested 30601.","type":"tokens","code":"rate_limit_exceeded"}}"#;
    let fault = classify(
        429,
        &headers(&[("retry-after", "20"), ("x-ratelimit-reset-tokens", "6s")]),
        body.as_bytes(),
        0,
    );
    assert_eq!(fault.outcome, Outcome::RateLimited);
    assert_eq!(fault.wait, Some(Duration::ZERO));
    assert_eq!(fault.demand(), Demand::Nothing);
}

#[test]
fn fields_of_the_body_tell_the_wait() {
    let check = |status, body: &str, millis: Option<u64>| {
        let fault = classify(status, &HeaderMap::new(), body.as_bytes(), 1_741_305_590);
        assert_eq!(fault.wait, millis.map(Duration::from_millis), "{body}");
    };
    check(
        429,
        r#"{"error":{"code":429,"message":"Please retry in 48.9s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"48s"}]}}"#,
        Some(48_000),
    );
    check(
        429,
        r#"{"error":{"message":"no","code":429,"metadata":{"headers":{"X-RateLimit-Reset":"1741305600000"}}}}"#,
        Some(10_000),
    );
    check(
        503,
        r#"{"error":"Model x is currently loading","estimated_time":20.5}"#,
        Some(20_500),
    );
    check(
        429,
        r#"{"error":{"message":"currently experiencing high demand. Please retry after 20 seconds."}}"#,
        Some(20_000),
    );
    check(400, r#"{"error":"no","retry_after":3}"#, None);
}

#[test]
fn a_whole_event_says_more_than_its_code() {
    let event = br#"{"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel"}]},{"retryDelay":"5s"}]}}"#;
    let fault = of_document(event, 0);
    assert_eq!(fault.outcome, Outcome::QuotaExhausted);
    assert_eq!(fault.wait, Some(Duration::from_secs(5)));
    let reported = Reported::read(event).unwrap();
    assert_eq!(of_reported(&reported).outcome, Outcome::RateLimited);
}

#[test]
fn a_body_beyond_reason_is_not_read() {
    let mut body = format!(
        r#"{{"error":{{"code":"context_length_exceeded"}},"x":"{}"#,
        "a".repeat(256 * 1024)
    );
    body.push_str("\"}");
    check(400, &[], &body, Outcome::ClientFault);
    let deep = format!(r#"{{"error":{}"#, "[".repeat(100_000));
    check(400, &[], &deep, Outcome::ClientFault);
    let mut nested = r#"{"message":"maximum context length"}"#.to_owned();
    for _ in 0..8 {
        nested = serde_json::json!({ "message": nested }).to_string();
    }
    check(400, &[], &nested, Outcome::ContextTooLong);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
    #[test]
    fn anything_is_classified_and_waits_are_bounded(
        status in any::<u16>(),
        body in proptest::collection::vec(any::<u8>(), 0..200),
        value in "[ -~]{0,12}|[0-9.a-z]{0,8}",
        name in proptest::sample::select(&["retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-reset", "anthropic-ratelimit-tokens-reset", "date", "x-amzn-errortype"][..]),
        message in "((try again|retry) (in|after) )?[0-9.msh ]{0,12}",
        now in any::<u64>(),
    ) {
        let mut map = HeaderMap::new();
        map.insert(name, value.parse().expect("visible ASCII"));
        for body in [body, format!(r#"{{"error":"{message}"}}"#).into_bytes()] {
            let inside = of_document(&body, now);
            prop_assert!(inside.outcome != Outcome::Ok);
            prop_assert!(inside.wait.is_none_or(|wait| wait <= Duration::from_secs(86_400)));
            let fault = classify(status, &map, &body, now);
            prop_assert!(fault.wait.is_none_or(|wait| wait <= Duration::from_secs(86_400)));
            prop_assert_eq!(fault.outcome == Outcome::Ok, (200..300).contains(&status));
        }
    }

    #[test]
    fn no_bytes_of_a_header_or_a_field_panic(
        status in 400..600_u16,
        name in proptest::sample::select(&["retry-after", "retry-after-ms", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "anthropic-ratelimit-requests-reset", "date", "x-amzn-errortype"][..]),
        value in proptest::collection::vec(any::<u8>().prop_filter("a header's", |byte| *byte >= 0x20 && *byte != 0x7f), 0..40),
        field in proptest::sample::select(&["message", "code", "type", "status", "details", "errors", "metadata", "innererror", "retry_after", "estimated_time"][..]),
        text in "\\PC{0,40}",
        number in any::<f64>(),
        now in any::<u64>(),
    ) {
        let mut map = HeaderMap::new();
        let value = http::HeaderValue::from_bytes(&value).expect("bytes of a header");
        map.insert(name, value);
        for value in [serde_json::json!(text), serde_json::json!(number), serde_json::json!([{ "retryDelay": text, "reason": text, "violations": [text] }])] {
            let body = serde_json::json!({ "error": { field: value.clone() }, field: value }).to_string();
            let fault = classify(status, &map, body.as_bytes(), now);
            prop_assert!(fault.wait.is_none_or(|wait| wait <= Duration::from_secs(86_400)));
        }
    }
}
