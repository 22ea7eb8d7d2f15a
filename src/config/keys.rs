//! `[keys.NAME]`: who may call, what they may, and whom their cost is put down to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::limit::quota::MOST_PER_MINUTE;
use crate::limit::{AtLimit, Budget};
use crate::model::{RouteName, Time, month_begins};

use super::Secret;
use super::budget::budget;
use super::credential::credential;
use super::field::Field;
use super::interpolate::Lookup;
use super::key_digest::digest_of;
use super::section::Section;
use super::tree::Value;
use super::world::World;

/// A client's key and what it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKey {
    /// Its name, in the books and in lists.
    pub name: Arc<str>,
    /// What tells whether a key is this one.
    pub held: Held,
    /// The routes that it may ask for; `None` for whatever there is.
    pub routes: Option<Vec<RouteName>>,
    /// Tags that every target of its requests must have.
    pub require: Vec<String>,
    /// Requests that it may send in a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens that its requests may take in a minute, prompts and answers together.
    pub tokens_per_minute: Option<u32>,
    /// What its requests may cost.
    pub budget: Option<Budget>,
    /// From when on it is not accepted any more.
    pub expires: Option<Time>,
    /// The team that its cost is put down to.
    pub team: Option<Arc<str>>,
    /// The feature of an application.
    pub feature: Option<Arc<str>>,
    /// The user of an application.
    pub user: Option<Arc<str>>,
}

