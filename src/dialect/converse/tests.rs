use serde_json::{Value, json};

use super::*;
use crate::dialect::neutral::*;
use crate::wire::eventstream::write;

fn event(name: &str, payload: &Value) -> Vec<u8> {
    write(
        &[(":event-type", name), (":message-type", "event")],
        payload.to_string().as_bytes(),
    )
}

fn fixture() -> Vec<u8> {
    [
        event("messageStart", &json!({"role": "assistant"})),
        event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}})),
        event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "c2ln"}}})),
        event("contentBlockStop", &json!({"contentBlockIndex": 0})),
        event("contentBlockDelta", &json!({"contentBlockIndex": 1, "delta": {"text": "hé"}})),
        event("contentBlockStop", &json!({"contentBlockIndex": 1})),
        event("contentBlockStart", &json!({"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t1", "name": "f"}}})),
        event("contentBlockDelta", &json!({"contentBlockIndex": 2, "delta": {"toolUse": {"input": "{\"a\":"}}})),
        event("contentBlockDelta", &json!({"contentBlockIndex": 2, "delta": {"toolUse": {"input": "1}"}}})),
        event("contentBlockStop", &json!({"contentBlockIndex": 2})),
        event("messageStop", &json!({"stopReason": "tool_use"})),
        event("metadata", &json!({"usage": {"inputTokens": 5, "outputTokens": 7, "totalTokens": 22,
            "cacheReadInputTokens": 8, "cacheWriteInputTokens": 2}, "metrics": {"latencyMs": 3}})),
    ]
    .concat()
}

fn read(bytes: &[u8], size: usize) -> Vec<Piece> {
    let (mut reader, mut out) = (Reader::new(), Vec::new());
    for chunk in bytes.chunks(size) {
        reader.push(chunk, &mut out);
    }
    reader.finish(&mut out);
    out
}

#[test]
fn a_stream_is_read_the_same_under_any_chunking() {
    let bytes = fixture();
    let whole = read(&bytes, bytes.len());
    let tokens = Tokens {
        input: 15,
        cached_input: 8,
        cache_write: 2,
        output: 7,
        reasoning: 0,
    };
    assert!(whole.contains(&Piece::Usage(tokens)), "{whole:?}");
    assert!(whole.contains(&Piece::Finish {
        choice: 0,
        finish: Finish::ToolCalls
    }));
    let call = Block::ToolCall {
        id: "t1".into(),
        name: "f".into(),
    };
    assert!(
        whole.contains(&Piece::Begin {
            choice: 0,
            block: 2,
            kind: call
        }),
        "{whole:?}"
    );
    assert_eq!(whole.last(), Some(&Piece::Done));
    for size in 1..bytes.len() {
        assert_eq!(read(&bytes, size), whole, "chunks of {size}");
    }
}

#[test]
fn an_exception_inside_the_stream_is_an_error_and_ends_it() {
    let mut bytes = event("messageStart", &json!({"role": "assistant"}));
    bytes.extend(write(
        &[
            (":exception-type", "throttlingException"),
            (":message-type", "exception"),
        ],
        br#"{"message":"Too many requests"}"#,
    ));
    bytes.extend(event("messageStop", &json!({"stopReason": "end_turn"})));
    let pieces = read(&bytes, 10);
    let Some(Piece::Error(error)) = pieces.last() else {
        panic!("expected an error last, found {pieces:?}");
    };
    assert!(error.is("throttlingException") && error.message == "Too many requests");
}

#[test]
fn a_cut_or_changed_stream_never_looks_complete() {
    let bytes = fixture();
    for end in 0..bytes.len() - 1 {
        let pieces = read(&bytes[..end], 64);
        let stop = bytes.len() - 200;
        assert!(end > stop || !pieces.contains(&Piece::Done), "cut at {end}");
    }
    let mut changed = bytes.clone();
    changed[60] ^= 1;
    assert!(matches!(read(&changed, 64).last(), Some(Piece::Error(_))));
}

