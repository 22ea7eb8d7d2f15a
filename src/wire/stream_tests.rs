use proptest::prelude::*;

use super::*;

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

fn delta(delta: &str) -> String {
    event(&format!(
        r#"{{"id":"x","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}],"usage":null}}"#
    ))
}

fn watch(stream: &str) -> Seen {
    let mut reader = StreamReader::new();
    reader.push(stream.as_bytes());
    reader.finish().clone()
}

/// A stream as OpenAI sends it, with usage.
fn whole() -> String {
    [
        delta(r#"{"role":"assistant","content":""}"#),
        delta(r#"{"content":"He"}"#),
        delta(r#"{"content":"llo \"usage\": {\"error\":1}"}"#),
        event(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#),
        event(
            r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#,
        ),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat()
}

#[test]
fn a_whole_stream_is_ok_with_its_tokens() {
    let seen = watch(&whole());
    let expected = Seen {
        first_content: true,
        events: 6,
        content_events: 2,
        usage: Some(Tokens {
            input: 9,
            cached_input: 4,
            output: 2,
            ..Tokens::default()
        }),
        finished: true,
        refused: false,
        done: true,
        error: None,
        unreadable: 0,
    };
    assert_eq!(seen, expected);
    assert_eq!(seen.outcome(), Some(Outcome::Ok));
}

#[test]
fn groqs_own_counts_are_seen_and_openais_go_first() {
    let own = r#""x_groq":{"id":"r","usage":{"prompt_tokens":7,"completion_tokens":2}}"#;
    let end = r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}]"#;
    let begin = delta(r#"{"content":"a"}"#);
    let tokens = |end: &str| {
        watch(&[begin.as_str(), &event(end)].concat())
            .usage
            .map(|seen| (seen.input, seen.output))
    };
    assert_eq!(tokens(&format!("{{{end},{own}}}")), Some((7, 2)));
    let both = format!(r#"{{{end},{own},"usage":{{"prompt_tokens":8,"completion_tokens":3}}}}"#);
    assert_eq!(tokens(&both), Some((8, 3)), "after Groq's");
    let both = format!(r#"{{{end},"usage":{{"prompt_tokens":8,"completion_tokens":3}},{own}}}"#);
    assert_eq!(tokens(&both), Some((8, 3)), "before Groq's");
}

#[test]
fn chunks_do_not_matter() {
    let stream = whole();
    for size in 1..200 {
        let mut reader = StreamReader::new();
        stream.as_bytes().chunks(size).for_each(|chunk| {
            reader.push(chunk);
        });
        assert_eq!(reader.finish(), &watch(&stream), "chunks of {size}");
    }
}

#[test]
fn a_role_alone_is_not_content_and_everything_shown_is() {
    let check = |fields: &str, is_content| {
        let seen = watch(&delta(fields));
        assert_eq!(seen.first_content, is_content, "{fields}");
        assert_eq!(seen.content_events, u32::from(is_content), "{fields}");
    };
    for empty in [
        r#"{"role":"assistant"}"#,
        r#"{"role":"assistant","content":"","refusal":null}"#,
        r#"{"content":null,"tool_calls":[ ]}"#,
        r#"{"audio":{}}"#,
        "{}",
        "null",
        "[]",
    ] {
        check(empty, false);
    }
    for full in [
        r#"{"content":" "}"#,
        r#"{"content":[{"type":"text","text":"x"}]}"#,
        r#"{"reasoning_content":"hm"}"#,
        r#"{"reasoning":"hm"}"#,
        r#"{"refusal":"no"}"#,
        r#"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}"#,
        r#"{"function_call":{"name":"f"}}"#,
        r#"{"audio":{"data":"AAA"}}"#,
    ] {
        check(full, true);
    }
    let legacy = watch(&event(r#"{"choices":[{"text":"x","finish_reason":null}]}"#));
    assert!(legacy.first_content, "the older API's text is content");
    let second = watch(&event(
        r#"{"choices":[{"delta":{}},{"delta":{"content":"x"}}]}"#,
    ));
    assert!(second.first_content, "any choice counts");
}

#[test]
fn an_end_without_done_and_reason_is_cut() {
    let content = delta(r#"{"content":"a"}"#);
    let finish = event(r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#);
    let done = event("[DONE]");
    let check = |parts: &[&str], expected| {
        let stream = parts.concat();
        assert_eq!(watch(&stream).outcome(), Some(expected), "{stream}");
    };
    check(&[&content], Outcome::CutStream);
    check(&[&content, &done], Outcome::Ok);
    check(&[&content, &finish], Outcome::Ok);
    check(&[&finish, &done], Outcome::Ok);
    check(&[&done], Outcome::Malformed);
    check(&[], Outcome::Malformed);
    check(&["<html>\n\n</html>"], Outcome::Malformed);
    check(&[": ping\n\n", &delta("{}")], Outcome::Malformed);
    check(&[&content, "data: [DONE]"], Outcome::Ok);
}

#[test]
fn an_error_in_the_stream_is_found_before_and_after_content() {
    let content = delta(r#"{"content":"a"}"#);
    for error in [
        event(r#"{"error":{"message":"m","type":"server_error","code":"c"}}"#),
        "event: error\ndata: {\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}\n\n"
            .to_owned(),
        "event: error\ndata: {\"message\":\"m\",\"code\":\"c\"}\n\n".to_owned(),
    ] {
        let before = watch(&error);
        assert!(
            before.error.as_ref().is_some_and(|error| error.is("c")),
            "{error}"
        );
        assert_eq!(before.outcome(), None, "{error}");
        let after = watch(&format!("{content}{error}"));
        assert!(after.error.is_some(), "{error}");
        assert_eq!(after.outcome(), Some(Outcome::CutStream), "{error}");
    }
    let strange = watch("event: error\ndata: gone\n\n");
    assert!(strange.error.is_some(), "an error that is not JSON is one");
    let fine = watch(&event(
        r#"{"choices":[{"delta":{"content":"a"}}],"error":null}"#,
    ));
    assert_eq!(fine.error, None);
}

#[test]
fn what_follows_done_does_not_count() {
    let seen = watch(&format!("{}{}", whole(), delta(r#"{"content":"more"}"#)));
    assert_eq!(seen, watch(&whole()));
}

#[test]
fn an_event_beyond_the_bound_is_content() {
    let large = delta(&format!(
        r#"{{"audio":{{"data":"{}"}}}}"#,
        "A".repeat(2 << 20)
    ));
    let seen = watch(&format!("{large}{}", event("[DONE]")));
    assert_eq!((seen.content_events, seen.done), (1, true));
}

#[test]
fn usage_in_every_event_is_the_last_and_does_not_hide_content() {
    let with = |n: u32| {
        event(&format!(
            r#"{{"choices":[{{"delta":{{"content":"a"}}}}],"usage" : {{"prompt_tokens":5,"completion_tokens":{n}}}}}"#
        ))
    };
    let seen = watch(&[with(1), with(2), with(3)].concat());
    assert_eq!(seen.content_events, 3);
    assert_eq!(seen.usage.map(|tokens| tokens.output), Some(3));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
    #[test]
    fn random_bytes_never_panic_and_are_never_an_answer(stream in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut reader = StreamReader::new();
        reader.push(&stream);
        prop_assert_eq!(reader.finish().outcome(), Some(Outcome::Malformed));
    }

    #[test]
    fn a_flipped_byte_never_panics(at in 0usize..600, byte in any::<u8>(), size in 1usize..64) {
        let mut stream = whole().into_bytes();
        let at = at % stream.len();
        stream[at] = byte;
        let mut reader = StreamReader::new();
        stream.chunks(size).for_each(|chunk| { reader.push(chunk); });
        prop_assert!(reader.finish().content_events <= 4);
    }
}

#[test]
fn a_stream_is_cut_while_one_of_its_choices_has_not_ended() {
    let piece = |index: u32, text: &str| {
        event(&format!(
            r#"{{"choices":[{{"index":{index},"delta":{{"content":"{text}"}},"finish_reason":null}}]}}"#
        ))
    };
    let end = |index: u32| {
        event(&format!(
            r#"{{"choices":[{{"index":{index},"delta":{{}},"finish_reason":"stop"}}]}}"#
        ))
    };
    let check = |parts: &[String], expected| {
        let stream = parts.concat();
        assert_eq!(watch(&stream).outcome(), Some(expected), "{stream}");
    };
    let both = [piece(0, "a"), piece(1, "b"), piece(0, "c")];
    let with = |more: &[String]| [&both, more].concat();
    check(&with(&[end(0)]), Outcome::CutStream);
    check(&with(&[end(1)]), Outcome::CutStream);
    check(&with(&[end(0), piece(1, "d")]), Outcome::CutStream);
    check(&with(&[end(0), end(1)]), Outcome::Ok);
    check(&with(&[end(1), piece(0, "d"), end(0)]), Outcome::Ok);
    check(&with(&[end(0), event("[DONE]")]), Outcome::Ok);
    // One that begins after another has ended.
    check(&[piece(0, "a"), end(0), piece(1, "b")], Outcome::CutStream);
    let pair = r#"{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}"#;
    let first = r#"{"choices":[{"finish_reason":"stop"}]}"#;
    let all = r#"{"choices":[{"finish_reason":"stop"},{"finish_reason":"stop"}]}"#;
    check(&[event(pair), event(first)], Outcome::CutStream);
    check(&[event(pair), event(all)], Outcome::Ok);
    // More choices than are told apart are not waited for.
    check(&[piece(0, "a"), piece(4_000_000, "b"), end(0)], Outcome::Ok);
}
