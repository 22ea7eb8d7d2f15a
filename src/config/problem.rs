//! What is wrong with a configuration, told so that it can be put right without a second look.
//!
//! Problem: the first error alone makes people run `check` ten times. Choice: readers go on with a stand-in after each
//! mistake and everything lands in one [`Sink`]. How it fails: a broken file makes the rest look wrong too (its providers
//! are missing), so while any file could not be parsed the sink drops [`Sink::conflict`]s, which compare values with each
//! other, and keeps what is wrong in itself.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;

use super::layer::Layer;
use super::mask::{Secrets, visible_line};
use super::tree::Origin;

/// One thing wrong (or, as a warning, odd) in a configuration file.
///
/// Problems order by file, line and column. No text in it contains a credential.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
pub struct Problem {
    /// The file's name as given.
    pub file: String,
    /// Line, from 1; 0 if it concerns the whole file.
    pub line: u32,
    /// Column in characters, from 1; 0 if it concerns the whole file.
    pub column: u32,
    /// Path of the key, for example `routes.chat.targets.azure.weight`; empty if it concerns no key.
    pub key: String,
    /// What was expected and what was found.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The line as it stands in the file, without what may be a credential; `None` if it concerns the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Problem {
    /// A problem with a whole file.
    pub fn with_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            key: String::new(),
            message: message.into(),
            hint: None,
            text: None,
        }
    }

    /// The same with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Problems beyond this many are counted, not kept: a file of four million bytes can hold half a million.
const MOST: usize = 200;

/// The path of a table, and one of the keys that it may have.
type Place = (String, &'static str);

/// Where readers put what they find.
///
/// Owned by one call of [`super::compile()`]; shared by its readers, hence the cells.
#[derive(Default)]
pub(super) struct Sink {
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
    secrets: RefCell<Secrets>,
    /// Keys that are not there, with the table that lacks them.
    missing: RefCell<Vec<(Place, Problem)>>,
    /// Keys that another, unknown one was probably meant to be.
    misspelt: RefCell<BTreeSet<Place>>,
    dropped: Cell<usize>,
    partial: Cell<bool>,
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").finish_non_exhaustive()
    }
}

impl Sink {
    /// Something that is wrong in itself.
    pub(super) fn problem(&self, problem: Problem) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MOST {
            problems.push(problem);
        } else {
            self.dropped.set(self.dropped.get() + 1);
        }
    }

    /// Something that is wrong beside something else, or missing: not told while a file is missing.
    pub(super) fn conflict(&self, problem: Problem) {
        if !self.partial.get() {
            self.problem(problem);
        }
    }

    /// The table at `path` lacks `key`: told as [`Sink::conflict`] is, unless a key beside it is that one, misspelt.
    pub(super) fn missing(&self, path: &str, key: &'static str, problem: Problem) {
        if !self.partial.get() {
            let place = (path.to_owned(), key);
            self.missing.borrow_mut().push((place, problem));
        }
    }

    /// An unknown key of the table at `path` was probably meant to be `key`. Without the providers or the routes all that
    /// names them looks wrong.
    pub(super) fn misspelt(&self, path: &str, key: &'static str) {
        if path.is_empty() && matches!(key, "providers" | "routes") {
            self.set_partial();
        }
        self.misspelt.borrow_mut().insert((path.to_owned(), key));
    }

    /// Something odd that is taken as it is.
    pub(super) fn warn(&self, warning: Problem) {
        let mut warnings = self.warnings.borrow_mut();
        if warnings.len() < MOST {
            warnings.push(warning);
        }
    }

    /// Whether further problems are only counted, so that nobody need look for hints any more.
    pub(super) fn is_full(&self) -> bool {
        self.problems.borrow().len() >= MOST
    }

    /// Notes that a file could not be parsed.
    pub(super) fn set_partial(&self) {
        self.partial.set(true);
    }

    /// Notes a credential that no text may contain.
    pub(super) fn keep_secret(&self, secret: &str) {
        self.secrets.borrow_mut().insert(secret);
    }

    /// All credentials noted so far.
    pub(super) fn secrets(&self) -> Secrets {
        self.secrets.borrow().clone()
    }

    /// Problems and warnings, sorted, without any credential.
    pub(super) fn finish(self, layers: &[Layer]) -> (Vec<Problem>, Vec<Problem>) {
        for (place, problem) in self.missing.take() {
            if !self.misspelt.borrow().contains(&place) {
                self.problem(problem);
            }
        }
        let secrets = self.secrets.into_inner();
        let mut problems = cleaned(self.problems.into_inner(), &secrets);
        let mut warnings = cleaned(self.warnings.into_inner(), &secrets);
        problems.sort();
        warnings.sort();
        warnings.dedup();
        problems.dedup();
        if self.dropped.get() > 0
            && let Some(last) = problems.last()
        {
            let more = format!("and {} more problems", self.dropped.get());
            let file = last.file.clone();
            problems.push(Problem::with_file(file, more));
        }
        for problem in problems.iter_mut().chain(&mut warnings) {
            problem.text = line_of(problem, layers, &secrets);
        }
        (problems, warnings)
    }
}

/// The line that a problem is about, as it may be shown.
fn line_of(problem: &Problem, layers: &[Layer], secrets: &Secrets) -> Option<String> {
    let layer = layers.iter().find(|layer| layer.name == problem.file)?;
    let line = usize::try_from(problem.line).ok()?.checked_sub(1)?;
    Some(secrets.scrub(visible_line(layer.text.lines().nth(line)?)))
}

fn cleaned(problems: Vec<Problem>, secrets: &Secrets) -> Vec<Problem> {
    problems
        .into_iter()
        .map(|problem| Problem {
            key: secrets.scrub(problem.key),
            message: secrets.scrub(problem.message),
            hint: problem.hint.map(|hint| secrets.scrub(hint)),
            ..problem
        })
        .collect()
}

/// A problem at `origin` with the key `key`.
pub(super) fn at(origin: &Origin, key: &str, message: impl Into<String>) -> Problem {
    Problem {
        file: origin.file.to_string(),
        line: origin.line,
        column: origin.column,
        key: key.to_owned(),
        message: message.into(),
        hint: None,
        text: None,
    }
}

/// Candidates beyond this many are not compared: a hint is not worth a second.
const MOST_CANDIDATES: usize = 500;

/// The candidate that `word` was probably meant to be: at most a third of its letters differ, or one begins with the other.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Distances take time by the product of the lengths; nobody mistypes a longer name by accident.
    if word.len() > 80 {
        return None;
    }
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

fn distance(word: &str, candidate: &str) -> usize {
    let prefix = candidate.starts_with(word) || word.starts_with(candidate);
    if prefix && word.len().min(candidate.len()) >= 3 {
        1
    } else {
        strsim::damerau_levenshtein(word, candidate)
    }
}
