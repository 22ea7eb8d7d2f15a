//! What a replica tells the others.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::cells::Cells;
use super::evidence::Evidence;
use crate::balance::Headroom;
use crate::balance::gate::Cause;
use crate::model::{LONGEST_WAIT, RouteName, TargetName, Time, UpstreamName};

/// Longest name of a replica, in characters: it becomes a part of keys and a label.
const LONGEST_ID: usize = 64;
/// Most upstreams of a report, and most routes and quota groups: whoever can write to the engine can name a third of a million
/// in what a report may have in bytes, each of which takes a kilobyte here. Halved, a replica of some thousand targets and as
/// many names that clients made up is not heard; doubled, a stranger's report takes sixteen megabytes.
pub(super) const MOST_NAMES: usize = 8_192;

/// The name of a replica: letters, digits, `.`, `_` and `-`, at most 64 of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ReplicaId(Arc<str>);

/// Why a text is no name of a replica.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {LONGEST_ID} letters, digits, '.', '_' or '-', found {0:?}")]
pub struct ReplicaIdError(String);

/// What one replica knows, from its own requests alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Whose it is.
    pub replica: ReplicaId,
    /// When the replica began to count, in microseconds since 1970. A replica that starts again counts from nothing, and must
    /// have a higher one than before, or its reports are taken for old ones.
    pub epoch: u64,
    /// The number of the report within its epoch: a later report has a higher one.
    pub sequence: u64,
    /// When it was made, by the clock of its replica.
    pub at: Time,
    /// The version of the program.
    #[serde(default)]
    pub version: String,
    /// A digest of the routes that its files make, without operators' orders: those that differ are being reloaded, or have
    /// other files.
    #[serde(default)]
    pub plan: u64,
    /// A digest of the orders that hold there, 0 of none: those that differ have not heard of the same ones.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub orders: u64,
    /// What it knows of upstreams. One that is not named here has done nothing, or is not in its plan any more.
    #[serde(default, deserialize_with = "few")]
    pub upstreams: BTreeMap<UpstreamName, UpstreamReport>,
    /// What it knows of routes.
    #[serde(default, deserialize_with = "few")]
    pub routes: BTreeMap<RouteName, RouteSums>,
    /// Until when quota groups are to be left alone, of those that are: they hold for upstreams that it has never asked, too.
    #[serde(
        default,
        deserialize_with = "few",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub groups: BTreeMap<String, Time>,
}

/// What a replica knows of one upstream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpstreamReport {
    /// What it measured since it began.
    #[serde(flatten)]
    pub evidence: Evidence,
    /// How it stands with it now.
    #[serde(rename = "now", skip_serializing_if = "Condition::is_usual")]
    pub condition: Condition,
}

/// How an upstream stands with a replica at the moment of the report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// It takes no ordinary traffic there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<Out>,
    /// The moment until which it is to be left alone. A moment and not a span: what is heard is told on, and spans would grow
    /// by the delay each time.
    #[serde(skip_serializing_if = "is_nothing")]
    pub blocked_until: Time,
    /// Requests in flight.
    #[serde(skip_serializing_if = "is_nothing")]
    pub in_flight: u32,
    /// Requests without content: streamed, unary.
    #[serde(skip_serializing_if = "is_nothing")]
    pub waiting: [Waiting; 2],
    /// What its provider said last is left of its limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headroom: Option<Headroom>,
}

/// Requests without content by age: how many are in each cell of [`crate::balance::cell_of`].
pub type Waiting = Cells;

/// An upstream that a replica sends nothing to but probes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Out {
    /// Why.
    pub cause: Cause,
    /// Whether a probe is under way.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub probing: bool,
}

/// What a replica counted of one route since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteSums {
    /// Requests that came.
    pub arrivals: u64,
    /// First picks, by target.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub picked: BTreeMap<TargetName, u64>,
    /// The shares in force, in parts per million.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub shares: BTreeMap<TargetName, u32>,
}

/// Reads a map, and refuses one of more than [`MOST_NAMES`] before it takes them.
fn few<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(Few(PhantomData))
}

struct Few<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for Few<K, V> {
    type Value = BTreeMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MOST_NAMES} names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut read = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry()? {
            read.insert(name, value);
            if read.len() > MOST_NAMES {
                return Err(A::Error::invalid_length(read.len(), &self));
            }
        }
        Ok(read)
    }
}

pub(super) fn is_nothing<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

// === impl ReplicaId ===

impl ReplicaId {
    /// Checks `text` and makes it a name.
    ///
    /// # Errors
    /// A text that is empty, too long, or has other characters.
    pub fn new(text: &str) -> Result<Self, ReplicaIdError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if text.is_empty() || text.len() > LONGEST_ID || !text.chars().all(fits) {
            return Err(ReplicaIdError(text.chars().take(2 * LONGEST_ID).collect()));
        }
        Ok(Self(text.into()))
    }

    /// The name of a replica that nobody gave one: `replica-` and this number in hexadecimal.
    pub fn numbered(number: u64) -> Self {
        Self(format!("replica-{number:016x}").into())
    }

    /// A number that stands for it where a name is too long: the first half of its FNV-1a digest.
    pub(super) fn number(&self) -> u32 {
        let digest = self
            .0
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
            });
        u32::try_from(digest >> 32).unwrap_or_default()
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ReplicaId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

// === impl Report ===

impl Report {
    /// What decides which of two reports of one replica is the newer one.
    pub const fn number(&self) -> (u64, u64) {
        (self.epoch, self.sequence)
    }

    /// Whose it is, its number and its time, and what is told in full each time.
    pub(super) fn head(&self) -> Self {
        Self {
            replica: self.replica.clone(),
            version: self.version.clone(),
            groups: self.groups.clone(),
            upstreams: BTreeMap::new(),
            routes: BTreeMap::new(),
            ..*self
        }
    }

    /// Until when it says at `now` that a quota group is to be left alone: no longer than anybody may ask for.
    pub fn group_until(&self, group: &str, now: Time) -> Option<Time> {
        let until = *self.groups.get(group)?;
        (until > now).then(|| until.min(now.after(LONGEST_WAIT)))
    }
}

// === impl Condition ===

impl Condition {
    /// Whether there is nothing to say.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_has_a_name_that_keys_and_labels_can_hold() {
        assert_eq!(ReplicaId::new("pod-3.eu_1").unwrap().as_str(), "pod-3.eu_1");
        for wrong in ["", "a b", "a:b", "{a}", "ä", &"a".repeat(65)] {
            assert!(ReplicaId::new(wrong).is_err(), "{wrong:?}");
        }
    }
}
