use super::*;

fn read(body: &str) -> Envelope {
    Envelope::read(body.as_bytes()).unwrap()
}

fn with(members: &str) -> String {
    format!(r#"{{"model":"m",{members}}}"#)
}

fn conversation(members: &str, session: Option<&str>) -> Option<Key> {
    let body = with(members);
    read(&body).conversation(body.as_bytes(), session.map(str::as_bytes))
}

fn opening(members: &str) -> Option<Key> {
    let body = with(members);
    read(&body).opening(body.as_bytes())
}

fn user(members: &str) -> Option<Key> {
    let body = with(members);
    read(&body).user(body.as_bytes())
}

fn named(text: &str) -> Key {
    Key::of("conversation", text.as_bytes())
}

#[test]
fn a_conversation_is_known_by_every_name_that_clients_give_it() {
    let claude = r#""metadata":{"user_id":"user_a_account_b_session_c1"}"#;
    let newer = r#""metadata":{"user_id":"{\"device_id\":\"d\",\"account_uuid\":\"\",\"session_id\":\"c1\"}"}"#;
    for members in [
        r#""prompt_cache_key":"c1""#,
        r#""thread":{"id":"c1","tags":["x"]}"#,
        r#""thread":"c1""#,
        r#""orq":{"thread":{"id":"c1"}}"#,
        r#""conversation":"c1""#,
        r#""conversation":{"id":"c1"}"#,
        r#""session_id":"c1""#,
        r#""metadata":{"session_id":"c1"}"#,
        claude,
        newer,
    ] {
        assert_eq!(conversation(members, None), Some(named("c1")), "{members}");
    }
    assert_eq!(
        conversation(r#""messages":[]"#, Some("c1")),
        Some(named("c1"))
    );
}

#[test]
fn the_cache_key_counts_before_the_thread_before_the_header_before_the_metadata() {
    let names = [
        r#""prompt_cache_key":"a""#,
        r#""thread":{"id":"b"}"#,
        r#""session_id":"c""#,
        r#""metadata":{"session_id":"e"}"#,
    ];
    let all = names.join(",");
    assert_eq!(conversation(&all, Some("d")), Some(named("a")));
    assert_eq!(
        conversation(&names[1..].join(","), Some("d")),
        Some(named("b"))
    );
    assert_eq!(
        conversation(&names[2..].join(","), Some("d")),
        Some(named("c"))
    );
    assert_eq!(conversation(names[3], Some("d")), Some(named("d")));
    assert_eq!(conversation(names[3], Some("")), Some(named("e")));
}

#[test]
fn what_is_no_name_names_nothing() {
    for members in [
        r#""prompt_cache_key":"""#,
        r#""prompt_cache_key":null"#,
        r#""prompt_cache_key":true"#,
        r#""prompt_cache_key":["a"]"#,
        r#""thread":{}"#,
        r#""thread":{"id":{"id":"a"}}"#,
        r#""thread":{"id":null}"#,
        r#""metadata":{"user_id":"somebody"}"#,
        r#""metadata":{"user_id":"x_session_"}"#,
        r#""metadata":"text""#,
        r#""user":"somebody""#,
    ] {
        assert_eq!(conversation(members, None), None, "{members}");
    }
}

#[test]
fn the_opening_is_the_same_in_every_turn_and_every_front() {
    let first =
        r#""messages":[{"role":"system","content":"be kind"},{"role":"user","content":"hi"}]"#;
    let later = r#""messages":[{"role":"system","content":"be kind"},{"role":"user","content":"hi"},
        {"role":"assistant","content":"hello"},{"role":"user","content":"and now?"}]"#;
    assert!(opening(first).is_some());
    assert_eq!(opening(first), opening(later), "chat");
    let first = r#""instructions":"be kind","input":[{"role":"user","content":"hi"}]"#;
    let later = r#""instructions":"be kind","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]},
        {"type":"message","role":"assistant","content":[{"type":"output_text","text":"hello"}]},
        {"role":"user","content":"and now?"}]"#;
    assert_eq!(opening(first), opening(later), "responses");
    let first = r#""system":[{"type":"text","text":"be kind","cache_control":{"type":"ephemeral"}}],
        "messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]"#;
    let later = r#""system":"be kind","messages":[{"role":"user","content":"hi"},
        {"role":"assistant","content":"hello"},
        {"role":"user","content":[{"type":"text","text":"and now?","cache_control":{"type":"ephemeral"}}]}]"#;
    assert_eq!(
        opening(first),
        opening(later),
        "messages, with marks for the cache that move"
    );
}

