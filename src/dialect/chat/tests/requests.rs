use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::super::neutral::*;
use super::super::{
    ChatOptions, MaxTokensKey, PastReasoning, Schemas, fit, read_request, write_request,
};
use super::parsed;

fn read(body: &Value) -> Request {
    read_request(body.to_string().as_bytes()).unwrap()
}

/// A conversation with everything that chat can say.
fn full() -> Value {
    json!({
        "model": "m", "stream": true, "stream_options": {"include_usage": true},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Really.", "cache_control": {"type": "ephemeral"}}]},
            {"role": "user", "name": "ann", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
                {"type": "file", "file": {"file_id": "file-1"}},
            ]},
            {"role": "assistant", "content": null, "reasoning_content": "hm",
             "reasoning_details": [
                {"type": "reasoning.text", "text": "hm", "index": 0, "signature": "s1"},
                {"type": "reasoning.encrypted", "data": "zzz", "index": 1}],
             "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"a\":1}"},
                 "extra_content": {"google": {"thought_signature": "g"}}},
                {"id": "c2", "type": "function", "function": {"name": "find", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "one"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "two"}]},
            {"role": "assistant", "content": "Done.", "refusal": "no"},
            {"role": "user", "content": "Thanks"},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "description": "d",
            "parameters": {"type": "object", "properties": {"z": {}, "a": {}}}, "strict": true}}],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "parallel_tool_calls": false,
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": true}},
        "max_completion_tokens": 50, "temperature": 0.5, "top_p": 0.9, "seed": -3, "stop": ["a", "b"], "n": 2,
        "frequency_penalty": 0.1, "presence_penalty": -0.1, "logprobs": true, "top_logprobs": 3,
        "logit_bias": {"5": 1}, "reasoning_effort": "low", "user": "u", "store": true,
        "metadata": {"k": "v"}, "service_tier": "flex", "verbosity": "low",
        "orq": {"a": 1}, "retry": {"count": 1},
    })
}

#[test]
fn what_is_read_and_written_is_the_same_request() {
    let request = read(&full());
    let options = ChatOptions {
        past_reasoning: PastReasoning::Details,
        cache_control: true,
        ..ChatOptions::default()
    };
    let written = write_request(&request, "m", &options).unwrap();
    assert_eq!(written.dropped, Vec::<String>::new());
    assert_eq!(read_request(&written.body).unwrap(), request);
    let body = parsed(&written.body);
    assert_eq!(body["max_completion_tokens"], 50);
    assert!(
        body.get("orq").is_none() && body.get("retry").is_none(),
        "ours stays here"
    );
    let order: Vec<&String> = body["tools"][0]["function"]["parameters"]["properties"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(order, ["z", "a"], "a schema keeps its order");
}

#[test]
fn every_part_finds_its_place() {
    let request = read(&full());
    let Part::Image(image) = &request.messages[2].parts[1] else {
        panic!("an image");
    };
    assert_eq!(image.source, Source::Base64("QUJD".to_owned()));
    assert_eq!(image.media_type.as_deref(), Some("image/png"));
    let thoughts: Vec<_> = request.messages[3].parts.iter().take(2).collect();
    assert_eq!(
        thoughts,
        [
            &Part::Reasoning(Reasoning {
                text: "hm".to_owned(),
                signature: Some("s1".to_owned()),
                ..Reasoning::default()
            }),
            &Part::Reasoning(Reasoning {
                sealed: Some("zzz".to_owned()),
                ..Reasoning::default()
            })
        ]
    );
    let Part::ToolResult(result) = &request.messages[4].parts[0] else {
        panic!("a result");
    };
    assert_eq!(result.name.as_deref(), Some("look"), "by the call's id");
    assert_eq!(request.sampling.stop, ["a", "b"]);
    assert!(request.include_usage);
    assert_eq!(
        request.extra.keys().collect::<Vec<_>>(),
        ["store", "service_tier", "verbosity"]
    );
}

#[test]
fn older_spellings_are_read() {
    let request = read(&json!({
        "model": "m", "max_tokens": 5, "stop": "x", "function_call": {"name": "f"},
        "functions": [{"name": "f", "parameters": {}}],
        "messages": [
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "r"},
            {"role": "assistant", "content": "a", "reasoning": "t"},
        ],
    }));
    assert_eq!(
        request.tool_choice,
        Some(ToolChoice::Function("f".to_owned()))
    );
    assert_eq!(
        (request.sampling.max_tokens, request.tools.len()),
        (Some(5), 1)
    );
    let Part::ToolCall(call) = &request.messages[0].parts[0] else {
        panic!("a call");
    };
    let Part::ToolResult(result) = &request.messages[1].parts[0] else {
        panic!("a result");
    };
    assert_eq!(call.id, result.id, "the result belongs to the call");
    assert!(matches!(&request.messages[2].parts[0], Part::Reasoning(one) if one.text == "t"));
}

#[test]
fn unknown_members_are_carried_with_their_place() {
    let request = read(&json!({"model": "m", "min_p": 0.1, "x": null, "messages": [
        {"role": "user", "content": [{"type": "text", "text": "a", "odd": 1}, {"type": "video_url", "video_url": {}}], "odd": 2},
    ]}));
    assert_eq!(request.extra["messages[0].content[0].odd"], 1);
    assert_eq!(request.extra["min_p"], 0.1);
    assert_eq!(request.messages[0].extra["odd"], 2);
    let written = write_request(&request, "m", &ChatOptions::default()).unwrap();
    assert_eq!(
        written.dropped,
        ["messages[].odd", "messages[0].content[0].odd", "min_p"]
    );
    assert_eq!(
        parsed(&written.body)["messages"][0]["content"][1],
        json!({"type": "video_url", "video_url": {}})
    );
}

