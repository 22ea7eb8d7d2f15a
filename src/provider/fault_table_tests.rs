//! Every row decides something, and nothing stands in its way.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::provider::wait::from_retry_after;

/// A status (0: inside an answer), headers, a body, and what it means. Written in the shape of what the providers send.
type Fixture = (
    u16,
    &'static [(&'static str, &'static str)],
    &'static str,
    Outcome,
);

const NO_HEADERS: &[(&str, &str)] = &[];

/// `x-amzn-errortype` as Amazon writes it.
macro_rules! amazon {
    ($name:literal) => {
        &[(
            "x-amzn-errortype",
            concat!(
                $name,
                ":http://internal.amazon.com/coral/com.amazon.bedrock/"
            ),
        )]
    };
}

#[rustfmt::skip]
const FIXTURES: &[Fixture] = &[
    (429, NO_HEADERS, r#"{"error":{"message":"You exceeded your current quota, please check your plan.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#, Outcome::QuotaExhausted),
    (401, NO_HEADERS, r#"{"error":{"message":"You exceeded your current quota.","type":"insufficient_quota","code":401}}"#, Outcome::QuotaExhausted),
    (429, NO_HEADERS, r#"{"error":{"message":"The project is over its limit.","type":"insufficient_quota_of_project","code":"project_spend_limit_exceeded"}}"#, Outcome::QuotaExhausted),
    (429, NO_HEADERS, r#"{"error":{"message":"Your account is suspended, please recharge","type":"exceeded_current_quota_error"}}"#, Outcome::QuotaExhausted),
    (402, NO_HEADERS, r#"{"type":"error","error":{"type":"billing_error","message":"There is an issue with your payment"}}"#, Outcome::QuotaExhausted),
    (400, NO_HEADERS, r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API. Please go to Plans."}}"#, Outcome::QuotaExhausted),
    (400, NO_HEADERS, r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2027-01-01."}}"#, Outcome::QuotaExhausted),
    (429, NO_HEADERS, r#"{"code":"Some resource has been exhausted","error":"Your team x has either used all available credits or reached its monthly spending limit."}"#, Outcome::QuotaExhausted),
    (403, NO_HEADERS, r#"{"code":"permission-denied","error":"Your team x has either used all available credits or reached its limit."}"#, Outcome::QuotaExhausted),
    (429, NO_HEADERS, r#""Your team x has either used all available credits or reached its monthly spending limit.""#, Outcome::QuotaExhausted),
    (400, amazon!("ServiceQuotaExceededException"), r#"{"message":"Your request exceeds the service quota for your account."}"#, Outcome::QuotaExhausted),
    (429, amazon!("ThrottlingException"), r#"{"message":"Too many tokens per day, please wait before trying again."}"#, Outcome::QuotaExhausted),
    (429, NO_HEADERS, r#"{"error":{"code":429,"message":"You exceeded your current quota. Please retry in 7s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"},{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]}}"#, Outcome::QuotaExhausted),
    (429, NO_HEADERS, r#"{"error":{"code":429,"message":"Rate limit exceeded","metadata":{"limit_source":"openrouter_free_tier_daily"}}}"#, Outcome::QuotaExhausted),
    (429, NO_HEADERS, r#"{"error":{"message":"Rate limit exceeded: free-models-per-day. Add 10 credits","code":429,"metadata":{"headers":{"X-RateLimit-Reset":"1741305600000"}}}}"#, Outcome::QuotaExhausted),
    (429, NO_HEADERS, r#"{"message":"You are using a Trial key, which is limited to 1000 API calls / month."}"#, Outcome::QuotaExhausted),
    (0, NO_HEADERS, r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}"#, Outcome::QuotaExhausted),
    (402, NO_HEADERS, r#"{"error":{"message":"Payment required","code":402}}"#, Outcome::QuotaExhausted),

    (400, NO_HEADERS, r#"{"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#, Outcome::ContentFiltered),
    (400, NO_HEADERS, r#"{"error":{"message":"filtered","code":null,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#, Outcome::ContentFiltered),
    (400, NO_HEADERS, r#"{"error":"The response was filtered due to the prompt triggering a content management policy."}"#, Outcome::ContentFiltered),
    (400, NO_HEADERS, r#"{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our policy.","type":"invalid_request_error","code":"invalid_prompt"}}"#, Outcome::ContentFiltered),
    (0, NO_HEADERS, r#"{"type":"error","error":{"details":null,"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}"#, Outcome::ContentFiltered),
    (403, NO_HEADERS, r#"{"code":"The caller does not have permission to execute the specified operation","error":"Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"}"#, Outcome::ContentFiltered),
    (400, NO_HEADERS, r#"{"error":{"message":"Content Exists Risk","type":"invalid_request_error","code":"invalid_request_error"}}"#, Outcome::ContentFiltered),
    (403, NO_HEADERS, r#"{"error":{"code":403,"message":"The model requires moderation","metadata":{"reasons":["violence"],"flagged_input":"…"}}}"#, Outcome::ContentFiltered),

    (400, NO_HEADERS, r#"{"error":{"message":"Your input is too large.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}"#, Outcome::ContextTooLong),
    (400, NO_HEADERS, r#"{"error":{"code":400,"message":"request (9412 tokens) is too large","type":"exceed_context_size_error","n_ctx":8192}}"#, Outcome::ContextTooLong),
    (400, NO_HEADERS, r#"{"error_type":"TOO_MANY_TOKENS","id":"x","message":"the input is too large"}"#, Outcome::ContextTooLong),
    (400, NO_HEADERS, r#"{"error":{"message":"The messages are too large.","type":"too_many_prompt_tokens","code":400}}"#, Outcome::ContextTooLong),
    (400, NO_HEADERS, r#"{"message":"too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292."}"#, Outcome::ContextTooLong),
    (400, NO_HEADERS, r#"{"object":"error","message":"This model's maximum context length is 4096 tokens. However, …","type":"BadRequestError","code":400}"#, Outcome::ContextTooLong),
    (400, NO_HEADERS, r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}"#, Outcome::ContextTooLong),
    (400, NO_HEADERS, r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"}}"#, Outcome::ContextTooLong),
    (400, NO_HEADERS, r#"{"code":"Client specified an invalid argument","error":"This model's maximum prompt length is 131072 but the request contains 137000 tokens."}"#, Outcome::ContextTooLong),
    (400, NO_HEADERS, r#"{"error":{"code":400,"message":"The input token count (1250000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#, Outcome::ContextTooLong),
    (400, amazon!("ValidationException"), r#"{"message":"Input is too long for requested model."}"#, Outcome::ContextTooLong),
    (0, amazon!("ValidationException"), r#"{"message":"Input is too long for requested model."}"#, Outcome::ContextTooLong),
    (400, NO_HEADERS, r#"{"error":{"code":400,"message":"the request exceeds the available context size. try increasing it","type":"invalid_request_error"}}"#, Outcome::ContextTooLong),
    (400, NO_HEADERS, r#"{"object":"error","message":"The decoder prompt (length 5000) is longer than the maximum model length of 4096.","type":"BadRequestError","code":400}"#, Outcome::ContextTooLong),
    (400, NO_HEADERS, r#"{"error":{"message":"Invalid request: Your request exceeded model token limit: 8192","type":"invalid_request_error"}}"#, Outcome::ContextTooLong),
    (403, NO_HEADERS, r#"{"error":{"message":"Input token count + max_tokens parameter must be less than the context length of the model"}}"#, Outcome::ContextTooLong),

    (404, NO_HEADERS, r#"{"error":{"message":"It is gone.","type":"invalid_request_error","code":"previous_response_not_found"}}"#, Outcome::ClientFault),
    (404, NO_HEADERS, r#"{"error":{"message":"Item with id 'rs_1' not found.","type":"invalid_request_error","param":"input","code":null}}"#, Outcome::ClientFault),

    (404, NO_HEADERS, r#"{"error":{"message":"The model `x` does not exist or you do not have access to it.","type":"invalid_request_error","code":"model_not_found"}}"#, Outcome::NoSuchModel),
    (404, NO_HEADERS, r#"{"error":{"type":"invalid_request_error","code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#, Outcome::NoSuchModel),
    (400, NO_HEADERS, r#"{"error":{"code":"OperationNotSupported","message":"The chatCompletion operation does not work with the specified model."}}"#, Outcome::NoSuchModel),
    (400, NO_HEADERS, r#"{"error":{"message":"The model `x` has been decommissioned.","type":"invalid_request_error","code":"model_decommissioned"}}"#, Outcome::NoSuchModel),
    (400, NO_HEADERS, r#"{"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":"1500"}"#, Outcome::NoSuchModel),
    (404, amazon!("ResourceNotFoundException"), r#"{"message":"The specified resource was not found."}"#, Outcome::NoSuchModel),
    (400, amazon!("ValidationException"), r#"{"message":"The provided model identifier is invalid."}"#, Outcome::NoSuchModel),
    (400, amazon!("ValidationException"), r#"{"message":"Invocation of model ID x with on-demand throughput isn’t supported."}"#, Outcome::NoSuchModel),
    (0, NO_HEADERS, r#"{"type":"error","error":{"type":"not_found_error","message":"model: x"}}"#, Outcome::NoSuchModel),
    (404, NO_HEADERS, r#"{"message":"model 'x' was removed on September 15, 2025."}"#, Outcome::NoSuchModel),

    (401, NO_HEADERS, r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#, Outcome::Auth),
    (403, NO_HEADERS, r#"{"type":"error","error":{"type":"permission_error","message":"no"}}"#, Outcome::Auth),
    (400, NO_HEADERS, r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#, Outcome::Auth),
    (0, NO_HEADERS, r#"[{"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT"}}]"#, Outcome::Auth),
    (400, NO_HEADERS, r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}"#, Outcome::Auth),
    (400, amazon!("IncompleteSignature"), r#"{"message":"The request signature does not conform."}"#, Outcome::Auth),
    (403, amazon!("ExpiredTokenException"), r#"{"message":"The security token included in the request is expired"}"#, Outcome::Auth),
    (400, NO_HEADERS, r#"{"code":"invalid-argument","error":"Incorrect API key provided. You can obtain one."}"#, Outcome::Auth),
    (400, NO_HEADERS, r#"{"error":{"message":"Organization has been restricted.","type":"invalid_request_error","code":"organization_restricted"}}"#, Outcome::Auth),
    (401, NO_HEADERS, r#"{"error":{"message":"Missing Authentication header","code":401}}"#, Outcome::Auth),

    (529, NO_HEADERS, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Outcome::Overloaded),
    (0, NO_HEADERS, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Outcome::Overloaded),
    (0, NO_HEADERS, r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_is_overloaded","message":"Please try again later."}}}"#, Outcome::Overloaded),
    (503, NO_HEADERS, r#"{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}"#, Outcome::Overloaded),
    (429, NO_HEADERS, r#"{"error":{"message":"Please come back.","type":"engine_overloaded_error"}}"#, Outcome::Overloaded),
    (429, NO_HEADERS, r#"{"error":{"code":"429","message":"The system is currently experiencing high demand and cannot process your request."}}"#, Outcome::Overloaded),
    (429, NO_HEADERS, r#"{"error":{"code":429,"message":"No capacity available for model","status":"RESOURCE_EXHAUSTED","details":[{"reason":"MODEL_CAPACITY_EXHAUSTED"}]}}"#, Outcome::Overloaded),
    (503, amazon!("ServiceUnavailableException"), r#"{"message":"The service isn't currently available."}"#, Outcome::Overloaded),
    (429, amazon!("ModelNotReadyException"), r#"{"message":"The model is not ready."}"#, Outcome::Overloaded),
    (429, NO_HEADERS, r#"{"object":"error","message":"Service tier capacity exceeded for this model.","type":"invalid_request_error","param":null,"code":null}"#, Outcome::Overloaded),
    (498, NO_HEADERS, r#"{"error":{"message":"The flex tier is at capacity."}}"#, Outcome::Overloaded),
    (429, NO_HEADERS, r#"{"message":"High traffic.","type":"too_many_requests_error","param":"queue","code":"queue_exceeded"}"#, Outcome::Overloaded),
    (429, NO_HEADERS, r#"{"error":"Try later","error_type":"overloaded"}"#, Outcome::Overloaded),
    (503, NO_HEADERS, r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#, Outcome::Overloaded),
    (503, NO_HEADERS, r#"{"error":"Model x is currently loading","estimated_time":20.5}"#, Outcome::Overloaded),
    (503, NO_HEADERS, r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#, Outcome::Overloaded),
    (529, NO_HEADERS, "", Outcome::Overloaded),
    (503, &[("retry-after", "2")], "", Outcome::Overloaded),
    (0, NO_HEADERS, r#"{"error":{"code":503,"message":"no provider is there"}}"#, Outcome::Overloaded),

    (413, NO_HEADERS, r#"{"error":{"message":"Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 9000","type":"tokens","code":"rate_limit_exceeded"}}"#, Outcome::RateLimited),
    (429, NO_HEADERS, r#"{"error":{"message":"Rate limit reached for x on tokens per min (TPM). Please try again in 174ms.","type":"tokens","code":"rate_limit_exceeded"}}"#, Outcome::RateLimited),
    (0, NO_HEADERS, r#"{"type":"error","error":{"type":"rate_limit_error","message":"no"}}"#, Outcome::RateLimited),
    (429, NO_HEADERS, r#"[{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}]"#, Outcome::RateLimited),
    (429, amazon!("ThrottlingException"), r#"{"message":"Too many tokens, please wait before trying again."}"#, Outcome::RateLimited),
    (429, NO_HEADERS, r#"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}"#, Outcome::RateLimited),
    (429, NO_HEADERS, "slow", Outcome::RateLimited),
    (0, NO_HEADERS, r#"{"error":"Too many requests"}"#, Outcome::RateLimited),

    (504, NO_HEADERS, r#"{"type":"error","error":{"type":"timeout_error","message":"no"}}"#, Outcome::Timeout(Phase::Header)),
    (408, amazon!("ModelTimeoutException"), r#"{"message":"The request took too long to process."}"#, Outcome::Timeout(Phase::Header)),
    (504, NO_HEADERS, r#"{"error":{"code":504,"message":"no","status":"DEADLINE_EXCEEDED"}}"#, Outcome::Timeout(Phase::Header)),
    (408, NO_HEADERS, "", Outcome::Timeout(Phase::Header)),

    (424, amazon!("ModelErrorException"), r#"{"message":"The request failed due to an error while processing the model."}"#, Outcome::ServerError),
    (0, amazon!("ModelStreamErrorException"), r#"{"message":"An error occurred while streaming."}"#, Outcome::ServerError),
    (499, NO_HEADERS, r#"{"error":{"code":499,"message":"The operation was cancelled.","status":"CANCELLED"}}"#, Outcome::ServerError),

    (400, NO_HEADERS, r#"{"error":{"message":"Invalid schema","type":"invalid_request_error","code":"invalid_value"}}"#, Outcome::ClientFault),
    (413, NO_HEADERS, r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#, Outcome::ClientFault),
    (422, NO_HEADERS, r#"{"detail":[{"loc":["body"],"msg":"no","type":"missing"}]}"#, Outcome::ClientFault),
    (500, NO_HEADERS, r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#, Outcome::ServerError),
    (502, NO_HEADERS, "<html>\n<title>502 Bad Gateway</title></html>", Outcome::ServerError),
    (503, NO_HEADERS, r#"{"error":{"code":503,"message":"The service is unavailable.","status":"UNAVAILABLE"}}"#, Outcome::ServerError),
    (0, NO_HEADERS, r#"{"type":"error","error":{"type":"invalid_request_error","message":"no"}}"#, Outcome::ClientFault),
    (0, NO_HEADERS, r#"{"type":"response.failed","response":{"error":{"code":"invalid_prompt","message":"no"}}}"#, Outcome::ClientFault),
    (0, NO_HEADERS, r#"{"type":"response.failed","response":{"error":{"code":"failed_to_download_image","message":"no"}}}"#, Outcome::ClientFault),
    (0, NO_HEADERS, r#"{"error":{"message":"Provider disconnected unexpectedly","code":"server_error"}}"#, Outcome::ServerError),
    (0, NO_HEADERS, "", Outcome::ServerError),
    // What a gateway repeats of another server.
    (400, NO_HEADERS, r#"{"error":{"code":400,"message":"Provider returned error","metadata":{"provider_name":"OpenAI","raw":"{\"error\":{\"message\":\"no\",\"code\":\"context_length_exceeded\"}}"}}}"#, Outcome::ContextTooLong),
    (429, NO_HEADERS, r#"{"error":{"code":429,"message":"Provider returned error","metadata":{"raw":"x is temporarily rate-limited upstream."}}}"#, Outcome::RateLimited),
];

fn evidence(fixture: &Fixture) -> Evidence {
    let (status, headers, body, _) = fixture;
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect();
    if *status == 0 {
        let mut inside = Evidence::of_document(body.as_bytes(), Duration::ZERO);
        // An event of Amazon's has its name in the frame.
        if let Some(name) = headers.get("x-amzn-errortype") {
            let reported = crate::wire::Reported {
                message: inside.words.clone(),
                kind: name.to_str().ok().map(str::to_owned),
                code: None,
            };
            inside = Evidence::of_reported(&reported);
        }
        return inside;
    }
    let mut evidence = Evidence::of_answer(*status, &headers, body.as_bytes(), Duration::ZERO);
    evidence.asks_to_wait = from_retry_after(&headers, 0).is_some();
    evidence
}

#[test]
fn every_fixture_means_what_it_says() {
    for fixture in FIXTURES {
        let row = row_for(&evidence(fixture)).unwrap();
        assert_eq!(row.means, fixture.3, "{fixture:?} by {}", row.source);
    }
}

#[test]
fn every_row_decides_a_fixture() {
    let deciding: Vec<&Row> = FIXTURES
        .iter()
        .filter_map(|fixture| row_for(&evidence(fixture)))
        .collect();
    for row in ROWS {
        let decides = deciding.iter().any(|other| std::ptr::eq(*other, row));
        assert!(decides, "no fixture for {:?}, {}", row.mark, row.source);
    }
}

#[test]
fn every_row_has_a_source() {
    for row in ROWS {
        assert!(row.source.len() > 8, "{:?}", row.mark);
    }
}

/// Evidence of nothing but one mark of `row`, with a status that it is about.
fn bare(row: &Row, name: Option<&str>, words: &str) -> Evidence {
    let mut evidence = Evidence::of_document(b"", Duration::ZERO);
    evidence.names.extend(name.map(str::to_owned));
    evidence.words.push_str(words);
    evidence.status = match row.on {
        On::Refusal | On::Error | On::Any4xx => Some(400),
        On::Any5xx => Some(500),
        On::NoStatus => None,
        On::Status(listed) => listed.first().copied(),
    };
    evidence
}

#[test]
fn no_name_or_phrase_is_decided_by_an_earlier_row() {
    for row in ROWS {
        let evidence: Vec<Evidence> = match row.mark {
            Mark::Named(names) => names.iter().map(|name| bare(row, Some(name), "")).collect(),
            Mark::NameHas(part) => vec![bare(row, Some(part), "")],
            Mark::Says(phrases) => phrases.iter().map(|said| bare(row, None, said)).collect(),
            Mark::SaysAll(phrases) => vec![bare(row, None, &phrases.join(" … "))],
            Mark::Nothing | Mark::AsksToWait | Mark::Inside => Vec::new(),
        };
        for evidence in evidence {
            let decides = row_for(&evidence).is_some_and(|other| std::ptr::eq(other, row));
            assert!(decides, "{evidence:?} is not decided by {}", row.source);
        }
    }
}

#[test]
fn names_and_words_of_the_table_are_in_lower_case() {
    for row in ROWS {
        let texts = match row.mark {
            Mark::Named(texts) | Mark::Says(texts) | Mark::SaysAll(texts) => texts.to_vec(),
            Mark::NameHas(text) => vec![text],
            Mark::Nothing | Mark::AsksToWait | Mark::Inside => Vec::new(),
        };
        for text in texts {
            assert_eq!(text, text.to_ascii_lowercase());
            assert!(!text.is_empty());
        }
    }
}

#[test]
fn every_status_and_none_has_a_row() {
    for status in (400..600).map(Some).chain([None]) {
        for came in [Came::AsAnswer, Came::Inside] {
            let mut evidence = Evidence::of_document(b"", Duration::ZERO);
            evidence.status = status;
            evidence.came = came;
            assert!(row_for(&evidence).is_some(), "{status:?} {came:?}");
        }
    }
}
