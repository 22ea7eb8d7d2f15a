use serde_json::json;

use super::super::super::neutral::*;
use super::super::{read_answer, read_request, write_answer};
use super::parsed;
use crate::model::Tokens;

#[test]
fn an_answer_is_the_same_after_writing_and_reading() {
    let answer = Answer {
        id: "x".to_owned(),
        model: "m".to_owned(),
        created: Some(5),
        choices: vec![Choice {
            parts: vec![
                Part::Reasoning(Reasoning {
                    text: "hm".to_owned(),
                    signature: Some("s".to_owned()),
                    ..Reasoning::default()
                }),
                Part::Reasoning(Reasoning {
                    sealed: Some("zz".to_owned()),
                    ..Reasoning::default()
                }),
                Part::Text(Text {
                    text: "hi".to_owned(),
                    annotations: Some(json!([{"type": "url_citation"}])),
                    cache: None,
                }),
                Part::ToolCall(ToolCall {
                    id: "c".to_owned(),
                    name: "f".to_owned(),
                    arguments: "{}".to_owned(),
                    signature: Some("g".to_owned()),
                    cache: None,
                }),
            ],
            finish: Some(Finish::ToolCalls),
            logprobs: None,
        }],
        usage: Some(Tokens {
            input: 9,
            cached_input: 4,
            cache_write: 2,
            output: 7,
            reasoning: 3,
        }),
        extra: Extra::new(),
    };
    let written = write_answer(&answer, &Request::default());
    assert_eq!(read_answer(&written).unwrap(), answer);
    assert!(
        crate::wire::answer::read(&written).is_ok(),
        "it is an answer on the wire"
    );
    // What a client sends back has lost nothing.
    let message = parsed(&written)["choices"][0]["message"].clone();
    let back = json!({"model": "m", "messages": [message]}).to_string();
    let request = read_request(back.as_bytes()).unwrap();
    let parts = &request.messages[0].parts;
    let thoughts = &answer.choices[0].parts[..2];
    assert_eq!(&parts[..2], thoughts, "signature and seal are there");
    assert!(
        parts.contains(&answer.choices[0].parts[3]),
        "the call is there"
    );
}

#[test]
fn a_part_of_another_dialect_survives_the_client() {
    let foreign = Part::Other(
        Dialect::Messages,
        json!({"type": "server_tool_use", "id": "1"}),
    );
    let answer = Answer {
        choices: vec![Choice {
            parts: vec![foreign.clone()],
            ..Choice::default()
        }],
        ..Answer::default()
    };
    let written = parsed(&write_answer(&answer, &Request::default()));
    let back = json!({"messages": [written["choices"][0]["message"]]}).to_string();
    let request = read_request(back.as_bytes()).unwrap();
    assert!(request.messages[0].parts.contains(&foreign), "{request:?}");
    assert!(written["id"].as_str().unwrap().starts_with("chatcmpl-"));
}

#[test]
fn servers_spellings_are_read() {
    let read = |choice: serde_json::Value| {
        let body = json!({"choices": [choice], "citations": ["https://a.example"]});
        read_answer(body.to_string().as_bytes())
            .unwrap()
            .choices
            .remove(0)
    };
    let mistral = read(json!({"finish_reason": "stop", "message": {"content": [
        {"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}, {"type": "text", "text": "a"}]}}));
    assert!(matches!(&mistral.parts[0], Part::Reasoning(one) if one.text == "t"));
    assert!(
        matches!(&mistral.parts[1], Part::Text(one) if one.text == "a" && one.annotations.is_some())
    );
    let calls = read(
        json!({"finish_reason": "stop", "message": {"content": "", "tool_calls": [
        {"function": {"name": "f", "arguments": {"a": 1}}}]}}),
    );
    assert_eq!(
        calls.finish,
        Some(Finish::ToolCalls),
        "that it calls decides"
    );
    assert!(
        matches!(&calls.parts[0], Part::ToolCall(call) if call.id == "call_0" && call.arguments == "{\"a\":1}")
    );
    let vllm = read(
        json!({"finish_reason": "stop", "stop_reason": "END", "message": {"reasoning": "r", "content": "a"}}),
    );
    assert_eq!(
        vllm.finish,
        Some(Finish::StopSequence(Some("END".to_owned())))
    );
    let together =
        read(json!({"finish_reason": "eos", "message": {"content": "a", "tool_calls": []}}));
    assert_eq!(together.finish, Some(Finish::Stop));
}

#[test]
fn what_is_no_answer_says_why() {
    let error = read_answer(br#"{"error":{"message":"m","code":429}}"#).unwrap_err();
    assert!(matches!(error, NotRead::Reported(reported) if reported.is("429")));
    let old = read_answer(br#"{"object":"error","message":"m","code":400}"#).unwrap_err();
    assert!(matches!(old, NotRead::Reported(_)));
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"choices":{}}"#,
        r#"{"choices":[{}]}"#,
    ] {
        assert!(
            matches!(read_answer(body.as_bytes()), Err(NotRead::Other(_))),
            "{body}"
        );
    }
    let fine = read_answer(br#"{"choices":[],"error":null}"#);
    assert!(fine.is_ok());
}

#[test]
fn citations_of_other_providers_stand_beside_annotations() {
    let cited = json!([{"start": 0, "end": 1, "sources": []}, {"type": "url_citation"}]);
    let text = Text {
        text: "a".to_owned(),
        annotations: Some(cited.clone()),
        cache: None,
    };
    let answer = Answer {
        choices: vec![Choice {
            parts: vec![Part::Text(text)],
            ..Choice::default()
        }],
        ..Answer::default()
    };
    let message =
        parsed(&write_answer(&answer, &Request::default()))["choices"][0]["message"].clone();
    assert_eq!(message["annotations"], json!([cited[1]]));
    assert_eq!(message["citations"], json!([cited[0]]));

    let mut writer = crate::dialect::chat::Writer::new(&Request::default(), 1, 2);
    let mut out = Vec::new();
    let begin = Piece::Begin {
        choice: 0,
        block: 0,
        kind: Block::Text,
    };
    writer.piece(&begin, &mut out);
    out.clear();
    let delta = Piece::Delta {
        choice: 0,
        block: 0,
        delta: Delta::Annotations(cited.clone()),
    };
    writer.piece(&delta, &mut out);
    let event = std::str::from_utf8(&out).unwrap();
    let event = parsed(event.trim().rsplit("data: ").next().unwrap().as_bytes());
    let said = &event["choices"][0]["delta"];
    assert_eq!(said["annotations"], json!([cited[1]]));
    assert_eq!(said["citations"], json!([cited[0]]));
}

#[test]
fn only_openais_service_tiers_are_written() {
    let tier = |word: &str| {
        let extra = json!({ "service_tier": word }).as_object().unwrap().clone();
        let answer = Answer {
            extra,
            ..Answer::default()
        };
        parsed(&write_answer(&answer, &Request::default()))
            .get("service_tier")
            .cloned()
    };
    assert_eq!(tier("on_demand"), None, "Groq's");
    assert_eq!(tier("priority"), Some(json!("priority")));
}