#[test]
fn other_openings_are_other_conversations() {
    let base =
        r#""messages":[{"role":"system","content":"be kind"},{"role":"user","content":"hi"}]"#;
    for other in [
        r#""messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}]"#,
        r#""messages":[{"role":"system","content":"be kind"},{"role":"user","content":"hi there"}]"#,
        r#""messages":[{"role":"user","content":"hi"}]"#,
        r#""user":"ann","messages":[{"role":"system","content":"be kind"},{"role":"user","content":"hi"}]"#,
    ] {
        assert_ne!(opening(base), opening(other), "{other}");
    }
    let picture = |data: &str| {
        let part = format!(
            r#"{{"type":"image_url","image_url":{{"url":"data:{data}"}},"cache_control":{{}}}}"#
        );
        opening(&format!(
            r#""messages":[{{"role":"user","content":[{part}]}}]"#
        ))
    };
    assert_eq!(picture("aa"), picture("aa"));
    assert_ne!(picture("aa"), picture("bb"), "a picture is part of it");
}

#[test]
fn without_a_message_of_the_user_there_is_no_opening() {
    for members in [
        r#""messages":[]"#,
        r#""messages":[{"role":"system","content":"be kind"}]"#,
        r#""messages":"hi""#,
        r#""messages":{"role":"user"}"#,
        r#""input":["a","b"]"#,
        r#""input":[1,2]"#,
        r#""prompt":"hi""#,
    ] {
        let found = opening(members);
        assert_eq!(
            found.is_some(),
            members.contains(r#":"hi""#) && !members.contains("prompt"),
            "{members}"
        );
    }
}

#[test]
fn a_user_is_known_in_every_front() {
    let ann = Some(Key::of("user", b"ann"));
    for members in [
        r#""safety_identifier":"ann","user":"x""#,
        r#""user":"ann""#,
        r#""identity":{"id":"ann"}"#,
        r#""contact":{"id":"ann"}"#,
        r#""orq":{"identity":{"id":"ann"}}"#,
        r#""metadata":{"user_id":"ann"}"#,
        r#""metadata":{"user_id":"ann_session_1"}"#,
    ] {
        assert_eq!(user(members), ann, "{members}");
    }
    let device = |session: &str| {
        user(&format!(
            r#""metadata":{{"user_id":"{{\"device_id\":\"d\",\"account_uuid\":\"a\",\"session_id\":\"{session}\"}}"}}"#
        ))
    };
    assert!(device("1").is_some());
    assert_eq!(device("1"), device("2"), "a session is not part of a user");
    assert_eq!(user(r#""messages":[]"#), None);
    assert_eq!(user(r#""metadata":{"user_id":"{}"}"#), None);
}

#[test]
fn odd_bodies_harm_nobody() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for members in [
        format!(r#""messages":{deep}"#),
        format!(r#""messages":[{{"role":"user","content":{deep}}}]"#),
        format!(r#""thread":{{"id":{deep}}}"#),
        r#""metadata":{"user_id":"\ud800"},"messages":[{"role":"user"}]"#.to_owned(),
        r#""messages":[null,3,"x",{"role":3},{"content":"x"}]"#.to_owned(),
    ] {
        let body = with(&members);
        if let Ok(envelope) = Envelope::read(body.as_bytes()) {
            let _named = envelope.conversation(body.as_bytes(), None);
            let _opening = envelope.opening(body.as_bytes());
            let _user = envelope.user(body.as_bytes());
        }
    }
}

#[test]
fn a_body_that_is_not_read_has_only_the_header() {
    let envelope = Envelope::opaque("m".into(), 3, None);
    assert_eq!(envelope.conversation(b"abc", Some(b"s")), Some(named("s")));
    assert_eq!(envelope.conversation(b"abc", None), None);
    assert_eq!(
        (envelope.opening(b"abc"), envelope.user(b"abc")),
        (None, None)
    );
}
