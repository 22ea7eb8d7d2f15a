use serde_json::{Value, json};

use super::super::super::neutral::*;
use super::super::{GeminiOptions, fit, write_request};
use super::{call, signature, text, thought};

const STUDIO: GeminiOptions = GeminiOptions {
    vertex: false,
    thinking_levels: false,
};
const VERTEX: GeminiOptions = GeminiOptions {
    vertex: true,
    thinking_levels: false,
};
const LEVELS: GeminiOptions = GeminiOptions {
    vertex: false,
    thinking_levels: true,
};

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message {
        role,
        parts,
        name: None,
        extra: Extra::new(),
    }
}

fn asked(parts: Vec<Part>) -> Request {
    Request {
        messages: vec![message(Role::User, parts)],
        ..Request::default()
    }
}

fn result(id: &str, content: Vec<Part>, is_error: bool) -> Part {
    Part::ToolResult(ToolResult {
        id: id.to_owned(),
        content,
        is_error,
        ..ToolResult::default()
    })
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

fn image() -> Part {
    Part::Image(media(Source::Base64("AA==".to_owned()), Some("image/png")))
}

fn function(name: &str) -> Function {
    Function {
        name: name.to_owned(),
        ..Function::default()
    }
}

fn written(request: &Request, model: &str, options: GeminiOptions) -> (Value, Vec<String>) {
    let written = write_request(request, model, &options).unwrap();
    (
        serde_json::from_slice(&written.body).unwrap(),
        written.dropped,
    )
}

fn contents(request: &Request) -> Value {
    written(request, "gemini-2.5-flash", STUDIO).0["contents"].take()
}

fn config(request: &Request, model: &str, options: GeminiOptions) -> Value {
    written(request, model, options).0["generationConfig"].take()
}

#[test]
fn a_plain_question_says_nothing_else() {
    let (body, dropped) = written(&asked(vec![text("Hi")]), "gemini-2.5-flash", STUDIO);
    let expected = json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]});
    assert_eq!(body, expected, "the model stands in the path");
    assert!(dropped.is_empty());
}

#[test]
fn instructions_stand_beside_the_conversation() {
    let request = Request {
        messages: vec![
            message(Role::System, vec![text("Be brief.")]),
            message(Role::User, vec![text("Hi")]),
            message(Role::Assistant, vec![text("Hello.")]),
            message(Role::Developer, vec![text("In German.")]),
            message(Role::User, vec![text(""), text("Bye")]),
            message(Role::User, vec![text("Now")]),
        ],
        ..Request::default()
    };
    let (body, _) = written(&request, "m", STUDIO);
    let system = json!({"parts": [{"text": "Be brief."}, {"text": "In German."}]});
    assert_eq!(body["systemInstruction"], system);
    assert_eq!(
        body["contents"],
        json!([
            {"role": "user", "parts": [{"text": "Hi"}]},
            {"role": "model", "parts": [{"text": "Hello."}]},
            {"role": "user", "parts": [{"text": "Bye"}, {"text": "Now"}]},
        ]),
        "neighbours of one role are one content, and an empty text none"
    );
}

#[test]
fn instructions_alone_are_what_is_asked() {
    let request = Request {
        messages: vec![message(Role::System, vec![text("Tell a joke.")])],
        ..Request::default()
    };
    let (body, _) = written(&request, "m", STUDIO);
    let expected = json!({"contents": [{"role": "user", "parts": [{"text": "Tell a joke."}]}]});
    assert_eq!(body, expected);
}

