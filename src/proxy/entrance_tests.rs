//! Claims about whom a request's cost is put down to.

use bytes::Bytes;

use super::*;
use crate::dialect::Front;

fn header(text: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(TAGS, http::HeaderValue::from_static(text))])
}

/// What header and metadata come to, as `team/feature/user`, and what is said about it.
fn tagged(said: &'static str, metadata: &str) -> (String, Vec<String>) {
    let mut warnings = Vec::new();
    let tags = tags(None, &header(said), &mut warnings);
    let body = format!(r#"{{"model":"chat","messages":[],"metadata":{metadata}}}"#);
    let question = Question::read(Front::Chat, Bytes::from(body)).unwrap();
    let tags = tags_of_metadata(tags, &question, &mut warnings);
    let mut tags = tags.map(|tags| Tags::clone(&tags)).unwrap_or_default();
    let texts = places(&mut tags).map(|tag| tag.as_deref().unwrap_or("-").to_owned());
    (texts.join("/"), warnings)
}

#[test]
fn metadata_says_what_the_header_does_not() {
    for (said, metadata, expected) in [
        (
            "",
            r#"{"team":"red","feature":"chat","user":"u\/1","other":"x"}"#,
            "red/chat/u/1",
        ),
        (
            "team=blue, user = u2",
            r#"{"team":"red","feature":"chat"}"#,
            "blue/chat/u2",
        ),
        ("team=blue,team=green", "null", "blue/-/-"),
        ("", r#"{"team":7,"feature":null,"user":["u"]}"#, "-/-/-"),
        ("", r#""team""#, "-/-/-"),
        ("", "{}", "-/-/-"),
    ] {
        let (found, warnings) = tagged(said, metadata);
        assert_eq!(found, expected, "{said} {metadata}");
        assert_eq!(warnings, [""; 0]);
    }
}

#[test]
fn a_value_that_is_fit_for_no_column_is_left_out_and_named() {
    let long = "x".repeat(101);
    let (found, warnings) = tagged(
        "team=search team",
        &format!(r#"{{"user":"{long}","feature":"é"}}"#),
    );
    assert_eq!(found, "-/-/-");
    let said = warnings.join("; ");
    assert!(
        said.contains("x-weighbridge-tags: team is not counted"),
        "{said}"
    );
    assert!(said.contains("metadata: user is not counted"), "{said}");
    assert!(
        said.is_ascii() && !said.contains("xx"),
        "nothing of a value is repeated: {said}"
    );
}
