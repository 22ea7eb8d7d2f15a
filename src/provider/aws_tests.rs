//! Claims about signatures. The vectors are those of AWS's published test suite for signature version 4
//! (`get-vanilla`, `post-x-www-form-urlencoded`).

use super::*;
use crate::model::Time;
use http::{HeaderMap, Method, Uri};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2015-08-30, 12:36 UTC.
const DATE: u64 = 1_440_938_160;

fn signer(token: Option<&str>) -> Signer {
    let token = token.map(str::to_owned);
    Signer {
        keys: Credentials::new("AKIDEXAMPLE", SECRET, token, None, "test"),
        region: "us-east-1".to_owned(),
        service: "service",
    }
}

fn signed(signer: &Signer, method: &Method, uri: &str, content: &str, body: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !content.is_empty() {
        headers.insert(CONTENT_TYPE, content.parse().unwrap());
    }
    let uri: Uri = uri.parse().unwrap();
    signer
        .sign(&mut Unsigned {
            method,
            uri: &uri,
            headers: &mut headers,
            body,
            now: Time::ZERO,
            unix_seconds: DATE,
        })
        .unwrap();
    headers
}

#[test]
fn signatures_are_those_of_the_published_vectors() {
    let got = signed(
        &signer(None),
        &Method::GET,
        "https://example.amazonaws.com/",
        "",
        b"",
    );
    assert_eq!(got["x-amz-date"], "20150830T123600Z");
    assert_eq!(
        got["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=host;x-amz-date, \
         Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    );
    let form = "application/x-www-form-urlencoded";
    let uri = "https://example.amazonaws.com/";
    let got = signed(&signer(None), &Method::POST, uri, form, b"Param1=value1");
    assert_eq!(
        got["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
    );
}

#[test]
fn a_session_token_is_sent_and_signed_and_nothing_of_it_is_printed() {
    let signer = signer(Some("SESSIONTOKEN"));
    let uri = "https://example.amazonaws.com/model/a%3A0/converse";
    let got = signed(&signer, &Method::POST, uri, "application/json", b"{}");
    assert_eq!(got["x-amz-security-token"], "SESSIONTOKEN");
    let value = got["authorization"].to_str().unwrap();
    let names = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,";
    assert!(value.contains(names), "{value}");
    for printed in [format!("{signer:?}"), format!("{got:?}")] {
        assert!(!printed.contains(SECRET), "{printed}");
        assert!(!printed.contains("SESSIONTOKEN"), "{printed}");
    }
}

#[test]
fn another_body_has_another_signature() {
    let of = |body| {
        let uri = "https://example.amazonaws.com/";
        let got = signed(&signer(None), &Method::POST, uri, "application/json", body);
        got["authorization"].clone()
    };
    assert_ne!(of(b"{\"a\":1}"), of(b"{\"a\":2}"));
}
