//! What a configured route says of how it is served, where a scenario stands for such a route.
//!
//! Files of scenarios have none of it: there everybody works for the same loss and under the same deadlines, so that policies
//! can be compared. Whoever makes a scenario of a configuration puts it in.

use std::time::Duration;

use crate::balance::{Goal, Objective, Share};
use crate::model::Price;

/// What a route says of how it is served.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// How much latency, cost and errors count for Weighbridge's own policies.
    pub objective: Objective,
    /// What is good enough: comes before the objective.
    pub goal: Goal,
    /// When a stream's first content is due after it was sent.
    pub first_due: Duration,
    /// When a whole unary answer is due after it was sent.
    pub unary_due: Duration,
    /// With failover: further targets that a request may try.
    pub further: usize,
}

/// What a configuration says of a target, beyond what its law does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetTerms {
    /// The least and the most share that it is given.
    pub bounds: Bounds,
    /// What it costs.
    pub cost: Cost,
}

/// The least and the most share of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Not less while it works.
    pub least: Share,
    /// Never more.
    pub most: Share,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            least: Share::ZERO,
            most: Share::WHOLE,
        }
    }
}

/// Where a target's price stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cost {
    /// In its law.
    #[default]
    Law,
    /// In a list.
    Listed(Price),
    /// Nowhere: what answers cost is not known, and counts neither for nor against it.
    Unknown,
}
