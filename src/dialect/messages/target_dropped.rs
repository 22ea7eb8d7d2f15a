//! The names of what was left out.

use std::collections::BTreeSet;

/// Names in the order in which they came up, each once.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    names: Vec<String>,
    seen: BTreeSet<String>,
}

impl Dropped {
    /// `what` is left out.
    pub(super) fn name(&mut self, what: &str) {
        if self.seen.insert(what.to_owned()) {
            self.names.push(what.to_owned());
        }
    }

    /// `what` is left out if `is_there`.
    pub(super) fn name_if(&mut self, what: &str, is_there: bool) {
        if is_there {
            self.name(what);
        }
    }

    /// All names.
    pub(super) fn finish(self) -> Vec<String> {
        self.names
    }
}
