//! Claims about the books, and what they are all made with.

mod kept;
mod spoiled;
mod sweeps;
mod usage;
mod waiting;

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::balance::LearnedShares;
use crate::config::Store;
use crate::model::{PicoUsd, RouteName, Time};

const PATIENCE: Duration = Duration::from_secs(20);
/// 2027-01-15T08:00:00Z in minutes.
const MINUTE: u64 = 30_000_000;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &Path) -> (Books, Resumed) {
    Books::open(folder, Store::default()).unwrap()
}

fn at(minute: u64) -> Time {
    Time::from_micros(minute * 60_000_000)
}

fn key(minute: u64, route: &str, team: &str) -> UsageKey {
    UsageKey {
        minute,
        route: route.to_owned(),
        target: "fast".to_owned(),
        upstream: "openai/gpt/mini".to_owned(),
        team: team.to_owned(),
        ..UsageKey::default()
    }
}

fn sums(requests: u64) -> Sums {
    Sums {
        requests,
        calls: requests,
        tokens_in: 100 * requests,
        tokens_out: 10 * requests,
        cost: PicoUsd::new(u128::from(requests) * 1_500_000_000),
        ..Sums::default()
    }
}

fn everything(by: &[Dimension]) -> Query {
    Query {
        by: by.to_vec(),
        since: Time::ZERO,
        until: Time::from_micros(u64::MAX / 4),
        only: Vec::new(),
        most: MOST_ROWS,
    }
}

fn count(books: &Books) -> u64 {
    books.usage(&everything(&[])).unwrap().total.requests
}

fn used(books: &Books, minute: u64, requests: u64) {
    let row = (key(minute, "chat", "red"), sums(requests));
    assert!(books.write(Write::Usage(vec![row])), "there is room");
}

fn alert(id: &str, resolved: Option<Time>) -> AlertRow {
    AlertRow {
        id: id.to_owned(),
        kind: "ejected".to_owned(),
        subject: "chat".to_owned(),
        since: at(MINUTE),
        resolved,
        message: "it fails".to_owned(),
    }
}

fn shares() -> LearnedShares {
    LearnedShares {
        at: at(MINUTE),
        routes: vec![(RouteName::new("chat").unwrap(), Vec::new())],
    }
}
