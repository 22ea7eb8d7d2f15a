//! Upstreams that no route names, made known by requests: bounded, since clients choose the names.
//!
//! A name that has never answered may be anything, so all such names of a provider share one gate and meter. It gets its
//! own with its first answer; where there is no room, it takes the place of the one that has not answered for longest.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::upstream::{RateGroup, Upstream};
use crate::model::UpstreamName;

/// Most upstreams that requests may make known.
const MOST_STRANGERS: usize = 1_024;

/// Upstreams that only requests have named.
#[derive(Debug, Default)]
pub struct Strangers {
    known: RwLock<Known>,
    /// Counts answers: who answered last has the highest number.
    answers: AtomicU64,
    /// Counts changes of who is known.
    version: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    /// Those that have answered, by name.
    own: HashMap<String, Stranger>,
    /// Of each provider, the one for all that have not.
    shared: HashMap<String, Arc<Upstream>>,
}

#[derive(Debug)]
struct Stranger {
    upstream: Arc<Upstream>,
    answered: AtomicU64,
}

impl Strangers {
    /// The upstream of this name: its own once it has answered, else the one that its provider's unknown names share.
    pub fn upstream(&self, name: &UpstreamName, group: Option<&Arc<RateGroup>>) -> Arc<Upstream> {
        let provider = name.provider().as_str();
        {
            let known = self.read();
            let own = known.own.get(name.as_str()).map(|own| &own.upstream);
            if let Some(upstream) = own.or_else(|| known.shared.get(provider)) {
                upstream.join(group);
                return Arc::clone(upstream);
            }
        }
        let mut known = self.write();
        let shared = known.shared.entry(provider.to_owned()).or_insert_with(|| {
            self.version.fetch_add(1, Ordering::Relaxed);
            Arc::new(Upstream::shared(shared_name(name)))
        });
        shared.join(group);
        Arc::clone(shared)
    }

    /// `name` has answered.
    pub fn served(&self, name: &UpstreamName, group: Option<&Arc<RateGroup>>) {
        let now = self.answers.fetch_add(1, Ordering::Relaxed);
        if let Some(own) = self.read().own.get(name.as_str()) {
            own.answered.store(now, Ordering::Relaxed);
            return;
        }
        if *name == shared_name(name) {
            return;
        }
        let mut known = self.write();
        if known.own.len() >= MOST_STRANGERS && !known.forget_one() {
            return;
        }
        let upstream = Arc::new(Upstream::new(name.clone()));
        upstream.join(group);
        let own = Stranger {
            upstream,
            answered: AtomicU64::new(now),
        };
        known.own.insert(name.as_str().to_owned(), own);
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    /// The upstream of this name, if it has one of its own.
    pub fn known(&self, name: &str) -> Option<Arc<Upstream>> {
        let known = self.read();
        known.own.get(name).map(|own| Arc::clone(&own.upstream))
    }

    /// Changes whenever others are known.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// All that are known, by name.
    pub fn all(&self) -> Vec<Arc<Upstream>> {
        let known = self.read();
        let own = known.own.values().map(|own| &own.upstream);
        let mut all: Vec<Arc<Upstream>> = own.chain(known.shared.values()).cloned().collect();
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Makes room: the one that has not answered for longest goes, of those that have nothing in flight.
    fn forget_one(&mut self) -> bool {
        let idle = self
            .own
            .iter()
            .filter(|(_, own)| own.upstream.gate().in_flight == 0);
        let oldest = idle.min_by_key(|(_, own)| own.answered.load(Ordering::Relaxed));
        let oldest = oldest.map(|(name, _)| name.clone());
        oldest.is_some_and(|name| self.own.remove(&name).is_some())
    }
}

/// What the unknown names of `name`'s provider are called together.
fn shared_name(name: &UpstreamName) -> UpstreamName {
    let shared = UpstreamName::new(&format!("{}/other", name.provider()));
    shared.unwrap_or_else(|_| name.clone())
}

#[cfg(test)]
#[path = "strangers_tests.rs"]
mod tests;
