//! Answers and streams of servers.

use proptest::prelude::*;

use super::*;
use crate::model::Tokens;

/// A stream of `events`, each named as in its data.
fn stream(events: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    for event in events {
        let name = event["type"].as_str().unwrap();
        out.extend_from_slice(format!("event: {name}\ndata: {event}\n\n").as_bytes());
    }
    out
}

fn pieces(bytes: &[u8], size: usize) -> Vec<Piece> {
    let (mut reader, mut out) = (Reader::new(), Vec::new());
    for chunk in bytes.chunks(size) {
        reader.push(chunk, &mut out);
    }
    reader.finish(&mut out);
    out
}

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "resp_1", "model": "real",
        "created_at": 7.0, "status": "in_progress", "output": []}})
}

fn completed(output: &Value) -> Value {
    json!({"type": "response.completed", "response": {"status": "completed", "output": output,
        "usage": {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 1},
            "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 8}}})
}

/// Items of all kinds, whole.
fn items() -> Vec<Value> {
    vec![
        json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text",
            "text": "hm"}, {"type": "summary_text", "text": "so"}], "encrypted_content": "gAAA"}),
        json!({"type": "web_search_call", "id": "ws_1", "status": "completed"}),
        json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "hällo", "annotations": [
                {"type": "url_citation", "url": "u", "title": "t"}], "logprobs": []},
                {"type": "refusal", "refusal": "no"}]}),
        json!({"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f",
            "arguments": "{\"a\":1}", "status": "completed"}),
    ]
}

/// The events of [`items`] as OpenAI sends them.
fn events() -> Vec<Value> {
    let all = items();
    let mut list = vec![created()];
    let mut say = |event: Value| list.push(event);
    say_thoughts(&all[0], &mut say);
    say_search(&all[1], &mut say);
    say_message(&all[2], &mut say);
    say_call(&all[3], &mut say);
    say(completed(&json!(all)));
    list
}

