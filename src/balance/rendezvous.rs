//! Who keeps a conversation: weighted rendezvous hashing.
//!
//! Problem: a provider has the beginning of a conversation in its prompt cache, and a draw for each turn throws that away.
//! A table of conversations would have to be bounded, shared by replicas and kept over restarts. So nothing is kept: each
//! conversation has a key, each target a seed from its name, and the target with the best score serves:
//!
//! ```text
//! u     = hash(key, seed), uniform between 0 and 1
//! score = −ln(u) / share, the least wins
//! ```
//!
//! Scores are exponential with the share as their rate, so the least of them is target i's with the probability of its
//! share, and without i the others keep their proportions: over many keys shares hold, whoever is out. A score depends on
//! nothing but its own target, so the order of targets does not matter and one that joins takes only what it gets. When
//! shares change from p to q, the fraction of keys that moves is between the total-variation distance d (half the sum of
//! |p − q|) and 2 d / (1 + d); between two targets it is exactly d, and no way to choose by key alone is better than the
//! upper bound for all p and q.
//! Source: C. Schindelhauer, G. Schomaker, Weighted Distributed Hash Tables, SPAA 2005; the bound: M. Bavarian et al., The
//! Optimality of Correlated Sampling, arXiv 1612.01041.
//!
//! How it fails: shares hold over many keys, not over ten, and a key that is the same for all requests sends all of them to
//! one target.

use super::table::{Mask, WeightTable};
use crate::model::TargetIndex;

/// What tells one conversation, user or tenant from the others: a hash of what the client sent. Never shown, since whoever
/// sees it could try names until one fits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key(u64);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Makes a [`Key`] from texts. The same on every machine and in every version: a change would move every conversation.
#[derive(Clone, Copy)]
pub struct KeyHasher(u64);

/// What a target's scores are made with, from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

/// 2⁶⁴ / φ: an odd number without a pattern.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finalizer of `SplitMix64`: each bit that goes in changes about half of those that come out.
const fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

// === impl KeyHasher ===

impl KeyHasher {
    /// A hasher of keys of this kind: the same text of another kind is another key.
    pub fn new(kind: &str) -> Self {
        let mut hasher = Self(0);
        hasher.add(kind.as_bytes());
        hasher
    }

    /// Takes a text in, with its length, so that parts cannot run into each other.
    pub fn add(&mut self, text: &[u8]) {
        let (words, rest) = text.as_chunks::<8>();
        for word in words {
            self.0 = mixed(self.0 ^ u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (place, byte) in last.iter_mut().zip(rest) {
            *place = *byte;
        }
        self.0 = mixed(self.0 ^ u64::from_le_bytes(last));
        self.0 = mixed(self.0 ^ text.len() as u64);
    }

    /// The key of what was taken in.
    pub const fn key(self) -> Key {
        Key(self.0)
    }
}

impl std::fmt::Debug for KeyHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyHasher(..)")
    }
}

impl Key {
    /// The key of one text.
    pub fn of(kind: &str, text: &[u8]) -> Self {
        let mut hasher = KeyHasher::new(kind);
        hasher.add(text);
        hasher.key()
    }
}

impl Seed {
    /// The seed of the target called that. A target that is renamed is another one.
    pub fn of(name: &str) -> Self {
        Self(Key::of("target", name.as_bytes()).0)
    }

    /// How `key` falls for this target: uniform over the open interval from 0 to 1.
    pub fn place(self, key: Key) -> f64 {
        let bits = mixed(key.0 ^ self.0) >> 11;
        (bits as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

/// A request that is to stay with its target.
#[derive(Clone, Copy, Debug)]
pub struct Sticky<'a> {
    /// What it has in common with the requests that it is to stay together with.
    pub key: Key,
    /// The targets' seeds, in the order of the tables.
    pub seeds: &'a [Seed],
}

impl Sticky<'_> {
    /// The target that the key falls to among those of `open` for which `fits` holds, by their shares in `table`; `None` if
    /// none of them has a share.
    pub fn pick(
        &self,
        table: &WeightTable,
        open: &Mask,
        fits: impl Fn(TargetIndex) -> bool,
    ) -> Option<TargetIndex> {
        let score = |(i, seed): (usize, &Seed)| {
            let target = TargetIndex::at(i);
            let share = table.share(target).ppm();
            let takes_part = share > 0 && open.contains(target) && fits(target);
            takes_part.then(|| {
                (
                    -seed.place(self.key).ln() / f64::from(share),
                    seed.0,
                    target,
                )
            })
        };
        let scores = self.seeds.iter().enumerate().filter_map(score);
        let least = scores.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        least.map(|(.., target)| target)
    }
}

#[cfg(test)]
#[path = "rendezvous_tests.rs"]
mod tests;
