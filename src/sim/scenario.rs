//! What a scenario says: load, targets and their laws, and whose fault the report follows.
//!
//! A file is read strictly: a key that nobody knows is refused with its line, since a misspelt fault would make a world
//! without one, in which everybody does well.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::conversations::Conversations;
use super::trace::Trace;
use crate::balance::Weight;
use crate::law::{self, Length, Number};
use crate::model::{Price, Time, Tokens};

mod network;
mod target;
mod terms;

pub use network::Network;
pub use target::SimTarget;
pub use terms::{Bounds, Cost, TargetTerms, Terms};

/// A world to run a policy in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Virtual seconds.
    #[serde(deserialize_with = "at_most_a_year")]
    pub seconds: f64,
    /// Load balancers; each request comes to one of them.
    #[serde(default = "one")]
    pub replicas: u32,
    /// Whether they tell each other what they measure; those of others never do.
    #[serde(default)]
    pub shared: bool,
    /// A broken network of one of them.
    #[serde(default)]
    pub network: Option<Network>,
    /// What prices mean.
    #[serde(default)]
    pub prices: Prices,
    /// Whether shares may move between different models.
    #[serde(default = "yes")]
    pub mix_models: bool,
    /// Whether our own route keeps conversations at their target.
    #[serde(default)]
    pub sticky: bool,
    /// What comes in.
    pub load: Load,
    /// Changes of the configured weights, in the order of their time.
    #[serde(default, rename = "reload")]
    pub reloads: Vec<Reload>,
    /// The targets, by name.
    #[serde(rename = "target")]
    pub targets: BTreeMap<String, SimTarget>,
    /// Whose share and recovery the report follows.
    #[serde(default)]
    pub fault: Option<Fault>,
    /// What a configured route says of how it is served, if the scenario stands for one.
    #[serde(skip)]
    pub terms: Option<Terms>,
}

/// What `price_in` and `price_out` of a scenario's targets mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prices {
    /// Micro-dollars per million tokens.
    #[default]
    PerToken,
    /// `price_out` is the price of one answer whatever its length, relative to a usual one.
    PerAnswer,
}

/// A change of the configured weights.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reload {
    /// When, in seconds.
    #[serde(deserialize_with = "law::non_negative")]
    pub at: f64,
    /// New weights, by target; the others keep theirs.
    pub weights: BTreeMap<String, Weight>,
}

/// Whose share and recovery the report follows.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The target that falls ill.
    pub target: String,
    /// When, in seconds.
    #[serde(deserialize_with = "law::non_negative")]
    pub from: f64,
    /// When it is well again; the scenario's end if it never is.
    #[serde(deserialize_with = "law::non_negative")]
    pub to: f64,
}

/// What comes in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Requests per second, Poisson.
    #[serde(default, deserialize_with = "law::non_negative_over_time")]
    pub rps: Number,
    /// A file with recorded requests, in place of `rps` and both kinds of tokens. Whoever reads the scenario's file reads
    /// this one, too, and brings it with [`Scenario::follow`]; until then nothing comes in.
    #[serde(default)]
    pub trace: Option<String>,
    /// What is followed.
    #[serde(skip)]
    pub(super) followed: Option<Trace>,
    /// Tokens of prompts.
    #[serde(
        default = "Load::usual_tokens_in",
        deserialize_with = "law::non_negative_over_time"
    )]
    pub tokens_in: Number,
    /// Tokens of answers.
    #[serde(default)]
    pub tokens_out: Length,
    /// Part of the requests that are streamed.
    #[serde(default = "Load::all", deserialize_with = "law::fraction_over_time")]
    pub streamed: Number,
    /// Part of the requests that are the client's mistake.
    #[serde(default, deserialize_with = "law::fraction_over_time")]
    pub client_fault: Number,
    /// The conversations that requests are turns of; without, each stands alone.
    #[serde(default)]
    pub conversations: Option<Conversations>,
    /// Seconds after which the client gives up.
    #[serde(default = "Load::usual_timeout", deserialize_with = "positive")]
    pub timeout: f64,
}

/// Why a text is not a scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It can't be read, or says what no scenario says.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A part that contradicts another.
    #[error("`{key}`: {problem}")]
    Contradiction {
        /// Where.
        key: String,
        /// What was expected and what was found.
        problem: String,
    },
}

// === impl Load ===

