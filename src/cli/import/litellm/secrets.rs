//! Values that come from variables, and credentials, which become some.

use std::collections::{BTreeMap, BTreeSet};

use super::super::section::{Notes, What};
use super::super::yaml::{Entry, Node, Value};
use super::known::NO_KEYS;
use crate::cli::toml_text::{quoted, text};

/// How LiteLLM writes a variable.
const VARIABLE: &str = "os.environ/";

/// The variables of a file, and names for those that it should have.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// Names that the file uses.
    used: BTreeSet<String>,
    /// The name that stands for a credential which the file holds.
    made: BTreeMap<String, String>,
}

// === impl Secrets ===

impl Secrets {
    /// Knows all variables that `root` names, so that no made name is one of them.
    pub(super) fn of(root: &Node) -> Self {
        let mut secrets = Self::default();
        secrets.gather(root);
        secrets
    }

    fn gather(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar { text, .. } => {
                self.used.extend(variable(text).map(str::to_owned));
            }
            Value::List(items) => items.iter().for_each(|item| self.gather(item)),
            Value::Map(entries) => {
                let nodes = entries.iter().map(|Entry { node, .. }| node);
                nodes.for_each(|node| self.gather(node));
            }
        }
    }

    /// A credential as TOML has it: always a variable. `None` for what people write where there is none.
    pub(super) fn credential(
        &mut self,
        node: &Node,
        path: &str,
        wish: &str,
        notes: &mut Notes,
    ) -> Option<String> {
        let Some(written) = node.text() else {
            let why = "expected a text";
            notes.tell(node.line, path, What::NotCarriedOver, why);
            return None;
        };
        if let Some(name) = variable(written) {
            return Some(demanded(name));
        }
        if NO_KEYS.contains(&written.trim().to_ascii_lowercase().as_str()) {
            let why = "what stands there is no key: requests go without one";
            notes.tell(node.line, path, What::Changed, why);
            return None;
        }
        let name = self.name_for(written, wish);
        let why = format!("the key itself is not written: set {name} to it");
        notes.tell(node.line, path, What::ToDo, why);
        Some(demanded(&name))
    }

    /// The name of the variable for `written`: as wished, or with a number where that one means something else.
    fn name_for(&mut self, written: &str, wish: &str) -> String {
        if let Some(name) = self.made.get(written) {
            return name.clone();
        }
        let wish = named(wish);
        let numbered = (2..).map(|number| format!("{wish}_{number}"));
        let mut names = std::iter::once(wish.clone()).chain(numbered);
        let free = names.find(|name| !self.used.contains(name));
        let name = free.unwrap_or(wish);
        self.used.insert(name.clone());
        self.made.insert(written.to_owned(), name.clone());
        name
    }
}

/// The name of a variable in `text`, if that is what it is.
pub(super) fn variable(text: &str) -> Option<&str> {
    let name = text.strip_prefix(VARIABLE)?.trim();
    let mut letters = name.chars();
    let first = letters.next()?;
    let fits = (first.is_ascii_alphabetic() || first == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then_some(name)
}

/// A variable that must be set, in quotes.
pub(super) fn demanded(name: &str) -> String {
    quoted(&format!("${{{name}:?}}"))
}

/// A value that is no credential, as TOML has it.
pub(super) fn plain(written: &str) -> String {
    match variable(written) {
        Some(name) => demanded(name),
        None => text(written),
    }
}

/// A name for a variable.
fn named(wish: &str) -> String {
    let fit = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let name: String = wish.chars().map(fit).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        format!("_{name}")
    } else {
        name
    }
}
