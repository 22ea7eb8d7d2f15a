//! Whole answers to clients.

use super::*;
use crate::model::Tokens;

/// What the schema requires of a response.
const REQUIRED: [&str; 24] = [
    "id",
    "object",
    "created_at",
    "status",
    "error",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "metadata",
    "model",
    "output",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "usage",
    "user",
];

fn written(answer: &Answer) -> Value {
    parsed(&write_answer(answer, &plain()))
}

#[test]
fn a_response_has_all_its_members_and_repeats_the_request() {
    let request = read(
        &json!({"model": "m", "input": "x", "instructions": "be brief",
        "temperature": 0.5, "max_output_tokens": 9, "tool_choice": "required",
        "tools": [{"type": "function", "name": "f", "parameters": {}}], "user": "u",
        "metadata": {"k": "v"}, "text": {"format": {"type": "json_object"}, "verbosity": "low"}}),
    );
    let mut answer = answer(vec![Part::Text(Text::plain("hi"))], Finish::Stop);
    answer.usage = Some(Tokens {
        input: 10,
        cached_input: 4,
        cache_write: 0,
        output: 3,
        reasoning: 1,
    });
    let body = parsed(&write_answer(&answer, &request));
    for key in REQUIRED {
        assert!(body.get(key).is_some(), "{key} is required");
    }
    assert_eq!(body["id"], "resp_up-1");
    assert_eq!(body["status"], "completed");
    assert_eq!(body["model"], "real");
    assert_eq!(body["instructions"], "be brief");
    assert_eq!(body["temperature"], 0.5);
    assert_eq!(body["tool_choice"], "required");
    assert_eq!(body["tools"][0]["name"], "f");
    let text = json!({"format": {"type": "json_object"}, "verbosity": "low"});
    assert_eq!(body["text"], text);
    assert_eq!(body["metadata"], json!({"k": "v"}));
    assert_eq!(body["usage"]["input_tokens_details"]["cached_tokens"], 4);
    assert_eq!(
        body["usage"]["output_tokens_details"]["reasoning_tokens"],
        1
    );
    assert_eq!(body["usage"]["total_tokens"], 13);
    let message = json!({"id": "msg_up-1_0", "type": "message", "status": "completed",
        "role": "assistant", "content": [{"type": "output_text", "text": "hi",
            "annotations": [], "logprobs": []}]});
    assert_eq!(body["output"], json!([message]));
}

#[test]
fn parts_are_items_in_their_order() {
    let parts = vec![
        signed("hm"),
        Part::Text(Text::plain("a")),
        Part::Refusal("no".to_owned()),
        Part::ToolCall(call("c1")),
    ];
    let body = written(&answer(parts, Finish::ToolCalls));
    let output = body["output"].as_array().unwrap();
    let kinds: Vec<&Value> = output.iter().map(|item| &item["type"]).collect();
    assert_eq!(kinds, ["reasoning", "message", "function_call"]);
    assert_eq!(output[0]["summary"][0]["text"], "hm");
    assert_eq!(
        output[1]["content"][1],
        json!({"type": "refusal", "refusal": "no"})
    );
    assert_eq!(output[2]["call_id"], "c1");
    assert_eq!(output[2]["id"], "fc_up-1_2");
    assert_eq!(output[2]["status"], "completed");
}

#[test]
fn the_end_of_an_answer_says_how_it_stands() {
    let check = |finish: Finish, status: &str, reason: Value| {
        let body = written(&answer(vec![Part::Text(Text::plain("a"))], finish));
        assert_eq!(body["status"], status);
        assert_eq!(body["incomplete_details"]["reason"], reason);
        body
    };
    check(Finish::ToolCalls, "completed", Value::Null);
    check(Finish::Pause, "completed", Value::Null);
    let cut = check(Finish::Length, "incomplete", json!("max_output_tokens"));
    assert_eq!(cut["output"][0]["status"], "incomplete");
    check(Finish::ContentFilter, "incomplete", json!("content_filter"));
    check(Finish::Refusal, "incomplete", json!("content_filter"));
    let failed = check(Finish::Other("error".to_owned()), "failed", Value::Null);
    assert_eq!(failed["error"]["code"], "server_error");
    let said = answer(vec![Part::Refusal("no".to_owned())], Finish::Refusal);
    assert_eq!(written(&said)["status"], "completed", "a refusal is said");
}

