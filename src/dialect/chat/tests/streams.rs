use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::super::neutral::*;
use super::super::{Reader, Writer};
use super::gathered;
use crate::model::Tokens;
use crate::wire::{Code, ErrorBody, StreamReader};

fn read(stream: &str, size: usize) -> Vec<Piece> {
    let (mut reader, mut out) = (Reader::new(), Vec::new());
    for chunk in stream.as_bytes().chunks(size.max(1)) {
        reader.push(chunk, &mut out);
    }
    reader.finish(&mut out);
    out
}

fn events(events: &[Value]) -> String {
    let events: Vec<String> = events
        .iter()
        .map(|event| format!("data: {event}"))
        .collect();
    events.join("\n\n") + "\n\n"
}

#[expect(clippy::needless_pass_by_value, reason = "literals read better so")]
fn delta(delta: Value) -> Value {
    json!({"id": "x", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(word: &str) -> Value {
    json!({"id": "x", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": word}]})
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        ..ToolCall::default()
    })
}

const DONE: &str = "data: [DONE]\n\n";

/// A stream with everything, as several servers send it.
fn fixtures() -> Vec<String> {
    let text = events(&[
        json!({"id": "", "model": "", "choices": [], "prompt_filter_results": []}),
        delta(json!({"role": "assistant", "content": "", "refusal": null})),
        delta(json!({"content": "Hé"})),
        delta(json!({"content": "llo"})),
        finish("stop"),
        json!({"id": "x", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
    ]);
    let tools = events(&[
        delta(
            json!({"reasoning": "th", "reasoning_details": [{"type": "reasoning.text", "text": "th", "index": 0}]}),
        ),
        delta(
            json!({"reasoning_details": [{"type": "reasoning.text", "signature": "s", "index": 0}]}),
        ),
        delta(
            json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "zz", "index": 1}]}),
        ),
        delta(
            json!({"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
        ),
        delta(
            json!({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{\"x\""}}]}),
        ),
        delta(
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}, {"index": 1, "function": {"arguments": ":1}"}}]}),
        ),
        finish("tool_calls"),
    ]);
    let odd = events(&[
        delta(
            json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}]}),
        ),
        json!({"choices": [{"delta": {"content": "a"}, "logprobs": {"content": [{"token": "a"}]}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1}, "citations": ["https://a.example"]}),
    ]);
    vec![
        format!(": hello\n\n{text}{DONE}"),
        format!("{tools}{DONE}").replace('\n', "\r\n"),
        format!("{odd}{DONE}"),
        text,
        events(&[delta(json!({"content": "cut"}))]),
        events(&[
            delta(json!({"content": "a"})),
            json!({"error": {"message": "m", "code": 502}}),
        ]),
    ]
}

#[test]
fn chunks_do_not_matter() {
    for stream in fixtures() {
        let whole = read(&stream, usize::MAX);
        for size in 1..120 {
            assert_eq!(read(&stream, size), whole, "chunks of {size}");
        }
    }
}

#[test]
fn a_plain_stream_gives_text_reason_and_counts() {
    let fixtures = fixtures();
    let (answer, done) = gathered(&read(&fixtures[0], 7));
    assert!(done);
    assert_eq!((answer.id.as_str(), answer.model.as_str()), ("x", "m"));
    assert_eq!(answer.choices[0].parts, [Part::Text(Text::plain("Héllo"))]);
    assert_eq!(answer.choices[0].finish, Some(Finish::Stop));
    assert_eq!(
        answer.usage,
        Some(Tokens {
            input: 3,
            output: 2,
            ..Tokens::default()
        })
    );
    let (same, done) = gathered(&read(&fixtures[3], 7));
    assert!(done, "a reason to end is an end, also without [DONE]");
    assert_eq!(same, answer);
    let (_, done) = gathered(&read(&fixtures[4], 7));
    assert!(!done, "a cut stream is not complete");
}