#[test]
fn options_say_what_a_server_lacks() {
    let request = read(&full());
    let options = ChatOptions {
        max_tokens: MaxTokensKey::MaxTokens,
        developer: false,
        stream_usage: false,
        strict: false,
        text_lists: false,
        drop: vec!["seed".to_owned(), "absent".to_owned()],
        ..ChatOptions::default()
    };
    let written = write_request(&request, "m", &options).unwrap();
    let body = parsed(&written.body);
    assert_eq!(
        (&body["max_tokens"], &body["messages"][1]["role"]),
        (&json!(50), &json!("system"))
    );
    assert_eq!(body["messages"][1]["content"], "Really.");
    for gone in ["stream_options", "max_completion_tokens", "seed"] {
        assert!(body.get(gone).is_none(), "{gone}");
    }
    assert_eq!(
        written.dropped,
        [
            "messages[].reasoning",
            "tools[].function.strict",
            "response_format.json_schema.strict",
            "seed"
        ]
    );
    for schemas in [Schemas::ObjectOnly, Schemas::None] {
        let options = ChatOptions {
            schemas,
            ..ChatOptions::default()
        };
        assert!(write_request(&request, "m", &options).is_err());
    }
}

#[test]
fn pictures_of_a_tool_follow_in_a_users_message() {
    let picture = Part::Image(Media {
        source: Source::Base64("QUJD".to_owned()),
        media_type: Some("image/png".to_owned()),
        name: None,
        detail: None,
        cache: None,
    });
    let message = |role, parts| Message {
        role,
        parts,
        name: None,
        extra: Extra::new(),
    };
    let result = |id: &str, content, is_error| {
        let id = id.to_owned();
        Part::ToolResult(ToolResult {
            id,
            content,
            is_error,
            ..ToolResult::default()
        })
    };
    let said = |text: &str| Part::Text(Text::plain(text));
    let request = Request {
        messages: vec![message(
            Role::User,
            vec![
                said("look"),
                result("1", vec![picture], false),
                result("2", vec![said("gone")], true),
            ],
        )],
        ..Request::default()
    };
    let written = write_request(&request, "m", &ChatOptions::default()).unwrap();
    let body = parsed(&written.body);
    let roles: Vec<&Value> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["role"])
        .collect();
    assert_eq!(
        roles,
        ["tool", "tool", "user"],
        "results come before what is said to them"
    );
    assert_eq!(body["messages"][1]["content"], "Error: gone");
    assert_eq!(body["messages"][2]["content"][1]["type"], "image_url");
    assert_eq!(body["messages"][2]["content"][2]["text"], "look");
}

#[test]
fn what_chat_cannot_say_does_not_fit() {
    let with = |part| Request {
        messages: vec![Message {
            role: Role::User,
            parts: vec![part],
            name: None,
            extra: Extra::new(),
        }],
        ..Request::default()
    };
    let media = |source| Media {
        source,
        media_type: None,
        name: None,
        detail: None,
        cache: None,
    };
    let address = || Source::Url("https://example.com/a".to_owned());
    for part in [
        Part::Image(media(Source::Id("f".to_owned()))),
        Part::Audio(media(address())),
        Part::File(media(address())),
        Part::Other(Dialect::Messages, json!({"type": "server_tool_use"})),
    ] {
        assert!(
            fit(&with(part.clone()), &ChatOptions::default()).is_err(),
            "{part:?}"
        );
    }
    assert!(
        fit(
            &with(Part::Image(media(address()))),
            &ChatOptions::default()
        )
        .is_ok()
    );
    let tool = Tool::Other(Dialect::Messages, json!({"type": "web_search_20250305"}));
    let unfit = fit(
        &Request {
            tools: vec![tool],
            ..Request::default()
        },
        &ChatOptions::default(),
    )
    .unwrap_err();
    assert!(unfit.what.contains("web_search"), "{unfit}");
}

#[test]
fn mistakes_are_named_with_their_place() {
    let check = |body: Value, at: &str| {
        let error = read_request(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.at, at, "{body}");
    };
    check(json!({"model": "m"}), "messages");
    check(json!({"messages": [{"role": "x"}]}), "messages[0].role");
    check(
        json!({"messages": [{"role": "user"}]}),
        "messages[0].content",
    );
    check(
        json!({"messages": [{"role": "user", "content": [{"type": "text"}]}]}),
        "messages[0].content[0].text",
    );
    check(
        json!({"messages": [{"role": "user", "content": [{"a": 1}]}]}),
        "messages[0].content[0].type",
    );
    check(
        json!({"messages": [{"role": "tool", "content": "a"}]}),
        "messages[0].tool_call_id",
    );
    check(json!({"messages": [], "stop": [1]}), "stop[0]");
    check(json!({"messages": [], "tool_choice": "x"}), "tool_choice");
    check(json!({"messages": [], "temperature": "hot"}), "temperature");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read_request(&body).is_err());
    }

    #[test]
    fn a_flipped_byte_never_panics(at in 0_usize..2000, byte in any::<u8>()) {
        let mut body = full().to_string().into_bytes();
        let at = at % body.len();
        body[at] = byte;
        let shown = match read_request(&body) {
            Ok(request) => format!("{:?}", write_request(&request, "m", &ChatOptions::default())),
            Err(error) => error.to_string(),
        };
        prop_assert!(!shown.is_empty());
    }
}
