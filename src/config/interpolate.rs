//! Variables in texts: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`; `$$` is a dollar sign.
//!
//! Filled in after parsing and inside string values only, so that a value can't add keys or end a string. A dollar sign
//! before anything else is itself: prices begin with one. What was filled in is not looked at again.

use super::mask::{MASK, is_secret_key, is_secret_variable};
use super::problem::{Sink, at};
use super::tree::{Node, Table, Text, Value, Variables};

/// Where variables and secret files come from: the process's environment and disk, or a test's table.
pub trait Lookup {
    /// The value of an environment variable; `None` if it is not set.
    ///
    /// # Errors
    /// It is set and can't be used; the text says why, without its value.
    fn variable(&self, name: &str) -> Result<Option<String>, String>;

    /// The content of a file that holds a credential.
    ///
    /// # Errors
    /// Why it can't be read, without its content.
    fn secret_file(&self, path: &str) -> Result<String, String>;

    /// Whether a listener can show itself with this certificate and key, both in PEM. Where nobody listens, whatever is given
    /// will do.
    ///
    /// # Errors
    /// Which of the two is unusable and why, without its content.
    fn identity(&self, _certificate: &str, _key: &str) -> Result<(), Unusable> {
        Ok(())
    }
}

/// What is wrong with a certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The certificate, and why.
    #[error("{0}")]
    Certificate(String),
    /// The key, and why.
    #[error("{0}")]
    Key(String),
}

/// Why a text can't be filled in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("expected `}}` after `${{`, found the end of the text")]
    Unclosed,
    #[error("expected a variable's name (letters, digits, `_`) after `${{`, as in `${{NAME}}`")]
    Name,
    #[error("variable {0} is not set")]
    Unset(String),
    #[error("variable {0} is not set: {1}")]
    Demanded(String, String),
    #[error("the value of variable {0} has a line break or control character in it")]
    Control(String),
    #[error("variable {0} {1}")]
    Unusable(String, String),
}

impl Fault {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unclosed | Self::Name => Some("write `$$` for a dollar sign".to_owned()),
            Self::Unset(name) => Some(format!("set it, or write `${{{name}:-default}}`")),
            Self::Control(_) => Some("check for a newline at its end".to_owned()),
            Self::Demanded(..) | Self::Unusable(..) => None,
        }
    }
}

/// Fills in all variables below `table`, whose own path is `path`.
pub(super) fn interpolate(table: &mut Table, path: &str, lookup: &dyn Lookup, sink: &Sink) {
    for (key, node) in table.iter_mut() {
        let path = super::section::join(path, key);
        fill(node, &path, is_secret_key(key), lookup, sink);
    }
}

fn fill(node: &mut Node, path: &str, secret: bool, lookup: &dyn Lookup, sink: &Sink) {
    match &mut node.value {
        Value::Text(text) => match expand(&text.full, lookup) {
            Ok(filled) => {
                if secret || filled.shown() != filled.full {
                    sink.keep_secret(&filled.full);
                }
                *text = filled;
            }
            Err(fault) => {
                let mut problem = at(&node.at, path, fault.to_string());
                problem.hint = fault.hint();
                sink.problem(problem);
                text.variables = Variables::Failed;
            }
        },
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                fill(item, &format!("{path}[{index}]"), secret, lookup, sink);
            }
        }
        Value::Table(table) => interpolate(table, path, lookup, sink),
        Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::Date(_) => {}
    }
}

/// `source` with its variables filled in.
pub(super) fn expand(source: &str, lookup: &dyn Lookup) -> Result<Text, Fault> {
    let mut text = String::new();
    let mut shown = String::new();
    let mut variables = Variables::None;
    let mut rest = source;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        shown.push_str(before);
        if let Some(tail) = after.strip_prefix('{') {
            let (expression, tail) = tail.split_once('}').ok_or(Fault::Unclosed)?;
            let (name, value) = variable(expression, lookup)?;
            text.push_str(&value);
            shown.push_str(if is_secret_variable(name) {
                MASK
            } else {
                &value
            });
            variables = Variables::Filled;
            rest = tail;
        } else {
            text.push('$');
            shown.push('$');
            rest = after.strip_prefix('$').unwrap_or(after);
        }
    }
    text.push_str(rest);
    shown.push_str(rest);
    let shown = (shown != text).then_some(shown);
    Ok(Text {
        full: text,
        shown,
        variables,
    })
}

