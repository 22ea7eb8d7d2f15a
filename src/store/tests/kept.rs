//! What is written is there at the next start, or is said not to be.

use rusqlite::Connection;

use super::*;
use crate::balance::{Learned, Memory, Plan};

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
fn without_a_folder_nothing_is_kept_and_reading_says_so() {
    let books = Books::none();
    assert!(!books.write(Write::SteeringEnded(String::new())));
    let said = books.steering().unwrap_err().to_string();
    assert!(said.contains("server.state"), "{said}");
    assert!(books.close(PATIENCE) && books.condition().is_none());
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
