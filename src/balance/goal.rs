//! Service levels that a route's targets are to meet, in units that people review.
//!
//! A goal says what is good enough: `first_token_p95 = "1.5s"`. Targets that meet all of it are compared by the route's
//! objective alone; one that does not loses its share first, whatever else speaks for it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A time of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// From the request to its first token; streamed answers have one.
    FirstToken,
    /// Between two tokens of a streamed answer.
    PerToken,
    /// From the request to the end of its answer, streamed or not.
    Total,
}

/// What is looked at of many times.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Their mean.
    #[default]
    Mean,
    /// Their median.
    P50,
    /// What nine in ten do not exceed.
    P90,
    /// What nineteen in twenty do not exceed.
    P95,
    /// What ninety-nine in a hundred do not exceed.
    P99,
}

/// What a level bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// A time.
    Time(Timing, Statistic),
    /// The part of requests that fail by the target's fault.
    Errors,
}

/// One bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Of what.
    pub measure: Measure,
    /// Its largest good value: seconds above 0, or a fraction from 0 to 1.
    pub at_most: f64,
}

/// All bounds of a route; none is no goal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Goal {
    /// The bounds, each measure at most once.
    pub levels: Vec<Level>,
}

/// How a target stands to one level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attainment {
    /// The level.
    pub level: Level,
    /// What was measured: seconds or a fraction; `None` while nothing was, and where more requests fail than the level
    /// allows to be late.
    pub value: Option<f64>,
    /// Requests that it is known from; old ones count less.
    pub samples: f64,
    /// How far it is over the level, as a part of it: 0 meets it, 0.1 is a tenth over.
    pub excess: f64,
    /// How much of the excess may be chance: one standard deviation.
    pub deviation: f64,
    /// How much more it may be than it seems: one standard deviation the other way.
    #[serde(default)]
    pub doubt: f64,
}

/// Whether a level is met, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Too few requests to say.
    Unknown,
    /// It is.
    Met,
    /// What was seen is over it, but chance may have done that.
    Unproven,
    /// It is not.
    Missed,
}

// === impl Statistic ===

impl Statistic {
    /// All with their spelling.
    pub const ALL: [(&'static str, Self); 5] = [
        ("mean", Self::Mean),
        ("p50", Self::P50),
        ("p90", Self::P90),
        ("p95", Self::P95),
        ("p99", Self::P99),
    ];

    /// The part of values that may lie above a percentile; `None` of the mean.
    pub const fn above(self) -> Option<f64> {
        match self {
            Self::Mean => None,
            Self::P50 => Some(0.5),
            Self::P90 => Some(0.1),
            Self::P95 => Some(0.05),
            Self::P99 => Some(0.01),
        }
    }

    /// As it is spelled.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }
}

// === impl Timing ===

impl Timing {
    const fn label(self) -> &'static str {
        match self {
            Self::FirstToken => "first_token",
            Self::PerToken => "per_token",
            Self::Total => "total",
        }
    }
}

// === impl Attainment ===

impl Attainment {
    /// Requests below which nothing is said.
    const FEW: f64 = 3.0;
    /// Deviations that chance explains.
    const CHANCE: f64 = 1.5;
    /// An excess below this is called none: cells of a histogram are coarser.
    const NONE: f64 = 0.02;

    /// Whether the level is met, as far as is known.
    pub fn verdict(&self) -> Verdict {
        if self.excess > Self::NONE {
            if self.excess > Self::CHANCE * self.deviation {
                Verdict::Missed
            } else {
                Verdict::Unproven
            }
        } else if self.samples < Self::FEW {
            Verdict::Unknown
        } else {
            Verdict::Met
        }
    }
}

impl Measure {
    /// As it is spelled in a goal: `first_token_p95`, `errors`.
    pub fn key(self) -> String {
        match self {
            Self::Errors => "errors".into(),
            Self::Time(timing, statistic) => format!("{}_{}", timing.label(), statistic.label()),
        }
    }
}

impl fmt::Display for Measure {
    /// As somebody would say it: `first token's p95`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errors => f.write_str("error rate"),
            Self::Time(timing, Statistic::Mean) => f.write_str(match timing {
                Timing::FirstToken => "mean time to first token",
                Timing::PerToken => "mean time per token",
                Timing::Total => "mean time of an answer",
            }),
            Self::Time(timing, statistic) => {
                let whose = match timing {
                    Timing::FirstToken => "first token's",
                    Timing::PerToken => "time per token's",
                    Timing::Total => "whole answer's",
                };
                write!(f, "{whose} {}", statistic.label())
            }
        }
    }
}
