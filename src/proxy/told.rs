//! What the headers of an answer tell of it: what it cost, and what its target did not hear.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::live::Account;

const TOKENS_INPUT: HeaderName = HeaderName::from_static("x-weighbridge-tokens-input");
const TOKENS_OUTPUT: HeaderName = HeaderName::from_static("x-weighbridge-tokens-output");
/// Says that figures of an answer were worked out here.
pub(super) const ESTIMATED: HeaderName = HeaderName::from_static("x-weighbridge-estimated");
const COST: HeaderName = HeaderName::from_static("x-weighbridge-cost-usd");
const DROPPED: HeaderName = HeaderName::from_static("x-weighbridge-dropped");
/// Most names in that header.
const MOST_DROPPED: usize = 32;

/// What the answer cost, for clients that book it themselves.
pub(super) fn tell_account(headers: &mut HeaderMap, account: &Account) {
    if let Some(tokens) = account.tokens {
        headers.insert(TOKENS_INPUT, HeaderValue::from(tokens.input));
        headers.insert(TOKENS_OUTPUT, HeaderValue::from(tokens.output));
    }
    if account.estimated {
        headers.insert(ESTIMATED, HeaderValue::from_static("true"));
    }
    let cost = account.cost.map(|cost| HeaderValue::try_from(cost.exact()));
    if let Some(Ok(cost)) = cost {
        headers.insert(COST, cost);
    }
}

/// What the target did not hear of the client's request.
pub(super) fn tell_dropped(headers: &mut HeaderMap, dropped: &[String]) {
    if dropped.is_empty() {
        return;
    }
    let mut names: Vec<&str> = dropped.iter().map(String::as_str).collect();
    names.dedup();
    names.truncate(MOST_DROPPED);
    if let Ok(value) = HeaderValue::try_from(names.join(", ")) {
        headers.insert(DROPPED, value);
    }
}
