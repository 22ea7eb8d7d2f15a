use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(body: &Value) -> EmbedRequest {
    read_request(body.to_string().as_bytes()).unwrap()
}

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

#[test]
fn every_form_of_input_is_read() {
    let inputs = |input: Value| read(&json!({"model": "m", "input": input})).inputs;
    let text = |text: &str| EmbedInput::Text(text.to_owned());
    assert_eq!(inputs(json!("a")), [text("a")]);
    assert_eq!(inputs(json!(["a", "b"])), [text("a"), text("b")]);
    assert_eq!(inputs(json!([1, 2])), [EmbedInput::Tokens(vec![1, 2])]);
    assert_eq!(inputs(json!([[1], [2]])).len(), 2);
    for wrong in [json!(null), json!(7), json!([{"a": 1}]), json!([1, "a"])] {
        let body = json!({"model": "m", "input": wrong}).to_string();
        let error = read_request(body.as_bytes()).unwrap_err();
        assert!(error.at.starts_with("input"), "{body}: {error}");
    }
}

#[test]
fn providers_get_their_own_form() {
    let request = read(
        &json!({"model": "m", "input": ["a", "b"], "dimensions": 8, "user": "u",
        "input_type": "search_query"}),
    );
    let written = write_gemini(&request, "embed").unwrap();
    let body = parsed(&written.body);
    assert_eq!(body["requests"][1]["content"]["parts"][0]["text"], "b");
    assert_eq!(body["requests"][0]["model"], "models/embed");
    assert_eq!(body["requests"][0]["outputDimensionality"], 8);
    assert_eq!(written.dropped, ["input_type", "user"]);
    let written = write_cohere(&request, "embed").unwrap();
    let body = parsed(&written.body);
    assert_eq!(body["texts"], json!(["a", "b"]));
    assert_eq!(
        (&body["input_type"], &body["output_dimension"]),
        (&json!("search_query"), &json!(8))
    );
    let body = parsed(&write_request(&request, "e").body);
    assert_eq!(
        (&body["model"], &body["dimensions"]),
        (&json!("e"), &json!(8))
    );
}

#[test]
fn what_a_provider_cannot_embed_does_not_fit() {
    let ids = read(&json!({"model": "m", "input": [1, 2]}));
    assert!(write_gemini(&ids, "e").is_err() && write_cohere(&ids, "e").is_err());
    let many = read(&json!({"model": "m", "input": vec!["a"; 97]}));
    assert!(write_gemini(&many, "e").is_ok() && write_cohere(&many, "e").is_err());
}

#[test]
fn every_providers_vectors_come_out_as_the_client_asked() {
    let openai = br#"{"object":"list","model":"e","data":[{"index":1,"embedding":[3.0]},
        {"index":0,"embedding":"AACAPwAAAMA="}],"usage":{"prompt_tokens":5,"total_tokens":5}}"#;
    let answer = read_answer(openai).unwrap();
    assert_eq!(answer.vectors, [vec![1.0, -2.0], vec![3.0]], "by index");
    assert_eq!(answer.tokens, Some(5));
    let gemini = read_gemini(br#"{"embeddings":[{"values":[1,-2]},{"values":[3]}]}"#).unwrap();
    assert_eq!((&gemini.vectors, gemini.tokens), (&answer.vectors, None));
    let cohere = read_cohere(
        br#"{"id":"x","embeddings":{"float":[[1,-2],[3]]},"meta":{"billed_units":{"input_tokens":5}}}"#,
    )
    .unwrap();
    assert_eq!((&cohere.vectors, cohere.tokens), (&answer.vectors, Some(5)));
    for (format, first) in [
        ("float", json!([1.0, -2.0])),
        ("base64", json!("AACAPwAAAMA=")),
    ] {
        let request = read(&json!({"model": "m", "input": "a", "encoding_format": format}));
        let body = parsed(&write_answer(&cohere, &request));
        assert_eq!(body["data"][0]["embedding"], first);
        assert_eq!(
            (&body["model"], &body["usage"]["total_tokens"]),
            (&json!("m"), &json!(5))
        );
    }
}

#[test]
fn errors_and_other_documents_are_told_apart() {
    let error = br#"{"error":{"message":"m","code":"c"}}"#;
    for read in [read_answer, read_gemini, read_cohere] {
        assert!(matches!(read(error), Err(NotRead::Reported(_))));
        assert!(matches!(read(b"{}"), Err(NotRead::Other(_))));
        assert!(matches!(read(b"<html>"), Err(NotRead::Other(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
    #[test]
    fn base64_gives_the_same_bits_back(bits in proptest::collection::vec(any::<u32>(), 0..20)) {
        let numbers: Vec<f32> = bits.iter().map(|bits| f32::from_bits(*bits)).collect();
        let back = base64::decode(&base64::encode(&numbers)).unwrap();
        let back: Vec<u32> = back.into_iter().map(f32::to_bits).collect();
        prop_assert_eq!(back, bits);
    }

    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read_request(&body).is_err());
        prop_assert!(read_answer(&body).is_err() && read_gemini(&body).is_err());
        prop_assert!(read_cohere(&body).is_err());
    }
}
