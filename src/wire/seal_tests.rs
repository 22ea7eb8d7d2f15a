use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const MESSAGE: &str = r#"{"id":"msg_1","container":{"id":"container_1"},"content":[{"signature":"c2ln","type":"thinking","thinking":"hm"},
 {"type":"redacted_thinking","data" : "b3BhcXVl"},{"type":"text","text":"say \"signature\": \"x\""},
 {"type":"tool_use","id":"toolu_1","input":{"type":"thinking","signature":"mine","data":"hello","id":"7"}}]}"#;

const STREAM: &str = "event: content_block_start\r\ndata: {\"type\":\"content_block_start\",\"index\":0,\
\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\r\n\r\n\
data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"c2ln\"}}\n\n\
: a comment with \"signature\":\"x\"\n\
data:{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"b3Bh\"}}\n\n\
data: {\"choices\":[{\"delta\":{\"audio\":{\"id\":\"a\",\"data\":\"UklGRg==\"},\"reasoning_details\":[{\"type\":\"reasoning.encrypted\",\
\"data\":\"ZW5j\"}],\"tool_calls\":[{\"extra_content\":{\"google\":{\"thought_signature\":\"Z29v\"}}}]}}]}\n\n\
data: [DONE]\n\n";

fn a() -> Origin {
    Origin::of("a")
}

fn seal(text: &str, shape: Shape) -> String {
    let body = sealed(&Bytes::copy_from_slice(text.as_bytes()), a(), shape);
    String::from_utf8(body.to_vec()).unwrap()
}

fn back(text: &str) -> String {
    let body = unsealed(&Bytes::copy_from_slice(text.as_bytes()), a());
    String::from_utf8(body.to_vec()).unwrap()
}

fn streamed(text: &str, cuts: &[usize]) -> String {
    let (mut sealer, mut out, mut done) = (StreamSealer::new(a(), Shape::Thoughts), Vec::new(), 0);
    for cut in cuts.iter().copied().chain([text.len()]) {
        let chunk = Bytes::copy_from_slice(&text.as_bytes()[done..cut]);
        out.extend_from_slice(&sealer.push(&chunk));
        done = cut;
    }
    out.extend_from_slice(&sealer.finish());
    String::from_utf8(out).unwrap()
}

#[test]
fn state_is_marked_by_kind_and_nothing_else_is() {
    let (out, mark) = (seal(MESSAGE, Shape::Thoughts), a().mark());
    for state in [
        format!(r#""signature":"{mark}c2ln""#),
        format!(r#""data" : "{mark}b3BhcXVl""#),
        format!(r#""container":{{"id":"{mark}container_1""#),
    ] {
        assert!(out.contains(&state), "{state} in {out}");
    }
    assert_eq!(
        out.matches(&mark).count(),
        3,
        "no text, no argument of a tool: {out}"
    );
    assert_eq!(origins(out.as_bytes()), [a()]);
    assert_eq!(back(&out), MESSAGE);
}

#[test]
fn sound_and_search_results_of_a_chat_stay_as_they_are() {
    let text = r#"{"id":"c","choices":[{"message":{"audio":{"id":"audio_1","data":"UklGRg==","transcript":"hi"},
        "annotations":[{"type":"file","file":{"data":"x"}}],"signature":"of a letter"}}]}"#;
    assert_eq!(seal(text, Shape::Thoughts), text);
}

#[test]
fn ids_are_state_in_responses_but_not_the_clients_own() {
    let text = r#"{"id":"resp_1","object":"response","previous_response_id":null,"metadata":{"id":"m"},
        "prompt":{"id":"pmpt_1"},"tools":[{"type":"mcp","id":"t"}],"conversation":{"id":"conv_1"},
        "output":[{"id":"rs_1","type":"reasoning","encrypted_content":"e"},
        {"id":"ci_1","type":"code_interpreter_call","container_id":"cntr_1"},
        {"id":"msg_1","type":"message","content":[{"type":"output_text","annotations":[
            {"type":"file_citation","file_id":"file_mine"},{"type":"container_file_citation","file_id":"cfile_1"}]}]},
        {"id":"ct_1","type":"custom_tool_call","call_id":"call_1","input":"x"}]}"#;
    let (out, mark) = (seal(text, Shape::Items), a().mark());
    assert_eq!(out.matches(&mark).count(), 9, "{out}");
    for own in [
        "\"pmpt_1\"",
        "\"file_mine\"",
        "\"call_1\"",
        "\"id\":\"m\"",
        "\"id\":\"t\"",
    ] {
        assert!(out.contains(own), "{own} in {out}");
    }
    assert_eq!(back(&out), text);
    let again = sealed(&Bytes::from(out.clone()), Origin::of("b"), Shape::Items);
    assert_eq!(again, out.as_bytes(), "what is marked stays so");
}

