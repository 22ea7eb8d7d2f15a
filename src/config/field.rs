//! One value: what it should have been, and what was found instead.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::mask::{MASK, is_secret_key, quote};
use super::problem::{Problem, Sink, at, nearest};
use super::quantity;
use super::section::Section;
use super::tree::{Node, Text, Value};

/// Longest list that is read; elements are compared with each other.
const LONGEST_LIST: usize = 1024;

/// A value, the path of its key, and where to complain.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) node: &'a Node,
    pub(super) path: String,
    pub(super) sink: &'a Sink,
}

// === impl Field ===

impl<'a> Field<'a> {
    /// A problem with this value, not told yet.
    pub(super) fn at(&self, message: impl Into<String>) -> Problem {
        at(self.node.place(), &self.path, message)
    }

    /// A problem with this value's key, not told yet.
    pub(super) fn key_problem(&self, message: &str) -> Problem {
        at(&self.node.key_at, &self.path, message)
    }

    /// Tells a problem with this value.
    pub(super) fn problem(&self, message: impl Into<String>, hint: &str) {
        if !self.node.failed() {
            let problem = self.at(message);
            self.sink.problem(hinted(problem, hint));
        }
    }

    /// Tells that this value does not go with another one.
    pub(super) fn conflict(&self, message: impl Into<String>, hint: &str) {
        if !self.node.failed() {
            let problem = self.at(message);
            self.sink.conflict(hinted(problem, hint));
        }
    }

    /// Tells that this table lacks `key`.
    pub(super) fn missing(&self, key: &'static str, hint: &str) {
        if !self.node.failed() {
            let problem = self.at(format!("expected `{key}`, found none"));
            let problem = hinted(problem, hint);
            self.sink.missing(&self.path, key, problem);
        }
    }

    /// Tells something odd about this value.
    pub(super) fn warn(&self, message: impl Into<String>, hint: &str) {
        if !self.node.failed() {
            let warning = self.at(message);
            self.sink.warn(hinted(warning, hint));
        }
    }

    /// Whether the key, by its name, holds a credential.
    fn is_secret(&self) -> bool {
        if self.path.contains(".headers.") {
            return true;
        }
        let key = self.path.rsplit('.').next().unwrap_or_default();
        let key = key.split_once('[').map_or(key, |(key, _)| key);
        is_secret_key(key)
    }

    /// What was found, in words that may be shown.
    pub(super) fn found(&self) -> String {
        match &self.node.value {
            Value::Text(_) if self.is_secret() => format!("\"{MASK}\""),
            Value::Text(text) => quote(text.shown()),
            Value::Integer(_) | Value::Float(_) if self.is_secret() => "a number".to_owned(),
            Value::Integer(number) => format!("the number {number}"),
            Value::Float(number) => format!("the number {number}"),
            Value::Bool(truth) => truth.to_string(),
            Value::Date(_) => "a date".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Table(_) => "a table".to_owned(),
        }
    }

    /// Tells that something else was expected here.
    pub(super) fn expected(&self, what: &str, hint: &str) {
        self.problem(format!("expected {what}, found {}", self.found()), hint);
    }

