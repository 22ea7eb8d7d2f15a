use serde_json::{Value, json};

use crate::dialect::messages::read_request;
use crate::dialect::neutral::*;

fn messages(list: &Value) -> (Vec<Message>, Extra) {
    let body = json!({ "messages": list }).to_string();
    let request = read_request(body.as_bytes()).unwrap();
    (request.messages, request.extra)
}

/// The part that the block of a message of `role` is read as.
fn part(role: &str, block: &Value) -> Part {
    let (mut messages, extra) = messages(&json!([{"role": role, "content": [block]}]));
    assert!(extra.is_empty(), "{extra:?}");
    assert_eq!(messages.len(), 1);
    let mut parts = messages.remove(0).parts;
    assert_eq!(parts.len(), 1);
    parts.remove(0)
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
fn text_keeps_its_mark_and_its_citations() {
    let citations = json!([{"type": "char_location", "cited_text": "x"}]);
    let block = json!({"type": "text", "text": "t", "citations": citations,
        "cache_control": {"type": "ephemeral", "ttl": "1h"}});
    assert_eq!(
        part("assistant", &block),
        Part::Text(Text {
            text: "t".to_owned(),
            cache: Some(json!({"type": "ephemeral", "ttl": "1h"})),
            annotations: Some(citations),
        })
    );
    let none = json!({"type": "text", "text": "t", "citations": [], "cache_control": null});
    assert_eq!(part("assistant", &none), Part::Text(Text::plain("t")));
}

#[test]
fn images_come_from_three_places() {
    let image = |source: Value| part("user", &json!({"type": "image", "source": source}));
    assert_eq!(
        image(json!({"type": "base64", "media_type": "image/webp", "data": "AAAA"})),
        Part::Image(media(Source::Base64("AAAA".to_owned()), Some("image/webp")))
    );
    assert_eq!(
        image(json!({"type": "url", "url": "https://a.example/b.png"})),
        Part::Image(media(
            Source::Url("https://a.example/b.png".to_owned()),
            None
        ))
    );
    assert_eq!(
        image(json!({"type": "file", "file_id": "file_1"})),
        Part::Image(media(Source::Id("file_1".to_owned()), None))
    );
}

#[test]
fn documents_come_from_five_places() {
    let document = |source: Value| part("user", &json!({"type": "document", "source": source}));
    let file = |source, media_type| Part::File(media(source, media_type));
    assert_eq!(
        document(json!({"type": "base64", "media_type": "application/pdf", "data": "AAAA"})),
        file(Source::Base64("AAAA".to_owned()), Some("application/pdf"))
    );
    assert_eq!(
        document(json!({"type": "text", "media_type": "text/plain", "data": "words"})),
        file(Source::Text("words".to_owned()), Some("text/plain"))
    );
    assert_eq!(
        document(json!({"type": "url", "url": "https://a.example/b.pdf"})),
        file(Source::Url("https://a.example/b.pdf".to_owned()), None)
    );
    assert_eq!(
        document(json!({"type": "file", "file_id": "file_1"})),
        file(Source::Id("file_1".to_owned()), None)
    );
    let chunks = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
    assert_eq!(
        document(json!({"type": "content", "content": chunks})),
        file(Source::Text("a\nb".to_owned()), Some("text/plain"))
    );
}

#[test]
fn a_document_has_a_name_and_what_else_it_says_is_kept() {
    let block = json!({"type": "document", "title": "report.pdf", "context": "of May",
        "citations": {"enabled": true}, "source": {"type": "url", "url": "https://a.example"}});
    let (messages, extra) = messages(&json!([{"role": "user", "content": [block]}]));
    let Part::File(file) = &messages[0].parts[0] else {
        panic!("{messages:?}");
    };
    assert_eq!(file.name.as_deref(), Some("report.pdf"));
    let kept: Vec<_> = extra.keys().map(String::as_str).collect();
    assert_eq!(
        kept,
        [
            "messages[0].content[0].context",
            "messages[0].content[0].citations"
        ]
    );
}

#[test]
fn a_source_that_is_not_known_leaves_the_block_as_it_came() {
    let shown = json!({"type": "image", "source": {"type": "url", "url": "https://a.example"}});
    for block in [
        json!({"type": "document", "source": {"type": "content", "content": [shown]}}),
        json!({"type": "document", "source": {"type": "cloud", "key": "k"}}),
        json!({"type": "image", "source": {"type": "text", "data": "x"}}),
    ] {
        let expected = Part::Other(Dialect::Messages, block.clone());
        assert_eq!(part("user", &block), expected);
    }
}

#[test]
fn blocks_that_only_anthropic_knows_stay_as_they_came() {
    for block in [
        json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}),
        json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}),
        json!({"type": "search_result", "source": "s", "title": "t", "content": []}),
        json!({"type": "container_upload", "file_id": "f"}),
    ] {
        let expected = Part::Other(Dialect::Messages, block.clone());
        assert_eq!(part("user", &block), expected);
    }
}

