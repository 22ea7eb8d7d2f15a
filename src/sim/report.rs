//! What a comparison found: figures by suite, scenario and policy, and their means.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::metrics::{Figures, is_indifferent};
use super::scenario::Scenario;

/// A whole comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Seeds that each figure is a mean of.
    pub seeds: u64,
    /// By suite.
    pub suites: Vec<SuiteReport>,
}

/// A suite's scenarios, and the means over them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SuiteReport {
    /// Its name.
    pub name: String,
    /// By scenario.
    pub scenarios: Vec<ScenarioReport>,
    /// By policy.
    pub summary: Vec<Summary>,
}

/// A scenario's policies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScenarioReport {
    /// Its name.
    pub name: String,
    /// By policy.
    pub policies: Vec<PolicyReport>,
    /// Whether its unfairness counts in the summary: nothing differs at all.
    #[serde(skip)]
    pub indifferent: bool,
}

/// A policy in one scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyReport {
    /// Its name.
    pub name: String,
    /// Means over seeds.
    pub figures: Averaged,
}

/// A policy over a suite.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Its name.
    pub policy: String,
    /// Means over scenarios.
    pub figures: Averaged,
}

/// Means, and how sure the regret's is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Averaged {
    /// The means.
    pub mean: Figures,
    /// The regret's standard error.
    pub regret_se: Option<f64>,
}

type Field = fn(&mut Figures) -> &mut Option<f64>;

/// Said in the tables for people, and no part of the JSON document's fixed form.
const DOLLARS: &str = "dollars_per_1000";

/// All fields of [`Figures`] with their names in reports.
const FIELDS: [(&str, Field); 14] = [
    ("regret", |figures| &mut figures.regret),
    ("error_rate", |figures| &mut figures.error_rate),
    ("p50_s", |figures| &mut figures.p50_s),
    ("p95_s", |figures| &mut figures.p95_s),
    ("p99_s", |figures| &mut figures.p99_s),
    ("goodput", |figures| &mut figures.goodput),
    ("cost_index", |figures| &mut figures.cost_index),
    ("shed90_s", |figures| &mut figures.shed90_s),
    ("exposed", |figures| &mut figures.exposed),
    ("recover_s", |figures| &mut figures.recover_s),
    ("churn", |figures| &mut figures.churn),
    ("unfairness", |figures| &mut figures.unfairness),
    ("cached_ratio", |figures| &mut figures.cached_ratio),
    (DOLLARS, |figures| &mut figures.dollars_per_1000),
];

impl Averaged {
    /// All figures with their names, rounded as in every document.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, Option<f64>)> {
        let mut mean = self.mean;
        let mut named = Vec::with_capacity(FIELDS.len() + 1);
        for (name, field) in FIELDS {
            named.push((name, rounded(*field(&mut mean))));
            if name == "regret" {
                named.push(("regret_se", rounded(self.regret_se)));
            }
        }
        named.into_iter()
    }

    /// The means over seeds.
    fn over_seeds(runs: &[Figures]) -> Self {
        let regrets: Vec<f64> = runs.iter().filter_map(|run| run.regret).collect();
        Self {
            mean: mean(runs),
            regret_se: standard_error(&regrets),
        }
    }

    /// The means over scenarios, which are given, so that the error is that of the seeds alone.
    fn over_scenarios(scenarios: &[Self]) -> Self {
        let figures: Vec<Figures> = scenarios.iter().map(|averaged| averaged.mean).collect();
        let errors: Option<Vec<f64>> = scenarios
            .iter()
            .map(|averaged| averaged.regret_se)
            .collect();
        let squares = |errors: Vec<f64>| errors.iter().map(|error| error * error).sum::<f64>();
        Self {
            mean: mean(&figures),
            regret_se: errors.map(|errors| squares(errors).sqrt() / scenarios.len() as f64),
        }
    }
}

/// Each figure's mean over those that have it.
fn mean(of: &[Figures]) -> Figures {
    let mut means = Figures::default();
    for (_, field) in FIELDS {
        let known: Vec<f64> = of
            .iter()
            .filter_map(|figures| *field(&mut figures.clone()))
            .collect();
        if !known.is_empty() {
            *field(&mut means) = Some(known.iter().sum::<f64>() / known.len() as f64);
        }
    }
    means
}

/// The standard error of a mean; `None` of fewer than two values.
fn standard_error(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (count - 1.0) / count).sqrt())
}

impl ScenarioReport {
    /// A scenario's policies, each with its figures under all seeds.
    pub fn new(scenario: &Scenario, policies: Vec<(&str, Vec<Figures>)>) -> Self {
        let report = |(name, runs): (&str, Vec<Figures>)| PolicyReport {
            name: name.to_owned(),
            figures: Averaged::over_seeds(&runs),
        };
        Self {
            name: scenario.name.clone(),
            policies: policies.into_iter().map(report).collect(),
            indifferent: is_indifferent(scenario),
        }
    }
}

impl SuiteReport {
    /// A suite with its summary.
    pub fn new(name: &str, scenarios: Vec<ScenarioReport>) -> Self {
        let policies = scenarios.first().map_or(&[][..], |first| &first.policies);
        let summary = policies.iter().enumerate().map(|(i, policy)| {
            let of = |scenario: &ScenarioReport| {
                let mut figures = scenario.policies.get(i).map(|policy| policy.figures)?;
                if !scenario.indifferent {
                    figures.mean.unfairness = None;
                }
                Some(figures)
            };
            let all: Vec<Averaged> = scenarios.iter().filter_map(of).collect();
            Summary {
                policy: policy.name.clone(),
                figures: Averaged::over_scenarios(&all),
            }
        });
        Self {
            name: name.to_owned(),
            summary: summary.collect(),
            scenarios,
        }
    }
}

// === writing ===

/// What is beyond the millionth part says nothing, and its last digits differ between machines.
fn rounded(value: Option<f64>) -> Option<f64> {
    value.map(|value| (value * 1e6).round() / 1e6)
}

fn write<S: Serializer>(
    to: S,
    key: &str,
    name: &str,
    figures: &Averaged,
) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(None)?;
    map.serialize_entry(key, name)?;
    for (name, value) in figures.named().filter(|(name, _)| *name != DOLLARS) {
        map.serialize_entry(name, &value)?;
    }
    map.end()
}

impl Serialize for PolicyReport {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write(to, "name", &self.name, &self.figures)
    }
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        write(to, "policy", &self.policy, &self.figures)
    }
}
