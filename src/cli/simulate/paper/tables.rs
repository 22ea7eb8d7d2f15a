//! The report's large tables.

use super::super::columns::{self, Column, Line};
use super::super::exposed;
use super::super::markdown;
use super::super::render::figure;
use crate::sim::{Candidate, Death, Report, Side, SuiteReport, Summary};

/// With failover for everybody, in people's units.
const CALLERS: [Column; 7] = [
    ("failed of 10,000", columns::failed),
    ("worst", columns::most_failed),
    ("in", columns::most_failed_in),
    ("$ per 1,000", columns::dollars),
    ("cached", columns::cached),
    ("p99 s", columns::about_p99),
    ("regret", columns::regret),
];

/// The choice alone.
const BARE: [Column; 16] = [
    ("regret", columns::regret),
    ("±", columns::regret_error),
    ("worst", columns::most_regret),
    ("in", columns::most_regret_in),
    ("errors %", columns::errors),
    ("p50 s", columns::p50),
    ("p95 s", columns::p95),
    ("p99 s", columns::p99),
    ("good %", columns::good),
    ("cost", columns::cost),
    ("shed s, mean", columns::shed),
    ("median", columns::median_shed),
    ("exposed", columns::exposed),
    ("back s", columns::back),
    ("churn", columns::churn),
    ("unfair", columns::unfair),
];

/// What callers got, with failover for everybody.
pub(super) fn callers(
    report: &Report,
    exposed: &exposed::Found,
    candidates: &[Candidate],
) -> String {
    // Attempts before a target was left stand beside the regret, which is the last.
    let before_last = CALLERS.len();
    let part = |suite: &SuiteReport| {
        let mut heads = heads("policy", &CALLERS);
        heads.insert(before_last, "exposed");
        let row = |line: Line<'_>| {
            let mut cells = line.cells(named(line.summary, candidates), &CALLERS);
            cells.insert(before_last, exposures(exposed, line.place));
            cells
        };
        of_suite(suite, &heads, columns::lines(suite).map(row))
    };
    let head = "## With failover on for everybody\n\n\
                    Requests that failed or passed their deadline, of 10,000; dollars per 1,000 answers; the part of prompts \
                    that came from caches; attempts that met a target which answers 503 before it was left, at 0.05, 0.5, 5 \
                    and 50 requests/s (without failover).\n";
    joined(head, report.suites.iter().map(part))
}

/// The heads of `columns` after `first`.
pub(super) fn heads(first: &'static str, columns: &[Column]) -> Vec<&'static str> {
    let rest = columns.iter().map(|(head, _)| *head);
    std::iter::once(first).chain(rest).collect()
}

/// A table under the name of its suite.
fn of_suite(
    suite: &SuiteReport,
    heads: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> String {
    let title = format!("{}, {} scenarios", suite.name, suite.scenarios.len());
    section(&title, heads, rows)
}

fn section(title: &str, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.collect();
    format!("### {title}\n\n{}", markdown::table(heads, &rows))
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
        section(
            death.label(),
            &heads,
            candidates.iter().enumerate().map(row),
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
        let row = |line: Line<'_>| line.cells(named(line.summary, candidates), &BARE);
        let rows = columns::lines(suite).map(row);
        of_suite(suite, &heads("policy", &BARE), rows)
    };
    let head = "## Without failover: the choice alone\n";
    joined(head, report.suites.iter().map(part))
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
        of_suite(suite, &heads, suite.scenarios.iter().map(row))
    };
    let head = "## Regret by scenario, failover off\n";
    joined(head, report.suites.iter().map(part))
}
