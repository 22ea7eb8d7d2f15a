mod answers;
mod build;
mod conversations;
mod recordings;
mod requests;
mod streams;

use super::super::neutral::*;

/// What a stream said, put together as a whole answer, and whether it was complete.
fn gathered(pieces: &[Piece]) -> (Answer, bool) {
    let (mut answer, mut done) = (Answer::default(), false);
    let mut open: Vec<(u32, u32, usize)> = Vec::new();
    for piece in pieces {
        assert!(!done, "nothing comes after the end");
        match piece {
            Piece::Start {
                id, model, created, ..
            } => {
                (answer.id, answer.model, answer.created) = (id.clone(), model.clone(), *created);
            }
            Piece::Begin {
                choice,
                block,
                kind,
            } => {
                let parts = &mut choice_of(&mut answer, *choice).parts;
                open.push((*choice, *block, parts.len()));
                parts.push(part_of(kind));
            }
            Piece::Delta {
                choice,
                block,
                delta,
            } => {
                let place = open.iter().find(|(c, b, _)| (c, b) == (choice, block));
                let (_, _, place) = place.expect("a delta lies between begin and end");
                put(&mut choice_of(&mut answer, *choice).parts[*place], delta);
            }
            Piece::End { choice, block } => {
                let count = open.len();
                open.retain(|(c, b, _)| (c, b) != (choice, block));
                assert_eq!(open.len(), count - 1, "a block ends once");
            }
            Piece::Finish { choice, finish } => {
                choice_of(&mut answer, *choice).finish = Some(finish.clone());
            }
            Piece::Usage(tokens) => answer.usage = Some(*tokens),
            Piece::Error(reported) => panic!("{reported:?}"),
            Piece::Done => done = true,
        }
    }
    assert!(!done || open.is_empty(), "all blocks have ended");
    (answer, done)
}

fn choice_of(answer: &mut Answer, choice: u32) -> &mut Choice {
    let index = choice as usize;
    let count = answer.choices.len().max(index + 1);
    answer.choices.resize_with(count, Choice::default);
    &mut answer.choices[index]
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
        (Part::Text(text), Delta::Text(more) | Delta::TextWithLogprobs(more, _)) => {
            text.text.push_str(more);
        }
        (Part::Text(text), Delta::Annotations(list)) => text.annotations = Some(list.clone()),
        (Part::Reasoning(thought), Delta::Text(more)) => thought.text.push_str(more),
        (Part::Reasoning(thought), Delta::Signature(more)) => {
            thought.signature = Some(more.clone());
        }
        (Part::ToolCall(call), Delta::Arguments(more)) => call.arguments.push_str(more),
        (Part::ToolCall(call), Delta::Signature(more)) => call.signature = Some(more.clone()),
        (part, delta) => panic!("{delta:?} in {part:?}"),
    }
}

/// A signature without thoughts.
fn signature(text: &str) -> Part {
    Part::Reasoning(Reasoning {
        signature: Some(text.to_owned()),
        ..Reasoning::default()
    })
}

fn text(text: &str) -> Part {
    Part::Text(Text::plain(text))
}

fn thought(text: &str) -> Part {
    Part::Reasoning(Reasoning {
        text: text.to_owned(),
        ..Reasoning::default()
    })
}

fn call(id: &str, name: &str, arguments: &str, signature: Option<&str>) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        signature: signature.map(str::to_owned),
        cache: None,
    })
}
