//! A sample in the making.

use super::Sample;
use crate::live::RequestEnd;
use crate::model::PicoUsd;

/// Most times of one sample from which percentiles are taken: those of a coarse one at 270 requests/s.
const MOST_TIMES: usize = 4_096;

/// A sample in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    requests: u64,
    failed: u64,
    first: Vec<f64>,
    total: Vec<f64>,
    cost_usd: f64,
    /// First picks of each target.
    pub(super) picked: Vec<u64>,
}

impl Gathered {
    pub(super) fn saw(&mut self, end: &RequestEnd) {
        self.requests += 1;
        self.failed += u64::from(end.is_failed());
        self.cost_usd += end.cost().map_or(0.0, PicoUsd::usd);
        if let Some(after) = end.first_content
            && self.first.len() < MOST_TIMES
        {
            self.first.push(after.as_secs_f64() * 1e3);
        }
        if end.is_good() && self.total.len() < MOST_TIMES {
            self.total.push(end.total.as_secs_f64() * 1e3);
        }
    }

    pub(super) fn sample(&mut self, at: u64, granted: &[f64]) -> Sample {
        let all: u64 = self.picked.iter().sum();
        let part = |picked: &u64| *picked as f64 / all as f64;
        Sample {
            at,
            requests: self.requests,
            failed: self.failed,
            first_token_ms: percentiles(&mut self.first),
            total_ms: percentiles(&mut self.total),
            cost_usd: self.cost_usd,
            granted: granted.to_vec(),
            actual: self.picked.iter().filter(|_| all > 0).map(part).collect(),
            configured: None,
        }
    }
}

/// Median and 95th percentile by nearest rank.
fn percentiles(values: &mut [f64]) -> Option<[f64; 2]> {
    values.sort_unstable_by(f64::total_cmp);
    let at = |hundredths: usize| {
        let rank = (values.len() * hundredths).div_ceil(100).max(1);
        values.get(rank - 1).copied()
    };
    Some([at(50)?, at(95)?])
}
