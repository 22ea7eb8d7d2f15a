//! The report's large tables.

use super::super::exposed;
use super::super::markdown;
use super::super::render::{figure, times, worst};
use crate::sim::{Candidate, Death, Figures, Report, Side, SuiteReport, Summary};

/// With failover for everybody, in people's units.
pub(super) fn callers(
    report: &Report,
    exposed: &exposed::Found,
    candidates: &[Candidate],
) -> String {
    let part = |suite: &SuiteReport| {
        let heads = [
            "policy",
            "failed of 10,000",
            "worst",
            "in",
            "$ per 1,000",
            "cached",
            "p99 s",
            "exposed",
            "regret",
        ];
        let row = |(i, summary): (usize, &Summary)| {
            let mean = summary.figures.mean;
            let failed = |figures: &Figures| times(figures.error_rate, 1e4);
            let (most, place) = worst(suite, i, failed);
            vec![
                named(summary, candidates),
                figure(failed(&mean), 1),
                figure(most, 0),
                place.to_owned(),
                figure(mean.dollars_per_1000, 3),
                figure(mean.cached_ratio, 3),
                figure(mean.p99_s, 1),
                exposures(exposed, i),
                figure(mean.regret, 3),
            ]
        };
        let rows: Vec<Vec<String>> = suite.summary.iter().enumerate().map(row).collect();
        format!(
            "### {}

{}",
            suite_name(suite),
            markdown::table(&heads, &rows)
        )
    };
    let head = "## With failover on for everybody\n\n\
                    Requests that failed or passed their deadline, of 10,000; dollars per 1,000 answers; the part of prompts \
                    that came from caches; attempts that met a target which answers 503 before it was left, at 0.05, 0.5, 5 \
                    and 50 requests/s (without failover).\n";
    joined(head, report.suites.iter().map(part))
}

/// A section: its beginning, and its parts.
fn joined(head: &str, parts: impl Iterator<Item = String>) -> String {
    let head = std::iter::once(head.to_owned());
    head.chain(parts).collect::<Vec<_>>().join("\n")
}

/// Attempts before an erring target was left, at each rate.
fn exposures(exposed: &exposed::Found, candidate: usize) -> String {
    let rates = exposed.first().map_or(&[][..], |(_, rates)| rates);
    let before = rates.iter().filter_map(|(_, found)| found.get(candidate));
    let before: Vec<String> = before.map(|found| format!("{:.1}", found.before)).collect();
    before.join(" / ")
}

fn suite_name(suite: &SuiteReport) -> String {
    format!("{}, {} scenarios", suite.name, suite.scenarios.len())
}

/// A policy's name, ours in bold.
fn named(summary: &Summary, candidates: &[Candidate]) -> String {
    let side = candidates
        .iter()
        .find(|c| c.name == summary.policy)
        .map(Candidate::side);
    match side {
        Some(Side::Ours) => format!("**{}**", summary.policy),
        _ => summary.policy.clone(),
    }
}

/// Dead targets at each rate.
pub(super) fn dead(exposed: &exposed::Found, candidates: &[Candidate]) -> String {
    let part = |(death, rates): &(Death, exposed::ByRate)| {
        let heads: Vec<String> = rates.iter().map(|(rate, _)| format!("{rate}/s")).collect();
        let heads: Vec<&str> = std::iter::once("policy")
            .chain(heads.iter().map(String::as_str))
            .collect();
        let row = |(i, candidate): (usize, &Candidate)| {
            let cells = rates.iter().map(|(_, found)| {
                let found = found.get(i).copied().unwrap_or_default();
                format!("{:.1} / {:.1}", found.before, found.whole)
            });
            std::iter::once(candidate.name.to_owned())
                .chain(cells)
                .collect()
        };
        let rows: Vec<Vec<String>> = candidates.iter().enumerate().map(row).collect();
        format!(
            "### {}

{}",
            death.label(),
            markdown::table(&heads, &rows)
        )
    };
    let head = "## Requests that meet a dead target\n\n\
                    The target with six tenths of the traffic dies. Attempts that met it until ten in a row went elsewhere / \
                    in all, probes included. Without failover.\n";
    joined(head, exposed.iter().map(part))
}

/// Without failover: the choice alone.
pub(super) fn bare(report: &Report, candidates: &[Candidate]) -> String {
    let part = |suite: &SuiteReport| {
        let heads = [
            "policy",
            "regret",
            "±",
            "worst",
            "in",
            "errors %",
            "p50 s",
            "p95 s",
            "p99 s",
            "good %",
            "cost",
            "shed s, mean",
            "median",
            "exposed",
            "back s",
            "churn",
            "unfair",
        ];
        let row = |(i, summary): (usize, &Summary)| {
            let mean = summary.figures.mean;
            let (most, place) = worst(suite, i, |figures| figures.regret);
            vec![
                named(summary, candidates),
                figure(mean.regret, 3),
                figure(summary.figures.regret_se, 3),
                figure(most, 3),
                place.to_owned(),
                figure(times(mean.error_rate, 100.0), 2),
                figure(mean.p50_s, 2),
                figure(mean.p95_s, 2),
                figure(mean.p99_s, 2),
                figure(times(mean.goodput, 100.0), 1),
                figure(mean.cost_index, 3),
                figure(mean.shed90_s, 1),
                figure(median(suite, i, |figures| figures.shed90_s), 1),
                figure(mean.exposed, 1),
                figure(mean.recover_s, 1),
                figure(mean.churn, 3),
                figure(mean.unfairness, 3),
            ]
        };
        let rows: Vec<Vec<String>> = suite.summary.iter().enumerate().map(row).collect();
        format!(
            "### {}

{}",
            suite_name(suite),
            markdown::table(&heads, &rows)
        )
    };
    let head = "## Without failover: the choice alone\n";
    joined(head, report.suites.iter().map(part))
}

/// The median of a figure over a policy's scenarios.
fn median(suite: &SuiteReport, policy: usize, of: fn(&Figures) -> Option<f64>) -> Option<f64> {
    let known = suite.scenarios.iter().filter_map(|scenario| {
        let policy = scenario.policies.get(policy)?;
        of(&policy.figures.mean)
    });
    let mut known: Vec<f64> = known.collect();
    known.sort_by(f64::total_cmp);
    let middle = known.len() / 2;
    let upper = *known.get(middle)?;
    if known.len() % 2 == 1 {
        return Some(upper);
    }
    known
        .get(middle.checked_sub(1)?)
        .map(|lower| f64::midpoint(*lower, upper))
}

/// The regret of all, by scenario.
pub(super) fn by_scenario(report: &Report) -> String {
    let part = |suite: &SuiteReport| {
        let mut heads = vec!["scenario"];
        heads.extend(suite.summary.iter().map(|summary| summary.policy.as_str()));
        let row = |scenario: &crate::sim::ScenarioReport| {
            let regrets = scenario.policies.iter();
            let regrets = regrets.map(|policy| figure(policy.figures.mean.regret, 3));
            std::iter::once(scenario.name.clone())
                .chain(regrets)
                .collect()
        };
        let rows: Vec<Vec<String>> = suite.scenarios.iter().map(row).collect();
        format!(
            "### {}

{}",
            suite_name(suite),
            markdown::table(&heads, &rows)
        )
    };
    let head = "## Regret by scenario, failover off\n";
    joined(head, report.suites.iter().map(part))
}