#[test]
fn a_document_without_state_is_the_same_bytes() {
    let body = Bytes::from_static(br#"{"choices":[],"signature":"","data":null}"#);
    let out = sealed(&body, a(), Shape::Thoughts);
    assert_eq!(out.as_ptr(), body.as_ptr(), "not even copied");
}

#[test]
fn a_stream_is_marked_where_its_events_hold_state() {
    let (out, mark) = (streamed(STREAM, &[]), a().mark());
    assert_eq!(out.matches(&mark).count(), 4, "{out}");
    assert_eq!(out.replace(&mark, ""), STREAM, "and nothing else changed");
    assert!(out.contains(": a comment with \"signature\":\"x\"\n"));
}

#[test]
fn a_stream_is_marked_the_same_wherever_it_is_cut() {
    let whole = streamed(STREAM, &[]);
    for cut in 0..STREAM.len() {
        assert_eq!(streamed(STREAM, &[cut]), whole, "cut at {cut}");
    }
    let every: Vec<usize> = (1..STREAM.len()).collect();
    assert_eq!(streamed(STREAM, &every), whole, "byte by byte");
}

#[test]
fn an_event_without_end_passes_and_is_not_kept() {
    let mut sealer = StreamSealer::new(a(), Shape::Thoughts);
    let chunk = Bytes::from(vec![b'x'; 300 * 1024]);
    let passed: usize = (0..8).map(|_| sealer.push(&chunk).len()).sum();
    assert!(
        passed + crate::wire::sse::MAX_EVENT >= 8 * chunk.len(),
        "{passed}"
    );
    assert_eq!(passed + sealer.finish().len(), 8 * chunk.len());
}

#[test]
fn a_signature_in_pieces_loses_all_its_marks() {
    let mark = a().mark();
    let body = format!(r#"{{"signature":"{mark}c2{mark}ln","text":"{mark} is no state"}}"#);
    assert_eq!(
        back(&body),
        format!(r#"{{"signature":"c2ln","text":"{mark} is no state"}}"#)
    );
}

#[test]
fn the_newest_origin_comes_first_and_texts_name_none() {
    let (first, second, third) = (a().mark(), Origin::of("b").mark(), Origin::of("c").mark());
    let body = format!(
        r#"[{{"signature":"{first}x"}},{{"id" : "{second}y"}},{{"data":"{first}z"}},
        {{"text":"{third}t","other":"see {third}","say":"\"signature\":\"{third}\""}}]"#
    );
    assert_eq!(origins(body.as_bytes()), [a(), Origin::of("b")]);
    assert_eq!(
        origins(br#"{"id":"wb1_0000000g_","data":"wb1_12345678"}"#),
        []
    );
}

#[test]
fn what_another_made_is_dropped_and_what_can_be_read_stays() {
    let (mine, other) = (a().mark(), Origin::of("b").mark());
    let body = json!({"messages": [
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "t", "signature": format!("{other}s")},
            {"type": "thinking", "thinking": "u", "signature": format!("{mine}s")},
            {"type": "text", "text": "hello"},
        ]},
        {"role": "assistant", "content": [{"type": "redacted_thinking", "data": format!("{other}d")}]},
        {"role": "assistant", "tool_calls": [
            {"id": "call_1", "function": {}, "extra_content": {"google": {"thought_signature": format!("{other}g")}}},
        ]},
    ]});
    let done = stripped(&Bytes::from(body.to_string()), Some(a())).unwrap();
    assert_eq!(done.dropped, 3);
    let value: Value = serde_json::from_slice(&done.body).unwrap();
    let content = &value["messages"][0]["content"];
    assert_eq!(content[0]["thinking"], "u");
    assert_eq!(content[1]["text"], "hello");
    let google = &value["messages"][1]["tool_calls"][0]["extra_content"]["google"];
    assert_eq!(
        google,
        &json!({}),
        "and the message of nothing else is gone"
    );
    assert_eq!(origins(&done.body), [a()]);
}

#[test]
fn whoever_goes_on_alone_gets_what_can_be_read_and_no_thought() {
    let mark = a().mark();
    let body = json!({"signature": "x", "input": [
        {"type": "reasoning", "id": format!("{mark}rs_1"), "encrypted_content": format!("{mark}e"), "summary": []},
        {"type": "reasoning", "encrypted_content": "{\"wb\":1,\"signature\":\"s\"}"},
        {"type": "message", "id": format!("{mark}msg_1"), "role": "assistant", "content": "hello"},
        {"type": "custom_tool_call", "id": format!("{mark}ct_1"), "input": {"type": "thinking", "signature": "mine"}},
    ]});
    let done = stripped(&Bytes::from(body.to_string()), None).unwrap();
    let value: Value = serde_json::from_slice(&done.body).unwrap();
    assert_eq!(
        value["input"],
        json!([
            {"type": "message", "role": "assistant", "content": "hello"},
            {"type": "custom_tool_call", "input": {"type": "thinking", "signature": "mine"}},
        ])
    );
    assert_eq!(origins(&done.body), []);
}

