mod answers;
mod errors;
mod mixed;
mod recordings;
mod requests;
mod said;
mod streams;

use serde_json::Value;

use crate::dialect::messages::Writer;
use crate::dialect::neutral::{Block, Delta, Finish, Piece, Request};

fn begin(block: u32, kind: Block) -> Piece {
    Piece::Begin {
        choice: 0,
        block,
        kind,
    }
}

fn delta(block: u32, delta: Delta) -> Piece {
    Piece::Delta {
        choice: 0,
        block,
        delta,
    }
}

fn text(block: u32, text: &str) -> Piece {
    delta(block, Delta::Text(text.to_owned()))
}

fn arguments(block: u32, text: &str) -> Piece {
    delta(block, Delta::Arguments(text.to_owned()))
}

fn end(block: u32) -> Piece {
    Piece::End { choice: 0, block }
}

fn finish(finish: Finish) -> Piece {
    Piece::Finish { choice: 0, finish }
}

fn call(id: &str, name: &str) -> Block {
    Block::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
    }
}

fn start() -> Piece {
    Piece::Start {
        id: "msg_1".to_owned(),
        model: "m".to_owned(),
        created: None,
        usage: None,
    }
}

fn written(pieces: &[Piece]) -> Vec<u8> {
    let request = Request {
        model: "asked".to_owned(),
        ..Request::default()
    };
    let (mut writer, mut out) = (Writer::new(&request, 0xabc, 0), Vec::new());
    for piece in pieces {
        writer.piece(piece, &mut out);
    }
    out
}

/// The events of `stream`. Each names its type twice, and the two agree.
fn events(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).unwrap();
    let events = text.split_terminator("\n\n").map(|event| {
        let (name, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: ").unwrap(), data["type"]);
        data
    });
    events.collect()
}

/// A stream's message as Anthropic's Python client puts it together (`accumulate_event` in
/// `anthropic/lib/streaming/_messages.py`): a block is appended when it starts, whatever its index, and deltas go to
/// `content[index]`. Stricter than the client: blocks must rise by one, and each must end before the next.
fn accumulated(stream: &[u8]) -> Value {
    let mut message = Value::Null;
    let (mut open, mut arguments, mut stopped) = (None, String::new(), false);
    for event in events(stream) {
        assert!(!stopped, "nothing comes after message_stop");
        match event["type"].as_str().unwrap() {
            "message_start" => {
                assert!(message.is_null(), "a message starts once");
                message = event["message"].clone();
            }
            "content_block_start" => {
                assert_eq!(open, None, "a block starts when the one before has ended");
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!(event["index"], content.len());
                open = Some(content.len());
                content.push(event["content_block"].clone());
                arguments.clear();
            }
            "content_block_delta" => {
                let index = open.unwrap();
                assert_eq!(event["index"], index);
                add(
                    &mut message["content"][index],
                    &event["delta"],
                    &mut arguments,
                );
            }
            "content_block_stop" => assert_eq!(event["index"], open.take().unwrap()),
            "message_delta" => {
                assert_eq!(open, None, "all blocks have ended");
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                message["stop_sequence"] = event["delta"]["stop_sequence"].clone();
                message["usage"] = event["usage"].clone();
            }
            "message_stop" => stopped = true,
            "provider_part" => {}
            other => panic!("{other}"),
        }
    }
    assert!(stopped, "the stream is complete");
    message
}

fn add(block: &mut Value, delta: &Value, arguments: &mut String) {
    let kind = delta["type"].as_str().unwrap();
    let mut append = |of: &str, key: &str| {
        assert_eq!(block["type"], of);
        let more = delta[key].as_str().unwrap();
        let text = block[key].as_str().unwrap().to_owned() + more;
        block[key] = text.into();
    };
    match kind {
        "text_delta" => append("text", "text"),
        "thinking_delta" => append("thinking", "thinking"),
        "signature_delta" => {
            assert_eq!(block["type"], "thinking");
            block["signature"] = delta["signature"].clone();
        }
        "input_json_delta" => {
            assert_eq!(block["type"], "tool_use");
            arguments.push_str(delta["partial_json"].as_str().unwrap());
            if let Ok(input) = serde_json::from_str(arguments) {
                block["input"] = input;
            }
        }
        "citations_delta" => {
            let citation = delta["citation"].clone();
            match block["citations"].as_array_mut() {
                Some(list) => list.push(citation),
                None => block["citations"] = Value::Array(vec![citation]),
            }
        }
        other => panic!("{other}"),
    }
}
