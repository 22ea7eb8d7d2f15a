//! Cohere's `v2/embed`.

use serde_json::{Map, Value, json};

use super::super::json::{Object, misread};
use super::super::neutral::{Dialect, Misread, NotRead, Unfit, Written};
use super::{EmbedAnswer, EmbedRequest, document, texts, vector};

/// Most texts of one call.
const MOST: usize = 96;

/// Writes `request`. Cohere must know what the vectors are for: the client's `input_type`, or documents for a search.
///
/// # Errors
/// Token ids, and more than 96 texts.
pub fn write_request(request: &EmbedRequest, model: &str) -> Result<Written, Unfit> {
    let texts = texts(request, Dialect::Cohere, MOST)?;
    let (mut body, mut dropped) = (Map::new(), Vec::new());
    body.insert("model".to_owned(), json!(model));
    body.insert("texts".to_owned(), json!(texts));
    body.insert("input_type".to_owned(), json!("search_document"));
    body.insert("embedding_types".to_owned(), json!(["float"]));
    if let Some(dimensions) = request.dimensions {
        body.insert("output_dimension".to_owned(), json!(dimensions));
    }
    for (key, value) in &request.extra {
        match key.as_str() {
            "input_type" | "truncate" | "max_tokens" | "priority" => {
                body.insert(key.clone(), value.clone());
            }
            _ => dropped.push(key.clone()),
        }
    }
    if request.user.is_some() {
        dropped.push("user".to_owned());
    }
    Ok(Written {
        body: Value::Object(body).to_string().into_bytes(),
        dropped,
    })
}

/// Reads `{"embeddings": {"float": [[…]]}}`, and the older `{"embeddings": [[…]]}`.
///
/// # Errors
/// An error under a status of success, and what is no answer.
pub fn read_answer(body: &[u8]) -> Result<EmbedAnswer, NotRead> {
    let mut object = document(body, "embeddings")?;
    read_object(&mut object).map_err(NotRead::Other)
}

fn read_object(object: &mut Object) -> Result<EmbedAnswer, Misread> {
    let at = object.at("embeddings");
    let rows = match object.take("embeddings") {
        Some(Value::Array(rows)) => rows,
        Some(value @ Value::Object(_)) => {
            let mut kinds = Object::of(value, at.clone())?;
            if kinds.peek("float").is_none() {
                return Err(kinds.missing("float", "a list of vectors"));
            }
            kinds.list("float")?
        }
        Some(other) => return Err(misread(&at, "an object with `float`", &other)),
        None => return Err(object.missing("embeddings", "an object with `float`")),
    };
    let rows = rows.iter().enumerate();
    let vectors = rows.map(|(index, row)| vector(row, &format!("{at}[{index}]")));
    let vectors = vectors.collect::<Result<_, _>>()?;
    let tokens = match object.object("meta")? {
        Some(mut meta) => match meta.object("billed_units")? {
            Some(mut billed) => billed.count("input_tokens")?,
            None => None,
        },
        None => None,
    };
    Ok(EmbedAnswer {
        vectors,
        model: String::new(),
        tokens,
    })
}
