mod answers;
mod read;
mod recordings;
mod requests;
mod streams;
mod written;

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

/// What a stream said, put together as the parts of a whole answer, and whether it was complete.
fn gathered(pieces: &[Piece]) -> (Answer, bool) {
    let (mut answer, mut done) = (Answer::default(), false);
    let mut choice = Choice::default();
    for piece in pieces {
        assert!(!done, "nothing comes after the end");
        match piece {
            Piece::Start {
                id, model, created, ..
            } => {
                (answer.id, answer.model) = (id.clone(), model.clone());
                answer.created = *created;
            }
            Piece::Begin { block, kind, .. } => {
                assert_eq!(*block as usize, choice.parts.len(), "blocks count up");
                choice.parts.push(part_of(kind));
            }
            Piece::Delta { block, delta, .. } => put(&mut choice.parts[*block as usize], delta),
            Piece::End { .. } => {}
            Piece::Finish { finish, .. } => choice.finish = Some(finish.clone()),
            Piece::Usage(tokens) => answer.usage = Some(*tokens),
            Piece::Error(reported) => panic!("{reported:?}"),
            Piece::Done => done = true,
        }
    }
    answer.choices = vec![choice];
    (answer, done)
}

fn part_of(kind: &Block) -> Part {
    match kind {
        Block::Text => Part::Text(Text::default()),
        Block::Reasoning => Part::Reasoning(Reasoning::default()),
        Block::Refusal => Part::Refusal(String::new()),
        Block::ToolCall { id, name } => Part::ToolCall(ToolCall {
            id: id.clone(),
            name: name.clone(),
            ..ToolCall::default()
        }),
        Block::Other(dialect, value) => Part::Other(*dialect, value.clone()),
    }
}

fn put(part: &mut Part, delta: &Delta) {
    match (part, delta) {
        (Part::Text(part), Delta::Text(text) | Delta::TextWithLogprobs(text, _)) => {
            part.text.push_str(text);
        }
        (Part::Text(part), Delta::Annotations(Value::Array(list))) => {
            let all = part.annotations.get_or_insert_with(|| json!([]));
            all.as_array_mut().unwrap().extend(list.iter().cloned());
        }
        (Part::Refusal(part), Delta::Text(text)) => part.push_str(text),
        (Part::Reasoning(part), Delta::Text(text)) => part.text.push_str(text),
        (Part::Reasoning(part), Delta::Sealed(text)) => part.sealed = Some(text.clone()),
        (Part::ToolCall(part), Delta::Arguments(text)) => part.arguments.push_str(text),
        (part, delta) => panic!("{delta:?} in {part:?}"),
    }
}
