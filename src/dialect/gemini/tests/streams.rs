use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::super::neutral::*;
use super::super::Reader;
use super::{call, gathered, signature, text, thought};
use crate::model::Tokens;

fn events(chunks: &[Value]) -> Vec<u8> {
    let events = chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n"));
    events.collect::<String>().into_bytes()
}

fn read(bytes: &[u8], size: usize) -> Vec<Piece> {
    let (mut reader, mut out) = (Reader::new(), Vec::new());
    for chunk in bytes.chunks(size) {
        reader.push(chunk, &mut out);
    }
    reader.finish(&mut out);
    out
}

fn chunk(parts: &Value) -> Value {
    json!({"responseId": "r1", "modelVersion": "m", "candidates": [{"content": {"parts": parts}}]})
}

fn last(parts: &Value, reason: &str) -> Value {
    json!({"responseId": "r1", "candidates": [{"content": {"parts": parts}, "finishReason": reason}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 1}})
}

/// Thoughts, text, a part of Gemini's own, calls, and two counts.
fn fixture() -> Vec<Value> {
    let mut first = chunk(&json!([{"text": "Hm", "thought": true}]));
    first["usageMetadata"] = json!({"promptTokenCount": 9});
    vec![
        first,
        chunk(&json!([{"text": "…", "thought": true}, {"text": "Grüße"}])),
        chunk(&json!([{"text": " 😀"}, {"executableCode": {"code": "1"}}])),
        chunk(
            &json!([{"functionCall": {"name": "f", "args": {"x": "ü"}}, "thoughtSignature": "cw=="}]),
        ),
        last(
            &json!([{"functionCall": {"name": "g"}}, {"text": ""}]),
            "STOP",
        ),
    ]
}

#[test]
fn a_stream_is_the_answer_that_it_says() {
    let (answer, done) = gathered(&read(&events(&fixture()), 1 << 20));
    assert!(done);
    assert_eq!((answer.id.as_str(), answer.model.as_str()), ("r1", "m"));
    assert_eq!(
        answer.choices[0].parts,
        [
            thought("Hm…"),
            text("Grüße 😀"),
            Part::Other(Dialect::Gemini, json!({"executableCode": {"code": "1"}})),
            call("call_r1_0", "f", r#"{"x":"ü"}"#, Some("cw==")),
            call("call_r1_1", "g", "{}", None),
        ]
    );
    assert_eq!(answer.choices[0].finish, Some(Finish::ToolCalls));
    let tokens = Tokens {
        input: 9,
        output: 3,
        reasoning: 1,
        ..Tokens::default()
    };
    assert_eq!(answer.usage, Some(tokens), "the last count counts");
}

#[test]
fn chunks_do_not_matter() {
    let bytes = events(&fixture());
    let whole = read(&bytes, bytes.len());
    for split in 0..=bytes.len() {
        let (mut reader, mut out) = (Reader::new(), Vec::new());
        let (head, tail) = bytes.split_at(split);
        reader.push(head, &mut out);
        reader.push(tail, &mut out);
        reader.finish(&mut out);
        assert_eq!(out, whole, "split at {split}");
    }
    assert_eq!(read(&bytes, 1), whole);
}

#[test]
fn a_cut_stream_never_looks_complete() {
    let bytes = events(&fixture());
    let end = bytes.len() - b"\r\n\r\n".len();
    for cut in 0..end {
        let pieces = read(&bytes[..cut], 4096);
        assert!(!pieces.contains(&Piece::Done), "cut at {cut}");
        assert!(
            !pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Finish { .. }))
        );
    }
    assert!(
        read(&bytes[..end], 4096).contains(&Piece::Done),
        "only blank lines were missing"
    );
}

#[test]
fn every_candidate_that_began_must_end() {
    let both = json!({"candidates": [
        {"content": {"parts": [{"text": "a"}]}},
        {"content": {"parts": [{"text": "b"}]}, "index": 1},
    ]});
    let end = |index: u32| json!({"candidates": [{"index": index, "finishReason": "STOP"}]});
    let half = read(&events(&[both.clone(), end(1)]), 64);
    assert!(!half.contains(&Piece::Done));
    let (answer, done) = gathered(&read(&events(&[both, end(1), end(0)]), 64));
    assert!(done);
    let parts: Vec<_> = answer
        .choices
        .iter()
        .map(|choice| choice.parts.clone())
        .collect();
    assert_eq!(parts, [[text("a")], [text("b")]]);
}

