//! The targets of a route: weights and tiers as LiteLLM would draw.

use std::collections::BTreeSet;

use super::super::section::{Notes, What};
use super::deployment::{Deployment, Group};
use super::written::{seconds, upstream};
use crate::cli::toml_text::{key, text};

/// Most tiers of a route.
const TIERS: usize = 9;

/// The targets of a route, as lines.
pub(super) struct Targets {
    pub(super) lines: Vec<String>,
    /// Whether their models differ.
    pub(super) mixes: bool,
}

// === impl Targets ===

impl Targets {
    pub(super) fn of(group: &Group, providers: &[String], notes: &mut Notes) -> Self {
        let weights = weights(group, notes);
        let tiers = tiers(group, notes);
        let mut kept: Vec<(String, f64, usize, &Deployment)> = Vec::new();
        for ((deployment, weight), tier) in group.deployments.iter().zip(weights).zip(tiers) {
            let used = upstream(deployment, providers);
            match kept.iter_mut().find(|(known, ..)| *known == used) {
                Some((_, sum, _, first)) => {
                    *sum += weight;
                    let why = format!(
                        "the same model of the same provider as in line {}: they are one target, with the sum of their weights",
                        first.line
                    );
                    notes.tell(deployment.line, "model_list", What::Changed, why);
                }
                None => kept.push((used, weight, tier, deployment)),
            }
        }
        let model = |(used, ..): &(String, f64, usize, &Deployment)| {
            used.split_once('/').map(|(_, model)| model.to_owned())
        };
        let models: BTreeSet<_> = kept.iter().map(model).collect();
        let mut names = BTreeSet::new();
        let lines = kept.iter().map(|(used, weight, tier, deployment)| {
            let provider = used.split_once('/').map_or(used.as_str(), |(name, _)| name);
            let wishes = [
                provider.to_owned(),
                used.replace([' ', '(', ')', '[', ']', ',', '~', '='], "-"),
            ];
            let wish = wishes.into_iter().find(|name| !names.contains(name));
            let name = wish.unwrap_or_else(|| format!("target-{}", deployment.line));
            names.insert(name.clone());
            line(&name, used, *weight, *tier, deployment)
        });
        Self {
            lines: lines.collect(),
            mixes: models.len() > 1,
        }
    }
}

fn line(name: &str, used: &str, weight: f64, tier: usize, deployment: &Deployment) -> String {
    let mut parts = vec![
        format!("use = {}", text(used)),
        format!("weight = {weight}"),
    ];
    if tier > 1 {
        parts.push(format!("tier = {tier}"));
    }
    let mut times = Vec::new();
    let (attempt, first) = (deployment.timeout, deployment.stream_timeout);
    times.extend(attempt.map(|it| format!("attempt = {}", seconds(it))));
    times.extend(first.map(|it| format!("first_token = {}", seconds(it))));
    if !times.is_empty() {
        parts.push(format!("deadlines = {{ {} }}", times.join(", ")));
    }
    if !deployment.capabilities.is_empty() {
        let can = deployment.capabilities.iter();
        let can: Vec<String> = can.map(|(key, value)| format!("{key} = {value}")).collect();
        parts.push(format!("capabilities = {{ {} }}", can.join(", ")));
    }
    if !deployment.tags.is_empty() {
        let tags: Vec<String> = deployment.tags.iter().map(|tag| text(tag)).collect();
        parts.push(format!("tags = [{}]", tags.join(", ")));
    }
    format!("{} = {{ {} }}\n", key(name), parts.join(", "))
}

/// What becomes of a deployment's limits of its rate.
const LEARNED: &str = "what a target takes is learned from its refusals and its queue, so nothing has to be written; what \
    clients may send is bounded by `rpm` and `tpm` of [keys.NAME]";

/// Weights as LiteLLM draws: by the first of weight, rpm and tpm that anybody has, evenly if nobody has any.
fn weights(group: &Group, notes: &mut Notes) -> Vec<f64> {
    const SOURCES: [&str; 3] = ["weight", "rpm", "tpm"];
    /// A weight is relative; more is a mistake.
    const MOST: f64 = 1e9;
    let all = || group.deployments.iter();
    let by = (0..SOURCES.len()).find(|source| {
        let weight = |it: &Deployment| it.weights.get(*source).copied().flatten();
        all().any(|it| weight(it).is_some_and(|weight| weight > 0.0))
    });
    for (source, name) in SOURCES.iter().enumerate().skip(1) {
        let has = |it: &&Deployment| it.weights.get(source).copied().flatten().is_some();
        for deployment in all().filter(has) {
            let path = format!("model_list.litellm_params.{name}");
            let (what, why) = if by == Some(source) {
                let why = format!(
                    "carried over as the target's weight, as LiteLLM draws by it; as a limit it is not: {LEARNED}"
                );
                (What::Changed, why)
            } else {
                let first = by.map_or("weight", |by| SOURCES[by]);
                let why = format!(
                    "it is no weight here, since LiteLLM draws by `{first}` where there is one; as a limit: {LEARNED}"
                );
                (What::NotCarriedOver, why)
            };
            notes.tell(deployment.line, &path, what, &why);
        }
    }
    let weight = |it: &Deployment| match by {
        Some(source) => it.weights.get(source).copied().flatten().unwrap_or(0.0),
        None => 1.0,
    };
    all().map(|it| weight(it).clamp(0.0, MOST)).collect()
}

/// Tiers by `order`; who has none comes last.
fn tiers(group: &Group, notes: &mut Notes) -> Vec<usize> {
    let mut orders: Vec<f64> = group.deployments.iter().filter_map(|it| it.order).collect();
    if orders.is_empty() {
        return vec![1; group.deployments.len()];
    }
    orders.sort_by(f64::total_cmp);
    orders.dedup();
    let tier = |it: &Deployment| {
        let place = it
            .order
            .and_then(|order| orders.iter().position(|known| *known >= order));
        (place.unwrap_or(orders.len()) + 1).min(TIERS)
    };
    let why = "tiers: the lowest that has room is filled first, and what is over or fails goes to the next";
    notes.tell(
        group.line,
        "model_list.litellm_params.order",
        What::Changed,
        why,
    );
    group.deployments.iter().map(tier).collect()
}
