use serde_json::{Value, json};

use super::super::super::neutral::*;
use super::super::read_answer;
use super::target_gathered::{gathered, pieces};
use crate::model::Tokens;
use crate::wire::Reported;

/// An event as Anthropic writes it.
fn event(data: &Value) -> String {
    let name = data["type"].as_str().unwrap();
    format!("event: {name}\ndata: {data}\n\n")
}

fn stream(events: &[Value]) -> Vec<u8> {
    events.iter().map(event).collect::<String>().into_bytes()
}

fn start() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "claude-x", "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 5,
            "output_tokens": 1, "service_tier": "standard"}}})
}

fn begin(index: u64, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn end(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn finish(reason: &str) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
        "usage": {"output_tokens": 42}})
}

fn stop() -> Value {
    json!({"type": "message_stop"})
}

fn thoughts() -> Vec<Value> {
    vec![
        begin(
            0,
            &json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        delta(0, &json!({"type": "thinking_delta", "thinking": "let me "})),
        delta(0, &json!({"type": "thinking_delta", "thinking": "see"})),
        delta(0, &json!({"type": "signature_delta", "signature": "c2ln"})),
        end(0),
        begin(1, &json!({"type": "redacted_thinking", "data": "c2Vh"})),
        end(1),
    ]
}

fn text() -> Vec<Value> {
    let cited = json!({"type": "char_location", "cited_text": "é", "document_index": 0});
    vec![
        begin(2, &json!({"type": "text", "text": ""})),
        delta(2, &json!({"type": "text_delta", "text": "hé"})),
        delta(2, &json!({"type": "citations_delta", "citation": cited})),
        delta(2, &json!({"type": "novel_delta", "novel": 1})),
        delta(2, &json!({"type": "text_delta", "text": "llo 🎈"})),
        end(2),
    ]
}

fn search() -> Vec<Value> {
    vec![
        begin(
            3,
            &json!({"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}}),
        ),
        delta(3, &json!({"type": "input_json_delta", "partial_json": ""})),
        delta(
            3,
            &json!({"type": "input_json_delta", "partial_json": "{\"query\":"}),
        ),
        delta(
            3,
            &json!({"type": "input_json_delta", "partial_json": " \"x\"}"}),
        ),
        end(3),
        begin(
            4,
            &json!({"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"url": "u"}]}),
        ),
        end(4),
    ]
}

fn calls() -> Vec<Value> {
    vec![
        begin(
            5,
            &json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}),
        ),
        delta(5, &json!({"type": "input_json_delta", "partial_json": ""})),
        delta(
            5,
            &json!({"type": "input_json_delta", "partial_json": "{\"z\": 1,"}),
        ),
        delta(
            5,
            &json!({"type": "input_json_delta", "partial_json": " \"a\": 2}"}),
        ),
        end(5),
        begin(
            6,
            &json!({"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}}),
        ),
        end(6),
        begin(
            7,
            &json!({"type": "tool_use", "id": "toolu_3", "name": "h", "input": {"q": 1}}),
        ),
        end(7),
    ]
}

fn compaction() -> Vec<Value> {
    vec![
        begin(8, &json!({"type": "compaction", "content": null})),
        delta(8, &json!({"type": "compaction_delta", "content": "so "})),
        delta(8, &json!({"type": "compaction_delta", "content": "far"})),
        end(8),
    ]
}

/// One of everything.
fn fixture() -> Vec<u8> {
    let novel = vec![json!({"type": "novel_event", "data": 1})];
    let end = vec![finish("tool_use"), stop()];
    let parts = [
        vec![start()],
        thoughts(),
        text(),
        search(),
        novel,
        calls(),
        compaction(),
        end,
    ];
    stream(&parts.concat())
}

#[test]
fn a_stream_says_what_the_whole_answer_says() {
    let out = pieces(&fixture(), usize::MAX);
    assert_eq!(out.last(), Some(&Piece::Done));
    let answer = gathered(&out);
    let whole = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [
        {"type": "thinking", "thinking": "let me see", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "c2Vh"},
        {"type": "text", "text": "héllo 🎈",
            "citations": [{"type": "char_location", "cited_text": "é", "document_index": 0}]},
        {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"url": "u"}]},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"z": 1, "a": 2}},
        {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
        {"type": "tool_use", "id": "toolu_3", "name": "h", "input": {"q": 1}},
        {"type": "compaction", "content": "so far"}],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 5,
            "output_tokens": 42}});
    let mut expected = read_answer(whole.to_string().as_bytes()).unwrap();
    // The stream's arguments are as they were sent, blanks and all.
    if let Part::ToolCall(call) = &mut expected.choices[0].parts[5] {
        assert_eq!(call.arguments, r#"{"z":1,"a":2}"#);
        call.arguments = r#"{"z": 1, "a": 2}"#.to_owned();
    }
    assert_eq!(answer, expected);
}

