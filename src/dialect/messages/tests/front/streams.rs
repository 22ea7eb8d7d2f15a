use serde_json::{Value, json};

use super::*;
use crate::dialect::neutral::*;
use crate::model::Tokens;

fn sealed(block: u32, data: &str) -> Piece {
    delta(block, Delta::Sealed(data.to_owned()))
}

fn signature(block: u32, data: &str) -> Piece {
    delta(block, Delta::Signature(data.to_owned()))
}

/// The blocks of a message that says just these pieces.
fn content(pieces: Vec<Piece>) -> Value {
    let all = [vec![start()], pieces, vec![Piece::Done]].concat();
    accumulated(&written(&all))["content"].take()
}

#[test]
fn a_plain_stream_is_written_event_by_event() {
    let usage = |output| Tokens {
        input: 12,
        cached_input: 4,
        output,
        ..Tokens::default()
    };
    let stream = written(&[
        Piece::Start {
            id: "msg_1".to_owned(),
            model: "m".to_owned(),
            created: None,
            usage: Some(usage(1)),
        },
        begin(0, Block::Text),
        text(0, "Hé"),
        text(0, ""),
        text(0, "llo"),
        end(0),
        finish(Finish::Stop),
        Piece::Usage(usage(2)),
        Piece::Done,
    ]);
    let counts = |output: u64| {
        json!({"input_tokens": 8, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 4, "output_tokens": output})
    };
    assert_eq!(
        events(&stream),
        [
            json!({"type": "message_start", "message": {"id": "msg_1", "type": "message",
                "role": "assistant", "model": "m", "content": [], "stop_reason": null,
                "stop_sequence": null, "usage": counts(1)}}),
            json!({"type": "content_block_start", "index": 0,
                "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": "Hé"}}),
            json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": "llo"}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "usage": counts(2),
                "delta": {"stop_reason": "end_turn", "stop_sequence": null}}),
            json!({"type": "message_stop"}),
        ]
    );
}

#[test]
fn every_block_is_put_together_by_a_client() {
    let server = json!({"type": "server_tool_use", "id": "s", "name": "n", "input": {"q": 1}});
    let cited = json!([{"type": "char_location", "cited_text": "c"}, {"type": "url_citation"}]);
    let stream = written(&[
        start(),
        begin(0, Block::Reasoning),
        text(0, "h"),
        text(0, "m"),
        signature(0, "sig"),
        end(0),
        begin(1, Block::Reasoning),
        sealed(1, "zz"),
        end(1),
        begin(2, Block::Text),
        text(2, "said"),
        delta(2, Delta::Annotations(cited)),
        end(2),
        begin(3, Block::Other(Dialect::Messages, server.clone())),
        end(3),
        begin(4, call("toolu_1", "f")),
        arguments(4, "{\"a\""),
        arguments(4, ":1}"),
        end(4),
        begin(5, call("toolu_2", "g")),
        end(5),
        finish(Finish::ToolCalls),
        Piece::Usage(Tokens {
            input: 5,
            output: 6,
            ..Tokens::default()
        }),
        Piece::Done,
    ]);
    assert_eq!(
        accumulated(&stream),
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "redacted_thinking", "data": "zz"},
                {"type": "text", "text": "said",
                    "citations": [{"type": "char_location", "cited_text": "c"}]},
                server,
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": 5, "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0, "output_tokens": 6}})
    );
}

#[test]
fn a_call_without_arguments_has_the_empty_object() {
    let stream = written(&[start(), begin(0, call("a", "f")), end(0), Piece::Done]);
    assert_eq!(
        events(&stream)[2]["delta"],
        json!({"type": "input_json_delta", "partial_json": "{}"})
    );
}

#[test]
fn thoughts_in_words_and_under_seal_are_two_blocks() {
    let blocks = content(vec![
        begin(0, Block::Reasoning),
        text(0, "summary"),
        sealed(0, "zz"),
        end(0),
    ]);
    assert_eq!(
        blocks,
        json!([{"type": "thinking", "thinking": "summary", "signature": ""},
            {"type": "redacted_thinking", "data": "zz"}])
    );
}

