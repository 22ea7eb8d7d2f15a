//! What the mock reads of a chat request.

use http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::law::Ask;

/// A chat request as far as it matters here.
#[derive(Debug)]
pub(super) struct Question {
    /// The model's name as a JSON string, quotes included.
    pub(super) model: String,
    /// In pieces, and with a chunk of token counts before the end?
    pub(super) form: Form,
    /// Tokens that the request asks for.
    pub(super) max_tokens: Option<u64>,
    /// The number that its noise belongs to.
    pub(super) number: Option<u64>,
    /// A quarter of the messages' bytes, at least 1.
    pub(super) prompt_tokens: u64,
}

/// How the answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON document.
    Unary,
    /// Server-sent events.
    Stream,
    /// Server-sent events with a chunk of token counts before the end.
    StreamWithUsage,
}

/// The number of a request, to repeat its noise.
const NUMBER: &str = "x-mock-request";

#[derive(Deserialize)]
struct Wire<'a> {
    model: Option<String>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    seed: Option<i64>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

impl Question {
    /// Reads a request.
    ///
    /// # Errors
    /// What is wrong with it, in words for the client.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, String> {
        let wire: Wire<'_> = serde_json::from_slice(body)
            .map_err(|problem| format!("expected a chat request in JSON: {problem}"))?;
        let Some(model) = wire.model else {
            return Err("you must provide a model parameter".to_owned());
        };
        let Some(messages) = wire.messages else {
            return Err("expected \"messages\", found none".to_owned());
        };
        let usage = wire
            .stream_options
            .and_then(|options| options.include_usage)
            .unwrap_or(false);
        Ok(Self {
            // A string is always JSON; the empty one would show a bug rather than hide the answer.
            model: serde_json::to_string(&model).unwrap_or_else(|_| "\"\"".to_owned()),
            form: match (wire.stream.unwrap_or(false), usage) {
                (false, _) => Form::Unary,
                (true, false) => Form::Stream,
                (true, true) => Form::StreamWithUsage,
            },
            max_tokens: wire.max_completion_tokens.or(wire.max_tokens),
            number: number(headers)?.or(wire.seed.map(i64::cast_unsigned)),
            prompt_tokens: (messages.get().len() as u64 / 4).max(1),
        })
    }

    /// What the law is asked.
    pub(super) fn ask(&self) -> Ask {
        Ask {
            tokens_out: self.max_tokens,
            client_fault: false,
            patience: None,
        }
    }
}

fn number(headers: &HeaderMap) -> Result<Option<u64>, String> {
    let Some(value) = headers.get(NUMBER) else {
        return Ok(None);
    };
    match value.to_str().ok().and_then(|text| text.parse().ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(format!(
            "expected a whole number in {NUMBER}, found {value:?}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_read_and_the_rest_is_left_alone() {
        let body = br#"{"model":"m\"x","messages":[{"role":"user","content":"hi"}],"stream":true,
            "stream_options":{"include_usage":true,"other":1},"max_tokens":9,"seed":-1,"tools":[]}"#;
        let question = Question::read(&HeaderMap::new(), body).unwrap();
        assert_eq!(question.model, r#""m\"x""#, "ready to be written");
        assert_eq!(question.form, Form::StreamWithUsage);
        assert_eq!(question.max_tokens, Some(9));
        assert_eq!(question.number, Some(u64::MAX), "the bits of the seed");
        assert_eq!(question.prompt_tokens, 8, "33 bytes of messages");
    }

    #[test]
    fn the_header_numbers_a_request_before_its_seed() {
        let mut headers = HeaderMap::new();
        headers.insert(NUMBER, http::HeaderValue::from_static("17"));
        let body = br#"{"model":"m","messages":[],"seed":3}"#;
        assert_eq!(Question::read(&headers, body).unwrap().number, Some(17));
        headers.insert(NUMBER, http::HeaderValue::from_static("x"));
        assert!(Question::read(&headers, body).is_err(), "x is no number");
    }

    #[test]
    fn wrong_requests_are_told_why() {
        for (body, words) in [
            ("", "EOF"),
            ("[1]", "chat request"),
            ("{\"messages\":[]}", "model parameter"),
            ("{\"model\":\"m\"}", "messages"),
            ("{\"model\":7,\"messages\":[]}", "invalid type"),
        ] {
            let problem = Question::read(&HeaderMap::new(), body.as_bytes()).unwrap_err();
            assert!(problem.contains(words), "{body}: {problem}");
        }
    }
}
