//! Client keys: who holds one, and what each has left.
//!
//! A key is looked up by its SHA-256, so that no comparison tells a part of it, and compared once more in constant time.
//! What each has left of its rates is kept by name across reloads.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use super::budgets::{Allowance, Budgets};
use super::record::{RequestEnd, Tags};
use crate::config::{ClientKey, Config, Held};
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

/// Somebody who holds a key.
pub struct Client {
    /// What the key may.
    pub key: Arc<ClientKey>,
    /// Whom its requests' cost is put down to where they say nothing else.
    pub tags: Option<Arc<Tags>>,
    /// What its requests may cost.
    pub budget: Option<Arc<Allowance>>,
    digest: [u8; 32],
    rates: Arc<Rates>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.key.name)
            .finish_non_exhaustive()
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
}

/// The keys of a configuration.
#[derive(Debug, Default)]
pub struct Clients {
    by_digest: HashMap<[u8; 32], Arc<Client>>,
    by_name: HashMap<Arc<str>, Arc<Client>>,
}

impl Clients {
    /// The keys of `config`; what is left of rates `before` is taken over by name.
    pub fn new(config: &Config, budgets: &Budgets, before: &Self) -> Self {
        let mut clients = Self::default();
        for key in config.keys.values() {
            let known = before.by_name.get(&key.name);
            let digest = match &key.held {
                Held::Digest(digest) => *digest,
                Held::Key(secret) => key_digest(secret.expose().as_bytes()),
            };
            let tags = Tags {
                team: key.team.clone(),
                feature: key.feature.clone(),
                user: key.user.clone(),
            };
            let client = Arc::new(Client {
                tags: (tags != Tags::default()).then(|| Arc::new(tags)),
                budget: budgets.key(&key.name).cloned(),
                digest,
                rates: known.map_or_else(Arc::default, |known| Arc::clone(&known.rates)),
                key: Arc::clone(key),
            });
            clients.by_digest.insert(digest, Arc::clone(&client));
            clients.by_name.insert(Arc::clone(&key.name), client);
        }
        clients
    }

    /// Whether nobody needs a key.
    pub fn is_empty(&self) -> bool {
        self.by_digest.is_empty()
    }

    /// Who holds `key`.
    pub fn holder(&self, key: &[u8]) -> Option<&Arc<Client>> {
        let digest = key_digest(key);
        let client = self.by_digest.get(&digest)?;
        verify_slices_are_equal(&client.digest, &digest).ok()?;
        Some(client)
    }

    /// Counts the tokens of a request that ended.
    pub fn request_ended(&self, end: &RequestEnd, now: Time) {
        let Some(client) = end.key.as_ref().and_then(|name| self.by_name.get(name)) else {
            return;
        };
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