/// What a key is told by.
#[derive(Clone, PartialEq, Eq)]
pub enum Held {
    /// Its SHA-256.
    Digest([u8; 32]),
    /// The key itself.
    Key(Secret),
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Shortest key that is taken: 16 characters of 64 are 96 bits, which nobody guesses.
const SHORTEST: usize = 16;
/// Longest name of a key or a tag.
const LONGEST: usize = 100;

/// All keys that could be read, by name.
pub(super) fn keys(
    section: Option<&Section<'_>>,
    world: &World<'_>,
    lookup: &dyn Lookup,
) -> BTreeMap<String, Arc<ClientKey>> {
    let mut keys: BTreeMap<String, Arc<ClientKey>> = BTreeMap::new();
    for (name, field) in section.into_iter().flat_map(Section::entries) {
        let Some(key) = key(name, &field, world, lookup) else {
            continue;
        };
        if let Some(other) = keys.values().find(|other| other.held == key.held) {
            let message = format!("the same key as {:?} holds", other.name);
            field.conflict(message, "each client needs one of its own");
            continue;
        }
        keys.insert(name.to_owned(), Arc::new(key));
    }
    keys
}

fn key(name: &str, field: &Field<'_>, world: &World<'_>, lookup: &dyn Lookup) -> Option<ClientKey> {
    let mut section = field.section()?;
    let _enabled = section.field("enabled").and_then(|field| field.boolean());
    let (hash, plain) = (section.field("hash"), section.field("key"));
    let routes = section.field("routes");
    let require = section.field("require");
    let rates = ["rpm", "tpm"].map(|key| section.field(key));
    let limited = section.field("budget");
    let expires = section.field("expires");
    let tags = ["team", "feature", "user"].map(|key| section.field(key));
    section.finish(&["max_in_flight", "models", "forbid", "hashes", "keys"]);
    let held = held(field, hash.as_ref(), plain.as_ref(), lookup);
    let [requests_per_minute, tokens_per_minute] =
        rates.map(|rate| rate.and_then(|field| field.whole(1..=MOST_PER_MINUTE)));
    let budget = limited.as_ref().and_then(|field| allowed(field));
    let [team, feature, user] = tags.map(|tag| tag.and_then(|field| word(&field)));
    if !is_word(name) {
        field.problem(
            "expected a name of at most 100 visible ASCII characters",
            "",
        );
        return None;
    }
    Some(ClientKey {
        name: name.into(),
        held: held?,
        routes: routes.map(|field| known_routes(&field, world)),
        require: require.map_or_else(Vec::new, |field| field.texts()),
        requests_per_minute,
        tokens_per_minute,
        budget,
        expires: match expires {
            Some(field) => Some(day_after(&field)?),
            None => None,
        },
        team,
        feature,
        user,
    })
}

/// The one of the two ways in which a key is written down.
fn held(
    key: &Field<'_>,
    hash: Option<&Field<'_>>,
    plain: Option<&Field<'_>>,
    lookup: &dyn Lookup,
) -> Option<Held> {
    match (hash, plain) {
        (Some(hash), None) => digest(hash).map(Held::Digest),
        (None, Some(plain)) => {
            let secret = credential(plain, lookup)?;
            if secret.expose().len() < SHORTEST {
                plain.problem(
                    format!("expected a key of at least {SHORTEST} characters"),
                    "`weighbridge keys new NAME` makes one",
                );
                return None;
            }
            Some(Held::Key(secret))
        }
        (None, None) | (Some(_), Some(_)) => {
            key.conflict(
                "expected either hash or key",
                "`weighbridge keys new NAME` makes a key and prints its hash",
            );
            None
        }
    }
}

/// `sha256:` and 64 hexadecimal digits. No message repeats it.
fn digest(field: &Field<'_>) -> Option<[u8; 32]> {
    let text = field.str()?;
    field.sink.keep_secret(text);
    let digest = digest_of(text);
    if digest.is_none() {
        field.problem(
            "expected \"sha256:\" and 64 hexadecimal digits",
            "`weighbridge keys new NAME` prints it",
        );
    }
    digest
}

/// A budget; requests of a key cannot go elsewhere.
fn allowed(field: &Field<'_>) -> Option<Budget> {
    let budget = budget(field)?;
    if budget.at_limit() == AtLimit::Avoid {
        let message =
            "at_limit = \"avoid\" is for targets: requests of a key have nowhere else to go";
        field.problem(message, "write \"refuse\" or \"alert\"");
        return None;
    }
    Some(budget)
}

fn known_routes(field: &Field<'_>, world: &World<'_>) -> Vec<RouteName> {
    let mut routes = Vec::new();
    for item in field.items() {
        let Some(text) = item.str() else { continue };
        match RouteName::new(text) {
            Ok(name) if world.route_names.contains(text) || world.sink.is_full() => {
                routes.push(name);
            }
            Ok(_) => item.conflict(format!("there is no route {}", item.found()), ""),
            Err(error) => item.problem(error.to_string(), "a route's name"),
        }
    }
    routes
}

/// The end of a day such as 2026-12-31, by UTC.
fn day_after(field: &Field<'_>) -> Option<Time> {
    let text = match &field.node.value {
        Value::Date(text) => text.as_str(),
        Value::Text(text) => text.full.as_str(),
        Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::List(_) | Value::Table(_) => {
            ""
        }
    };
    let end = day_ends(text);
    if end.is_some() {
        return end;
    }
    field.expected(
        "a day such as 2026-12-31",
        "it is accepted to the end of that day, UTC",
    );
    None
}

/// The end of the day that `text` names, by UTC; `None` if it names none since 1970.
pub(super) fn day_ends(text: &str) -> Option<Time> {
    let mut parts = text.splitn(3, '-').map(str::parse::<u64>);
    if let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) =
        (parts.next(), parts.next(), parts.next())
        && crate::catalogue::is_day(text)
        && year >= 1970
    {
        let end = std::time::Duration::from_secs(86_400 * day);
        return Some(month_begins(year, month).after(end));
    }
    None
}

fn word(field: &Field<'_>) -> Option<Arc<str>> {
    let text = field.str()?;
    if is_word(text) {
        return Some(text.into());
    }
    field.expected("at most 100 visible ASCII characters", "");
    None
}

/// Whether a text is fit for the books and for headers.
pub fn is_word(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
