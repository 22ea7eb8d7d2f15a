//! Requests to servers.

use super::*;

fn written(request: &Request) -> (Value, Vec<String>) {
    let written = write_request(request, "real").unwrap();
    (parsed(&written.body), written.dropped)
}

#[test]
fn what_was_read_is_written_again() {
    let body = json!({"model": "real", "instructions": "be brief", "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"},
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
            {"type": "input_file", "filename": "a.pdf",
                "file_data": "data:application/pdf;base64,BB"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}],
            "encrypted_content": "gAAA"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b",
            "annotations": [{"type": "url_citation", "url": "u"}]}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "d"}]},
        ],
        "stream": true, "store": false,
        "include": ["file_search_call.results", "reasoning.encrypted_content",
            "message.output_text.logprobs"],
        "tools": [{"type": "function", "name": "f", "description": "d", "parameters": {"z": 1},
            "strict": true}, {"type": "web_search"}],
        "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": false,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"},
            "strict": true}, "verbosity": "low"},
        "max_output_tokens": 9, "temperature": 0.5, "top_p": 0.25, "top_logprobs": 3,
        "reasoning": {"effort": "high", "summary": "auto", "mode": "deep"},
        "user": "u", "metadata": {"k": "v"}, "previous_response_id": "resp_1",
        "truncation": "auto"});
    let (again, dropped) = written(&read(&body));
    assert_eq!(again, body);
    assert_eq!(dropped, Vec::<String>::new());
}

#[test]
fn what_it_cannot_say_is_left_out_by_name() {
    let mut request = read(&json!({"model": "m", "input": "x", "seed": 1, "top_k": 2,
        "reasoning": {"max_tokens": 1024, "summary": "none"}, "unheard_of": 1}));
    request.messages[0].name = Some("bob".to_owned());
    request.messages.push(Message {
        role: Role::Assistant,
        parts: vec![signed("hm"), Part::Text(Text::plain("a"))],
        name: None,
        extra: Extra::new(),
    });
    let (body, dropped) = written(&request);
    assert_eq!(
        dropped,
        ["name", "reasoning", "top_k", "seed", "unheard_of"]
    );
    assert_eq!(body["reasoning"], json!({"effort": "low"}));
    assert_eq!(body["input"].as_array().unwrap().len(), 2, "no thought");
}

#[test]
fn a_function_without_strictness_is_lax() {
    let request = read(&json!({"input": "x", "tools": [{"type": "function", "name": "f"}]}));
    let (body, _) = written(&request);
    let function = json!({"type": "function", "name": "f", "strict": false,
        "parameters": {"type": "object", "properties": {}}});
    assert_eq!(body["tools"], json!([function]));
}

#[test]
fn a_failed_call_says_so_in_its_text() {
    let mut request = plain();
    let result = |content: Vec<Part>| ToolResult {
        id: "c".to_owned(),
        content,
        is_error: true,
        ..ToolResult::default()
    };
    for (text, expected) in [
        ("gone", "Error: gone"),
        ("Error 5", "Error 5"),
        ("", "Error: "),
    ] {
        let part = Part::ToolResult(result(vec![Part::Text(Text::plain(text))]));
        request.messages[0] = Message {
            role: Role::Tool,
            parts: vec![part],
            name: None,
            extra: Extra::new(),
        };
        let (body, _) = written(&request);
        assert_eq!(body["input"][0]["output"], expected);
    }
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason() {
    let check = |change: &dyn Fn(&mut Request), reason: &str| {
        let mut request = plain();
        change(&mut request);
        let unfit = write_request(&request, "m").unwrap_err();
        assert_eq!(unfit.dialect, Dialect::Responses);
        assert!(unfit.what.contains(reason), "{unfit} names {reason}");
    };
    check(&|request| request.sampling.n = Some(2), "n above 1");
    check(
        &|request| request.sampling.stop.push("x".to_owned()),
        "end the answer",
    );
    let foreign = json!({"type": "computer_use"});
    check(
        &|request| {
            let tool = Tool::Other(Dialect::Messages, foreign.clone());
            request.tools.push(tool);
        },
        "computer_use",
    );
    check(
        &|request| {
            let part = Part::Other(Dialect::Gemini, foreign.clone());
            request.messages[0].parts.push(part);
        },
        "computer_use",
    );
    let sound = Media {
        source: Source::Base64("AA".to_owned()),
        media_type: None,
        name: None,
        detail: None,
        cache: None,
    };
    check(
        &|request| request.messages[0].parts.push(Part::Audio(sound.clone())),
        "sound",
    );
    assert_eq!(fit(&plain()), Ok(()));
}
