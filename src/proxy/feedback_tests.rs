use super::*;

#[track_caller]
fn refused(body: &str, param: Option<&str>, words: &str) {
    let reject = read(body.as_bytes()).unwrap_err();
    assert_eq!(reject.code(), Code::InvalidRequestError, "{body}");
    let text = format!("{reject:?}");
    assert!(text.contains(words), "{body}: {text}");
    if let Some(param) = param {
        assert!(text.contains(&format!("{param:?}")), "{body}: {text}");
    }
}

#[test]
fn a_score_is_read_with_and_without_a_label() {
    let feedback = read(br#"{"request_id": "req_1", "score": 1, "label": "thumbs"}"#).unwrap();
    assert_eq!((feedback.id.as_str(), feedback.score), ("req_1", 1.0));
    assert_eq!(feedback.label.as_deref(), Some("thumbs"));
    let feedback = read(br#"{"request_id": "req_1", "score": 0.0, "label": null}"#).unwrap();
    assert_eq!((feedback.score, feedback.label), (0.0, None));
}

#[test]
fn what_is_no_feedback_is_told_with_what_was_expected() {
    refused("", None, "expected an object such as");
    refused("[1]", None, "expected an object such as");
    refused(r#"{"score": 1}"#, Some("request_id"), "found nothing");
    refused(
        r#"{"request_id": 7, "score": 1}"#,
        Some("request_id"),
        "expected the x-request-id of an answer, found 7",
    );
    for score in ["2", "-0.1", "\\\"1\\\"", "true", "null", "1e400"] {
        let body = format!(r#"{{"request_id": "r", "score": {score}}}"#).replace('\\', "");
        refused(&body, None, "expected");
    }
    refused(
        r#"{"request_id": "r", "score": 5}"#,
        Some("score"),
        "expected a number from 0 (bad) to 1 (good), found 5",
    );
    refused(
        r#"{"request_id": "r", "score": 1, "label": 3}"#,
        Some("label"),
        "at most 64 bytes",
    );
    refused(
        r#"{"request_id": "r", "score": 1, "lable": "x"}"#,
        Some("lable"),
        "unknown field",
    );
}
