//! What is older than it may be goes, and what is only wanted in the large is put together.
//!
//! A sweep does a little and often, so that no write waits long: at most a day of each table, at most a day's hours.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::commit::{added, micros, whole};
use super::error::StoreError;
use super::usage::{COLUMNS, KEYS};
use crate::config::Store;
use crate::model::Time;

const MINUTE: u64 = 60_000_000;
const DAY_MINUTES: i64 = 1_440;
const DAY_US: i64 = 86_400_000_000;
const MINUTE_US: i64 = 60_000_000;
/// Hours that are put together by one sweep, at most.
const MOST_HOURS: u32 = 24;
/// Free pages that are given back to the disk by one sweep, at most: 16 MiB.
const MOST_PAGES: u32 = 4_096;

/// One sweep at the time `now`.
pub(super) fn sweep(
    connection: &mut Connection,
    keep: &Store,
    now: Time,
) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    let before = |keep: Duration| Time::from_micros(now.as_micros().saturating_sub(span(keep)));
    let minute = |time: Time| whole(time.as_micros() / MINUTE);
    old_usage(&transaction, minute(before(keep.usage)), DAY_MINUTES)?;
    old_decisions(&transaction, micros(before(keep.decisions)), DAY_US)?;
    // As long as decisions: the newest before that says nothing of what comes after.
    let sql = "DELETE FROM proposals WHERE at < ?1";
    transaction.execute(sql, [micros(before(keep.decisions))])?;
    let sql = "DELETE FROM alerts WHERE resolved IS NOT NULL AND resolved < ?1";
    transaction.execute(sql, [micros(before(keep.alerts))])?;
    let sql = "DELETE FROM untold WHERE id NOT IN (SELECT id FROM alerts)";
    transaction.execute(sql, [])?;
    if used(&transaction)? > keep.size {
        make_room(&transaction)?;
    }
    hours(&transaction, minute(before(keep.minutes)))?;
    transaction.commit()?;
    let sql = format!("PRAGMA incremental_vacuum({MOST_PAGES})");
    connection.execute_batch(&sql)?;
    Ok(())
}

fn span(keep: Duration) -> u64 {
    u64::try_from(keep.as_micros()).unwrap_or(u64::MAX)
}

/// Bytes that are in use.
pub(super) fn used(connection: &Connection) -> Result<u64, StoreError> {
    let number = |name: &str| -> rusqlite::Result<u64> {
        let sql = format!("PRAGMA {name}");
        let number: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or(0))
    };
    let pages = number("page_count")?.saturating_sub(number("freelist_count")?);
    Ok(pages.saturating_mul(number("page_size")?))
}

fn ends(transaction: &Transaction<'_>, sql: &str) -> Result<Option<(i64, i64)>, StoreError> {
    let ends = transaction.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
    let ends: Option<(Option<i64>, Option<i64>)> = ends.optional()?;
    Ok(ends.and_then(|(first, last)| Some((first?, last?))))
}

const USAGE_ENDS: &str = "SELECT min(minute), max(minute) FROM usage";
const DECISION_ENDS: &str = "SELECT min(at), max(at) FROM decisions";

/// Deletes usage of before `until`, the oldest `most` minutes of it.
fn old_usage(transaction: &Transaction<'_>, until: i64, most: i64) -> Result<(), StoreError> {
    if let Some((first, _)) = ends(transaction, USAGE_ENDS)? {
        let until = until.min(first.saturating_add(most));
        transaction.execute("DELETE FROM usage WHERE minute < ?1", [until])?;
    }
    Ok(())
}

/// Deletes decisions of before `until`, the oldest `most` microseconds of them.
fn old_decisions(transaction: &Transaction<'_>, until: i64, most: i64) -> Result<(), StoreError> {
    if let Some((first, _)) = ends(transaction, DECISION_ENDS)? {
        let until = until.min(first.saturating_add(most));
        transaction.execute("DELETE FROM decisions WHERE at < ?1", [until])?;
    }
    Ok(())
}

/// The books are larger than they may be: the older half of the decisions goes, and where there is less than a minute of
/// them, the oldest tenth of the usage. A busy day of many routes has more decisions than room, and what was used is what
/// nobody can work out again.
fn make_room(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    if let Some((first, last)) = ends(transaction, DECISION_ENDS)?
        && last - first > MINUTE_US
    {
        let until = first + (last - first) / 2;
        tracing::warn!("the books are full; the older half of the decisions goes");
        transaction.execute("DELETE FROM decisions WHERE at < ?1", [until])?;
        transaction.execute("DELETE FROM proposals WHERE at < ?1", [until])?;
        return Ok(());
    }
    if let Some((first, last)) = ends(transaction, USAGE_ENDS)? {
        let until = first + (last - first) / 10 + 1;
        tracing::warn!("the books are full; the oldest tenth of the usage goes");
        transaction.execute("DELETE FROM usage WHERE minute < ?1", [until])?;
    }
    Ok(())
}

/// Puts the minutes of each hour that ended before `until` together, in a row of the hour's first minute.
fn hours(transaction: &Transaction<'_>, until: i64) -> Result<(), StoreError> {
    let done = "SELECT value FROM meta WHERE name = 'hours_until'";
    let done: Option<i64> = transaction
        .query_row(done, [], |row| row.get(0))
        .optional()?;
    let first = ends(transaction, USAGE_ENDS)?.map(|(first, _)| first - first.rem_euclid(60));
    let Some(first) = first else { return Ok(()) };
    let mut hour = done.map_or(first, |done| done.max(first));
    for _ in 0..MOST_HOURS {
        if hour + 60 > until {
            break;
        }
        together(transaction, hour)?;
        hour += 60;
    }
    let sql = "INSERT INTO meta (name, value) VALUES ('hours_until', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    transaction.execute(sql, [hour])?;
    Ok(())
}

fn together(transaction: &Transaction<'_>, hour: i64) -> Result<(), StoreError> {
    let keys = KEYS[1..].join(", ");
    let sums: Vec<String> = COLUMNS.iter().map(|it| format!("sum({it})")).collect();
    let sql = format!(
        "INSERT INTO usage (minute, {keys}, {}) SELECT ?1, {keys}, {} FROM usage WHERE minute > ?1 AND minute < ?1 + 60
        GROUP BY {keys} {}",
        COLUMNS.join(", "),
        sums.join(", "),
        added()
    );
    transaction.execute(&sql, params![hour])?;
    let sql = "DELETE FROM usage WHERE minute > ?1 AND minute < ?1 + 60";
    transaction.execute(sql, params![hour])?;
    Ok(())
}