/// Name and value of what stands between the braces. An empty value counts as unset where there is a default or a message,
/// as in the shell.
fn variable<'a>(expression: &'a str, lookup: &dyn Lookup) -> Result<(&'a str, String), Fault> {
    let (name, rest) = expression
        .split_once(':')
        .map_or((expression, None), |(name, rest)| (name, Some(rest)));
    let mut letters = name.chars();
    let starts_well = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(Fault::Name);
    }
    let found = lookup
        .variable(name)
        .map_err(|why| Fault::Unusable(name.to_owned(), why))?;
    let value = match rest {
        None => found.ok_or_else(|| Fault::Unset(name.to_owned()))?,
        Some(rest) => match (
            found.filter(|value| !value.is_empty()),
            rest.split_at_checked(1),
        ) {
            (Some(value), Some(("-" | "?", _))) => value,
            (None, Some(("-", default))) => default.to_owned(),
            (None, Some(("?", ""))) => return Err(Fault::Unset(name.to_owned())),
            (None, Some(("?", message))) => {
                return Err(Fault::Demanded(name.to_owned(), message.to_owned()));
            }
            (_, Some(_) | None) => return Err(Fault::Name),
        },
    };
    if value.chars().any(char::is_control) {
        return Err(Fault::Control(name.to_owned()));
    }
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Table(&'static [(&'static str, &'static str)]);

    impl Lookup for Table {
        fn variable(&self, name: &str) -> Result<Option<String>, String> {
            let found = self.0.iter().find(|(key, _)| *key == name);
            Ok(found.map(|(_, value)| (*value).to_owned()))
        }
        fn secret_file(&self, _: &str) -> Result<String, String> {
            Err("there are no files".to_owned())
        }
    }

    fn text(source: &str) -> Result<String, Fault> {
        let table = Table(&[
            ("HOST", "example"),
            ("EMPTY", ""),
            ("BAD", "a\nb"),
            ("X", "${HOST}"),
        ]);
        expand(source, &table).map(|text| text.full)
    }

    #[test]
    fn variables_are_filled_in_once_and_defaults_stand_in_for_what_is_unset_or_empty() {
        let cases = [
            ("https://${HOST}/v1", "https://example/v1"),
            ("${NONE:-fallback}", "fallback"),
            ("${EMPTY:-fallback}", "fallback"),
            ("${EMPTY}", ""),
            ("${NONE:-}", ""),
            ("${HOST:?needed}", "example"),
            ("$0.60 / 1M tokens", "$0.60 / 1M tokens"),
            ("$${HOST} costs $$5", "${HOST} costs $5"),
            ("${X}", "${HOST}"),
            ("$", "$"),
        ];
        for (source, expected) in cases {
            assert_eq!(text(source).as_deref(), Ok(expected), "of {source:?}");
        }
    }

    #[test]
    fn what_cannot_be_filled_in_is_refused() {
        let cases = [
            ("${NONE}", Fault::Unset("NONE".into())),
            ("${NONE:?}", Fault::Unset("NONE".into())),
            (
                "${EMPTY:?set it}",
                Fault::Demanded("EMPTY".into(), "set it".into()),
            ),
            ("${HOST", Fault::Unclosed),
            ("${}", Fault::Name),
            ("${1A}", Fault::Name),
            ("${HOST:=x}", Fault::Name),
            ("${HOST:é}", Fault::Name),
            ("${BAD}", Fault::Control("BAD".into())),
        ];
        for (source, expected) in cases {
            assert_eq!(text(source), Err(expected), "of {source:?}");
        }
    }

    #[test]
    fn a_variable_with_a_telling_name_is_masked_wherever_it_is_used() {
        let table = Table(&[("API_TOKEN", "tell-nobody")]);
        let text = expand("https://host/${API_TOKEN}", &table).unwrap();
        assert_eq!(text.full, "https://host/tell-nobody");
        assert_eq!(text.shown(), "https://host/***");
    }
}
