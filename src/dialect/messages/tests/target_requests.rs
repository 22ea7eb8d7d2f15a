use serde_json::{Value, json};

use super::super::super::chat;
use super::super::super::neutral::*;
use super::target_said::{hi, says, user, write};

/// What Anthropic gets for a client's chat request, and what was left out.
fn written(request: &Value) -> (Value, Vec<String>) {
    let request = chat::read_request(request.to_string().as_bytes()).unwrap();
    write(&request)
}

#[test]
fn a_conversation_with_tools_is_written_whole() {
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}});
    let (body, dropped) = written(&json!({
        "model": "m", "stream": true, "max_tokens": 100, "temperature": 0.5, "top_k": 4, "user": "u",
        "stop": ["END"],
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "developer", "content": [
                {"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": ""}]},
            {"role": "user", "content": "a"},
            {"role": "user", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": " "}]},
            {"role": "assistant", "content": "c", "tool_calls": [call("call_1", "{\"z\": 1, \"a\": 2}"), call("call_2", "")]},
            {"role": "user", "content": "d"},
            {"role": "system", "content": "later"},
            {"role": "tool", "tool_call_id": "call_1", "content": "1"},
            {"role": "tool", "tool_call_id": "call_2", "content": ""},
            {"role": "assistant", "content": "so  \n"}],
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "strict": true,
                "parameters": {"type": "object", "properties": {"z": {"type": "integer"}}}}},
            {"type": "function", "function": {"name": "g"}, "cache_control": {"type": "ephemeral"}}],
        "tool_choice": "required", "parallel_tool_calls": false}));
    let text = |text: &str| json!({"type": "text", "text": text});
    assert_eq!(dropped, Vec::<String>::new());
    assert_eq!(
        body,
        json!({
            "model": "claude-x", "max_tokens": 100,
            "system": [text("be brief"),
                {"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}, text("later")],
            "messages": [
                {"role": "user", "content": [text("a"), text("b")]},
                {"role": "assistant", "content": [text("c"),
                    {"type": "tool_use", "id": "call_1", "name": "f", "input": {"z": 1, "a": 2}},
                    {"type": "tool_use", "id": "call_2", "name": "f", "input": {}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": [text("1")]},
                    {"type": "tool_result", "tool_use_id": "call_2"}, text("d")]},
                {"role": "assistant", "content": [text("so")]}],
            "stream": true,
            "tools": [
                {"name": "f", "description": "d", "strict": true,
                    "input_schema": {"type": "object", "properties": {"z": {"type": "integer"}}}},
                {"name": "g", "input_schema": {"type": "object", "properties": {}},
                    "cache_control": {"type": "ephemeral"}}],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
            "temperature": 0.5, "top_k": 4, "stop_sequences": ["END"],
            "metadata": {"user_id": "u"}})
    );
    let input = &body["messages"][1]["content"][1]["input"];
    assert_eq!(
        input.to_string(),
        r#"{"z":1,"a":2}"#,
        "keys keep their order"
    );
}

#[test]
fn the_least_request_gets_the_usual_bound() {
    let (body, dropped) = write(&hi());
    assert_eq!(
        body,
        json!({"model": "claude-x", "max_tokens": 8192,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]})
    );
    assert!(dropped.is_empty(), "{dropped:?}");
}

#[test]
fn instructions_alone_are_a_message() {
    let request = Request {
        messages: vec![says(Role::System, vec![Part::Text(Text::plain("hi"))])],
        ..Request::default()
    };
    let (body, _) = write(&request);
    assert_eq!(body["messages"], write(&hi()).0["messages"]);
    assert_eq!(body.get("system"), None);
}

#[test]
fn what_anthropic_has_no_word_for_is_named() {
    let (body, dropped) = written(&json!({
        "model": "m", "messages": [{"role": "user", "name": "Ann", "content": [
            {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}], "novel": 1}],
        "temperature": 1.5, "top_p": 0.5, "seed": 1, "frequency_penalty": 0.0, "presence_penalty": 1, "logit_bias": {},
        "metadata": {}, "stop": [" ", "\n"], "user": "u".repeat(300), "service_tier": "flex", "verbosity": "low",
        "output_config": 3, "thinking": true, "cache_control": {"type": "ephemeral"}, "mcp_servers": [],
        "container": "c", "context_management": {"edits": []}, "inference_geo": "us", "speed": "fast"}));
    assert_eq!(
        dropped,
        [
            "messages[].name",
            "messages[].novel",
            "messages[].content[].image_url.detail",
            "temperature above 1",
            "top_p",
            "stop of whitespace",
            "output_config",
            "user",
            "seed",
            "presence_penalty",
            "logit_bias",
            "metadata",
            "service_tier",
            "verbosity",
            "thinking",
        ]
    );
    let keys: Vec<_> = body.as_object().unwrap().keys().collect();
    let known = ["model", "max_tokens", "messages", "temperature"];
    let own = [
        "cache_control",
        "mcp_servers",
        "container",
        "context_management",
        "inference_geo",
        "speed",
    ];
    assert_eq!(keys, [&known[..], &own[..]].concat());
    assert_eq!(body["temperature"], json!(1.0));
}

#[test]
fn parts_and_tools_of_anthropics_own_pass_as_they_came() {
    let part = json!({"type": "search_result", "source": "s", "content": []});
    let tool = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 2});
    let mut request = user(vec![Part::Other(Dialect::Messages, part.clone())]);
    request.tools = vec![Tool::Other(Dialect::Messages, tool.clone())];
    let (body, _) = write(&request);
    assert_eq!(body["messages"][0]["content"], json!([part]));
    assert_eq!(body["tools"], json!([tool]));
}

