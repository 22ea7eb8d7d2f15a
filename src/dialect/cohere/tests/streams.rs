use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::Tokens;

fn event(value: &Value) -> String {
    let name = value["type"].as_str().unwrap_or("message");
    format!("event: {name}\ndata: {value}\n\n")
}

fn delta(kind: &str, index: u64, message: &Value) -> String {
    event(&json!({"type": kind, "index": index, "delta": {"message": message}}))
}

fn start() -> String {
    event(
        &json!({"id": "s-1", "type": "message-start", "delta": {"message":
        {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}}),
    )
}

fn end(word: &str) -> String {
    event(
        &json!({"type": "message-end", "delta": {"finish_reason": word, "usage": {
        "billed_units": {"input_tokens": 3, "output_tokens": 4},
        "tokens": {"input_tokens": 90, "output_tokens": 9}, "cached_tokens": 80}}}),
    )
}

fn done() -> String {
    "data: [DONE]\n\n".to_owned()
}

/// Thoughts, a text with a citation inside and one behind it, and its probabilities.
fn text_stream() -> String {
    let citation = |text: &str, index: u64| {
        json!({"citations":
        {"start": 0, "end": 1, "text": text, "sources": [], "type": "TEXT_CONTENT", "content_index": index}})
    };
    [
        start(),
        delta("content-start", 0, &json!({"content": {"type": "thinking", "thinking": ""}})),
        delta("content-delta", 0, &json!({"content": {"thinking": "hé"}})),
        event(&json!({"type": "content-end", "index": 0})),
        delta("content-start", 1, &json!({"content": {"type": "text", "text": ""}})),
        event(&json!({"type": "content-delta", "index": 1, "delta": {"message": {"content": {"text": "It "}}},
            "logprobs": {"text": "It ", "token_ids": [5], "logprobs": [-0.5]}})),
        delta("content-delta", 1, &json!({"content": {"text": "is."}})),
        delta("citation-start", 0, &citation("It", 1)),
        event(&json!({"type": "citation-end", "index": 0})),
        event(&json!({"type": "content-end", "index": 1})),
        delta("citation-start", 1, &citation("is", 1)),
        delta("novel", 0, &json!({"content": {"text": "x"}})),
        end("COMPLETE"),
        done(),
    ]
    .concat()
}

fn call_stream() -> String {
    let call = |id: &str, name: &str| {
        json!({"tool_calls": {"id": id, "type": "function",
        "function": {"name": name, "arguments": ""}}})
    };
    let arguments = |text: &str| json!({"tool_calls": {"function": {"arguments": text}}});
    [
        start(),
        delta("tool-plan-delta", 0, &json!({"tool_plan": "I "})),
        delta("tool-plan-delta", 0, &json!({"tool_plan": "look."})),
        delta("tool-call-start", 0, &call("c1", "f")),
        delta("tool-call-delta", 0, &arguments("{\"a\":")),
        delta("tool-call-delta", 0, &arguments("1}")),
        event(&json!({"type": "tool-call-end", "index": 0})),
        delta("tool-call-start", 1, &call("c2", "g")),
        event(&json!({"type": "tool-call-end", "index": 1})),
        end("TOOL_CALL"),
        done(),
    ]
    .concat()
}

#[test]
fn a_text_is_read_with_its_thoughts_and_citations() {
    let pieces = read(text_stream().as_bytes(), 4096);
    let Piece::Start { id, .. } = &pieces[0] else {
        panic!("{pieces:?}");
    };
    assert_eq!(id, "s-1");
    let all = said_in(&pieces);
    assert_eq!((all.text.as_str(), all.thoughts.as_str()), ("It is.", "hé"));
    assert_eq!(all.citations, 2, "the one behind the text too");
    let tokens = Tokens {
        input: 3,
        output: 4,
        ..Tokens::default()
    };
    let finish = Finish::Stop;
    let last = [
        Piece::Usage(tokens),
        Piece::Finish { choice: 0, finish },
        Piece::Done,
    ];
    assert!(pieces.ends_with(&last), "{pieces:?}");
    let with_logprobs = pieces.iter().any(|piece| {
        matches!(piece, Piece::Delta { delta: Delta::TextWithLogprobs(text, _), .. } if text == "It ")
    });
    assert!(with_logprobs, "{pieces:?}");
}

#[test]
fn calls_come_after_the_plan() {
    let pieces = read(call_stream().as_bytes(), 4096);
    let all = said_in(&pieces);
    assert_eq!(all.thoughts, "I look.");
    let call = |id: &str, name: &str, arguments: &str| (id.into(), name.into(), arguments.into());
    assert_eq!(
        all.calls,
        [call("c1", "f", "{\"a\":1}"), call("c2", "g", "")]
    );
    let finish = Finish::ToolCalls;
    assert!(pieces.contains(&Piece::Finish { choice: 0, finish }));
}

#[test]
fn chunks_do_not_matter() {
    for body in [text_stream(), call_stream()] {
        let bytes = body.as_bytes();
        let whole = read(bytes, bytes.len());
        for at in 0..bytes.len() {
            let (mut reader, mut out) = (Reader::new(), Vec::new());
            reader.push(&bytes[..at], &mut out);
            reader.push(&bytes[at..], &mut out);
            reader.finish(&mut out);
            assert_eq!(out, whole, "split at {at}");
        }
        assert_eq!(read(bytes, 1), whole);
    }
}

#[test]
fn a_cut_stream_is_not_complete() {
    let body = text_stream();
    let complete = body.len() - done().len() - 2;
    for at in 0..complete {
        let pieces = read(&body.as_bytes()[..at], 4096);
        assert!(!pieces.contains(&Piece::Done), "cut at {at}: {pieces:?}");
    }
}

#[test]
fn a_failure_ends_the_stream() {
    let failures = [
        event(
            &json!({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "it broke"}}),
        ),
        event(&json!({"type": "message-end", "delta": {"error": "it broke"}})),
        "data: {\"id\": \"x\", \"message\": \"it broke\"}\n\n".to_owned(),
        "event: error\ndata: {\"message\": \"it broke\"}\n\n".to_owned(),
        "data: {\"error\": {\"message\": \"it broke\"}}\n\n".to_owned(),
    ];
    for failure in failures {
        let body = [start(), failure.clone(), end("COMPLETE"), done()].concat();
        let pieces = read(body.as_bytes(), 4096);
        let Some(Piece::Error(reported)) = pieces.last() else {
            panic!("{failure}: {pieces:?}");
        };
        assert_eq!(reported.message, "it broke", "{failure}");
    }
}

