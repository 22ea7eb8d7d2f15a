//! What recorded and quoted errors mean.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use weighbridge::model::Outcome;
use weighbridge::provider::fault::{Fault, classify, of_stream};
use weighbridge::wire::{StreamReader, Watched};

use super::recording::{Recording, headers_of};

/// 2026-11-24.
const NOW: u64 = 1_795_478_400;

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

/// What the row says: its status, unless the body says more.
fn expected(file: &str, status: u16) -> Outcome {
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

/// Judges a recorded error as its row says, or tells what is wrong.
pub(super) fn check(recording: &Recording) -> Vec<String> {
    let fault = classify(recording.status, &recording.headers, &recording.body, NOW);
    let mut wrong = Vec::new();
    let expected = expected(&recording.name, recording.status);
    if fault.outcome != expected {
        wrong.push(format!("wanted {expected:?}, found {:?}", fault.outcome));
    }
    let seconds = fault.wait.map(|wait| wait.as_secs());
    let waits = match recording.name.split('_').next() {
        Some("030") => seconds == Some(1),
        Some("109") => matches!(seconds, Some(48..=49)),
        _ => true,
    };
    if !waits {
        wrong.push(format!("waits {:?}", fault.wait));
    }
    wrong
}

/// Judges a quoted error as the proxy would: an answer by its status, a stream by what its reader saw.
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
    classify(status, &headers_of(&item["headers"]), body.as_bytes(), NOW)
}

/// Judges all errors that were quoted in public.
pub(super) fn check_quoted(data: &Path) {
    let file = data.join("recordings/quoted_errors.json");
    let quoted: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for item in quoted["items"].as_array().expect("items") {
        let id = item["id"].as_str().unwrap();
        let known = QUOTED.iter().find(|(name, ..)| *name == id);
        let (_, outcome, millis) = known.unwrap_or_else(|| panic!("nobody said what {id} is"));
        let fault = judge(item);
        let wait = millis.map(Duration::from_millis);
        assert_eq!((fault.outcome, fault.wait), (*outcome, wait), "{id}");
    }
}
