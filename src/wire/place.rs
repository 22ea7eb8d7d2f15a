//! Places in a body, and errors about them.
//!
//! An error without its place sends people searching; a path built as text at every step costs an allocation per member of
//! every request. So a place is a chain on the stack, written out only when something is wrong there.

use std::fmt;

use serde_json::value::RawValue;

use super::shape::found;

/// Why a request cannot be read: always the client's to mend, so always a 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Where in the body, for example `load_balancer.models[2].weight`; `None` where it is the body as a whole.
    pub param: Option<String>,
    /// What was expected and what was found. Never contains more of the body than a number, a type's or a model's name.
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.param {
            Some(param) => write!(f, "{param}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

/// A place in a body, built on the stack while walking and written out only for an error.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'p> {
    up: Option<&'p At<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

impl<'p> At<'p> {
    /// The body itself.
    pub(super) const ROOT: At<'static> = At {
        up: None,
        step: Step::Root,
    };

    /// The member `key` of the object here.
    pub(super) const fn key(&'p self, key: &'p str) -> Self {
        Self {
            up: Some(self),
            step: Step::Key(key),
        }
    }

    /// The element `index` of the array here.
    pub(super) const fn index(&'p self, index: usize) -> Self {
        Self {
            up: Some(self),
            step: Step::Index(index),
        }
    }

    /// An error about this place.
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        Error {
            param: match self.step {
                Step::Root => None,
                Step::Key(_) | Step::Index(_) => Some(self.to_string()),
            },
            message: message.into(),
        }
    }

    /// The error for a value that is not what was `expected`.
    pub(super) fn unexpected(&self, expected: &str, value: &RawValue) -> Error {
        self.error(format!("expected {expected}, found {}", found(value)))
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below_root = match self.up {
            Some(up) => {
                up.fmt(f)?;
                !matches!(up.step, Step::Root)
            }
            None => false,
        };
        match self.step {
            Step::Root => Ok(()),
            Step::Key(key) if below_root => write!(f, ".{key}"),
            Step::Key(key) => f.write_str(key),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}
