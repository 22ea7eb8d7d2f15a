//! What waits, as rows: all of it in one transaction, or nothing.

use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, params, params_from_iter};
use serde::Serialize;

use super::error::StoreError;
use super::rows::{KeyRow, Moved, Sums, UsageKey};
use super::usage::{COLUMNS, KEYS};
use super::write::{Pending, Write};
use crate::balance::{Learned, LearnedShares};
use crate::model::Time;

/// The rows of `learned`.
pub(super) const SHARES: &str = "shares";
pub(super) const MEMORY: &str = "memory";

/// `SQLite`'s whole numbers have a sign; beyond half of ours none of these counts.
pub(super) fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Microseconds since 1970.
pub(super) fn micros(time: Time) -> i64 {
    whole(time.as_micros())
}

/// Writes all that waits, in one transaction.
pub(super) fn commit(connection: &mut Connection, pending: &Pending) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    usage(&transaction, pending)?;
    for moved in &pending.moved {
        decision(&transaction, moved)?;
    }
    for write in &pending.others {
        other(&transaction, write)?;
    }
    if let Some(LearnedShares { at, .. }) = &pending.shares {
        learned(&transaction, SHARES, *at, &pending.shares)?;
    }
    if let Some(memory) = &pending.learned {
        let Learned { at, .. } = **memory;
        learned(&transaction, MEMORY, at, memory)?;
    }
    transaction.commit()?;
    Ok(())
}

fn usage(transaction: &Transaction<'_>, pending: &Pending) -> rusqlite::Result<()> {
    if pending.usage.is_empty() {
        return Ok(());
    }
    let mut statement = transaction.prepare(&upsert())?;
    for (key, sums) in &pending.usage {
        statement.execute(params_from_iter(row(key, sums)))?;
    }
    Ok(())
}

/// Adds a row to the one of its key.
pub(super) fn upsert() -> String {
    let places: Vec<String> = (1..=KEYS.len() + COLUMNS.len())
        .map(|n| format!("?{n}"))
        .collect();
    format!(
        "INSERT INTO usage ({}, {}) VALUES ({}) {}",
        KEYS.join(", "),
        COLUMNS.join(", "),
        places.join(", "),
        added()
    )
}

/// What becomes of a row whose key is there already.
pub(super) fn added() -> String {
    let sums: Vec<String> = COLUMNS
        .iter()
        .map(|column| format!("{column} = {column} + excluded.{column}"))
        .collect();
    format!("ON CONFLICT DO UPDATE SET {}", sums.join(", "))
}

fn row(key: &UsageKey, sums: &Sums) -> impl Iterator<Item = Value> {
    let texts = [
        &key.route,
        &key.target,
        &key.upstream,
        &key.key,
        &key.team,
        &key.feature,
        &key.user,
    ];
    let texts = texts.map(|text| Value::Text(text.clone()));
    let counts = sums.counts().map(|count| Value::Integer(whole(count)));
    let cost = Value::Integer(whole(sums.cost.pico()));
    std::iter::once(Value::Integer(whole(key.minute)))
        .chain(texts)
        .chain(counts)
        .chain([cost])
}

fn json(what: &'static str, value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Unreadable { what, source })
}

fn decision(transaction: &Transaction<'_>, moved: &Moved) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO decisions (at, route, version, generation, json) VALUES (?1, ?2, ?3, ?4, ?5)";
    let json = json("a decision", &moved.decision)?;
    let values = params![
        micros(moved.at),
        moved.route,
        whole(moved.table_version),
        whole(moved.config_generation),
        json
    ];
    transaction.execute(sql, values)?;
    Ok(())
}

fn other(transaction: &Transaction<'_>, write: &Write) -> rusqlite::Result<()> {
    match write {
        Write::Proposed(proposal) => {
            let sql = "INSERT OR REPLACE INTO proposals (route, at, obeyed, json) VALUES (?1, ?2, ?3, ?4)";
            let json = serde_json::to_string(&proposal.shares)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            let at = micros(proposal.at);
            transaction.execute(sql, params![proposal.route, at, proposal.obeyed, json])?;
        }
        Write::Alert(alert) => {
            let sql = "INSERT OR REPLACE INTO alerts (id, kind, subject, since, resolved, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let values = params![
                alert.id,
                alert.kind,
                alert.subject,
                micros(alert.since),
                alert.resolved.map(micros),
                alert.message
            ];
            transaction.execute(sql, values)?;
        }
        Write::Telling(message) => {
            let sql = "INSERT OR IGNORE INTO untold (id, webhook, is_over) VALUES (?1, ?2, ?3)";
            let values = params![message.id, message.webhook, message.is_over];
            transaction.execute(sql, values)?;
        }
        Write::Told(message) => {
            let sql = "DELETE FROM untold WHERE id = ?1 AND webhook = ?2 AND is_over = ?3";
            let values = params![message.id, message.webhook, message.is_over];
            transaction.execute(sql, values)?;
        }
        Write::Steering(order) => {
            let sql = "INSERT OR REPLACE INTO steering (id, json) VALUES (?1, ?2)";
            transaction.execute(sql, params![order.id, order.json])?;
        }
        Write::SteeringEnded(id) => {
            transaction.execute("DELETE FROM steering WHERE id = ?1", [id])?;
        }
        Write::Key(key) => client_key(transaction, key)?,
        Write::Keys(keys) => {
            for key in keys {
                client_key(transaction, key)?;
            }
        }
        Write::KeyForgotten(hash) => {
            transaction.execute("DELETE FROM keys WHERE hash = ?1", [hash])?;
        }
        // These wait elsewhere.
        Write::Usage(_)
        | Write::Moved(_)
        | Write::Shares(_)
        | Write::Learned(_)
        | Write::Sweep(_) => {}
    }
    Ok(())
}

fn client_key(transaction: &Transaction<'_>, key: &KeyRow) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO keys (name, hash, json, revoked_at) VALUES (?1, ?2, ?3, ?4)";
    let values = params![key.name, key.hash, key.json, key.revoked_at.map(micros)];
    transaction.execute(sql, values)?;
    Ok(())
}

fn learned(
    transaction: &Transaction<'_>,
    what: &'static str,
    at: Time,
    value: &impl Serialize,
) -> Result<(), StoreError> {
    let sql =
        "INSERT OR REPLACE INTO learned (what, saved_at, program, json) VALUES (?1, ?2, ?3, ?4)";
    let json = json(what, value)?;
    let program = env!("CARGO_PKG_VERSION");
    transaction.execute(sql, params![what, micros(at), program, json])?;
    Ok(())
}
