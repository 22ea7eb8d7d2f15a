use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::balance::{Learned, LearnedShares, Memory, Plan};
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

#[test]
fn what_is_written_is_there_at_the_next_start() {
    let folder = folder();
    let (books, resumed) = open(folder.path());
    assert_eq!(resumed, Resumed::default(), "nothing yet");
    used(&books, MINUTE, 2);
    used(&books, MINUTE, 3);
    books.write(Write::Alert(alert("a", None)));
    books.write(Write::Alert(alert("b", Some(at(MINUTE + 1)))));
    let order = SteeringRow {
        id: "o1".to_owned(),
        json: "{}".to_owned(),
    };
    books.write(Write::Steering(order.clone()));
    let key = KeyRow {
        name: "app".to_owned(),
        hash: "00ff".to_owned(),
        json: "{}".to_owned(),
        revoked_at: None,
    };
    books.write(Write::Key(key.clone()));
    books.write(Write::Shares(shares()));
    let plan = Plan::new(Vec::new(), []);
    let learned = Box::new(Learned::of(&plan, &Memory::new(&plan), at(MINUTE)));
    books.write(Write::Learned(learned.clone()));
    assert!(books.close(PATIENCE), "all is written");
    let (books, resumed) = open(folder.path());
    assert_eq!(resumed.shares, Some(shares()));
    assert_eq!(resumed.learned, Some(learned));
    assert_eq!(count(&books), 5);
    assert_eq!(books.alerts(true, 10).unwrap(), [alert("a", None)]);
    assert_eq!(books.alerts(false, 10).unwrap().len(), 2);
    assert_eq!(books.steering().unwrap(), [order]);
    assert_eq!(books.keys().unwrap(), [key]);
    books.write(Write::SteeringEnded("o1".to_owned()));
    assert!(books.flush(PATIENCE));
    assert_eq!(books.steering().unwrap(), []);
}

#[test]
fn usage_is_split_by_what_is_asked_for() {
    let folder = folder();
    let (books, _) = open(folder.path());
    let rows = vec![
        (key(MINUTE, "chat", "red"), sums(1)),
        (key(MINUTE + 60, "chat", "blue"), sums(5)),
        (key(MINUTE + 1_440, "code", "red"), sums(2)),
    ];
    books.write(Write::Usage(rows));
    assert!(books.flush(PATIENCE));
    let rows = |query: &Query| -> Vec<String> {
        let usage = books.usage(query).unwrap();
        let row = |row: &UsageRow| format!("{} {}", row.of.join(" "), row.sums.requests);
        usage.rows.iter().map(row).collect()
    };
    let by_team = everything(&[Dimension::Team]);
    assert_eq!(rows(&by_team), ["blue 5", "red 3"], "the dearest first");
    let by_day = everything(&[Dimension::Day, Dimension::Route]);
    let days = ["2027-01-15 chat 6", "2027-01-16 code 2"];
    assert_eq!(rows(&by_day), days);
    let by_month = everything(&[Dimension::Month, Dimension::Provider, Dimension::Model]);
    assert_eq!(rows(&by_month), ["2027-01 openai gpt/mini 8"]);
    let one_day = Query {
        until: at(MINUTE + 1_000),
        only: vec![(Dimension::Team, "red".to_owned())],
        ..everything(&[Dimension::Hour])
    };
    assert_eq!(rows(&one_day), ["2027-01-15T08:00Z 1"]);
    let first = Query {
        most: 1,
        ..everything(&[Dimension::Team])
    };
    let cut = books.usage(&first).unwrap();
    assert!(cut.is_cut && cut.rows.len() == 1 && cut.total.requests == 8);
    assert_eq!(cut.total.cost, PicoUsd::new(12_000_000_000));
}

