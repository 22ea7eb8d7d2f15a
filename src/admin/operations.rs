//! All operations of the admin API in one table: what dispatches requests is what describes them.
//!
//! Problem: a description that is written beside the code is wrong after a month. Choice: a row has the path, the method,
//! the parameters, the shapes of body and answers, and the function that answers; the handler looks nothing up elsewhere,
//! and `openapi` prints the same rows. How it fails: a status that a function gives and its row does not
//! list is found by the fuzz test of the API alone.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, Method};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::Admin;
use super::query::{Kind, Query};
use super::reply::Reply;

mod table;

pub(super) use table::all;

/// A request for an operation, as its function gets it.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    /// The listener.
    pub(super) admin: &'a Admin,
    /// What stands for `{}` in the path, decoded.
    pub(super) name: String,
    /// The parameters.
    pub(super) query: Query,
    /// The request's headers.
    pub(super) headers: HeaderMap,
    /// The request's body; empty where none is taken.
    pub(super) body: Bytes,
}

/// An answer under way.
pub(super) type Answering<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// What answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Run {
    /// At once.
    Now(fn(&Ask<'_>) -> Reply),
    /// After waiting for somebody.
    Later(for<'a> fn(&'a Ask<'a>) -> Answering<'a>),
}

/// The shape of a document.
pub(super) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The shape of `T`.
pub(super) fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// What an answer's body is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    /// JSON of this shape.
    Json(Shape),
    /// Text of one of these media types.
    Text(&'static [&'static str]),
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) about: &'static str,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// Its name in generated clients.
    pub(super) id: &'static str,
    pub(super) method: &'static str,
    /// With at most one `{name}`, at the end.
    pub(super) path: &'static str,
    pub(super) about: &'static str,
    pub(super) parameters: &'static [Parameter],
    /// What its body must be, if it takes one.
    pub(super) body: Option<Shape>,
    /// Its good answers, and those that are its own; what any operation may answer is not repeated.
    pub(super) answers: &'static [(u16, &'static str, Content)],
    pub(super) run: Run,
}

impl Operation {
    /// Whether it changes nothing.
    pub(super) fn reads(&self) -> bool {
        self.method == "GET"
    }

    /// Whether it asks for the token, where there is one: liveness and readiness are asked by what holds none.
    pub(super) fn is_guarded(&self) -> bool {
        self.path.starts_with("/api/") || self.path == "/metrics"
    }

    /// Whether it serves `method`.
    pub(super) fn takes(&self, method: &Method) -> bool {
        *method == self.method || (self.reads() && *method == Method::HEAD)
    }
}

/// The operations at `path` with what its `{name}` is; empty if there is nothing.
pub(super) fn at(path: &str) -> (Vec<&'static Operation>, String) {
    let path = path.strip_suffix('/').unwrap_or(path);
    let path = ALIASES
        .iter()
        .find(|(alias, _)| *alias == path)
        .map_or(path, |(_, meant)| meant);
    let exact: Vec<_> = all().filter(|it| it.path == path).collect();
    if !exact.is_empty() {
        return (exact, String::new());
    }
    let Some((folder, segment)) = path.rsplit_once('/') else {
        return (Vec::new(), String::new());
    };
    let Some(name) = decoded(segment) else {
        return (Vec::new(), String::new());
    };
    let named = all().filter(|it| {
        let open = it.path.rsplit_once('/');
        open.is_some_and(|(before, last)| before == folder && last.starts_with('{'))
    });
    (named.collect(), name)
}

/// A segment with its `%XX` in place; `None` if it is empty or anything else than UTF-8.
fn decoded(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|name| !name.is_empty())
}

/// Other names, which others look for.
const ALIASES: [(&str, &str); 6] = [
    ("/livez", "/healthz"),
    ("/health", "/healthz"),
    ("/health/liveliness", "/healthz"),
    ("/health/liveness", "/healthz"),
    ("/health/readiness", "/readyz"),
    ("/api", "/api/v1"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_percent_encoded() {
        for path in [
            "/api/v1/routes/chat:fast@eu",
            "/api/v1/routes/chat%3Afast%40eu/",
        ] {
            let (found, name) = at(path);
            assert_eq!(found.len(), 1, "{path}");
            assert_eq!((found[0].id, name.as_str()), ("route", "chat:fast@eu"));
        }
    }

    #[test]
    fn the_readme_has_every_operation_and_no_other() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let page = std::fs::read_to_string(page).unwrap();
        let table = page
            .split("| request | answer |")
            .nth(1)
            .unwrap_or_default();
        let rows = table
            .lines()
            .skip(1)
            .take_while(|line| line.starts_with('|'));
        let firsts = rows.filter_map(|row| row.split('|').nth(1));
        let told = firsts.flat_map(|cell| cell.split('`').skip(1).step_by(2));
        let mut told: Vec<String> = told.map(str::to_owned).collect();
        // The page of the dashboard and its files are served beside the operations.
        told.retain(|it| it != "GET /");
        let mut rows: Vec<String> = all()
            .map(|it| format!("{} {}", it.method, it.path))
            .collect();
        told.sort();
        rows.sort();
        assert_eq!(told, rows, "the table in README.md, and what there is");
    }

    #[test]
    fn broken_paths_name_nothing() {
        for path in [
            "/api/v1/routes/a/b",
            "/api/v1/routes/%zz",
            "/api/v1/routes/%f",
            "/api/v1/routes/%ff",
            "/api/v2",
            "/healthz/x",
        ] {
            assert!(at(path).0.is_empty(), "{path}");
        }
    }

    #[test]
    fn every_row_has_a_name_and_a_good_answer_of_its_own() {
        for (i, row) in all().enumerate() {
            let same = |other: &&Operation| {
                other.id == row.id || (other.path == row.path && other.method == row.method)
            };
            assert!(!all().take(i).any(|other| same(&other)), "{}", row.id);
            assert!(
                row.answers.iter().any(|(status, ..)| *status < 300),
                "{}",
                row.id
            );
        }
    }
}
