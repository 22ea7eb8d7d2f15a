//! A target's state in one word.

use crate::balance::{Health, Row, Share};
use crate::model::Time;

/// All words that [`state`] may say.
pub(super) const STATES: [&str; 6] = [
    "serving",
    "blocked",
    "ejected",
    "probing",
    "returning",
    "drained",
];

/// The state of a target at `now`: `serving`, `blocked` (it asked to be left alone for a while), `ejected` (it failed and takes
/// nothing), `probing` (single requests show whether it works again), `returning` (it does, and its share grows back) or
/// `drained` (its weight is 0).
pub fn state(row: &Row, now: Time) -> &'static str {
    if row.configured == Share::ZERO {
        return "drained";
    }
    match row.health {
        Health::Ejected { .. } => "ejected",
        Health::Probing { .. } => "probing",
        Health::Returning { .. } | Health::Serving if row.blocked_until > now => "blocked",
        Health::Returning { .. } => "returning",
        Health::Serving => "serving",
    }
}
