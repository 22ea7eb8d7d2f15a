//! `law` of a simulated provider: read by its own type, with its errors put where they belong.

use serde_path_to_error::Segment;

use crate::law::Law;

use super::field::Field;
use super::problem::{at, nearest};
use super::section::join;
use super::tree::{Node, Value, plain};

/// Reads the law; `None`, with the problem told, if it is none.
pub(super) fn law(field: &Field<'_>) -> Option<Box<Law>> {
    field.section()?;
    match serde_path_to_error::deserialize::<_, Law>(plain(field.node)) {
        Ok(law) => Some(Box::new(law)),
        Err(error) => {
            tell(field, error.path().iter(), error.inner().message());
            None
        }
    }
}

fn tell<'s>(field: &Field<'_>, steps: impl Iterator<Item = &'s Segment>, message: &str) {
    let mut node = field.node;
    let mut path = field.path.clone();
    for step in steps {
        let Some((below, name)) = below(node, &path, step) else {
            break;
        };
        (node, path) = (below, name);
    }
    let unknown = message.starts_with("unknown field");
    let place = if unknown { &node.key_at } else { node.place() };
    let mut words = message.split('`').skip(1).step_by(2);
    let wrong = words.next().unwrap_or_default();
    let meant = if unknown { nearest(wrong, words) } else { None };
    let problem = match meant {
        Some(word) => at(place, &path, "unknown key").hint(format!("did you mean `{word}`?")),
        None => at(place, &path, message),
    };
    field.sink.problem(problem);
}

fn below<'a>(node: &'a Node, path: &str, step: &Segment) -> Option<(&'a Node, String)> {
    match (&node.value, step) {
        (Value::Table(table), Segment::Map { key }) => Some((table.get(key)?, join(path, key))),
        (Value::List(items), Segment::Seq { index }) => {
            Some((items.get(*index)?, format!("{path}[{index}]")))
        }
        (
            Value::Table(_)
            | Value::List(_)
            | Value::Text(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Date(_),
            Segment::Map { .. } | Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown,
        ) => None,
    }
}
