use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn read(body: &str) -> Result<Envelope, String> {
    Envelope::read(body.as_bytes()).map_err(|error| error.to_string())
}

#[track_caller]
fn check_rewrite(body: &'static str, model: &str, expected: &str) {
    let bytes = Bytes::from_static(body.as_bytes());
    let envelope = Envelope::read(&bytes).unwrap();
    let out = envelope.rewrite(&bytes, model);
    assert_eq!(std::str::from_utf8(&out).unwrap(), expected, "{body}");
}

#[track_caller]
fn check_error(body: &str, expected: &str) {
    assert_eq!(read(body).unwrap_err(), expected, "{body}");
}

#[test]
fn what_routing_needs_is_read() {
    let body = r#" {"messages":[{"role":"user","content":"\"model\": \"no\""}], "mod\u0065l" : "cha\u0074",
        "stream":true,"stream_options":{"include_usage":true,"x":1},"seed":42,"unheard_of":{"model":1}} "#;
    let envelope = read(body).unwrap();
    assert_eq!(envelope.model, "chat");
    assert!(envelope.stream && envelope.include_usage);
    assert_eq!(envelope.answer_kind(), AnswerKind::Streamed);
    assert_eq!(envelope.seed, Some(42));
    assert_eq!(envelope.prompt_bytes, body.len());
    assert_eq!(envelope.extension, Extension::default());
}

