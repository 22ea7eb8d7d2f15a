//! What one configuration has that another has not, in words for a log line.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};

use serde::Serialize;

use super::{Config, Shown};

mod serving;
mod settings;
mod words;

use serving::{provider, route};
use settings::settings;
use words::Priced;

/// What changed from one configuration to the next. Keys and addresses are not repeated; what names and tags hold is for
/// [`Diff::scrubbed`] to mask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// One line for each change, for example `routes.chat.targets.fast: weight 50 -> 70`.
    pub changes: Vec<String>,
    /// Those of them that only take effect after a restart, by key.
    pub needs_restart: Vec<&'static str>,
}

impl Diff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The same without any credential that one of the two configurations knows, wherever it was put.
    #[must_use]
    pub fn scrubbed(self, old: Option<&Shown>, new: &Shown) -> Self {
        let scrub = |line| match old {
            Some(old) => new.scrub(old.scrub(line)),
            None => new.scrub(line),
        };
        Self {
            changes: self.changes.into_iter().map(scrub).collect(),
            ..self
        }
    }
}

/// What changed from `old` to `new`.
pub fn diff(old: &Config, new: &Config) -> Diff {
    let mut lines = Lines::default();
    settings(old, new, &mut lines);
    keyed(
        "providers",
        &old.providers,
        &new.providers,
        &mut lines,
        |path, old, new, lines| provider(path, old, new, lines),
    );
    keyed(
        "routes",
        &old.routes,
        &new.routes,
        &mut lines,
        |path, old, new, lines| route(path, old, new, lines),
    );
    keyed(
        "prices",
        &old.prices,
        &new.prices,
        &mut lines,
        |path, old, new, lines| {
            lines.field(path, "price", &Priced(&old.net), &Priced(&new.net));
        },
    );
    Diff {
        changes: lines.changes,
        needs_restart: lines.restart,
    }
}

#[derive(Default)]
struct Lines {
    changes: Vec<String>,
    restart: Vec<&'static str>,
}

impl Lines {
    /// A line if the two differ as printed.
    fn field(&mut self, path: &str, name: &str, old: &dyn Display, new: &dyn Display) {
        let (old, new) = (old.to_string(), new.to_string());
        if old != new {
            self.changes.push(format!("{path}: {name} {old} -> {new}"));
        }
    }

    /// The same by `Debug`, for what has no other print; what is not there is `unset`.
    fn value<T: Debug>(&mut self, path: &str, name: &str, old: &T, new: &T) {
        self.field(path, name, &plain(old), &plain(new));
    }

    /// The same for one of some words, as files write it.
    fn word<T: Serialize>(&mut self, path: &str, name: &str, old: &T, new: &T) {
        self.field(path, name, &written(old), &written(new));
    }

    /// The same for what only a restart changes.
    fn fixed<T: Debug>(&mut self, key: &'static str, old: &T, new: &T) {
        let before = self.changes.len();
        let (path, name) = key.split_once('.').unwrap_or(("", key));
        self.value(path, name, old, new);
        if self.changes.len() > before {
            self.restart.push(key);
        }
    }
}

fn plain<T: Debug>(value: &T) -> String {
    let shown = format!("{value:?}");
    let inner = shown
        .strip_prefix("Some(")
        .and_then(|it| it.strip_suffix(')'));
    match inner {
        Some(inner) => inner.to_owned(),
        None if shown == "None" => "unset".to_owned(),
        None => shown,
    }
}

fn written<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        // A word of an enumeration is always text.
        Err(_) => String::new(),
    }
}

/// Lines for what came, went and stayed of named things.
fn keyed<K: Ord + Display, V>(
    kind: &str,
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
    lines: &mut Lines,
    both: impl Fn(&str, &V, &V, &mut Lines),
) {
    for (name, before) in old {
        let path = format!("{kind}.{name}");
        match new.get(name) {
            Some(after) => both(&path, before, after, lines),
            None => lines.changes.push(format!("{path}: removed")),
        }
    }
    for name in new.keys().filter(|name| !old.contains_key(name)) {
        lines.changes.push(format!("{kind}.{name}: added"));
    }
}
