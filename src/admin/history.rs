//! What happened, second by second: requests, errors, times, cost and shares of each route, and beside them what the same
//! requests would have met at the configured weights.
//!
//! Problem: an operator asks whether the moved shares were worth it, on traffic that was served once only. Choice: the
//! configured shares weigh what each target did itself in the last minute: its cost a call, its time, its part of failures.
//! How it fails: it supposes that a target would have done the same with more traffic, so while one is overloaded the
//! configured weights look better than they are; and a target that nobody was sent to counts with what it did last.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::operations::Ask;
use super::reply::{self, Reply};
use super::report::unknown_route;
use crate::live::{RequestEnd, Route, Snapshot};

mod doings;
mod gathered;

pub(super) use doings::Doings;
use gathered::Gathered;

/// Seconds of fine samples: half an hour. With the coarse ones 1 MB a route of three targets.
const FINE: usize = 1_800;
/// Seconds of a coarse sample, and how many are kept: six hours.
const COARSE: (u64, usize) = (15, 1_440);
/// Seconds over which a target's own means are taken.
const MINUTE: usize = 60;
/// Seconds that are shown unless asked otherwise.
const SHOWN: u64 = 900;

/// What happened in a while.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(super) struct Sample {
    /// When it begins, in seconds since 1970.
    pub at: u64,
    /// Requests that ended in it.
    pub requests: u64,
    /// Those that failed for no reason of their client's.
    pub failed: u64,
    /// Milliseconds to the first content of streams: median and 95th percentile.
    pub first_token_ms: Option<[f64; 2]>,
    /// Milliseconds of whole answers: the same.
    pub total_ms: Option<[f64; 2]>,
    /// What its calls cost, in dollars.
    pub cost_usd: f64,
    /// The shares in force at its end.
    pub granted: Vec<f64>,
    /// The part of first picks that each target got; empty without any.
    pub actual: Vec<f64>,
    /// What the same requests would have met at the configured weights; `None` before every target with a weight was
    /// called.
    pub configured: Option<Instead>,
}

/// What requests would have met otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(super) struct Instead {
    /// Dollars.
    pub cost_usd: f64,
    /// Mean milliseconds of whole answers.
    pub total_ms: f64,
    /// Calls that would have failed.
    pub failed: f64,
}

/// A route's past.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct RouteHistory {
    /// Seconds of a sample.
    pub step: u64,
    /// Its targets, in the order of the shares.
    pub targets: Vec<String>,
    /// Its configured shares.
    pub configured: Vec<f64>,
    /// The samples, oldest first.
    pub samples: Vec<Sample>,
}

/// The past of routes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Histories {
    /// By name.
    pub routes: BTreeMap<String, RouteHistory>,
}

/// One route's past.
#[derive(Clone, Debug, Default)]
struct Curve {
    targets: Vec<String>,
    configured: Vec<f64>,
    fine: VecDeque<Sample>,
    coarse: VecDeque<Sample>,
    /// What the targets did in each of the last seconds, oldest first.
    minute: VecDeque<Vec<Doings>>,
    /// What a call of each target was like when it was last called.
    means: Vec<Option<[f64; 3]>>,
    second: Gathered,
    quarter: Gathered,
    doings: Vec<Doings>,
}

impl Curve {
    /// The route's targets are these now. Others than before begin anew: their shares are no longer the same lines.
    fn line_up(&mut self, route: &Route) {
        let names = route.config.targets.iter().map(|it| it.name.to_string());
        let names: Vec<String> = names.collect();
        self.configured = fractions(&route.configured);
        if names != self.targets {
            let configured = std::mem::take(&mut self.configured);
            *self = Self {
                means: vec![None; names.len()],
                doings: vec![Doings::default(); names.len()],
                targets: names,
                configured,
                ..Self::default()
            };
        }
    }

    fn saw(&mut self, end: &RequestEnd) {
        self.second.saw(end);
        self.quarter.saw(end);
        for gathered in [&mut self.second, &mut self.quarter] {
            gathered.picked.resize(self.targets.len(), 0);
        }
        for (i, call) in end.calls.iter().enumerate() {
            let name = call.served.target();
            let Some(place) = self.targets.iter().position(|it| it == name) else {
                continue;
            };
            self.doings[place].saw(call);
            if i == 0 {
                self.doings[place].picked += 1;
                self.second.picked[place] += 1;
                self.quarter.picked[place] += 1;
            }
        }
    }

    /// These seconds are over: one, or more where nobody looked in between.
    fn close(&mut self, seconds: Range<u64>, granted: &[f64]) -> Sample {
        let at = seconds.start;
        let fresh = vec![Doings::default(); self.targets.len()];
        push(
            &mut self.minute,
            std::mem::replace(&mut self.doings, fresh),
            MINUTE,
        );
        let lately = self.last_minute();
        for (mean, doings) in self.means.iter_mut().zip(lately) {
            *mean = doings.mean().or(*mean);
        }
        let mut sample = std::mem::take(&mut self.second).sample(at, granted);
        sample.configured = self.instead(sample.requests);
        push(&mut self.fine, sample.clone(), FINE);
        if seconds.end / COARSE.0 > at / COARSE.0 {
            let since = at - at % COARSE.0;
            let mut coarse = std::mem::take(&mut self.quarter).sample(since, granted);
            coarse.configured = self.instead(coarse.requests);
            push(&mut self.coarse, coarse, COARSE.1);
        }
        sample
    }

