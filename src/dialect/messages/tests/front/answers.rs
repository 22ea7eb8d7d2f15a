use serde_json::{Value, json};

use crate::dialect::chat::read_usage;
use crate::dialect::messages::write_answer;
use crate::dialect::neutral::*;
use crate::model::Tokens;

fn written(answer: &Answer) -> Value {
    let request = Request {
        model: "asked".to_owned(),
        ..Request::default()
    };
    serde_json::from_slice(&write_answer(answer, &request)).unwrap()
}

fn with(parts: Vec<Part>, finish: Option<Finish>) -> Answer {
    Answer {
        id: "msg_1".to_owned(),
        choices: vec![Choice {
            parts,
            finish,
            logprobs: None,
        }],
        ..Answer::default()
    }
}

fn content(parts: Vec<Part>) -> Value {
    written(&with(parts, None))["content"].take()
}

fn call(id: &str, arguments: &str) -> ToolCall {
    ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        arguments: arguments.to_owned(),
        ..ToolCall::default()
    }
}

#[test]
fn a_whole_answer_has_anthropics_shape() {
    let answer = Answer {
        id: "msg_1".to_owned(),
        model: "m".to_owned(),
        usage: Some(Tokens {
            input: 100,
            cached_input: 60,
            cache_write: 30,
            output: 7,
            reasoning: 2,
        }),
        extra: json!({"container": {"id": "c"}, "id": "other"})
            .as_object()
            .unwrap()
            .clone(),
        ..with(vec![Part::Text(Text::plain("hi"))], Some(Finish::Stop))
    };
    let body = written(&answer);
    assert_eq!(
        body,
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "hi"}],
            "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 10, "cache_creation_input_tokens": 30,
                "cache_read_input_tokens": 60, "output_tokens": 7,
                "output_tokens_details": {"thinking_tokens": 2}},
            "container": {"id": "c"}})
    );
    assert_eq!(
        read_usage(&body["usage"]),
        answer.usage,
        "the counts return"
    );
}

#[test]
fn every_part_has_its_block() {
    let blocks = content(vec![
        Part::Reasoning(Reasoning {
            text: "hm".to_owned(),
            signature: Some("s".to_owned()),
            sealed: Some("zz".to_owned()),
            ..Reasoning::default()
        }),
        Part::Text(Text::default()),
        Part::Text(Text {
            text: "t".to_owned(),
            annotations: Some(json!([{"type": "page_location"}, {"type": "url_citation"}])),
            cache: None,
        }),
        Part::Refusal("no".to_owned()),
        Part::ToolCall(call("toolu_1", r#"{"z":1,"a":2}"#)),
        Part::Other(Dialect::Messages, json!({"type": "server_tool_use"})),
    ]);
    let expected = json!([
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "zz"},
        {"type": "text", "text": "t", "citations": [{"type": "page_location"}]},
        {"type": "text", "text": "no"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"z": 1, "a": 2}},
        {"type": "server_tool_use"},
    ]);
    assert_eq!(blocks.to_string(), expected.to_string());
}

#[test]
fn arguments_are_always_an_object() {
    for (arguments, input) in [
        ("", json!({})),
        ("null", json!({})),
        ("[1]", json!({"arguments": [1]})),
        ("{\"a\":", json!({"arguments": "{\"a\":"})),
    ] {
        let blocks = content(vec![Part::ToolCall(call("a", arguments))]);
        assert_eq!(blocks[0]["input"], input, "{arguments}");
    }
}

#[test]
fn ids_of_calls_are_made_fit_and_stay_apart() {
    let parts = ["functions.f:0", "functions:f.0", "", "", "call_1-a"]
        .map(|id| Part::ToolCall(call(id, "{}")));
    let blocks = content(parts.to_vec());
    let ids: Vec<_> = blocks
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["id"].as_str().unwrap())
        .collect();
    for id in &ids {
        let fits = |sign: char| sign.is_ascii_alphanumeric() || "_-".contains(sign);
        assert!(!id.is_empty() && id.chars().all(fits), "{id}");
    }
    let apart: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(apart.len(), ids.len(), "{ids:?}");
    assert!(ids[0].starts_with("functions_f_0_"));
    assert_eq!(ids[4], "call_1-a");
}

#[test]
fn the_signature_of_a_call_is_a_thought_before_it() {
    let signed = ToolCall {
        signature: Some("s".to_owned()),
        ..call("a", "{}")
    };
    let blocks = content(vec![Part::ToolCall(signed)]);
    assert_eq!(
        blocks[0],
        json!({"type": "thinking", "thinking": "", "signature": "s"})
    );
    assert_eq!(blocks[1]["type"], "tool_use");
}

#[test]
fn parts_of_other_dialects_stand_beside_the_content() {
    let image = Media {
        source: Source::Base64("AA".to_owned()),
        media_type: None,
        name: None,
        detail: None,
        cache: None,
    };
    let code = json!({"executableCode": {"code": "1"}});
    let body = written(&with(
        vec![
            Part::Other(Dialect::Gemini, code.clone()),
            Part::Image(image),
        ],
        None,
    ));
    assert_eq!(body["content"], json!([]));
    assert_eq!(
        body["provider_parts"],
        json!([
            {"dialect": "gemini", "part": code},
            {"dialect": "messages", "part": {"type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}},
        ])
    );
}

#[test]
fn every_end_has_a_word_of_anthropics() {
    let text = || vec![Part::Text(Text::plain("t"))];
    let calls = || vec![Part::ToolCall(call("a", "{}"))];
    let refusal = || vec![Part::Refusal("no".to_owned())];
    let other = |word: &str| Some(Finish::Other(word.to_owned()));
    for (parts, finish, word) in [
        (text(), Some(Finish::Stop), "end_turn"),
        (text(), None, "end_turn"),
        (text(), Some(Finish::Length), "max_tokens"),
        (text(), Some(Finish::StopSequence(None)), "stop_sequence"),
        (text(), Some(Finish::ContentFilter), "refusal"),
        (text(), Some(Finish::Refusal), "refusal"),
        (text(), Some(Finish::Pause), "pause_turn"),
        (text(), other("insufficient_system_resource"), "end_turn"),
        (
            text(),
            other("model_context_window_exceeded"),
            "model_context_window_exceeded",
        ),
        (calls(), Some(Finish::ToolCalls), "tool_use"),
        (calls(), Some(Finish::Stop), "tool_use"),
        (calls(), None, "tool_use"),
        (calls(), Some(Finish::Length), "max_tokens"),
        (refusal(), Some(Finish::Stop), "refusal"),
    ] {
        let body = written(&with(parts, finish.clone()));
        assert_eq!(body["stop_reason"], word, "{finish:?}");
        assert_eq!(body["stop_sequence"], Value::Null);
    }
    let stopped = with(text(), Some(Finish::StopSequence(Some("END".to_owned()))));
    assert_eq!(written(&stopped)["stop_sequence"], "END");
}

#[test]
fn an_answer_of_another_provider_gets_an_id_and_a_model() {
    let answer = Answer {
        id: "chatcmpl-7".to_owned(),
        ..Answer::default()
    };
    let body = written(&answer);
    assert_eq!(body["id"], "msg_chatcmpl-7");
    assert_eq!(body["model"], "asked");
    let none = written(&Answer::default());
    assert!(none["id"].as_str().unwrap().len() > "msg_".len());
}
