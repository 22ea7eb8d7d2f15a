//! `headers` of a provider: what a gateway or an account asks for in each request. Values are taken for credentials.

use super::Secret;
use super::field::Field;
use super::mask::looks_secret;
use super::settings::OWN_HEADERS;

/// Headers that are ours to write, beside [`OWN_HEADERS`]: those of framing and of what an answer may look like.
const OURS: &[&str] = &[
    "accept",
    "content-encoding",
    "content-language",
    "content-range",
    "http2-settings",
    "proxy-authenticate",
    "proxy-connection",
    "user-agent",
];
/// Headers that hold credentials, which have a key of their own.
const CREDENTIALS: &[&str] = &["api-key", "authorization", "x-api-key", "x-goog-api-key"];
/// A header that clients send to us may hold theirs; one that the operator writes down holds the operator's.
const ALLOWED: &[&str] = &["cookie"];
/// Headers whose values are an API's own public words: its versions, its features by name, languages. Providers name them in
/// their refusals, which nobody understands without. All others are taken to hold what must not be told.
const PUBLIC: &[&str] = &[
    "accept-language",
    "anthropic-beta",
    "anthropic-version",
    "openai-beta",
];
/// Most headers of one provider, and most bytes of a value.
const MOST: usize = 32;
const LONGEST: usize = 4096;
/// Values from this length on are looked for in everything that is printed; shorter ones are words that stand anywhere.
const TELLING: usize = 8;

/// The headers of `headers = { … }` and those that the keys of `accounts` stand for, by their names in lower case.
pub(super) fn headers(
    field: Option<&Field<'_>>,
    accounts: &[(&'static str, Field<'_>)],
) -> Option<Vec<(String, Secret)>> {
    let mut headers: Vec<(String, Secret)> = Vec::new();
    let mut whole = Some(());
    let written = match field {
        Some(field) => field.section()?.entries().collect(),
        None => Vec::new(),
    };
    if let Some(field) = field.filter(|_| written.len() > MOST) {
        let found = written.len();
        field.problem(
            format!("expected at most {MOST} headers, found {found}"),
            "",
        );
        return None;
    }
    let written = written
        .into_iter()
        .map(|(name, field)| (checked(name, &field), field));
    let accounts = accounts.iter();
    let accounts = accounts.map(|(name, field)| (Some((*name).to_owned()), field.clone()));
    for (name, field) in written.chain(accounts) {
        let value = value(name.as_deref(), &field);
        let (Some(name), Some(value)) = (name, value) else {
            whole = None;
            continue;
        };
        if headers.iter().any(|(other, _)| *other == name) {
            field.problem(format!("the header {name} stands twice"), "remove one");
            whole = None;
        } else {
            headers.push((name, value));
        }
    }
    whole.map(|()| headers)
}

/// The name in lower case, if it is one that may be set.
fn checked(name: &str, field: &Field<'_>) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let name = name.as_str();
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        field.problem("expected the name of a header", "");
        return None;
    }
    let own = OWN_HEADERS.contains(&name) && !ALLOWED.contains(&name);
    if own || OURS.contains(&name) {
        let hint = if CREDENTIALS.contains(&name) {
            "write api_key: it becomes the header that this kind of provider wants"
        } else {
            "it is written anew for each attempt"
        };
        field.problem(format!("{name} is not for you to set"), hint);
        return None;
    }
    Some(name.to_owned())
}

/// Whether a header of this name with this value may be told: a version or a feature of an API, and no key in its place.
pub fn is_public_header(name: &str, value: &str) -> bool {
    PUBLIC.contains(&name) && !looks_secret(value)
}

/// The value, which no message repeats.
pub(super) fn value(name: Option<&str>, field: &Field<'_>) -> Option<Secret> {
    let text = field.str()?;
    let is_public = name.is_some_and(|name| is_public_header(name, text));
    if text.len() >= TELLING && !is_public {
        field.sink.keep_secret(text);
    }
    let visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    let fits = !text.is_empty() && text.len() <= LONGEST && text.trim() == text;
    if fits && text.bytes().all(visible) {
        return Some(Secret::new(text.to_owned()));
    }
    field.problem(
        format!("expected one line of visible ASCII characters, at most {LONGEST} bytes"),
        "check for a second line or a space around it",
    );
    None
}