#[test]
fn thoughts_and_interleaved_calls_come_whole() {
    let (answer, done) = gathered(&read(&fixtures()[1], 9));
    assert!(done);
    let [Part::Reasoning(first), Part::Reasoning(second), rest @ ..] =
        answer.choices[0].parts.as_slice()
    else {
        panic!("{answer:?}");
    };
    assert_eq!(
        (first.text.as_str(), first.signature.as_deref()),
        ("th", Some("s"))
    );
    assert_eq!(second.sealed.as_deref(), Some("zz"));
    assert_eq!(rest, [call("a", "f", "{}"), call("b", "g", "{\"x\":1}")]);
}

#[test]
fn calls_are_told_apart_however_a_server_sends_them() {
    let check = |deltas: &[Value], expected: &[Part]| {
        let mut all: Vec<Value> = deltas
            .iter()
            .map(|one| delta(json!({ "tool_calls": one })))
            .collect();
        all.push(finish("stop"));
        let (answer, _) = gathered(&read(&events(&all), 50));
        assert_eq!(answer.choices[0].parts, expected, "{deltas:?}");
        assert_eq!(answer.choices[0].finish, Some(Finish::ToolCalls));
    };
    let both = [call("a", "f", "{\"x\":1}"), call("b", "f", "{}")];
    let whole = |id: &str, arguments: &str| json!({"id": id, "function": {"name": "f", "arguments": arguments}});
    // Whole calls, without an index; all under one index; in one list.
    check(
        &[json!([whole("a", "{\"x\":1}")]), json!([whole("b", "{}")])],
        &both,
    );
    let under_0 = |id, arguments| {
        let mut call = whole(id, arguments);
        call["index"] = json!(0);
        json!([call])
    };
    check(&[under_0("a", "{\"x\":1}"), under_0("b", "{}")], &both);
    check(&[json!([whole("a", "{\"x\":1}"), whole("b", "{}")])], &both);
    // Name and id repeated in every fragment.
    check(
        &[
            json!([whole("a", "{\"x\"")]),
            json!([whole("a", ":1}")]),
            json!([whole("b", "{}")]),
        ],
        &both,
    );
    // Neither index nor id.
    let bare = |arguments: &str| json!([{"function": {"name": "f", "arguments": arguments}}]);
    check(
        &[bare("{\"x\""), bare(":1}"), bare("{}")],
        &[call("call_0", "f", "{\"x\":1}"), call("call_1", "f", "{}")],
    );
    // The name after the arguments, arguments as JSON.
    check(
        &[
            json!([{"index": 0, "id": "a", "function": {"arguments": "{\"x\""}}]),
            json!([{"index": 0, "function": {"name": "f", "arguments": ":1}"}}]),
            json!([{"index": 1, "id": "b", "function": {"name": "f", "arguments": {}}}]),
        ],
        &both,
    );
}

#[test]
fn odd_contents_are_read() {
    let pieces = read(&fixtures()[2], 11);
    let (answer, done) = gathered(&pieces);
    assert!(done);
    assert!(matches!(&answer.choices[0].parts[0], Part::Reasoning(one) if one.text == "t"));
    assert!(
        matches!(&answer.choices[0].parts[1], Part::Text(one) if one.text == "a" && one.annotations.is_some())
    );
    let has_logprobs = |piece: &Piece| matches!(piece, Piece::Delta { delta: Delta::TextWithLogprobs(text, _), .. } if text == "a");
    assert!(pieces.iter().any(has_logprobs));
    let old = events(&[
        json!({"choices": [{"delta": {"function_call": {"name": "f", "arguments": "{"}}}]}),
        json!({"choices": [{"delta": {"function_call": {"arguments": "}"}}, "finish_reason": "function_call"}]}),
    ]);
    let (answer, _) = gathered(&read(&old, 10));
    assert_eq!(answer.choices[0].parts, [call("call_0", "f", "{}")]);
}

#[test]
fn an_error_is_the_last_piece() {
    let stream = format!("{}data: [DONE]\n\n", fixtures()[5]);
    let pieces = read(&stream, 13);
    assert!(matches!(pieces.last(), Some(Piece::Error(reported)) if reported.is("502")));
    for broken in [
        "data: {\"choi\n\n",
        "data: 7\n\n",
        "event: error\ndata: x\n\n",
    ] {
        let pieces = read(&format!("{broken}{DONE}"), 5);
        assert!(matches!(pieces.as_slice(), [Piece::Error(_)]), "{broken}");
    }
}

