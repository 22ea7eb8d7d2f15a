//! What was used, by whom, when: questions to the books and their answers.

use std::fmt;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use serde::{Serialize, Serializer};

use super::commit::whole;
use super::error::StoreError;
use super::rows::Sums;
use crate::model::{PicoUsd, Time};

/// The columns that a row of usage is found by.
pub(super) const KEYS: [&str; 8] = [
    "minute", "route", "target", "upstream", "key", "team", "feature", "user",
];

/// The columns that are added up, in the order of [`Sums::counts`], the cost last.
pub(super) const COLUMNS: [&str; 15] = [
    "requests",
    "failed",
    "calls",
    "tokens_in",
    "tokens_cached",
    "tokens_cache_write",
    "tokens_out",
    "tokens_reasoning",
    "unpriced",
    "estimated",
    "first_token_us_sum",
    "first_token_n",
    "total_us_sum",
    "total_n",
    "cost_pico",
];

/// The cost is added up in two parts: `SQLite` gives up where a sum leaves 64 bits, which is at nine million dollars.
const COST: [&str; 2] = ["sum(cost_pico / 1000000000)", "sum(cost_pico % 1000000000)"];
const NANO: u128 = 1_000_000_000;

/// Most values of a tag that usage tells apart in a day.
pub const MOST_VALUES: usize = 10_000;
/// Most rows of an answer: those, the others together, and who has none.
pub const MOST_ROWS: usize = MOST_VALUES + 2;
const MINUTE: u64 = 60_000_000;

/// What usage can be split by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Months of the calendar, UTC.
    Month,
    /// Days, UTC.
    Day,
    /// Hours, UTC.
    Hour,
    /// Minutes, UTC, where they are still told apart.
    Minute,
    /// Client keys.
    Key,
    /// Teams.
    Team,
    /// Features of applications.
    Feature,
    /// Users of applications.
    User,
    /// Routes.
    Route,
    /// Targets.
    Target,
    /// `provider/model`.
    Upstream,
    /// Providers.
    Provider,
    /// Models as their providers call them.
    Model,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Month,
        Self::Day,
        Self::Hour,
        Self::Minute,
        Self::Key,
        Self::Team,
        Self::Feature,
        Self::User,
        Self::Route,
        Self::Target,
        Self::Upstream,
        Self::Provider,
        Self::Model,
    ];

    /// Its name in questions and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Key => "key",
            Self::Team => "team",
            Self::Feature => "feature",
            Self::User => "user",
            Self::Route => "route",
            Self::Target => "target",
            Self::Upstream => "upstream",
            Self::Provider => "provider",
            Self::Model => "model",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Those of a list with commas, each once; the word that is none of them.
    pub fn list(names: &str) -> Result<Vec<Self>, String> {
        let mut all = Vec::new();
        for name in names.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            let dimension = Self::named(name).ok_or_else(|| name.to_owned())?;
            if !all.contains(&dimension) {
                all.push(dimension);
            }
        }
        Ok(all)
    }

    /// The expression of a row's value.
    const fn sql(self) -> &'static str {
        match self {
            Self::Month => "strftime('%Y-%m', minute * 60, 'unixepoch')",
            Self::Day => "strftime('%Y-%m-%d', minute * 60, 'unixepoch')",
            Self::Hour => "strftime('%Y-%m-%dT%H:00Z', minute * 60, 'unixepoch')",
            Self::Minute => "strftime('%Y-%m-%dT%H:%MZ', minute * 60, 'unixepoch')",
            Self::Key => "key",
            Self::Team => "team",
            Self::Feature => "feature",
            Self::User => "user",
            Self::Route => "route",
            Self::Target => "target",
            Self::Upstream => "upstream",
            Self::Provider => "substr(upstream, 1, max(instr(upstream, '/') - 1, 0))",
            Self::Model => "substr(upstream, instr(upstream, '/') + 1)",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Dimension {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What to split by, in the order of the answer's columns.
    pub by: Vec<Dimension>,
    /// From the minute of this moment on.
    pub since: Time,
    /// Up to, without the minute of this moment unless it has begun.
    pub until: Time,
    /// Only rows that have these values.
    pub only: Vec<(Dimension, String)>,
    /// Most rows, at most [`MOST_ROWS`].
    pub most: usize,
}

/// One row of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// A value for each dimension of the question.
    pub of: Vec<String>,
    /// What was used.
    pub sums: Sums,
}