#[test]
fn a_reason_in_every_chunk_ends_nothing_early() {
    let chunks = [
        last(&json!([{"text": "a"}]), "STOP"),
        last(&json!([{"text": "b"}]), "STOP"),
        last(&json!([{"text": "c"}]), "MAX_TOKENS"),
    ];
    let pieces = read(&events(&chunks), 64);
    let (answer, _) = gathered(&pieces);
    assert_eq!(answer.choices[0].parts, [text("abc")]);
    assert_eq!(answer.choices[0].finish, Some(Finish::Length));
    let counts = pieces
        .iter()
        .filter(|piece| matches!(piece, Piece::Usage(_)));
    assert_eq!(counts.count(), 1, "the same count is said once");
}

#[test]
fn the_signature_of_a_text_that_has_begun_comes_behind_it() {
    let parts = |chunks: &[Value]| {
        gathered(&read(&events(chunks), 64))
            .0
            .choices
            .swap_remove(0)
            .parts
    };
    let begun = [
        chunk(&json!([{"text": "a"}])),
        chunk(&json!([{"text": "b", "thoughtSignature": "cw=="}])),
        last(&json!([{"text": "c"}]), "STOP"),
    ];
    assert_eq!(parts(&begun), [text("abc"), signature("cw==")]);
    let first = [last(
        &json!([{"text": "a", "thoughtSignature": "cw=="}]),
        "STOP",
    )];
    assert_eq!(parts(&first), [signature("cw=="), text("a")]);
    let alone = [
        chunk(&json!([{"text": "a"}])),
        last(&json!([{"text": "", "thoughtSignature": "cw=="}]), "STOP"),
    ];
    assert_eq!(parts(&alone), [text("a"), signature("cw==")]);
    let two = [
        chunk(&json!([{"text": "a"}, {"text": "b", "thoughtSignature": "cw=="}])),
        last(&json!([{"text": "c", "thoughtSignature": "dA=="}]), "STOP"),
    ];
    assert_eq!(
        parts(&two),
        [text("ab"), signature("cw=="), signature("dA=="), text("c")]
    );
}

#[test]
fn annotations_come_at_the_end_of_their_text() {
    let mut end = last(&json!([{"text": "ß."}]), "STOP");
    end["candidates"][0]["groundingMetadata"] = json!({
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 2, "endIndex": 5}, "groundingChunkIndices": [0]}],
    });
    let mut first = chunk(&json!([{"text": "é"}]));
    first["candidates"][0]["groundingMetadata"] = json!({});
    let (answer, _) = gathered(&read(&events(&[first, end]), 64));
    let Part::Text(text) = &answer.choices[0].parts[0] else {
        panic!("expected a text");
    };
    let expected = json!([{"type": "url_citation", "url_citation":
        {"url": "https://a.example", "title": "A", "start_index": 1, "end_index": 3}}]);
    assert_eq!(text.annotations, Some(expected));
}

#[test]
fn probabilities_come_with_their_text() {
    let mut end = last(&json!([{"text": "a"}]), "STOP");
    end["candidates"][0]["logprobsResult"] =
        json!({"chosenCandidates": [{"token": "a", "logProbability": -1.0}]});
    let pieces = read(&events(&[end]), 64);
    let found = pieces.iter().find_map(|piece| match piece {
        Piece::Delta {
            delta: Delta::TextWithLogprobs(text, probabilities),
            ..
        } => Some((text.as_str(), &probabilities["content"][0]["logprob"])),
        _ => None,
    });
    assert_eq!(found, Some(("a", &json!(-1.0))));
}

#[test]
fn an_error_inside_the_stream_ends_it() {
    let error = json!({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}});
    for error in [error.clone(), json!([error])] {
        let chunks = [
            chunk(&json!([{"text": "a"}])),
            error,
            last(&json!([]), "STOP"),
        ];
        let pieces = read(&events(&chunks), 64);
        let Some(Piece::Error(reported)) = pieces.last() else {
            panic!("expected an error last, found {pieces:?}");
        };
        assert!(reported.is("UNAVAILABLE") && reported.message == "busy");
    }
}

