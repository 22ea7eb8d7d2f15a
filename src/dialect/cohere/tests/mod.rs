mod answers;
mod recordings;
mod requests;
mod streams;

use super::super::neutral::*;
use super::Reader;

/// What a stream says, read in chunks of `size` bytes.
fn read(body: &[u8], size: usize) -> Vec<Piece> {
    let (mut reader, mut out) = (Reader::new(), Vec::new());
    for chunk in body.chunks(size.max(1)) {
        reader.push(chunk, &mut out);
    }
    reader.finish(&mut out);
    out
}

/// What was said, of an answer or of a stream: for comparing the two.
#[derive(Debug, Default, PartialEq)]
struct Said {
    text: String,
    thoughts: String,
    /// Ids, names and arguments.
    calls: Vec<(String, String, String)>,
    citations: usize,
}

fn said(parts: &[Part]) -> Said {
    let mut all = Said::default();
    for part in parts {
        match part {
            Part::Text(text) => {
                all.text.push_str(&text.text);
                let list = text.annotations.as_ref().and_then(|list| list.as_array());
                all.citations += list.map_or(0, Vec::len);
            }
            Part::Reasoning(thought) => all.thoughts.push_str(&thought.text),
            Part::ToolCall(call) => {
                let call = (call.id.clone(), call.name.clone(), call.arguments.clone());
                all.calls.push(call);
            }
            other => panic!("{other:?}"),
        }
    }
    all
}

/// What pieces say; each block must lie between its begin and its end.
fn said_in(pieces: &[Piece]) -> Said {
    let (mut parts, mut open): (Vec<Part>, Vec<u32>) = (Vec::new(), Vec::new());
    for piece in pieces {
        match piece {
            Piece::Begin { block, kind, .. } => {
                assert_eq!(
                    *block as usize,
                    parts.len(),
                    "blocks are numbered as they begin"
                );
                open.push(*block);
                parts.push(match kind {
                    Block::Text => Part::Text(Text::default()),
                    Block::Reasoning => Part::Reasoning(Reasoning::default()),
                    Block::ToolCall { id, name } => Part::ToolCall(ToolCall {
                        id: id.clone(),
                        name: name.clone(),
                        ..ToolCall::default()
                    }),
                    other => panic!("{other:?}"),
                });
            }
            Piece::Delta { block, delta, .. } => {
                assert!(open.contains(block), "{delta:?} outside of its block");
                put(&mut parts[*block as usize], delta);
            }
            Piece::End { block, .. } => open.retain(|other| other != block),
            Piece::Finish { .. } => assert!(open.is_empty(), "all blocks have ended"),
            _ => {}
        }
    }
    said(&parts)
}

fn put(part: &mut Part, delta: &Delta) {
    match (part, delta) {
        (Part::Text(text), Delta::Text(more) | Delta::TextWithLogprobs(more, _)) => {
            text.text.push_str(more);
        }
        (Part::Text(text), Delta::Annotations(list)) => {
            let all = text
                .annotations
                .get_or_insert_with(|| serde_json::json!([]));
            let more = list.as_array().unwrap().iter().cloned();
            all.as_array_mut().unwrap().extend(more);
        }
        (Part::Reasoning(thought), Delta::Text(more)) => thought.text.push_str(more),
        (Part::ToolCall(call), Delta::Arguments(more)) => call.arguments.push_str(more),
        (part, delta) => panic!("{delta:?} in {part:?}"),
    }
}
