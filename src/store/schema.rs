//! The tables, and how an older file becomes one of this version.
//!
//! A file says two numbers: the schema that it has, and the oldest schema whose programs may go on writing to it. A step
//! that only adds what older programs leave alone keeps the second, so going back to the version before costs nothing.

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::error::StoreError;

/// `application_id` of our files: "wbks". `SQLite` keeps it in the header, so a strange database is told from ours.
pub(super) const APPLICATION: i32 = 0x7762_6B73;

/// One version further.
struct Step {
    /// What is done.
    sql: &'static str,
    /// The oldest schema whose programs may write to the file afterwards.
    writable_by: u32,
}

/// From nothing to the schema of this version, a step each. Steps are never changed once released: files out there have
/// taken them.
const STEPS: &[Step] = &[
    Step {
        sql: FIRST,
        writable_by: 1,
    },
    Step {
        sql: PROPOSALS,
        writable_by: 1,
    },
    Step {
        sql: KEYS_BY_HASH,
        // They neither read keys nor write any.
        writable_by: 1,
    },
    Step {
        sql: UNTOLD,
        writable_by: 1,
    },
];

/// Times are microseconds since 1970, minutes are minutes since 1970, texts that nobody gave are empty.
/// `usage` has no row number: its key is what rows are found by.
const FIRST: &str = "
CREATE TABLE usage (
    minute INTEGER NOT NULL,
    route TEXT NOT NULL,
    target TEXT NOT NULL,
    upstream TEXT NOT NULL,
    key TEXT NOT NULL,
    team TEXT NOT NULL,
    feature TEXT NOT NULL,
    user TEXT NOT NULL,
    requests INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL,
    tokens_cached INTEGER NOT NULL,
    tokens_cache_write INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    tokens_reasoning INTEGER NOT NULL,
    cost_pico INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    first_token_us_sum INTEGER NOT NULL,
    first_token_n INTEGER NOT NULL,
    total_us_sum INTEGER NOT NULL,
    total_n INTEGER NOT NULL,
    PRIMARY KEY (minute, route, target, upstream, key, team, feature, user)
) WITHOUT ROWID;
CREATE TABLE decisions (
    at INTEGER NOT NULL,
    route TEXT NOT NULL,
    version INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (route, at)
) WITHOUT ROWID;
CREATE INDEX decisions_by_time ON decisions (at);
CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    since INTEGER NOT NULL,
    resolved INTEGER,
    message TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX alerts_by_time ON alerts (since);
