//! A whole answer: is it one, and what did it cost?
//!
//! A 200 is not yet an answer. Captive portals send HTML, gateways send `{"error": …}` with status 200, a dying server sends
//! half a document. Passing these on as answers would count them as successes and hand the client something that its
//! library chokes on; so the whole document is checked, and only its few facts are kept. The bytes pass on unchanged.

use super::raw::wanted_members;
use super::reported::Reported;
use super::shape::Shape;
use super::usage;
use super::watched::Watched;
use crate::model::Tokens;

/// The facts of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What it cost in tokens, if the provider says so.
    pub usage: Option<Tokens>,
}

/// Why a document is not an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnswer {
    /// Nothing at all.
    #[error("expected an answer, found an empty body")]
    Empty,
    /// A web page.
    #[error("expected an answer, found HTML")]
    Html,
    /// Not one complete JSON object.
    #[error("expected an answer: {0}")]
    NotJson(String),
    /// An object without a list of choices.
    #[error("expected a chat completion, found a JSON object without choices")]
    NoChoices,
    /// An object that is not of the kind that was asked for.
    #[error("expected {}, found a JSON object of another kind", .0.words())]
    OtherKind(Watched),
    /// An error under a status of success; its message is in the value, for judging, and not printed.
    #[error("expected an answer, found an error with a status of success")]
    Reported(Reported),
}

/// Checks that `body` is one whole chat completion and reads its facts.
///
/// # Errors
/// Anything else. No choices at all are an error; an empty list of them is the provider's answer and passes.
pub fn read(body: &[u8]) -> Result<Answer, NotAnswer> {
    read_as(Watched::Chat, body)
}

/// Checks that `body` is one whole answer of the kind `watched` and reads its facts. [`Watched::Any`] takes everything.
///
/// # Errors
/// Anything else.
pub fn read_as(watched: Watched, body: &[u8]) -> Result<Answer, NotAnswer> {
    let read = read_whole(watched, body);
    match watched {
        Watched::Any => Ok(read.unwrap_or_default()),
        Watched::Chat
        | Watched::Completions
        | Watched::Embeddings
        | Watched::Responses
        | Watched::Messages => read,
    }
}

/// Members that say what a document is, and what it cost.
const READ: [&str; 8] = [
    "choices", "usage", "error", "object", "type", "content", "output", "data",
];

fn read_whole(watched: Watched, body: &[u8]) -> Result<Answer, NotAnswer> {
    match body.trim_ascii_start().first() {
        None => return Err(NotAnswer::Empty),
        Some(b'<') => return Err(NotAnswer::Html),
        Some(_) => {}
    }
    let text = std::str::from_utf8(body)
        .map_err(|error| NotAnswer::NotJson(format!("not UTF-8 at {}", error.valid_up_to())))?;
    let mut answer = Answer::default();
    let (mut facts, mut error) = (Facts::default(), None);
    let walked = wanted_members(text, &READ, |key, value| match key {
        "choices" => facts.choices = Shape::of(value) == Shape::Array,
        "data" => facts.data = Shape::of(value) == Shape::Array,
        "content" => facts.content = Shape::of(value) == Shape::Array,
        "output" => facts.output = Shape::of(value) == Shape::Array,
        "object" => facts.response = value.get() == "\"response\"",
        "type" => facts.message = value.get() == "\"message\"",
        "usage" => answer.usage = usage::read(value),
        "error" => error = Reported::from_member(value),
        _ => {}
    });
    walked.map_err(|error| NotAnswer::NotJson(error.message))?;
    match (error, facts.is(watched)) {
        (Some(error), _) => Err(NotAnswer::Reported(error)),
        (None, true) => Ok(answer),
        (None, false) if watched == Watched::Chat => Err(NotAnswer::NoChoices),
        (None, false) => Err(NotAnswer::OtherKind(watched)),
    }
}

/// Which members a document has, of those that tell its kind.
#[derive(Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a member that is there or not"
)]
struct Facts {
    choices: bool,
    data: bool,
    content: bool,
    output: bool,
    response: bool,
    message: bool,
}

impl Facts {
    const fn is(self, watched: Watched) -> bool {
        match watched {
            Watched::Chat | Watched::Completions => self.choices,
            Watched::Embeddings => self.data,
            Watched::Responses => self.response || self.output,
            Watched::Messages => self.message && self.content,
            Watched::Any => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: &str = r#"{"id":"x","object":"chat.completion","created":1,"model":"gpt-4o-2024-08-06",
        "choices":[{"index":0,"message":{"role":"assistant","content":"hé"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15,
        "prompt_tokens_details":{"cached_tokens":8}},"system_fingerprint":null,"error":null}"#;

    #[test]
    fn a_whole_answer_gives_its_tokens() {
        let answer = read(WHOLE.as_bytes()).unwrap();
        let expected = Tokens {
            input: 12,
            cached_input: 8,
            output: 3,
            ..Tokens::default()
        };
        assert_eq!(answer.usage, Some(expected));
    }

    #[test]
    fn a_cut_answer_is_none_wherever_it_is_cut() {
        for end in 0..WHOLE.len() {
            let part = WHOLE.as_bytes().get(..end).unwrap();
            assert!(read(part).is_err(), "cut after {end} bytes");
        }
    }

    #[test]
    fn what_is_no_answer_is_named() {
        let refused = |body: &str| read(body.as_bytes()).unwrap_err();
        assert_eq!(refused("  "), NotAnswer::Empty);
        assert_eq!(refused("\n<!doctype html><p>502"), NotAnswer::Html);
        assert_eq!(refused("{}"), NotAnswer::NoChoices);
        assert_eq!(refused(r#"{"choices":{}}"#), NotAnswer::NoChoices);
        assert!(matches!(refused("upstream gone"), NotAnswer::NotJson(_)));
        assert!(matches!(refused(r#"["choices"]"#), NotAnswer::NotJson(_)));
        assert!(matches!(
            refused(&format!("{WHOLE}{WHOLE}")),
            NotAnswer::NotJson(_)
        ));
        let error = refused(r#"{"choices":[],"error":{"message":"m","code":"c"}}"#);
        assert!(matches!(error, NotAnswer::Reported(reported) if reported.is("c")));
    }

    #[test]
    fn unbelievable_token_counts_are_not_believed() {
        for usage in [
            "null",
            "[]",
            "{}",
            r#"{"prompt_tokens":-1}"#,
            r#"{"prompt_tokens":1e3}"#,
            r#"{"prompt_tokens":18446744073709551615}"#,
        ] {
            let body = format!(r#"{{"choices":[],"usage":{usage}}}"#);
            let answer = read(body.as_bytes()).unwrap();
            assert_eq!(answer.usage, None, "usage {usage} says nothing");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
        #[test]
        fn random_bytes_are_never_an_answer(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(read(&body).is_err());
        }

        #[test]
        fn a_flipped_byte_never_panics(at in 0..WHOLE.len(), byte in any::<u8>()) {
            let mut body = WHOLE.as_bytes().to_vec();
            body[at] = byte;
            // Most flips break it, some do not matter: either way there is an answer or a reason.
            let shown = match read(&body) {
                Ok(answer) => format!("{answer:?}"),
                Err(reason) => reason.to_string(),
            };
            prop_assert!(!shown.is_empty());
        }
    }
}
