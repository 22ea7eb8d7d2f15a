//! Text to tree, and syntax errors that don't repeat what stands in the file.
//!
//! Problem: the TOML library prints the source line of an error, and with it a key that stands there. Choice: its bare
//! description and place are taken, and of the line only words from a closed list are shown, with everything else masked;
//! so also an unquoted or half-quoted key stays unseen.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Layer;
use super::mask::{MASK, visible_line};
use super::problem::{Sink, at};
use super::tree::{Node, Origin, Table, Text, Value};
use super::unclosed::{Unclosed, unclosed};

/// Parses a layer; `None`, with the problems in `sink`, if its syntax is broken.
pub(super) fn parse(layer: &Layer, sink: &Sink) -> Option<Table> {
    let lines = Lines::new(&layer.name, &layer.text);
    let (table, errors) = DeTable::parse_recoverable(&layer.text);
    if errors.is_empty() {
        return Some(lines.table(table.into_inner(), sink));
    }
    sink.set_partial();
    let unclosed = unclosed(&layer.text).map(|it| (lines.origin(it.at), it));
    let mut told = None;
    if let Some((origin, unclosed)) = &unclosed {
        let (message, hint) = open(origin, unclosed, &lines);
        sink.problem(at(origin, "", message).hint(hint));
    }
    // An error in a line drags others along; the first of each line is the one to mend.
    for error in errors {
        let origin = lines.origin(error.span().unwrap_or(0..0).start);
        let follows = |(open, it): &(Origin, Unclosed)| {
            open.line == origin.line || (it.goes_on && open.line < origin.line)
        };
        if told == Some(origin.line) || unclosed.as_ref().is_some_and(follows) {
            continue;
        }
        told = Some(origin.line);
        let line = seen(lines.line(origin.line));
        let message = format!("broken TOML: {}", error.message());
        sink.problem(at(&origin, "", message).hint(format!("the line reads `{line}`")));
    }
    None
}

/// What is said of a quote or bracket that nobody closed, and what to do.
fn open(origin: &Origin, unclosed: &Unclosed, lines: &Lines<'_>) -> (String, String) {
    let (with, line) = (unclosed.with, seen(lines.line(origin.line)));
    let message = match with {
        "]" => "the bracket `[` that opens here is not closed".to_owned(),
        "}" => "the bracket `{` that opens here is not closed".to_owned(),
        _ if unclosed.goes_on => format!("the text that begins here is not closed by {with}"),
        _ => format!("the text that begins here is not closed by {with} on its line"),
    };
    let hint = format!("close it with {with}; the line reads `{line}`");
    (format!("broken TOML: {message}"), hint)
}

/// A broken line as it may be shown. One that begins as a table or an entry shows its name; of a value, and of any other line,
/// which may be the rest of one, only the structure, known words and numbers that stand outside of quotes: a text may be an
/// address with a credential in it, whatever its key is called.
fn seen(line: &str) -> String {
    let line = line.trim();
    let is_plain = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '-' | '.' | ' ');
    let key = line.split_once('=').map(|(key, _)| key.trim());
    let is_entry = key.is_some_and(|key| !key.is_empty() && key.chars().all(is_plain));
    let is_table = line.starts_with('[') && line.chars().all(|c| is_plain(c) || "[]".contains(c));
    let (true, shown) = (is_entry || is_table, visible_line(line)) else {
        return outline(line, false);
    };
    match shown.split_once('=') {
        Some((key, value)) if !shown.contains(MASK) => {
            let has_numbers = !value.contains(['"', '\'']);
            format!("{key}={}", outline(value, has_numbers))
        }
        Some(_) | None => shown,
    }
}

/// Words of TOML and of our own that a broken line may show.
const WORDS: &[&str] = &[
    "admin",
    "api_key",
    "base_url",
    "controller",
    "deadlines",
    "defaults",
    "discount",
    "enabled",
    "fallbacks",
    "false",
    "file",
    "forbid",
    "input",
    "kind",
    "law",
    "listen",
    "max_share",
    "min_share",
    "mode",
    "models",
    "on_lost_origin",
    "output",
    "price",
    "prices",
    "providers",
    "requests",
    "require",
    "retry",
    "routes",
    "server",
    "strategy",
    "tags",
    "targets",
    "tick",
    "tier",
    "true",
    "use",
    "weight",
];

