//! The merged configuration as people and programs may see it: credentials masked, each value with its origin on request.

use std::fmt;

use serde_json::{Map, Value as Json};

use super::mask::{Secrets, masked};
use super::section::spelled;
use super::tree::{Node, Origin, Table, Value};

/// The merged files with credentials masked: it prints none, so it may be kept and printed. It knows them, to keep them
/// out of what is said about a change.
#[derive(Clone, Debug)]
pub struct Shown {
    root: Table,
    secrets: Secrets,
}

impl Shown {
    /// Masks `root`, whose credentials are `secrets`.
    pub(super) fn new(root: &Table, secrets: Secrets) -> Self {
        let root = masked(root, &secrets);
        Self { root, secrets }
    }

    /// `text` without any credential of this configuration.
    pub(super) fn scrub(&self, text: String) -> String {
        self.secrets.scrub(text)
    }

    /// Where the table `kind.name` begins, as `file:line`.
    pub fn place(&self, kind: &str, name: &str) -> Option<String> {
        let Value::Table(table) = &self.root.get(kind)?.value else {
            return None;
        };
        let Origin { file, line, .. } = &table.get(name)?.key_at;
        Some(format!("{file}:{line}"))
    }

    /// As TOML; with `origins`, each value is followed by a comment such as `# production.toml:31`.
    pub fn to_toml(&self, origins: Origins) -> String {
        let mut text = String::new();
        print(&self.root, "", origins, &mut text);
        text
    }

    /// As JSON.
    pub fn to_json(&self) -> Json {
        Json::Object(object(&self.root))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_toml(Origins::Left))
    }
}

/// Whether each value's origin is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origins {
    /// It is.
    Printed,
    /// It is left out.
    Left,
}

/// Prints a table: its values first, since what follows a header belongs to it, then its tables.
fn print(table: &Table, path: &str, origins: Origins, text: &mut String) {
    let values = || table.iter().filter(|(_, node)| !is_table(node));
    if !path.is_empty() && (table.is_empty() || values().next().is_some()) {
        let gap = if text.is_empty() { "" } else { "\n" };
        text.extend([gap, "[", path, "]\n"]);
    }
    for (key, node) in values() {
        let line = format!("{} = {}", spelled(key), inline(node));
        text.push_str(&with_origin(&line, &node.at, origins));
    }
    for (key, node) in table {
        if let Value::Table(inner) = &node.value {
            print(inner, &super::section::join(path, key), origins, text);
        }
    }
}

fn is_table(node: &Node) -> bool {
    matches!(node.value, Value::Table(_))
}

fn with_origin(line: &str, origin: &Origin, origins: Origins) -> String {
    match origins {
        Origins::Printed => format!("{line:<60} # {}:{}\n", origin.file, origin.line),
        Origins::Left => format!("{line}\n"),
    }
}

/// A value on one line.
fn inline(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => toml::Value::String(text.shown().to_owned()).to_string(),
        Value::Integer(number) => toml::Value::Integer(*number).to_string(),
        Value::Float(number) => toml::Value::Float(*number).to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Date(text) => text.clone(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) => {
            let pairs: Vec<String> = table
                .iter()
                .map(|(key, node)| format!("{} = {}", spelled(key), inline(node)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

fn object(table: &Table) -> Map<String, Json> {
    table
        .iter()
        .map(|(key, node)| (key.clone(), json(node)))
        .collect()
}

/// Numbers that JSON has no spelling for become texts.
fn json(node: &Node) -> Json {
    match &node.value {
        Value::Text(text) => Json::from(text.shown()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => serde_json::Number::from_f64(*number)
            .map_or_else(|| Json::from(number.to_string()), Json::Number),
        Value::Bool(truth) => Json::from(*truth),
        Value::Date(text) => Json::from(text.as_str()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Table(table) => Json::Object(object(table)),
    }
}
