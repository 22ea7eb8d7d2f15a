//! What is no generated answer: vectors, counts of tokens, lists, and the echo of what nobody here knows.

use bytes::Bytes;
use http::request::Parts;
use memchr::memmem;
use serde_json::{Value, json};

use super::base64::encoded;
use super::own;
use super::place::Vectors;
use super::question::{Refused, json as object, size, tokens};
use super::wish::items;
use crate::law::{Generator, salt};

/// Numbers of one vector.
const NUMBERS: usize = 8;
/// Most inputs of one request: OpenAI's own bound.
const INPUTS: usize = 2_048;

/// The vector of a text: always the same for the same text, of length 1.
fn vector(text: &str) -> [f32; NUMBERS] {
    let mut from = Generator::of(0, 0, salt(text));
    let numbers = [(); NUMBERS].map(|()| from.normal());
    let length = numbers
        .iter()
        .map(|number| number * number)
        .sum::<f64>()
        .sqrt();
    numbers.map(|number| short(number / length.max(f64::MIN_POSITIVE)))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "vectors are sent in single precision"
)]
const fn short(number: f64) -> f32 {
    number as f32
}

/// Texts of an input: one text, a list of them, or tokens in place of either.
fn inputs(input: &Value) -> Result<Vec<String>, Refused> {
    let texts: Vec<String> = match input {
        Value::Null => return Err(Refused::new("expected an input, found none")),
        Value::Array(several)
            if several.iter().any(|one| !one.is_number()) || several.is_empty() =>
        {
            several.iter().map(plain).collect()
        }
        one => vec![plain(one)],
    };
    if (1..=INPUTS).contains(&texts.len()) {
        return Ok(texts);
    }
    let found = texts.len();
    Err(Refused::new(format!(
        "expected 1 to {INPUTS} inputs, found {found}"
    )))
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The vectors that a request asks for.
///
/// # Errors
/// What is wrong with it.
pub(super) fn vectors(how: Vectors, body: &[u8]) -> Result<Bytes, Refused> {
    let body = object(body)?;
    let document = match how {
        Vectors::OpenAi => openai(&body)?,
        Vectors::Gemini => json!({"embedding": {"values": vector(&content(&body))}}),
        Vectors::GeminiBatch => {
            let several = items(&body["requests"]).take(INPUTS);
            let vectors = several.map(|one| json!({"values": vector(&content(one))}));
            json!({"embeddings": vectors.collect::<Value>()})
        }
        Vectors::Cohere => cohere(&body)?,
    };
    Ok(Bytes::from(document.to_string()))
}

fn content(request: &Value) -> String {
    let parts = items(&request["content"]["parts"]);
    parts.filter_map(|part| part["text"].as_str()).collect()
}

fn openai(body: &Value) -> Result<Value, Refused> {
    let Some(model) = body["model"].as_str() else {
        return Err(Refused::new("you must provide a model parameter"));
    };
    let is_base64 = body["encoding_format"] == "base64";
    let texts = inputs(&body["input"])?;
    let data = texts.iter().enumerate().map(|(index, text)| {
        let vector = vector(text);
        let embedding = if is_base64 {
            let bytes: Vec<u8> = vector
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect();
            json!(encoded(&bytes))
        } else {
            json!(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    let count = tokens(size(&[&body["input"]]));
    Ok(json!({
        "object": "list", "data": data.collect::<Value>(), "model": model,
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }))
}

fn cohere(body: &Value) -> Result<Value, Refused> {
    let texts = inputs(&body["texts"])?;
    let vectors: Value = texts.iter().map(|text| json!(vector(text))).collect();
    let count = tokens(size(&[&body["texts"]]));
    Ok(json!({
        "id": "00000000-0000-4000-8000-000000000000", "embeddings": {"float": vectors}, "texts": texts,
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": count}},
        "response_type": "embeddings_by_type",
    }))
}

/// What came, for whoever wants to see what passed: JSON with path and query, method, model and bytes.
///
/// # Errors
/// A stored response of another target is none.
pub(super) fn echo(target: &str, head: &Parts, body: &[u8]) -> Result<Bytes, Refused> {
    stored(target, head.uri.path())?;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let document = json!({
        "path": path, "method": head.method.as_str(), "model": model(body), "bytes": body.len(),
    });
    Ok(Bytes::from(document.to_string()))
}

fn stored(target: &str, path: &str) -> Result<(), Refused> {
    let Some((_, rest)) = path.split_once("/responses/") else {
        return Ok(());
    };
    let id = rest.split('/').next().unwrap_or_default();
    if !id.starts_with("resp_") || own::is_own(target, id) {
        return Ok(());
    }
    Err(Refused {
        status: Some(404),
        ..Refused::new(format!("Response with id '{id}' not found."))
    })
}

/// The model that a body names, in JSON or as a field of a form.
fn model(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        model: String,
    }
    if let Ok(named) = serde_json::from_slice::<Named>(body) {
        return Some(named.model);
    }
    let field = b"name=\"model\"\r\n\r\n";
    let start = memmem::find(body, field)? + field.len();
    let rest = body.get(start..)?;
    let end = memmem::find(rest, b"\r\n")?;
    String::from_utf8(rest.get(..end)?.to_vec()).ok()
}

/// The models, in a list that the clients of all APIs can read.
pub(super) fn models(mut names: Vec<String>) -> Value {
    if names.is_empty() {
        names.push("mock".to_owned());
    }
    let data = names.iter().map(|name| {
        json!({
            "id": name, "object": "model", "type": "model", "display_name": name, "created": 0,
            "created_at": "1970-01-01T00:00:00Z", "owned_by": "mock",
        })
    });
    let models = names.iter().map(|name| {
        json!({
            "name": format!("models/{name}"), "displayName": name,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        })
    });
    json!({
        "object": "list", "data": data.collect::<Value>(), "has_more": false,
        "first_id": names.first(), "last_id": names.last(), "models": models.collect::<Value>(),
    })
}
