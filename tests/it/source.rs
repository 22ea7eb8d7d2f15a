//! The sources as the rules see them: without comments, text and tests, as paths and functions.
//!
//! No parser of Rust: a scan for words that is right for code that rustfmt has formatted and the compiler has accepted. What
//! it cannot see (paths that a macro puts together) does not occur here.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of `src`, its comments, texts and tests blanked; lines are where they were.
#[derive(Debug)]
pub(crate) struct Source {
    /// From `src` on, with slashes.
    pub(crate) path: String,
    text: String,
}

/// A path that the code names, `use` trees unfolded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
}

/// A function with its size.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// From `fn` to the closing brace.
    pub(crate) lines: usize,
}

/// The top of the package.
pub(crate) fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files of `src` that are no tests, by path.
pub(crate) fn sources() -> Vec<Source> {
    let (root, mut files) = (package().join("src"), Vec::new());
    gather(&root, &mut files);
    files.sort();
    let relative = |file: &PathBuf| {
        let path = file.strip_prefix(&root).unwrap();
        path.to_string_lossy().replace('\\', "/")
    };
    files
        .iter()
        .map(|file| (relative(file), fs::read_to_string(file).unwrap()))
        .filter(|(path, _)| !is_test(path))
        .map(|(path, text)| Source::new(path, &text))
        .collect()
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Files of tests are called `tests.rs` or `…_tests.rs`, or lie in a folder `tests`.
fn is_test(path: &str) -> bool {
    let stem = path.trim_end_matches(".rs");
    stem.ends_with("_tests") || stem.split('/').any(|part| part == "tests")
}

impl Source {
    pub(crate) fn new(path: String, text: &str) -> Self {
        let text = without_tests(blanked(text));
        Self { path, text }
    }

    /// The module of this file: `balance`, `gate` for `balance/gate.rs`.
    pub(crate) fn module(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs");
        let stem = stem.trim_end_matches("/mod");
        stem.split('/').map(str::to_owned).collect()
    }

    /// The lines, with their numbers.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(i, line)| (i + 1, line))
    }

    /// Every path that it names.
    pub(crate) fn paths(&self) -> Vec<Named> {
        let (words, mut found) = (words(&self.text), Vec::new());
        let mut at = 0;
        while at < words.len() {
            let starts = is_name(&words[at].1) && (at == 0 || words[at - 1].1 != "::");
            at = if starts {
                unfold(&words, at, &[], &mut found)
            } else {
                at + 1
            };
        }
        found.retain(|named| named.segments.len() > 1);
        found
    }

    /// Every function with a body.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let words = words(&self.text);
        let heads = (0..words.len().saturating_sub(1))
            .filter(|at| words[*at].1 == "fn" && is_name(&words[at + 1].1));
        let function = |at: usize| {
            let (line, end) = (words[at].0, end_of_item(&words, at)?);
            Some(Function {
                name: words[at + 1].1.clone(),
                line,
                lines: words[end].0 - line + 1,
            })
        };
        heads.filter_map(function).collect()
    }
}

type Word = (usize, String);