#[test]
fn an_error_that_is_no_event_is_one_all_the_same() {
    let error =
        json!({"error": {"code": 429, "message": "enough", "status": "RESOURCE_EXHAUSTED"}});
    let begun = events(&[chunk(&json!([{"text": "{a"}]))]);
    for document in [format!("{error:#}"), format!("[{error:#}\n]")] {
        let bytes = [begun.as_slice(), document.as_bytes(), b"\n\n"].concat();
        let whole = read(&bytes, bytes.len());
        let Some(Piece::Error(reported)) = whole.last() else {
            panic!("expected an error last, found {whole:?}");
        };
        assert!(reported.is("RESOURCE_EXHAUSTED") && reported.message == "enough");
        for split in 0..bytes.len() {
            let (mut reader, mut out) = (Reader::new(), Vec::new());
            reader.push(&bytes[..split], &mut out);
            reader.push(&bytes[split..], &mut out);
            reader.finish(&mut out);
            assert_eq!(out, whole, "split at {split}");
        }
    }
    let end = events(&[last(&json!([]), "STOP")]);
    let noise = [begun.as_slice(), b"{no json\n\n", &end].concat();
    assert!(gathered(&read(&noise, 5)).1, "a line of noise is no error");
}

#[test]
fn a_prompt_that_was_refused_is_an_answer_that_was_filtered() {
    let chunk = json!({"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r1"});
    let (answer, done) = gathered(&read(&events(&[chunk]), 64));
    assert!(done);
    assert_eq!(answer.choices[0].finish, Some(Finish::ContentFilter));
}

#[test]
fn what_is_no_answer_is_an_error_and_what_says_nothing_is_none() {
    let quiet = b"data:\n\nevent: ping\n\n: comment\n\ndata: [DONE]\n\ndata: {\"new\":1}\n\n";
    assert_eq!(read(quiet, 3), [], "and no end either");
    for bytes in [
        "data: {\n\n",
        "data: 7\n\n",
        "data: {\"candidates\":7}\n\n",
        "data: []\n\n",
    ] {
        let pieces = read(bytes.as_bytes(), 3);
        assert!(
            matches!(pieces.last(), Some(Piece::Error(_))),
            "{bytes:?}: {pieces:?}"
        );
    }
}

#[test]
fn an_image_comes_in_one_large_event() {
    let data = "A".repeat(3 << 20);
    let blob = json!({"inlineData": {"mimeType": "image/png", "data": data}});
    let bytes = events(&[last(&json!([blob]), "STOP")]);
    let (answer, done) = gathered(&read(&bytes, 1 << 16));
    assert!(done);
    assert_eq!(
        answer.choices[0].parts,
        [Part::Other(Dialect::Gemini, blob)]
    );
}

#[test]
fn a_hostile_stream_is_bounded() {
    let many = (0..1000).map(|index| json!({"index": index}));
    let many = json!({"candidates": many.collect::<Vec<_>>()});
    let pieces = read(&events(&[many]), 1 << 20);
    assert!(matches!(pieces.last(), Some(Piece::Error(_))), "{pieces:?}");
    let endless = vec![b'x'; 20 << 20];
    let pieces = read(&[b"data: ".as_slice(), &endless, b"\n\n"].concat(), 1 << 20);
    assert!(
        matches!(pieces.as_slice(), [Piece::Error(_)]),
        "{}",
        pieces.len()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]
    #[test]
    fn any_bytes_are_read(lines in proptest::collection::vec("(data: )?[\\[{}\\]\"a:,\n]{0,40}", 0..8), size in 1_usize..9) {
        let bytes = lines.join("\n");
        let whole = read(bytes.as_bytes(), bytes.len().max(1));
        prop_assert_eq!(&read(bytes.as_bytes(), size), &whole);
        let errors = whole.iter().position(|piece| matches!(piece, Piece::Error(_)));
        prop_assert!(errors.is_none_or(|place| place + 1 == whole.len()), "nothing comes after an error");
    }
}
