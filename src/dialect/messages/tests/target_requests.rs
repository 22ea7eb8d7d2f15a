use serde_json::{Value, json};

use super::super::super::chat;
use super::super::super::neutral::*;
use super::super::{MessagesOptions, fit, write_request};

/// What Anthropic gets for a client's chat request, and what was left out.
fn written(request: &Value) -> (Value, Vec<String>) {
    let request = chat::read_request(request.to_string().as_bytes()).unwrap();
    write(&request)
}

fn write(request: &Request) -> (Value, Vec<String>) {
    let written = write_request(request, "claude-x", &MessagesOptions::default()).unwrap();
    (
        serde_json::from_slice(&written.body).unwrap(),
        written.dropped,
    )
}

fn says(role: Role, parts: Vec<Part>) -> Message {
    Message {
        role,
        parts,
        name: None,
        extra: Extra::new(),
    }
}

fn user(parts: Vec<Part>) -> Request {
    Request {
        messages: vec![says(Role::User, parts)],
        ..Request::default()
    }
}

fn hi() -> Request {
    user(vec![Part::Text(Text::plain("hi"))])
}

fn media(source: Source, media_type: Option<&str>) -> Media {
    Media {
        source,
        media_type: media_type.map(str::to_owned),
        name: None,
        detail: None,
        cache: None,
    }
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
fn ids_are_cleaned_alike_in_call_and_result() {
    let ids = ["call:1", "call.1", "call_1", "", "ü"];
    let call = |id: &&str| {
        Part::ToolCall(ToolCall {
            id: (*id).to_owned(),
            name: "f".to_owned(),
            arguments: "{}".to_owned(),
            ..ToolCall::default()
        })
    };
    let result = |id: &&str| {
        Part::ToolResult(ToolResult {
            id: (*id).to_owned(),
            ..ToolResult::default()
        })
    };
    let request = Request {
        messages: vec![
            says(Role::Assistant, ids.iter().map(call).collect()),
            says(Role::Tool, ids.iter().map(result).collect()),
        ],
        ..Request::default()
    };
    let (body, _) = write(&request);
    let of = |message: usize, key: &str| -> Vec<String> {
        let blocks = body["messages"][message]["content"].as_array().unwrap();
        let ids = blocks
            .iter()
            .map(|block| block[key].as_str().unwrap().to_owned());
        ids.collect()
    };
    let written = of(0, "id");
    assert_eq!(written, of(1, "tool_use_id"));
    let apart: std::collections::BTreeSet<_> = written.iter().collect();
    assert_eq!(
        apart.len(),
        ids.len(),
        "different ids stay apart: {written:?}"
    );
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || sign == '_' || sign == '-';
    assert!(
        written
            .iter()
            .all(|id| !id.is_empty() && id.chars().all(is_sign))
    );
    assert_eq!(written[2], "call_1", "what is clean stays");
}

#[test]
fn media_are_written_from_each_source() {
    let check = |part: Part, expected: Value| {
        let (body, _) = write(&user(vec![part]));
        assert_eq!(body["messages"][0]["content"], json!([expected]));
    };
    let image = |source: Value| json!({"type": "image", "source": source});
    let document = |source: Value| json!({"type": "document", "source": source});
    let data = Source::Base64("/9j/4AAQ".to_owned());
    let jpeg = image(json!({"type": "base64", "media_type": "image/jpeg", "data": "/9j/4AAQ"}));
    check(
        Part::Image(media(data.clone(), Some("image/jpg"))),
        jpeg.clone(),
    );
    check(Part::Image(media(data, None)), jpeg);
    let url = || Source::Url("https://x/y".to_owned());
    check(
        Part::Image(media(url(), None)),
        image(json!({"type": "url", "url": "https://x/y"})),
    );
    let id = || Source::Id("file_1".to_owned());
    check(
        Part::Image(media(id(), None)),
        image(json!({"type": "file", "file_id": "file_1"})),
    );
    let pdf = Source::Base64("JVBERg==".to_owned());
    let named = Media {
        name: Some("a.pdf".to_owned()),
        cache: Some(json!({"type": "ephemeral"})),
        ..media(pdf, None)
    };
    check(
        Part::File(named),
        json!({"type": "document", "title": "a.pdf", "cache_control": {"type": "ephemeral"},
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}}),
    );
    let plain = document(json!({"type": "text", "media_type": "text/plain", "data": "hé"}));
    check(
        Part::File(media(Source::Text("hé".to_owned()), None)),
        plain.clone(),
    );
    let coded = Source::Base64("aMOp".to_owned());
    check(Part::File(media(coded, Some("text/markdown"))), plain);
    check(
        Part::File(media(url(), None)),
        document(json!({"type": "url", "url": "https://x/y"})),
    );
    check(
        Part::File(media(id(), None)),
        document(json!({"type": "file", "file_id": "file_1"})),
    );
}

