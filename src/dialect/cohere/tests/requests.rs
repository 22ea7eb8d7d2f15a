use serde_json::{Value, json};

use super::super::{fit, write_request};
use super::*;

fn say(role: Role, parts: Vec<Part>) -> Message {
    Message {
        role,
        parts,
        name: None,
        extra: Extra::new(),
    }
}

fn plain(text: &str) -> Part {
    Part::Text(Text::plain(text))
}

fn thought(text: &str) -> Part {
    Part::Reasoning(Reasoning {
        text: text.into(),
        ..Reasoning::default()
    })
}

fn media(source: Source) -> Media {
    Media {
        source,
        media_type: Some("image/jpeg".into()),
        name: None,
        detail: Some("high".into()),
        cache: None,
    }
}

fn function(name: &str, strict: Option<bool>) -> Tool {
    Tool::Function(Function {
        name: name.into(),
        strict,
        ..Function::default()
    })
}

fn request() -> Request {
    let call = Part::ToolCall(ToolCall {
        id: "t".into(),
        name: "f".into(),
        arguments: "{\"a\":1}".into(),
        ..ToolCall::default()
    });
    let result = Part::ToolResult(ToolResult {
        id: "t".into(),
        content: vec![plain("42")],
        ..ToolResult::default()
    });
    Request {
        stream: true,
        messages: vec![
            say(Role::Developer, vec![plain("be brief")]),
            say(
                Role::User,
                vec![
                    plain("hi"),
                    Part::Image(media(Source::Base64("AA==".into()))),
                ],
            ),
            say(Role::Assistant, vec![thought("I look."), call]),
            say(Role::Tool, vec![result]),
            say(Role::Assistant, vec![thought("so"), plain("it is 42")]),
            say(Role::User, vec![plain("thanks")]),
        ],
        tools: vec![function("f", None)],
        ..Request::default()
    }
}

fn written(request: &Request) -> (Value, Vec<String>) {
    let written = write_request(request, "command-a-plus-05-2026").unwrap();
    (
        serde_json::from_slice(&written.body).unwrap(),
        written.dropped,
    )
}

#[test]
fn a_conversation_is_written() {
    let (body, dropped) = written(&request());
    let expected = json!({
        "model": "command-a-plus-05-2026",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "hi"},
                {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,AA==", "detail": "high"}}]},
            {"role": "assistant", "tool_plan": "I look.", "tool_calls": [{"id": "t", "type": "function",
                "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
            {"role": "tool", "tool_call_id": "t", "content": "42"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "so"}, {"type": "text", "text": "it is 42"}]},
            {"role": "user", "content": "thanks"}],
        "stream": true,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
    });
    assert_eq!(body, expected);
    assert!(dropped.is_empty(), "{dropped:?}");
}

#[test]
fn sampling_is_brought_into_range() {
    let mut request = request();
    request.sampling = Sampling {
        max_tokens: Some(9),
        temperature: Some(0.5),
        top_p: Some(1.0),
        top_k: Some(1000),
        seed: Some(-1),
        stop: vec!["x".into(), String::new()],
        n: Some(1),
        frequency_penalty: Some(-0.5),
        presence_penalty: Some(1.5),
        logprobs: true,
        top_logprobs: Some(0),
        logit_bias: Some(json!({"1": 2})),
    };
    request.user = Some("u".into());
    request.metadata = Some(json!({}));
    request.parallel_tool_calls = Some(false);
    let (body, dropped) = written(&request);
    let expected = json!({"max_tokens": 9, "temperature": 0.5, "p": 0.99, "k": 500,
        "stop_sequences": ["x"], "presence_penalty": 1.0, "logprobs": true});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&body[key], value, "{key}");
    }
    assert!(body.get("seed").is_none() && body.get("frequency_penalty").is_none());
    let names = [
        "seed",
        "frequency_penalty",
        "logit_bias",
        "parallel_tool_calls",
        "user",
        "metadata",
    ];
    assert_eq!(dropped, names);
}

#[test]
fn the_choice_of_a_tool_has_two_words() {
    let choice = |choice: Option<ToolChoice>| {
        let mut request = request();
        request.tool_choice = choice;
        written(&request).0["tool_choice"].clone()
    };
    assert_eq!(choice(Some(ToolChoice::Required)), "REQUIRED");
    assert_eq!(choice(Some(ToolChoice::None)), "NONE");
    assert_eq!(choice(Some(ToolChoice::Auto)), Value::Null);
    assert_eq!(choice(None), Value::Null);
    assert_eq!(choice(Some(ToolChoice::Function("f".into()))), "REQUIRED");
    let mut request = request();
    request.tool_choice = Some(ToolChoice::Function("f".into()));
    request.tools.push(function("g", None));
    assert!(fit(&request).unwrap_err().what.contains("one tool among"));
}

#[test]
fn strictness_is_of_all_tools_or_named() {
    let mut request = request();
    request.tools = vec![function("f", Some(true)), function("g", Some(true))];
    assert_eq!(written(&request).0["strict_tools"], true);
    request.tools.push(function("h", None));
    let (body, dropped) = written(&request);
    assert!(body.get("strict_tools").is_none());
    assert_eq!(dropped, ["tools[].function.strict"]);
}

#[test]
fn a_schema_is_written_where_there_are_no_tools() {
    let mut request = request();
    request.output = Output::Schema {
        name: "n".into(),
        description: None,
        schema: json!({"type": "object"}),
        strict: Some(true),
    };
    assert!(fit(&request).is_err(), "Cohere takes no tools beside it");
    request.tools.clear();
    let format = json!({"type": "json_object", "json_schema": {"type": "object"}});
    assert_eq!(written(&request).0["response_format"], format);
    request.output = Output::Json;
    assert_eq!(
        written(&request).0["response_format"],
        json!({"type": "json_object"})
    );
    request.extra.insert("documents".into(), json!(["d"]));
    assert!(fit(&request).is_err(), "nor documents");
}

