//! A map that is read key by key, and what is told about the keys.

use serde::Serialize;

use super::yaml::{Entry, Node};

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// It is not in what was written.
    NotCarriedOver,
    /// It is there, and means something else.
    Changed,
    /// Somebody has to do something before it works.
    ToDo,
}

/// One thing that the reader of the result should know. No value of the file is in it that could be a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Note {
    pub(super) line: usize,
    /// Where it stands, such as `router_settings.cooldown_time`.
    pub(super) key: String,
    pub(super) what: What,
    pub(super) why: String,
}

/// All notes.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<Note>);

// === impl Notes ===

impl Notes {
    pub(super) fn tell(&mut self, line: usize, key: &str, what: What, why: impl Into<String>) {
        self.0.push(Note {
            line,
            key: key.to_owned(),
            what,
            why: why.into(),
        });
    }

    /// All of them, by line.
    pub(super) fn sorted(mut self) -> Vec<Note> {
        self.0.sort_by_key(|note| note.line);
        let mut told: Vec<Note> = Vec::new();
        for note in self.0 {
            // A group that has a second name is read twice.
            let mut same = told
                .iter()
                .rev()
                .take_while(|known| known.line == note.line);
            if !same.any(|known| *known == note) {
                told.push(note);
            }
        }
        told
    }
}

/// Why a key is not carried over.
pub(super) type Reasons = [(&'static str, &'static str)];

/// What is said of a key that stands in no table of reasons.
const UNKNOWN: &str = "it has no counterpart that this conversion knows";

/// A map whose keys are taken one by one.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) path: String,
    entries: Vec<&'a Entry>,
}

// === impl Section ===

impl<'a> Section<'a> {
    /// `node` as a map; anything else but nothing is told.
    pub(super) fn of(node: &'a Node, path: &str, notes: &mut Notes) -> Self {
        if node.map().is_none() && !node.is_null() {
            let why = "expected keys with values below it";
            notes.tell(node.line, path, What::NotCarriedOver, why);
        }
        let entries = node.map().unwrap_or_default().iter().collect();
        Self {
            path: path.to_owned(),
            entries,
        }
    }

    /// Takes the value of `key` out; null is nothing.
    pub(super) fn take(&mut self, key: &str) -> Option<&'a Node> {
        let place = self.entries.iter().position(|entry| entry.key == key)?;
        let node = &self.entries.remove(place).node;
        (!node.is_null()).then_some(node)
    }

    /// The path of `key` in it.
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            return key.to_owned();
        }
        format!("{}.{key}", self.path)
    }

    /// Takes a number; anything else is told.
    pub(super) fn number(&mut self, key: &str, notes: &mut Notes) -> Option<f64> {
        let node = self.take(key)?;
        let number = node.number().filter(|number| *number >= 0.0);
        if number.is_none() {
            let why = "expected a number";
            notes.tell(node.line, &self.at(key), What::NotCarriedOver, why);
        }
        number
    }

    /// Tells of all keys that nobody took.
    pub(super) fn finish(self, reasons: &Reasons, notes: &mut Notes) {
        for entry in &self.entries {
            if entry.node.is_null() {
                continue;
            }
            let known = reasons.iter().find(|(key, _)| matches(key, &entry.key));
            let why = known.map_or(UNKNOWN, |(_, why)| why);
            notes.tell(
                entry.line,
                &self.at(&shown(&entry.key)),
                What::NotCarriedOver,
                why,
            );
        }
    }
}

/// A name, or how a name begins: `redis_*`.
fn matches(pattern: &str, key: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => key.starts_with(start),
        None => pattern == key,
    }
}

/// A key as a note repeats it: it is somebody's text.
pub(super) fn shown(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/*@".contains(c);
    if key.len() <= 100 && key.chars().all(plain) {
        key.to_owned()
    } else {
        key.chars().take(60).filter(|c| plain(*c)).collect()
    }
}
