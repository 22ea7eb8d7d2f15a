//! Client keys: who holds one, and what each has left.
//!
//! A key is looked up by its SHA-256, so that no comparison tells a part of it, and compared once more in constant time.
//! What each has left of its rates, and when it was used last, is kept by name across reloads.
//! A key that was rotated has several secrets for a while: each is a [`Client`] of its own, over the same rates and budget.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use super::budgets::Budgets;
use super::client::{Client, LastUse, Rates, Used};
use super::map::Map;
use super::record::{RequestEnd, Tags};
use crate::config::{ClientKey, Config, Families, Held, Issued, Replaced, Secret, digest_text};
use crate::model::Time;

/// The SHA-256 of a key.
pub fn key_digest(key: &[u8]) -> [u8; 32] {
    let digest = digest(&SHA256, key);
    let mut bytes = [0; 32];
    for (byte, found) in bytes.iter_mut().zip(digest.as_ref()) {
        *byte = *found;
    }
    bytes
}

/// The digest by which a key of the configuration is known.
pub fn digest_of_client(key: &ClientKey) -> [u8; 32] {
    match &key.held {
        Held::Digest(digest) => *digest,
        Held::Key(secret) => key_digest(secret.expose().as_bytes()),
    }
}

/// Random bytes of a key: as many as its digest has.
const BYTES: usize = 32;

/// A key that nobody has, with its digest; `None` where the machine gives no random bytes.
pub fn new_key() -> Option<(Secret, [u8; 32])> {
    let mut bytes = [0_u8; BYTES];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    let key = digest_text(&bytes).replacen("sha256:", "wb-", 1);
    let digest = key_digest(key.as_bytes());
    Some((Secret::new(key), digest))
}

/// Who brings a key.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    /// Somebody who may come in, or could before.
    Known(&'a Arc<Client>),
    /// Somebody whose key was revoked.
    Revoked,
    /// Nobody who is known.
    Unknown,
}

/// The keys of a configuration, with those that were made and revoked since.
#[derive(Debug, Default)]
pub struct Clients {
    asks: bool,
    by_digest: Map<[u8; 32], Arc<Client>>,
    by_name: Map<Arc<str>, Arc<Client>>,
    /// When those that were made here and revoked were used last, by what each is told by.
    gone: Map<[u8; 32], Arc<Used>>,
    issued: Arc<Issued>,
}

/// A key that was made here was made to be asked for: files that say nothing of keys any more, by mistake perhaps, open no
/// door, nor does revoking the last one. Files that say so do.
fn still_asks(config: &Config, issued: &Issued) -> bool {
    let was_one_made = issued.all.values().any(|it| it.made.is_some());
    was_one_made && config.server.require_key != Some(false)
}

impl Clients {
    /// The keys of `config`; what is left of rates `before` is taken over by name.
    pub fn new(config: &Config, budgets: &Budgets, before: &Self) -> Self {
        let issued = Arc::clone(&config.issued);
        let mut clients = Self {
            asks: config.asks_for_keys() || still_asks(config, &issued),
            issued,
            ..Self::default()
        };
        let issued = Arc::clone(&clients.issued);
        let families = Families::of(&issued);
        for key in config.clients() {
            clients.add(key, budgets, before, &families);
        }
        let all = clients.issued.all.iter();
        let gone = all.filter(|(_, issue)| issue.made.is_some() && issue.revoked.is_some());
        clients.gone = gone
            .map(|(digest, _)| (*digest, before.used(digest).unwrap_or_default()))
            .collect();
        clients
    }