#[test]
fn sums_are_exact_beyond_what_sqlite_adds_up() {
    let folder = folder();
    let (books, _) = open(folder.path());
    let dear = PicoUsd::new(9_000_000_000_000_000_001);
    let row = |minute| {
        let sums = Sums {
            cost: dear,
            ..sums(1)
        };
        (key(minute, "chat", ""), sums)
    };
    books.write(Write::Usage((0..10).map(|i| row(MINUTE + i)).collect()));
    assert!(books.flush(PATIENCE));
    let total = books.usage(&everything(&[])).unwrap().total;
    assert_eq!(total.cost, PicoUsd::new(90_000_000_000_000_000_010));
}

#[test]
fn without_a_folder_nothing_is_kept_and_reading_says_so() {
    let books = Books::none();
    assert!(!books.write(Write::SteeringEnded(String::new())));
    let said = books.steering().unwrap_err().to_string();
    assert!(said.contains("server.state"), "{said}");
    assert!(books.close(PATIENCE) && books.condition().is_none());
}

/// Opens books in a folder whose file is what `spoil` makes of it; the sentence about it.
fn refused(spoil: impl FnOnce(&Path)) -> String {
    let folder = folder();
    let (books, _) = open(folder.path());
    used(&books, MINUTE, 1);
    assert!(books.close(PATIENCE));
    spoil(&path(folder.path()));
    let (books, resumed) = open(folder.path());
    assert_eq!(resumed, Resumed::default());
    used(&books, MINUTE, 7);
    assert!(books.flush(PATIENCE), "the start is not held up");
    assert_eq!(count(&books), 7, "new books");
    let aside = folder.path().join("books.sqlite.refused-1");
    assert!(aside.exists(), "the old ones are kept");
    books.condition().unwrap().refused.unwrap()
}

#[test]
fn a_file_of_a_newer_schema_is_moved_aside_in_words() {
    let said = refused(|path| {
        let connection = Connection::open(path).unwrap();
        let sql = "UPDATE meta SET value = 1000";
        connection.execute(sql, []).unwrap();
    });
    assert!(said.contains("schema 1000 of a later version"), "{said}");
    assert!(said.contains("books.sqlite.refused-1"), "{said}");
}

#[test]
fn a_broken_file_is_moved_aside() {
    let said = refused(|path| fs::write(path, "no database at all").unwrap());
    assert!(said.contains("not a database"), "{said}");
}

#[test]
fn what_is_wrong_with_a_file_says_with_which() {
    let folder = folder();
    let file = path(folder.path());
    fs::write(
        &file,
        "no database at all, and longer than a header of one would be",
    )
    .unwrap();
    let read = Books::to_read(folder.path()).usage(&everything(&[]));
    let told = read.unwrap_err().to_string();
    let begin = format!("{}: file is not a database", file.display());
    assert_eq!(told, begin);
}

#[test]
fn a_file_that_breaks_while_it_is_open_makes_way() {
    let folder = folder();
    let (books, _) = open(folder.path());
    used(&books, MINUTE, 1);
    assert!(books.close(PATIENCE));
    // The header and the schema are whole, the table's own pages are not.
    let path = path(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xEE);
    fs::write(&path, bytes).unwrap();
    let (books, _) = open(folder.path());
    for minute in 0..100 {
        used(&books, MINUTE + minute, 1);
        books.flush(PATIENCE);
        if books.condition().unwrap().refused.is_some() {
            break;
        }
    }
    assert!(
        books.condition().unwrap().refused.is_some(),
        "it was found out"
    );
    assert!(books.flush(PATIENCE), "and new books are begun");
}

#[test]
fn what_cannot_be_written_by_the_end_is_counted_as_lost() {
    let folder = folder();
    let place = folder.path().join("file").join("books");
    fs::write(folder.path().join("file"), "").unwrap();
    let (books, _) = open(&place);
    used(&books, MINUTE, 3);
    books.write(Write::Alert(alert("a", None)));
    assert!(!books.close(PATIENCE));
    let lost = Losses {
        requests: 3,
        rows: 1,
    };
    assert_eq!(books.condition().unwrap().lost, lost);
}

#[test]
fn a_deleted_file_is_begun_anew() {
    let folder = folder();
    let (books, _) = open(folder.path());
    used(&books, MINUTE, 1);
    assert!(books.flush(PATIENCE));
    fs::remove_dir_all(folder.path()).unwrap();
    used(&books, MINUTE, 2);
    assert!(books.flush(PATIENCE));
    assert_eq!(count(&books), 2, "what came since");
}

