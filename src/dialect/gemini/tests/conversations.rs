use serde_json::{Value, json};

use super::super::super::neutral::*;
use super::super::GeminiOptions;
use super::build::*;
use super::{call, signature, text, thought};

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
fn a_call_of_somebody_elses_has_the_signature_that_gemini_3_takes_for_it() {
    let parts = |calls: Vec<Part>, options: GeminiOptions| {
        let request = Request {
            messages: vec![message(Role::Assistant, calls)],
            ..Request::default()
        };
        let (body, _) = written(&request, "m", options);
        body["contents"][0]["parts"].clone()
    };
    let two = || {
        vec![
            text("A"),
            call("", "f", "{}", None),
            call("", "g", "{}", None),
        ]
    };
    let [f, g] = ["f", "g"].map(|name| json!({"functionCall": {"name": name, "args": {}}}));
    assert_eq!(parts(two(), STUDIO), json!([{"text": "A"}, f, g]));
    let mut first = f;
    first["thoughtSignature"] = json!("skip_thought_signature_validator");
    assert_eq!(
        parts(two(), LEVELS),
        json!([{"text": "A"}, first, g]),
        "the first call of a step has it, as Gemini's own have"
    );
    let own = parts(vec![call("", "f", "{}", Some("dA=="))], LEVELS);
    assert_eq!(own[0]["thoughtSignature"], "dA==", "its own stays");
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
