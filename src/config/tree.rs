//! The tree that files are read into: TOML values that remember where they stand.
//!
//! Problem: a mistake that only shows after the layers are merged must still be told by the line it was written on, and
//! deserialising into structs loses that line. Choice: nodes of our own, each with the place of its key and of its value,
//! merged as they are and read by hand. Nodes hold credentials, so none of these types prints itself.

use std::fmt;
use std::sync::Arc;

use toml::map::Map;

/// A table in the order of the file.
pub(super) type Table = Map<String, Node>;

/// A place in a file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) file: Arc<str>,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// A value and where it comes from.
#[derive(Clone)]
pub(super) struct Node {
    /// Where its key stands; for an element of a list, where the element does.
    pub(super) key_at: Origin,
    /// Where its value stands.
    pub(super) at: Origin,
    pub(super) value: Value,
}

impl Node {
    /// Whether a variable of this text could not be filled in.
    pub(super) fn failed(&self) -> bool {
        matches!(&self.value, Value::Text(text) if text.variables == Variables::Failed)
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.value, Value::Text(_))
    }

    /// Where a problem with this node is best pointed at: a table's header, else the value.
    pub(super) fn place(&self) -> &Origin {
        match self.value {
            Value::Table(_) => &self.key_at,
            Value::Text(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Date(_)
            | Value::List(_) => &self.at,
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({}:{})", self.at.file, self.at.line)
    }
}

/// A TOML value.
#[derive(Clone)]
pub(super) enum Value {
    Text(Text),
    Integer(i64),
    Float(f64),
    Bool(bool),
    /// A date as written; nothing takes one, it is kept to be told apart in messages.
    Date(String),
    List(Vec<Node>),
    Table(Table),
}

/// A string value.
#[derive(Clone, Default)]
pub(super) struct Text {
    /// What it says, variables filled in.
    pub(super) full: String,
    /// What may be shown, where that differs: values of variables that hold credentials are masked.
    pub(super) shown: Option<String>,
    /// What became of its variables.
    pub(super) variables: Variables,
}

/// What became of a text's variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Variables {
    /// There are none.
    #[default]
    None,
    /// All are filled in.
    Filled,
    /// One could not be filled in. That problem is told, and nothing else is worth telling of the text.
    Failed,
}

impl Text {
    /// A text as it stands in the file.
    pub(super) fn literal(text: impl Into<String>) -> Self {
        Self {
            full: text.into(),
            ..Self::default()
        }
    }

    /// What may be shown of it.
    pub(super) fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.full)
    }
}

/// Calls `visit` with every text below `node`, its own included, and the nearest key above it.
pub(super) fn each_text<'a>(key: &'a str, node: &'a Node, visit: &mut impl FnMut(&str, &'a Text)) {
    match &node.value {
        Value::Text(text) => visit(key, text),
        Value::List(items) => items.iter().for_each(|item| each_text(key, item, visit)),
        Value::Table(table) => table
            .iter()
            .for_each(|(key, node)| each_text(key, node, visit)),
        Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::Date(_) => {}
    }
}

/// The node as the TOML library's own value, for types that read themselves.
pub(super) fn plain(node: &Node) -> toml::Value {
    match &node.value {
        Value::Text(text) => toml::Value::String(text.full.clone()),
        Value::Integer(number) => toml::Value::Integer(*number),
        Value::Float(number) => toml::Value::Float(*number),
        Value::Bool(truth) => toml::Value::Boolean(*truth),
        Value::Date(text) => toml::Value::String(text.clone()),
        Value::List(items) => toml::Value::Array(items.iter().map(plain).collect()),
        Value::Table(table) => toml::Value::Table(
            table
                .iter()
                .map(|(key, node)| (key.clone(), plain(node)))
                .collect(),
        ),
    }
}

/// FNV-1a over the values of a tree, order included, places not: equal values give equal hashes.
/// The two constants are the 64-bit offset basis and prime of Fowler, Noll and Vo.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digest(u64);

impl Digest {
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) const fn value(self) -> u64 {
        self.0
    }

    /// Takes in `bytes` with their length, so that neighbours can't be told apart wrongly.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let length = (bytes.len() as u64).to_le_bytes();
        for byte in length.iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Takes in a table.
    pub(super) fn table(&mut self, table: &Table) {
        self.bytes(b"{");
        for (key, node) in table {
            self.bytes(key.as_bytes());
            self.node(node);
        }
        self.bytes(b"}");
    }

    fn node(&mut self, node: &Node) {
        match &node.value {
            Value::Text(text) => {
                self.bytes(b"text");
                self.bytes(text.full.as_bytes());
            }
            Value::Integer(number) => self.bytes(&number.to_le_bytes()),
            Value::Float(number) => {
                self.bytes(b"float");
                self.bytes(&number.to_bits().to_le_bytes());
            }
            Value::Bool(truth) => self.bytes(&[u8::from(*truth)]),
            Value::Date(text) => self.bytes(text.as_bytes()),
            Value::List(items) => {
                self.bytes(b"[");
                for item in items {
                    self.node(item);
                }
                self.bytes(b"]");
            }
            Value::Table(table) => self.table(table),
        }
    }
}