#[test]
fn results_of_parallel_calls_stand_in_one_content_right_behind_them() {
    let request = Request {
        messages: vec![
            message(Role::User, vec![text("?")]),
            message(
                Role::Assistant,
                vec![
                    text("Let me see."),
                    call("a", "sum", r#"{"x":1}"#, Some("c2ln")),
                    call("b", "now", "{}", None),
                ],
            ),
            message(Role::Tool, vec![result("a", vec![text("3")], false)]),
            message(
                Role::User,
                vec![
                    text("Go on."),
                    result("b", vec![text(r#"{"hour":7}"#)], false),
                ],
            ),
        ],
        ..Request::default()
    };
    assert_eq!(
        contents(&request),
        json!([
            {"role": "user", "parts": [{"text": "?"}]},
            {"role": "model", "parts": [
                {"text": "Let me see."},
                {"functionCall": {"id": "a", "name": "sum", "args": {"x": 1}}, "thoughtSignature": "c2ln"},
                {"functionCall": {"id": "b", "name": "now", "args": {}}},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "a", "name": "sum", "response": {"result": "3"}}},
                {"functionResponse": {"id": "b", "name": "now", "response": {"hour": 7}}},
            ]},
            {"role": "user", "parts": [{"text": "Go on."}]},
        ])
    );
}

#[test]
fn a_result_is_always_an_object() {
    let response = |content: Vec<Part>, is_error| {
        let call = message(Role::Assistant, vec![call("a", "f", "{}", None)]);
        let result = message(Role::Tool, vec![result("a", content, is_error)]);
        let request = Request {
            messages: vec![call, result],
            ..Request::default()
        };
        contents(&request)[1]["parts"][0]["functionResponse"]["response"].take()
    };
    assert_eq!(response(vec![], false), json!({"result": ""}));
    let two = vec![text("a"), text("b")];
    assert_eq!(response(two, false), json!({"result": "a\nb"}));
    assert_eq!(response(vec![text("[1]")], false), json!({"result": "[1]"}));
    assert_eq!(response(vec![text("no")], true), json!({"error": "no"}));
    let failed = response(vec![text(r#"{"code":1}"#)], true);
    assert_eq!(failed, json!({"error": {"code": 1}}));
}

#[test]
fn an_id_that_comes_again_means_the_later_call() {
    let turn = |name: &str| {
        [
            message(Role::Assistant, vec![call("call_0", name, "{}", None)]),
            message(Role::Tool, vec![result("call_0", vec![], false)]),
        ]
    };
    let request = Request {
        messages: [turn("first"), turn("second")].concat(),
        ..Request::default()
    };
    let contents = contents(&request);
    let name = |index: usize| &contents[index]["parts"][0]["functionResponse"]["name"];
    assert_eq!((name(1), name(3)), (&json!("first"), &json!("second")));
}

#[test]
fn media_of_a_result_stand_inside_it_only_where_the_model_takes_them_there() {
    let calls = vec![call("a", "f", "{}", None), call("b", "f", "{}", None)];
    let request = Request {
        messages: vec![
            message(Role::Assistant, calls),
            message(
                Role::Tool,
                vec![result("a", vec![text("see"), image()], false)],
            ),
            message(Role::Tool, vec![result("b", vec![text("4")], false)]),
            message(Role::User, vec![text("So?")]),
        ],
        ..Request::default()
    };
    let inline = json!({"inlineData": {"mimeType": "image/png", "data": "AA=="}});
    let older = contents(&request);
    assert_eq!(
        older[1]["parts"].as_array().unwrap().len(),
        2,
        "the results are not torn apart"
    );
    assert_eq!(older[2]["parts"], json!([inline, {"text": "So?"}]));
    let newer = written(&request, "gemini-3-flash", LEVELS).0["contents"].take();
    assert_eq!(
        newer[1]["parts"][0]["functionResponse"]["parts"],
        json!([inline])
    );
    assert_eq!(newer[2]["parts"], json!([{"text": "So?"}]));
}

#[test]
fn a_signature_goes_to_the_part_that_it_came_with() {
    let check = |parts: Vec<Part>, expected: Value| {
        let request = Request {
            messages: vec![message(Role::Assistant, parts)],
            ..Request::default()
        };
        assert_eq!(contents(&request)[0]["parts"], expected);
    };
    check(
        vec![thought("hm"), signature("cw=="), text("A")],
        json!([{"text": "hm", "thought": true}, {"text": "A", "thoughtSignature": "cw=="}]),
    );
    check(
        vec![signature("cw=="), call("a", "f", "{}", None)],
        json!([{"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "cw=="}]),
    );
    check(
        vec![text("A"), signature("cw==")],
        json!([{"text": "A"}, {"text": "", "thoughtSignature": "cw=="}]),
    );
    check(
        vec![signature("cw=="), call("", "f", "{}", Some("dA=="))],
        json!([
            {"text": "", "thoughtSignature": "cw=="},
            {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "dA=="},
        ]),
    );
}

#[test]
fn thoughts_that_only_another_provider_reads_are_named() {
    let sealed = Part::Reasoning(Reasoning {
        sealed: Some("x".to_owned()),
        signature: Some("no base64!".to_owned()),
        ..Reasoning::default()
    });
    let request = Request {
        messages: vec![message(Role::Assistant, vec![sealed, text("A")])],
        ..Request::default()
    };
    let (body, dropped) = written(&request, "m", STUDIO);
    assert_eq!(body["contents"][0]["parts"], json!([{"text": "A"}]));
    assert_eq!(
        dropped,
        ["messages[].reasoning_details", "messages[].signature"]
    );
}

#[test]
fn arguments_that_are_no_object_are_named() {
    let parts = vec![call("a", "f", "[1", None), call("b", "g", "", None)];
    let request = Request {
        messages: vec![message(Role::Assistant, parts)],
        ..Request::default()
    };
    let (body, dropped) = written(&request, "m", STUDIO);
    assert_eq!(
        body["contents"][0]["parts"][0]["functionCall"]["args"],
        json!({})
    );
    assert_eq!(dropped, ["messages[].tool_calls[].function.arguments"]);
}

#[test]
fn media_stand_in_the_request_or_at_an_address() {
    let check = |part: Part, options: GeminiOptions, expected: Value| {
        let (body, _) = written(&asked(vec![part]), "m", options);
        assert_eq!(body["contents"][0]["parts"], json!([expected]));
    };
    let url = |url: &str| Source::Url(url.to_owned());
    check(
        Part::Audio(media(Source::Base64("AA==".to_owned()), Some("audio/mp3"))),
        STUDIO,
        json!({"inlineData": {"mimeType": "audio/mp3", "data": "AA=="}}),
    );
    check(
        Part::Image(media(url("https://a.example/b.PNG?c=d.gif"), None)),
        STUDIO,
        json!({"fileData": {"mimeType": "image/png", "fileUri": "https://a.example/b.PNG?c=d.gif"}}),
    );
    check(
        Part::Image(media(url("https://a.example/b"), None)),
        VERTEX,
        json!({"fileData": {"mimeType": "image/jpeg", "fileUri": "https://a.example/b"}}),
    );
    check(
        Part::File(Media {
            name: Some("r.pdf".to_owned()),
            ..media(url("gs://b/r.pdf"), None)
        }),
        VERTEX,
        json!({"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/r.pdf", "displayName": "r.pdf"}}),
    );
    check(
        Part::File(media(Source::Id("files/abc".to_owned()), None)),
        STUDIO,
        json!({"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}),
    );
    check(
        Part::File(media(Source::Text("words".to_owned()), None)),
        STUDIO,
        json!({"text": "words"}),
    );
}

#[test]
fn what_cannot_be_said_does_not_fit() {
    let id = |id: &str| vec![Part::File(media(Source::Id(id.to_owned()), None))];
    let tool = |dialect| Request {
        tools: vec![Tool::Other(dialect, json!({"googleSearch": {}}))],
        ..asked(vec![text("?")])
    };
    let answers = |n| Request {
        sampling: Sampling {
            n: Some(n),
            ..Sampling::default()
        },
        ..asked(vec![text("?")])
    };
    let part = |dialect| asked(vec![Part::Other(dialect, json!({"videoMetadata": {}}))]);
    let standing = Request {
        messages: vec![message(Role::System, vec![image()])],
        ..Request::default()
    };
    let nested = asked(vec![result("a", id("file-1"), false)]);
    let cases = [
        (asked(id("files/a")), STUDIO, true),
        (asked(id("files/a")), VERTEX, false),
        (asked(id("file-1")), STUDIO, false),
        (nested, STUDIO, false),
        (tool(Dialect::Gemini), STUDIO, true),
        (tool(Dialect::Messages), STUDIO, false),
        (part(Dialect::Gemini), STUDIO, true),
        (part(Dialect::Chat), STUDIO, false),
        (answers(8), STUDIO, true),
        (answers(9), STUDIO, false),
        (standing, STUDIO, false),
    ];
    for (request, options, fits) in cases {
        assert_eq!(fit(&request, &options).is_ok(), fits, "{request:?}");
        assert_eq!(write_request(&request, "m", &options).is_ok(), fits);
    }
}

#[test]
fn tools_and_the_choice_among_them() {
    let schema = json!({"type": "object", "properties": {"z": {"type": "string"}, "a": {}}});
    let mut request = Request {
        tools: vec![
            Tool::Function(Function {
                description: Some("Adds.".to_owned()),
                parameters: Some(schema.clone()),
                ..function("sum")
            }),
            Tool::Other(Dialect::Gemini, json!({"googleSearch": {}})),
            Tool::Function(function("now")),
        ],
        parallel_tool_calls: Some(false),
        ..asked(vec![text("?")])
    };
    let (body, dropped) = written(&request, "m", STUDIO);
    assert_eq!(
        body["tools"],
        json!([
            {"functionDeclarations": [
                {"name": "sum", "description": "Adds.", "parametersJsonSchema": schema},
                {"name": "now"},
            ]},
            {"googleSearch": {}},
        ])
    );
    assert_eq!(body.get("toolConfig"), None);
    assert_eq!(dropped, ["parallel_tool_calls"]);
    let choices = [
        (ToolChoice::Auto, json!({"mode": "AUTO"})),
        (ToolChoice::None, json!({"mode": "NONE"})),
        (ToolChoice::Required, json!({"mode": "ANY"})),
        (
            ToolChoice::Function("sum".to_owned()),
            json!({"mode": "ANY", "allowedFunctionNames": ["sum"]}),
        ),
    ];
    for (choice, expected) in choices {
        request.tool_choice = Some(choice);
        let (body, _) = written(&request, "m", STUDIO);
        assert_eq!(
            body["toolConfig"],
            json!({"functionCallingConfig": expected})
        );
    }
    request.tools.clear();
    let (body, _) = written(&request, "m", STUDIO);
    assert_eq!(body.get("toolConfig"), None, "there is nothing to choose");
}

#[test]
fn bounds_and_luck() {
    let request = Request {
        sampling: Sampling {
            max_tokens: Some(u64::MAX),
            temperature: Some(1.5),
            top_p: Some(0.5),
            top_k: Some(40),
            seed: Some(1 << 40),
            stop: ["a", "", "b", "c", "d", "e", "f"]
                .map(str::to_owned)
                .to_vec(),
            n: Some(2),
            frequency_penalty: Some(0.25),
            presence_penalty: Some(-0.25),
            logprobs: true,
            top_logprobs: Some(3),
            logit_bias: Some(json!({"1": 1})),
        },
        user: Some("u".to_owned()),
        metadata: Some(json!({"a": "b"})),
        ..asked(vec![text("?")])
    };
    let (body, dropped) = written(&request, "m", STUDIO);
    assert_eq!(
        body["generationConfig"],
        json!({
            "maxOutputTokens": i32::MAX, "temperature": 1.5, "topP": 0.5, "topK": 40, "seed": 512,
            "stopSequences": ["a", "b", "c", "d", "e"], "candidateCount": 2,
            "presencePenalty": -0.25, "frequencyPenalty": 0.25, "responseLogprobs": true, "logprobs": 3,
        })
    );
    assert_eq!(dropped, ["stop[5..]", "logit_bias", "user", "metadata"]);
}

#[test]
fn the_form_of_the_answer() {
    let form = |output| {
        let request = Request {
            output,
            ..asked(vec![text("?")])
        };
        config(&request, "m", STUDIO)
    };
    assert_eq!(form(Output::Text), Value::Null);
    assert_eq!(
        form(Output::Json),
        json!({"responseMimeType": "application/json"})
    );
    let schema = Output::Schema {
        name: "n".to_owned(),
        description: None,
        schema: json!({"type": "object"}),
        strict: Some(true),
    };
    assert_eq!(
        form(schema),
        json!({"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}})
    );
}

#[test]
fn how_much_is_thought() {
    let check = |effort: Option<&str>, budget, model: &str, options, expected: Value| {
        let request = Request {
            reasoning: Some(Thinking {
                effort: effort.map(str::to_owned),
                budget,
                summary: Some("none".to_owned()),
            }),
            ..asked(vec![text("?")])
        };
        let mut found = config(&request, model, options)["thinkingConfig"].take();
        assert_eq!(found["includeThoughts"].take(), json!(false));
        found
            .as_object_mut()
            .unwrap()
            .shift_remove("includeThoughts");
        assert_eq!(found, expected, "{effort:?} {budget:?} {model}");
    };
    let budget = |tokens: i64| json!({"thinkingBudget": tokens});
    check(Some("low"), None, "gemini-2.5-flash", STUDIO, budget(1024));
    check(Some("none"), None, "gemini-2.5-flash", STUDIO, budget(0));
    check(Some("none"), None, "gemini-2.5-pro", STUDIO, budget(128));
    check(Some("auto"), None, "gemini-2.5-pro", STUDIO, budget(-1));
    check(
        None,
        Some(100_000),
        "gemini-2.5-flash",
        STUDIO,
        budget(24_576),
    );
    check(
        None,
        Some(100),
        "gemini-2.5-flash-lite",
        STUDIO,
        budget(512),
    );
    check(Some("high"), Some(5), "m", STUDIO, budget(5));
    check(None, None, "m", STUDIO, json!({}));
    let level = |word: &str| json!({"thinkingLevel": word});
    check(
        Some("none"),
        None,
        "gemini-3-flash",
        LEVELS,
        level("MINIMAL"),
    );
    check(
        Some("minimal"),
        None,
        "gemini-3.1-pro",
        LEVELS,
        level("LOW"),
    );
    check(
        Some("medium"),
        None,
        "gemini-3-pro-preview",
        LEVELS,
        level("HIGH"),
    );
    check(
        Some("medium"),
        None,
        "gemini-3-flash",
        LEVELS,
        level("MEDIUM"),
    );
    check(None, Some(0), "gemini-3-flash", LEVELS, level("MINIMAL"));
    check(None, Some(9000), "gemini-3-flash", LEVELS, level("HIGH"));
}

#[test]
fn thoughts_are_shown_where_the_client_bounds_them_by_tokens_or_asks() {
    let shown = |thinking: Thinking| {
        let request = Request {
            reasoning: Some(thinking),
            ..asked(vec![text("?")])
        };
        config(&request, "m", STUDIO)["thinkingConfig"]["includeThoughts"].take()
    };
    let budget = |budget| Thinking {
        budget: Some(budget),
        ..Thinking::default()
    };
    let effort = |summary: Option<&str>| Thinking {
        effort: Some("low".to_owned()),
        summary: summary.map(str::to_owned),
        ..Thinking::default()
    };
    assert_eq!(shown(budget(2000)), json!(true));
    assert_eq!(shown(budget(0)), Value::Null);
    assert_eq!(shown(effort(None)), Value::Null);
    assert_eq!(shown(effort(Some("auto"))), json!(true));
}

#[test]
fn geminis_own_members_are_written_and_others_named() {
    let extra = json!({
        "safety_settings": [{"category": "c", "threshold": "OFF"}],
        "cachedContent": "cachedContents/1",
        "labels": {"team": "a"},
        "generationConfig": {"responseModalities": ["TEXT"], "temperature": 0.1},
        "toolConfig": {
            "functionCallingConfig": {"mode": "VALIDATED", "streamFunctionCallArguments": true},
            "retrieval_config": {"languageCode": "de"},
        },
        "store": true,
    });
    let request = Request {
        extra: extra.as_object().unwrap().clone(),
        sampling: Sampling {
            temperature: Some(0.9),
            ..Sampling::default()
        },
        ..asked(vec![text("?")])
    };
    let (body, dropped) = written(&request, "m", STUDIO);
    assert_eq!(body["safetySettings"], extra["safety_settings"]);
    assert_eq!(body["cachedContent"], "cachedContents/1");
    let config = json!({"temperature": 0.9, "responseModalities": ["TEXT"]});
    assert_eq!(
        body["generationConfig"], config,
        "the neutral form goes first"
    );
    assert_eq!(
        body["toolConfig"],
        json!({"functionCallingConfig": {"mode": "VALIDATED"}, "retrievalConfig": {"languageCode": "de"}})
    );
    assert_eq!(dropped, ["labels", "streamFunctionCallArguments", "store"]);
    let (body, dropped) = written(&request, "m", VERTEX);
    assert_eq!(body["labels"], json!({"team": "a"}));
    assert!(!dropped.contains(&"labels".to_owned()));
}
