//! Reading the tree by hand: a table whose keys are asked for one by one, and values that say what they should have been.
//!
//! Problem: a derived reader stops at the first mistake and knows no places. Choice: two small cursors. What a
//! [`Section`] was asked for *is* its list of known keys, so the hint "did you mean" can't drift from what is read.

use std::collections::BTreeSet;

use super::field::Field;
use super::problem::{Sink, nearest};
use super::tree::{Node, Table};

/// A table that is being read.
#[derive(Debug)]
pub(super) struct Section<'a> {
    table: &'a Table,
    path: String,
    sink: &'a Sink,
    asked: BTreeSet<&'static str>,
}

/// `path.key`, with the key in quotes where TOML needs them.
pub(super) fn join(path: &str, key: &str) -> String {
    let dot = if path.is_empty() { "" } else { "." };
    format!("{path}{dot}{}", spelled(key))
}

/// A key as TOML spells it, cut where it is absurdly long.
pub(super) fn spelled(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let short: String = key.chars().take(200).collect();
    if !short.is_empty() && short.chars().all(bare) {
        short
    } else {
        format!("{short:?}")
    }
}

// === impl Section ===

impl<'a> Section<'a> {
    pub(super) fn new(table: &'a Table, path: impl Into<String>, sink: &'a Sink) -> Self {
        Self {
            table,
            path: path.into(),
            sink,
            asked: BTreeSet::new(),
        }
    }

    /// The value of `key`, if it is there.
    pub(super) fn field(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.asked.insert(key);
        self.table.get(key).map(|node| self.child(key, node))
    }

    /// The table `key`, if it is there and one.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Section<'a>> {
        self.field(key)?.section()
    }

    /// All entries, for a table whose keys are names.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        self.table
            .iter()
            .map(|(key, node)| (key.as_str(), self.child(key, node)))
    }

    fn child(&self, key: &str, node: &'a Node) -> Field<'a> {
        Field {
            node,
            path: join(&self.path, key),
            sink: self.sink,
        }
    }

    /// Complains about every key that nobody asked for. `later` are those that this version does not know yet.
    pub(super) fn finish(self, later: &[&str]) {
        for (key, field) in self.entries() {
            if self.asked.contains(key) {
                continue;
            }
            let problem = if self.sink.is_full() {
                field.key_problem("unknown key")
            } else if later.contains(&key) {
                field
                    .key_problem("is not supported by this version")
                    .hint("remove it")
            } else {
                let problem = field.key_problem("unknown key");
                match nearest(key, self.asked.iter().copied()) {
                    Some(word) => {
                        self.sink.misspelt(&self.path, word);
                        problem.hint(format!("did you mean `{word}`?"))
                    }
                    None => problem.hint(format!("known here: {}", self.known())),
                }
            };
            self.sink.problem(problem);
        }
    }

    fn known(&self) -> String {
        let words: Vec<&str> = self.asked.iter().copied().collect();
        words.join(", ")
    }
}
