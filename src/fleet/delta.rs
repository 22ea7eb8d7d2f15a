//! What changed lately, told often: a tick's news without what everybody knows.
//!
//! Problem: ten replicas that hear of each other once a second find each fault, each queue and each recovery a second later
//! than one replica with all the traffic, and whole reports four times a second would be mostly what was said before. So
//! between two whole reports only those upstreams and routes are told that have changed since the whole report *before* the
//! last one, which everybody has by then. Laid over any report that was told from that one on, a delta gives the report as it
//! is now: it names all that is now other than in one of them. Not only what is other than in the first: an upstream may go
//! out and come back in between, and who heard that it is out must hear that it is not.
//!
//! So nothing depends on a delta: one that is lost, doubled or late does no harm, and one that finds no report to be laid
//! over is of no use until the next whole one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::report::{MOST_NAMES, Report, is_nothing};
use crate::model::{RouteName, UpstreamName};

/// What changed in a replica's report since an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// The sequence of the report from which on this can be laid over one.
    pub base: u64,
    /// Whether something in it should not wait for the next tick of who hears it.
    #[serde(default)]
    pub presses: bool,
    /// Whether it is the last that its process says: it has stopped taking part.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub leaves: bool,
    /// Whether its process takes no more requests, and ends when those that it has are answered.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub drains: bool,
    /// The report as it is now, with only those upstreams and routes that have changed since.
    pub changed: Report,
}

/// What was told lately, which the next delta is laid over.
#[derive(Clone, Debug, Default)]
pub struct Deltas {
    /// The last two whole reports: everybody has the first of them, or is about to.
    whole: [Option<Arc<Report>>; 2],
    /// Names that were told as other than in the first and in the second of them, while it was the newest.
    named: [Names; 2],
}

#[derive(Clone, Debug, Default)]
struct Names {
    upstreams: BTreeSet<UpstreamName>,
    routes: BTreeSet<RouteName>,
}

impl Deltas {
    /// A whole report was told.
    pub fn put(&mut self, report: Arc<Report>) {
        self.whole.swap(0, 1);
        self.whole[1] = Some(report);
        self.named.swap(0, 1);
        self.named[1] = Names::default();
    }

    /// Nobody is known to have anything.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// What is to be told of `report`; `None` where nobody has anything that it could be laid over.
    pub fn next(&self, report: &Report) -> Option<Delta> {
        let mut whole = self.whole.iter().flatten();
        let mut delta = Delta::between(whole.next()?, report)?;
        let changed = &mut delta.changed;
        if let Some(newest) = whole.next() {
            let upstreams = differing(&newest.upstreams, &report.upstreams);
            changed.upstreams.extend(upstreams);
            let routes = differing(&newest.routes, &report.routes);
            changed.routes.extend(routes);
        }
        for named in &self.named {
            let upstreams = named.upstreams.iter();
            let upstreams = upstreams.filter_map(|name| report.upstreams.get_key_value(name));
            let upstreams = upstreams.map(|(name, now)| (name.clone(), now.clone()));
            changed.upstreams.extend(upstreams);
            let routes = named.routes.iter();
            let routes = routes.filter_map(|name| report.routes.get_key_value(name));
            let routes = routes.map(|(name, now)| (name.clone(), now.clone()));
            changed.routes.extend(routes);
        }
        Some(delta)
    }

    /// The last word of a process that leaves, whose report is `report`: with what has changed in it, if that can be told.
    pub fn last(&self, report: &Report) -> Delta {
        let delta = self.next(report).unwrap_or_else(|| Delta {
            // It can be laid over nothing: that the process leaves holds all the same.
            base: report.sequence,
            presses: true,
            leaves: true,
            drains: true,
            changed: report.head(),
        });
        Delta {
            presses: true,
            leaves: true,
            ..delta
        }
    }

    /// What there was of `report` to tell was told.
    pub fn told(&mut self, report: &Report) {
        let Some(newest) = self.whole.iter().flatten().last() else {
            return;
        };
        let upstreams = differing(&newest.upstreams, &report.upstreams);
        self.named[1].upstreams.extend(upstreams.into_keys());
        let routes = differing(&newest.routes, &report.routes);
        self.named[1].routes.extend(routes.into_keys());
    }
}

impl Delta {
    /// What of `report` has changed since `base`; `None` where that is of another epoch.
    fn between(base: &Report, report: &Report) -> Option<Self> {
        if base.epoch != report.epoch {
            return None;
        }
        Some(Self {
            base: base.sequence,
            presses: false,
            leaves: false,
            drains: false,
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
