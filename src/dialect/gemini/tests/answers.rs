use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::super::neutral::*;
use super::super::read_answer;
use super::{call, signature, text, thought};
use crate::model::Tokens;

fn read(body: &Value) -> Answer {
    read_answer(body.to_string().as_bytes()).unwrap()
}

/// An answer of one candidate with these parts.
fn said(parts: &Value) -> Choice {
    let body = json!({"responseId": "r!1", "candidates": [
        {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]});
    read(&body).choices.swap_remove(0)
}

#[test]
fn a_whole_answer() {
    let answer = read(&json!({
        "candidates": [{
            "content": {"role": "model", "parts": [
                {"text": "First,", "thought": true}, {"text": " hm.", "thought": true},
                {"text": "It is "}, {"text": "7."},
            ]},
            "finishReason": "STOP", "index": 0, "avgLogprobs": -0.5,
        }],
        "usageMetadata": {
            "promptTokenCount": 10, "toolUsePromptTokenCount": 5, "cachedContentTokenCount": 4,
            "candidatesTokenCount": 3, "thoughtsTokenCount": 20, "totalTokenCount": 38,
        },
        "modelVersion": "gemini-x", "responseId": "r1", "createTime": "1970-01-02T00:00:00.1Z",
    }));
    assert_eq!(
        (answer.id.as_str(), answer.model.as_str()),
        ("r1", "gemini-x")
    );
    assert_eq!(answer.created, Some(86_400));
    let tokens = Tokens {
        input: 15,
        cached_input: 4,
        cache_write: 0,
        output: 23,
        reasoning: 20,
    };
    assert_eq!(answer.usage, Some(tokens));
    let choice = &answer.choices[0];
    assert_eq!(choice.parts, [thought("First, hm."), text("It is 7.")]);
    assert_eq!(choice.finish, Some(Finish::Stop));
    assert_eq!(Value::Object(answer.extra), json!({"avgLogprobs": -0.5}));
}

#[test]
fn calls_get_an_id_of_their_place_where_they_have_none() {
    let choice = said(&json!([
        {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "cw=="},
        {"functionCall": {"id": "own", "name": "g"}},
        {"functionCall": {"name": "f", "args": {}}},
    ]));
    assert_eq!(
        choice.parts,
        [
            call("call_r1_0", "f", r#"{"x":1}"#, Some("cw==")),
            call("own", "g", "{}", None),
            call("call_r1_2", "f", "{}", None),
        ]
    );
    assert_eq!(choice.finish, Some(Finish::ToolCalls));
}

#[test]
fn a_signature_stands_before_the_part_that_it_came_with() {
    let choice = said(&json!([
        {"text": "a"},
        {"text": "b", "thoughtSignature": "cw=="},
        {"text": "", "thoughtSignature": "dA=="},
    ]));
    assert_eq!(
        choice.parts,
        [text("a"), signature("cw=="), text("b"), signature("dA==")]
    );
}

#[test]
fn media_and_parts_without_a_word_are_kept() {
    let code =
        json!({"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "cw=="});
    let blob = |kind: &str| json!({"inlineData": {"mimeType": kind, "data": "AA=="}});
    let parts = json!([
        blob("image/png"),
        blob("audio/wav"),
        blob("application/pdf"),
        code,
        {}
    ]);
    let parts = said(&parts).parts;
    assert!(
        matches!(&parts[0], Part::Image(media) if media.media_type.as_deref() == Some("image/png"))
    );
    assert!(matches!(&parts[1], Part::Audio(_)) && matches!(&parts[2], Part::File(_)));
    assert_eq!(
        parts[3..],
        [Part::Other(Dialect::Gemini, code)],
        "an empty part says nothing"
    );
}

#[test]
fn reasons_to_end() {
    let finish = |word: &str| {
        let body = json!({"candidates": [{"finishReason": word}]});
        read(&body).choices.swap_remove(0).finish
    };
    assert_eq!(finish("MAX_TOKENS"), Some(Finish::Length));
    for word in [
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
    ] {
        assert_eq!(finish(word), Some(Finish::ContentFilter), "{word}");
    }
    let word = "MALFORMED_FUNCTION_CALL";
    assert_eq!(finish(word), Some(Finish::Other(word.to_owned())));
    assert_eq!(finish("FINISH_REASON_UNSPECIFIED"), None);
}

#[test]
fn a_prompt_that_was_refused_is_an_answer_that_was_filtered() {
    let feedback = json!({"blockReason": "PROHIBITED_CONTENT"});
    let answer =
        read(&json!({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 3}}));
    let filtered = Choice {
        finish: Some(Finish::ContentFilter),
        ..Choice::default()
    };
    assert_eq!(answer.choices, [filtered]);
    assert_eq!(answer.extra["promptFeedback"], feedback);
}

#[test]
fn probabilities_have_openais_form() {
    let answer = read(&json!({"candidates": [{
        "content": {"parts": [{"text": "é"}]},
        "logprobsResult": {
            "chosenCandidates": [{"token": "é", "tokenId": 5, "logProbability": -0.5}],
            "topCandidates": [{"candidates": [{"token": "e", "logProbability": -1.5}]}],
        },
    }]}));
    let expected = json!({"refusal": null, "content": [{
        "token": "é", "logprob": -0.5, "bytes": [195, 169],
        "top_logprobs": [{"token": "e", "logprob": -1.5, "bytes": [101]}],
    }]});
    assert_eq!(answer.choices[0].logprobs, Some(expected));
}

#[test]
fn what_the_text_rests_on_is_annotated_by_characters() {
    let grounding = json!({
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}, {"web": {}}],
        "groundingSupports": [
            {"segment": {"partIndex": 1, "startIndex": 3, "endIndex": 4}, "groundingChunkIndices": [0, 1, 9]},
        ],
    });
    let answer = read(&json!({"candidates": [{
        "content": {"parts": [{"text": "é"}, {"text": "€x"}]},
        "groundingMetadata": grounding,
        "citationMetadata": {"citations": [{"startIndex": 0, "endIndex": 2, "uri": "https://b.example"}]},
    }]}));
    let Part::Text(text) = &answer.choices[0].parts[0] else {
        panic!("expected a text");
    };
    let expected = json!([
        {"type": "url_citation", "url_citation":
            {"url": "https://a.example", "title": "A", "start_index": 2, "end_index": 3}},
        {"type": "url_citation", "url_citation":
            {"url": "https://b.example", "title": "", "start_index": 0, "end_index": 1}},
    ]);
    assert_eq!(text.annotations, Some(expected));
    assert_eq!(answer.extra["groundingMetadata"], grounding);
}

#[test]
fn an_error_is_reported_in_either_shape() {
    let error = json!({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}});
    for body in [error.clone(), json!([error])] {
        let read = read_answer(body.to_string().as_bytes());
        let Err(NotRead::Reported(reported)) = read else {
            panic!("expected an error, found {read:?}");
        };
        assert!(reported.is("UNAVAILABLE") && reported.is("503") && reported.message == "busy");
    }
}

