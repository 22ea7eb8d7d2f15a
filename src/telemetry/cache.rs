//! Series that were resolved once, found again without an allocation.
//!
//! Labels own their text; making them for each request only to look them up would be the larger part of recording it.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use crate::live::Map;

/// Values by a route's label and a key. Its owner sees to it that it stays small: it inserts what the configuration names.
#[derive(Debug)]
pub(super) struct Cache<K, V>(RwLock<Map<Arc<str>, OfRoute<K, V>>>);

/// Values of one route's label.
type OfRoute<K, V> = Map<K, Arc<V>>;

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, V> Cache<K, V> {
    /// The value, if it was made before.
    pub(super) fn known(&self, route: &str, key: &K) -> Option<Arc<V>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(route)?.get(key).cloned()
    }

    /// The value; made now if it was not before.
    pub(super) fn made(&self, route: &str, key: K, make: impl FnOnce() -> V) -> Arc<V> {
        if let Some(value) = self.known(route, &key) {
            return value;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let of_route = known.entry(route.into()).or_default();
        Arc::clone(of_route.entry(key).or_insert_with(|| Arc::new(make())))
    }
}
