//! What an operator's order does to a target, for those who decide and those who explain.
//!
//! An order changes what a route is configured to do (a weight of 0, bounds that meet), so that nothing here decides
//! otherwise because of it. What remains is to say so, and that is what is carried along.

use serde::{Deserialize, Serialize};

use super::decision::Rail;
use crate::model::Time;

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Its share is this one.
    Pinned,
    /// It takes nothing.
    Drained,
    /// The route's shares stay.
    Frozen,
}

impl Hold {
    /// The rail that stands for it.
    pub(super) const fn rail(self) -> Rail {
        match self {
            Self::Pinned => Rail::Pinned,
            Self::Drained => Rail::Drained,
            Self::Frozen => Rail::Frozen,
        }
    }
}

/// An order that holds a target, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overruled {
    /// What is ordered.
    pub hold: Hold,
    /// Who gave the order.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it ends.
    pub until: Time,
}