#[test]
fn a_whole_answer_is_read() {
    let body = json!({"output": {"message": {"role": "assistant", "content": [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"text": "hello"}, {"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": 1}}}, {"video": {}}]}},
        "stopReason": "max_tokens", "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7},
        "metrics": {"latencyMs": 1}, "trace": {}});
    let answer = read_answer(body.to_string().as_bytes()).unwrap();
    let choice = &answer.choices[0];
    assert_eq!(choice.finish, Some(Finish::Length));
    assert_eq!(choice.parts.len(), 4);
    assert!(matches!(&choice.parts[2], Part::ToolCall(call) if call.arguments == r#"{"a":1}"#));
    assert_eq!(answer.usage.unwrap().input, 3);
    assert!(
        answer.extra.contains_key("trace"),
        "what is unknown is carried"
    );
    assert!(matches!(
        read_answer(br#"{"message":"no"}"#),
        Err(NotRead::Reported(_))
    ));
    assert!(matches!(read_answer(b"<html>"), Err(NotRead::Other(_))));
}

fn request() -> Request {
    let say = |role, parts| Message {
        role,
        parts,
        name: None,
        extra: Extra::new(),
    };
    let call = ToolCall {
        id: "t".into(),
        name: "f".into(),
        arguments: "{\"a\":1}".into(),
        ..ToolCall::default()
    };
    let result = ToolResult {
        id: "t".into(),
        content: vec![Part::Text(Text::plain("42"))],
        ..ToolResult::default()
    };
    Request {
        messages: vec![
            say(Role::System, vec![Part::Text(Text::plain("be brief"))]),
            say(Role::User, vec![Part::Text(Text::plain("hi"))]),
            say(Role::User, vec![Part::Text(Text::plain("there"))]),
            say(Role::Assistant, vec![Part::ToolCall(call)]),
            say(Role::Tool, vec![Part::ToolResult(result)]),
        ],
        tools: vec![Tool::Function(Function {
            name: "f".into(),
            ..Function::default()
        })],
        tool_choice: Some(ToolChoice::Required),
        sampling: Sampling {
            max_tokens: Some(9),
            seed: Some(1),
            temperature: Some(1.5),
            ..Sampling::default()
        },
        ..Request::default()
    }
}

#[test]
fn a_request_is_written_with_roles_in_turn() {
    let mut request = request();
    request.extra.insert(
        "guardrailConfig".into(),
        json!({"guardrailIdentifier": "g"}),
    );
    request.extra.insert("novel".into(), json!(1));
    let written = write_request(&request, "amazon.nova").unwrap();
    let body: Value = serde_json::from_slice(&written.body).unwrap();
    assert_eq!(body["system"], json!([{"text": "be brief"}]));
    let roles: Vec<_> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|turn| turn["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    assert_eq!(
        body["messages"][1]["content"][0]["toolUse"]["input"],
        json!({"a": 1})
    );
    assert_eq!(body["toolConfig"]["toolChoice"], json!({"any": {}}));
    assert_eq!(
        body["inferenceConfig"],
        json!({"maxTokens": 9, "temperature": 1.0})
    );
    assert_eq!(body["guardrailConfig"]["guardrailIdentifier"], "g");
    assert_eq!(written.dropped, ["seed", "novel"]);
}

#[test]
fn what_converse_cannot_say_is_unfit() {
    let with = |change: fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        fit(&request).unwrap_err().to_string()
    };
    assert!(with(|request| request.sampling.n = Some(2)).contains("several answers"));
    assert!(with(|request| request.sampling.logprobs = true).contains("probabilities"));
    let image = with(|request| {
        let source = Source::Url("https://x/y.png".into());
        let media = Media {
            source,
            media_type: None,
            name: None,
            detail: None,
            cache: None,
        };
        request.messages[1].parts.push(Part::Image(media));
    });
    assert!(image.contains("by address"), "{image}");
}