#[test]
fn a_search_goes_with_its_unreadable_results() {
    let mark = a().mark();
    let body = json!({"messages": [{"role": "assistant", "content": [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
            "content": [{"type": "web_search_result", "url": "u", "encrypted_content": format!("{mark}e")}]},
        {"type": "text", "text": "found", "citations": [
            {"type": "web_search_result_location", "encrypted_index": format!("{mark}i")}]},
    ]}]});
    let done = stripped(&Bytes::from(body.to_string()), None).unwrap();
    let value: Value = serde_json::from_slice(&done.body).unwrap();
    assert_eq!(
        value["messages"][0]["content"],
        json!([{"type": "text", "text": "found", "citations": []}])
    );
}

#[test]
fn what_is_stored_elsewhere_cannot_be_stripped() {
    let other = Origin::of("b");
    let mark = other.mark();
    for (what, body) in [
        (
            "previous_response_id",
            json!({"previous_response_id": format!("{mark}resp_1"), "input": "go on"}),
        ),
        (
            "conversation",
            json!({"conversation": {"id": format!("{mark}conv_1")}, "input": "go on"}),
        ),
        (
            "container",
            json!({"container": format!("{mark}container_1"), "messages": []}),
        ),
        (
            "container",
            json!({"container": {"id": format!("{mark}container_1")}, "messages": []}),
        ),
        (
            "item_reference",
            json!({"input": [{"type": "item_reference", "id": format!("{mark}rs_1")}]}),
        ),
        (
            "compaction",
            json!({"input": [{"type": "compaction", "encrypted_content": format!("{mark}c")}]}),
        ),
        (
            "file_id",
            json!({"messages": [{"content": [{"source": {"type": "file", "file_id": format!("{mark}f")}}]}]}),
        ),
    ] {
        let body = Bytes::from(body.to_string());
        let bound = Bound {
            what,
            origin: other,
        };
        assert_eq!(stripped(&body, Some(a())), Err(bound), "{what}");
        assert_eq!(stripped(&body, None), Err(bound), "{what}");
        assert_eq!(stripped(&body, Some(other)).unwrap().dropped, 0, "{what}");
    }
}

#[test]
fn thinking_is_off_only_while_calls_have_lost_their_thoughts() {
    let ask = |content: Value| {
        let body = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}, "messages": [
            {"role": "user", "content": "q"}, {"role": "assistant", "content": content},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "r"}]}]});
        let body = without_idle_thinking(&Bytes::from(body.to_string()));
        let value: Value = serde_json::from_slice(&body).unwrap();
        value.get("thinking").is_some()
    };
    let (thought, call) = (
        json!({"type": "thinking", "thinking": "t", "signature": "s"}),
        json!({"type": "tool_use", "id": "t", "name": "n", "input": {}}),
    );
    assert!(!ask(json!([call])));
    assert!(ask(json!([thought, call])));
    assert!(ask(json!([{"type": "text", "text": "no call"}])));
    assert!(ask(json!("a text")));
}

#[test]
fn capsules_are_taken_out_and_other_thoughts_stay() {
    let body = json!({"input": [
        {"type": "reasoning", "encrypted_content": "{\"wb\":1,\"signature\":\"s\"}"},
        {"type": "reasoning", "encrypted_content": "gAAA"},
    ]});
    let out = without_capsules(&Bytes::from(body.to_string()));
    let value: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(
        value["input"],
        json!([{"type": "reasoning", "encrypted_content": "gAAA"}])
    );
}

#[test]
fn a_path_names_what_is_stored_without_its_mark() {
    let path = format!("/v1/responses/{}resp_1?wb1_x=wb1_", a().mark());
    assert_eq!(without_marks(&path), "/v1/responses/resp_1?wb1_x=wb1_");
    assert_eq!(without_marks("/v1/files/file_1"), "/v1/files/file_1");
}

/// Documents with the words that matter in all places.
fn documents() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "type",
        "signature",
        "data",
        "id",
        "thinking",
        "redacted_thinking",
        "reasoning_details",
        "input",
        "audio",
        "container",
        "output",
        "response",
        "object",
        "encrypted_content",
        "thought_signature",
        "x\"\\y",
    ]);
    let leaf = prop_oneof![
        word.clone().prop_map(Value::from),
        any::<i32>().prop_map(Value::from)
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..6).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn sealing_and_unsealing_is_the_identity(document in documents()) {
        for shape in [Shape::Thoughts, Shape::Items] {
            let text = document.to_string();
            let out = seal(&text, shape);
            prop_assert_eq!(out.replace(&a().mark(), ""), text.clone());
            prop_assert!(serde_json::from_str::<Value>(&out).is_ok());
            prop_assert_eq!(back(&out), text);
        }
    }

    #[test]
    fn broken_documents_are_put_up_with(body in "[\"a-z:_ {}\\[\\],\\\\1]{0,120}") {
        let text = format!("{{\"type\":\"thinking\",\"signature\":\"{body}");
        let out = seal(&text, Shape::Items);
        prop_assert_eq!(out.replace(&a().mark(), ""), text);
    }

    #[test]
    fn any_bytes_are_looked_through(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let body = Bytes::from(body);
        prop_assert!(origins(&body).len() < 20);
        prop_assert!(stripped(&body, None).is_ok());
        prop_assert_eq!(sealed(&body, a(), Shape::Items), unsealed(&body, a()));
    }
}
