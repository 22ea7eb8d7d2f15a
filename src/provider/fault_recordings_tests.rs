//! Errors that providers really sent, where the data's folder is there; see `WEIGHBRIDGE_DATA`.

use std::path::Path;

use http::{HeaderName, HeaderValue};
use serde_json::Value;

use super::*;
use crate::wire::{StreamReader, Watched};

fn header_map(value: &Value) -> HeaderMap {
    let pairs = value.as_object().expect("headers are an object").iter();
    let pairs = pairs.filter_map(|(name, value)| {
        let name: HeaderName = name.parse().ok()?;
        let value = HeaderValue::from_str(value.as_str()?).ok()?;
        Some((name, value))
    });
    pairs.collect()
}

/// Judges a recording as the proxy would: an answer by its status, a stream by what its reader saw.
fn judge(item: &Value) -> Fault {
    let body = match &item["body"] {
        Value::String(body) => body.clone(),
        other => other.to_string(),
    };
    let status = u16::try_from(item["status"].as_u64().unwrap()).unwrap();
    if status == 200 {
        let watched = match item["api"].as_str() {
            Some("openai-responses") => Watched::Responses,
            Some("anthropic-messages") => Watched::Messages,
            _ => Watched::Chat,
        };
        let mut reader = StreamReader::of(watched);
        reader.push(body.as_bytes());
        return of_stream(reader.finish());
    }
    // 2026-11-24.
    classify(
        status,
        &header_map(&item["headers"]),
        body.as_bytes(),
        1_795_478_400,
    )
}

/// What a recorded answer means that its status does not say, by the beginning of its name.
const SPECIAL: [(&str, Outcome); 10] = [
    ("048_bedrock", Outcome::ContextTooLong),
    ("061_bedrock", Outcome::NoSuchModel),
    ("074_cohere", Outcome::ContextTooLong),
    ("104_gemini", Outcome::Auth),
    ("195_openai", Outcome::ContextTooLong),
    ("200_openai", Outcome::NoSuchModel),
    ("201_openai", Outcome::NoSuchModel),
    ("232_openrouter", Outcome::ContextTooLong),
    ("245_perplexity", Outcome::ContextTooLong),
    ("256_vertex", Outcome::ContextTooLong),
];

fn expected(file: &str, status: u64) -> Outcome {
    let special = SPECIAL.iter().find(|(name, _)| file.starts_with(name));
    match (special, status) {
        (Some((_, outcome)), _) => *outcome,
        // xAI refuses a key as if the request were wrong.
        (None, 400) if file.starts_with("272_xai") => Outcome::Auth,
        (None, 400) => Outcome::ClientFault,
        (None, 401 | 403) => Outcome::Auth,
        (None, 404) => Outcome::NoSuchModel,
        (None, 429) => Outcome::RateLimited,
        (None, other) => panic!("{file}: nobody said what {other} means"),
    }
}

/// Quoted errors by name: what they mean, and the wait in milliseconds.
const QUOTED: [(&str, Outcome, Option<u64>); 22] = [
    ("openai_429_tpm", Outcome::RateLimited, Some(26_604)),
    ("openai_429_tpm_ms", Outcome::RateLimited, Some(174)),
    (
        "openai_429_request_too_large",
        Outcome::RateLimited,
        Some(0),
    ),
    (
        "openai_429_insufficient_quota",
        Outcome::QuotaExhausted,
        None,
    ),
    ("openai_503_overloaded", Outcome::Overloaded, None),
    ("openai_500_server_error", Outcome::ServerError, None),
    ("openai_502_cloudflare_html", Outcome::ServerError, None),
    (
        "openai_responses_stream_overloaded",
        Outcome::Overloaded,
        None,
    ),
    ("anthropic_429_requests", Outcome::RateLimited, Some(1000)),
    ("anthropic_529_overloaded", Outcome::Overloaded, None),
    ("anthropic_529_overloaded_2026", Outcome::Overloaded, None),
    ("anthropic_500_api_error", Outcome::ServerError, None),
    ("anthropic_stream_overloaded", Outcome::Overloaded, None),
    ("bedrock_429_throttling", Outcome::RateLimited, None),
    ("azure_400_content_filter", Outcome::ContentFiltered, None),
    (
        "azure_400_content_filter_jailbreak",
        Outcome::ContentFiltered,
        None,
    ),
    ("azure_429_tpm", Outcome::RateLimited, Some(86_400_000)),
    ("gemini_503_overloaded", Outcome::Overloaded, None),
    ("gemini_429_exhausted", Outcome::RateLimited, None),
    ("vertex_429_exhausted", Outcome::RateLimited, None),
    ("mistral_429", Outcome::RateLimited, None),
    (
        "openrouter_stream_midstream_error",
        Outcome::ServerError,
        None,
    ),
];

#[test]
fn every_recorded_error_means_what_it_is() {
    let Some(data) = std::env::var_os("WEIGHBRIDGE_DATA") else {
        println!("skipped: WEIGHBRIDGE_DATA is not set");
        return;
    };
    let folder = Path::new(&data).join("recordings");
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).expect("a file of the data");
    let mut judged = 0;
    for row in read("index.csv").lines().skip(1) {
        let file = row.split(',').next().expect("a first column");
        let item: Value = serde_json::from_str(&read(&format!("responses/{file}"))).unwrap();
        let status = item["status"].as_u64().unwrap();
        if status == 200 {
            continue;
        }
        judged += 1;
        let fault = judge(&item);
        assert_eq!(fault.outcome, expected(file, status), "{file}");
        match file.split('_').next() {
            Some("030") => assert_eq!(fault.wait, Some(Duration::from_secs(1)), "{file}"),
            Some("109") => {
                let wait = fault.wait.expect("a wait").as_secs();
                assert!((48..=49).contains(&wait), "{file}: {wait} s");
            }
            _ => {}
        }
    }
    assert!(judged >= 60, "only {judged} errors were found");
    let quoted: Value = serde_json::from_str(&read("quoted_errors.json")).unwrap();
    for item in quoted["items"].as_array().expect("items") {
        let id = item["id"].as_str().unwrap();
        let known = QUOTED.iter().find(|(name, ..)| *name == id);
        let (_, outcome, millis) = known.unwrap_or_else(|| panic!("nobody said what {id} is"));
        let fault = judge(item);
        let wait = millis.map(Duration::from_millis);
        assert_eq!((fault.outcome, fault.wait), (*outcome, wait), "{id}");
    }
}
