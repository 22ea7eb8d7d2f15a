use serde_json::{Value, json};

use crate::dialect::messages::read_request;
use crate::dialect::neutral::*;

fn read(body: &Value) -> Request {
    read_request(body.to_string().as_bytes()).unwrap()
}

fn refused(body: &Value) -> String {
    read_request(body.to_string().as_bytes())
        .unwrap_err()
        .to_string()
}

/// The request with these members and one word of the user's.
fn with(mut members: Value) -> Request {
    members["messages"] = json!([{"role": "user", "content": "hi"}]);
    read(&members)
}

#[test]
fn a_plain_request_is_read() {
    let request = read(&json!({
        "model": "claude-sonnet-4-5", "max_tokens": 100, "stream": true, "system": "be brief",
        "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "He"}],
        "temperature": 0.5, "top_p": 0.9, "top_k": 40, "stop_sequences": ["END", "\n\n"],
        "metadata": {"user_id": "u-1"}, "service_tier": "auto", "timeout": 5000,
    }));
    let say = |role, text: &str| Message {
        role,
        parts: vec![Part::Text(Text::plain(text))],
        name: None,
        extra: Extra::new(),
    };
    assert_eq!(
        request,
        Request {
            model: "claude-sonnet-4-5".to_owned(),
            stream: true,
            include_usage: true,
            messages: vec![
                say(Role::System, "be brief"),
                say(Role::User, "hi"),
                say(Role::Assistant, "He"),
            ],
            sampling: Sampling {
                max_tokens: Some(100),
                temperature: Some(0.5),
                top_p: Some(0.9),
                top_k: Some(40),
                stop: vec!["END".to_owned(), "\n\n".to_owned()],
                ..Sampling::default()
            },
            user: Some("u-1".to_owned()),
            extra: json!({"service_tier": "auto"}).as_object().unwrap().clone(),
            ..Request::default()
        }
    );
}

#[test]
fn a_system_of_blocks_keeps_its_cache_marks() {
    let request = with(json!({"system": [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}},
    ]}));
    let marked = Part::Text(Text {
        text: "b".to_owned(),
        cache: Some(json!({"type": "ephemeral"})),
        annotations: None,
    });
    assert_eq!(request.messages[0].role, Role::System);
    assert_eq!(
        request.messages[0].parts,
        [Part::Text(Text::plain("a")), marked]
    );
    assert_eq!(with(json!({"system": ""})).messages.len(), 1);
    assert_eq!(with(json!({"system": []})).messages.len(), 1);
}

#[test]
fn tools_and_the_choice_among_them_are_read() {
    let schema = json!({"type": "object", "properties": {"z": {}, "a": {}}});
    let request = with(json!({
        "tools": [
            {"name": "f", "description": "d", "input_schema": schema, "strict": true,
                "cache_control": {"type": "ephemeral"}},
            {"type": "custom", "name": "g", "input_schema": schema, "defer_loading": true},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
        ],
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true},
    }));
    let function = |name: &str| Function {
        name: name.to_owned(),
        parameters: Some(schema.clone()),
        ..Function::default()
    };
    assert_eq!(
        request.tools,
        [
            Tool::Function(Function {
                description: Some("d".to_owned()),
                strict: Some(true),
                cache: Some(json!({"type": "ephemeral"})),
                ..function("f")
            }),
            Tool::Function(function("g")),
            Tool::Other(
                Dialect::Messages,
                json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 2})
            ),
        ]
    );
    assert_eq!(
        request.extra.get("tools[1].defer_loading"),
        Some(&json!(true))
    );
    let choice = request.tool_choice;
    assert_eq!(choice, Some(ToolChoice::Function("f".to_owned())));
    assert_eq!(request.parallel_tool_calls, Some(false));
}

#[test]
fn each_word_of_the_choice_has_its_meaning() {
    let read = |choice: Value| {
        let request = with(json!({ "tool_choice": choice }));
        (request.tool_choice, request.parallel_tool_calls)
    };
    assert_eq!(
        read(json!({"type": "auto", "disable_parallel_tool_use": false})),
        (Some(ToolChoice::Auto), None)
    );
    assert_eq!(
        read(json!({"type": "any", "disable_parallel_tool_use": true})),
        (Some(ToolChoice::Required), Some(false))
    );
    assert_eq!(
        read(json!({"type": "none"})),
        (Some(ToolChoice::None), None)
    );
    assert_eq!(read(Value::Null), (None, None));
}

