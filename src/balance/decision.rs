//! The explanation: what was measured, proposed, granted, and what stood in between.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::attain::Violation;
use super::goal::{Attainment, Goal};
use super::health::Health;
use super::overruled::Overruled;
use super::plan::Objective;
use super::quality::Quality;
use super::strategy::gap;
use super::{Share, Strategy, WeightTable};
use crate::model::{RouteName, TargetName, Time, UpstreamName, minute_of};

/// A bound that a proposal cannot cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rail {
    /// Fewer than [`Row::ENOUGH_SAMPLES`] answers so far: the row says little yet. Restrains nothing by itself.
    ColdStart,
    /// The configured `min_share`.
    Floor,
    /// The few requests that a much worse target keeps getting, so that its recovery is seen.
    Exploration,
    /// The configured `max_share`.
    Ceiling,
    /// The rate that the target's own refusals taught.
    RateCap,
    /// What its provider says is left of its limits.
    Announced,
    /// What it can have in flight before its answers queue.
    InFlightLimit,
    /// The largest change of one tick.
    Step,
    /// The route keeps conversations together, and moving more would cost more prompt cache than it gains.
    Kept,
    /// The change is too small to publish.
    DeadBand,
    /// It failed and takes nothing.
    Ejected,
    /// It comes back step by step.
    Ramp,
    /// It asked to be left alone for a while.
    Blocked,
    /// Its configured weight is 0, or an operator drained it.
    Drained,
    /// An operator gave it this share.
    Pinned,
    /// An operator had the route's shares stay.
    Frozen,
    /// It takes all that it has room for, and the next tier the rest.
    Spills,
    /// What others may not take or give falls to it.
    Displaced,
    /// The split between models is held at the configured one.
    ModelSplit,
    /// Its scores are below the route's `min_quality`.
    MinQuality,
    /// They are, and nobody else is left.
    MinQualityLifted,
    /// All targets are ejected: the configured shares are in force.
    HeldOutage,
    /// The controller decides and is not obeyed (`mode = "shadow"`).
    Shadow,
    /// The controller does not decide (`mode = "off"`).
    Off,
}

impl Rail {
    /// Its name in metrics and messages, the same as in the API.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ColdStart => "cold_start",
            Self::Floor => "floor",
            Self::Exploration => "exploration",
            Self::Ceiling => "ceiling",
            Self::RateCap => "rate_cap",
            Self::Announced => "announced",
            Self::InFlightLimit => "in_flight_limit",
            Self::Step => "step",
            Self::Kept => "kept",
            Self::DeadBand => "dead_band",
            Self::Ejected => "ejected",
            Self::Ramp => "ramp",
            Self::Blocked => "blocked",
            Self::Drained => "drained",
            Self::Pinned => "pinned",
            Self::Frozen => "frozen",
            Self::Spills => "spills",
            Self::Displaced => "displaced",
            Self::ModelSplit => "model_split",
            Self::MinQuality => "min_quality",
            Self::MinQualityLifted => "min_quality_lifted",
            Self::HeldOutage => "held_outage",
            Self::Shadow => "shadow",
            Self::Off => "off",
        }
    }
}

/// The loss of a typical answer, in parts. Compared between targets of a route; lower is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
pub struct Terms {
    /// By slowness: 1.1 × the objective's latency weight is the route's mean.
    pub latency: f64,
    /// By cost: 1 × the objective's cost weight is the mean of the configured shares.
    pub cost: f64,
    /// By faults.
    pub error: f64,
    /// By scores that are lower than those of the best; left out where it is nothing.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub quality: f64,
}

/// Whether a term is nothing at all, as without scores, and without a weight for them.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "what is left out of a text is asked by reference"
)]
pub(super) fn is_nothing(value: &f64) -> bool {
    value.to_bits() == 0
}

impl Terms {
    /// The whole loss.
    pub fn loss(&self) -> f64 {
        self.latency + self.cost + self.error + self.quality
    }
}

/// What was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// Seconds to the first token, if measured.
    pub first_token: Option<f64>,
    /// Seconds per token, if measured.
    pub per_token: Option<f64>,
    /// Slowness relative to the route's mean.
    pub slowness: f64,
    /// Fault probability, 0 to 1.
    pub faults: f64,
    /// Dollars of a typical answer, if there is a price.
    pub cost: Option<f64>,
    /// Part of its prompts' tokens that was in its cache, 0 to 1; `None` before any were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<f64>,
    /// What applications said of its answers; `None` where nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// Standard deviation of the loss.
    pub deviation: f64,
    /// How far the loss is above the best, after what chance explains is taken off.
    pub gap: f64,
}

