//! Names that a question narrows itself to: one that exists nowhere is a mistake of whoever asks, and no empty answer.

use serde_json::Value;

use super::client::AdminArgs;
use super::{Failure, block_on};
use crate::admin::unknown;
use crate::store::Dimension;

/// What a running daemon has of `dimension` that need not have been used yet.
pub(super) fn in_force(admin: &AdminArgs, dimension: Dimension) -> Result<Vec<String>, Failure> {
    let (path, list, name) = match dimension {
        Dimension::Route => ("/api/v1/overview", "routes", None),
        Dimension::Key => ("/api/v1/keys", "keys", Some("name")),
        _ => return Ok(Vec::new()),
    };
    let answer: Value = block_on(admin.get(path))?.read()?;
    let items = answer[list].as_array().into_iter().flatten();
    let names = items.filter_map(|item| name.map_or(item, |name| &item[name]).as_str());
    Ok(names.map(str::to_owned).collect())
}

/// Whether `name` is among the `known`; else it is told with those that may have been meant.
pub(super) fn expect_known(what: &str, name: &str, mut known: Vec<String>) -> Result<(), Failure> {
    if known.iter().any(|it| it == name) {
        return Ok(());
    }
    known.sort();
    known.dedup();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Err(Failure::Told(unknown(what, name, &known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_exists_nowhere_is_told_with_the_near_ones() {
        let known = || vec!["chat".to_owned(), "search".to_owned()];
        assert!(expect_known("route", "chat", known()).is_ok());
        let Err(Failure::Told(said)) = expect_known("route", "chta", known()) else {
            panic!("expected a refusal");
        };
        assert_eq!(said, "no route is called \"chta\"; did you mean chat?");
    }
}