CREATE TABLE steering (
    id TEXT PRIMARY KEY,
    json TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    json TEXT NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;
CREATE TABLE learned (
    what TEXT PRIMARY KEY,
    saved_at INTEGER NOT NULL,
    program TEXT NOT NULL,
    json TEXT NOT NULL
) WITHOUT ROWID;
";

/// What shares the controller came to, whether obeyed or not: what shadow mode is judged by.
const PROPOSALS: &str = "
CREATE TABLE proposals (
    route TEXT NOT NULL,
    at INTEGER NOT NULL,
    obeyed INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (route, at)
) WITHOUT ROWID;
CREATE INDEX proposals_by_time ON proposals (at);
";

/// Keys by what they are told by: a name can have had several.
const KEYS_BY_HASH: &str = "
DROP TABLE keys;
CREATE TABLE keys (
    hash TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    json TEXT NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;
";

/// Messages about alerts that webhooks have not taken yet.
const UNTOLD: &str = "
CREATE TABLE untold (
    id TEXT NOT NULL,
    webhook TEXT NOT NULL,
    is_over INTEGER NOT NULL,
    PRIMARY KEY (id, webhook, is_over)
) WITHOUT ROWID;
";

/// The schema that a file has, and the oldest whose programs may write to it; `None` for a file without tables of ours.
pub(super) fn versions(connection: &Connection) -> Result<Option<(u32, u32)>, StoreError> {
    let has_meta = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
    let has_meta = connection
        .query_row(has_meta, [], |_| Ok(()))
        .optional()?
        .is_some();
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if !has_meta {
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        return if tables == 0 && (application == 0 || application == APPLICATION) {
            Ok(None)
        } else {
            Err(StoreError::NotOurs)
        };
    }
    if application != APPLICATION {
        return Err(StoreError::NotOurs);
    }
    let number = |name: &str| -> Result<u32, StoreError> {
        let sql = "SELECT value FROM meta WHERE name = ?1";
        Ok(connection.query_row(sql, [name], |row| row.get(0))?)
    };
    Ok(Some((number("schema")?, number("writable_by")?)))
}

/// The newest schema that this program knows.
pub(super) fn newest() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

/// Brings a file to this version's schema, in one transaction; what a newer program made is left as it is, or refused.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    migrate_by(connection, STEPS)
}

fn migrate_by(connection: &mut Connection, steps: &[Step]) -> Result<(), StoreError> {
    let ours = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let has = match versions(connection)? {
        None => 0,
        Some((schema, writable_by)) if schema > ours => {
            return if writable_by <= ours {
                Ok(())
            } else {
                Err(StoreError::Newer { schema, ours })
            };
        }
        Some((schema, _)) => schema,
    };
    if has == ours {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    if has == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction
            .execute_batch("CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID")?;
    } else {
        tracing::info!(
            from = has,
            to = ours,
            "the books are brought to a newer schema"
        );
    }
    for step in steps
        .iter()
        .skip(usize::try_from(has).unwrap_or(usize::MAX))
    {
        transaction.execute_batch(step.sql)?;
    }
    let last = steps.last().map_or(0, |step| step.writable_by);
    note(&transaction, "schema", ours)?;
    note(&transaction, "writable_by", last)?;
    transaction.commit()?;
    Ok(())
}

fn note(transaction: &Transaction<'_>, name: &str, value: u32) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    transaction.execute(sql, (name, value)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Books;

    const ADDS: Step = Step {
        sql: "ALTER TABLE alerts ADD COLUMN told INTEGER",
        writable_by: 1,
    };
    const CHANGES: Step = Step {
        sql: "DROP TABLE keys; CREATE TABLE keys (name TEXT PRIMARY KEY, secret TEXT NOT NULL)",
        writable_by: 2,
    };

    fn first() -> Step {
        Step {
            sql: FIRST,
            writable_by: 1,
        }
    }

    fn file() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_by(&mut connection, &[first()]).unwrap();
        let sql = "INSERT INTO steering VALUES ('a', '{}')";
        connection.execute(sql, []).unwrap();
        connection
    }

    #[test]
    fn an_older_file_keeps_its_rows_and_gets_what_is_new() {
        let mut connection = file();
        migrate_by(&mut connection, &[first(), ADDS]).unwrap();
        assert_eq!(versions(&connection).unwrap(), Some((2, 1)));
        let rows: i64 = connection
            .query_row("SELECT count(*) FROM steering", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 1, "nothing is lost");
        connection
            .execute(
                "INSERT INTO alerts VALUES ('a', 'k', 's', 1, NULL, 'm', 2)",
                [],
            )
            .unwrap();
    }

    #[test]
    fn a_newer_file_that_only_has_more_is_written_to() {
        let mut connection = file();
        migrate_by(&mut connection, &[first(), ADDS]).unwrap();
        migrate_by(&mut connection, &[first()]).unwrap();
        assert_eq!(
            versions(&connection).unwrap(),
            Some((2, 1)),
            "left as it is"
        );
    }

    /// The file of the books in `folder`, as the program opens it whose newest schema is `steps`.
    fn opened_by(steps: &[Step], folder: &std::path::Path) -> Connection {
        let mut connection = Connection::open(crate::store::path(folder)).unwrap();
        migrate_by(&mut connection, steps).unwrap();
        connection
    }

    fn open(folder: &std::path::Path) -> (Books, crate::store::Resumed) {
        Books::open(folder, crate::config::Store::default()).unwrap()
    }

    fn one_more(connection: &Connection, minute: u32) {
        let sql = "INSERT INTO usage VALUES (?1, 'chat', 'a', 'p/m', '', '', '', '', 1, 0, 1, 5, 0, 0, 2, 0, 7, 0, 0, 0, 0, 0, 0)";
        connection.execute(sql, [minute]).unwrap();
    }

    #[test]
    fn programs_of_each_schema_so_far_and_of_this_one_take_turns_with_one_file() {
        for (before, _) in STEPS.iter().enumerate().skip(1) {
            let folder = tempfile::tempdir().unwrap();
            one_more(&opened_by(&STEPS[..before], folder.path()), 1);
            let (books, _) = open(folder.path());
            let count = |books: &Books| {
                let query = crate::store::Query {
                    by: Vec::new(),
                    since: crate::model::Time::ZERO,
                    until: crate::model::Time::from_secs_f64(1e9),
                    only: Vec::new(),
                    most: 1,
                };
                books.usage(&query).unwrap().total.requests
            };
            assert_eq!(count(&books), 1, "what schema {before} wrote is read");
            assert!(books.condition().unwrap().refused.is_none());
            assert!(books.close(std::time::Duration::from_secs(20)));
            let older = opened_by(&STEPS[..before], folder.path());
            one_more(&older, 2);
            drop(older);
            let (books, _) = open(folder.path());
            assert_eq!(count(&books), 2, "and what it wrote afterwards");
        }
    }

    #[test]
    fn a_newer_file_that_is_another_is_refused_in_words() {
        let mut connection = file();
        migrate_by(&mut connection, &[first(), CHANGES]).unwrap();
        let refused = migrate_by(&mut connection, &[first()]).unwrap_err();
        let said = refused.to_string();
        assert!(
            said.contains("schema 2") && said.contains("up to 1"),
            "{said}"
        );
    }

    #[test]
    fn a_database_of_somebody_else_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE cats (name TEXT)")
            .unwrap();
        assert!(matches!(migrate(&mut connection), Err(StoreError::NotOurs)));
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let mut connection = file();
        let broken = Step {
            sql: "CREATE TABLE new (a); CREATE TABLE new (a)",
            writable_by: 2,
        };
        assert!(migrate_by(&mut connection, &[first(), broken]).is_err());
        assert_eq!(versions(&connection).unwrap(), Some((1, 1)));
        migrate_by(&mut connection, &[first(), ADDS]).unwrap();
    }
}
