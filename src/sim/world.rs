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
    /// Whether shares may move between different models.
    #[serde(default = "Scenario::mixed")]
    pub mix_models: bool,
    /// Changes of the configuration, in the order of their time.
    #[serde(default, rename = "reload")]
    pub reloads: Vec<Reload>,
    /// The targets, by name.
    #[serde(rename = "target")]
    pub targets: BTreeMap<String, SimTarget>,
}

impl Scenario {
    const fn mixed() -> bool {
        true
    }

    /// When the configuration changes, in seconds.
    pub(super) fn changes(&self) -> impl Iterator<Item = f64> {
        let joins = self.targets.values().map(|target| target.joins);
        let reloads = self.reloads.iter().map(|reload| reload.at);
        joins.chain(reloads).filter(|at| *at > 0.0)
    }

    /// The weight of a target at `seconds`.
    pub(super) fn weight(&self, name: &str, target: &SimTarget, seconds: f64) -> Weight {
        let mut past = self
            .reloads
            .iter()
            .rev()
            .filter(|reload| reload.at <= seconds);
        let last = past.find_map(|reload| reload.weights.get(name));
        last.copied().unwrap_or(target.weight)
    }
}

/// A change of the configuration.
#[derive(Clone, Debug, Deserialize)]
pub struct Reload {
    /// When, in seconds.
    pub at: f64,
    /// New weights, by target; the others keep theirs.
    pub weights: BTreeMap<String, Weight>,
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
    /// What it serves.
    #[serde(default = "SimTarget::model")]
    pub model: String,
    /// When a reload adds it, in seconds; 0 is from the start.
    #[serde(default)]
    pub joins: f64,
    /// How it behaves.
    #[serde(flatten)]
    pub law: Law,
}

impl SimTarget {
    fn model() -> String {
        "model".into()
    }
}