#[test]
fn what_is_absent_or_null_is_the_default() {
    for body in [
        r#"{"model":"m"}"#,
        r#"{"model":"m","stream":null,"stream_options":null,"seed":null,"orq":null}"#,
        r#"{"model":"m","stream":false,"stream_options":{"include_usage":null},"seed":1.5}"#,
    ] {
        let envelope = read(body).unwrap();
        assert!(!envelope.stream && !envelope.include_usage, "{body}");
        assert_eq!(envelope.answer_kind(), AnswerKind::Unary);
        assert_eq!(envelope.seed, None, "{body}");
    }
    assert_eq!(
        read(r#"{"model":"m","seed":-1}"#).unwrap().seed,
        Some(u64::MAX)
    );
}

#[test]
fn a_body_that_cannot_be_read_says_why() {
    check_error("", "expected a JSON object, found an empty body");
    check_error(" \n", "expected a JSON object, found an empty body");
    check_error("[1]", "expected a JSON object, found an array");
    check_error("\"my secret\"", "expected a JSON object, found a string");
    check_error("null", "expected a JSON object, found null");
    check_error(
        "model=m",
        "expected a JSON object, found text that is not JSON",
    );
    check_error(
        "\u{feff}{}",
        "expected a JSON object, found text that is not JSON",
    );
    check_error(
        "{\"model\":\"m\",\n\"x\":}",
        "expected a JSON object, found expected value at line 2 column 5",
    );
    check_error(
        r#"{"model":"m"}{"model":"m"}"#,
        "expected a JSON object, found trailing characters at line 1 column 14",
    );
    let error = Envelope::read(b"{\"model\":\"\xff\"}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected UTF-8, found another byte at offset 10"
    );
}

#[test]
fn wrong_types_and_doubled_keys_are_errors_that_name_the_key() {
    let model = "model: expected a model's name as a string, found";
    check_error("{}", &format!("{model} nothing"));
    check_error(r#"{"model":null}"#, &format!("{model} null"));
    check_error(r#"{"model":3}"#, &format!("{model} 3"));
    check_error(r#"{"model":""}"#, &format!("{model} an empty one"));
    check_error(
        r#"{"model":"\ud800"}"#,
        &format!("{model} a string with a broken escape"),
    );
    check_error(
        &format!(r#"{{"model":"{}"}}"#, "m".repeat(513)),
        "model: expected a model's name of at most 512 bytes, found 513",
    );
    check_error(
        r#"{"model":"a","mod\u0065l":"b"}"#,
        "model: expected this key once, found it twice",
    );
    check_error(
        r#"{"model":"a","orq":{},"orq":{}}"#,
        "orq: expected this key once, found it twice",
    );
    check_error(
        r#"{"model":"a","stream":"true"}"#,
        "stream: expected true or false, found a string",
    );
    check_error(
        r#"{"model":"a","stream_options":true}"#,
        "stream_options: expected an object, found true",
    );
    check_error(
        r#"{"model":"a","stream_options":{"include_usage":1}}"#,
        "stream_options.include_usage: expected true or false, found 1",
    );
}

#[test]
fn a_list_makes_the_model_optional_but_not_arbitrary() {
    let list = r#""load_balancer":[{"model":"a"}]"#;
    assert_eq!(read(&format!("{{{list}}}")).unwrap().model, "");
    assert_eq!(
        read(&format!(r#"{{"model":null,{list}}}"#)).unwrap().model,
        ""
    );
    assert!(read(&format!(r#"{{"model":7,{list}}}"#)).is_err());
}

#[test]
fn only_the_model_and_what_is_ours_changes() {
    check_rewrite(
        r#"{ "model" : "chat", "messages":[ ], "x":1.50 }"#,
        "gpt-\"4o\"",
        r#"{ "model" : "gpt-\"4o\"", "messages":[ ], "x":1.50 }"#,
    );
    check_rewrite(
        r#"{"orq":{"a":1}, "model":"a","retry":null ,  "b":2,"timeout":{}}"#,
        "b",
        r#"{"model":"b","b":2}"#,
    );
    check_rewrite(
        r#"{"cache":1,"thread":{},"model":"a","identity":{},"contact":{},"fallbacks":[],"retries":{}}"#,
        "a",
        r#"{"model":"a"}"#,
    );
    check_rewrite(r#"{"or\u0071":{},"model":"a"}"#, "a", r#"{"model":"a"}"#);
}

#[test]
fn a_model_that_was_left_out_is_put_in() {
    check_rewrite(
        r#"{ "load_balancer":[{"model":"a"}], "n":1}"#,
        "a",
        r#"{"model":"a", "n":1}"#,
    );
    check_rewrite(
        r#"{"orq":{"load_balancer":[{"model":"a"}]} }"#,
        "a",
        r#"{"model":"a" }"#,
    );
    check_rewrite(
        r#"{"n":1,"load_balancer":[{"model":"a"}],"model":null}"#,
        "a",
        r#"{"n":1,"model":"a"}"#,
    );
}

#[test]
fn token_counts_are_asked_for_where_the_client_did_not() {
    let check = |body: &str, model: &str, expected: &str| {
        let bytes = Bytes::copy_from_slice(body.as_bytes());
        let out = Envelope::read(&bytes)
            .unwrap()
            .rewrite_asking_usage(&bytes, model);
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected, "{body}");
        let again = Envelope::read(&out).unwrap();
        assert_eq!(again.include_usage, again.stream, "{body}");
    };
    let asked = r#"{"include_usage":true}"#;
    check(
        r#"{ "model":"a","stream":true}"#,
        "b",
        &format!(r#"{{"stream_options":{asked}, "model":"b","stream":true}}"#),
    );
    for options in ["null", "{}", "{ }"] {
        check(
            &format!(r#"{{"stream_options":{options},"stream":true,"cache":1,"model":"a"}}"#),
            "a",
            &format!(r#"{{"stream_options":{asked},"stream":true,"model":"a"}}"#),
        );
    }
    for value in ["false", "null"] {
        check(
            &format!(
                r#"{{"model":"a","stream":true,"stream_options":{{"x":1,"include_usage": {value} }}}}"#
            ),
            "a",
            r#"{"model":"a","stream":true,"stream_options":{"x":1,"include_usage": true }}"#,
        );
    }
    check(
        r#"{"model":"a","stream":true,"stream_options":{ "include_obfuscation":false}}"#,
        "a",
        r#"{"model":"a","stream":true,"stream_options":{"include_usage":true, "include_obfuscation":false}}"#,
    );
    check(
        r#"{"orq":{"load_balancer":[{"model":"a"}]},"stream":true}"#,
        "b",
        &format!(r#"{{"stream_options":{asked},"model":"b","stream":true}}"#),
    );
    let whole = r#"{"model":"a","messages":[]}"#;
    let bytes = Bytes::from_static(whole.as_bytes());
    let out = Envelope::read(&bytes)
        .unwrap()
        .rewrite_asking_usage(&bytes, "a");
    assert_eq!(
        out.as_ptr(),
        bytes.as_ptr(),
        "a whole answer has its counts"
    );
}

#[test]
fn an_unchanged_body_is_not_copied() {
    let body = Bytes::from_static(br#"{"model":"a","unheard_of":[1,2]}"#);
    let envelope = Envelope::read(&body).unwrap();
    let out = envelope.rewrite(&body, "a");
    assert_eq!(
        out.as_ptr(),
        body.as_ptr(),
        "the same bytes, not equal ones"
    );
}

#[test]
fn depth_costs_neither_stack_nor_answer() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        for key in [
            "messages",
            "orq",
            "load_balancer",
            "model",
            "seed",
            "stream_options",
        ] {
            let body = format!(r#"{{"{key}":{deep}}}"#);
            let read = Envelope::read(body.as_bytes());
            assert!(read.is_err(), "{key} holds no model");
        }
        let body = format!(r#"{{"model":"m","messages":{deep}}}"#);
        assert!(
            Envelope::read(body.as_bytes()).is_ok(),
            "what is not ours is not judged"
        );
        assert!(Envelope::read(deep.as_bytes()).is_err());
        assert!(Envelope::read(open.repeat(100_000).as_bytes()).is_err());
    }
}

/// JSON values as clients may send them.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~é\"\\\\\n]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-z]{1,4}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Members of a body in some order, each with the space around it: keys of ours with values that are read, and others.
fn body_members() -> impl Strategy<Value = Vec<(String, Value, String)>> {
    let ours = prop_oneof![
        Just((
            "orq".to_owned(),
            serde_json::json!({"x": [1, {"model": "y"}]})
        )),
        Just(("retry".to_owned(), serde_json::json!({"count": 2}))),
        Just(("fallbacks".to_owned(), serde_json::json!(["a"]))),
        (
            proptest::sample::select(&["cache", "thread", "identity", "contact"][..]),
            value()
        )
            .prop_map(|(key, value)| (key.to_owned(), value)),
        Just((
            "load_balancer".to_owned(),
            serde_json::json!([{"model": "b"}])
        )),
        Just(("model".to_owned(), Value::from("chat"))),
    ];
    let other = ("[a-z é]{0,6}_", value());
    let member = prop_oneof![ours, other];
    let space = proptest::sample::select(&["", " ", "\n\t", "\r\n  "][..]).prop_map(str::to_owned);
    proptest::collection::vec((member, space), 0..10).prop_map(|members| {
        let mut once: Vec<(String, Value, String)> = Vec::new();
        for ((key, value), space) in members {
            if once.iter().all(|(other, _, _)| *other != key) {
                once.push((key, value, space));
            }
        }
        once
    })
}

fn printed(key: &str, value: &Value, space: &str) -> String {
    format!("{}{space}:{space}{value}", Value::from(key))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_rewritten_body_is_the_clients_but_for_model_and_ours(members in body_members(), model in "[a-z/\"é]{1,8}") {
        let texts: Vec<_> = members.iter().map(|(key, value, space)| printed(key, value, space)).collect();
        let ends = |at: usize| members.get(at).map_or("", |(_, _, space)| space.as_str());
        let body = format!("{}{{{}{}}}{}", ends(0), ends(1), texts.join(" , "), ends(2));
        let body = Bytes::from(body);
        let has = |name: &str| members.iter().any(|(key, _, _)| key == name);
        let Ok(envelope) = Envelope::read(&body) else {
            prop_assert!(!has("model") && !has("load_balancer"), "refused without reason");
            return Ok(());
        };
        let out = envelope.rewrite(&body, &model);
        let out = std::str::from_utf8(&out).expect("still UTF-8");

        let mut expected: serde_json::Map<String, Value> = members.iter()
            .filter(|(key, _, _)| !REMOVED.contains(&key.as_str()))
            .map(|(key, value, _)| (key.clone(), value.clone()))
            .collect();
        expected.insert("model".to_owned(), Value::from(model.as_str()));
        let parsed: Value = serde_json::from_str(out).expect("still JSON");
        prop_assert_eq!(parsed, Value::Object(expected), "the same value less what is ours");

        let mut rest = out;
        for (key, value, space) in &members {
            if REMOVED.contains(&key.as_str()) {
                continue;
            }
            let value = if key == "model" { Value::from(model.as_str()) } else { value.clone() };
            let text = printed(key, &value, space);
            let place = rest.find(&text);
            prop_assert!(place.is_some(), "{:?} is not in {:?} as it was sent", text, rest);
            rest = rest.get(place.unwrap_or(0) + text.len()..).unwrap_or_default();
        }
        prop_assert!(rest.ends_with(&format!("}}{}", ends(2))), "the end is as it was sent");
    }

    #[test]
    fn random_bytes_are_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Envelope::read(&body).is_err());
    }

    #[test]
    fn random_json_is_read_or_refused_with_words(value in value()) {
        if let Err(error) = Envelope::read(value.to_string().as_bytes()) {
            prop_assert!(error.message.starts_with("expected "), "{}", error);
        }
    }

    #[test]
    fn random_routing_keys_are_read_or_refused_with_words(
        key in proptest::sample::select(&READ[..]), value in value(), inside in any::<bool>(),
    ) {
        let member = format!("\"{key}\":{value}");
        let body = if inside { format!(r#"{{"model":"m","orq":{{{member}}}}}"#) } else { format!("{{{member}}}") };
        if let Err(error) = Envelope::read(body.as_bytes()) {
            prop_assert!(error.message.starts_with("expected "), "{}", error);
            prop_assert!(error.param.is_some(), "{}", error);
        }
    }

    #[test]
    fn a_flipped_byte_never_panics(at in 0usize..96, byte in any::<u8>()) {
        let mut body = br#"{"orq":{"load_balancer":[{"model":"a","weight":0.5}]},"model":"x","messages":[{"a":"\n"}],"n":1}"#.to_vec();
        body[at] = byte;
        let body = Bytes::from(body);
        if let Ok(envelope) = Envelope::read(&body) {
            let out = envelope.rewrite(&body, "y");
            prop_assert!(serde_json::from_slice::<Value>(&out).is_ok() || serde_json::from_slice::<Value>(&body).is_err());
        }
    }
}

#[test]
fn a_routing_key_in_other_letters_is_refused() {
    for body in [
        r#"{"model":"cheap","MODEL":"dear"}"#,
        r#"{"Model":"dear","model":"cheap"}"#,
        r#"{"Model":"dear"}"#,
        r#"{"model":"m","Stream":true}"#,
        r#"{"model":"m","\u004dodel":"dear"}"#,
    ] {
        let error = Envelope::read(body.as_bytes()).expect_err(body);
        let param = error.param.unwrap_or_default();
        assert!(
            ["Model", "MODEL", "Stream"].contains(&param.as_str()),
            "{param} of {body}"
        );
        assert!(!error.message.contains("dear"), "{}", error.message);
    }
    let fine = r#"{"model":"m","Models":1,"modeL_":2,"metadata":{"MODEL":"x"}}"#;
    assert!(
        Envelope::read(fine.as_bytes()).is_ok(),
        "other names are other names"
    );
}
