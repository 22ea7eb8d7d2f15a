use serde_json::{Value, json};

use super::super::super::neutral::*;
use super::super::read_answer;

fn read(body: &Value) -> Answer {
    read_answer(body.to_string().as_bytes()).unwrap()
}

#[test]
fn an_answer_is_read_with_all_its_blocks() {
    let cited = json!([{"type": "web_search_result_location", "url": "u"}]);
    let searched =
        json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "x"}});
    let answer = read(&json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "c2Vh"},
            {"type": "text", "text": "see", "citations": cited},
            {"type": "text", "text": "this", "citations": null},
            searched,
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"z": {"b": 1, "a": [2.0, null]}, "y": "é"}},
            {"type": "tool_use", "id": "toolu_2", "name": "g"},
        ],
        "stop_reason": "tool_use", "stop_sequence": null, "stop_details": null,
        "container": {"id": "c"},
        "usage": {"input_tokens": 2, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 4,
            "output_tokens": 50, "output_tokens_details": {"thinking_tokens": 20}}}));
    assert_eq!((&*answer.id, &*answer.model), ("msg_1", "claude-x"));
    let usage = answer.usage.unwrap();
    assert_eq!(
        (usage.input, usage.cached_input, usage.cache_write),
        (9, 3, 4)
    );
    assert_eq!((usage.output, usage.reasoning), (50, 20));
    let keys: Vec<_> = answer.extra.keys().collect();
    assert_eq!(keys, ["container"], "what is unknown is carried");
    let call = |id: &str, name: &str, arguments: &str| {
        Part::ToolCall(ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            ..ToolCall::default()
        })
    };
    let thought = |text: &str, signature: Option<&str>, sealed: Option<&str>| {
        Part::Reasoning(Reasoning {
            text: text.to_owned(),
            signature: signature.map(str::to_owned),
            sealed: sealed.map(str::to_owned),
            ..Reasoning::default()
        })
    };
    let parts = &answer.choices[0].parts;
    let first = Text {
        annotations: Some(cited),
        ..Text::plain("see")
    };
    assert_eq!(
        *parts,
        [
            thought("hm", Some("c2ln"), None),
            thought("", None, Some("c2Vh")),
            Part::Text(first),
            Part::Text(Text::plain("this")),
            Part::Other(Dialect::Messages, searched),
            call("toolu_1", "f", r#"{"z":{"b":1,"a":[2.0,null]},"y":"é"}"#),
            call("toolu_2", "g", "{}"),
        ]
    );
}

#[test]
fn each_reason_to_end_is_known() {
    let check = |word: Value, stop: Value, expected: Option<Finish>| {
        let answer = read(&json!({"content": [], "stop_reason": word, "stop_sequence": stop}));
        assert_eq!(answer.choices[0].finish, expected, "{word}");
    };
    let none = Value::Null;
    check(json!("end_turn"), none.clone(), Some(Finish::Stop));
    check(json!("max_tokens"), none.clone(), Some(Finish::Length));
    let stop = Finish::StopSequence(Some("END".to_owned()));
    check(json!("stop_sequence"), json!("END"), Some(stop));
    check(json!("tool_use"), none.clone(), Some(Finish::ToolCalls));
    check(json!("pause_turn"), none.clone(), Some(Finish::Pause));
    check(json!("refusal"), none.clone(), Some(Finish::Refusal));
    let full = json!("model_context_window_exceeded");
    check(full, none.clone(), Some(Finish::Length));
    let other = Finish::Other("compaction".to_owned());
    check(json!("compaction"), none.clone(), Some(other));
    check(Value::Null, none, None);
}

#[test]
fn an_error_under_a_status_of_success_is_reported() {
    let body = json!({"type": "error", "error": {"type": "api_error", "message": "no"}, "request_id": "r"});
    let Err(NotRead::Reported(reported)) = read_answer(body.to_string().as_bytes()) else {
        panic!("expected a report");
    };
    assert!(reported.is("api_error") && reported.message == "no");
}

#[test]
fn what_is_no_answer_is_told_with_its_place() {
    let check = |body: &str, at: &str| match read_answer(body.as_bytes()) {
        Err(NotRead::Other(misread)) => assert_eq!(misread.at, at, "{body}"),
        other => panic!("{body}: {other:?}"),
    };
    check("<html>", "");
    check("[]", "");
    check("{}", "content");
    check(r#"{"content": "text"}"#, "content");
    check(r#"{"content": [], "stop_reason": 1}"#, "stop_reason");
}

#[test]
fn a_block_that_is_not_as_its_type_has_it_is_carried() {
    for block in [
        json!({"type": "text"}),
        json!({"novel": 1}),
        json!("text"),
        json!(null),
    ] {
        let answer = read(&json!({"content": [block]}));
        assert_eq!(
            answer.choices[0].parts,
            [Part::Other(Dialect::Messages, block)]
        );
    }
}
