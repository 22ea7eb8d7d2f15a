//! `[cluster]`: the Redis or Valkey by which several replicas decide as one.

use super::credential::credential;
use super::field::Field;
use super::interpolate::Lookup;
use super::redis_url::{RedisKind, RedisUrl};
use super::{Cluster, Secret};

/// What keys in Redis begin with where nothing is said.
const NAMESPACE: &str = "weighbridge";
/// Longest name of a namespace or a replica: both stand in every key.
const LONGEST: usize = 64;
/// Variables that name a replica, the first that is set and will do: ours, and what Kubernetes and container engines set.
const NAMED_BY: [&str; 2] = ["WEIGHBRIDGE_REPLICA", "HOSTNAME"];

/// `[cluster]`.
pub(super) fn cluster(field: Option<Field<'_>>, lookup: &dyn Lookup) -> Option<Cluster> {
    let field = field?;
    let mut section = field.section()?;
    let url = section.field("url");
    let password = section.field("sentinel_password");
    let namespace = section.field("namespace");
    let replica = section.field("replica");
    section.finish(&["group", "interval"]);
    if !cfg!(feature = "redis") && cfg!(feature = "daemon") {
        field.problem(
            "this binary was built without the feature `redis`",
            "build it with `cargo build --release`, which has it, or remove the table",
        );
        return None;
    }
    let Some(url) = url else {
        let hint = "for example url = \"redis://user:${REDIS_PASSWORD}@redis:6379/0\"";
        field.missing("url", hint);
        return None;
    };
    let address = address(&url);
    let sentinel_password = sentinel_password(password.as_ref(), address.as_ref(), lookup);
    let namespace = namespace.map_or(Some(NAMESPACE.to_owned()), |field| name(&field));
    let replica = match replica {
        Some(field) => Some(name(&field)?),
        None => named_by_variable(lookup),
    };
    Some(Cluster {
        url: address?,
        sentinel_password,
        namespace: namespace?,
        replica,
    })
}

/// The address. Its password is shown nowhere from now on.
fn address(field: &Field<'_>) -> Option<RedisUrl> {
    let text = field.str()?;
    // As it is written, which may not be how it is sent; also where the rest cannot be read.
    let written = text.rsplit_once('@').and_then(|(before, _)| {
        let (_, login) = before.split_once("://")?;
        Some(
            login
                .split_once(':')
                .map_or(login, |(_, password)| password),
        )
    });
    if let Some(written) = written {
        field.sink.keep_secret(written);
    }
    match RedisUrl::new(text) {
        Ok(url) => {
            if let Some(password) = &url.password {
                field.sink.keep_secret(password.expose());
            }
            Some(url)
        }
        Err(error) => {
            let hint = "for example \"redis://user:${REDIS_PASSWORD}@redis:6379/0\"";
            field.problem(error.to_string(), hint);
            None
        }
    }
}

/// What the sentinels themselves are entered with.
fn sentinel_password(
    field: Option<&Field<'_>>,
    url: Option<&RedisUrl>,
    lookup: &dyn Lookup,
) -> Option<Secret> {
    let field = field?;
    if url.is_some_and(|url| !matches!(url.kind, RedisKind::Sentinel(_))) {
        field.conflict(
            "sentinel_password is for an address that begins with redis-sentinel://",
            "the password of the server itself stands in the url",
        );
        return None;
    }
    credential(field, lookup)
}

/// The name of a namespace or a replica.
fn name(field: &Field<'_>) -> Option<String> {
    let text = field.str()?;
    if is_name(text) {
        return Some(text.to_owned());
    }
    let what = format!("1 to {LONGEST} letters, digits, `.`, `_` or `-`");
    field.expected(&what, "it stands in every key");
    None
}

fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=LONGEST).contains(&text.len()) && text.chars().all(fits)
}

fn named_by_variable(lookup: &dyn Lookup) -> Option<String> {
    let value = |name: &&str| lookup.variable(name).ok().flatten();
    let mut names = NAMED_BY.iter().filter_map(value);
    names.find(|name| is_name(name))
}
