//! OpenAI's form, which is Mistral's too.

use serde_json::{Map, Value, json};

use super::super::chat::{read_usage, take_own, without_nulls};
use super::super::json::{Object, misread};
use super::super::neutral::{Misread, NotRead, Written};
use super::{EmbedAnswer, EmbedInput, EmbedRequest, Encoding, base64, document, vector};

/// Reads the body of `POST /v1/embeddings`.
///
/// # Errors
/// What is not such a body, with the place.
pub fn read_request(body: &[u8]) -> Result<EmbedRequest, Misread> {
    let mut object = Object::read(body)?;
    take_own(&mut object);
    let inputs = read_inputs(&mut object)?;
    let encoding = match object.text("encoding_format")?.as_deref() {
        None | Some("float") => Encoding::Float,
        Some("base64") => Encoding::Base64,
        Some(_) => {
            return Err(Misread {
                at: object.at("encoding_format"),
                expected: "float or base64".to_owned(),
                found: "another word".to_owned(),
            });
        }
    };
    let request = EmbedRequest {
        model: object.text("model")?.unwrap_or_default(),
        inputs,
        dimensions: object.count("dimensions")?,
        encoding,
        user: object.text("user")?,
        ..EmbedRequest::default()
    };
    Ok(EmbedRequest {
        extra: without_nulls(object.rest()),
        ..request
    })
}

/// A text, several, token ids, or several lists of them.
fn read_inputs(object: &mut Object) -> Result<Vec<EmbedInput>, Misread> {
    let expected = "a string, a list of strings, or lists of token ids";
    let at = object.at("input");
    let list = match object.take("input") {
        None => return Err(object.missing("input", expected)),
        Some(Value::String(text)) => return Ok(vec![EmbedInput::Text(text)]),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(misread(&at, expected, &other)),
    };
    if list.first().is_some_and(Value::is_number) {
        return Ok(vec![EmbedInput::Tokens(tokens(&list, &at)?)]);
    }
    let inputs = list.into_iter().enumerate().map(|(index, value)| {
        let at = format!("{at}[{index}]");
        match value {
            Value::String(text) => Ok(EmbedInput::Text(text)),
            Value::Array(list) => Ok(EmbedInput::Tokens(tokens(&list, &at)?)),
            other => Err(misread(&at, "a string or a list of token ids", &other)),
        }
    });
    inputs.collect()
}

fn tokens(list: &[Value], at: &str) -> Result<Vec<u64>, Misread> {
    let ids = list
        .iter()
        .map(|id| id.as_u64().ok_or_else(|| misread(at, "token ids", id)));
    ids.collect()
}

/// Writes `request` for a provider that calls its model `model`. Vectors are asked for as numbers, which all know.
pub fn write_request(request: &EmbedRequest, model: &str) -> Written {
    let mut body = Map::new();
    let inputs = request.inputs.iter().map(|input| match input {
        EmbedInput::Text(text) => json!(text),
        EmbedInput::Tokens(ids) => json!(ids),
    });
    body.insert("model".to_owned(), json!(model));
    body.insert("input".to_owned(), Value::Array(inputs.collect()));
    body.insert("encoding_format".to_owned(), json!("float"));
    if let Some(dimensions) = request.dimensions {
        body.insert("dimensions".to_owned(), json!(dimensions));
    }
    if let Some(user) = &request.user {
        body.insert("user".to_owned(), json!(user));
    }
    for (key, value) in &request.extra {
        body.entry(key.as_str()).or_insert_with(|| value.clone());
    }
    Written {
        body: Value::Object(body).to_string().into_bytes(),
        dropped: Vec::new(),
    }
}

/// Reads a provider's vectors, written either way.
///
/// # Errors
/// An error under a status of success, and what is no answer.
pub fn read_answer(body: &[u8]) -> Result<EmbedAnswer, NotRead> {
    let mut object = document(body, "data")?;
    read_object(&mut object).map_err(NotRead::Other)
}

fn read_object(object: &mut Object) -> Result<EmbedAnswer, Misread> {
    if object.peek("data").is_none() {
        return Err(object.missing("data", "a list of vectors"));
    }
    let mut rows = Vec::new();
    for (place, value) in object.list("data")?.into_iter().enumerate() {
        let mut row = Object::of(value, format!("data[{place}]"))?;
        let index = row.count("index")?;
        let at = row.at("embedding");
        let value = row
            .take("embedding")
            .ok_or_else(|| row.missing("embedding", "a vector"))?;
        let numbers = match &value {
            Value::String(text) => {
                base64::decode(text).ok_or_else(|| misread(&at, "base64 of numbers", &value))?
            }
            other => vector(other, &at)?,
        };
        rows.push((index.unwrap_or(place as u64), numbers));
    }
    // The order is the inputs', whatever order the rows come in.
    rows.sort_by_key(|(index, _)| *index);
    Ok(EmbedAnswer {
        vectors: rows.into_iter().map(|(_, numbers)| numbers).collect(),
        model: object.text("model")?.unwrap_or_default(),
        tokens: object
            .take("usage")
            .as_ref()
            .and_then(read_usage)
            .map(|tokens| tokens.input),
    })
}

/// Writes `answer` for the client of `request`.
pub fn write_answer(answer: &EmbedAnswer, request: &EmbedRequest) -> Vec<u8> {
    let rows = answer.vectors.iter().enumerate().map(|(index, numbers)| {
        let written = match request.encoding {
            Encoding::Float => json!(numbers),
            Encoding::Base64 => json!(base64::encode(numbers)),
        };
        json!({"object": "embedding", "index": index, "embedding": written})
    });
    let model = [&answer.model, &request.model]
        .into_iter()
        .find(|name| !name.is_empty());
    let tokens = answer.tokens.unwrap_or(0);
    let body = json!({
        "object": "list",
        "data": rows.collect::<Vec<_>>(),
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    });
    body.to_string().into_bytes()
}