#[test]
fn a_result_holds_images_and_says_that_it_failed() {
    let result = |content: Vec<Part>| {
        let result = ToolResult {
            id: "t".to_owned(),
            content,
            is_error: true,
            ..ToolResult::default()
        };
        write(&user(vec![Part::ToolResult(result)])).0["messages"][0]["content"][0].take()
    };
    let image = media(Source::Url("https://x/y".to_owned()), None);
    assert_eq!(
        result(vec![Part::Image(image)]),
        json!({"type": "tool_result", "tool_use_id": "t", "is_error": true,
            "content": [{"type": "image", "source": {"type": "url", "url": "https://x/y"}}]})
    );
    let empty = result(Vec::new());
    assert_eq!(empty["content"], json!([{"type": "text", "text": "error"}]));
}

#[test]
fn past_thoughts_go_back_only_with_anthropics_own_proof() {
    let thought = |text: &str, signature: Option<&str>, sealed: Option<&str>, id: Option<&str>| {
        Part::Reasoning(Reasoning {
            text: text.to_owned(),
            signature: signature.map(str::to_owned),
            sealed: sealed.map(str::to_owned),
            id: id.map(str::to_owned),
            is_summary: false,
        })
    };
    let written = |parts: Vec<Part>| {
        let mut request = hi();
        request.messages.push(says(Role::Assistant, parts));
        request.messages.extend(hi().messages);
        let (mut body, dropped) = write(&request);
        (body["messages"][1].take(), dropped)
    };
    let own = vec![
        thought("hm", Some("sig"), None, None),
        thought("", None, Some("data"), None),
    ];
    let (message, dropped) = written(own);
    assert_eq!(
        message["content"],
        json!([{"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "data"}])
    );
    assert!(dropped.is_empty());
    for other in [
        thought("hm", None, None, None),
        thought("hm", Some(""), None, None),
        thought("", None, Some("data"), Some("rs_1")),
    ] {
        let (message, dropped) = written(vec![other, Part::Text(Text::plain("yes"))]);
        let said = json!([{"type": "text", "text": "yes"}]);
        assert_eq!(message["content"], said);
        assert_eq!(dropped, ["messages[].reasoning"]);
    }
}

#[test]
fn citations_go_back_only_if_they_are_anthropics() {
    let written = |annotations: Value| {
        let text = Text {
            annotations: Some(annotations),
            ..Text::plain("a")
        };
        let mut request = user(vec![Part::Text(text)]);
        request.messages[0].role = Role::Assistant;
        let (mut body, dropped) = write(&request);
        (
            body["messages"][0]["content"][0]["citations"].take(),
            dropped,
        )
    };
    let own = json!([{"type": "page_location", "cited_text": "x"}]);
    assert_eq!(written(own.clone()), (own, Vec::new()));
    let other = json!([{"type": "url_citation", "url_citation": {}}]);
    assert_eq!(
        written(other),
        (Value::Null, vec!["messages[].annotations".to_owned()])
    );
}

#[test]
fn arguments_that_are_no_object_are_named() {
    let call = |arguments: &str| {
        let call = ToolCall {
            id: "t".to_owned(),
            name: "f".to_owned(),
            arguments: arguments.to_owned(),
            ..ToolCall::default()
        };
        let mut request = hi();
        request
            .messages
            .push(says(Role::Assistant, vec![Part::ToolCall(call)]));
        let (body, dropped) = write(&request);
        assert_eq!(
            body["messages"][1]["content"][0]["input"],
            json!({}),
            "{arguments}"
        );
        dropped
    };
    assert!(call(" ").is_empty());
    for broken in ["{\"a\":", "[1]", "null"] {
        assert_eq!(call(broken), ["messages[].tool_calls[].function.arguments"]);
    }
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
        "b": {"type": "object", "additionalProperties": true},
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

#[test]
fn what_messages_cannot_say_is_unfit() {
    let check = |change: &dyn Fn(&mut Request), what: &str| {
        let mut request = hi();
        change(&mut request);
        let options = MessagesOptions::default();
        let unfit = fit(&request, &options).unwrap_err();
        assert!(unfit.what.contains(what), "{unfit}");
        assert_eq!(write_request(&request, "m", &options), Err(unfit));
    };
    let with = |part: Part, what: &str| {
        check(
            &|request| request.messages[0].parts.push(part.clone()),
            what,
        );
        // Within a result too.
        let result = ToolResult {
            content: vec![part],
            ..ToolResult::default()
        };
        check(
            &|request| {
                request.messages[0]
                    .parts
                    .push(Part::ToolResult(result.clone()))
            },
            what,
        );
    };
    check(&|request| request.sampling.n = Some(2), "several answers");
    check(&|request| request.sampling.logprobs = true, "probabilities");
    check(
        &|request| request.output = Output::Json,
        "JSON output without a schema",
    );
    let data = || Source::Base64("AAAA".to_owned());
    let at = |url: &str| Source::Url(url.to_owned());
    with(Part::Audio(media(data(), None)), "sound");
    with(
        Part::Image(media(data(), Some("image/bmp"))),
        "images other than",
    );
    with(Part::Image(media(data(), None)), "images other than");
    with(Part::Image(media(at("gs://a/b"), None)), "addresses");
    with(
        Part::File(media(Source::Id("file-1".to_owned()), None)),
        "another provider",
    );
    with(
        Part::File(media(data(), Some("application/zip"))),
        "documents other than",
    );
    with(
        Part::File(media(Source::Base64("/w==".to_owned()), Some("text/csv"))),
        "documents other than",
    );
    let foreign = Part::Other(Dialect::Gemini, json!({"type": "novel"}));
    with(foreign, "part of the type \"novel\" of Gemini");
    let image = || Part::Image(media(at("https://x/y"), None));
    check(
        &|request| request.messages.push(says(Role::System, vec![image()])),
        "instructions",
    );
    check(
        &|request| request.messages.push(says(Role::Assistant, vec![image()])),
        "own turns",
    );
    let tool = Tool::Other(Dialect::Responses, json!({"type": "file_search"}));
    check(&|request| request.tools.push(tool.clone()), "file_search");
    let dotted = Function {
        name: "a.b".to_owned(),
        ..Function::default()
    };
    check(
        &|request| request.tools.push(Tool::Function(dotted.clone())),
        "names",
    );
}

#[test]
fn a_schema_is_unfit_where_the_server_knows_none() {
    let options = MessagesOptions {
        structured_outputs: false,
        ..MessagesOptions::default()
    };
    let mut request = hi();
    request.output = Output::Schema {
        name: "n".to_owned(),
        description: None,
        schema: json!({}),
        strict: None,
    };
    assert!(fit(&request, &MessagesOptions::default()).is_ok());
    assert!(fit(&request, &options).is_err());
    let strict = Function {
        name: "f".to_owned(),
        strict: Some(true),
        ..Function::default()
    };
    let request = Request {
        tools: vec![Tool::Function(strict)],
        ..hi()
    };
    let written = write_request(&request, "m", &options).unwrap();
    assert_eq!(written.dropped, ["tools[].function.strict"]);
}
