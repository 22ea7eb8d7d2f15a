use serde_json::json;

use super::*;

fn read(body: &Value) -> Request {
    read_request(body.to_string().as_bytes()).unwrap()
}

#[test]
fn one_prompt_is_a_users_message() {
    for prompt in [json!("Say"), json!(["Say"])] {
        let request = read(
            &json!({"model": "m", "prompt": prompt, "max_tokens": 5, "logprobs": 2,
            "echo": false, "best_of": 1, "suffix": null, "stop": "x", "min_p": 0.1}),
        );
        assert_eq!(request.messages.len(), 1);
        assert_eq!(request.messages[0].parts, [Part::Text(Text::plain("Say"))]);
        assert_eq!(request.sampling.max_tokens, Some(5));
        assert!(request.sampling.logprobs && request.sampling.top_logprobs == Some(2));
        assert_eq!(request.extra.keys().collect::<Vec<_>>(), ["min_p"]);
        assert!(fit_elsewhere(&request, Dialect::Chat).is_ok());
    }
}

#[test]
fn what_only_completions_can_do_fits_nowhere_else() {
    for body in [
        json!({"model": "m", "prompt": ["a", "b"]}),
        json!({"model": "m", "prompt": [1, 2]}),
        json!({"model": "m", "prompt": "a", "suffix": "b"}),
        json!({"model": "m", "prompt": "a", "echo": true}),
        json!({"model": "m", "prompt": "a", "best_of": 3}),
    ] {
        let request = read(&body);
        assert!(
            fit_elsewhere(&request, Dialect::Messages).is_err(),
            "{body}"
        );
        assert!(fit_elsewhere(&request, Dialect::Completions).is_ok());
    }
    let wrong = read_request(br#"{"model":"m","prompt":7}"#).unwrap_err();
    assert_eq!(wrong.at, "prompt");
}

#[test]
fn an_answer_is_one_text() {
    let chat = json!({"content": [{"token": "hé", "logprob": -0.5, "top_logprobs":
        [{"token": "hé", "logprob": -0.5}]}, {"token": "y", "logprob": -1, "top_logprobs": []}]});
    let answer = Answer {
        choices: vec![Choice {
            parts: vec![Part::Text(Text::plain("héy"))],
            finish: Some(Finish::Length),
            logprobs: Some(chat),
        }],
        ..Answer::default()
    };
    let request = read(&json!({"model": "m", "prompt": "a"}));
    let written: Value = serde_json::from_slice(&write_answer(&answer, &request)).unwrap();
    assert_eq!(written["object"], "text_completion");
    assert_eq!(written["model"], "m");
    let choice = &written["choices"][0];
    assert_eq!(
        (&choice["text"], &choice["finish_reason"]),
        (&json!("héy"), &json!("length"))
    );
    assert_eq!(choice["logprobs"]["text_offset"], json!([0, 2]));
    assert_eq!(choice["logprobs"]["tokens"], json!(["hé", "y"]));
}

#[test]
fn a_stream_shows_text_alone_and_ends_only_when_it_is_done() {
    let request = read(&json!({"model": "m", "prompt": "a", "stream": true,
        "stream_options": {"include_usage": true}}));
    let mut writer = Writer::new(&request, 7, 9);
    let mut out = Vec::new();
    let (choice, delta) = (0, |text: &str| Delta::Text(text.to_owned()));
    for piece in [
        Piece::Begin {
            choice,
            block: 0,
            kind: Block::Reasoning,
        },
        Piece::Delta {
            choice,
            block: 0,
            delta: delta("hm"),
        },
        Piece::End { choice, block: 0 },
        Piece::Begin {
            choice,
            block: 1,
            kind: Block::Text,
        },
        Piece::Delta {
            choice,
            block: 1,
            delta: delta("yes"),
        },
        Piece::Finish {
            choice,
            finish: Finish::Stop,
        },
        Piece::Usage(Tokens {
            input: 1,
            output: 2,
            ..Tokens::default()
        }),
    ] {
        writer.piece(&piece, &mut out);
    }
    let mut seen = crate::wire::StreamReader::of(crate::wire::Watched::Completions);
    seen.push(&out);
    assert!(!seen.seen().done && seen.seen().content_events == 1);
    writer.piece(&Piece::Done, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.contains(r#""text":"yes""#) && !text.contains("hm"),
        "{text}"
    );
    assert!(text.contains(r#""total_tokens":3"#) && text.ends_with("data: [DONE]\n\n"));
}

#[test]
fn an_error_ends_a_stream_without_done() {
    let request = read(&json!({"model": "m", "prompt": "a", "stream": true}));
    let mut writer = Writer::new(&request, 7, 9);
    let mut out = Vec::new();
    writer.error(&ErrorBody::new(Code::UpstreamError, "gone"), &mut out);
    writer.piece(&Piece::Done, &mut out);
    assert!(!String::from_utf8(out).unwrap().contains("[DONE]"));
}