    /// The table.
    pub(super) fn section(&self) -> Option<Section<'a>> {
        if let Value::Table(table) = &self.node.value {
            return Some(Section::new(table, self.path.clone(), self.sink));
        }
        self.expected("a table", "");
        None
    }

    /// The text with its marks.
    pub(super) fn text(&self) -> Option<&'a Text> {
        if let Value::Text(text) = &self.node.value {
            return Some(text);
        }
        self.expected("a text in quotes", "");
        None
    }

    /// The text.
    pub(super) fn str(&self) -> Option<&'a str> {
        self.text().map(|text| text.full.as_str())
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        if let Value::Bool(truth) = self.node.value {
            return Some(truth);
        }
        self.expected("true or false", "without quotes");
        None
    }

    /// A number, whole or not.
    pub(super) fn number(&self) -> Option<f64> {
        match self.node.value {
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            Value::Text(_) | Value::Bool(_) | Value::Date(_) | Value::List(_) | Value::Table(_) => {
                self.expected("a number", "without quotes");
                None
            }
        }
    }

    /// A whole number within `range`.
    pub(super) fn whole<T: TryFrom<i64> + PartialOrd + std::fmt::Display>(
        &self,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        let what = format!("a whole number from {} to {}", range.start(), range.end());
        let number = match self.node.value {
            Value::Integer(number) => T::try_from(number).ok().filter(|n| range.contains(n)),
            Value::Float(_)
            | Value::Text(_)
            | Value::Bool(_)
            | Value::Date(_)
            | Value::List(_)
            | Value::Table(_) => None,
        };
        if number.is_none() {
            self.expected(&what, "");
        }
        number
    }

    /// A number from 0 to 1.
    pub(super) fn fraction(&self) -> Option<f64> {
        let number = self.number()?;
        if (0.0..=1.0).contains(&number) {
            return Some(number);
        }
        self.expected("a fraction from 0 to 1", "0.3 is 30 %");
        None
    }

    /// A time within `range`.
    pub(super) fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let time = self.quantity("15s", quantity::duration)?;
        if range.contains(&time) {
            return Some(time);
        }
        let what = format!("a time from {:?} to {:?}", range.start(), range.end());
        self.expected(&what, "");
        None
    }

    /// A size in bytes within `range`.
    pub(super) fn size(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let bytes = self.quantity("32MiB", quantity::size)?;
        if range.contains(&bytes) {
            return Some(bytes);
        }
        let what = format!("a size from {} to {} bytes", range.start(), range.end());
        self.expected(&what, "");
        None
    }

    /// A text that `parse` understands; a bare number gets the hint to write a unit, as in `example`.
    pub(super) fn quantity<T>(
        &self,
        example: &str,
        parse: fn(&str) -> Result<T, quantity::QuantityError>,
    ) -> Option<T> {
        let hint = match self.node.value {
            Value::Integer(_) | Value::Float(_) => {
                format!("write it with a unit, as in \"{example}\"")
            }
            Value::Text(_) | Value::Bool(_) | Value::Date(_) | Value::List(_) | Value::Table(_) => {
                String::new()
            }
        };
        let text = match &self.node.value {
            Value::Text(text) => text.full.as_str(),
            Value::Integer(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Date(_)
            | Value::List(_)
            | Value::Table(_) => "",
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(format!("{error}, found {}", self.found()), &hint);
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        let word = self.str()?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word) {
            return Some(*value);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let hint = nearest(word, names.iter().copied())
            .map(|name| format!("did you mean \"{name}\"?"))
            .unwrap_or_default();
        self.expected(&format!("one of \"{}\"", names.join("\", \"")), &hint);
        None
    }

    /// The elements of a list.
    pub(super) fn items(&self) -> Vec<Field<'a>> {
        let Value::List(items) = &self.node.value else {
            self.expected("a list in square brackets", "");
            return Vec::new();
        };
        if items.len() > LONGEST_LIST {
            let found = items.len();
            self.problem(
                format!("expected at most {LONGEST_LIST} elements, found {found}"),
                "",
            );
        }
        items
            .iter()
            .take(LONGEST_LIST)
            .enumerate()
            .map(|(index, node)| Field {
                node,
                path: format!("{}[{index}]", self.path),
                sink: self.sink,
            })
            .collect()
    }

    /// A list of different texts that are not empty.
    pub(super) fn texts(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut texts = Vec::new();
        for item in self.items() {
            let Some(text) = item.str() else { continue };
            if text.trim().is_empty() {
                item.problem("expected a text, found an empty one", "");
            } else if seen.insert(text) {
                texts.push(text.to_owned());
            } else {
                item.problem(
                    format!("{} stands twice in the list", item.found()),
                    "remove one",
                );
            }
        }
        texts
    }
}

fn hinted(problem: Problem, hint: &str) -> Problem {
    if hint.is_empty() {
        problem
    } else {
        problem.hint(hint)
    }
}
