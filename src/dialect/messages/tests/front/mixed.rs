//! Blocks that overlap.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dialect::chat;
use crate::dialect::neutral::*;

#[test]
fn calls_that_overlap_are_told_one_after_another() {
    let stream = written(&[
        start(),
        begin(0, call("a", "f")),
        begin(1, call("b", "g")),
        arguments(1, "{\"y\""),
        arguments(0, "{\"x\""),
        arguments(1, ":2}"),
        begin(2, Block::Text),
        text(2, "and"),
        end(2),
        arguments(0, ":1}"),
        end(0),
        end(1),
        finish(Finish::ToolCalls),
        Piece::Done,
    ]);
    assert_eq!(
        accumulated(&stream)["content"],
        json!([{"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
            {"type": "tool_use", "id": "b", "name": "g", "input": {"y": 2}},
            {"type": "text", "text": "and"}])
    );
}

#[test]
fn the_open_block_is_told_at_once_and_the_next_when_it_ends() {
    let pieces = [
        start(),
        begin(0, Block::Text),
        begin(1, Block::Text),
        text(1, "later"),
        text(0, "now"),
    ];
    let said = |pieces: &[Piece]| {
        let events = events(&written(pieces)).into_iter();
        let texts: Vec<Value> = events
            .filter(|event| event["type"] == "content_block_delta")
            .map(|mut event| event["delta"]["text"].take())
            .collect();
        texts
    };
    assert_eq!(said(&pieces), ["now"]);
    let more = [&pieces[..], &[end(0)]].concat();
    assert_eq!(said(&more), ["now", "later"]);
    let more = [&more[..], &[text(1, "!")]].concat();
    assert_eq!(said(&more), ["now", "later", "!"]);
}

#[test]
fn blocks_that_never_end_are_ended_with_the_stream() {
    let message = accumulated(&written(&[
        start(),
        begin(0, call("a", "f")),
        begin(1, call("b", "g")),
        begin(2, Block::Text),
        text(2, "t"),
        end(2),
        Piece::Done,
    ]));
    assert_eq!(message["content"].as_array().unwrap().len(), 3);
}

#[test]
fn what_is_held_has_a_bound() {
    let many = |piece: &dyn Fn(u32) -> Vec<Piece>| {
        let request = Request::default();
        let (mut writer, mut out) = (Writer::new(&request, 1, 0), Vec::new());
        writer.piece(&begin(0, Block::Text), &mut out);
        writer.piece(&begin(1, Block::Text), &mut out);
        for number in 2..300_000 {
            for piece in piece(number) {
                writer.piece(&piece, &mut out);
            }
        }
        let last = events(&out).pop().unwrap();
        assert_eq!(last["type"], "error");
    };
    let long = "x".repeat(1000);
    many(&|_| vec![text(1, &long)]);
    many(&|number| vec![begin(number, Block::Text)]);
    many(&|_| vec![delta(1, Delta::Signature(String::new()))]);
}

#[test]
fn deltas_of_blocks_that_never_began_are_nothing() {
    let stream = written(&[start(), text(7, "x"), end(7), Piece::Done]);
    assert_eq!(accumulated(&stream)["content"], json!([]));
}

/// Parallel calls as a server of OpenAI's dialect sends them.
const CHAT: &str = concat!(
    r#"data: {"id":"chatcmpl-1","model":"gpt","choices":[{"index":0,"delta":{"role":"assistant","content":"Let me see."},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"chatcmpl-1","model":"gpt","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}},{"index":1,"id":"call_2","type":"function","function":{"name":"g","arguments":"{\"b\""}}]},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"chatcmpl-1","model":"gpt","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":":2}"}},{"index":0,"function":{"arguments":"{\"a\":1}"}}]},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"id":"chatcmpl-1","model":"gpt","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
    "\n\n",
    r#"data: {"id":"chatcmpl-1","model":"gpt","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":3}}}"#,
    "\n\ndata: [DONE]\n\n",
);

#[test]
fn a_chat_stream_becomes_a_message() {
    for size in [1, 7, CHAT.len()] {
        let (mut reader, mut pieces) = (chat::Reader::new(), Vec::new());
        for chunk in CHAT.as_bytes().chunks(size) {
            reader.push(chunk, &mut pieces);
        }
        reader.finish(&mut pieces);
        assert_eq!(
            accumulated(&written(&pieces)),
            json!({"id": "msg_chatcmpl-1", "type": "message", "role": "assistant", "model": "gpt",
                "content": [
                    {"type": "text", "text": "Let me see."},
                    {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
                    {"type": "tool_use", "id": "call_2", "name": "g", "input": {"b": 2}},
                ],
                "stop_reason": "tool_use", "stop_sequence": null,
                "usage": {"input_tokens": 6, "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 3, "output_tokens": 4}})
        );
    }
}

proptest! {
    /// However blocks overlap, each is told whole and in the order in which they began.
    #[test]
    fn any_mixture_is_put_in_order(steps in prop::collection::vec((0_u32..6, "[a-z]{1,3}"), 0..60)) {
        let mut pieces = vec![start()];
        let mut texts: Vec<String> = Vec::new();
        let mut open: Vec<u32> = Vec::new();
        for (step, word) in steps {
            match step {
                0 | 1 => {
                    let block = u32::try_from(texts.len()).unwrap();
                    pieces.push(begin(block, Block::Text));
                    pieces.push(text(block, "."));
                    texts.push(".".to_owned());
                    open.push(block);
                }
                2 if !open.is_empty() => {
                    let block = open.remove(word.len() % open.len());
                    pieces.push(end(block));
                }
                _ if !open.is_empty() => {
                    let block = open[word.len() % open.len()];
                    pieces.push(text(block, &word));
                    texts[block as usize].push_str(&word);
                }
                _ => {}
            }
        }
        pieces.extend(open.into_iter().map(end));
        pieces.push(Piece::Done);
        let message = accumulated(&written(&pieces));
        let told: Vec<&str> = message["content"]
            .as_array()
            .unwrap()
            .iter()
            .map(|block| block["text"].as_str().unwrap())
            .collect();
        prop_assert_eq!(told, texts);
    }
}