#[test]
fn a_large_event_costs_linear_work_and_is_not_swallowed() {
    let large = format!("data: {}\n\n{DONE}", "x".repeat(10 << 20));
    let pieces = read(&large, 100);
    assert!(matches!(pieces.as_slice(), [Piece::Error(_)]));
}

fn write(pieces: &[Piece], include_usage: bool) -> String {
    let request = Request {
        include_usage,
        ..Request::default()
    };
    let (mut writer, mut out) = (Writer::new(&request, 7, 9), Vec::new());
    for piece in pieces {
        writer.piece(piece, &mut out);
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn what_is_written_reads_as_the_same_answer() {
    for stream in fixtures().into_iter().take(4) {
        let pieces = read(&stream, 64);
        let written = write(&pieces, true);
        let (again, done) = gathered(&read(&written, 33));
        assert!(done && written.ends_with(DONE));
        let (answer, _) = gathered(&pieces);
        let usage = answer.usage;
        assert_eq!(again.choices, answer.choices);
        assert_eq!(again.usage, usage);
        let mut seen = StreamReader::new();
        seen.push(written.as_bytes());
        assert_eq!(
            seen.finish().usage,
            usage,
            "the wire's own reader sees the counts"
        );
        assert_eq!(seen.seen().unreadable, 0);
    }
}

#[test]
fn counts_are_written_only_if_asked_for_and_done_only_when_it_is() {
    let pieces = read(&fixtures()[0], 64);
    let quiet = write(&pieces, false);
    assert!(!quiet.contains("usage"), "{quiet}");
    let asked = write(&pieces, true);
    assert!(
        asked.contains(r#""choices":[],"usage":{"prompt_tokens":3"#),
        "{asked}"
    );
    let first: Value = serde_json::from_str(
        asked
            .lines()
            .next()
            .unwrap()
            .strip_prefix("data: ")
            .unwrap(),
    )
    .unwrap();
    assert_eq!(first["choices"][0]["delta"]["role"], "assistant");
    let (_, unfinished) = pieces.split_last().unwrap();
    assert!(!write(unfinished, true).contains("[DONE]"));
}

#[test]
fn an_error_ends_the_written_stream() {
    let (mut writer, mut out) = (Writer::new(&Request::default(), 7, 9), Vec::new());
    writer.error(&ErrorBody::new(Code::UpstreamError, "gone"), &mut out);
    writer.piece(&Piece::Done, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("upstream_error") && !text.contains("[DONE]"));
    let secret = Piece::Error(crate::wire::Reported {
        message: "sk-1".to_owned(),
        ..Default::default()
    });
    let told = write(&[secret, Piece::Done], true);
    assert!(told.contains("\"error\"") && !told.contains("sk-1") && !told.contains("[DONE]"));
}

#[test]
fn a_call_without_arguments_has_the_empty_object() {
    let (choice, block) = (0, 0);
    let kind = Block::ToolCall {
        id: "a".to_owned(),
        name: "f".to_owned(),
    };
    let written = write(
        &[
            Piece::Begin {
                choice,
                block,
                kind,
            },
            Piece::End { choice, block },
            Piece::Finish {
                choice,
                finish: Finish::ToolCalls,
            },
            Piece::Done,
        ],
        false,
    );
    let (answer, _) = gathered(&read(&written, 10));
    assert_eq!(answer.choices[0].parts, [call("a", "f", "{}")]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
    #[test]
    fn any_bytes_are_read(body in proptest::collection::vec(any::<u8>(), 0..300), size in 1_usize..50) {
        let text = String::from_utf8_lossy(&body);
        let _ = read(&text, size);
        let _ = read(&format!("data: {text}\n\n"), size);
    }

    #[test]
    fn a_flipped_byte_never_panics(which in 0_usize..6, at in 0_usize..3000, byte in any::<u8>()) {
        let mut bytes = fixtures()[which].clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let (mut reader, mut out) = (Reader::new(), Vec::new());
        reader.push(&bytes, &mut out);
        reader.finish(&mut out);
        let errors = out.iter().filter(|piece| matches!(piece, Piece::Error(_))).count();
        prop_assert!(errors <= 1);
    }
}