#[test]
fn every_split_gives_the_same_pieces() {
    let bytes = fixture();
    let whole = pieces(&bytes, usize::MAX);
    assert!(whole.len() > 30, "the fixture says much");
    for size in 1..200 {
        assert_eq!(pieces(&bytes, size), whole, "chunks of {size}");
    }
    for at in 0..bytes.len() {
        let (mut reader, mut out) = (super::super::Reader::new(), Vec::new());
        reader.push(&bytes[..at], &mut out);
        reader.push(&bytes[at..], &mut out);
        reader.finish(&mut out);
        assert_eq!(out, whole, "split at {at}");
    }
}

#[test]
fn a_stream_that_is_cut_never_looks_complete() {
    let bytes = fixture();
    let last = bytes.len() - event(&stop()).len();
    for at in (0..=last).step_by(3) {
        let out = pieces(&bytes[..at], 64);
        let is_over = |piece: &Piece| matches!(piece, Piece::Done | Piece::Finish { .. });
        assert!(!out.iter().any(is_over), "cut at {at}");
    }
}

#[test]
fn counts_that_are_not_repeated_still_hold() {
    let tokens = |output| Tokens {
        input: 45,
        cached_input: 30,
        cache_write: 5,
        output,
        reasoning: 0,
    };
    let out = pieces(&stream(&[start(), finish("end_turn"), stop()]), 9);
    assert!(
        matches!(&out[0], Piece::Start { usage: Some(first), .. } if *first == tokens(1)),
        "{out:?}"
    );
    assert_eq!(out[1], Piece::Usage(tokens(42)));
    let finish = Finish::Stop;
    assert_eq!(out[2], Piece::Finish { choice: 0, finish });
    assert_eq!(out[3..], [Piece::Done]);
}

#[test]
fn all_counts_may_come_at_the_end() {
    let first =
        json!({"type": "message_start", "message": {"id": "m", "model": "x", "usage": null}});
    let last = json!({"type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END"},
        "usage": {"input_tokens": 7, "output_tokens": 9, "cache_read_input_tokens": null}});
    let out = pieces(&stream(&[first, last, stop()]), 5);
    assert!(
        matches!(&out[0], Piece::Start { usage: None, .. }),
        "{out:?}"
    );
    assert!(matches!(&out[1], Piece::Usage(tokens) if (tokens.input, tokens.output) == (7, 9)));
    let finish = Finish::StopSequence(Some("END".to_owned()));
    assert_eq!(out[2], Piece::Finish { choice: 0, finish });
}

#[test]
fn an_error_event_is_the_last_word() {
    let error =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let out = pieces(&stream(&[start(), error.clone(), stop()]), 3);
    let expected = Piece::Error(Reported {
        message: "Overloaded".to_owned(),
        kind: Some("overloaded_error".to_owned()),
        code: None,
    });
    assert_eq!(out[1..], *std::slice::from_ref(&expected));
    // Without the line that names it, and without its own type.
    let bare = format!("data: {error}\n\n");
    assert_eq!(pieces(bare.as_bytes(), 1), *std::slice::from_ref(&expected));
    let bare = format!("data: {}\n\n", json!({"error": error["error"]}));
    assert_eq!(pieces(bare.as_bytes(), 1), [expected]);
    let out = pieces(b"event: error\ndata: gone\n\n", 1);
    assert!(matches!(&out[..], [Piece::Error(_)]), "{out:?}");
}

#[test]
fn events_are_known_by_type_or_by_name() {
    let whole = pieces(&fixture(), usize::MAX);
    let text = String::from_utf8(fixture()).unwrap();
    let lines = |keep: fn(&&str) -> bool| -> String {
        let kept = text.lines().filter(keep);
        kept.flat_map(|line| [line, "\r\n"]).collect()
    };
    let by_type = lines(|line| !line.starts_with("event:"));
    assert_eq!(pieces(by_type.as_bytes(), 11), whole);
    let by_name = "event: message_start\ndata: {\"message\": {\"id\": \"m\"}}\n\nevent: message_stop\ndata: {}\n\n";
    let out = pieces(by_name.as_bytes(), 11);
    assert!(matches!(&out[..], [Piece::Start { id, .. }, Piece::Done] if id == "m"));
}