    /// Takes a key in, with all of its secrets.
    fn add(
        &mut self,
        key: &Arc<ClientKey>,
        budgets: &Budgets,
        before: &Self,
        families: &Families<'_>,
    ) {
        let known = before.by_name.get(&key.name);
        let tags = Tags {
            team: key.team.clone(),
            feature: key.feature.clone(),
            user: key.user.clone(),
        };
        let tags = (tags != Tags::default()).then(|| Arc::new(tags));
        let rates = known.map_or_else(
            || Arc::new(Rates::shared(Arc::clone(budgets.sharing()))),
            |known| Arc::clone(&known.rates),
        );
        let whole = families.whole(&digest_of_client(key));
        let was_rotated = whole.len() > 1;
        for (place, digest) in whole.into_iter().enumerate() {
            let is_current = place == 0;
            let used = match (before.used(&digest), known) {
                (Some(used), _) => used,
                (None, Some(_)) if is_current && was_rotated => Arc::new(Used::never()),
                (None, Some(known)) if is_current => Arc::clone(&known.used),
                (None, _) => Arc::default(),
            };
            let issue = self.issued.all.get(&digest);
            let replaced = issue.and_then(|issue| issue.replaced.as_ref());
            let client = Arc::new(Client {
                tags: tags.clone(),
                budget: budgets.key(&key.name).cloned(),
                digest,
                is_revoked: self.issued.is_revoked(&digest),
                since: issue.and_then(|issue| issue.since()),
                ends: replaced.map(Replaced::ends),
                rates: Arc::clone(&rates),
                used,
                key: Arc::clone(key),
            });
            // The files come first, and what they say holds.
            let entry = self.by_digest.entry(digest);
            entry.or_insert_with(|| Arc::clone(&client));
            if is_current {
                self.by_name.insert(Arc::clone(&key.name), client);
            }
        }
    }

    /// When the secret that is told by this was used last, revoked or not.
    fn used(&self, digest: &[u8; 32]) -> Option<Arc<Used>> {
        let known = self.by_digest.get(digest).map(|client| &client.used);
        known.or_else(|| self.gone.get(digest)).cloned()
    }

    /// When the secret that is told by this came last, also one that was revoked or replaced.
    pub fn last_use(&self, digest: &[u8; 32]) -> LastUse {
        self.used(digest)
            .map_or_else(LastUse::default, |used| used.last())
    }

    /// Has the books tell once of each revoked key when it was used last. They know names only: what came after a key was
    /// revoked was another of its name.
    pub fn seed_gone(&self, last_used: impl Fn(&str) -> Option<Time>) {
        for (digest, used) in &self.gone {
            let Some(issue) = self.issued.all.get(digest) else {
                continue;
            };
            let Some(revoked) = issue.revoked.as_ref().filter(|_| issue.replaced.is_none()) else {
                continue;
            };
            if used.is_seeded.swap(true, Ordering::AcqRel) {
                continue;
            }
            let at = last_used(&issue.name);
            if let Some(at) = at.filter(|at| at.as_micros() / 1_000_000 <= revoked.at) {
                used.at.fetch_max(at.as_micros(), Ordering::Relaxed);
            }
        }
    }

    /// Whether the books need to be asked of a revoked key.
    pub fn has_unseeded_gone(&self) -> bool {
        let mut gone = self.gone.iter().filter(|(digest, _)| {
            let issue = self.issued.all.get(*digest);
            issue.is_some_and(|issue| issue.replaced.is_none())
        });
        gone.any(|(_, used)| !used.is_seeded.load(Ordering::Acquire))
    }

    /// Whether a key is asked for.
    pub const fn asks(&self) -> bool {
        self.asks
    }

    /// Who holds `key`.
    pub fn holder(&self, key: &[u8]) -> Holder<'_> {
        let digest = key_digest(key);
        match self.by_digest.get(&digest) {
            Some(client) if verify_slices_are_equal(&client.digest, &digest).is_ok() => {
                if client.is_revoked {
                    Holder::Revoked
                } else {
                    Holder::Known(client)
                }
            }
            Some(_) | None if self.issued.is_revoked(&digest) => Holder::Revoked,
            Some(_) | None => Holder::Unknown,
        }
    }

    /// The one of this name.
    pub fn named(&self, name: &str) -> Option<&Arc<Client>> {
        self.by_name.get(name)
    }

    /// All of them, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.by_name.values()
    }

    /// Why keys that were made or revoked here may not be known, in words.
    pub fn missing(&self) -> Option<&str> {
        self.issued.missing.as_deref()
    }

    /// Counts the tokens of a request that ended.
    pub fn request_ended(&self, end: &RequestEnd, now: Time) {
        let Some(client) = end.key.as_ref().and_then(|name| self.by_name.get(name)) else {
            return;
        };
        client.charge(end, now);
    }
}
