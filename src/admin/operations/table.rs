//! The rows, by what they are about.

use super::{Content, Operation, Parameter, Run};
use crate::admin::query::Kind;

mod daemon;
mod keys;
mod steering;
mod traffic;

/// All of them.
pub(in crate::admin) fn all() -> impl Iterator<Item = &'static Operation> {
    let groups = [daemon::ROWS, traffic::ROWS, keys::ROWS, steering::ROWS];
    groups.into_iter().flatten()
}

/// Largest number of a request: not every reader of JSON has whole numbers beyond 53 bits.
const MOST: u64 = 1 << 53;

const ROUTE: Parameter = Parameter {
    name: "route",
    kind: Kind::Text,
    about: "Only this route.",
};

/// A row that reads and answers 200 with a document.
const fn get(
    id: &'static str,
    path: &'static str,
    about: &'static str,
    answers: &'static [(u16, &'static str, Content)],
    run: Run,
) -> Operation {
    Operation {
        id,
        method: "GET",
        path,
        about,
        parameters: &[],
        body: None,
        answers,
        run,
    }
}
