//! What changed lately, told often: a tick's news without what everybody knows.
//!
//! Problem: ten replicas that hear of each other once a second find each fault, each queue and each recovery a second later
//! than one replica with all the traffic, and whole reports four times a second would be mostly what was said before. So
//! between two whole reports only those upstreams and routes are told that have changed since the whole report *before* the
//! last one, which everybody has by then. Laid over any report from that one on, a delta gives the report as it is now:
//! what it does not name has not changed since.
//!
//! So nothing depends on a delta: one that is lost, doubled or late does no harm, and one that finds no report to be laid
//! over is of no use until the next whole one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::report::{MOST_NAMES, Report};

/// What changed in a replica's report since an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// The sequence of the report from which on this can be laid over one.
    pub base: u64,
    /// Whether something in it should not wait for the next tick of who hears it.
    #[serde(default)]
    pub presses: bool,
    /// The report as it is now, with only those upstreams and routes that have changed since.
    pub changed: Report,
}

impl Delta {
    /// What of `report` has changed since `base`; `None` where that is of another epoch.
    pub fn between(base: &Report, report: &Report) -> Option<Self> {
        if base.epoch != report.epoch {
            return None;
        }
        Some(Self {
            base: base.sequence,
            presses: false,
            changed: Report {
                upstreams: differing(&base.upstreams, &report.upstreams),
                routes: differing(&base.routes, &report.routes),
                ..report.head()
            },
        })
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.changed.upstreams.is_empty() && self.changed.routes.is_empty()
    }

    /// `known` as it is now; `None` where it is too old to be laid over, or newer than this, or would have more names than a
    /// report can.
    pub fn over(&self, known: &Report) -> Option<Report> {
        let is_of_it = known.replica == self.changed.replica && known.epoch == self.changed.epoch;
        if !is_of_it || !(self.base..self.changed.sequence).contains(&known.sequence) {
            return None;
        }
        let mut report = self.changed.head();
        report.upstreams.clone_from(&known.upstreams);
        report.routes.clone_from(&known.routes);
        report.upstreams.extend(self.changed.upstreams.clone());
        report.routes.extend(self.changed.routes.clone());
        // A replica lets go of names now and then, which a delta cannot say; and a stranger may make up more each time.
        let fits = report.upstreams.len() <= MOST_NAMES && report.routes.len() <= MOST_NAMES;
        fits.then_some(report)
    }
}

/// What is new in `now`, or other than in `before`.
fn differing<K: Ord + Clone, V: PartialEq + Clone>(
    before: &BTreeMap<K, V>,
    now: &BTreeMap<K, V>,
) -> BTreeMap<K, V> {
    let other = now
        .iter()
        .filter(|(key, value)| before.get(key) != Some(value));
    other
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
#[path = "delta_tests.rs"]
mod tests;
