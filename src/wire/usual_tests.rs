use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::wire::{Seen, StreamReader, WholeEvents};

/// A chunk of chat that says `text`, which is JSON as it stands between its quotes.
fn chunk(text: &str) -> String {
    format!(
        "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{{\"index\":0,\
         \"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}],\"usage\":null}}\n\n"
    )
}

fn kept(event: &str) -> Usual {
    let mut usual = Usual::default();
    usual.keep(event.as_bytes());
    usual
}

#[test]
fn events_that_differ_in_their_text_alone_are_usual() {
    let mut usual = kept(&chunk("Hello"));
    for text in [
        " world",
        "",
        "a \\\"quote\\\" and a \\n",
        "\\\\",
        "\"usage\"".trim_matches('"'),
    ] {
        assert_eq!(usual.count(chunk(text).as_bytes()), 1, "{text:?}");
    }
    let two = [chunk("one"), chunk("two")].concat();
    assert_eq!(usual.count(two.as_bytes()), 2, "one behind the other");
}

#[test]
fn whatever_else_differs_is_looked_at() {
    let mut usual = kept(&chunk("Hello"));
    let event = chunk("x");
    let changed = [
        event.replace("finish_reason\":null", "finish_reason\":\"stop\""),
        event.replace("\"usage\":null", "\"usage\":{\"prompt_tokens\":1}"),
        event.replace("\"index\":0", "\"index\":1"),
        event.replace("\n\n", "\r\n\r\n"),
        event.trim_end().to_owned(),
        event.replace("\"content\"", "\"refusal\""),
        event.replace("\"x\"}", "\"x\",\"y\":1}"),
        "data: [DONE]\n\n".to_owned(),
        format!("{event}data: [DONE]\n\n"),
        chunk("a\nb"),
        chunk("a\rb"),
        chunk("a\\"),
    ];
    for event in changed {
        assert_eq!(usual.count(event.as_bytes()), 0, "{event:?}");
    }
}

#[test]
fn an_event_whose_text_could_be_a_key_is_not_kept() {
    for event in [
        "data: {\"content\":\"x\":1}\n\n",
        "data: {\"my_content\":\"x\"}\n\n",
        "data: {\"content\":\"x\\\n\n",
        ": {\"content\":\"x\"}\n\n",
        "event: e\ndata: {\"content\":\"x\"}\n\n",
        "data: {\"text\":\"x\"}\n\n",
    ] {
        assert_eq!(kept(event).count(event.as_bytes()), 0, "{event:?}");
    }
    let thought = "data: {\"delta\":{\"reasoning_content\":\"x\"}}\n\n";
    assert_eq!(kept(thought).count(thought.as_bytes()), 1);
}

#[test]
fn streams_whose_events_all_differ_are_given_up() {
    let mut usual = Usual::default();
    let padded = |i: usize| chunk("x").replace("null}\n", &format!("null,\"p\":\"{i}\"}}\n"));
    for i in 0..20 {
        let event = padded(i);
        assert_eq!(usual.count(event.as_bytes()), 0, "each is another");
        usual.keep(event.as_bytes());
    }
    assert_eq!(
        usual.count(padded(19).as_bytes()),
        0,
        "nothing is kept any more"
    );
}

/// What a reader has seen of `chunks`, and what a client gets of them, with the usual ones known or all looked at.
fn passed(chunks: &[String], knows: bool) -> (Seen, Vec<Bytes>) {
    let (mut reader, mut events) = (StreamReader::new(), WholeEvents::new(true));
    let (mut usual, mut is_between, mut out) = (Usual::default(), false, Vec::new());
    for chunk in chunks {
        let chunk = Bytes::from(chunk.clone());
        let is_open = !reader.seen().done && reader.seen().error.is_none();
        let known = if knows && is_between && is_open {
            usual.count(&chunk)
        } else {
            0
        };
        reader.count_plain(known);
        if known > 0 {
            out.push(chunk);
            continue;
        }
        reader.push(&chunk);
        out.push(events.push(&chunk));
        is_between = events.is_between() && reader.was_plain();
        if is_between {
            usual.keep(&chunk);
        }
    }
    (reader.seen().clone(), out)
}

/// Pieces of text of which each could be taken for something else.
fn piece() -> impl Strategy<Value = String> {
    let parts = [
        "a",
        "\\\"",
        "\\\\",
        "usage",
        "\\\"usage\\\"",
        ":",
        "error",
        "{",
        "}",
        ",",
        "null",
        "\\n",
        "finish_reason",
        "\\\"index\\\":1",
        "\n",
        "\r",
        "\"",
        "[DONE]",
    ];
    proptest::collection::vec(proptest::sample::select(parts.to_vec()), 0..6)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn what_is_usual_is_seen_as_if_it_had_been_looked_at(
        texts in proptest::collection::vec((piece(), 0_u8..12), 1..12)
    ) {
        let event = |(text, kind): &(String, u8)| match kind {
            0 => chunk(text).replace("finish_reason\":null", "finish_reason\":\"stop\""),
            1 => chunk(text).replace("\"usage\":null", "\"usage\":{\"completion_tokens\":3}"),
            2 => "data: [DONE]\n\n".to_owned(),
            3 => [chunk(text), chunk("next")].concat(),
            4 => chunk(text).replace("content", "reasoning_content"),
            5 => chunk(text).replace("\"delta\"", "\"error\":{\"message\":\"m\"},\"delta\""),
            _ => chunk(text),
        };
        let chunks: Vec<String> = texts.iter().map(event).collect();
        prop_assert_eq!(passed(&chunks, true), passed(&chunks, false));
    }
}
