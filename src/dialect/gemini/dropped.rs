//! The names of what was left out.

use std::collections::BTreeSet;

/// Names in the order in which they came, each once.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    names: Vec<String>,
    seen: BTreeSet<String>,
}

impl Dropped {
    /// `name` was left out.
    pub(super) fn name(&mut self, name: impl Into<String>) {
        let name = name.into();
        if self.seen.insert(name.clone()) {
            self.names.push(name);
        }
    }

    /// `name` was left out if it was there.
    pub(super) fn name_if(&mut self, was_there: bool, name: &str) {
        if was_there {
            self.name(name);
        }
    }

    /// All names.
    pub(super) fn finish(self) -> Vec<String> {
        self.names
    }
}
