//! What operators' orders make of a share, in words: what the files say is called configured, and what an order says is its.

use super::super::decision::{Decision, Row};
use super::super::words::{clock, percent};
use super::super::{Hold, Overruled};

/// Whether an operator's order changes a share of the route.
pub(super) fn is_ordered(decision: &Decision) -> bool {
    let mut rows = decision.rows.iter();
    rows.any(|row| row.as_filed.is_some() || row.overruled.is_some())
}

/// Whose orders make its weight count for another share than the files ask for, where no order is about itself.
pub(super) fn elsewhere(decision: &Decision, row: &Row) -> Option<String> {
    if row.overruled.is_some() || row.as_filed.is_none() {
        return None;
    }
    let rows = decision.rows.iter();
    let others = rows.filter_map(|other| {
        let did = match other.overruled.as_ref()?.hold {
            Hold::Drained => "drained",
            Hold::Pinned => "pinned",
            Hold::Frozen => "frozen",
        };
        Some(format!("{} is {did} by order", other.name))
    });
    let others: Vec<String> = others.collect();
    (!others.is_empty()).then(|| others.join(" and "))
}

/// Whether an operator says what its share is.
pub(super) fn is_held(row: &Row) -> bool {
    let hold = row.overruled.as_ref().map(|order| order.hold);
    matches!(hold, Some(Hold::Pinned | Hold::Frozen))
}

/// Whose order it is, until when and why.
pub(super) fn ordered(order: &Overruled, decision: &Decision) -> String {
    let until = clock(order.until, decision.at);
    format!("by order of {} until {until}: {}", order.by, order.reason)
}

/// What is in force at a target whose share is only shown.
pub(super) fn in_force(row: &Row) -> String {
    let share = percent(row.configured.fraction());
    match row.as_filed {
        None => format!("takes its configured {share}"),
        Some(_) => format!("takes {share} by order"),
    }
}

#[cfg(test)]
#[path = "orders_tests.rs"]
mod tests;
