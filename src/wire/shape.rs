//! What a piece of JSON is, told from its first byte.

use serde_json::value::RawValue;

/// What a JSON value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Null,
    Boolean,
    Number,
    Text,
    Array,
    Object,
}

impl Shape {
    /// The shape that a value starting with `byte` must have; `None` if no value starts so.
    pub(super) const fn starting_with(byte: u8) -> Option<Self> {
        match byte {
            b'n' => Some(Self::Null),
            b't' | b'f' => Some(Self::Boolean),
            b'-' | b'0'..=b'9' => Some(Self::Number),
            b'"' => Some(Self::Text),
            b'[' => Some(Self::Array),
            b'{' => Some(Self::Object),
            _ => None,
        }
    }

    /// The shape of `value`, from its first byte: a `RawValue` is valid JSON without space around it.
    pub(super) fn of(value: &RawValue) -> Self {
        let first = value.get().bytes().next();
        first.and_then(Self::starting_with).unwrap_or(Self::Null)
    }

    /// The shape in an error's words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// What came, in an error's words: numbers and booleans as they are, of everything else only the shape, since texts may be
/// somebody's prompt.
pub(super) fn found(value: &RawValue) -> &str {
    /// No number that people write is longer.
    const SHOWN: usize = 32;
    let shape = Shape::of(value);
    match shape {
        Shape::Number | Shape::Boolean if value.get().len() <= SHOWN => value.get(),
        Shape::Null
        | Shape::Boolean
        | Shape::Number
        | Shape::Text
        | Shape::Array
        | Shape::Object => shape.words(),
    }
}