#[test]
fn thinking_is_written_for_models_that_think() {
    let thinking = |effort: Option<&str>, budget, model| {
        let mut request = request();
        let effort = effort.map(str::to_owned);
        request.reasoning = Some(Thinking {
            effort,
            budget,
            summary: None,
        });
        let written = write_request(&request, model).unwrap();
        let body: Value = serde_json::from_slice(&written.body).unwrap();
        (body["thinking"].clone(), written.dropped)
    };
    let newer = "command-a-reasoning-08-2025";
    let enabled = |budget: u64| json!({"type": "enabled", "token_budget": budget});
    assert_eq!(thinking(None, Some(700), newer).0, enabled(700));
    assert_eq!(thinking(Some("low"), None, newer).0, enabled(1024));
    assert_eq!(
        thinking(Some("high"), None, newer).0,
        json!({"type": "enabled"})
    );
    for (effort, budget) in [(Some("none"), None), (None, Some(0))] {
        assert_eq!(
            thinking(effort, budget, newer).0,
            json!({"type": "disabled"})
        );
    }
    let older = thinking(Some("high"), None, "command-a-03-2025");
    assert_eq!(older, (Value::Null, vec!["reasoning_effort".to_owned()]));
    assert_eq!(
        thinking(Some("none"), None, "command-r7b-12-2024"),
        (Value::Null, vec![])
    );
}

#[test]
fn members_of_coheres_own_pass_and_others_are_named() {
    let mut request = request();
    let own = json!({"documents": [{"data": {"text": "x"}}], "safety_mode": "STRICT",
        "citation_options": {"mode": "off"}, "thinking": {"type": "disabled"}, "novel": 1});
    request.extra = own.as_object().unwrap().clone();
    request.reasoning = Some(Thinking {
        budget: Some(5),
        ..Thinking::default()
    });
    request.messages[2]
        .extra
        .insert("tool_plan".into(), json!("other"));
    request.messages[1].name = Some("Ann".into());
    request.messages[1]
        .extra
        .insert("tool_plan".into(), json!("x"));
    let (body, dropped) = written(&request);
    for key in ["documents", "safety_mode", "citation_options", "thinking"] {
        assert_eq!(body[key], own[key], "{key}");
    }
    assert_eq!(
        dropped,
        ["messages[].name", "messages[].tool_plan", "novel"]
    );
    request.extra = Extra::new();
    request.extra.insert(
        "thinking".into(),
        json!({"type": "enabled", "budget_tokens": 5}),
    );
    let (body, dropped) = written(&request);
    assert_eq!(
        body["thinking"],
        json!({"type": "enabled", "token_budget": 5})
    );
    assert!(
        dropped.contains(&"thinking".to_owned()),
        "Anthropic's word is not Cohere's"
    );
}

#[test]
fn a_result_that_failed_says_so_and_its_images_follow() {
    let mut request = request();
    let image = Part::Image(media(Source::Url("https://x/y.png".into())));
    request.messages[3].role = Role::User;
    request.messages[3].parts = vec![
        Part::ToolResult(ToolResult {
            id: "t".into(),
            content: vec![plain("no such file"), image],
            is_error: true,
            ..ToolResult::default()
        }),
        plain("go on"),
    ];
    let (body, _) = written(&request);
    let result = json!({"role": "tool", "tool_call_id": "t", "content": "Error: no such file"});
    assert_eq!(body["messages"][3], result);
    let follows = &body["messages"][4];
    assert_eq!(follows["role"], "user");
    assert_eq!(follows["content"][1]["image_url"]["url"], "https://x/y.png");
    assert_eq!(follows["content"][2]["text"], "go on");
}

#[test]
fn messages_without_content_are_left_out() {
    let mut request = request();
    request.messages = vec![
        say(Role::System, vec![plain("")]),
        say(Role::Assistant, vec![]),
        say(Role::User, vec![plain("hi")]),
    ];
    let (body, _) = written(&request);
    assert_eq!(body["messages"], json!([{"role": "user", "content": "hi"}]));
}

#[test]
fn what_cohere_cannot_say_is_unfit() {
    let with = |change: fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        let unfit = fit(&request).unwrap_err();
        assert_eq!(write_request(&request, "m").unwrap_err(), unfit);
        unfit.what
    };
    assert!(with(|request| request.sampling.n = Some(2)).contains("several answers"));
    assert!(with(|request| request.sampling.top_logprobs = Some(3)).contains("top_logprobs"));
    let stops = with(|request| request.sampling.stop = vec!["x".into(); 6]);
    assert!(stops.contains("more than 5"), "{stops}");
    let with_part = |part: Part| {
        let mut request = request();
        request.messages[1].parts.push(part);
        fit(&request).unwrap_err().what
    };
    let source = || media(Source::Base64("AA==".into()));
    assert_eq!(with_part(Part::Audio(source())), "sound");
    assert_eq!(with_part(Part::File(source())), "files");
    assert!(with_part(Part::Image(media(Source::Id("i".into())))).contains("images by"));
    assert!(with_part(Part::Other(Dialect::Chat, json!({}))).contains("another provider"));
    let tool = with(|request| request.tools.push(Tool::Other(Dialect::Gemini, json!({}))));
    assert!(tool.contains("run at another"), "{tool}");
}
