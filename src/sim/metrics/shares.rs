//! How much shares move, and how far they are from the configured ones.

use super::{Run, Scenario, Window};
use crate::sim::oracle;

/// The first windows are learning.
const LEARNING: usize = 3;
/// Losses that differ by less are no reason to leave the configured shares: the controller counts no difference below it.
const NO_DIFFERENCE: f64 = 0.05;

/// Half the sum of absolute differences.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0
}

/// Counts as parts of their sum; all 0 where nothing was counted.
fn parts(mut counts: Vec<f64>) -> Vec<f64> {
    let sum: f64 = counts.iter().sum();
    if sum > 0.0 {
        for count in &mut counts {
            *count /= sum;
        }
    }
    counts
}

/// Mean distance between the shares of a window and of the one before.
pub(super) fn churn(scenario: &Scenario, run: &Run, window: Window) -> Option<f64> {
    let place = |seconds: f64| usize::try_from(crate::law::whole(seconds.floor())).ok();
    let windows = place(scenario.seconds / window.seconds())?;
    let mut counts = vec![vec![0.0; scenario.targets.len()]; windows];
    for tried in &run.tried {
        let at = place(tried.at.as_secs_f64() / window.seconds());
        if let Some(count) = at.and_then(|at| counts.get_mut(at)) {
            count[tried.target] += 1.0;
        }
    }
    let shares: Vec<Vec<f64>> = counts.into_iter().map(parts).collect();
    let steps = shares.iter().zip(shares.iter().skip(1)).skip(LEARNING - 1);
    let moved: Vec<f64> = steps
        .map(|(before, after)| distance(before, after))
        .collect();
    super::ratio(moved.iter().sum(), moved.len() as f64)
}

/// Distance between the shares of the whole run and the configured ones, where no target is better than another.
pub(super) fn unfairness(scenario: &Scenario, run: &Run) -> Option<f64> {
    let moved = !scenario.reloads.is_empty();
    if run.tried.is_empty() || moved || oracle::widest_gap(scenario)? > NO_DIFFERENCE {
        return None;
    }
    let mut counts = vec![0.0; scenario.targets.len()];
    for tried in &run.tried {
        counts[tried.target] += 1.0;
    }
    let weights = scenario
        .weights(0.0)
        .iter()
        .map(|weight| weight.value())
        .collect();
    Some(distance(&parts(counts), &parts(weights)))
}

/// Whether no target is better than another at all, and nobody errs: where a summary takes unfairness from.
pub(in crate::sim) fn is_indifferent(scenario: &Scenario) -> bool {
    let faults = scenario.load.client_fault.bounds().1;
    faults <= 0.0 && oracle::widest_gap(scenario).is_some_and(|gap| gap < 1e-9)
}
