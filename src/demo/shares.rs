//! The granted shares of the adaptive route over the demo's time.

use std::time::Duration;

use crate::live::Published;

/// Time between two looks.
pub const LOOK: Duration = Duration::from_millis(50);
/// Shares are shown and judged as means over this span.
pub(super) const MEAN: f64 = 2.0;

/// Shares at moments of the demo.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    looks: Vec<(f64, Vec<f64>)>,
}

impl Record {
    /// Looks at `route` now, `at` seconds after the start.
    pub(super) fn look(&mut self, published: &Published, route: &str, at: f64) {
        if let Some(route) = published.read().route(route) {
            let shares = route
                .granted
                .shares()
                .iter()
                .map(|share| share.fraction())
                .collect();
            self.looks.push((at, shares));
        }
    }

    /// The mean shares from `from` to `to` seconds; `None` if nobody looked then.
    pub(super) fn mean(&self, from: f64, to: f64) -> Option<Vec<f64>> {
        let within: Vec<&Vec<f64>> = self
            .looks
            .iter()
            .filter(|(at, _)| (from..to).contains(at))
            .map(|(_, shares)| shares)
            .collect();
        let first = within.first()?;
        let sum = |i: usize| within.iter().map(|shares| shares[i]).sum::<f64>();
        Some(
            (0..first.len())
                .map(|i| sum(i) / within.len() as f64)
                .collect(),
        )
    }

    /// The two-second means that end between `from` and `to`, each with its end.
    pub(super) fn means(&self, from: f64, to: f64) -> Vec<(f64, Vec<f64>)> {
        let ends = self
            .looks
            .iter()
            .map(|(at, _)| *at)
            .filter(|at| *at >= from && *at <= to);
        ends.filter_map(|end| Some((end, self.mean(end - MEAN, end + 1e-9)?)))
            .collect()
    }
}