const fn lowest_tier() -> u8 {
    1
}

/// One target's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The target.
    pub name: TargetName,
    /// What serves it.
    #[serde(rename = "use")]
    pub upstream: UpstreamName,
    /// Its tier: lower ones are filled first.
    #[serde(default = "lowest_tier")]
    pub tier: u8,
    /// The share that the weights ask for: those of the files, as operators' orders make them.
    pub configured: Share,
    /// The share that the strategy proposes.
    pub proposed: Share,
    /// The share in force.
    pub granted: Share,
    /// The share that would be in force if the controller were obeyed; `None` where it is, or decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_obeyed: Option<Share>,
    /// Answers since the start.
    pub samples: u64,
    /// How much is known, 0 to 1.
    pub confidence: f64,
    /// Its health.
    pub health: Health,
    /// No requests before this moment.
    pub blocked_until: Time,
    /// Its loss, in parts.
    pub terms: Terms,
    /// What was measured.
    pub evidence: Evidence,
    /// How it stands to each level of the route's goal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Attainment>,
    /// What stood between proposal and grant.
    pub rails: BTreeSet<Rail>,
    /// The operator's order that holds it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overruled: Option<Overruled>,
    /// The share that the files ask for, where an order, of this target or of another, makes it another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_filed: Option<Share>,
    /// The budget that keeps requests away or has them refused, if one does. No decision knows of money; who shows one says
    /// so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<Spent>,
}

/// A budget of which nothing is left, so that requests go elsewhere or are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Whose, in which window.
    pub budget: String,
    /// When it begins anew.
    pub until: Time,
    /// Whether requests that come here are refused meanwhile, rather than go elsewhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refuses: bool,
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (budget, until) = (&self.budget, minute_of(self.until));
        write!(f, "{budget} is spent, until {until}")
    }
}

impl Row {
    /// Answers from which a row is no longer called cold. Source: the page that this product starts from asks for a
    /// hundred requests before shares are judged.
    pub const ENOUGH_SAMPLES: u64 = 100;

    /// The share that the files ask for.
    pub fn filed(&self) -> Share {
        self.as_filed.unwrap_or(self.configured)
    }

    /// Whether it has not answered yet: what its errors and times are supposed to be is then learned from others.
    pub(super) const fn was_never_measured(&self) -> bool {
        self.samples == 0
    }

    /// How far it is over the levels of the route's goal together, less what chance explains; 0 where it meets them.
    pub fn over(&self) -> f64 {
        let violation = Violation::of(&self.levels);
        gap(violation.excess, violation.variance)
    }

    /// Whether its share is only shown: what an operator ordered is obeyed in every mode.
    pub(super) fn is_only_shown(&self) -> bool {
        self.rails.contains(&Rail::Shadow) && self.overruled.is_none()
    }

    /// Whether the route's `min_quality` keeps it away.
    pub fn is_away(&self) -> bool {
        self.rails.contains(&Rail::MinQuality)
    }
}

/// The shares of a route and the reason for each.
///
/// # Invariants
/// One row a target, in the table's order. Granted differs from proposed only where the row names a rail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The route.
    pub route: RouteName,
    /// When.
    pub at: Time,
    /// How shares came about.
    pub strategy: Strategy,
    /// What is good enough.
    #[serde(default)]
    pub goal: Goal,
    /// What counts where that is met.
    #[serde(default)]
    pub objective: Objective,
    /// The mean score below which a target leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_quality: Option<f64>,
    /// Requests per second, smoothed.
    pub demand: f64,
    /// The shares in force.
    pub table: WeightTable,
    /// Whether they changed with this decision.
    pub moved: bool,
    /// The reasons.
    pub rows: Vec<Row>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rail_is_called_the_same_in_metrics_and_in_the_api() {
        for rail in [Rail::ColdStart, Rail::InFlightLimit, Rail::HeldOutage] {
            let json = serde_json::to_value(rail).unwrap();
            assert_eq!(json, rail.label());
        }
    }
}
