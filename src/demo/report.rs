//! What the demo found, as one JSON document.

use serde::Serialize;

use super::shares::Record;
use super::story::Pace;

/// The demo's result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The target that fell sick.
    pub sick_target: String,
    /// The targets of the adaptive route.
    pub targets: Vec<TargetReport>,
    /// The traffic under adaptive shares.
    pub adaptive: Policy,
    /// The same traffic under fixed weights.
    pub fixed: Policy,
}

/// One target of the adaptive route. Shares are granted shares, as means over two seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetReport {
    /// Its name.
    pub name: String,
    /// What the weights ask for.
    pub configured_share: f64,
    /// In the five seconds before the fault.
    pub share_before: f64,
    /// The least from the fault's beginning to its end.
    pub share_during_min: f64,
    /// In the last five seconds.
    pub share_end: f64,
    /// From the fault's beginning until the share was a tenth of what it was; `None` for those that were well.
    pub seconds_to_shed: Option<f64>,
    /// First picks in all.
    pub requests: u64,
}

/// What one policy made of the traffic.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Policy {
    /// Requests that were sent.
    pub requests: u64,
    /// Those without a complete answer.
    pub failures: u64,
    /// Median time from the moment a request was due to the last byte of its answer, in milliseconds.
    pub p50_ms: f64,
    /// The 95th percentile.
    pub p95_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// What the answers cost.
    pub cost_usd: f64,
}

/// Milliseconds of answers, and failures.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) millis: Vec<f64>,
    pub(super) failures: u64,
}

impl Tally {
    pub(super) fn policy(&self, cost_usd: f64) -> Policy {
        let mut sorted = self.millis.clone();
        sorted.sort_by(f64::total_cmp);
        Policy {
            requests: sorted.len() as u64,
            failures: self.failures,
            p50_ms: percentile(&sorted, 0.5),
            p95_ms: percentile(&sorted, 0.95),
            p99_ms: percentile(&sorted, 0.99),
            cost_usd,
        }
    }
}

/// The value that `part` of the sorted values do not exceed; 0 without values.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of 0 to 1 times a length"
)]
pub(super) fn percentile(sorted: &[f64], part: f64) -> f64 {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

/// The targets' figures; those of a span that nobody looked at are 0.
pub(super) fn targets(
    names: &[String],
    configured: &[f64],
    picked: &[u64],
    sick: &str,
    pace: Pace,
    record: &Record,
) -> Vec<TargetReport> {
    let (falls, recovers, ends) = (pace.falls_sick(), pace.recovers(), pace.ends());
    let nothing = || vec![0.0; names.len()];
    let before = record
        .mean(falls - pace.look_back(), falls)
        .unwrap_or_else(nothing);
    let end = record
        .mean(ends - pace.look_back(), ends)
        .unwrap_or_else(nothing);
    let during = record.means(falls, recovers);
    let target = |(i, name): (usize, &String)| {
        let shed = during
            .iter()
            .find(|(_, shares)| shares[i] <= 0.1 * before[i]);
        let least = during
            .iter()
            .map(|(_, shares)| shares[i])
            .min_by(f64::total_cmp);
        TargetReport {
            name: name.clone(),
            configured_share: configured[i],
            share_before: before[i],
            share_during_min: least.unwrap_or_default(),
            share_end: end[i],
            seconds_to_shed: shed.filter(|_| name == sick).map(|(at, _)| at - falls),
            requests: picked[i],
        }
    };
    names.iter().enumerate().map(target).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        for (part, expected) in [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0)] {
            assert!(
                (percentile(&values, part) - expected).abs() < 1e-9,
                "rank {part}"
            );
        }
        assert!(
            percentile(&[], 0.5).abs() < f64::EPSILON,
            "nothing is nothing"
        );
    }
}
