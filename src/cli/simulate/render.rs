//! A comparison as tables of at most a hundred columns, and as CSV.

use super::super::table::{Align, columns};
use super::Args;
use crate::model::counted;
use crate::sim::{Averaged, Figures, Report, SuiteReport, Summary};

/// Policies side by side in the table by scenario.
const ABREAST: usize = 4;

/// All tables, by suite: what callers got, how that compares, and the regret by scenario.
pub(super) fn tables(report: &Report, args: &Args) -> String {
    let mut text = String::new();
    for suite in &report.suites {
        let seeds = (args.seed0 + 1, args.seed0 + args.seeds);
        let seeds = match seeds {
            (first, last) if first == last => format!("seed {first}"),
            (first, last) => format!("seeds {first} to {last}"),
        };
        let failover = format!("{:?}", args.failover).to_lowercase();
        let name = &suite.name;
        let scenarios = counted(suite.scenarios.len(), "scenario");
        let head = format!("{name}: {scenarios}, {seeds}, failover {failover}\n\n");
        text.push_str(&head);
        for part in [callers(suite), regrets(suite), by_scenario(suite)] {
            text.push_str(&part);
            text.push('\n');
        }
    }
    text
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
fn callers(suite: &SuiteReport) -> String {
    let heads = [
        ("POLICY", Align::Left),
        ("FAILED/10K", RIGHT),
        ("WORST", RIGHT),
        ("$/1000", RIGHT),
        ("CACHED", RIGHT),
        ("P50 s", RIGHT),
        ("P95 s", RIGHT),
        ("P99 s", RIGHT),
        ("SHED s", RIGHT),
        ("EXPOSED", RIGHT),
        ("BACK s", RIGHT),
    ];
    let row = |(i, summary): (usize, &Summary)| {
        let mean = summary.figures.mean;
        let failed = |figures: &Figures| times(figures.error_rate, 1e4);
        vec![
            summary.policy.clone(),
            figure(failed(&mean), 1),
            figure(worst(suite, i, failed).0, 0),
            figure(mean.dollars_per_1000, 3),
            figure(mean.cached_ratio, 3),
            figure(mean.p50_s, 2),
            figure(mean.p95_s, 2),
            figure(mean.p99_s, 2),
            figure(mean.shed90_s, 1),
            figure(mean.exposed, 1),
            figure(mean.recover_s, 1),
        ]
    };
    let rows: Vec<Vec<String>> = suite.summary.iter().enumerate().map(row).collect();
    columns(&heads, &rows)
}

/// Against the oracle.
fn regrets(suite: &SuiteReport) -> String {
    let heads = [
        ("POLICY", Align::Left),
        ("REGRET", RIGHT),
        ("±", RIGHT),
        ("WORST", RIGHT),
        ("IN", Align::Left),
        ("GOOD %", RIGHT),
        ("COST", RIGHT),
        ("CHURN", RIGHT),
        ("UNFAIR", RIGHT),
    ];
    let row = |(i, summary): (usize, &Summary)| {
        let mean = summary.figures.mean;
        let (most, place) = worst(suite, i, |figures| figures.regret);
        vec![
            summary.policy.clone(),
            figure(mean.regret, 3),
            figure(summary.figures.regret_se, 3),
            figure(most, 3),
            place.to_owned(),
            figure(times(mean.goodput, 100.0), 1),
            figure(mean.cost_index, 3),
            figure(mean.churn, 3),
            figure(mean.unfairness, 3),
        ]
    };
    let rows: Vec<Vec<String>> = suite.summary.iter().enumerate().map(row).collect();
    columns(&heads, &rows)
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
            columns(&heads, &rows)
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
