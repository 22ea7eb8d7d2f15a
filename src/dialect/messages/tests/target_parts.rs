use serde_json::{Value, json};

use super::super::super::neutral::*;
use super::target_said::{hi, media, says, user, write};

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