#[test]
fn each_choice_of_tools_is_written() {
    let check = |choice: Option<ToolChoice>, parallel: Option<bool>, expected: Value| {
        let function = Function {
            name: "f".to_owned(),
            ..Function::default()
        };
        let request = Request {
            tools: vec![Tool::Function(function)],
            tool_choice: choice,
            parallel_tool_calls: parallel,
            ..hi()
        };
        assert_eq!(write(&request).0["tool_choice"], expected);
        let without = Request {
            tools: Vec::new(),
            ..request
        };
        assert_eq!(write(&without).0.get("tool_choice"), None);
    };
    check(None, None, Value::Null);
    check(None, Some(true), Value::Null);
    check(
        None,
        Some(false),
        json!({"type": "auto", "disable_parallel_tool_use": true}),
    );
    check(Some(ToolChoice::Auto), None, json!({"type": "auto"}));
    check(Some(ToolChoice::None), Some(false), json!({"type": "none"}));
    check(
        Some(ToolChoice::Required),
        Some(true),
        json!({"type": "any"}),
    );
    let one = ToolChoice::Function("f".to_owned());
    check(
        Some(one),
        Some(false),
        json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true}),
    );
}

#[test]
fn a_schema_is_closed_and_stands_beside_the_clients_own() {
    let schema = json!({"type": "object", "properties": {
        "a": {"type": ["object", "null"], "properties": {}}, "b": {"type": "object", "additionalProperties": true},
        "c": {"enum": [{"type": "object"}]}, "type": {"type": "string"},
        "default": {"type": "object"}}, "$defs": {"d": {"type": "object"}}, "default": {"type": "object"}});
    let mut request = hi();
    request.output = Output::Schema {
        name: "n".to_owned(),
        description: Some("d".to_owned()),
        schema,
        strict: None,
    };
    request
        .extra
        .insert("output_config".to_owned(), json!({"task_budget": 1}));
    let (body, dropped) = write(&request);
    let closed = json!({"type": "object", "properties": {
        "a": {"type": ["object", "null"], "properties": {}, "additionalProperties": false},
        "b": {"type": "object", "additionalProperties": false},
        "c": {"enum": [{"type": "object"}]}, "type": {"type": "string"},
        "default": {"type": "object", "additionalProperties": false}},
        "$defs": {"d": {"type": "object", "additionalProperties": false}}, "default": {"type": "object"},
        "additionalProperties": false});
    assert_eq!(
        body["output_config"],
        json!({"task_budget": 1, "format": {"type": "json_schema", "schema": closed}})
    );
    assert_eq!(dropped, ["response_format.json_schema.description"]);
}

#[test]
fn top_p_goes_only_without_temperature() {
    let with = |temperature: Option<f64>, top_p: f64| {
        let mut request = hi();
        request.sampling.temperature = temperature;
        request.sampling.top_p = Some(top_p);
        let (body, dropped) = write(&request);
        (body["top_p"].clone(), dropped)
    };
    assert_eq!(with(None, 0.5), (json!(0.5), Vec::new()));
    assert_eq!(
        with(Some(0.0), 0.5),
        (Value::Null, vec!["top_p".to_owned()])
    );
    assert_eq!(with(Some(0.0), 1.0), (Value::Null, Vec::new()));
}