/// An answer: the rows that cost most first, or in the order of time where time comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What it is split by.
    pub by: Vec<Dimension>,
    /// The rows.
    pub rows: Vec<UsageRow>,
    /// All of it, also what is in no row.
    pub total: Sums,
    /// Whether there were more rows than asked for.
    pub is_cut: bool,
}

/// Answers a question.
pub(super) fn usage(connection: &Connection, query: &Query) -> Result<Usage, StoreError> {
    // Of one moment, rows and sum alike.
    let connection = connection.unchecked_transaction()?;
    let (condition, values) = condition(query);
    let sums: Vec<String> = COLUMNS[..COLUMNS.len() - 1]
        .iter()
        .map(|column| format!("coalesce(sum({column}), 0)"))
        .chain(COST.iter().map(|part| format!("coalesce({part}, 0)")))
        .collect();
    let sums = sums.join(", ");
    let total = format!("SELECT {sums} FROM usage WHERE {condition}");
    let total = connection.query_row(&total, params_from_iter(&values), |row| read(row, 0))?;
    let mut usage = Usage {
        by: query.by.clone(),
        rows: Vec::new(),
        total,
        is_cut: false,
    };
    let Some(first) = query.by.first() else {
        return Ok(usage);
    };
    let dimensions: Vec<&str> = query.by.iter().map(|it| it.sql()).collect();
    let places: Vec<String> = (1..=dimensions.len()).map(|n| n.to_string()).collect();
    let is_time = *first <= Dimension::Minute;
    let order = if is_time {
        places.join(", ")
    } else {
        format!(
            "sum(CAST(cost_pico AS REAL)) DESC, sum(requests) DESC, {}",
            places.join(", ")
        )
    };
    let most = query.most.min(MOST_ROWS);
    let sql = format!(
        "SELECT {}, {sums} FROM usage WHERE {condition} GROUP BY {} ORDER BY {order} LIMIT {}",
        dimensions.join(", "),
        places.join(", "),
        most + 1
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter(&values), |row| {
        let of = (0..dimensions.len()).map(|i| row.get(i));
        Ok(UsageRow {
            of: of.collect::<rusqlite::Result<_>>()?,
            sums: read(row, dimensions.len())?,
        })
    })?;
    usage.rows = rows.collect::<rusqlite::Result<_>>()?;
    usage.is_cut = usage.rows.len() > most;
    usage.rows.truncate(most);
    Ok(usage)
}

/// What rows are asked for, with the values of its places.
fn condition(query: &Query) -> (String, Vec<Value>) {
    let minute = |time: Time| time.as_micros() / MINUTE;
    let until = query.until.as_micros().div_ceil(MINUTE);
    let mut condition = "minute >= ?1 AND minute < ?2".to_owned();
    let mut values = vec![
        Value::Integer(whole(minute(query.since))),
        Value::Integer(whole(until)),
    ];
    for (dimension, value) in &query.only {
        values.push(Value::Text(value.clone()));
        condition = format!("{condition} AND {} = ?{}", dimension.sql(), values.len());
    }
    (condition, values)
}

/// Sums from the columns from `first` on.
fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Sums> {
    let number = |i: usize| -> rusqlite::Result<u64> {
        let number: i64 = row.get(first + i)?;
        Ok(u64::try_from(number).unwrap_or(0))
    };
    let mut sums = Sums::default();
    let mut column = 0;
    for count in sums.counts_mut() {
        *count = number(column)?;
        column += 1;
    }
    let nano = u128::from(number(column)?) * NANO;
    sums.cost = PicoUsd::new(nano + u128::from(number(column + 1)?));
    Ok(sums)
}