    /// What so many requests would have met at the configured weights.
    fn instead(&self, requests: u64) -> Option<Instead> {
        let mut sum = [0.0; 3];
        for (share, mean) in self.configured.iter().zip(&self.means) {
            if *share > 0.0 {
                let mean = (*mean)?;
                for (sum, mean) in sum.iter_mut().zip(mean) {
                    *sum += share * mean;
                }
            }
        }
        let requests = requests as f64;
        Some(Instead {
            cost_usd: requests * sum[0],
            total_ms: sum[1],
            failed: requests * sum[2],
        })
    }

    fn last_minute(&self) -> Vec<Doings> {
        let mut sum = vec![Doings::default(); self.targets.len()];
        for second in &self.minute {
            for (sum, doings) in sum.iter_mut().zip(second) {
                sum.add(doings);
            }
        }
        sum
    }

    /// The shares in force, as means over the requests of the last minute; `None` without any.
    fn granted_lately(&self) -> Option<Vec<f64>> {
        let lately = self.fine.iter().rev().take(MINUTE);
        let mut sum = vec![0.0; self.targets.len()];
        let mut all = 0.0;
        for sample in lately {
            all += sample.requests as f64;
            for (sum, share) in sum.iter_mut().zip(&sample.granted) {
                *sum += share * sample.requests as f64;
            }
        }
        (all > 0.0).then(|| sum.iter().map(|sum| sum / all).collect())
    }

    fn shown(&self, seconds: u64) -> RouteHistory {
        let (step, ring) = if seconds <= FINE as u64 {
            (1, &self.fine)
        } else {
            (COARSE.0, &self.coarse)
        };
        let many = usize::try_from(seconds.div_ceil(step)).unwrap_or(usize::MAX);
        RouteHistory {
            step,
            targets: self.targets.clone(),
            configured: self.configured.clone(),
            samples: ring
                .iter()
                .skip(ring.len().saturating_sub(many))
                .cloned()
                .collect(),
        }
    }
}

fn push<T>(ring: &mut VecDeque<T>, item: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(item);
}

pub(super) fn fractions(table: &crate::balance::WeightTable) -> Vec<f64> {
    table
        .shares()
        .iter()
        .map(|share| share.fraction())
        .collect()
}

/// What a route's targets did in the last minute.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lately {
    /// In the order of the targets.
    pub(super) doings: Vec<Doings>,
    /// The shares in force, as means over the same requests; `None` without any.
    pub(super) granted: Option<Vec<f64>>,
}

/// The past of all routes.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    curves: HashMap<Arc<str>, Curve>,
}

impl History {
    /// Takes in what ended, under the routes of `snapshot`.
    pub(super) fn saw(&mut self, records: &[Arc<RequestEnd>], snapshot: &Snapshot) {
        for route in &snapshot.routes {
            self.curves
                .entry(Arc::clone(&route.label))
                .or_default()
                .line_up(route);
        }
        self.curves.retain(|name, _| snapshot.route(name).is_some());
        for end in records {
            if let Some(curve) = self.curves.get_mut(&end.route) {
                curve.saw(end);
            }
        }
    }

    /// These seconds are over; their samples by route.
    pub(super) fn close(
        &mut self,
        seconds: Range<u64>,
        snapshot: &Snapshot,
    ) -> BTreeMap<Arc<str>, Sample> {
        let closed = snapshot.routes.iter().filter_map(|route| {
            let curve = self.curves.get_mut(&route.label)?;
            let sample = curve.close(seconds.clone(), &fractions(route.in_force()));
            Some((Arc::clone(&route.label), sample))
        });
        closed.collect()
    }

    /// What the targets of `route` did in the last minute.
    pub(super) fn lately(&self, route: &str) -> Lately {
        let Some(curve) = self.curves.get(route) else {
            return Lately::default();
        };
        Lately {
            doings: curve.last_minute(),
            granted: curve.granted_lately(),
        }
    }

    fn shown(&self, route: &str, seconds: u64) -> Option<RouteHistory> {
        Some(self.curves.get(route)?.shown(seconds))
    }
}

/// `GET /api/v1/history`.
pub(super) fn answer(ask: &Ask<'_>) -> Reply {
    let seconds = ask.query.whole("seconds").unwrap_or(SHOWN);
    let snapshot = ask.admin.published.read();
    let wanted = ask.query.text("route");
    if let Some(name) = wanted
        && snapshot.route(name).is_none()
    {
        return unknown_route(ask.admin, name);
    }
    let labels = snapshot.routes.iter().map(|route| &*route.label);
    let history = ask.admin.watch.history();
    let routes = labels
        .filter(|label| wanted.is_none_or(|wanted| wanted == *label))
        .filter_map(|label| Some((label.to_owned(), history.shown(label, seconds)?)))
        .collect();
    reply::json(StatusCode::OK, &Histories { routes })
}

#[cfg(test)]
mod tests;
