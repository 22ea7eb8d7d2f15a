//! Who comes in: client keys, where the configuration has some, and whom a request's cost is put down to.
//!
//! A key stands in `Authorization: Bearer`, `x-api-key` or `api-key`, as the official clients send it. It never travels on:
//! what goes to a target is written anew.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use super::question::Question;
use super::reply::Reject;
use crate::config::is_word;
use crate::limit::AtLimit;
use crate::live::{Client, Holder, Rate, Snapshot, Tags};
use crate::model::{RouteName, Time, minute_of};
use crate::wire::Code;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_KEY: HeaderName = HeaderName::from_static("api-key");
const TAGS: HeaderName = HeaderName::from_static("x-weighbridge-tags");

/// The holder of the request's key; `None` where nobody needs one.
///
/// # Errors
/// There is no key, or one that is not accepted.
pub(super) fn holder(
    snapshot: &Snapshot,
    headers: &HeaderMap,
    now: Time,
) -> Result<Option<Arc<Client>>, Reject> {
    if !snapshot.clients.asks() {
        return Ok(None);
    }
    let refused = |message: &str| Reject::new(Code::InvalidApiKey, message).final_word();
    let Some(key) = presented(headers) else {
        return Err(refused(
            "expected a key: Authorization: Bearer KEY, x-api-key or api-key",
        ));
    };
    let client = match snapshot.clients.holder(key) {
        Holder::Known(client) => client,
        Holder::Revoked => return Err(refused("this key was revoked")),
        Holder::Unknown if snapshot.clients.missing().is_some() => {
            return Err(refused(
                "this key is not known here; some keys of this gateway cannot be read now, and it may be one of them",
            ));
        }
        Holder::Unknown => return Err(refused("this key is not known here")),
    };
    if client.has_expired(now) {
        return Err(refused("this key has expired"));
    }
    if let Some(ended) = client.was_over(now) {
        if client.was_refused(now) {
            tracing::warn!(key = %client.key.name, "a secret that another took the place of still comes, and is refused");
        }
        return Err(refused(&format!(
            "this key was replaced by a new one, and was accepted until {}",
            minute_of(ended)
        )));
    }
    client.was_used(now);
    Ok(Some(Arc::clone(client)))
}

/// The key that a request brings.
fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let (scheme, key) = value.as_bytes().split_at_checked("Bearer ".len())?;
        return scheme.eq_ignore_ascii_case(b"Bearer ").then_some(key);
    }
    let value = headers.get(X_API_KEY).or_else(|| headers.get(API_KEY))?;
    Some(value.as_bytes())
}

/// Lets a request of `client` in for what it asks, and takes it out of what is left of its rates.
///
/// # Errors
/// It may not ask for that, or not now.
pub(super) fn admit(client: &Client, question: &Question, now: Time) -> Result<(), Reject> {
    may_ask(client, question)?;
    if let Some(allowance) = &client.budget
        && let Some((window, until)) = allowance.spent_until(AtLimit::Refuse, now)
    {
        let message = if until < window.ends(now) {
            "the budget of this key is used up as far as this replica may spend it; more may be there in a second".to_owned()
        } else {
            let (window, anew) = (window.label(), minute_of(until));
            format!("this {window}'s budget of this key is spent and begins anew at {anew}")
        };
        let reject = Reject::new(Code::BudgetExceeded, message);
        return Err(reject.retry_after(Some(until.since(now))).final_word());
    }
    client.enter(now).map_err(|(rate, wait)| {
        let what = match rate {
            Rate::Requests(most) => format!("{most} requests"),
            Rate::Tokens(most) => format!("{most} tokens"),
        };
        let message = format!("this key may have {what} a minute");
        Reject::new(Code::RateLimitExceeded, message).retry_after(Some(wait))
    })
}

/// Whether the key may ask for these routes; targets by name, and lists of them, only where it may ask for everything.
fn may_ask(client: &Client, question: &Question) -> Result<(), Reject> {
    let Some(routes) = &client.key.routes else {
        return Ok(());
    };
    let envelope = &question.envelope;
    let extension = &envelope.extension;
    let refused = |what: String| {
        let message = format!("this key may not ask for {what}");
        Err(Reject::new(Code::PermissionDenied, message).final_word())
    };
    if extension.list.is_some() || question.named_provider().is_some() {
        return refused("targets of its own choice".to_owned());
    }
    let named = std::iter::once(&envelope.model).chain(&extension.fallbacks);
    let is_allowed = |name: &str| routes.iter().any(|route| RouteName::as_str(route) == name);
    for name in named {
        if !is_allowed(name) {
            let shown: String = name.chars().take(100).collect();
            return refused(format!("{shown:?}"));
        }
    }
    Ok(())
}

/// The names of tags, in the order of [`places`].
const NAMES: [&str; 3] = ["team", "feature", "user"];

fn places(tags: &mut Tags) -> [&mut Option<Arc<str>>; 3] {
    [&mut tags.team, &mut tags.feature, &mut tags.user]
}

/// Whom the request's cost is put down to: as its key says, else as its header does, `team=a,feature=b,user=c`.
pub(super) fn tags(
    client: Option<&Client>,
    headers: &HeaderMap,
    warnings: &mut Vec<String>,
) -> Option<Arc<Tags>> {
    let own = client.and_then(|client| client.tags.as_ref());
    let said = headers.get(TAGS).and_then(|value| value.to_str().ok());
    let Some(said) = said else {
        return own.cloned();
    };
    let values = NAMES.map(|name| {
        let pairs = said.split(',').filter_map(|pair| pair.split_once('='));
        let mut pairs = pairs.filter(|(said, _)| said.trim() == name);
        pairs.next().map(|(_, value)| value.trim().to_owned())
    });
    with_tags(own, values, TAGS.as_str(), warnings)
}

/// The same with what the request's `metadata` says, where neither key nor header says anything.
pub(super) fn tags_of_metadata(
    tags: Option<Arc<Tags>>,
    question: &Question,
    warnings: &mut Vec<String>,
) -> Option<Arc<Tags>> {
    let values = question.envelope.metadata(&question.body, NAMES);
    if values.iter().all(Option::is_none) {
        return tags;
    }
    with_tags(tags.as_ref(), values, "metadata", warnings)
}

/// `tags` with these values where it has none: what an operator wrote down for the key is not the client's to change. One
/// that is fit for no column of the books is left out, which the answer says.
fn with_tags(
    tags: Option<&Arc<Tags>>,
    values: [Option<String>; 3],
    source: &str,
    warnings: &mut Vec<String>,
) -> Option<Arc<Tags>> {
    let mut tags = tags.map(|tags| Tags::clone(tags)).unwrap_or_default();
    for ((name, place), value) in NAMES.iter().zip(places(&mut tags)).zip(values) {
        match value {
            Some(value) if is_word(&value) => {
                place.get_or_insert_with(|| value.into());
            }
            Some(_) => warnings.push(format!(
                "{source}: {name} is not counted: expected 1 to 100 visible ASCII characters"
            )),
            None => {}
        }
    }
    (tags != Tags::default()).then(|| Arc::new(tags))
}

#[cfg(test)]
#[path = "entrance_tests.rs"]
mod tests;
