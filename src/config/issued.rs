//! Keys that were made, and keys that were revoked, while the daemon ran: what the books have of them.
//!
//! Problem: a leaked key must stop working now, also one of the files, and a new one must not wait for a review of the
//! files. Choice: a list by digest that lies over the files' keys. It adds keys and takes keys away; whether a key is asked
//! for at all, files say too, so that no lost book opens the door. What is revoked is a digest, not a name: once the files
//! have another key under the name, that one works, and the old one does not, whichever way it comes back.
//! How it fails: what cannot be read is not accepted, and is said.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Config;
use super::budget::KeyBudget;
use super::keys::{ClientKey, Held};
use super::rotation::Replaced;
use crate::model::{RouteName, Time};

/// What was done about a key: when, by whom, why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
pub struct Deed {
    /// When, in seconds since 1970.
    pub at: u64,
    /// By whom.
    pub by: String,
    /// Why; empty if nothing was said.
    pub reason: String,
}

/// What a key may, as it is kept. A field that this version does not know may be a limit, so it is not passed over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rights {
    pub(super) routes: Option<Vec<RouteName>>,
    pub(super) require: Vec<String>,
    pub(super) requests_per_minute: Option<u32>,
    pub(super) tokens_per_minute: Option<u32>,
    pub(super) budget: Option<KeyBudget>,
    /// Seconds since 1970.
    pub(super) expires: Option<u64>,
    pub(super) team: Option<String>,
    pub(super) feature: Option<String>,
    pub(super) user: Option<String>,
}

/// A key that was made here.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// What it may.
    pub key: Arc<ClientKey>,
    /// The same as it is kept.
    pub rights: Rights,
    /// Who made it.
    pub deed: Deed,
}

/// A secret that was made here, or one of the files that was revoked or replaced here.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    /// The name of its key.
    pub name: Arc<str>,
    /// How it was made, with rights of its own; `None` for one of the files, and for one that has the rights that the files
    /// give to its name.
    pub made: Option<Made>,
    /// How it took the place of another secret of its key, if it did.
    pub rotated: Option<Deed>,
    /// How another took its place, if one did.
    pub replaced: Option<Replaced>,
    /// How it was revoked, if it was.
    pub revoked: Option<Deed>,
}

/// All of them. What prints it prints none.
#[derive(Clone, Default, PartialEq)]
pub struct Issued {
    /// By what each is told by.
    pub all: BTreeMap<[u8; 32], Arc<Issue>>,
    /// Why some may be missing, in words.
    pub missing: Option<String>,
    /// Whether they are missing because the books could not be read yet.
    pub unread: bool,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("keys", &self.all.len())
            .field("missing", &self.missing)
            .finish_non_exhaustive()
    }
}

impl Rights {
    /// The key that has them; `None` if one of them makes no sense.
    pub fn key(&self, name: &str, digest: [u8; 32]) -> Option<ClientKey> {
        let text = |text: &Option<String>| text.as_deref().map(Arc::from);
        Some(ClientKey {
            name: name.into(),
            held: Held::Digest(digest),
            routes: self.routes.clone(),
            require: self.require.clone(),
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
            budget: match &self.budget {
                Some(budget) => Some(budget.checked().ok()?),
                None => None,
            },
            expires: self
                .expires
                .map(|seconds| Time::from_micros(seconds.saturating_mul(1_000_000))),
            team: text(&self.team),
            feature: text(&self.feature),
            user: text(&self.user),
        })
    }
}

/// An [`Issue`] as the books have it, beside its name and its digest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    made: Option<(Rights, Deed)>,
    // A program that does not know these refuses the secret, rather than to accept it for longer than it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotated: Option<Deed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced: Option<Replaced>,
    revoked: Option<Deed>,
}