#[test]
fn two_processes_do_not_write_to_one_folder_and_the_second_takes_over() {
    let folder = folder();
    let (first, _) = open(folder.path());
    first.write(Write::Shares(shares()));
    assert!(first.flush(PATIENCE));
    let (second, resumed) = open(folder.path());
    assert_eq!(resumed.shares, Some(shares()), "it can be read");
    let why = second.condition().unwrap().failing.unwrap();
    assert!(
        why.contains("another process keeps its books here"),
        "{why}"
    );
    used(&second, MINUTE, 4);
    assert!(!second.flush(PATIENCE), "not while the first is there");
    assert!(first.close(PATIENCE));
    assert!(second.flush(PATIENCE), "what waited is written");
    assert_eq!(count(&second), 4);
    assert_eq!(second.condition().unwrap().failing, None);
}

#[test]
fn a_folder_that_cannot_be_made_is_said_and_tried_again() {
    let folder = folder();
    let place = folder.path().join("file").join("books");
    fs::write(folder.path().join("file"), "").unwrap();
    let (books, _) = open(&place);
    used(&books, MINUTE, 3);
    assert!(!books.flush(PATIENCE));
    let condition = books.condition().unwrap();
    assert!(condition.failing.unwrap().contains("file/books"));
    assert_eq!(condition.lost, Losses::default(), "it waits");
    fs::remove_file(folder.path().join("file")).unwrap();
    assert!(books.flush(PATIENCE));
    assert_eq!(count(&books), 3);
}

#[test]
fn a_full_disk_keeps_what_was_used_waiting() {
    let folder = folder();
    let keep = Store {
        size: 400_000,
        ..Store::default()
    };
    let (books, _) = Books::open(folder.path(), keep).unwrap();
    let mut written = 0;
    for minute in 0..20_000 {
        used(&books, MINUTE + minute, 1);
        written += 1;
        if minute % 500 == 499 && !books.flush(PATIENCE) {
            break;
        }
    }
    // This much waits; a quarter more than `size` is what sweeps have to work in.
    let why = books.condition().unwrap().failing.unwrap();
    assert!(why.contains("full"), "{why}");
    assert!(count(&books) < written, "the last ones wait");
    // A sweep makes room: the oldest goes, what waits comes in.
    for minute in 0..20 {
        books.write(Write::Sweep(at(MINUTE + written + minute)));
        books.flush(PATIENCE);
    }
    assert_eq!(books.condition().unwrap().failing, None);
    let latest = Query {
        since: at(MINUTE + written - 1),
        ..everything(&[])
    };
    assert_eq!(books.usage(&latest).unwrap().total.requests, 1);
    assert_eq!(books.condition().unwrap().lost, Losses::default());
}