fn say_thoughts(item: &Value, say: &mut impl FnMut(Value)) {
    say(
        json!({"type": "response.output_item.added", "output_index": 0,
        "item": {"type": "reasoning", "id": "rs_1", "summary": []}}),
    );
    for (index, text) in [(0, "hm"), (1, "so")] {
        say(
            json!({"type": "response.reasoning_summary_part.added", "output_index": 0,
            "summary_index": index, "part": {"type": "summary_text", "text": ""}}),
        );
        say(
            json!({"type": "response.reasoning_summary_text.delta", "output_index": 0,
            "summary_index": index, "delta": text}),
        );
        say(
            json!({"type": "response.reasoning_summary_text.done", "output_index": 0,
            "summary_index": index, "text": text}),
        );
    }
    say(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
}

fn say_search(item: &Value, say: &mut impl FnMut(Value)) {
    say(json!({"type": "response.output_item.added", "output_index": 1, "item": item}));
    say(json!({"type": "response.web_search_call.searching", "output_index": 1}));
    say(json!({"type": "response.output_item.done", "output_index": 1, "item": item}));
}

fn say_message(item: &Value, say: &mut impl FnMut(Value)) {
    say(
        json!({"type": "response.output_item.added", "output_index": 2,
        "item": {"type": "message", "id": "msg_1", "content": []}}),
    );
    say(
        json!({"type": "response.content_part.added", "output_index": 2, "content_index": 0,
        "part": {"type": "output_text", "text": ""}}),
    );
    for text in ["hä", "llo"] {
        say(
            json!({"type": "response.output_text.delta", "output_index": 2, "content_index": 0,
            "delta": text, "logprobs": []}),
        );
    }
    say(
        json!({"type": "response.output_text.annotation.added", "output_index": 2,
        "content_index": 0, "annotation": {"type": "url_citation", "url": "u", "title": "t"}}),
    );
    say(
        json!({"type": "response.content_part.done", "output_index": 2, "content_index": 0,
        "part": item["content"][0]}),
    );
    say(
        json!({"type": "response.content_part.added", "output_index": 2, "content_index": 1,
        "part": {"type": "refusal", "refusal": ""}}),
    );
    say(
        json!({"type": "response.refusal.delta", "output_index": 2, "content_index": 1,
        "delta": "no"}),
    );
    say(json!({"type": "response.output_item.done", "output_index": 2, "item": item}));
}

fn say_call(item: &Value, say: &mut impl FnMut(Value)) {
    say(
        json!({"type": "response.output_item.added", "output_index": 3,
        "item": {"type": "function_call", "call_id": "c1", "name": "f", "arguments": ""}}),
    );
    for text in ["{\"a\"", ":1}"] {
        say(
            json!({"type": "response.function_call_arguments.delta", "output_index": 3,
            "delta": text}),
        );
    }
    say(json!({"type": "response.output_item.done", "output_index": 3, "item": item}));
}

/// What both [`items`] and [`events`] say. Streams know no ids of thoughts, nor that they are summaries.
fn said() -> Vec<Part> {
    let text = Text {
        text: "hällo".to_owned(),
        annotations: Some(json!([{"type": "url_citation",
            "url_citation": {"url": "u", "title": "t"}}])),
        cache: None,
    };
    let thought = Reasoning {
        text: "hm\n\nso".to_owned(),
        sealed: Some("gAAA".to_owned()),
        ..Reasoning::default()
    };
    vec![
        Part::Reasoning(thought),
        Part::Other(Dialect::Responses, items()[1].clone()),
        Part::Text(text),
        Part::Refusal("no".to_owned()),
        Part::ToolCall(call("c1")),
    ]
}

fn tokens() -> Tokens {
    Tokens {
        input: 5,
        cached_input: 1,
        cache_write: 0,
        output: 3,
        reasoning: 2,
    }
}

#[test]
fn a_whole_answer_is_read() {
    let body = json!({"id": "resp_1", "object": "response", "created_at": 7, "model": "real",
        "status": "completed", "error": null, "instructions": "secret", "tools": [],
        "service_tier": "flex", "output": items(), "usage": completed(&json!([]))["response"]["usage"]});
    let answer = read_answer(body.to_string().as_bytes()).unwrap();
    let mut expected = said();
    if let Part::Reasoning(thought) = &mut expected[0] {
        (thought.id, thought.is_summary) = (Some("rs_1".to_owned()), true);
    }
    assert_eq!(answer.choices[0].parts, expected);
    assert_eq!(answer.choices[0].finish, Some(Finish::ToolCalls));
    assert_eq!(answer.usage, Some(tokens()));
    assert_eq!((answer.id.as_str(), answer.created), ("resp_1", Some(7)));
    let extra = json!({"service_tier": "flex"});
    assert_eq!(
        Value::Object(answer.extra),
        extra,
        "the request is not repeated"
    );
}

#[test]
fn a_stream_says_the_same_in_any_chunking() {
    let bytes = stream(&events());
    let whole = pieces(&bytes, bytes.len());
    let (answer, done) = gathered(&whole);
    assert!(done, "complete");
    assert_eq!(answer.choices[0].parts, said());
    assert_eq!(answer.choices[0].finish, Some(Finish::ToolCalls));
    assert_eq!(answer.usage, Some(tokens()));
    assert_eq!(answer.created, Some(7));
    for split in 0..bytes.len() {
        let (mut reader, mut out) = (Reader::new(), Vec::new());
        reader.push(&bytes[..split], &mut out);
        reader.push(&bytes[split..], &mut out);
        reader.finish(&mut out);
        assert_eq!(out, whole, "split at {split}");
    }
    assert_eq!(pieces(&bytes, 1), whole);
}

#[test]
fn what_did_not_come_in_deltas_is_taken_whole() {
    let only_items: Vec<Value> = [created()]
        .into_iter()
        .chain((0..).zip(items()).map(|(index, item)| {
            json!({"type": "response.output_item.done", "output_index": index, "item": item})
        }))
        .chain([completed(&json!([]))])
        .collect();
    let only_end = vec![created(), completed(&json!(items()))];
    for events in [only_items, only_end] {
        let (answer, done) = gathered(&pieces(&stream(&events), 100));
        assert!(done, "complete");
        assert_eq!(answer.choices[0].parts, said());
    }
}

#[test]
fn every_block_ends_once_wherever_the_stream_stops() {
    let all = events();
    for end in 1..=all.len() {
        let mut open = Vec::new();
        let list = pieces(&stream(&all[..end]), 64);
        for piece in &list {
            match piece {
                Piece::Begin { block, .. } => open.push(*block),
                Piece::Delta { block, .. } => assert!(open.contains(block), "{block} is open"),
                Piece::End { block, .. } => {
                    let place = open.iter().position(|one| one == block);
                    open.remove(place.expect("it is open"));
                }
                _ => {}
            }
        }
        let done = list.contains(&Piece::Done);
        assert_eq!(done, end == all.len(), "done only at the end");
        assert!(!done || open.is_empty(), "all ended");
    }
}

#[test]
fn the_reason_to_end_is_read() {
    let check = |status: &str, reason: Value, expected: Finish| {
        let body = json!({"status": status, "output": [],
            "incomplete_details": {"reason": reason}});
        let answer = read_answer(body.to_string().as_bytes()).unwrap();
        assert_eq!(answer.choices[0].finish, Some(expected.clone()));
        let event = json!({"type": format!("response.{status}"), "response": body});
        let list = pieces(&stream(&[created(), event]), 9);
        let finish = Piece::Finish {
            choice: 0,
            finish: expected,
        };
        assert!(list.contains(&finish), "{list:?}");
    };
    check("completed", Value::Null, Finish::Stop);
    check("incomplete", json!("max_output_tokens"), Finish::Length);
    check("incomplete", json!("content_filter"), Finish::ContentFilter);
    let other = Finish::Other("max_tool_calls".to_owned());
    check("incomplete", json!("max_tool_calls"), other);
}

#[test]
fn errors_are_reported_and_nothing_follows() {
    let error = json!({"code": "rate_limit_exceeded", "message": "slow down"});
    let failed = json!({"type": "response.failed", "response": {"status": "failed",
        "error": error, "output": []}});
    let flat = json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow down",
        "param": null, "sequence_number": 3});
    let nested = json!({"type": "error", "error": {"type": "t", "code": "rate_limit_exceeded",
        "message": "slow down"}});
    for event in [failed, flat, nested] {
        let list = pieces(&stream(&[created(), event, completed(&json!([]))]), 50);
        let Some(Piece::Error(reported)) = list.last() else {
            panic!("an error ends it: {list:?}");
        };
        assert_eq!(reported.message, "slow down");
        assert!(reported.is("rate_limit_exceeded"), "{reported:?}");
        assert!(!reported.is("error"), "the event's type is no kind");
    }
    let body = json!({"status": "failed", "error": error, "output": []});
    let read = read_answer(body.to_string().as_bytes());
    assert!(matches!(read, Err(NotRead::Reported(_))), "{read:?}");
    assert!(matches!(read_answer(b"{}"), Err(NotRead::Other(_))));
}