#[test]
fn a_delta_without_a_begin_and_one_of_another_kind_get_blocks_of_their_own() {
    let body = [
        delta("content-delta", 0, &json!({"content": {"thinking": "hm"}})),
        delta("content-delta", 0, &json!({"content": {"text": "so"}})),
        end("MAX_TOKENS"),
    ]
    .concat();
    let pieces = read(body.as_bytes(), 4096);
    let all = said_in(&pieces);
    assert_eq!((all.text.as_str(), all.thoughts.as_str()), ("so", "hm"));
    assert!(matches!(pieces[0], Piece::Start { .. }));
    let finish = Finish::Length;
    assert!(pieces.contains(&Piece::Finish { choice: 0, finish }));
}

#[test]
fn open_blocks_are_bounded() {
    let one = |index: u64| {
        delta(
            "content-start",
            index,
            &json!({"content": {"type": "text", "text": ""}}),
        )
    };
    let body: String = (0..2000).map(one).collect();
    let pieces = read(body.as_bytes(), 4096);
    assert!(matches!(pieces.last(), Some(Piece::Error(_))));
    assert!(pieces.len() < 1100);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
    #[test]
    fn a_changed_byte_never_panics(of_calls in any::<bool>(), at in 0_usize..3000, byte in any::<u8>()) {
        let body = if of_calls { call_stream() } else { text_stream() };
        let mut bytes = body.into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let whole = read(&bytes, bytes.len());
        prop_assert_eq!(read(&bytes, 7), whole.clone());
        let ends = whole.iter().filter(|piece| matches!(piece, Piece::Error(_) | Piece::Done)).count();
        prop_assert!(ends <= 1);
    }
}
