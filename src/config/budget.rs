//! `budget`: what may be spent at a provider, a target, on a route, with a key, and what happens then.

use serde::{Deserialize, Serialize};

use crate::limit::{AtLimit, Threshold};
use crate::model::PicoUsd;

use super::Budget;
use super::field::Field;

/// Least and most that a limit may be, in dollars: a micro-dollar, and what sums of 64 bits of pico-dollars hold well.
const LEAST: f64 = 1e-6;
const MOST: f64 = 1e7;

const AT_LIMIT: &[(&str, AtLimit)] = &[
    ("alert", AtLimit::Alert),
    ("avoid", AtLimit::Avoid),
    ("refuse", AtLimit::Refuse),
];

/// A table such as `{ month_usd = 90_000, alert_at = [0.5, 0.8, 1.0], at_limit = "avoid" }`.
pub(super) fn budget(field: &Field<'_>) -> Option<Budget> {
    let mut section = field.section()?;
    let limits = ["hour_usd", "day_usd", "month_usd"].map(|key| section.field(key));
    let alert_at = section.field("alert_at");
    let at_limit = section.field("at_limit");
    section.finish(&["tokens", "week_usd", "year_usd"]);
    if limits.iter().all(Option::is_none) {
        field.problem(
            "expected hour_usd, day_usd or month_usd, found none",
            "write budget = { month_usd = 500 }",
        );
        return None;
    }
    let [hour, day, month] = &limits;
    for (short, long, names) in [
        (hour, day, "hour_usd is above day_usd"),
        (day, month, "day_usd is above month_usd"),
        (hour, month, "hour_usd is above month_usd"),
    ] {
        let amount = |field: &Option<Field<'_>>| field.as_ref().and_then(number);
        if let (Some(field), Some(less), Some(more)) = (short, amount(short), amount(long))
            && less > more
        {
            field.warn(names, "it says nothing then");
        }
    }
    let written = limits.map(|field| field.map(|field| dollars(&field)));
    if written.contains(&Some(None)) {
        return None;
    }
    let thresholds = match alert_at {
        Some(field) => thresholds(&field)?,
        None => Budget::ALERT_AT
            .into_iter()
            .filter_map(Threshold::new)
            .collect(),
    };
    let at_limit = match at_limit {
        Some(field) => field.choice(AT_LIMIT)?,
        None => AtLimit::default(),
    };
    Budget::new(written.map(Option::flatten), thresholds, at_limit)
}

/// The number, if it is one; what else it is, is told elsewhere.
fn number(field: &Field<'_>) -> Option<f64> {
    use super::tree::Value;
    match field.node.value {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        Value::Text(_) | Value::Bool(_) | Value::Date(_) | Value::List(_) | Value::Table(_) => None,
    }
}

/// An amount in dollars, to the micro-dollar.
fn dollars(field: &Field<'_>) -> Option<PicoUsd> {
    let found = amount(field.number()?);
    if found.is_none() {
        let what = "an amount in dollars from 0.000001 to 10000000";
        field.expected(what, "leave it out where nothing is limited");
    }
    found
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and 10^13 micro-dollars"
)]
fn amount(dollars: f64) -> Option<PicoUsd> {
    let micro = (dollars * 1e6).round() as u128;
    (LEAST..=MOST)
        .contains(&dollars)
        .then(|| PicoUsd::new(micro * 1_000_000))
}

fn thresholds(field: &Field<'_>) -> Option<Vec<Threshold>> {
    let items = field.items();
    let parts = items.iter().map(|item| {
        let threshold = Threshold::new(item.number()?);
        if threshold.is_none() {
            item.expected("a part of the limit above 0 and up to 10", "0.8 is 80 %");
        }
        threshold
    });
    // Each says what is wrong with it, not only the first.
    let parts: Vec<Option<Threshold>> = parts.collect();
    parts.into_iter().collect()
}

/// What a key may spend, as it is sent and kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct KeyBudget {
    /// Dollars in an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour_usd: Option<f64>,
    /// Dollars in a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_usd: Option<f64>,
    /// Dollars in a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month_usd: Option<f64>,
    /// Parts of the limit at which somebody is told; half, four fifths and all of it if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_at: Option<Vec<f64>>,
    /// What becomes of its requests when nothing is left.
    pub at_limit: KeyLimit,
}

/// What becomes of a key's requests when its budget is spent. They have nowhere else to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyLimit {
    /// Nothing; somebody is told.
    #[default]
    Alert,
    /// They are refused.
    Refuse,
}

/// Most thresholds of one budget.
const MOST_THRESHOLDS: usize = 100;

impl KeyBudget {
    /// The budget.
    ///
    /// # Errors
    /// What makes no sense, in words.
    pub fn checked(&self) -> Result<Budget, String> {
        let limits = [self.hour_usd, self.day_usd, self.month_usd];
        let written = limits.map(|limit| limit.map(amount));
        if written.contains(&Some(None)) {
            let message = "budget: expected amounts in dollars from 0.000001 to 10000000";
            return Err(message.to_owned());
        }
        let parts = match &self.alert_at {
            Some(parts) if parts.len() > MOST_THRESHOLDS => {
                let found = parts.len();
                return Err(format!(
                    "budget.alert_at: expected at most {MOST_THRESHOLDS}, found {found}"
                ));
            }
            Some(parts) => parts.as_slice(),
            None => &Budget::ALERT_AT,
        };
        let alert_at: Option<Vec<Threshold>> = parts.iter().copied().map(Threshold::new).collect();
        let Some(alert_at) = alert_at else {
            let message =
                "budget.alert_at: expected parts of the limit above 0 and up to 10 (0.8 is 80 %)";
            return Err(message.to_owned());
        };
        let at_limit = match self.at_limit {
            KeyLimit::Alert => AtLimit::Alert,
            KeyLimit::Refuse => AtLimit::Refuse,
        };
        Budget::new(written.map(Option::flatten), alert_at, at_limit)
            .ok_or_else(|| "budget: expected hour_usd, day_usd or month_usd, found none".to_owned())
    }
}

/// Tells that what is counted has no price.
pub(super) fn notice_unpriced(field: &Field<'_>, unpriced: &[&str]) {
    if !unpriced.is_empty() {
        field.warn(
            format!(
                "counts nothing of {}, which has no price",
                unpriced.join(", ")
            ),
            "write it under [prices], or as the target's price",
        );
    }
}
