//! Credentials taken out of what a provider says.
//!
//! Some servers and the gateways in front of them quote the headers of a request in their errors. Those errors may be for
//! the client, who must not learn whose money it is.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderValue;
use memchr::memmem;

/// What stands in a credential's place, as in all that the program prints.
const MASK: &[u8] = b"***";
/// Shortest value that is looked for. Keys are longer; half of it and an operator's header such as `eu-west` would be taken
/// out of ordinary words, twice of it and the key of a small server would be told.
const SHORTEST: usize = 8;

/// `said` without `value`, the value of a header; of a bearer, without its token. The same bytes where it is not quoted.
pub(super) fn discreet(said: Bytes, value: &HeaderValue) -> Bytes {
    let value = value.as_bytes();
    let secret = value.strip_prefix(b"Bearer ").unwrap_or(value);
    without(said, secret)
}

/// `said` without `secret`, be it written as it is or with the escapes that JSON allows for it, or cut off at the end.
pub(super) fn without(said: Bytes, secret: &[u8]) -> Bytes {
    if secret.len() < SHORTEST {
        return said;
    }
    let said = without_cut(replaced(said, secret), secret);
    match escaped(secret) {
        Cow::Borrowed(_) => said,
        Cow::Owned(escaped) => replaced(said, &escaped),
    }
}

/// `said` without the beginning of `secret` that it ends with: messages are shortened, some within a credential.
fn without_cut(said: Bytes, secret: &[u8]) -> Bytes {
    let cut = (SHORTEST..secret.len()).rev();
    let mut cut = cut.filter_map(|length| said.strip_suffix(secret.get(..length)?));
    match cut.next() {
        Some(before) => [before, MASK].concat().into(),
        None => said,
    }
}

fn replaced(said: Bytes, secret: &[u8]) -> Bytes {
    let places: Vec<usize> = memmem::find_iter(&said, secret).collect();
    if places.is_empty() {
        return said;
    }
    let (mut out, mut from) = (Vec::with_capacity(said.len()), 0);
    for at in places {
        out.extend_from_slice(said.get(from..at).unwrap_or_default());
        out.extend_from_slice(MASK);
        from = at + secret.len();
    }
    out.extend_from_slice(said.get(from..).unwrap_or_default());
    out.into()
}

/// `secret` as a JSON text has it whose writer escapes slashes too, as PHP's does.
fn escaped(secret: &[u8]) -> Cow<'_, [u8]> {
    let is_escaped = |byte: &u8| matches!(byte, b'/' | b'"' | b'\\');
    if !secret.iter().any(is_escaped) {
        return Cow::Borrowed(secret);
    }
    let mut out = Vec::with_capacity(secret.len() + 4);
    for byte in secret {
        if is_escaped(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(said: &str, value: &'static str) -> String {
        let out = discreet(
            Bytes::copy_from_slice(said.as_bytes()),
            &HeaderValue::from_static(value),
        );
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn a_quoted_credential_is_masked_wherever_it_stands() {
        let said = r#"{"got":"Bearer sk-secret-key","again":"sk-secret-keysk-secret-key"}"#;
        let expected = r#"{"got":"Bearer ***","again":"******"}"#;
        assert_eq!(told(said, "Bearer sk-secret-key"), expected);
        assert_eq!(told("it was sk-secret-key", "sk-secret-key"), "it was ***");
    }

    #[test]
    fn a_credential_with_escapes_in_it_is_masked_too() {
        let value = r#"Bearer abc/def"g\hij"#;
        assert_eq!(told(r#"{"m":"abc\/def\"g\\hij"}"#, value), r#"{"m":"***"}"#);
        assert_eq!(told(r#"abc/def"g\hij"#, value), "***");
    }

    #[test]
    fn a_credential_that_was_cut_off_is_masked_too() {
        let value = "Bearer sk-secret-key";
        assert_eq!(told("it was sk-secret-ke", value), "it was ***");
        assert_eq!(told("it was sk-secre", value), "it was ***");
        assert_eq!(told("it was sk-secre, no", value), "it was sk-secre, no");
    }

    #[test]
    fn what_quotes_nothing_is_the_same_bytes_and_short_words_stay() {
        let said = Bytes::from_static(b"no such model");
        let out = discreet(
            said.clone(),
            &HeaderValue::from_static("Bearer sk-secret-key"),
        );
        assert_eq!(out.as_ptr(), said.as_ptr());
        assert_eq!(told("the model of eu", "model"), "the model of eu");
    }
}