/// The line with everything but known words, punctuation and perhaps numbers masked.
fn outline(line: &str, has_numbers: bool) -> String {
    let mut shown = String::new();
    let mut word = String::new();
    for c in line.chars().take(100) {
        if c.is_whitespace() || "=[]{}\"'.,#`".contains(c) {
            flush(&mut word, &mut shown, has_numbers);
            shown.push(c);
        } else {
            word.push(c);
        }
    }
    flush(&mut word, &mut shown, has_numbers);
    shown
}

/// Longest number that is shown, with its unit.
const LONGEST_NUMBER: usize = 8;

fn flush(word: &mut String, shown: &mut String, has_numbers: bool) {
    let is_number = word.len() <= LONGEST_NUMBER && word.starts_with(|c: char| c.is_ascii_digit());
    if WORDS.contains(&word.as_str()) || (has_numbers && is_number) {
        shown.push_str(word);
    } else if !word.is_empty() && !shown.ends_with(MASK) {
        shown.push_str(MASK);
    }
    word.clear();
}

/// The lines of a file, to tell places by.
struct Lines<'a> {
    file: Arc<str>,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(file: &str, text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            file: file.into(),
            text,
            starts: std::iter::once(0)
                .chain(ends.map(|(at, _)| at + 1))
                .collect(),
        }
    }

    fn origin(&self, offset: usize) -> Origin {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self
            .starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(0);
        // In a line of a megabyte, counting characters for each of its values would take minutes: count bytes there.
        let column = match self.text.get(start..offset) {
            Some(before) if before.len() < 4096 => before.chars().count(),
            Some(_) | None => offset.saturating_sub(start),
        };
        Origin {
            file: Arc::clone(&self.file),
            line: u32::try_from(line.max(1)).unwrap_or(u32::MAX),
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
        }
    }

    fn line(&self, number: u32) -> &'a str {
        let start = usize::try_from(number)
            .ok()
            .and_then(|number| self.starts.get(number.saturating_sub(1)));
        start
            .and_then(|start| self.text.get(*start..))
            .and_then(|rest| rest.lines().next())
            .unwrap_or_default()
    }

    fn table(&self, table: DeTable<'_>, sink: &Sink) -> Table {
        table
            .into_iter()
            .map(|(key, value)| {
                let node = self.node(key.span(), value, sink);
                (key.into_inner().into_owned(), node)
            })
            .collect()
    }

    fn node(&self, key: Range<usize>, value: Spanned<DeValue<'_>>, sink: &Sink) -> Node {
        let at = self.origin(value.span().start);
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(Text::literal(text)),
            DeValue::Integer(number) => integer(number.as_str(), number.radix(), &at, sink),
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(truth) => Value::Bool(truth),
            DeValue::Datetime(date) => Value::Date(date.to_string()),
            DeValue::Array(items) => Value::List(
                items
                    .into_iter()
                    .map(|item| self.node(item.span(), item, sink))
                    .collect(),
            ),
            DeValue::Table(table) => Value::Table(self.table(table, sink)),
        };
        Node {
            key_at: self.origin(key.start),
            at,
            value,
        }
    }
}

fn integer(digits: &str, radix: u32, origin: &Origin, sink: &Sink) -> Value {
    i64::from_str_radix(digits, radix).map_or_else(
        |_| {
            sink.problem(at(origin, "", "expected a number that fits 64 bits"));
            Value::Integer(0)
        },
        Value::Integer,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_is_shown_without_what_may_be_a_credential() {
        let cases = [
            ("api_key = \"sk-secret", "api_key = ***"),
            ("api_key = sk-secret and more", "api_key = ***"),
            ("note = sk-secret", "note = ***"),
            ("weight = 30 = 40", "weight = 30 = 40"),
            ("tick = 250ms", "tick = 250ms"),
            ("tick = 250ms-of-a-token", "tick = ***"),
            ("x-gateway = tok_abc", "x-gateway = ***"),
            (
                "url = \"https://hooks.example/services/T0/B0/xyz",
                "url = \"***.***",
            ),
            ("[\"tok_abc\"", "[\"***\""),
            ("  [providers.my-openai", "[providers.my-openai"),
            ("[sk-secret", "***"),
            ("c2VjcmV0==", "***=="),
            ("shortsecret\"", "***\""),
            ("use weight, true", "use weight, true"),
        ];
        for (line, shown) in cases {
            assert_eq!(seen(line), shown, "of {line:?}");
        }
    }

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let lines = Lines::new("a.toml", "é = 1\nü = \"x\"\n");
        let origin = lines.origin(11);
        assert_eq!(
            (origin.line, origin.column),
            (2, 4),
            "ü has two bytes and one column"
        );
    }
}