#[test]
fn what_says_nothing_is_ignored() {
    let noise = ": comment\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\ndata:\n\nevent: novel\ndata: text\n\ndata: [DONE]\n\n";
    let mut bytes = noise.as_bytes().to_vec();
    bytes.extend(fixture());
    bytes.extend(noise.as_bytes());
    bytes.extend(fixture());
    assert_eq!(pieces(&bytes, 100), pieces(&fixture(), 100));
}

#[test]
fn text_and_thoughts_may_come_without_a_beginning() {
    let out = pieces(
        &stream(&[
            delta(0, &json!({"type": "thinking_delta", "thinking": "hm"})),
            delta(0, &json!({"type": "text_delta", "text": "yes"})),
            finish("end_turn"),
            stop(),
        ]),
        50,
    );
    let parts = gathered(&out).choices.remove(0).parts;
    let thought = Reasoning {
        text: "hm".to_owned(),
        ..Reasoning::default()
    };
    assert_eq!(
        parts,
        [Part::Reasoning(thought), Part::Text(Text::plain("yes"))]
    );
}

#[test]
fn arguments_that_come_in_fragments_go_before_those_of_the_beginning() {
    let call = json!({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}});
    let part = json!({"type": "input_json_delta", "partial_json": "{\"a\":2}"});
    let bytes = stream(&[start(), begin(0, &call), delta(0, &part), stop()]);
    let parts = gathered(&pieces(&bytes, 7)).choices.remove(0).parts;
    assert!(
        matches!(&parts[..], [Part::ToolCall(call)] if call.arguments == "{\"a\":2}"),
        "{parts:?}"
    );
}

#[test]
fn what_loses_a_part_of_the_answer_is_an_error() {
    let check = |bytes: &[u8]| {
        let out = pieces(bytes, 1000);
        assert!(matches!(out.last(), Some(Piece::Error(_))), "{out:?}");
        let errors = out.iter().filter(|piece| matches!(piece, Piece::Error(_)));
        assert_eq!(errors.count(), 1);
    };
    let part = json!({"type": "input_json_delta", "partial_json": "{}"});
    check(&stream(&[start(), delta(0, &part), stop()]));
    check(b"event: content_block_delta\ndata: {\"type\": \"content\n\n");
    check(b"data: <html>\n\n");
    check(&stream(&[
        json!({"type": "content_block_start", "index": 0}),
        stop(),
    ]));
    check(&stream(&[
        json!({"type": "content_block_delta", "index": 0}),
        stop(),
    ]));
    let long = "x".repeat(crate::wire::sse::MAX_EVENT + 1);
    let text = json!({"type": "text_delta", "text": long});
    check(&stream(&[start(), delta(0, &text), stop()]));
}

#[test]
fn a_hostile_stream_is_held_within_bounds() {
    let text = json!({"type": "text", "text": ""});
    let many: Vec<Value> = (0..2000).map(|index| begin(index, &text)).collect();
    let out = pieces(&stream(&many), 4096);
    assert!(
        matches!(out.last(), Some(Piece::Error(_))),
        "too many blocks"
    );
    let other = begin(0, &json!({"type": "novel"}));
    let more = delta(
        0,
        &json!({"type": "novel_delta", "text": "x".repeat(500_000)}),
    );
    let mut long = vec![other];
    long.extend(std::iter::repeat_n(more, 20));
    let out = pieces(&stream(&long), 4096);
    assert!(
        matches!(out.last(), Some(Piece::Error(_))),
        "too much is held"
    );
}

#[test]
fn a_changed_stream_still_has_its_pieces_in_order() {
    let bytes = fixture();
    for at in (0..bytes.len()).step_by(5) {
        for sign in *b"}\"\n1" {
            let mut changed = bytes.clone();
            changed[at] = sign;
            let mut out = pieces(&changed, usize::MAX);
            if matches!(out.last(), Some(Piece::Error(_))) {
                out.pop();
            }
            // Fails where pieces are out of order, or come after the end.
            gathered(&out);
        }
    }
}
