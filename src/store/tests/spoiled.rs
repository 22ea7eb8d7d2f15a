//! A file that cannot be gone on with is moved aside in words, and new books are begun.

use std::fs;

use rusqlite::Connection;

use super::*;

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
