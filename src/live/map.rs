//! Maps whose keys the configuration names.
//!
//! The standard library's hash withstands keys that somebody chose to collide, and takes some 250 instructions for a name;
//! a request looks up seven. Here only the operator puts keys in, and a client that looks for others finds nothing, so a
//! hash of some 20 instructions does. Maps that clients fill keep the standard one.

use std::collections::HashMap;

/// A map whose keys the configuration names.
pub type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
