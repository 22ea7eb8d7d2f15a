//! Of a request is read what matters here.

use super::*;
use crate::mock::place::What;

fn read(headers: &HeaderMap, body: &[u8]) -> Result<Question, Refused> {
    let post = Post {
        what: What::Answer(Dialect::Chat),
        model: None,
        streams: false,
    };
    Question::read(Dialect::Chat, ("", &post, ""), headers, body)
}

#[test]
fn what_matters_is_read_and_the_rest_is_left_alone() {
    let body = br#"{"model":"m\"x","messages":[{"role":"user","content":"hi"}],"stream":true,
        "stream_options":{"include_usage":true,"other":1},"max_tokens":9,"seed":-1,"tools":[]}"#;
    let question = read(&HeaderMap::new(), body).unwrap();
    assert_eq!(question.model, "m\"x");
    assert_eq!(question.form, Form::StreamWithUsage);
    assert_eq!(question.length, Length::Exactly(9));
    assert_eq!(question.number, Some(u64::MAX), "the bits of the seed");
    assert_eq!(question.prompt_tokens, 8, "33 bytes of messages");
}

#[test]
fn the_header_numbers_a_request_before_its_seed() {
    let mut headers = HeaderMap::new();
    headers.insert(NUMBER, http::HeaderValue::from_static("17"));
    let body = br#"{"model":"m","messages":[],"seed":3}"#;
    assert_eq!(read(&headers, body).unwrap().number, Some(17));
    headers.insert(NUMBER, http::HeaderValue::from_static("x"));
    assert!(read(&headers, body).is_err(), "x is no number");
}

#[test]
fn wrong_requests_are_told_why() {
    for (body, words) in [
        ("", "EOF"),
        ("[1]", "chat request"),
        ("{\"messages\":[]}", "model parameter"),
        ("{\"model\":\"m\"}", "messages"),
        ("{\"model\":7,\"messages\":[]}", "invalid type"),
    ] {
        let problem = read(&HeaderMap::new(), body.as_bytes()).unwrap_err().words;
        assert!(problem.contains(words), "{body}: {problem}");
    }
}
