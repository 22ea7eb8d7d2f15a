//! Replicas of different schemas at one engine.
//!
//! The schema is part of every key, so replicas of another one are never misread: they are another fleet. That two fleets
//! share one engine and one namespace is what an upgrade looks like for some minutes, and a mistake if it lasts; so each
//! schema notes in one key that all of them know when it was last there, and who finds another one there says so.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::Pipeline;

use super::keys::{Keys, SCHEMA};
use super::talk::millis_of;
use crate::model::Time;

/// A schema that was not there for this long is gone: it is noted once a minute.
const GONE: Duration = Duration::from_secs(150);
/// How long the note is kept.
const LIFE: Duration = Duration::from_secs(86_400);

/// The schemas that were found.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    /// Others that were told of, with the version that wrote each last.
    told: BTreeMap<u32, String>,
}

impl Schemas {
    /// Asks which there are.
    pub(super) fn ask(pipe: &mut Pipeline, keys: &Keys) {
        pipe.hgetall(keys.schemas());
    }

    /// Notes that this one is there.
    pub(super) fn say(pipe: &mut Pipeline, keys: &Keys, now: Time) {
        let seen = format!("{} {}", now.as_micros() / 1_000, env!("CARGO_PKG_VERSION"));
        pipe.hset(keys.schemas(), SCHEMA, seen).ignore();
        let life = i64::try_from(millis_of(LIFE)).unwrap_or(i64::MAX);
        pipe.pexpire(keys.schemas(), life).ignore();
    }

    /// Takes the answer in; what is new is said.
    pub(super) fn hear(&mut self, found: &BTreeMap<String, String>, keys: &Keys, now: Time) {
        let others = others(found, now);
        for (schema, version) in &others {
            if !self.told.contains_key(schema) {
                tracing::warn!(
                    schema,
                    version,
                    own = SCHEMA,
                    keys = keys.schemas(),
                    "replicas of another schema share this engine and namespace: they and this one decide and spend without \
                     each other until all are of one version"
                );
            }
        }
        self.told = others;
    }
}

/// Schemas other than this one's that were there lately, with their versions. What cannot be read says nothing.
fn others(found: &BTreeMap<String, String>, now: Time) -> BTreeMap<u32, String> {
    let read = |(schema, seen): (&String, &String)| {
        let schema: u32 = schema.parse().ok()?;
        let (at, version) = seen.split_once(' ')?;
        let at = Time::from_micros(at.parse::<u64>().ok()?.saturating_mul(1_000));
        let shown = version.chars().filter(|c| !c.is_control());
        let version: String = shown.take(40).collect();
        (schema != SCHEMA && now.since(at) < GONE).then_some((schema, version))
    };
    found.iter().take(64).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_schema_counts_while_it_is_there() {
        let entry = |schema: &str, seen: &str| (schema.to_owned(), seen.to_owned());
        let found = [
            entry("1", "100000 0.1.0"),
            entry("2", "99000 0.9.0"),
            entry("3", "10 2.0.0"),
            entry("x", "99000 0.9.0"),
            entry("4", "rubbish"),
        ];
        let found = BTreeMap::from(found);
        let others = others(&found, Time::from_micros(160_000_000));
        let read: Vec<_> = others.iter().map(|(it, by)| (*it, by.as_str())).collect();
        assert_eq!(read, [(2, "0.9.0")]);
    }
}
