//! A stream put together again.

use super::super::super::neutral::*;
use super::super::Reader;

/// The pieces of `bytes` in chunks of `size`.
pub(super) fn pieces(bytes: &[u8], size: usize) -> Vec<Piece> {
    let (mut reader, mut out) = (Reader::new(), Vec::new());
    for chunk in bytes.chunks(size) {
        reader.push(chunk, &mut out);
    }
    reader.finish(&mut out);
    out
}

/// What a stream said, as a whole answer. Fails where pieces are out of order.
pub(super) fn gathered(pieces: &[Piece]) -> Answer {
    let mut answer = Answer::default();
    let mut choice = Choice::default();
    let mut open: Vec<u32> = Vec::new();
    for (place, piece) in pieces.iter().enumerate() {
        assert_eq!(
            place == 0,
            matches!(piece, Piece::Start { .. }),
            "{piece:?}"
        );
        match piece {
            Piece::Start {
                id, model, usage, ..
            } => {
                (answer.id, answer.model) = (id.clone(), model.clone());
                answer.usage = *usage;
            }
            Piece::Begin { block, kind, .. } => {
                assert_eq!(*block as usize, choice.parts.len(), "blocks are counted");
                open.push(*block);
                choice.parts.push(part_of(kind));
            }
            Piece::Delta { block, delta, .. } => {
                assert!(open.contains(block), "a delta lies between begin and end");
                put(&mut choice.parts[*block as usize], delta);
            }
            Piece::End { block, .. } => {
                let count = open.len();
                open.retain(|one| one != block);
                assert_eq!(open.len(), count - 1, "a block ends once");
            }
            Piece::Finish { finish, .. } => choice.finish = Some(finish.clone()),
            Piece::Usage(tokens) => answer.usage = Some(*tokens),
            Piece::Error(reported) => panic!("{reported:?}"),
            Piece::Done => {
                assert!(open.is_empty(), "all blocks have ended");
                assert_eq!(place, pieces.len() - 1, "nothing comes after the end");
            }
        }
    }
    answer.choices.push(choice);
    answer
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
        (Part::Text(text), Delta::Text(more)) => text.text.push_str(more),
        (Part::Text(text), Delta::Annotations(list)) => text.annotations = Some(list.clone()),
        (Part::Reasoning(thought), Delta::Text(more)) => thought.text.push_str(more),
        (Part::Reasoning(thought), Delta::Signature(all)) => thought.signature = Some(all.clone()),
        (Part::Reasoning(thought), Delta::Sealed(all)) => thought.sealed = Some(all.clone()),
        (Part::ToolCall(call), Delta::Arguments(more)) => call.arguments.push_str(more),
        (part, delta) => panic!("{delta:?} in {part:?}"),
    }
}
