//! What a request wants of its answer beside text: calls of tools, thoughts, a shape.

use serde_json::Value;

/// What a request wants of its answer beside text.
#[derive(Debug, Default)]
pub(super) struct Wish {
    /// The tools that may be called.
    pub(super) tools: Vec<Tool>,
    pub(super) calling: Calling,
    /// The JSON Schema that the answer must satisfy.
    pub(super) schema: Option<Value>,
    pub(super) thinking: Thinking,
    /// Thoughts are to come along sealed (Responses' `encrypted_content`).
    pub(super) is_sealed: bool,
}

/// A tool that may be called.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    /// JSON Schema of its arguments.
    pub(super) schema: Value,
}

/// Whether the answer calls a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Calling {
    #[default]
    Never,
    /// As often as the law says, so many at once.
    May(usize),
    /// In any case, so many at once.
    Must(usize),
}

/// Whether thoughts come before the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Thinking {
    #[default]
    No,
    /// They are counted and signed, their text stays away.
    Hidden,
    Shown,
}

/// Which tool a request chooses.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    None,
    Auto,
    Any,
    Named(String),
}

impl Choice {
    /// The choice of a single word, which each API spells in its own case.
    pub(super) fn of_word(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "none" => Self::None,
            "any" | "required" | "validated" => Self::Any,
            _ => Self::Auto,
        }
    }
}

/// Who spoke last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Last<'a> {
    /// The last message.
    pub(super) message: &'a Value,
    /// A user, rather than a tool or the model.
    pub(super) is_user: bool,
    /// Several calls at once are allowed.
    pub(super) is_parallel: bool,
}

impl Wish {
    /// Takes the tools in, with what follows from the choice and from who spoke last.
    pub(super) fn take_tools(&mut self, mut tools: Vec<Tool>, choice: &Choice, last: Last<'_>) {
        let calls = if last.is_parallel && has_word(last.message, "both") {
            2
        } else {
            1
        };
        self.calling = match choice {
            _ if tools.is_empty() => Calling::Never,
            Choice::Any | Choice::Named(_) => Calling::Must(calls),
            Choice::Auto if last.is_user => Calling::May(calls),
            Choice::None | Choice::Auto => Calling::Never,
        };
        if let Choice::Named(name) = choice {
            tools.retain(|tool| tool.name == *name);
        }
        self.tools = tools;
    }

    /// How many calls the answer consists of, if the law wants a call where one may be.
    pub(super) fn calls(&self, law: bool) -> usize {
        match self.calling {
            Calling::Must(calls) => calls,
            Calling::May(calls) if law => calls,
            Calling::May(_) | Calling::Never => 0,
        }
    }
}

/// Whether a word stands anywhere in the texts of a message.
fn has_word(value: &Value, word: &str) -> bool {
    match value {
        Value::String(text) => text
            .split(|c: char| !c.is_alphanumeric())
            .any(|part| part.eq_ignore_ascii_case(word)),
        Value::Array(items) => items.iter().any(|item| has_word(item, word)),
        Value::Object(members) => members.values().any(|item| has_word(item, word)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The items of a list; none if it is no list.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A tool with this name and schema, if it has a name.
pub(super) fn tool(name: &Value, schema: &Value) -> Option<Tool> {
    Some(Tool {
        name: name.as_str()?.to_owned(),
        schema: match schema {
            Value::Object(_) => schema.clone(),
            _ => serde_json::json!({"type": "object"}),
        },
    })
}

/// A whole number from 0 up, also where it is written as one with a fraction.
pub(super) fn whole(value: &Value) -> Option<u64> {
    let text = || value.to_string().strip_suffix(".0")?.parse().ok();
    value.as_u64().or_else(text)
}
