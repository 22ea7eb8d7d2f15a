//! What a conversation needs of a model, seen in its bytes.
//!
//! The problem: most targets can do everything, and reading every request to find out what it asks for would be paid by
//! all. The choice: only where somebody is known to lack something, the body is searched for the few members that ask for
//! it. A text that quotes them has its quotes escaped, so what is found stands outside of texts. How it fails: a member that
//! is spelled with `\u` escapes is missed, and then the target says itself that it cannot.

use memchr::memmem;

/// What a conversation needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// There are tools.
    pub tools: bool,
    /// There is an image.
    pub images: bool,
    /// The answer must keep to a JSON schema.
    pub json_schema: bool,
}

// === impl Needs ===

impl Needs {
    /// What `body` asks for, in any of the formats of conversations; linear.
    pub fn of(body: &[u8]) -> Self {
        let has_type = |words: &[&str]| words.iter().any(|word| has_type(body, word));
        Self {
            tools: ["tools", "functions"]
                .iter()
                .any(|name| has_list(body, name)),
            images: has_type(&["image_url", "input_image", "image"]),
            json_schema: has_type(&["json_schema"]),
        }
    }
}

/// Whether there is a member `name` that is a list with something in it.
fn has_list(body: &[u8], name: &str) -> bool {
    let quoted = format!("\"{name}\"");
    memmem::find_iter(body, quoted.as_bytes()).any(|at| {
        let rest = body.get(at + quoted.len()..).unwrap_or_default();
        let value = rest.trim_ascii_start().strip_prefix(b":");
        let items = value.and_then(|value| value.trim_ascii_start().strip_prefix(b"["));
        items.is_some_and(|items| !items.trim_ascii_start().starts_with(b"]"))
    })
}

/// Whether there is a member `"type"` that is `word`.
fn has_type(body: &[u8], word: &str) -> bool {
    let quoted = format!("\"{word}\"");
    memmem::find_iter(body, quoted.as_bytes()).any(|at| {
        let before = body.get(..at).unwrap_or_default().trim_ascii_end();
        let name = before.strip_suffix(b":").map(<[u8]>::trim_ascii_end);
        name.is_some_and(|name| name.ends_with(b"\"type\""))
    })
}

/// Bytes of a token, at the least that any text in a body has. English has four; what is sent apart here is not to be sent
/// apart wrongly, so only what is twice as long as it may be counts as too long.
const BYTES_OF_A_TOKEN: usize = 8;
/// From this length on, letters without a gap are no text but data: an image, a file.
const DATA: usize = 512;

/// Whether the prompt in `body` is surely longer than `context` tokens. The body is only read where it may be.
pub fn is_surely_longer(body: &[u8], context: u64) -> bool {
    let most = usize::try_from(context)
        .unwrap_or(usize::MAX)
        .saturating_mul(BYTES_OF_A_TOKEN);
    body.len() > most && text_bytes(body) > most
}

/// The bytes of `body` that may be text: neither white space nor data.
fn text_bytes(body: &[u8]) -> usize {
    let is_data = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'\\')
    };
    let runs = body.chunk_by(|a, b| is_data(a) == is_data(b));
    let texts = runs.filter(|run| run.len() < DATA || !run.first().is_some_and(is_data));
    texts
        .map(|run| {
            run.iter()
                .filter(|byte| !byte.is_ascii_whitespace())
                .count()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(body: &str) -> [bool; 3] {
        let needs = Needs::of(body.as_bytes());
        [needs.tools, needs.images, needs.json_schema]
    }

    #[test]
    fn what_is_asked_for_is_seen_in_each_format() {
        let none = [false; 3];
        for (body, expected) in [
            (r#"{"messages":[{"role":"user","content":"hi"}]}"#, none),
            (
                r#"{"tools" : [ {"type":"function"}]}"#,
                [true, false, false],
            ),
            (r#"{"functions":[{"name":"f"}]}"#, [true, false, false]),
            (r#"{"tools":[]}"#, none),
            (r#"{"tools":null}"#, none),
            (
                r#"{"content":[{"type":"image_url","image_url":{}}]}"#,
                [false, true, false],
            ),
            (
                r#"{"content":[{"type": "input_image"}]}"#,
                [false, true, false],
            ),
            (
                r#"{"content":[{"type":"image","source":{}}]}"#,
                [false, true, false],
            ),
            (
                r#"{"response_format":{"type":"json_schema"}}"#,
                [false, false, true],
            ),
            (
                r#"{"text":{"format":{"name":"a","type" :"json_schema"}}}"#,
                [false, false, true],
            ),
        ] {
            assert_eq!(needs(body), expected, "{body}");
        }
    }

    #[test]
    fn what_a_text_quotes_is_not_asked_for() {
        for body in [
            r#"{"content":"{\"tools\":[1],\"type\":\"image\"}"}"#,
            r#"{"content":"json_schema"}"#,
            r#"{"content":"image"}"#,
            r#"{"name":"image"}"#,
        ] {
            assert_eq!(needs(body), [false; 3], "{body}");
        }
    }

    #[test]
    fn only_text_makes_a_prompt_too_long() {
        let prose = format!("{{\"content\":\"{}\"}}", "some words ".repeat(2_000));
        assert!(is_surely_longer(prose.as_bytes(), 1_000));
        assert!(!is_surely_longer(prose.as_bytes(), 4_000), "it may fit");
        let image = format!(
            "{{\"url\":\"data:;base64,{}\"}}",
            "iVBORw0K/+".repeat(9_000)
        );
        assert!(!is_surely_longer(image.as_bytes(), 1_000), "an image");
        let gaps = format!("{{{}}}", " ".repeat(90_000));
        assert!(!is_surely_longer(gaps.as_bytes(), 1_000), "nothing at all");
        assert!(!is_surely_longer(b"", 0), "an empty body has no tokens");
    }
}
