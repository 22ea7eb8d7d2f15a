//! Throwing the kill switch: by an operator's call or by a signal, and back where a restart finds it thrown.
//!
//! Nothing here waits for the controller.

use crate::live::{Published, Switch, Thrown};
use crate::store::{Books, SteeringRow, Write};

/// What the books call the switch among the orders. Orders are numbered, so none is called that.
pub(super) const ROW: &str = "switch";

/// Throws the switch, says so and has it remembered.
pub fn throw(published: &Published, books: &Books, thrown: &Thrown) {
    let (by, reason) = (thrown.by.as_str(), thrown.reason.as_str());
    if thrown.off {
        tracing::warn!(
            by,
            reason,
            "the kill switch is off: configured shares, unguarded"
        );
    } else {
        tracing::warn!(
            by,
            reason,
            "the kill switch is on: as the files and orders say"
        );
    }
    let row = row(thrown);
    published.read().switch.throw(thrown);
    books.write(Write::Steering(row));
}

/// How the books have it.
pub(super) fn row(thrown: &Thrown) -> SteeringRow {
    SteeringRow {
        id: ROW.to_owned(),
        json: serde_json::to_string(thrown).unwrap_or_default(),
    }
}

/// Throws it again as the last process left it.
pub(super) fn restore(switch: &Switch, row: &SteeringRow) {
    match serde_json::from_str::<Thrown>(&row.json) {
        Ok(thrown) => {
            if thrown.off {
                let (by, reason) = (thrown.by.as_str(), thrown.reason.as_str());
                tracing::warn!(by, reason, "the kill switch is still off");
            }
            switch.throw(&thrown);
        }
        Err(error) => {
            tracing::error!(%error, "what the books say of the kill switch cannot be read");
        }
    }
}
