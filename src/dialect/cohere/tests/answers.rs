use serde_json::{Value, json};

use super::super::read_answer;
use super::*;
use crate::model::Tokens;

fn read_json(body: &Value) -> Result<Answer, NotRead> {
    read_answer(body.to_string().as_bytes())
}

fn whole() -> Value {
    json!({
        "id": "a-1",
        "finish_reason": "TOOL_CALL",
        "message": {
            "role": "assistant",
            "tool_plan": "I will look.",
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "It is 8."}, {"type": "novel", "x": 1}],
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
                {"id": "c2", "type": "function", "function": {"name": "g"}}],
            "citations": [
                {"start": 6, "end": 7, "text": "8", "sources": [], "content_index": 1, "type": "TEXT_CONTENT"},
                {"start": 0, "end": 1, "text": "h", "sources": [], "type": "THINKING_CONTENT"}]
        },
        "usage": {"billed_units": {"input_tokens": 8.0, "output_tokens": 50},
            "tokens": {"input_tokens": 1394, "output_tokens": 55, "reasoning_tokens": 38}, "cached_tokens": 1360},
        "logprobs": [{"token_ids": [1, 2], "text": "It", "logprobs": [-0.5, -0.25]}],
        "novel": true
    })
}

#[test]
fn a_whole_answer_is_read() {
    let answer = read_json(&whole()).unwrap();
    assert_eq!(answer.id, "a-1");
    let choice = &answer.choices[0];
    assert_eq!(choice.finish, Some(Finish::ToolCalls));
    let kinds = choice.parts.iter().map(|part| match part {
        Part::Reasoning(thought) => thought.text.as_str(),
        Part::Text(text) => text.text.as_str(),
        Part::ToolCall(call) => call.arguments.as_str(),
        Part::Other(Dialect::Cohere, _) => "other",
        _ => "?",
    });
    let kinds: Vec<_> = kinds.collect();
    let expected = ["I will look.", "hm", "It is 8.", "other", "{\"a\":1}", "{}"];
    assert_eq!(kinds, expected);
    let Part::Text(text) = &choice.parts[2] else {
        panic!("{:?}", choice.parts)
    };
    assert_eq!(text.annotations.as_ref().unwrap()[0]["text"], "8");
    let unplaced = &answer.extra["citations"];
    assert_eq!(unplaced[0]["type"], "THINKING_CONTENT");
    assert_eq!(answer.extra["novel"], true, "what is unknown is carried");
    let logprobs = choice.logprobs.as_ref().unwrap();
    let token = json!({"token": "It", "logprob": -0.75, "bytes": [73, 116], "top_logprobs": []});
    assert_eq!(logprobs["content"], json!([token]));
}

#[test]
fn billed_tokens_are_what_counts() {
    let tokens = |usage: Value| {
        let mut body = whole();
        body["usage"] = usage;
        read_json(&body).unwrap().usage
    };
    let billed = Tokens {
        input: 8,
        cached_input: 0,
        cache_write: 0,
        output: 50,
        reasoning: 38,
    };
    assert_eq!(tokens(whole()["usage"].clone()), Some(billed));
    let all = json!({"billed_units": {"search_units": 1},
        "tokens": {"input_tokens": 100, "output_tokens": 5}, "cached_tokens": 90});
    let all = tokens(all).unwrap();
    assert_eq!((all.input, all.cached_input, all.output), (100, 90, 5));
    assert_eq!(tokens(json!({})), None);
    assert_eq!(tokens(json!("no")), None);
    let absurd = json!({"tokens": {"input_tokens": 4_000_000_000_u64, "output_tokens": 1}});
    assert_eq!(tokens(absurd), None);
}

#[test]
fn a_failed_generation_is_an_error_and_not_an_answer() {
    for word in ["ERROR", "TIMEOUT"] {
        let mut body = whole();
        body["finish_reason"] = json!(word);
        let Err(NotRead::Reported(reported)) = read_json(&body) else {
            panic!("{word} is a failure");
        };
        assert!(reported.is(word) && !reported.message.is_empty());
    }
    let mut body = whole();
    body["finish_reason"] = json!("ERROR_TOXIC");
    let answer = read_json(&body).unwrap();
    assert_eq!(answer.choices[0].finish, Some(Finish::ContentFilter));
}

#[test]
fn what_is_no_answer_is_told_apart_from_an_error() {
    let error = json!({"id": "x", "message": "invalid request", "error_type": "BAD"});
    let Err(NotRead::Reported(reported)) = read_json(&error) else {
        panic!("an error");
    };
    assert_eq!(reported.message, "invalid request");
    // Version 1.
    let older = json!({"text": "hello", "generation_id": "g", "finish_reason": "COMPLETE"});
    for body in [older, json!([]), json!({"message": {"content": 3}})] {
        assert!(matches!(read_json(&body), Err(NotRead::Other(_))), "{body}");
    }
    assert!(matches!(read_answer(b"<html>"), Err(NotRead::Other(_))));
}

#[test]
fn a_text_in_place_of_a_list_is_content_too() {
    let body = json!({"message": {"content": "hello"}, "finish_reason": "COMPLETE"});
    let answer = read_json(&body).unwrap();
    assert_eq!(said(&answer.choices[0].parts).text, "hello");
    assert_eq!(answer.choices[0].finish, Some(Finish::Stop));
}
