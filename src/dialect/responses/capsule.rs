//! What Responses has no place for, in `encrypted_content` of a reasoning item.
//!
//! Clients keep that text unread and send it back, so that it holds whatever another dialect's model wants back: a compact
//! JSON object that begins with `{"wb":1`. A provider's own sealed thoughts never begin so, and stay as they are.

use serde_json::{Map, Value, json};

use super::super::chat::dialect_word;
use super::super::neutral::{Dialect, Reasoning};

/// What all capsules begin with.
const MARK: &str = r#"{"wb":1"#;

/// [`MARK`] as it stands inside a JSON string.
const MARK_IN_JSON: &[u8] = br#"{\"wb\":1"#;

/// Whether a client's body may hold capsules. A server of Responses refuses them as thoughts that it did not seal: such a
/// body is not to be passed as it is but read and written, which takes them out. Errs to the side of yes.
pub fn may_hold_capsules(body: &[u8]) -> bool {
    memchr::memmem::find(body, MARK_IN_JSON).is_some()
}

/// What a capsule held.
#[derive(Debug, PartialEq)]
pub(super) enum Capsule {
    /// A thought that a provider signed. It has no id.
    Thought(Reasoning),
    /// The signature of the call of this id.
    Call {
        /// The call.
        id: String,
        /// Its signature.
        signature: String,
    },
    /// A part that only another dialect knows.
    Part(Dialect, Value),
}

/// A thought's `encrypted_content`; `None` if it needs none.
pub(super) fn of_thought(thought: &Reasoning) -> Option<String> {
    let Some(signature) = &thought.signature else {
        return thought.sealed.clone();
    };
    let mut held = Map::new();
    held.insert("wb".to_owned(), json!(1));
    held.insert("signature".to_owned(), json!(signature));
    // Providers check the signature against the very text.
    if !thought.text.is_empty() {
        held.insert("text".to_owned(), json!(thought.text));
    }
    if let Some(sealed) = &thought.sealed {
        held.insert("sealed".to_owned(), json!(sealed));
    }
    if thought.is_summary {
        held.insert("summary".to_owned(), json!(true));
    }
    Some(Value::Object(held).to_string())
}

/// The signature of the call `id`.
pub(super) fn of_call(id: &str, signature: &str) -> String {
    json!({"wb": 1, "call": id, "signature": signature}).to_string()
}

/// A part that only `dialect` knows.
pub(super) fn of_part(dialect: Dialect, part: &Value) -> String {
    json!({"wb": 1, "dialect": dialect_word(dialect), "part": part}).to_string()
}

/// Opens `text`; `None` if it is no capsule.
pub(super) fn open(text: &str) -> Option<Capsule> {
    if !text.starts_with(MARK) {
        return None;
    }
    let mut held: Map<String, Value> = serde_json::from_str(text).ok()?;
    if held.remove("wb") != Some(json!(1)) {
        return None;
    }
    if let Some(part) = held.remove("part") {
        return Some(Capsule::Part(dialect_of(&held)?, part));
    }
    let mut take = |key: &str| match held.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (call, signature) = (take("call"), take("signature")?);
    if let Some(id) = call {
        return Some(Capsule::Call { id, signature });
    }
    let thought = Reasoning {
        text: take("text").unwrap_or_default(),
        signature: Some(signature),
        sealed: take("sealed"),
        id: None,
        is_summary: held.get("summary") == Some(&json!(true)),
    };
    Some(Capsule::Thought(thought))
}

fn dialect_of(held: &Map<String, Value>) -> Option<Dialect> {
    let all = [
        Dialect::Chat,
        Dialect::Completions,
        Dialect::Responses,
        Dialect::Messages,
        Dialect::Gemini,
        Dialect::Converse,
        Dialect::Cohere,
    ];
    let word = held.get("dialect")?.as_str()?;
    all.into_iter().find(|one| dialect_word(*one) == word)
}
