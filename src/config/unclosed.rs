//! The quote or bracket of a broken file that nobody closed.
//!
//! Problem: a parser notices what is missing where something else begins, which may be a screen further down, and names that
//! line. Choice: the text is walked once more, only to pair quotes and brackets, and what was opened last and not closed is
//! named where it opens. How it fails: a closing `"""` that is missing pairs with the next opening one; then the parser's own
//! words are left to help.

/// What was opened and not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclosed {
    /// Where, in bytes.
    pub(super) at: usize,
    /// What would close it.
    pub(super) with: &'static str,
    /// Whether nothing behind it can be trusted: a text of one line ends with its line, all else goes on.
    pub(super) goes_on: bool,
}

/// The first quote or bracket of `text` that is not closed where it has to be.
pub(super) fn unclosed(text: &str) -> Option<Unclosed> {
    let mut open: Vec<Unclosed> = Vec::new();
    // The last character that counts, to tell where the next entry of a table may begin.
    let mut last = b'\n';
    let (bytes, mut i) = (text.as_bytes(), 0);
    while let Some(byte) = bytes.get(i).copied() {
        match byte {
            b'#' => {
                i = end_of_line(bytes, i);
                continue;
            }
            b'"' | b'\'' => match closed(bytes, i) {
                Ok(after) => i = after - 1,
                Err(unclosed) => return Some(unclosed),
            },
            b'[' => open.push(bracket(i, "]")),
            b'{' => open.push(bracket(i, "}")),
            b']' | b'}' => match open.pop() {
                Some(inner) if inner.with.as_bytes() != [byte] => return Some(inner),
                Some(_) | None => {}
            },
            b'\n' => {
                if let Some(inner) = open.last()
                    && begins_anew(line(bytes, i + 1), inner.with, last)
                {
                    return Some(*inner);
                }
            }
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            last = byte;
        }
        i += 1;
    }
    open.pop()
}

const fn bracket(at: usize, with: &'static str) -> Unclosed {
    Unclosed {
        at,
        with,
        goes_on: true,
    }
}

/// Where the text ends whose quote opens at `at`: behind its closing one.
fn closed(bytes: &[u8], at: usize) -> Result<usize, Unclosed> {
    let quote = bytes[at];
    let is_long = bytes.get(at..at + 3).is_some_and(|it| it == [quote; 3]);
    let mut i = if is_long { at + 3 } else { at + 1 };
    while let Some(byte) = bytes.get(i).copied() {
        if byte == b'\n' && !is_long {
            break;
        }
        if byte == b'\\' && quote == b'"' {
            i += 2;
            continue;
        }
        if byte == quote && !is_long {
            return Ok(i + 1);
        }
        if byte == quote && bytes.get(i..i + 3).is_some_and(|it| it == [quote; 3]) {
            // Up to two quotes before the closing three belong to the text.
            let quotes = bytes[i..].iter().take_while(|it| **it == quote).count();
            return Ok(i + quotes.min(5));
        }
        i += 1;
    }
    let with = match (quote, is_long) {
        (b'"', false) => "\"",
        (b'"', true) => "\"\"\"",
        (_, false) => "'",
        (_, true) => "'''",
    };
    Err(Unclosed {
        at,
        with,
        goes_on: is_long,
    })
}

fn end_of_line(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let length = rest.iter().position(|byte| *byte == b'\n');
    from + length.unwrap_or(rest.len())
}

fn line(bytes: &[u8], from: usize) -> &[u8] {
    let line = bytes.get(from..end_of_line(bytes, from));
    line.unwrap_or_default().trim_ascii()
}

/// Whether this line can only be a new statement, so that the bracket that `with` would close was meant to be closed before.
fn begins_anew(line: &[u8], with: &str, last: u8) -> bool {
    // An entry of a table begins like a statement, but behind a comma.
    let is_entry = with == "}" && matches!(last, b',' | b'{');
    is_header(line) || (is_assignment(line) && !is_entry)
}

const fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// `[a.b]` or `[[a]]`: a list in brackets would have a number, a truth or a text in it.
fn is_header(line: &[u8]) -> bool {
    let inner = line.strip_prefix(b"[").unwrap_or_default();
    let inner = inner.strip_prefix(b"[").unwrap_or(inner);
    let name = inner.split(|byte| *byte == b']').next().unwrap_or_default();
    let is_value = matches!(name, b"true" | b"false" | b"inf" | b"nan");
    name.len() < inner.len()
        && name.first().is_some_and(u8::is_ascii_alphabetic)
        && !is_value
        && name
            .iter()
            .all(|byte| is_bare(*byte) || matches!(byte, b'.' | b'"' | b'/' | b' '))
}

/// `key =`, also dotted.
fn is_assignment(line: &[u8]) -> bool {
    let key = line
        .iter()
        .take_while(|byte| is_bare(**byte) || **byte == b'.');
    let length = key.count();
    let rest = line.get(length..).unwrap_or_default().trim_ascii_start();
    length > 0 && rest.first() == Some(&b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of what is not closed, as the text before it, and what would close it.
    fn found(text: &str) -> Option<(&str, &'static str)> {
        let unclosed = unclosed(text)?;
        Some((text.get(..unclosed.at)?, unclosed.with))
    }

    #[test]
    fn what_is_not_closed_is_named_where_it_opens() {
        for (text, place, with) in [
            ("a = \"x\nb = 1\n", "a = ", "\""),
            ("a = 'x\nb = 1\n", "a = ", "'"),
            ("a = [\"x, \"y\"]\n", "a = [\"x, \"y", "\""),
            ("a = \"\"\"x\nb = \"y\"\n", "a = ", "\"\"\""),
            ("a = [1, 2\nb = 1\n", "a = ", "]"),
            ("a = [\n  1,\n\n[b.c]\nd = 1\n", "a = ", "]"),
            ("a = [\n  [1, 2],\n", "a = ", "]"),
            ("a = { b = 1\nc = 2\n", "a = ", "}"),
            ("a = { b = 1,\n[c]\n", "a = ", "}"),
            ("a = { b = [1, 2 }\n", "a = { b = ", "]"),
            ("[a.b\nc = 1\n", "", "]"),
        ] {
            assert_eq!(found(text), Some((place, with)), "{text:?}");
        }
    }

    #[test]
    fn what_is_closed_is_left_alone() {
        for text in [
            "a = \"[ \\\" {\" # [ \"\nb = ']'\n",
            "a = [\n  [1], # one ]\n  [true],\n  [\"b.c\"],\n]\n[[d]]\n",
            "a = {\n  b = 1,\n  c = [2],\n}\n",
            "a = \"\"\"one \" two\n[\"\"\"\"\nb = 1\n",
            "",
        ] {
            assert_eq!(found(text), None, "{text:?}");
        }
    }
}
