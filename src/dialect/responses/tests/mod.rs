mod answers;
mod requests;
mod streams;

use serde_json::{Value, json};

use super::super::neutral::*;
use super::*;

/// JSON of bytes that must be some.
fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

/// The request of a body that must be one.
fn read(body: &Value) -> Request {
    read_request(body.to_string().as_bytes()).unwrap()
}

/// A request with nothing special.
fn plain() -> Request {
    read(&json!({"model": "m", "input": "hi"}))
}

/// An answer of one choice.
fn answer(parts: Vec<Part>, finish: Finish) -> Answer {
    Answer {
        id: "up-1".to_owned(),
        model: "real".to_owned(),
        created: Some(7),
        choices: vec![Choice {
            parts,
            finish: Some(finish),
            logprobs: None,
        }],
        ..Answer::default()
    }
}

/// A thought that another dialect's provider signed.
fn signed(text: &str) -> Part {
    Part::Reasoning(Reasoning {
        text: text.to_owned(),
        signature: Some("sig\"1".to_owned()),
        ..Reasoning::default()
    })
}

/// A call without a signature.
fn call(id: &str) -> ToolCall {
    ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        arguments: r#"{"a":1}"#.to_owned(),
        ..ToolCall::default()
    }
}
