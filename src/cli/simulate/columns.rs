//! Columns of a comparison: what each says of a policy, on a terminal and on paper alike.

use super::render::{figure, times, worst};
use crate::sim::{Figures, SuiteReport, Summary};

/// A policy's line in the table of a suite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    suite: &'a SuiteReport,
    /// Which of the suite's policies it is.
    pub(super) place: usize,
    pub(super) summary: &'a Summary,
}

/// A head, and the cell under it.
pub(super) type Column = (&'static str, fn(&Line<'_>) -> String);

/// The lines of all policies.
pub(super) fn lines(suite: &SuiteReport) -> impl Iterator<Item = Line<'_>> {
    let summaries = suite.summary.iter().enumerate();
    summaries.map(move |(place, summary)| Line {
        suite,
        place,
        summary,
    })
}

impl Line<'_> {
    /// What stands in `columns`, after `name`.
    pub(super) fn cells(&self, name: String, columns: &[Column]) -> Vec<String> {
        let cells = columns.iter().map(|(_, cell)| cell(self));
        std::iter::once(name).chain(cells).collect()
    }

    const fn mean(&self) -> &Figures {
        &self.summary.figures.mean
    }

    fn worst(&self, of: fn(&Figures) -> Option<f64>) -> (Option<f64>, &str) {
        worst(self.suite, self.place, of)
    }
}

fn of_10_000(figures: &Figures) -> Option<f64> {
    times(figures.error_rate, 1e4)
}

/// Requests that failed or passed their deadline, of 10,000.
pub(super) fn failed(line: &Line<'_>) -> String {
    figure(of_10_000(line.mean()), 1)
}

/// The same in the scenario where it is most, and which that is.
pub(super) fn most_failed(line: &Line<'_>) -> String {
    figure(line.worst(of_10_000).0, 0)
}

pub(super) fn most_failed_in(line: &Line<'_>) -> String {
    line.worst(of_10_000).1.to_owned()
}

/// The same in per cent.
pub(super) fn errors(line: &Line<'_>) -> String {
    figure(times(line.mean().error_rate, 100.0), 2)
}

pub(super) fn dollars(line: &Line<'_>) -> String {
    figure(line.mean().dollars_per_1000, 3)
}

pub(super) fn cached(line: &Line<'_>) -> String {
    figure(line.mean().cached_ratio, 3)
}

pub(super) fn p50(line: &Line<'_>) -> String {
    figure(line.mean().p50_s, 2)
}

pub(super) fn p95(line: &Line<'_>) -> String {
    figure(line.mean().p95_s, 2)
}

pub(super) fn p99(line: &Line<'_>) -> String {
    figure(line.mean().p99_s, 2)
}

/// The same, for a table that is about something else.
pub(super) fn about_p99(line: &Line<'_>) -> String {
    figure(line.mean().p99_s, 1)
}

pub(super) fn shed(line: &Line<'_>) -> String {
    figure(line.mean().shed90_s, 1)
}

/// The median over scenarios.
pub(super) fn median_shed(line: &Line<'_>) -> String {
    figure(median(line, |figures| figures.shed90_s), 1)
}

pub(super) fn exposed(line: &Line<'_>) -> String {
    figure(line.mean().exposed, 1)
}

pub(super) fn back(line: &Line<'_>) -> String {
    figure(line.mean().recover_s, 1)
}

pub(super) fn regret(line: &Line<'_>) -> String {
    figure(line.mean().regret, 3)
}

/// Its standard error over seeds.
pub(super) fn regret_error(line: &Line<'_>) -> String {
    figure(line.summary.figures.regret_se, 3)
}

/// The regret in the scenario where it is largest, and which that is.
pub(super) fn most_regret(line: &Line<'_>) -> String {
    figure(line.worst(|figures| figures.regret).0, 3)
}

pub(super) fn most_regret_in(line: &Line<'_>) -> String {
    line.worst(|figures| figures.regret).1.to_owned()
}

/// Good answers, in per cent.
pub(super) fn good(line: &Line<'_>) -> String {
    figure(times(line.mean().goodput, 100.0), 1)
}

pub(super) fn cost(line: &Line<'_>) -> String {
    figure(line.mean().cost_index, 3)
}

pub(super) fn churn(line: &Line<'_>) -> String {
    figure(line.mean().churn, 3)
}

pub(super) fn unfair(line: &Line<'_>) -> String {
    figure(line.mean().unfairness, 3)
}

/// The median of a figure over a policy's scenarios.
fn median(line: &Line<'_>, of: fn(&Figures) -> Option<f64>) -> Option<f64> {
    let known = line.suite.scenarios.iter().filter_map(|scenario| {
        let policy = scenario.policies.get(line.place)?;
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