#[test]
fn thoughts_are_read_with_their_proof() {
    assert_eq!(
        part(
            "assistant",
            &json!({"type": "thinking", "thinking": "hm", "signature": "s=="})
        ),
        Part::Reasoning(Reasoning {
            text: "hm".to_owned(),
            signature: Some("s==".to_owned()),
            ..Reasoning::default()
        })
    );
    assert_eq!(
        part(
            "assistant",
            &json!({"type": "thinking", "thinking": "hm", "signature": ""})
        ),
        Part::Reasoning(Reasoning {
            text: "hm".to_owned(),
            ..Reasoning::default()
        })
    );
    assert_eq!(
        part(
            "assistant",
            &json!({"type": "redacted_thinking", "data": "zz"})
        ),
        Part::Reasoning(Reasoning {
            sealed: Some("zz".to_owned()),
            ..Reasoning::default()
        })
    );
}

#[test]
fn arguments_keep_their_order() {
    let block = json!({"type": "tool_use", "id": "toolu_1", "name": "f",
        "input": {"z": 1, "a": [2]}, "caller": {"type": "direct"},
        "cache_control": {"type": "ephemeral"}});
    assert_eq!(
        part("assistant", &block),
        Part::ToolCall(ToolCall {
            id: "toolu_1".to_owned(),
            name: "f".to_owned(),
            arguments: r#"{"z":1,"a":[2]}"#.to_owned(),
            signature: None,
            cache: Some(json!({"type": "ephemeral"})),
        })
    );
}

#[test]
fn a_turn_of_results_and_words_becomes_messages_of_each() {
    let (messages, extra) = messages(&json!([
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "a", "name": "f", "input": {}},
            {"type": "tool_use", "id": "b", "name": "g", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "a", "content": "1"},
            {"type": "text", "text": "first"},
            {"type": "tool_result", "tool_use_id": "b", "is_error": true,
                "cache_control": {"type": "ephemeral"}, "content": [
                {"type": "text", "text": "2"},
                {"type": "image", "source": {"type": "url", "url": "https://a.example"}},
            ]},
            {"type": "text", "text": "second"},
        ]},
    ]));
    assert!(extra.is_empty());
    let roles: Vec<_> = messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::Assistant, Role::Tool, Role::Tool, Role::User]);
    assert_eq!(
        messages[1].parts,
        [Part::ToolResult(ToolResult {
            id: "a".to_owned(),
            name: Some("f".to_owned()),
            content: vec![Part::Text(Text::plain("1"))],
            ..ToolResult::default()
        })]
    );
    assert_eq!(
        messages[2].parts,
        [Part::ToolResult(ToolResult {
            id: "b".to_owned(),
            name: Some("g".to_owned()),
            content: vec![
                Part::Text(Text::plain("2")),
                Part::Image(media(Source::Url("https://a.example".to_owned()), None)),
            ],
            is_error: true,
            cache: Some(json!({"type": "ephemeral"})),
        })]
    );
    assert_eq!(
        messages[3].parts,
        [
            Part::Text(Text::plain("first")),
            Part::Text(Text::plain("second"))
        ]
    );
}

#[test]
fn a_turn_of_results_alone_says_nothing_else() {
    let (messages, _) = messages(&json!([
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
        {"role": "user", "content": []},
    ]));
    let roles: Vec<_> = messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::Tool, Role::User]);
    let Part::ToolResult(result) = &messages[0].parts[0] else {
        panic!("{messages:?}");
    };
    assert!(result.content.is_empty() && result.name.is_none());
}
