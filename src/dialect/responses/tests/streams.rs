//! Streams to clients.

use super::*;
use crate::model::Tokens;
use crate::wire::{Code, Reported};

/// The events of `out`: every one has its name twice, and numbers that count.
fn events(out: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    let mut list = Vec::new();
    for (index, event) in text.split_terminator("\n\n").enumerate() {
        let (name, data) = event.split_once('\n').unwrap();
        let data = parsed(data.strip_prefix("data: ").unwrap().as_bytes());
        assert_eq!(name.strip_prefix("event: ").unwrap(), data["type"]);
        assert_eq!(data["sequence_number"], index, "numbers count up");
        list.push(data);
    }
    list
}

fn names(events: &[Value]) -> Vec<&str> {
    let names = events.iter().filter_map(|event| event["type"].as_str());
    names
        .map(|name| name.strip_prefix("response.").unwrap_or(name))
        .collect()
}

fn written(pieces: &[Piece]) -> Vec<Value> {
    let mut writer = Writer::new(&plain(), 1, 7);
    let mut out = Vec::new();
    for piece in pieces {
        writer.piece(piece, &mut out);
    }
    events(&out)
}

fn start() -> Piece {
    Piece::Start {
        id: "up-1".to_owned(),
        model: "real".to_owned(),
        created: Some(7),
        usage: None,
    }
}

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

fn end(block: u32) -> Piece {
    Piece::End { choice: 0, block }
}

fn finish(finish: Finish) -> Piece {
    Piece::Finish { choice: 0, finish }
}

fn a_call(id: &str) -> Block {
    Block::ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
    }
}

fn arguments(block: u32, text: &str) -> Piece {
    delta(block, Delta::Arguments(text.to_owned()))
}

#[test]
fn a_text_has_its_events_in_openais_order() {
    let usage = Tokens {
        input: 5,
        output: 2,
        ..Tokens::default()
    };
    let events = written(&[
        start(),
        begin(0, Block::Text),
        text(0, "a"),
        text(0, "b"),
        end(0),
        finish(Finish::Stop),
        Piece::Usage(usage),
        Piece::Done,
    ]);
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(names(&events), expected);
    assert_eq!(events[0]["response"]["status"], "in_progress");
    assert_eq!(events[0]["response"]["usage"], Value::Null);
    assert_eq!(events[2]["item"]["content"], json!([]));
    let added = json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []});
    assert_eq!(events[3]["part"], added);
    assert_eq!(events[5]["delta"], "b");
    assert_eq!(events[5]["logprobs"], json!([]));
    assert_eq!(events[6]["text"], "ab");
    assert_eq!(events[7]["part"]["text"], "ab");
    for event in &events[3..8] {
        let place = (
            &event["item_id"],
            &event["output_index"],
            &event["content_index"],
        );
        assert_eq!(place, (&json!("msg_up-1_0"), &json!(0), &json!(0)));
    }
    let last = &events[9]["response"];
    assert_eq!(last["output"][0], events[8]["item"]);
    assert_eq!(last["usage"]["total_tokens"], 7);
}

