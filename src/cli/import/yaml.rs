//! YAML as a tree in which everything knows its line.
//!
//! The problem: what is left out must be told with its line, which readers by serde throw away, and a file may be hostile: a
//! few lines of aliases can stand for gigabytes. The choice: the events of a parser, put together here, with bounds on depth
//! and size. Scalars stay texts; what they are is asked by whoever knows what should be there.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// Most nodes of a file, aliases counted by what they stand for. A proxy of a thousand models has some twenty thousand.
const MOST_NODES: usize = 200_000;
/// Deepest nesting. Files that people write have ten levels.
const DEEPEST: usize = 64;

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// From 1.
    pub(super) line: usize,
    pub(super) value: Value,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Scalar { text: String, is_plain: bool },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) node: Node,
}

/// Why a text is no YAML that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub(super) struct Unreadable {
    pub(super) line: usize,
    pub(super) why: String,
}

/// Reads a text of one document; an empty one is an empty map.
pub(super) fn read(text: &str) -> Result<Node, Unreadable> {
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text.trim_start_matches('\u{feff}')) {
        let (event, span) = event.map_err(|error| Unreadable {
            line: error.marker().line(),
            why: error.info().to_owned(),
        })?;
        tree.take(event, span).map_err(|why| Unreadable {
            line: span.start.line(),
            why: why.to_owned(),
        })?;
    }
    Ok(tree.root.unwrap_or(Node {
        line: 1,
        value: Value::Map(Vec::new()),
    }))
}

// === impl Node ===

impl Node {
    /// The text of a scalar that is not null.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, is_plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// A finite number. One in quotes counts too, as it does for LiteLLM.
    pub(super) fn number(&self) -> Option<f64> {
        let number: f64 = self.text()?.trim().replace('_', "").parse().ok()?;
        number.is_finite().then_some(number)
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.text()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of `key`, if this is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let mut entries = self.map()?.iter();
        Some(&entries.find(|entry| entry.key == key)?.node)
    }

    /// How many nodes there are, this one included.
    fn size(&self) -> usize {
        match &self.value {
            Value::Scalar { .. } => 1,
            Value::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|it| it.node.size()).sum::<usize>(),
        }
    }
}

/// A collection that has begun.
struct Open {
    line: usize,
    anchor: usize,
    value: Value,
    /// The key of a map that waits for its value.
    key: Option<(usize, String)>,
}

/// The tree while it grows.
#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    root: Option<Node>,
    anchors: BTreeMap<usize, (Node, usize)>,
    nodes: usize,
}

// === impl Tree ===

impl Tree {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), &'static str> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let value = Value::Scalar {
                    text: text.into_owned(),
                    is_plain: style == ScalarStyle::Plain,
                };
                self.place(Node { line, value }, anchor, 1)
            }
            Event::SequenceStart(anchor, _) => self.begin(line, anchor, Value::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(line, anchor, Value::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor);
                let (node, size) = known.cloned().ok_or("an alias of nothing before it")?;
                self.place(node, 0, size)
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                Err("expected one document, found a second one")
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, line: usize, anchor: usize, value: Value) -> Result<(), &'static str> {
        if self.open.len() >= DEEPEST {
            return Err("it is nested too deeply");
        }
        self.open.push(Open {
            line,
            anchor,
            value,
            key: None,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), &'static str> {
        let Some(open) = self.open.pop() else {
            return Err("an end without a beginning");
        };
        let value = match open.value {
            Value::Map(entries) => Value::Map(merged(entries)),
            other => other,
        };
        let node = Node {
            line: open.line,
            value,
        };
        self.place(node, open.anchor, 1)
    }

    /// Puts a whole node where it belongs; `size` is what it adds.
    fn place(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), &'static str> {
        self.nodes += size;
        if self.nodes > MOST_NODES {
            return Err("it is too large, its aliases written out");
        }
        if anchor > 0 {
            let size = node.size();
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.value, open.key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Map(entries), Some((line, key))) => {
                // The last one of a name wins, as in Python.
                entries.retain(|entry| entry.key != key || key == "<<");
                entries.push(Entry { line, key, node });
            }
            (Value::Map(_), None) => {
                let Value::Scalar { text, .. } = node.value else {
                    return Err("expected a text as a key");
                };
                open.key = Some((node.line, text));
            }
            (Value::Scalar { .. }, _) => return Err("a value inside a text"),
        }
        Ok(())
    }
}

/// Entries with those of `<<: *other` among them; what stands there itself wins.
fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    if !entries.iter().any(|entry| entry.key == "<<") {
        return entries;
    }
    let (merges, mut own): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.key == "<<");
    for merge in merges {
        let sources = match merge.node.value {
            Value::List(items) => items,
            value => vec![Node {
                line: merge.line,
                value,
            }],
        };
        for source in sources {
            let Value::Map(more) = source.value else {
                continue;
            };
            for entry in more {
                if !own.iter().any(|known| known.key == entry.key) {
                    own.push(entry);
                }
            }
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Unreadable {
        read(text).expect_err("it must be refused")
    }

    #[test]
    fn values_know_their_lines_and_merged_keys_give_way() {
        let text = "base: &base\n  a: 1\n  b: 2\nmine:\n  <<: *base\n  b: 3\n  c: [x, 'y']\n";
        let tree = read(text).unwrap();
        let mine = tree.get("mine").unwrap();
        assert_eq!(mine.get("a").and_then(Node::number), Some(1.0));
        assert_eq!(mine.get("b").and_then(Node::number), Some(3.0));
        assert_eq!(mine.get("c").unwrap().line, 7);
        assert_eq!(mine.get("c").and_then(Node::list).map(<[_]>::len), Some(2));
    }

    #[test]
    fn null_is_no_text_unless_it_is_quoted() {
        let tree = read("a:\nb: null\nc: 'null'\nd: ''\n").unwrap();
        let text = |key: &str| tree.get(key).unwrap().text();
        assert_eq!(
            (text("a"), text("b"), text("c"), text("d")),
            (None, None, Some("null"), Some(""))
        );
    }

    #[test]
    fn what_stands_for_gigabytes_is_refused_at_once() {
        use std::fmt::Write as _;
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..20 {
            let before = level - 1;
            let row = vec![format!("*a{before}"); 10].join(", ");
            writeln!(bomb, "a{level}: &a{level} [{row}]").unwrap();
        }
        assert!(refused(&bomb).why.contains("too large"));
        let deep = "[".repeat(100_000);
        assert!(!refused(&deep).why.is_empty());
        assert_eq!(refused("a: 1\n---\nb: 2\n").line, 2);
        assert!(!refused("a: 1\nb: [1\n").why.is_empty());
    }
}
