//! What the report makes of its figures: what is worth what, and where others are better.

use super::super::markdown;
use super::super::render::figure;
use super::OURS;
use crate::sim::{Candidate, PolicyReport, Report, ScenarioReport, Side, SuiteReport};

/// Somebody is told to be better from this difference in regret on.
const BETTER: f64 = 0.01;

/// What the safety layer is worth, and what the core adds.
pub(super) fn layer(report: &Report) -> String {
    let part = |suite: &SuiteReport| {
        let regret = |name: &str| {
            let summary = suite.summary.iter().find(|summary| summary.policy == name);
            figure(summary.and_then(|summary| summary.figures.mean.regret), 3)
        };
        format!(
            "- {}: configured shares alone {}, on the layer {}. Thompson sampling alone {}, on the layer {}. Loss to the \
             power of -12 on the layer {}. Weighbridge's core on the layer {}.\n",
            suite.name,
            regret("static"),
            regret("fixed"),
            regret("thompson"),
            regret("thompson+gate"),
            regret("latency+gate"),
            regret(OURS),
        )
    };
    let parts: String = report.suites.iter().map(part).collect();
    format!(
        "## What the safety layer is worth, and what the core adds\n\nMean regret, failover off.\n\n{parts}"
    )
}

/// Where others are better.
pub(super) fn lost(off: &Report, on: &Report, candidates: &[Candidate]) -> String {
    let part = |(suite, failover): (&SuiteReport, &str)| {
        let sides = [Side::Rival, Side::Layer].into_iter();
        let rows: Vec<Vec<String>> = sides
            .flat_map(|side| losses(suite, candidates, side))
            .collect();
        let table = if rows.is_empty() {
            "Nowhere.\n".to_owned()
        } else {
            let heads = ["scenario", "by whom", "kind", "its regret", OURS];
            markdown::table(&heads, &rows)
        };
        format!("\n### {}, failover {failover}\n\n{table}", suite.name)
    };
    let off = off.suites.iter().map(|suite| (suite, "off"));
    let on = on.suites.iter().map(|suite| (suite, "on"));
    let parts: String = off.chain(on).map(part).collect();
    format!(
        "## Where it loses\n\nScenarios in which somebody is better by more than {BETTER} in regret.\n{parts}"
    )
}

/// The scenarios in which the best of this side is better than we are.
fn losses(suite: &SuiteReport, candidates: &[Candidate], side: Side) -> Vec<Vec<String>> {
    let of_side = |name: &str| {
        candidates
            .iter()
            .any(|c| c.name == name && c.side() == side)
    };
    let row = |scenario: &ScenarioReport| {
        let regret = |policy: &PolicyReport| policy.figures.mean.regret;
        let own = scenario
            .policies
            .iter()
            .find(|policy| policy.name == OURS)
            .and_then(regret)?;
        let rivals = scenario
            .policies
            .iter()
            .filter(|policy| of_side(&policy.name));
        let best = rivals.filter_map(|policy| Some((policy, regret(policy)?)));
        let (policy, least) = best.min_by(|a, b| a.1.total_cmp(&b.1))?;
        (least < own - BETTER).then(|| {
            vec![
                scenario.name.clone(),
                policy.name.clone(),
                side.label().to_owned(),
                figure(Some(least), 3),
                figure(Some(own), 3),
            ]
        })
    };
    suite.scenarios.iter().filter_map(row).collect()
}
