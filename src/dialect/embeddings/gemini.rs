//! Gemini's `:batchEmbedContents`.

use serde_json::{Map, Value, json};

use super::super::json::Object;
use super::super::neutral::{Dialect, Misread, NotRead, Unfit, Written};
use super::{EmbedAnswer, EmbedRequest, document, texts, vector};

/// Most texts of one call.
const MOST: usize = 100;

/// Writes `request` for `models/{model}:batchEmbedContents`. `task_type` is taken from the client's members of that name.
///
/// # Errors
/// Token ids, and more than 100 texts.
pub fn write_request(request: &EmbedRequest, model: &str) -> Result<Written, Unfit> {
    let texts = texts(request, Dialect::Gemini, MOST)?;
    let (mut common, mut dropped) = (Map::new(), Vec::new());
    if let Some(dimensions) = request.dimensions {
        common.insert("outputDimensionality".to_owned(), json!(dimensions));
    }
    for (key, value) in &request.extra {
        match key.as_str() {
            "task_type" | "taskType" => {
                common.insert("taskType".to_owned(), value.clone());
            }
            "title" => {
                common.insert("title".to_owned(), value.clone());
            }
            _ => dropped.push(key.clone()),
        }
    }
    if request.user.is_some() {
        dropped.push("user".to_owned());
    }
    let requests = texts.into_iter().map(|text| {
        let mut one = Map::new();
        one.insert("model".to_owned(), json!(format!("models/{model}")));
        one.insert("content".to_owned(), json!({"parts": [{"text": text}]}));
        one.extend(common.clone());
        Value::Object(one)
    });
    let body = json!({"requests": requests.collect::<Vec<_>>()});
    Ok(Written {
        body: body.to_string().into_bytes(),
        dropped,
    })
}

/// Reads `{"embeddings": [{"values": […]}]}`.
///
/// # Errors
/// An error under a status of success, and what is no answer.
pub fn read_answer(body: &[u8]) -> Result<EmbedAnswer, NotRead> {
    let mut object = document(body, "embeddings")?;
    read_object(&mut object).map_err(NotRead::Other)
}

fn read_object(object: &mut Object) -> Result<EmbedAnswer, Misread> {
    if object.peek("embeddings").is_none() {
        return Err(object.missing("embeddings", "a list of vectors"));
    }
    let mut vectors = Vec::new();
    for (index, value) in object.list("embeddings")?.into_iter().enumerate() {
        let mut row = Object::of(value, format!("embeddings[{index}]"))?;
        let values = row
            .take("values")
            .ok_or_else(|| row.missing("values", "a list of numbers"))?;
        vectors.push(vector(&values, &row.at("values"))?);
    }
    let tokens = match object.object("usageMetadata")? {
        Some(mut usage) => usage.count("promptTokenCount")?,
        None => None,
    };
    Ok(EmbedAnswer {
        vectors,
        model: String::new(),
        tokens,
    })
}
