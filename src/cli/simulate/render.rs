//! A comparison as tables of at most a hundred columns, and as CSV.

use super::super::table::{self, Align};
use super::Args;
use super::columns::{self, Column, Line};
use crate::model::counted;
use crate::sim::{Averaged, Figures, Report, SuiteReport};

/// Policies side by side in the table by scenario.
const ABREAST: usize = 4;

/// All tables, by suite: what callers got, how that compares, and the regret by scenario.
pub(super) fn tables(report: &Report, args: &Args) -> String {
    let mut text = String::new();
    for suite in &report.suites {
        let seeds = seeds(args);
        let failover = format!("{:?}", args.failover()).to_lowercase();
        let name = &suite.name;
        let scenarios = counted(suite.scenarios.len(), "scenario");
        let head = format!("{name}: {scenarios}, {seeds}, failover {failover}\n\n");
        text.push_str(&head);
        for part in [
            by_policy(suite, &CALLERS),
            by_policy(suite, &REGRETS),
            by_scenario(suite),
        ] {
            text.push_str(&part);
            text.push('\n');
        }
    }
    text
}

/// `seed 1`, or `seeds 1 to 5`.
pub(super) fn seeds(args: &Args) -> String {
    let (first, last) = args.all_seeds().into_inner();
    if first == last {
        format!("seed {first}")
    } else {
        format!("seeds {first} to {last}")
    }
}

/// A figure with so many digits after the point, or a dash.
pub(super) fn figure(value: Option<f64>, digits: usize) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) => {
            let shown = format!("{value:.digits$}");
            // What rounds to nothing is nothing, not less than nothing.
            if shown.starts_with('-') && !shown.contains(|c: char| ('1'..='9').contains(&c)) {
                shown.trim_start_matches('-').to_owned()
            } else {
                shown
            }
        }
    }
}

pub(super) fn times(value: Option<f64>, factor: f64) -> Option<f64> {
    value.map(|value| value * factor)
}

/// The largest of a figure among a policy's scenarios, with the scenario's name.
pub(super) fn worst(
    suite: &SuiteReport,
    policy: usize,
    of: fn(&Figures) -> Option<f64>,
) -> (Option<f64>, &str) {
    let known = suite.scenarios.iter().filter_map(|scenario| {
        let figures = scenario.policies.get(policy)?.figures;
        Some((of(&figures.mean)?, scenario.name.as_str()))
    });
    let worst = known.max_by(|a, b| a.0.total_cmp(&b.0));
    worst.map_or((None, "-"), |(value, name)| (Some(value), name))
}

const RIGHT: Align = Align::Right;

/// In the units that people use.
const CALLERS: [Column; 10] = [
    ("FAILED/10K", columns::failed),
    ("WORST", columns::most_failed),
    ("$/1000", columns::dollars),
    ("CACHED", columns::cached),
    ("P50 s", columns::p50),
    ("P95 s", columns::p95),
    ("P99 s", columns::p99),
    ("SHED s", columns::shed),
    ("EXPOSED", columns::exposed),
    ("BACK s", columns::back),
];

/// Against the oracle.
const REGRETS: [Column; 8] = [
    ("REGRET", columns::regret),
    ("±", columns::regret_error),
    ("WORST", columns::most_regret),
    ("IN", columns::most_regret_in),
    ("GOOD %", columns::good),
    ("COST", columns::cost),
    ("CHURN", columns::churn),
    ("UNFAIR", columns::unfair),
];

/// A line for each policy; names stand left, figures right.
fn by_policy(suite: &SuiteReport, columns: &[Column]) -> String {
    let align = |head: &str| if head == "IN" { Align::Left } else { RIGHT };
    let heads = columns.iter().map(|(head, _)| (*head, align(head)));
    let heads: Vec<(&str, Align)> = std::iter::once(("POLICY", Align::Left))
        .chain(heads)
        .collect();
    let row = |line: Line<'_>| line.cells(line.summary.policy.clone(), columns);
    let rows: Vec<Vec<String>> = columns::lines(suite).map(row).collect();
    table::columns(&heads, &rows)
}

/// Regret by scenario, a few policies side by side.
fn by_scenario(suite: &SuiteReport) -> String {
    let blocks = suite
        .summary
        .chunks(ABREAST)
        .enumerate()
        .map(|(block, policies)| {
            let mut heads = vec![("REGRET", Align::Left)];
            heads.extend(
                policies
                    .iter()
                    .map(|summary| (summary.policy.as_str(), RIGHT)),
            );
            let from = block * ABREAST;
            let row = |scenario: &crate::sim::ScenarioReport| {
                let cells = scenario.policies.iter().skip(from).take(policies.len());
                let cells = cells.map(|policy| with_error(&policy.figures));
                std::iter::once(scenario.name.clone())
                    .chain(cells)
                    .collect()
            };
            let rows: Vec<Vec<String>> = suite.scenarios.iter().map(row).collect();
            table::columns(&heads, &rows)
        });
    blocks.collect::<Vec<_>>().join("\n")
}

fn with_error(figures: &Averaged) -> String {
    match figures.regret_se {
        None => figure(figures.mean.regret, 3),
        Some(error) => format!(
            "{} ±{}",
            figure(figures.mean.regret, 3),
            figure(Some(error), 3)
        ),
    }
}

/// A line a scenario and policy, with all figures; empty where a figure has no meaning.
pub(super) fn csv(report: &Report) -> String {
    let names: Vec<&str> = Averaged::default().named().map(|(name, _)| name).collect();
    let mut text = format!("suite,scenario,policy,{}\n", names.join(","));
    for suite in &report.suites {
        for scenario in &suite.scenarios {
            for policy in &scenario.policies {
                let values: Vec<String> = policy
                    .figures
                    .named()
                    .map(|(_, value)| plain(value))
                    .collect();
                let place = [&suite.name, &scenario.name, &policy.name].map(|name| quoted(name));
                let line = format!("{},{}\n", place.join(","), values.join(","));
                text.push_str(&line);
            }
        }
    }
    text
}

fn plain(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Names are free text.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