impl Load {
    /// So many requests a second; all else is as where a scenario's file says nothing.
    pub fn of(rps: Number) -> Self {
        Self {
            rps,
            trace: None,
            followed: None,
            tokens_in: Self::usual_tokens_in(),
            tokens_out: Length::default(),
            streamed: Self::all(),
            client_fault: Number::ZERO,
            conversations: None,
            timeout: Self::usual_timeout(),
        }
    }

    fn usual_tokens_in() -> Number {
        Number::constant(400.0).unwrap_or_default()
    }

    fn all() -> Number {
        Number::constant(1.0).unwrap_or_default()
    }

    const fn usual_timeout() -> f64 {
        30.0
    }
}

// === impl Scenario ===

/// Micro-dollars per million tokens of an answer whose price is 1 "per answer": ten dollars, a middling hosted model's list
/// price. Only sums of dollars depend on it.
const USUAL_PRICE: f64 = 10e6;

/// How often a scenario that changes is looked at for what it is as a whole.
const LOOKS: u32 = 100;

impl Scenario {
    /// Reads a scenario.
    pub fn read(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text)?;
        scenario.check()?;
        Ok(scenario)
    }

    /// Whether its parts contradict each other.
    ///
    /// # Errors
    /// The first that does, in words.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let wrong = |key: &str, problem: String| {
            Err(ScenarioError::Contradiction {
                key: key.to_owned(),
                problem,
            })
        };
        if self.replicas == 0 {
            return wrong("replicas", "expected at least 1, found 0".to_owned());
        }
        if self.load.trace.is_none() && self.load.rps.bounds().1 <= 0.0 {
            let problem = "expected a rate above 0, or `trace`, found neither".to_owned();
            return wrong("load.rps", problem);
        }
        if self.load.trace.is_some() && self.load.conversations.is_some() {
            let problem = "expected either `trace` or `conversations`, found both".to_owned();
            return wrong("load.conversations", problem);
        }
        let weights = self.targets.values().map(|target| target.weight.value());
        if weights.sum::<f64>() <= 0.0 {
            let problem = "expected a target of a weight above 0, found none".to_owned();
            return wrong("target", problem);
        }
        let unknown = |name: &String| !self.targets.contains_key(name);
        let known = || {
            let names: Vec<&str> = self.targets.keys().map(String::as_str).collect();
            names.join(", ")
        };
        for name in self.reloads.iter().flat_map(|reload| reload.weights.keys()) {
            if unknown(name) {
                let problem = format!("expected a target ({}), found {name:?}", known());
                return wrong("reload.weights", problem);
            }
        }
        if let Some(fault) = &self.fault {
            if unknown(&fault.target) {
                let problem = format!("expected a target ({}), found {:?}", known(), fault.target);
                return wrong("fault.target", problem);
            }
            if !(fault.from < fault.to && fault.to <= self.seconds) {
                let problem = format!(
                    "expected from < to ≤ seconds ({}), found {} and {}",
                    self.seconds, fault.from, fault.to
                );
                return wrong("fault", problem);
            }
        }
        self.check_prices()
    }

    fn check_prices(&self) -> Result<(), ScenarioError> {
        for (name, target) in &self.targets {
            if self.prices == Prices::PerAnswer && target.law.price_in.bounds().1 > 0.0 {
                return Err(ScenarioError::Contradiction {
                    key: format!("target.{name}.price_in"),
                    problem: "expected 0 where prices are per answer".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Takes requests from `trace` instead of drawing them: their times and both counts of tokens. The rest (replica, kind,
    /// whose mistake) is still drawn. Requests after the scenario's end do not come.
    pub fn follow(&mut self, trace: Trace) {
        let (tokens_in, tokens_out) = trace.medians();
        let constant = |value: f64| Number::constant(value).unwrap_or_default();
        let seconds = trace.seconds().clamp(f64::MIN_POSITIVE, self.seconds);
        let came = trace.requests().iter();
        let came = came
            .filter(|request| request.seconds < self.seconds)
            .count();
        self.load.rps = constant(came as f64 / seconds.max(1.0));
        self.load.tokens_in = constant(tokens_in as f64);
        self.load.tokens_out.median = constant(tokens_out as f64);
        self.load.followed = Some(trace);
    }

    /// The weights at `seconds`, in the order of the targets.
    pub(super) fn weights(&self, seconds: f64) -> Vec<Weight> {
        let past = || self.reloads.iter().rev();
        let weight = |(name, target): (&String, &SimTarget)| {
            let newest = past()
                .filter(|reload| reload.at <= seconds)
                .find_map(|reload| reload.weights.get(name));
            newest.copied().unwrap_or(target.weight)
        };
        self.targets.iter().map(weight).collect()
    }

    /// What `target` costs at that moment; `None` where that is not known.
    pub(super) fn price(&self, target: &SimTarget, now: Time) -> Option<Price> {
        let seconds = now.as_secs_f64();
        match (target.terms.cost, self.prices) {
            (Cost::Unknown, _) => None,
            (Cost::Listed(price), _) => Some(price),
            (Cost::Law, Prices::PerToken) => Some(target.law.price(seconds)),
            (Cost::Law, Prices::PerAnswer) => Some(Price::flat(
                0,
                law::whole(relative(target, seconds) * USUAL_PRICE),
            )),
        }
    }

    /// What an answer at `target` costs relative to a usual one: the price as written where prices are per answer, else
    /// its dollars by those of [`Scenario::usual_dollars`]; as much as a usual one where its price is not known.
    pub(super) fn relative_price(
        &self,
        target: &SimTarget,
        tokens: Tokens,
        now: Time,
        usual: f64,
    ) -> f64 {
        match self.prices {
            Prices::PerAnswer => relative(target, now.as_secs_f64()),
            Prices::PerToken if usual > 0.0 => {
                let price = self.price(target, now);
                price.map_or(1.0, |price| price.of(tokens).usd() / usual)
            }
            Prices::PerToken => 0.0,
        }
    }

    /// The mean price of an answer at the `present` targets, by configured weight; `None` where prices are per token, whose
    /// mean is what a usual answer is taken to cost.
    pub(super) fn mean_price(&self, present: &[bool], now: Time) -> Option<f64> {
        if self.prices == Prices::PerToken {
            return None;
        }
        let seconds = now.as_secs_f64();
        let targets = self.targets.values().zip(self.weights(seconds));
        let there = targets.zip(present).filter(|(_, present)| **present);
        let (sum, weights) = there.fold((0.0, 0.0), |(sum, weights), ((target, weight), _)| {
            let weight = weight.value();
            (sum + weight * relative(target, seconds), weights + weight)
        });
        (weights > 0.0).then(|| sum / weights)
    }

    /// Moments, in seconds, at which what changes is looked at as a whole.
    pub(super) fn looks(&self) -> impl Iterator<Item = f64> {
        let each = self.seconds / f64::from(LOOKS);
        (0..LOOKS).map(move |look| each * (f64::from(look) + 0.5))
    }

    /// Dollars of an answer of median length at the targets' mean price, by configured weight and over the whole time; with
    /// conversations, of their mean turn, nothing of it cached. Of those whose price is known.
    pub(super) fn usual_dollars(&self) -> f64 {
        let (mut dollars, mut weights) = (0.0, 0.0);
        let grown = self.load.conversations.map_or(0.0, |told| told.mean_more());
        for seconds in self.looks() {
            let tokens = Tokens {
                input: law::whole(self.load.tokens_in.at(seconds) + grown),
                output: self.load.tokens_out.tokens(0.0, seconds),
                ..Tokens::default()
            };
            for (target, weight) in self.targets.values().zip(self.weights(seconds)) {
                if let Some(price) = self.price(target, Time::from_secs_f64(seconds)) {
                    dollars += weight.value() * price.of(tokens).usd();
                    weights += weight.value();
                }
            }
        }
        if weights > 0.0 {
            dollars / weights
        } else {
            0.0
        }
    }
}

/// The price per answer at `seconds`.
fn relative(target: &SimTarget, seconds: f64) -> f64 {
    target.law.price_out.at(seconds)
}

const fn one() -> u32 {
    1
}

const fn yes() -> bool {
    true
}

/// Longest scenario, in seconds: a figure that is a slip of the hand would run for days before anybody saw it.
const YEAR: f64 = 366.0 * 86_400.0;

/// Reads a number above 0 that is not beyond a year.
fn at_most_a_year<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = positive(from)?;
    if value <= YEAR {
        return Ok(value);
    }
    Err(serde::de::Error::custom(format_args!(
        "expected at most a year ({YEAR} seconds), found {value}"
    )))
}

/// Reads a finite number above 0.
fn positive<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(from)?;
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(serde::de::Error::custom(format_args!(
        "expected a number above 0, found {value}"
    )))
}

#[cfg(test)]
#[path = "scenario_tests.rs"]
mod tests;
