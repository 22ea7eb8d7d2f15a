//! What the books hold, read back.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;

use super::commit::{MEMORY, SHARES, micros, whole};
use super::error::StoreError;
use super::rows::{AlertRow, KeyRow, Message, Moved, Proposal, SteeringRow};
use crate::balance::{Learned, LearnedShares};
use crate::model::Time;

/// What a start goes on from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resumed {
    /// The shares that were in force last.
    pub shares: Option<LearnedShares>,
    /// What the controller remembered last, up to ten seconds before.
    pub learned: Option<Box<Learned>>,
    /// What is stored and cannot be read by this version, in words.
    pub unreadable: Option<String>,
}

fn time(micros: i64) -> Time {
    Time::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// What a start goes on from. A memory that another version wrote may be unreadable; the shares are of use all the same.
pub(super) fn resumed(connection: &Connection) -> Result<Resumed, StoreError> {
    let mut resumed = Resumed::default();
    match stored(connection, SHARES) {
        Ok(shares) => resumed.shares = shares,
        Err(error @ StoreError::Unreadable { .. }) => resumed.unreadable = Some(error.to_string()),
        Err(error) => return Err(error),
    }
    match stored(connection, MEMORY) {
        Ok(learned) => resumed.learned = learned,
        Err(error @ StoreError::Unreadable { .. }) => resumed.unreadable = Some(error.to_string()),
        Err(error) => return Err(error),
    }
    Ok(resumed)
}

fn stored<T: DeserializeOwned>(
    connection: &Connection,
    what: &'static str,
) -> Result<Option<T>, StoreError> {
    let sql = "SELECT json FROM learned WHERE what = ?1";
    let json: Option<String> = connection
        .query_row(sql, [what], |row| row.get(0))
        .optional()?;
    json.map(|json| serde_json::from_str(&json))
        .transpose()
        .map_err(|source| StoreError::Unreadable { what, source })
}

/// Alerts, the newest first; only those that are open if `open`.
pub(super) fn alerts(
    connection: &Connection,
    open: bool,
    most: usize,
) -> Result<Vec<AlertRow>, StoreError> {
    let sql = "SELECT id, kind, subject, since, resolved, message FROM alerts
        WHERE ?1 = 0 OR resolved IS NULL ORDER BY since DESC, id LIMIT ?2";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map(params![open, whole(most)], alert)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What webhooks have not taken, with the alert that it is about, in the order of the alerts.
pub(super) fn untold(
    connection: &Connection,
    most: usize,
) -> Result<Vec<(AlertRow, Message)>, StoreError> {
    if !connection.table_exists(None, "untold")? {
        // An older program's file, opened to be read only.
        return Ok(Vec::new());
    }
    let sql = "SELECT alerts.id, kind, subject, since, resolved, message, webhook, is_over
        FROM untold JOIN alerts ON alerts.id = untold.id ORDER BY since, alerts.id, is_over LIMIT ?1";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([whole(most)], |row| {
        let message = Message {
            id: row.get(0)?,
            webhook: row.get(6)?,
            is_over: row.get(7)?,
        };
        Ok((alert(row)?, message))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// An alert from the first six columns.
fn alert(row: &Row<'_>) -> rusqlite::Result<AlertRow> {
    let resolved: Option<i64> = row.get(4)?;
    Ok(AlertRow {
        id: row.get(0)?,
        kind: row.get(1)?,
        subject: row.get(2)?,
        since: time(row.get(3)?),
        resolved: resolved.map(time),
        message: row.get(5)?,
    })
}

/// Orders that hold.
pub(super) fn steering(connection: &Connection) -> Result<Vec<SteeringRow>, StoreError> {
    let mut statement = connection.prepare("SELECT id, json FROM steering ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        Ok(SteeringRow {
            id: row.get(0)?,
            json: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Client keys, revoked ones too.
pub(super) fn keys(connection: &Connection) -> Result<Vec<KeyRow>, StoreError> {
    let sql = "SELECT name, hash, json, revoked_at FROM keys ORDER BY name, hash";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let revoked_at: Option<i64> = row.get(3)?;
        Ok(KeyRow {
            name: row.get(0)?,
            hash: row.get(1)?,
            json: row.get(2)?,
            revoked_at: revoked_at.map(time),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The last minute in which each client key was used, as far as usage goes back.
pub(super) fn last_used(connection: &Connection) -> Result<Vec<(String, Time)>, StoreError> {
    let sql = "SELECT key, max(minute) FROM usage WHERE key <> '' GROUP BY key";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let minute: i64 = row.get(1)?;
        Ok((row.get(0)?, time(minute.saturating_mul(60_000_000))))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The last decisions that moved a route's shares up to `at`, the newest first.
pub(super) fn moved(
    connection: &Connection,
    route: &str,
    at: Time,
    most: usize,
) -> Result<Vec<Moved>, StoreError> {
    let sql = "SELECT at, version, generation, json FROM decisions
        WHERE route = ?1 AND at <= ?2 ORDER BY at DESC LIMIT ?3";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params![route, micros(at), whole(most)])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let json: String = row.get(3)?;
        let what = "a decision";
        let decision = serde_json::from_str(&json)
            .map_err(|source| StoreError::Unreadable { what, source })?;
        let number = |i| -> rusqlite::Result<u64> {
            let number: i64 = row.get(i)?;
            Ok(u64::try_from(number).unwrap_or(0))
        };
        all.push(Moved {
            at: Time::from_micros(number(0)?),
            route: route.to_owned(),
            table_version: number(1)?,
            config_generation: number(2)?,
            decision,
        });
    }
    Ok(all)
}

/// What shares the controller came to for any route, in the order of time.
pub(super) fn proposals(
    connection: &Connection,
    since: Time,
    until: Time,
) -> Result<Vec<Proposal>, StoreError> {
    let sql = "SELECT route, at, obeyed, json FROM proposals
        WHERE at >= ?1 AND at <= ?2 ORDER BY at, route";
    if !connection.table_exists(None, "proposals")? {
        // An older program's file, opened to be read only.
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params![micros(since), micros(until)])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let json: String = row.get(3)?;
        let what = "proposed shares";
        let shares = serde_json::from_str(&json)
            .map_err(|source| StoreError::Unreadable { what, source })?;
        all.push(Proposal {
            at: time(row.get(1)?),
            route: row.get(0)?,
            obeyed: row.get(2)?,
            shares,
        });
    }
    Ok(all)
}
