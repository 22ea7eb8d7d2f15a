//! What is old goes or is added up, and the books stay within their size.

use rusqlite::Connection;

use super::*;

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