/// Names, `::`, and every other sign by itself, each with its line.
fn words(text: &str) -> Vec<Word> {
    let (mut words, mut line): (Vec<Word>, usize) = (Vec::new(), 1);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let name = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let length = match first {
            _ if name > 0 => name,
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        let (word, tail) = rest.split_at(length);
        if !first.is_whitespace() {
            words.push((line, word.to_owned()));
        }
        line += usize::from(first == '\n');
        rest = tail;
    }
    words
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Adds the paths of the tree that starts at `at`, each after `before`; returns where it ends.
fn unfold(words: &[Word], mut at: usize, before: &[String], found: &mut Vec<Named>) -> usize {
    let (line, mut segments) = (words[at].0, before.to_vec());
    let is = |at: usize, sign: &str| words.get(at).is_some_and(|(_, word)| word == sign);
    while words.get(at).is_some_and(|(_, word)| is_name(word)) {
        segments.push(words[at].1.clone());
        if !is(at + 1, "::") {
            found.push(Named { line, segments });
            return at + 1;
        }
        at += 2;
    }
    if !is(at, "{") {
        // A star, or the types after a turbofish.
        found.push(Named { line, segments });
        return at;
    }
    while at < words.len() && !is(at, "}") {
        at += 1;
        if words.get(at).is_some_and(|(_, word)| is_name(word)) {
            at = unfold(words, at, &segments, found);
        }
        // `self as name` and the comma after it.
        while at < words.len() && !is(at, ",") && !is(at, "}") {
            at += 1;
        }
    }
    at + 1
}

/// The word that closes the item at `at`; `None` if it has no body.
fn end_of_item(words: &[Word], at: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (i, (_, word)) in words.iter().enumerate().skip(at) {
        match word.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    return Some(i);
                }
            }
            ";" if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The text with items under `#[cfg(test)]` blanked.
fn without_tests(mut text: String) -> String {
    const MARK: &str = "#[cfg(test)]";
    while let Some(start) = text.find(MARK) {
        let body = start + MARK.len();
        let length = item_length(&text[body..]);
        let blank: String = text[start..body + length]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        text.replace_range(start..body + length, &blank);
    }
    text
}

fn item_length(text: &str) -> usize {
    let mut depth = 0_i32;
    for (at, sign) in text.char_indices() {
        match sign {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' => depth -= 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The text with comments and what stands in quotes blanked.
fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = hidden(rest, out.chars().next_back());
        let keep = length == 0;
        let length = if keep { first.len_utf8() } else { length };
        let (piece, tail) = rest.split_at(length);
        let blank = |c: char| if keep || c == '\n' { c } else { ' ' };
        out.extend(piece.chars().map(blank));
        rest = tail;
    }
    out
}

/// The length of the comment or quotation that `text` begins with, or 0.
fn hidden(text: &str, before: Option<char>) -> usize {
    let to = |end: Option<usize>, more: usize| end.map_or(text.len(), |end| end + more);
    let in_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if text.starts_with("//") {
        return to(text.find('\n'), 0);
    }
    if text.starts_with("/*") {
        return to(text.find("*/"), 2);
    }
    let raw = text.trim_start_matches(['b', 'r']);
    let quoted = raw.trim_start_matches('#');
    let (prefix, hashes) = (text.len() - raw.len(), raw.len() - quoted.len());
    let is_raw = !in_name && prefix <= 2 && text[..prefix].contains('r');
    if is_raw && quoted.starts_with('"') {
        let (open, close) = (prefix + hashes + 1, format!("\"{}", "#".repeat(hashes)));
        return to(text[open..].find(&close), open + close.len());
    }
    if let Some(rest) = text.strip_prefix('"') {
        return to(closing(rest, '"'), 2);
    }
    // A lifetime has no quote after its first character, a character literal does.
    if let Some(rest) = text.strip_prefix('\'') {
        let mut signs = rest.chars();
        if signs.next() == Some('\\') || signs.next() == Some('\'') {
            return to(closing(rest, '\''), 2);
        }
    }
    0
}

/// Where `quote` closes, escapes passed over.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let closes = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })
}

#[test]
fn the_scan_sees_code_and_nothing_else() {
    let text = r##"
//! crate::comment::No
use crate::{a, b::{self, c as d, e::*}};
const TEXT: &str = "crate::text::No { \" ";
const RAW: &str = r#"crate::raw::No " {"#;
fn one<'a>(x: &'a str, sign: char) -> bool {
    sign == '{' || sign == '\'' || super::f::<g::H>(x)
}
#[cfg(test)]
mod tests {
    use crate::tests::No;
}
trait T { fn none(&self); }
"##;
    let source = Source::new("m/n.rs".to_owned(), text);
    let paths: Vec<String> = source
        .paths()
        .iter()
        .map(|named| format!("{}:{}", named.line, named.segments.join("::")))
        .collect();
    assert_eq!(
        paths,
        [
            "3:crate::a",
            "3:crate::b::self",
            "3:crate::b::c",
            "3:crate::b::e",
            "7:super::f",
            "7:g::H",
        ],
        "use trees are unfolded; comments, texts and tests are not seen"
    );
    let functions = source.functions();
    assert_eq!(functions.len(), 1, "a head without a body has no length");
    assert_eq!(
        (functions[0].name.as_str(), functions[0].lines),
        ("one", 3),
        "braces in quotes do not count"
    );
}