#[test]
fn thoughts_and_calls_have_their_own_events() {
    let events = written(&[
        start(),
        begin(0, Block::Reasoning),
        text(0, "h"),
        text(0, "m"),
        delta(0, Delta::Signature("sig".to_owned())),
        end(0),
        begin(1, a_call("c1")),
        arguments(1, "{\"a\""),
        arguments(1, ":1}"),
        end(1),
        finish(Finish::ToolCalls),
        Piece::Done,
    ]);
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(names(&events), expected);
    assert_eq!(events[6]["text"], "hm");
    assert_eq!(events[6]["summary_index"], 0);
    assert_eq!(events[9]["item"]["arguments"], "");
    assert_eq!(events[12]["arguments"], r#"{"a":1}"#);
    assert_eq!(events[12]["name"], "f");
    assert_eq!(events[13]["item"]["call_id"], "c1");
    assert_eq!(events[13]["output_index"], 1);
}

/// The pieces that say `parts` one after the other.
fn pieces_of(parts: &[Part]) -> Vec<Piece> {
    let mut pieces = vec![start()];
    for (block, part) in (0_u32..).zip(parts) {
        let (kind, deltas) = match part {
            Part::Text(text) => (Block::Text, vec![Delta::Text(text.text.clone())]),
            Part::Refusal(text) => (Block::Refusal, vec![Delta::Text(text.clone())]),
            Part::Reasoning(thought) => {
                let signature = thought.signature.clone().map(Delta::Signature);
                let sealed = thought.sealed.clone().map(Delta::Sealed);
                let mut deltas = vec![Delta::Text(thought.text.clone())];
                deltas.extend(signature.into_iter().chain(sealed));
                (Block::Reasoning, deltas)
            }
            Part::ToolCall(call) => {
                let signature = call.signature.clone().map(Delta::Signature);
                let mut deltas = vec![Delta::Arguments(call.arguments.clone())];
                deltas.extend(signature);
                let kind = Block::ToolCall {
                    id: call.id.clone(),
                    name: call.name.clone(),
                };
                (kind, deltas)
            }
            Part::Other(dialect, value) => (Block::Other(*dialect, value.clone()), Vec::new()),
            other => panic!("no block for {other:?}"),
        };
        pieces.push(begin(block, kind));
        pieces.extend(deltas.into_iter().map(|one| delta(block, one)));
        pieces.push(end(block));
    }
    pieces
}

#[test]
fn a_stream_ends_with_what_the_whole_answer_says() {
    let mut signed_call = call("c2");
    signed_call.signature = Some("call's".to_owned());
    let parts = vec![
        signed("hm"),
        Part::Text(Text::plain("a")),
        Part::Text(Text::plain("b")),
        Part::Refusal("no".to_owned()),
        Part::ToolCall(call("c1")),
        Part::Other(Dialect::Messages, json!({"type": "server_tool_use"})),
        Part::ToolCall(signed_call),
        Part::Other(
            Dialect::Responses,
            json!({"type": "web_search_call", "id": "ws"}),
        ),
        Part::Text(Text::plain("c")),
    ];
    for end in [
        Finish::ToolCalls,
        Finish::Length,
        Finish::Other("error".to_owned()),
    ] {
        let mut pieces = pieces_of(&parts);
        pieces.extend([finish(end.clone()), Piece::Done]);
        let events = written(&pieces);
        let whole = write_answer(&answer(parts.clone(), end), &plain());
        assert_eq!(events.last().unwrap()["response"], parsed(&whole));
        check_items(&events);
    }
}

/// Every item is added once, ends once, and is in the last event as it ended.
fn check_items(events: &[Value]) {
    let of = |name: &str| -> Vec<&Value> {
        let named = events.iter().filter(|event| event["type"] == name);
        named.collect()
    };
    let (added, done) = (
        of("response.output_item.added"),
        of("response.output_item.done"),
    );
    assert_eq!(added.len(), done.len());
    let output = events.last().unwrap()["response"]["output"].as_array();
    let output = output.unwrap();
    assert_eq!(output.len(), done.len());
    for (index, event) in added.iter().enumerate() {
        assert_eq!(event["output_index"], index);
    }
    for event in done {
        let index = usize::try_from(event["output_index"].as_u64().unwrap()).unwrap();
        assert_eq!(event["item"], output[index]);
        assert_eq!(event["item"]["id"], added[index]["item"]["id"]);
    }
}

#[test]
fn blocks_may_overlap() {
    let events = written(&[
        start(),
        begin(0, Block::Text),
        begin(1, a_call("c1")),
        begin(2, a_call("c2")),
        text(0, "a"),
        arguments(2, "{\"x\":"),
        arguments(1, "{}"),
        arguments(2, "2}"),
        end(0),
        end(2),
        end(1),
        finish(Finish::ToolCalls),
        Piece::Done,
    ]);
    check_items(&events);
    let output = &events.last().unwrap()["response"]["output"];
    assert_eq!(output[0]["content"][0]["text"], "a");
    assert_eq!(output[1]["arguments"], "{}");
    assert_eq!(output[2]["arguments"], "{\"x\":2}");
}

#[test]
fn a_call_without_arguments_has_the_empty_object() {
    let events = written(&[start(), begin(0, a_call("c")), end(0), Piece::Done]);
    let done = events
        .iter()
        .find(|event| event["type"] == "response.function_call_arguments.done");
    assert_eq!(done.unwrap()["arguments"], "{}");
    assert_eq!(
        events.last().unwrap()["response"]["output"][0]["arguments"],
        "{}"
    );
}

#[test]
fn probabilities_and_annotations_stand_at_their_text() {
    let token = json!({"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []});
    let citation = json!([{"type": "url_citation", "url": "u"}]);
    let events = written(&[
        start(),
        begin(0, Block::Text),
        delta(
            0,
            Delta::TextWithLogprobs("a".to_owned(), json!({"content": [token]})),
        ),
        delta(0, Delta::Annotations(citation.clone())),
        Piece::Done,
    ]);
    assert_eq!(events[4]["logprobs"], json!([token]));
    assert_eq!(events[5]["type"], "response.output_text.annotation.added");
    assert_eq!(events[5]["annotation"], citation[0]);
    assert_eq!(events[5]["annotation_index"], 0);
    assert_eq!(events[6]["logprobs"], json!([token]));
    let part = &events.last().unwrap()["response"]["output"][0]["content"][0];
    assert_eq!(
        (&part["logprobs"], &part["annotations"]),
        (&json!([token]), &citation)
    );
}

#[test]
fn after_an_error_nothing_comes() {
    let reported = Reported {
        message: "key sk-123 is wrong".to_owned(),
        ..Reported::default()
    };
    let events = written(&[
        start(),
        begin(0, Block::Text),
        Piece::Error(reported),
        text(0, "a"),
        Piece::Done,
    ]);
    assert_eq!(events.len(), 5, "nothing after the error");
    let error = &events[4];
    assert_eq!(error["type"], "error");
    assert_eq!(error["code"], "upstream_error");
    assert_eq!(error["param"], Value::Null);
    assert!(!error.to_string().contains("sk-123"), "{error}");
}

#[test]
fn an_error_may_be_all_there_is() {
    let mut writer = Writer::new(&plain(), 1, 7);
    let mut out = Vec::new();
    writer.error(
        &ErrorBody::new(Code::UpstreamTimeout, "late").about("x"),
        &mut out,
    );
    writer.error(&ErrorBody::new(Code::InternalError, "again"), &mut out);
    let events = events(&out);
    let expected = json!([{"type": "error", "sequence_number": 0, "code": "upstream_timeout",
        "message": "late", "param": "x"}]);
    assert_eq!(json!(events), expected);
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let mut writer = Writer::new(&plain(), 1, 7);
    let mut out = Vec::new();
    writer.piece(&begin(0, Block::Text), &mut out);
    let long = text(0, &"x".repeat(1 << 20));
    for _ in 0..31 {
        writer.piece(&long, &mut out);
    }
    out.clear();
    writer.piece(&long, &mut out);
    assert!(
        out.starts_with(b"event: error\n"),
        "32 MiB and a block is too much"
    );
    out.clear();
    writer.piece(&Piece::Done, &mut out);
    assert!(out.is_empty(), "nothing after the error");
}

#[test]
fn empty_blocks_without_end_are_cut_off() {
    let mut writer = Writer::new(&plain(), 1, 7);
    let (mut out, mut rounds) = (Vec::new(), 0_u32);
    while !out.starts_with(b"event: error\n") {
        out.clear();
        writer.piece(&begin(rounds, Block::Refusal), &mut out);
        rounds += 1;
        assert!(rounds < 100_000, "blocks cost something");
    }
}

#[test]
fn other_choices_are_not_written() {
    let events = written(&[
        start(),
        Piece::Begin {
            choice: 1,
            block: 0,
            kind: Block::Text,
        },
        Piece::Finish {
            choice: 1,
            finish: Finish::Length,
        },
        Piece::Done,
    ]);
    assert_eq!(names(&events), ["created", "in_progress", "completed"]);
}
