use serde_json::{Value, json};

use super::super::super::neutral::*;
use super::super::{GeminiOptions, fit, write_request};
use super::build::*;
use super::text;

#[test]
fn a_plain_question_says_nothing_else() {
    let (body, dropped) = written(&asked(vec![text("Hi")]), "gemini-2.5-flash", STUDIO);
    let expected = json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]});
    assert_eq!(body, expected, "the model stands in the path");
    assert!(dropped.is_empty());
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

/// What is told of how much to think, where nobody asked for the thoughts themselves.
#[track_caller]
fn check_thinking(
    effort: Option<&str>,
    budget: Option<u64>,
    (model, options): (&str, GeminiOptions),
    expected: &Value,
) {
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
    assert_eq!(&found, expected, "{effort:?} {budget:?} {model}");
}

#[test]
fn how_much_is_thought_is_told_in_tokens() {
    let check = |effort, budget, model, expected: Value| {
        check_thinking(effort, budget, (model, STUDIO), &expected);
    };
    let budget = |tokens: i64| json!({"thinkingBudget": tokens});
    check(Some("low"), None, "gemini-2.5-flash", budget(1024));
    check(Some("none"), None, "gemini-2.5-flash", budget(0));
    check(Some("none"), None, "gemini-2.5-pro", budget(128));
    check(Some("auto"), None, "gemini-2.5-pro", budget(-1));
    check(None, Some(100_000), "gemini-2.5-flash", budget(24_576));
    check(None, Some(100), "gemini-2.5-flash-lite", budget(512));
    check(Some("high"), Some(5), "m", budget(5));
    check(None, None, "m", json!({}));
}

#[test]
fn how_much_is_thought_is_told_in_levels() {
    let check = |effort, budget, model, expected: Value| {
        check_thinking(effort, budget, (model, LEVELS), &expected);
    };
    let level = |word: &str| json!({"thinkingLevel": word});
    check(Some("none"), None, "gemini-3-flash", level("MINIMAL"));
    check(Some("minimal"), None, "gemini-3.1-pro", level("LOW"));
    check(Some("medium"), None, "gemini-3-pro-preview", level("HIGH"));
    check(Some("medium"), None, "gemini-3-flash", level("MEDIUM"));
    check(None, Some(0), "gemini-3-flash", level("MINIMAL"));
    check(None, Some(9000), "gemini-3-flash", level("HIGH"));
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
    assert_eq!(
        dropped,
        [
            "labels",
            "generationConfig.temperature",
            "streamFunctionCallArguments",
            "store"
        ]
    );
    let (body, dropped) = written(&request, "m", VERTEX);
    assert_eq!(body["labels"], json!({"team": "a"}));
    assert!(!dropped.contains(&"labels".to_owned()));
}