#[test]
fn what_is_no_answer_is_said_with_its_place() {
    let check = |body: &str, at: &str| match read_answer(body.as_bytes()) {
        Err(NotRead::Other(misread)) => assert_eq!(misread.at, at, "{body}"),
        other => panic!("{body}: {other:?}"),
    };
    check("<html>", "");
    check("{}", "candidates");
    check(r#"{"usageMetadata":{}}"#, "candidates");
    check(r#"{"candidates":[7]}"#, "candidates[0]");
    let part = r#"{"candidates":[{"content":{"parts":[{},{"text":7}]}}]}"#;
    check(part, "candidates[0].content.parts[1].text");
    let call = r#"{"candidates":[{"content":{"parts":[{"functionCall":7}]}}]}"#;
    check(call, "candidates[0].content.parts[0].functionCall");
}

#[test]
fn counts_that_nobody_believes_are_none() {
    let usage = |usage: Value| read(&json!({"candidates": [], "usageMetadata": usage})).usage;
    assert_eq!(usage(json!({"trafficType": "ON_DEMAND"})), None);
    assert_eq!(usage(json!({"promptTokenCount": u64::MAX})), None);
    assert_eq!(usage(json!({"promptTokenCount": -1})), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read_answer(&body).is_err(), "random bytes are no answer");
    }
}