#[test]
fn a_block_that_says_nothing_is_not_written() {
    let pieces = vec![
        begin(0, Block::Reasoning),
        end(0),
        begin(1, Block::Text),
        text(1, ""),
        delta(1, Delta::Annotations(json!([{"type": "url_citation"}]))),
        end(1),
    ];
    assert_eq!(content(pieces), json!([]));
}

#[test]
fn a_refusal_is_text_and_a_reason() {
    let message = accumulated(&written(&[
        start(),
        begin(0, Block::Refusal),
        text(0, "no"),
        end(0),
        finish(Finish::Stop),
        Piece::Done,
    ]));
    assert_eq!(message["content"], json!([{"type": "text", "text": "no"}]));
    assert_eq!(message["stop_reason"], "refusal");
}

#[test]
fn probabilities_are_left_out() {
    let said = Delta::TextWithLogprobs("a".to_owned(), json!({"content": []}));
    let blocks = content(vec![begin(0, Block::Text), delta(0, said), end(0)]);
    assert_eq!(blocks, json!([{"type": "text", "text": "a"}]));
}

#[test]
fn the_signature_of_a_call_is_a_thought_before_it() {
    for is_first in [true, false] {
        let mut deltas = vec![arguments(0, "{\"a\":1}"), signature(0, "s")];
        if is_first {
            deltas.reverse();
        }
        let pieces = [vec![begin(0, call("a", "f"))], deltas, vec![end(0)]].concat();
        assert_eq!(
            content(pieces),
            json!([{"type": "thinking", "thinking": "", "signature": "s"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"a": 1}}])
        );
    }
}

#[test]
fn parts_of_other_dialects_are_events_that_clients_ignore() {
    let part = json!({"executableCode": {}});
    let stream = written(&[
        start(),
        begin(0, Block::Other(Dialect::Gemini, part.clone())),
        end(0),
        Piece::Done,
    ]);
    assert_eq!(
        events(&stream)[1],
        json!({"type": "provider_part", "dialect": "gemini", "part": part})
    );
    assert_eq!(accumulated(&stream)["content"], json!([]));
}

#[test]
fn the_end_waits_for_the_providers_word() {
    let pieces = [
        start(),
        begin(0, Block::Text),
        text(0, "a"),
        end(0),
        finish(Finish::StopSequence(Some("END".to_owned()))),
        Piece::Usage(Tokens::default()),
    ];
    let cut = written(&pieces);
    assert_eq!(events(&cut).last().unwrap()["type"], "content_block_stop");
    let whole = written(&[&pieces[..], &[Piece::Done, Piece::Done]].concat());
    let message = accumulated(&whole);
    assert_eq!(message["stop_reason"], "stop_sequence");
    assert_eq!(message["stop_sequence"], "END");
}

#[test]
fn a_stream_without_id_and_model_has_those_of_the_request() {
    let message = accumulated(&written(&[Piece::Done]));
    assert_eq!(message["id"], "msg_0000000000000abc");
    assert_eq!(message["model"], "asked");
    assert_eq!(message["stop_reason"], "end_turn");
}

#[test]
fn only_the_first_choice_is_written() {
    let second = |piece: Piece| match piece {
        Piece::Begin { block, kind, .. } => Piece::Begin {
            choice: 1,
            block,
            kind,
        },
        Piece::Delta { block, delta, .. } => Piece::Delta {
            choice: 1,
            block,
            delta,
        },
        other => other,
    };
    let blocks = content(vec![
        begin(0, Block::Text),
        second(begin(0, Block::Text)),
        text(0, "a"),
        second(text(0, "b")),
        end(0),
    ]);
    assert_eq!(blocks, json!([{"type": "text", "text": "a"}]));
}
