//! Where nothing can be written for the moment, what was used waits, and is counted if it must be given up.

use std::fs;

use super::*;

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
