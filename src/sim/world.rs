//! What a scenario says: load, targets and their laws.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::balance::Weight;
use crate::law::{Law, Length, Number};

/// A world to run the controller in.
#[derive(Clone, Debug, Deserialize)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Virtual seconds.
    pub seconds: f64,
    /// What comes in.
    pub load: Load,
    /// The targets, by name.
    #[serde(rename = "target")]
    pub targets: BTreeMap<String, SimTarget>,
}

/// What comes in.
#[derive(Clone, Debug, Deserialize)]
pub struct Load {
    /// Requests per second, Poisson.
    pub rps: Number,
    /// Tokens of prompts.
    #[serde(default = "Load::usual_tokens_in")]
    pub tokens_in: u64,
    /// Tokens of answers.
    #[serde(default)]
    pub tokens_out: Length,
    /// Part of the requests that are streamed.
    #[serde(default = "Load::all")]
    pub streamed: f64,
    /// Part of the requests that are the client's mistake.
    #[serde(default)]
    pub client_fault: f64,
    /// Seconds after which the client gives up.
    #[serde(default = "Load::usual_timeout")]
    pub timeout: f64,
}

impl Load {
    const fn usual_tokens_in() -> u64 {
        400
    }

    const fn all() -> f64 {
        1.0
    }

    const fn usual_timeout() -> f64 {
        30.0
    }
}

/// A target of a scenario.
#[derive(Clone, Debug, Deserialize)]
pub struct SimTarget {
    /// Its configured weight.
    pub weight: Weight,
    /// How it behaves.
    #[serde(flatten)]
    pub law: Law,
}