#[test]
fn thinking_and_effort_are_read() {
    let read = |members: Value| with(members).reasoning;
    let thinking = |effort: Option<&str>, budget, summary: Option<&str>| {
        Some(Thinking {
            effort: effort.map(str::to_owned),
            budget,
            summary: summary.map(str::to_owned),
        })
    };
    assert_eq!(read(json!({})), None);
    assert_eq!(
        read(json!({"thinking": {"type": "enabled", "budget_tokens": 2048}})),
        thinking(None, Some(2048), None)
    );
    assert_eq!(
        read(json!({"thinking": {"type": "disabled"}})),
        thinking(None, Some(0), None)
    );
    assert_eq!(
        read(json!({"thinking": {"type": "adaptive", "display": "summarized"}})),
        thinking(None, None, Some("auto"))
    );
    assert_eq!(
        read(
            json!({"thinking": {"type": "adaptive", "display": "omitted"},
            "output_config": {"effort": "max"}})
        ),
        thinking(Some("xhigh"), None, Some("none"))
    );
    assert_eq!(
        read(json!({"output_config": {"effort": "low"}})),
        thinking(Some("low"), None, None)
    );
}

#[test]
fn what_is_not_known_of_thinking_stays() {
    let disabled = with(json!({"thinking": {"type": "disabled"},
        "output_config": {"effort": "low", "task_budget": {"type": "tokens"}}}));
    assert_eq!(
        disabled.extra.get("output_config"),
        Some(&json!({"effort": "low", "task_budget": {"type": "tokens"}}))
    );
    let newer = with(json!({"thinking": {"type": "dreaming", "depth": 3}}));
    assert_eq!(newer.reasoning, None);
    assert_eq!(
        newer.extra.get("thinking"),
        Some(&json!({"type": "dreaming", "depth": 3}))
    );
}

#[test]
fn a_schema_of_the_answer_is_read_from_both_places() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}},
        "required": ["a"], "additionalProperties": false});
    let format = json!({"type": "json_schema", "schema": closed});
    let expected = Output::Schema {
        name: "answer".to_owned(),
        description: None,
        schema: closed.clone(),
        strict: Some(true),
    };
    let newer = with(json!({"output_config": {"format": format}}));
    assert_eq!(newer.output, expected);
    assert!(newer.extra.is_empty(), "nothing of output_config is left");
    assert_eq!(with(json!({ "output_format": format })).output, expected);
}

#[test]
fn a_schema_with_members_that_may_be_absent_is_not_strict() {
    let inner = json!({"type": "object", "properties": {"b": {}}, "additionalProperties": false});
    let outer = json!({"type": "object", "properties": {"a": inner}, "required": ["a"],
        "additionalProperties": false});
    let request = with(json!({"output_format": {"type": "json_schema", "schema": outer}}));
    let Output::Schema { strict, .. } = request.output else {
        panic!("{:?}", request.output);
    };
    assert_eq!(strict, None);
}

#[test]
fn unknown_members_are_kept_and_nulls_are_absent() {
    let request = with(
        json!({"system": null, "tools": null, "thinking": null, "stream": null,
        "container": "c", "context_management": {"edits": []}, "metadata": {"tag": 1}}),
    );
    let keys: Vec<_> = request.extra.keys().map(String::as_str).collect();
    assert_eq!(keys, ["container", "context_management"]);
    assert_eq!(request.metadata, Some(json!({"tag": 1})));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let user = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    for (body, expected) in [
        (
            json!({}),
            "messages: expected a list of messages, found nothing",
        ),
        (
            json!({"messages": [{"role": "judge", "content": ""}]}),
            "messages[0].role: expected user or assistant, found another role",
        ),
        (
            json!({"messages": [{"role": "user"}]}),
            "messages[0].content: expected a string or a list of blocks, found nothing",
        ),
        (
            user(json!([{"text": "x"}])),
            "messages[0].content[0].type: expected a string, found nothing",
        ),
        (
            user(json!(["x"])),
            "messages[0].content[0]: expected a JSON object, found a string",
        ),
        (
            user(json!([{"type": "image"}])),
            "messages[0].content[0].source: expected an object with `type`, found nothing",
        ),
        (
            user(
                json!([{"type": "image", "source": {"type": "base64", "media_type": "image/png"}}]),
            ),
            "messages[0].content[0].source.data: expected a string, found nothing",
        ),
        (
            user(json!([{"type": "tool_result", "content": "x"}])),
            "messages[0].content[0].tool_use_id: expected a string, found nothing",
        ),
        (
            json!({"messages": [{"role": "assistant",
                "content": [{"type": "tool_use", "id": "a", "name": "f", "input": "{}"}]}]}),
            "messages[0].content[0].input: expected an object, found a string",
        ),
        (
            json!({"messages": [], "tool_choice": "auto"}),
            "tool_choice: expected a JSON object, found a string",
        ),
        (
            json!({"messages": [], "tools": [{"input_schema": {}}]}),
            "tools[0].name: expected a string, found nothing",
        ),
        (
            json!({"messages": [], "stop_sequences": [1]}),
            "stop_sequences[0]: expected a string, found the number 1",
        ),
        (
            json!({"messages": [], "output_format": {"type": "grammar"}}),
            "output_format.type: expected json_schema, found another word",
        ),
    ] {
        assert_eq!(refused(&body), expected, "{body}");
    }
}
