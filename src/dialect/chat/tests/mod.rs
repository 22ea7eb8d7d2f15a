mod answers;
mod facts;
mod recordings;
mod requests;
mod streams;

use serde_json::Value;

use super::super::neutral::{Answer, Block, Choice, Delta, Part, Piece, Reasoning, Text, ToolCall};

/// JSON of bytes that must be some.
fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

/// What a stream said, put together as a whole answer.
fn gathered(pieces: &[Piece]) -> (Answer, bool) {
    let (mut answer, mut done) = (Answer::default(), false);
    let mut places: Vec<(u32, u32, usize)> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Start { id, model, .. } => {
                (answer.id, answer.model) = (id.clone(), model.clone());
            }
            Piece::Begin {
                choice,
                block,
                kind,
            } => {
                let index = *choice as usize;
                answer
                    .choices
                    .resize_with(answer.choices.len().max(index + 1), Choice::default);
                let parts = &mut answer.choices[index].parts;
                places.push((*choice, *block, parts.len()));
                parts.push(match kind {
                    Block::Text => Part::Text(Text::default()),
                    Block::Reasoning => Part::Reasoning(Reasoning::default()),
                    Block::Refusal => Part::Refusal(String::new()),
                    Block::ToolCall { id, name } => Part::ToolCall(ToolCall {
                        id: id.clone(),
                        name: name.clone(),
                        ..ToolCall::default()
                    }),
                    Block::Other(dialect, value) => Part::Other(*dialect, value.clone()),
                });
            }
            Piece::Delta {
                choice,
                block,
                delta,
            } => {
                let place = places.iter().find(|(c, b, _)| (c, b) == (choice, block));
                let (_, _, place) = place.expect("a delta lies between begin and end");
                put(&mut answer.choices[*choice as usize].parts[*place], delta);
            }
            Piece::End { choice, block } => {
                let open = places.len();
                places.retain(|(c, b, _)| (c, b) != (choice, block));
                assert_eq!(places.len(), open - 1, "a block ends once");
            }
            Piece::Finish { choice, finish } => {
                let index = *choice as usize;
                answer
                    .choices
                    .resize_with(answer.choices.len().max(index + 1), Choice::default);
                answer.choices[index].finish = Some(finish.clone());
            }
            Piece::Usage(tokens) => answer.usage = Some(*tokens),
            Piece::Error(reported) => panic!("{reported:?}"),
            Piece::Done => done = true,
        }
    }
    assert!(!done || places.is_empty(), "all blocks have ended");
    (answer, done)
}

fn put(part: &mut Part, delta: &Delta) {
    match (part, delta) {
        (Part::Text(text), Delta::Text(more) | Delta::TextWithLogprobs(more, _)) => {
            text.text.push_str(more);
        }
        (Part::Text(text), Delta::Annotations(list)) => text.annotations = Some(list.clone()),
        (Part::Refusal(text), Delta::Text(more)) => text.push_str(more),
        (Part::Reasoning(thought), Delta::Text(more)) => thought.text.push_str(more),
        (Part::Reasoning(thought), Delta::Signature(more)) => {
            thought.signature = Some(more.clone());
        }
        (Part::Reasoning(thought), Delta::Sealed(more)) => thought.sealed = Some(more.clone()),
        (Part::ToolCall(call), Delta::Arguments(more)) => call.arguments.push_str(more),
        (Part::ToolCall(call), Delta::Signature(more)) => call.signature = Some(more.clone()),
        (part, delta) => panic!("{delta:?} in {part:?}"),
    }
}