#[test]
fn what_an_answer_held_comes_back_with_the_next_request() {
    let mut call = call("c1");
    call.signature = Some("call's".to_owned());
    let parts = vec![
        signed("hm"),
        Part::Reasoning(Reasoning {
            sealed: Some("redacted".to_owned()),
            ..Reasoning::default()
        }),
        Part::Text(Text::plain("a")),
        Part::ToolCall(call),
        Part::Other(
            Dialect::Messages,
            json!({"type": "server_tool_use", "id": "s"}),
        ),
        Part::Other(
            Dialect::Responses,
            json!({"type": "web_search_call", "id": "ws"}),
        ),
    ];
    let body = written(&answer(parts.clone(), Finish::ToolCalls));
    let request = read(&json!({"input": body["output"]}));
    assert_eq!(request.messages.len(), 1, "one turn");
    let mut came = request.messages[0].parts.clone();
    // Ids of thoughts are made here.
    for part in &mut came {
        if let Part::Reasoning(thought) = part {
            thought.id = None;
        }
    }
    assert_eq!(came, parts);
}

#[test]
fn a_body_with_capsules_is_known_and_written_without_them() {
    let mut call = call("c1");
    call.signature = Some("call's".to_owned());
    let sealed = Part::Reasoning(Reasoning {
        sealed: Some("gAAA".to_owned()),
        ..Reasoning::default()
    });
    for (part, holds) in [
        (signed("hm"), true),
        (Part::ToolCall(call), true),
        (sealed, false),
        (Part::Text(Text::plain("wb")), false),
    ] {
        let output = written(&answer(vec![part], Finish::Stop))["output"].clone();
        let body = json!({"input": output}).to_string();
        assert_eq!(may_hold_capsules(body.as_bytes()), holds, "{body}");
        let request = read_request(body.as_bytes()).unwrap();
        let again = write_request(&request, "m").unwrap().body;
        assert!(!may_hold_capsules(&again), "taken out");
    }
}

#[test]
fn what_only_looks_like_a_capsule_is_sealed_thought() {
    for content in [
        "gAAAAAB",
        "{}",
        r#"{"wb":1"#,
        r#"{"wb":2,"signature":"s"}"#,
        r#"{"wb":1}"#,
    ] {
        let item = json!({"type": "reasoning", "summary": [], "encrypted_content": content});
        let request = read(&json!({"input": [item]}));
        let Part::Reasoning(thought) = &request.messages[0].parts[0] else {
            panic!("a thought");
        };
        assert_eq!(thought.sealed.as_deref(), Some(content));
    }
}

#[test]
fn chats_annotations_are_flat_here() {
    let citation = json!([{"type": "url_citation", "url_citation": {"url": "u", "title": "t",
        "start_index": 0, "end_index": 1}}]);
    let text = Text {
        text: "a".to_owned(),
        annotations: Some(citation),
        cache: None,
    };
    let body = written(&answer(vec![Part::Text(text)], Finish::Stop));
    let flat = json!({"type": "url_citation", "url": "u", "title": "t", "start_index": 0,
        "end_index": 1});
    assert_eq!(
        body["output"][0]["content"][0]["annotations"],
        json!([flat])
    );
}

#[test]
fn an_answer_of_nothing_is_a_response() {
    let body = written(&Answer::default());
    assert_eq!(body["output"], json!([]));
    assert_eq!(
        body["model"], "m",
        "the client's, where the provider says none"
    );
    assert!(body["id"].as_str().unwrap().starts_with("resp_"));
}

#[test]
fn what_other_providers_mean_by_a_members_name_stays_out() {
    let answer = Answer {
        extra: json!({"prompt": [], "completed_at": "soon", "service_tier": "on_demand", "x": 1})
            .as_object()
            .unwrap()
            .clone(),
        ..Answer::default()
    };
    let body = written(&answer);
    for key in ["prompt", "completed_at", "service_tier"] {
        assert!(body.get(key).is_none(), "{key} would break a typed client");
    }
    assert_eq!(body["x"], 1, "what means nothing else is kept");
    let extra = json!({"service_tier": "flex"});
    let extra = extra.as_object().unwrap().clone();
    let body = written(&Answer { extra, ..answer });
    assert_eq!(body["service_tier"], "flex");
}

#[test]
fn citations_of_other_providers_are_no_annotations() {
    let text = Text {
        text: "a".to_owned(),
        annotations: Some(json!([
            {"type": "char_location", "cited_text": "a"},
            {"start": 0, "end": 1, "sources": []},
            {"type": "url_citation", "url": "u"},
        ])),
        cache: None,
    };
    let body = written(&answer(vec![Part::Text(text)], Finish::Stop));
    assert_eq!(
        body["output"][0]["content"][0]["annotations"],
        json!([{"type": "url_citation", "url": "u"}])
    );
}

#[test]
fn a_schema_without_a_description_is_repeated_without_one() {
    let format = |description: Option<&str>| {
        let output = Output::Schema {
            name: "s".to_owned(),
            description: description.map(str::to_owned),
            schema: json!({"type": "object"}),
            strict: None,
        };
        let request = Request {
            output,
            ..Request::default()
        };
        parsed(&write_answer(&Answer::default(), &request))["text"]["format"].clone()
    };
    assert!(format(None).get("description").is_none(), "null is invalid");
    assert_eq!(format(Some("d"))["description"], "d");
}