impl Issue {
    /// As the books have it.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let made = self.made.as_ref();
        serde_json::to_string(&Kept {
            made: made.map(|made| (made.rights.clone(), made.deed.clone())),
            rotated: self.rotated.clone(),
            replaced: self.replaced.clone(),
            revoked: self.revoked.clone(),
        })
    }

    /// From the books.
    ///
    /// # Errors
    /// This version cannot read it.
    pub fn from_json(name: &str, digest: [u8; 32], json: &str) -> Result<Self, String> {
        let kept: Kept = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let made = match kept.made {
            Some((rights, deed)) => {
                let key = rights.key(name, digest).ok_or("its budget is none")?;
                let key = Arc::new(key);
                Some(Made { key, rights, deed })
            }
            None => None,
        };
        Ok(Self {
            name: name.into(),
            made,
            rotated: kept.rotated,
            replaced: kept.replaced,
            revoked: kept.revoked,
        })
    }

    /// When this secret was made, if that was done here.
    pub fn since(&self) -> Option<Time> {
        let made = self.made.as_ref().map(|made| &made.deed);
        let deed = self.rotated.as_ref().or(made)?;
        Some(Time::from_micros(deed.at.saturating_mul(1_000_000)))
    }

    /// Whether it is accepted beside the secret in its place, now (seconds since 1970).
    pub fn is_beside(&self, now: u64) -> bool {
        let replaced = self.replaced.as_ref().filter(|_| self.revoked.is_none());
        replaced.is_some_and(|replaced| now < replaced.until)
    }

    /// The key, if it was made here and this is the secret that it has now and is accepted.
    pub fn accepted(&self) -> Option<&Arc<ClientKey>> {
        let is_current = self.revoked.is_none() && self.replaced.is_none();
        let made = self.made.as_ref().filter(|_| is_current)?;
        Some(&made.key)
    }
}

impl Issued {
    /// Keys that were made here and are not revoked.
    pub fn accepted(&self) -> impl Iterator<Item = &Arc<ClientKey>> {
        self.all.values().filter_map(|issue| issue.accepted())
    }

    /// The one of this name that was made here and is not revoked.
    pub fn named(&self, name: &str) -> Option<(&[u8; 32], &Arc<Issue>)> {
        let mut all = self.all.iter();
        all.find(|(_, issue)| &*issue.name == name && issue.accepted().is_some())
    }

    /// The one of this name that was made here and revoked last.
    pub fn last_revoked(&self, name: &str) -> Option<(&[u8; 32], &Arc<Issue>)> {
        let all = self.all.iter().filter(|(_, issue)| &*issue.name == name);
        let at = |issue: &Issue| issue.revoked.as_ref().map(|deed| deed.at);
        let revoked = all.filter(|(_, issue)| {
            issue.revoked.is_some() && issue.made.is_some() && issue.replaced.is_none()
        });
        revoked.max_by_key(|(_, issue)| at(issue))
    }

    /// What is known of a secret of this key, so that something can be added to it.
    pub fn known_as(&self, digest: &[u8; 32], name: &str) -> Issue {
        let known = self.all.get(digest).map(|issue| Issue::clone(issue));
        known.unwrap_or_else(|| Issue {
            name: name.into(),
            made: None,
            rotated: None,
            replaced: None,
            revoked: None,
        })
    }

    /// Whether the key that is told by this was revoked.
    pub fn is_revoked(&self, digest: &[u8; 32]) -> bool {
        self.revocation(digest).is_some()
    }

    /// How the key that is told by this was revoked, if it was.
    pub fn revocation(&self, digest: &[u8; 32]) -> Option<&Deed> {
        self.all.get(digest)?.revoked.as_ref()
    }
}

impl Config {
    /// Whether the files ask for a key.
    pub fn asks_for_keys(&self) -> bool {
        self.server.require_key == Some(true) || !self.keys.is_empty()
    }

    /// Keys by what they may: the files', then those that were made here under names that no file has.
    pub fn clients(&self) -> impl Iterator<Item = &Arc<ClientKey>> {
        let made = self.issued.accepted();
        let made = made.filter(|key| !self.keys.contains_key(&*key.name));
        self.keys.values().chain(made)
    }
}
