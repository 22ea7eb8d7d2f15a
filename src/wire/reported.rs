//! Errors as providers report them.
//!
//! The same facts come in many shapes: OpenAI's `{"error": {message, type, param, code}}`, a bare text under `error`, the
//! fields at the top level (vLLM of old, gateways), a bare `detail`, or Google's `{"error": {code, message, status}}`, which
//! stands in a list where a stream was asked for. What decides is the code or the type; the message
//! is for the log and for a few facts that stand nowhere else (how long to wait, that the context is too long).

use serde_json::value::RawValue;

use super::raw::members;
use super::shape::Shape;

/// Longest message that is kept, in bytes.
const MAX_MESSAGE: usize = 500;

/// An error that a provider reported. Its texts may quote the request or parts of a credential: they are for judging, and
/// go to clients only where the provider's body passes through as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// What it says; shortened to 500 bytes.
    pub message: String,
    /// Its `type`, or Google's `status` where there is none, for example `RESOURCE_EXHAUSTED`.
    pub kind: Option<String>,
    /// Its `code`; a number is kept as text.
    pub code: Option<String>,
}

impl Reported {
    /// Reads the error in `body`, a JSON document; `None` if there is none in it.
    pub fn read(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?.trim_ascii_start();
        if let Some(list) = text.strip_prefix('[') {
            // The first element tells; the others are not even looked at.
            let mut list = serde_json::Deserializer::from_str(list).into_iter::<&RawValue>();
            let first = list.next()?.ok()?;
            let is_object = Shape::of(first) == Shape::Object;
            return is_object.then(|| Self::read(first.get().as_bytes()))?;
        }
        let (mut error, mut top) = (None, Self::default());
        let mut detail = None;
        let walked = members(text, |member| {
            match member.key.as_ref() {
                "error" => error = Some(member.value),
                "detail" => detail = texts(member.value),
                key => top.note(key, member.value),
            }
            Ok(())
        });
        walked.ok()?;
        if let Some(error) = error.and_then(Self::from_member) {
            return Some(error);
        }
        if top.message.is_empty() {
            top.message = detail.unwrap_or_default();
        }
        (!top.message.is_empty()).then_some(top)
    }

    /// The error that is the value of a member `error`; `None` if that value says there is none.
    pub(super) fn from_member(error: &RawValue) -> Option<Self> {
        let mut reported = Self::default();
        match Shape::of(error) {
            Shape::Object => {
                let mut status = None;
                let walked = members(error.get(), |member| {
                    match member.key.as_ref() {
                        "status" if Shape::of(member.value) == Shape::Text => {
                            status = texts(member.value);
                        }
                        key => reported.note(key, member.value),
                    }
                    Ok(())
                });
                walked.ok()?;
                reported.kind = reported.kind.or(status);
            }
            Shape::Text => reported.message = texts(error).unwrap_or_default(),
            Shape::Number | Shape::Array => reported.message = shortened(error.get()),
            Shape::Null => return None,
            Shape::Boolean if error.get() == "false" => return None,
            Shape::Boolean => {}
        }
        Some(reported)
    }

    fn note(&mut self, key: &str, value: &RawValue) {
        match key {
            "message" => self.message = texts(value).unwrap_or_default(),
            "type" => self.kind = texts(value),
            // Cohere's.
            "error_type" => self.kind = self.kind.take().or_else(|| texts(value)),
            "code" => self.code = texts(value),
            _ => {}
        }
    }

    /// Whether the code or the type is `name`.
    pub fn is(&self, name: &str) -> bool {
        self.code.as_deref() == Some(name) || self.kind.as_deref() == Some(name)
    }
}

/// A string's text or a number's digits, shortened.
fn texts(value: &RawValue) -> Option<String> {
    match Shape::of(value) {
        Shape::Text => {
            let text: String = serde_json::from_str(value.get()).ok()?;
            Some(shortened(&text))
        }
        Shape::Number => Some(shortened(value.get())),
        Shape::Null | Shape::Boolean | Shape::Array | Shape::Object => None,
    }
}

fn shortened(text: &str) -> String {
    let end = (0..=MAX_MESSAGE.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(body: &str, message: &str, kind: Option<&str>, code: Option<&str>) {
        let expected = Reported {
            message: message.to_owned(),
            kind: kind.map(str::to_owned),
            code: code.map(str::to_owned),
        };
        assert_eq!(Reported::read(body.as_bytes()), Some(expected), "{body}");
    }

    #[test]
    fn every_known_shape_of_an_error_is_read() {
        check(
            r#"{"error":{"message":"no","type":"t","param":null,"code":"c"}}"#,
            "no",
            Some("t"),
            Some("c"),
        );
        check(r#"{"error":"no"}"#, "no", None, None);
        check(
            r#"{"error":{"message":"no","code":429}}"#,
            "no",
            None,
            Some("429"),
        );
        check(
            r#"{"object":"error","message":"no","type":"BadRequestError","code":400}"#,
            "no",
            Some("BadRequestError"),
            Some("400"),
        );
        check(r#"{"detail":"Not Found"}"#, "Not Found", None, None);
        let google = r#"{"error":{"code":429,"message":"no","status":"RESOURCE_EXHAUSTED","details":[{"reason":"r"}]}}"#;
        check(google, "no", Some("RESOURCE_EXHAUSTED"), Some("429"));
        let listed = format!(" [{google},\n{google}]");
        check(&listed, "no", Some("RESOURCE_EXHAUSTED"), Some("429"));
        check(
            r#"{"error_type":"TOO_MANY_TOKENS","id":"i","message":"no"}"#,
            "no",
            Some("TOO_MANY_TOKENS"),
            None,
        );
    }

    #[test]
    fn a_type_goes_before_a_status() {
        check(
            r#"{"error":{"message":"no","type":"t","status":"s"}}"#,
            "no",
            Some("t"),
            None,
        );
        check(
            r#"{"error":{"message":"no","status":400}}"#,
            "no",
            None,
            None,
        );
    }

    #[test]
    fn an_answer_is_not_an_error() {
        for body in [
            r#"{"error":null,"choices":[]}"#,
            r#"{"error":false}"#,
            "[]",
            "[1]",
            r#"[{"candidates":[]}]"#,
            r#"[[{"error":"deep"}]]"#,
            "<html>",
            "",
        ] {
            assert_eq!(
                Reported::read(body.as_bytes()),
                None,
                "{body:?} holds no error"
            );
        }
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let body = format!(r#"{{"error":"{}"}}"#, "ä".repeat(400));
        let reported = Reported::read(body.as_bytes()).unwrap();
        assert_eq!(reported.message.len(), 500, "250 characters of two bytes");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let reported = Reported::read(&body);
            prop_assert!(reported.is_none_or(|reported| reported.message.len() <= MAX_MESSAGE));
        }
    }
}
