//! Embeddings: texts to vectors, from OpenAI's interface to OpenAI's, Mistral's, Gemini's and Cohere's.
//!
//! A form of its own, beside the one for conversations: nothing in it streams, and it has a vector a text. Vectors are kept
//! as `f32`, which is what models give and what base64 carries.
//!
//! Sources, read 2026-11-23: <https://platform.openai.com/docs/api-reference/embeddings>,
//! <https://ai.google.dev/api/embeddings>, <https://docs.cohere.com/reference/embed>,
//! <https://docs.mistral.ai/api/#tag/embeddings>.

mod base64;
mod cohere;
mod gemini;
mod openai;

use super::json::{Object, misread};
use super::neutral::{Dialect, Extra, Misread, NotRead, Unfit};
use crate::wire::Reported;

pub use cohere::{read_answer as read_cohere, write_request as write_cohere};
pub use gemini::{read_answer as read_gemini, write_request as write_gemini};
pub use openai::{read_answer, read_request, write_answer, write_request};

/// A request for vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbedRequest {
    /// The client's `model`.
    pub model: String,
    /// What is to be embedded, in order.
    pub inputs: Vec<EmbedInput>,
    /// How long the vectors are to be.
    pub dimensions: Option<u64>,
    /// How the client wants them written.
    pub encoding: Encoding,
    /// An end user's id, opaque.
    pub user: Option<String>,
    /// Members without a place here.
    pub extra: Extra,
}

/// One thing to be embedded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbedInput {
    /// A text.
    Text(String),
    /// Token ids of the model's own.
    Tokens(Vec<u64>),
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As a list of numbers.
    #[default]
    Float,
    /// As base64 of little-endian `f32`.
    Base64,
}

/// Vectors, one an input, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbedAnswer {
    /// The vectors.
    pub vectors: Vec<Vec<f32>>,
    /// The model in the provider's words; empty if not said.
    pub model: String,
    /// Tokens of all inputs, if the provider says so.
    pub tokens: Option<u64>,
}

/// The texts of a request for a provider of the dialect `target`.
///
/// # Errors
/// Token ids, which only their own model understands, and more inputs than `most`.
fn texts(request: &EmbedRequest, target: Dialect, most: usize) -> Result<Vec<&str>, Unfit> {
    let unfit = |what: String| Unfit {
        dialect: target,
        what,
    };
    if request.inputs.len() > most {
        return Err(unfit(format!(
            "embeddings of more than {most} texts at once"
        )));
    }
    let texts = request.inputs.iter().map(|input| match input {
        EmbedInput::Text(text) => Ok(text.as_str()),
        EmbedInput::Tokens(_) => Err(unfit("embeddings of token ids".to_owned())),
    });
    texts.collect()
}

/// A provider's document, unless it is an error.
fn document(body: &[u8], key: &str) -> Result<Object, NotRead> {
    let object = Object::read(body).map_err(NotRead::Other)?;
    if object.peek(key).is_none()
        && let Some(reported) = Reported::read(body)
    {
        return Err(NotRead::Reported(reported));
    }
    Ok(object)
}

/// The list of numbers at `at` as a vector.
fn vector(value: &serde_json::Value, at: &str) -> Result<Vec<f32>, Misread> {
    let list = value
        .as_array()
        .ok_or_else(|| misread(at, "a list of numbers", value))?;
    let numbers = list.iter().map(|number| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "vectors are f32 in every model"
        )]
        number
            .as_f64()
            .map(|number| number as f32)
            .ok_or_else(|| misread(at, "numbers", number))
    });
    numbers.collect()
}

#[cfg(test)]
mod tests;
