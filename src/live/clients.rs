//! Client keys: who holds one, and what each has left.
//!
//! A key is looked up by its SHA-256, so that no comparison tells a part of it, and compared once more in constant time.
//! What each has left of its rates, and when it was used last, is kept by name across reloads.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use super::budgets::{Allowance, Budgets};
use super::record::{RequestEnd, Tags};
use crate::config::{ClientKey, Config, Held, Issued, Secret, digest_text};
use crate::limit::quota::Bucket;
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

/// Somebody who holds a key.
pub struct Client {
    /// What the key may.
    pub key: Arc<ClientKey>,
    /// Whom its requests' cost is put down to where they say nothing else.
    pub tags: Option<Arc<Tags>>,
    /// What its requests may cost.
    pub budget: Option<Arc<Allowance>>,
    digest: [u8; 32],
    is_revoked: bool,
    rates: Arc<Rates>,
    used: Arc<Used>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.key.name)
            .finish_non_exhaustive()
    }
}

/// When a key was used last. Kept across reloads.
#[derive(Debug, Default)]
struct Used {
    /// Microseconds since 1970; 0 for never.
    at: AtomicU64,
    /// Whether what the books have of before is in it.
    is_seeded: AtomicBool,
}

impl Used {
    fn last(&self) -> Option<Time> {
        let at = self.at.load(Ordering::Relaxed);
        (at > 0).then(|| Time::from_micros(at))
    }
}

/// What is left of a key's rates. Kept across reloads, at the rates in force.
#[derive(Debug, Default)]
struct Rates {
    requests: Mutex<Option<Bucket>>,
    tokens: Mutex<Option<Bucket>>,
}

fn with<T>(
    bucket: &Mutex<Option<Bucket>>,
    per_minute: u32,
    now: Time,
    work: impl FnOnce(&mut Bucket) -> T,
) -> T {
    let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
    work(bucket.get_or_insert_with(|| Bucket::full(per_minute, now)))
}

/// Which rate is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Requests a minute.
    Requests(u32),
    /// Tokens a minute.
    Tokens(u32),
}

impl Client {
    /// A request comes: takes it out of what is left.
    ///
    /// # Errors
    /// Nothing is left of this rate for so long.
    pub fn enter(&self, now: Time) -> Result<(), (Rate, Duration)> {
        if let Some(most) = self.key.tokens_per_minute {
            let open = |bucket: &mut Bucket| bucket.is_open(most, now);
            with(&self.rates.tokens, most, now, open).map_err(|wait| (Rate::Tokens(most), wait))?;
        }
        if let Some(most) = self.key.requests_per_minute {
            let take = |bucket: &mut Bucket| bucket.take(most, now);
            with(&self.rates.requests, most, now, take)
                .map_err(|wait| (Rate::Requests(most), wait))?;
        }
        Ok(())
    }

    /// Whether it is not accepted any more.
    pub fn has_expired(&self, now: Time) -> bool {
        self.key.expires.is_some_and(|expires| now >= expires)
    }

    /// Whether an operator has revoked it.
    pub const fn is_revoked(&self) -> bool {
        self.is_revoked
    }

    /// When the last request with it came; `None` if none is known.
    pub fn last_used(&self) -> Option<Time> {
        self.used.last()
    }

    /// A request with it came at this moment.
    pub fn was_used(&self, at: Time) {
        self.used.at.fetch_max(at.as_micros(), Ordering::Relaxed);
    }

    /// Whether the books need not be asked any more when it was used; from now on they need not.
    pub fn take_seeding(&self) -> bool {
        self.used.is_seeded.swap(true, Ordering::AcqRel)
    }
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
    by_digest: HashMap<[u8; 32], Arc<Client>>,
    by_name: HashMap<Arc<str>, Arc<Client>>,
    /// When those that were made here and revoked were used last, by what each is told by.
    gone: HashMap<[u8; 32], Arc<Used>>,
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
        for key in config.clients() {
            let known = before.by_name.get(&key.name);
            let digest = digest_of_client(key);
            let tags = Tags {
                team: key.team.clone(),
                feature: key.feature.clone(),
                user: key.user.clone(),
            };
            let client = Arc::new(Client {
                tags: (tags != Tags::default()).then(|| Arc::new(tags)),
                budget: budgets.key(&key.name).cloned(),
                digest,
                is_revoked: clients.issued.is_revoked(&digest),
                rates: known.map_or_else(Arc::default, |known| Arc::clone(&known.rates)),
                used: match known {
                    Some(known) => Arc::clone(&known.used),
                    None => before.used(&digest),
                },
                key: Arc::clone(key),
            });
            // The files come first, and what they say holds.
            let place = clients.by_digest.entry(digest);
            place.or_insert_with(|| Arc::clone(&client));
            clients.by_name.insert(Arc::clone(&key.name), client);
        }
        let all = clients.issued.all.iter();
        let gone = all.filter(|(_, issue)| issue.made.is_some() && issue.revoked.is_some());
        clients.gone = gone
            .map(|(digest, _)| (*digest, before.used(digest)))
            .collect();
        clients
    }

    /// When the key that is told by this was used last, revoked or not.
    fn used(&self, digest: &[u8; 32]) -> Arc<Used> {
        let known = self.by_digest.get(digest).map(|client| &client.used);
        let used = known.or_else(|| self.gone.get(digest));
        used.map_or_else(Arc::default, Arc::clone)
    }

    /// When the last request came with a key that was made here and revoked; `None` if none is known.
    pub fn last_used_before(&self, digest: &[u8; 32]) -> Option<Time> {
        self.gone.get(digest)?.last()
    }

    /// Has the books tell once of each revoked key when it was used last. They know names only: what came after a key was
    /// revoked was another of its name.
    pub fn seed_gone(&self, last_used: impl Fn(&str) -> Option<Time>) {
        for (digest, used) in &self.gone {
            let Some(issue) = self.issued.all.get(digest) else {
                continue;
            };
            let Some(revoked) = &issue.revoked else {
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
        let mut gone = self.gone.values();
        gone.any(|used| !used.is_seeded.load(Ordering::Acquire))
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

    /// Notes that its key was used, and counts the tokens of a request that ended.
    pub fn request_ended(&self, end: &RequestEnd, now: Time) {
        let Some(client) = end.key.as_ref().and_then(|name| self.by_name.get(name)) else {
            return;
        };
        client.was_used(end.at);
        let Some(most) = client.key.tokens_per_minute else {
            return;
        };
        let tokens = end.calls.iter().filter_map(|call| call.tokens);
        let tokens: u64 = tokens
            .map(|tokens| tokens.input.saturating_add(tokens.output))
            .fold(0, u64::saturating_add);
        with(&client.rates.tokens, most, now, |bucket| {
            bucket.charge(most, now, tokens);
        });
    }
}