#[test]
fn a_busy_day_of_decisions_costs_no_usage() {
    let folder = folder();
    let (books, _) = open(folder.path());
    used(&books, MINUTE, 7);
    assert!(books.close(PATIENCE));
    let connection = Connection::open(path(folder.path())).unwrap();
    let sql = "INSERT INTO decisions WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 3599)
        SELECT 1800000000000000 + i * 1000000, 'chat', i, 1, printf('%.1000c', 'x') FROM n";
    connection.execute(sql, []).unwrap();
    drop(connection);
    let keep = Store {
        size: 1_000_000,
        ..Store::default()
    };
    let (books, _) = Books::open(folder.path(), keep).unwrap();
    for _ in 0..10 {
        books.write(Write::Sweep(at(MINUTE + 60)));
        assert!(books.flush(PATIENCE));
    }
    assert_eq!(count(&books), 7, "what was used stays");
    let connection = Connection::open(path(folder.path())).unwrap();
    let left = "SELECT count(*), max(version) FROM decisions";
    let (left, last): (i64, i64) = connection
        .query_row(left, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert!((100..1_000).contains(&left), "the older ones went: {left}");
    assert_eq!(last, 3_599, "the latest is there");
}

#[test]
fn old_rows_go_and_minutes_become_hours() {
    let folder = folder();
    let (books, _) = open(folder.path());
    let now = MINUTE + 500 * 1_440;
    let day = |ago: u64| now - ago * 1_440;
    for minute in [
        day(450),
        day(20),
        day(20) + 7,
        day(20) + 61,
        day(1) + 7,
        day(1) + 9,
    ] {
        used(&books, minute, 1);
    }
    books.write(Write::Alert(alert("old", Some(at(day(450))))));
    books.write(Write::Alert(alert("open", None)));
    assert!(books.flush(PATIENCE));
    // A sweep does a little: from the oldest row on, a day's hours at a time.
    for _ in 0..40 {
        books.write(Write::Sweep(at(now)));
        assert!(books.flush(PATIENCE));
    }
    let rows = books.usage(&everything(&[Dimension::Minute])).unwrap().rows;
    let counts: Vec<u64> = rows.iter().map(|row| row.sums.requests).collect();
    assert_eq!(counts, [2, 1, 1, 1], "the first two minutes are one hour");
    let hour = rows[1].of[0].ends_with(":00Z");
    assert!(hour, "an hour's row is that of its first minute: {rows:?}");
    let alerts = books.alerts(false, 10).unwrap();
    assert_eq!(alerts.len(), 1, "an open one stays");
}

#[test]
fn a_memory_that_cannot_be_read_leaves_the_shares() {
    let folder = folder();
    let (books, _) = open(folder.path());
    books.write(Write::Shares(shares()));
    assert!(books.close(PATIENCE));
    let connection = Connection::open(path(folder.path())).unwrap();
    let sql =
        "INSERT INTO learned VALUES ('memory', 1, 'weighbridge 9', '{\"of\": \"another kind\"}')";
    connection.execute(sql, []).unwrap();
    drop(connection);
    let (_, resumed) = open(folder.path());
    assert_eq!(resumed.shares, Some(shares()));
    assert!(resumed.learned.is_none() && resumed.unreadable.is_some());
}

#[test]
fn what_shadow_mode_came_to_is_judged_by_what_targets_cost() {
    let folder = folder();
    let (books, _) = open(folder.path());
    let minutes = MINUTE..MINUTE + 240;
    for minute in minutes {
        let mut dear = key(minute, "chat", "red");
        dear.target = "dear".to_owned();
        let mut price = sums(5);
        price.cost = PicoUsd::new(10 * sums(5).cost.pico());
        let rows = vec![(dear, price), (key(minute, "chat", "red"), sums(5))];
        assert!(books.write(Write::Usage(rows)));
    }
    let share = |target: &str, share: f64| ProposedShare {
        target: target.to_owned(),
        configured: 0.5,
        share,
    };
    for hour in 0..4 {
        let proposal = Proposal {
            at: at(MINUTE + 60 * hour),
            route: "chat".to_owned(),
            obeyed: false,
            shares: vec![share("dear", 0.2), share("fast", 0.8)],
        };
        assert!(books.write(Write::Proposed(proposal)));
    }
    assert!(books.flush(PATIENCE));
    let of = |route| books.foregone(at(MINUTE), at(MINUTE + 240), route).unwrap();
    let found = of(None);
    assert_eq!((found.len(), found[0].requests), (1, 2_400));
    let cost = found[0].cost.unwrap();
    // 1.5 and 15 thousandths of a dollar, half and half then.
    assert!((cost.then - 0.008_25).abs() < 1e-9, "{cost:?}");
    assert!((cost.other.value - 0.004_2).abs() < 1e-9, "{cost:?}");
    assert_eq!(of(Some("chat")), found);
    assert!(of(Some("other")).is_empty());
    // The window's start needs the shares from before it.
    let later = books
        .foregone(at(MINUTE + 30), at(MINUTE + 240), None)
        .unwrap();
    assert_eq!((later[0].requests, later[0].left_out), (2_100, 0));
}