#[test]
fn empty_and_unknown_events_say_nothing() {
    let bytes = b": hello\n\nevent: ping\ndata: {}\n\ndata:\n\ndata: {\"type\":\"response.next_year\"}\n\ndata: [DONE]\n\n";
    assert_eq!(pieces(bytes, 3), Vec::new());
}

#[test]
fn open_items_are_bounded() {
    let (mut reader, mut out) = (Reader::new(), Vec::new());
    for index in 0..2000 {
        let item = json!({"type": "response.output_item.added", "output_index": index,
            "item": {"type": "message"}});
        reader.push(&stream(&[item]), &mut out);
    }
    assert!(matches!(out.last(), Some(Piece::Error(_))), "too many");
}

#[test]
fn a_last_event_that_is_too_long_is_still_an_end() {
    let mut all = events();
    let mut last = all.pop().unwrap();
    last["response"]["instructions"] = json!("x".repeat(1 << 21));
    let mut bytes = stream(&all);
    let (_, done) = gathered(&pieces(&bytes, 4096));
    assert!(!done, "without its end");
    bytes.extend(stream(&[last]));
    let (answer, done) = gathered(&pieces(&bytes, 4096));
    assert!(done, "with it");
    assert_eq!(answer.choices[0].finish, Some(Finish::ToolCalls));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]
    #[test]
    fn any_order_of_events_is_read_and_written(order in proptest::collection::vec(0_usize..30, 0..40)) {
        let all = events();
        let some: Vec<Value> = order.iter().filter_map(|index| all.get(*index).cloned()).collect();
        let list = pieces(&stream(&some), 1000);
        let ends = list.iter().filter(|piece| matches!(piece, Piece::Done | Piece::Error(_)));
        prop_assert!(ends.count() <= 1, "one end");
        let (mut writer, mut out) = (Writer::new(&plain(), 1, 7), Vec::new());
        for piece in &list {
            writer.piece(piece, &mut out);
        }
        let again = pieces(&out, 1000);
        prop_assert_eq!(again.contains(&Piece::Done), list.contains(&Piece::Done));
    }

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let list = pieces(&bytes, 7);
        prop_assert!(!list.contains(&Piece::Done), "noise is no answer");
        prop_assert!(read_answer(&bytes).is_err());
    }
}
