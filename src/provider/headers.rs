//! Which headers pass, in either direction: lists of what may, never of what may not.
//!
//! Forwarding everything but a few leaks the client's key to a provider, the provider's cookies to the client, and lets a
//! hop-by-hop header rewrite the framing of a connection that it does not belong to.

use http::header::{self, HeaderMap, HeaderName};

/// What our name for a provider's own request id is.
pub const UPSTREAM_REQUEST_ID: HeaderName =
    HeaderName::from_static("x-weighbridge-upstream-request-id");

/// Request headers of these families that pass only if the operator lists them: they say on whose account a request goes,
/// and a foreign one makes the operator's credential fail for everybody.
/// Source: <https://platform.openai.com/docs/api-reference/authentication>, 2026-11-24.
const ACCOUNTS: [&str; 2] = ["openai-organization", "openai-project"];

/// Families of request headers that every provider may see. `anthropic-beta` and `anthropic-version` matter to coding
/// agents.
const REQUEST_FAMILIES: [&str; 2] = ["openai-", "anthropic-"];

/// Single request headers that every provider may see.
const REQUEST_NAMES: [&str; 3] = ["traceparent", "tracestate", "idempotency-key"];

/// Families of answer headers that the client may see.
const ANSWER_FAMILIES: [&str; 3] = ["openai-", "anthropic-", "x-ratelimit-"];

/// Single answer headers that the client may see. An encoding is told, or the bytes would mean nothing.
const ANSWER_NAMES: [&str; 5] = [
    "content-type",
    "content-encoding",
    "content-language",
    "retry-after",
    "retry-after-ms",
];

/// Headers that belong to one connection, frame a message, or are set here: they never pass, whoever lists them.
/// (Source: <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1>.)
const NEVER: [&str; 17] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// The client's headers that a provider may see: the families and names above but for the accounts, and the operator's `also` (in lower case).
pub fn forwarded(client: &HeaderMap, also: &[String]) -> HeaderMap {
    let listed = |name: &str| {
        (is_among(name, &REQUEST_FAMILIES, &REQUEST_NAMES) && !ACCOUNTS.contains(&name))
            || also.iter().any(|other| other == name)
    };
    let passes = |name: &str| listed(name) && !NEVER.contains(&name) && !is_nominated(client, name);
    selected(client, passes, REQUESTS)
}

/// The provider's headers that the client may see; its request id comes under a name of ours.
pub fn returned(upstream: &HeaderMap) -> HeaderMap {
    let passes = |name: &str| {
        is_among(name, &ANSWER_FAMILIES, &ANSWER_NAMES) && !is_nominated(upstream, name)
    };
    let mut headers = selected(upstream, passes, ANSWERS);
    let id = ["x-request-id", "request-id"]
        .iter()
        .find_map(|name| upstream.get(*name));
    if let Some(id) = id {
        headers.insert(UPSTREAM_REQUEST_ID, id.clone());
    }
    headers
}

/// Headers that a request to a provider, and an answer to a client, usually come to: so that their maps need not grow.
const REQUESTS: usize = 10;
const ANSWERS: usize = 20;

/// Those of `all` that pass, with room for as many as there will be in the end.
fn selected(all: &HeaderMap, passes: impl Fn(&str) -> bool, usual: usize) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(usual);
    for (name, value) in all {
        if passes(name.as_str()) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers
}

fn is_among(name: &str, families: &[&str], names: &[&str]) -> bool {
    names.contains(&name) || families.iter().any(|family| name.starts_with(family))
}

/// Whether `Connection` names the header, which makes it hop-by-hop.
fn is_nominated(headers: &HeaderMap, name: &str) -> bool {
    let lists = headers.get_all(header::CONNECTION).iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|nominated| nominated.trim().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, http::HeaderValue::from_static(value))
        });
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn of_a_request_only_what_is_listed_passes() {
        let client = map(&[
            ("authorization", "Bearer client"),
            ("cookie", "a=b"),
            ("x-api-key", "client"),
            ("host", "proxy"),
            ("content-length", "7"),
            ("transfer-encoding", "chunked"),
            ("x-stainless-lang", "python"),
            ("x-forwarded-for", "10.0.0.1"),
            ("openai-beta", "a"),
            ("openai-beta", "b"),
            ("anthropic-version", "2023-06-01"),
            ("traceparent", "00-1-2-01"),
            ("idempotency-key", "k"),
            ("x-team", "red"),
        ]);
        let passed = forwarded(&client, &["x-team".to_owned()]);
        assert_eq!(
            names(&passed),
            [
                "anthropic-version",
                "idempotency-key",
                "openai-beta",
                "traceparent",
                "x-team"
            ]
        );
        assert_eq!(
            passed.get_all("openai-beta").iter().count(),
            2,
            "both values pass"
        );
    }

    #[test]
    fn a_client_does_not_choose_whose_account_is_charged_unless_the_operator_says_so() {
        let client = map(&[("openai-organization", "org-x"), ("openai-project", "p")]);
        assert_eq!(names(&forwarded(&client, &[])), [""; 0]);
        let listed = forwarded(&client, &["openai-project".to_owned()]);
        assert_eq!(names(&listed), ["openai-project"]);
    }

    #[test]
    fn no_list_lets_a_hop_by_hop_header_pass() {
        let client = map(&[
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("host", "x"),
            ("openai-beta", "x"),
            ("connection", "close, OpenAI-Beta"),
        ]);
        let all = ["te", "upgrade", "host", "connection"].map(str::to_owned);
        assert_eq!(names(&forwarded(&client, &all)), [""; 0]);
    }

    #[test]
    fn of_an_answer_cookies_and_framing_stay_behind() {
        let upstream = map(&[
            ("content-type", "text/event-stream"),
            ("content-length", "7"),
            ("transfer-encoding", "chunked"),
            ("set-cookie", "__cf_bm=1"),
            ("server", "cloudflare"),
            ("x-should-retry", "true"),
            ("x-request-id", "req_1"),
            ("openai-processing-ms", "12"),
            ("x-ratelimit-remaining-tokens", "9"),
            ("retry-after", "1"),
        ]);
        let passed = returned(&upstream);
        assert_eq!(
            names(&passed),
            [
                "content-type",
                "openai-processing-ms",
                "retry-after",
                "x-ratelimit-remaining-tokens",
                "x-weighbridge-upstream-request-id",
            ]
        );
    }
}
