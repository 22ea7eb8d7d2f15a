use proptest::prelude::*;
use serde_json::json;

use super::*;

const MESSAGE: &str = r#"{"id":"msg_1","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},
 {"type":"redacted_thinking","data" : "b3BhcXVl"},{"type":"text","text":"say \"signature\": \"x\""},
 {"type":"tool_use","id":"toolu_1","input":{}}],"stop_reason":"end_turn"}"#;

fn sealed(text: &str, name: &str, shape: Shape) -> String {
    let sealer = Sealer::new(Origin::of(name), shape);
    let body = sealer.document(&Bytes::copy_from_slice(text.as_bytes()));
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn state_is_marked_and_nothing_else() {
    let out = sealed(MESSAGE, "a", Shape::Thoughts);
    let mark = Origin::of("a").mark();
    assert!(
        out.contains(&format!(r#""signature":"{mark}c2ln""#)),
        "{out}"
    );
    assert!(
        out.contains(&format!(r#""data" : "{mark}b3BhcXVl""#)),
        "{out}"
    );
    assert_eq!(out.matches(&mark).count(), 2, "no text, no other id: {out}");
    assert_eq!(origins(out.as_bytes()), [Origin::of("a")]);
    let back = unsealed(&Bytes::from(out), Origin::of("a"));
    assert_eq!(back, MESSAGE.as_bytes());
}

#[test]
fn ids_are_state_in_responses() {
    let text = r#"{"id":"resp_1","object":"response","previous_response_id":null,
        "output":[{"id":"rs_1","type":"reasoning","encrypted_content":"e"}]}"#;
    let out = sealed(text, "a", Shape::Items);
    let mark = Origin::of("a").mark();
    assert_eq!(out.matches(&mark).count(), 3, "{out}");
    assert_eq!(
        sealed(&out, "b", Shape::Items),
        out,
        "what is marked stays so"
    );
}

#[test]
fn a_document_without_state_is_the_same_bytes() {
    let body = Bytes::from_static(br#"{"choices":[],"signature":"","data":null}"#);
    let sealer = Sealer::new(Origin::of("a"), Shape::Thoughts);
    assert_eq!(
        sealer.document(&body).as_ptr(),
        body.as_ptr(),
        "not even copied"
    );
}

#[test]
fn the_newest_origin_comes_first() {
    let body = format!(
        "{}x {}y {}z",
        Origin::of("a").mark(),
        Origin::of("b").mark(),
        Origin::of("a").mark()
    );
    assert_eq!(origins(body.as_bytes()), [Origin::of("a"), Origin::of("b")]);
    assert_eq!(origins(b"wb1_0000000g_ wb1_ wb1_12345678"), []);
}

#[test]
fn what_another_made_is_dropped_and_what_can_be_read_stays() {
    let (mine, other) = (Origin::of("a").mark(), Origin::of("b").mark());
    let body = json!({"messages": [
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "t", "signature": format!("{other}s")},
            {"type": "thinking", "thinking": "u", "signature": format!("{mine}s")},
            {"type": "text", "text": "hello"},
        ]},
        {"role": "assistant", "tool_calls": [
            {"id": "call_1", "function": {}, "extra_content": {"google": {"thought_signature": format!("{other}g")}}},
        ]},
    ]});
    let done = stripped(&Bytes::from(body.to_string()), Some(Origin::of("a"))).unwrap();
    assert_eq!(done.dropped, 2);
    let value: Value = serde_json::from_slice(&done.body).unwrap();
    let content = &value["messages"][0]["content"];
    assert_eq!(content[0]["thinking"], "u");
    assert_eq!(content[1]["text"], "hello");
    let google = &value["messages"][1]["tool_calls"][0]["extra_content"]["google"];
    assert_eq!(google, &json!({}));
    assert_eq!(origins(&done.body), [Origin::of("a")]);
}

#[test]
fn a_stored_conversation_cannot_be_stripped() {
    let body = json!({"previous_response_id": format!("{}resp_1", Origin::of("b").mark()), "input": "go on"});
    let body = Bytes::from(body.to_string());
    assert_eq!(stripped(&body, Some(Origin::of("a"))), Err(Bound));
    assert_eq!(stripped(&body, Some(Origin::of("b"))).unwrap().dropped, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn chunks_change_nothing(cuts in proptest::collection::vec(0..MESSAGE.len(), 0..6)) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        cuts.push(MESSAGE.len());
        let mut sealer = Sealer::new(Origin::of("a"), Shape::Thoughts);
        let (mut out, mut done) = (Vec::new(), 0);
        for cut in cuts {
            sealer.push(&MESSAGE.as_bytes()[done..cut], &mut out);
            done = cut;
        }
        sealer.finish(&mut out);
        prop_assert_eq!(String::from_utf8(out).unwrap(), sealed(MESSAGE, "a", Shape::Thoughts));
    }

    #[test]
    fn sealing_and_unsealing_is_the_identity(body in "[\"a-z:_ {}1]{0,80}") {
        let text = format!("{{\"signature\":\"{body}");
        let out = sealed(&text, "a", Shape::Items);
        let back = unsealed(&Bytes::from(out), Origin::of("a"));
        prop_assert_eq!(back.as_ref(), text.as_bytes());
    }

    #[test]
    fn any_bytes_are_looked_through(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(origins(&body).len() < 20);
        let body = Bytes::from(body);
        prop_assert!(stripped(&body, None).is_ok());
    }
}
