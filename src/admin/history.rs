//! What happened, second by second: requests, errors, times, cost and shares of each route, and beside them what the same
//! requests would have met at the configured weights.
//!
//! Problem: an operator asks whether the moved shares were worth it, on traffic that was served once only. Choice: the
//! configured shares weigh what each target did itself in the last minute: its cost a call, its time, its part of failures.
//! How it fails: it supposes that a target would have done the same with more traffic, so while one is overloaded the
//! configured weights look better than they are; and a target that nobody was sent to counts with what it did last.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::operations::Ask;
use super::reply::{self, Reply};
use super::report::unknown_route;
use crate::live::{Call, RequestEnd, Route, Snapshot};
use crate::model::{Class, Outcome};

/// Seconds of fine samples: half an hour. With the coarse ones 1 MB a route of three targets.
const FINE: usize = 1_800;
/// Seconds of a coarse sample, and how many are kept: six hours.
const COARSE: (u64, usize) = (15, 1_440);
/// Seconds over which a target's own means are taken.
const MINUTE: usize = 60;
/// Most times of one sample from which percentiles are taken: those of a coarse one at 270 requests/s.
const MOST_TIMES: usize = 4_096;
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

/// What one target did in a while.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Doings {
    /// Requests that were sent there first.
    pub(super) picked: u64,
    /// Calls that ended, whatever became of them.
    pub(super) calls: u64,
    /// Those that were answered.
    answered: u64,
    /// Those that failed for a reason of the target's or of ours.
    failed: u64,
    /// Milliseconds of answers, in all.
    millis: f64,
    /// Dollars.
    pub(super) cost_usd: f64,
    /// Tokens of prompts, and those of them that came from a cache.
    pub(super) prompt: [u64; 2],
    /// Ends that are no answers, by outcome.
    pub(super) errors: BTreeMap<Outcome, u64>,
}

impl Doings {
    fn saw(&mut self, call: &Call) {
        self.calls += 1;
        self.cost_usd += call.cost.map_or(0.0, crate::model::PicoUsd::usd);
        if let Some(tokens) = call.tokens {
            self.prompt[0] += tokens.input;
            self.prompt[1] += tokens.cached_input;
        }
        match call.outcome.class() {
            Class::Ok => {
                self.answered += 1;
                self.millis += call.total.as_secs_f64() * 1e3;
                return;
            }
            Class::Fault | Class::Throttle | Class::OurFault => self.failed += 1,
            Class::ClientFault | Class::Cancelled => {}
        }
        *self.errors.entry(call.outcome).or_default() += 1;
    }

    fn add(&mut self, other: &Self) {
        self.picked += other.picked;
        self.calls += other.calls;
        self.answered += other.answered;
        self.failed += other.failed;
        self.millis += other.millis;
        self.cost_usd += other.cost_usd;
        self.prompt[0] += other.prompt[0];
        self.prompt[1] += other.prompt[1];
        for (outcome, n) in &other.errors {
            *self.errors.entry(*outcome).or_default() += n;
        }
    }

    /// Dollars, milliseconds and failures of one call; `None` before one ended.
    fn mean(&self) -> Option<[f64; 3]> {
        let calls = self.calls as f64;
        let answered = self.answered.max(1) as f64;
        (self.calls > 0).then(|| {
            [
                self.cost_usd / calls,
                self.millis / answered,
                self.failed as f64 / calls,
            ]
        })
    }
}

/// A sample in the making.
#[derive(Clone, Debug, Default)]
struct Gathered {
    requests: u64,
    failed: u64,
    first: Vec<f64>,
    total: Vec<f64>,
    cost_usd: f64,
    picked: Vec<u64>,
}

impl Gathered {
    fn saw(&mut self, end: &RequestEnd) {
        self.requests += 1;
        self.failed += u64::from(end.is_failed());
        self.cost_usd += end.cost().map_or(0.0, crate::model::PicoUsd::usd);
        if let Some(after) = end.first_content
            && self.first.len() < MOST_TIMES
        {
            self.first.push(after.as_secs_f64() * 1e3);
        }
        if end.is_good() && self.total.len() < MOST_TIMES {
            self.total.push(end.total.as_secs_f64() * 1e3);
        }
    }

    fn sample(&mut self, at: u64, granted: &[f64]) -> Sample {
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

    /// The second that began at `at` is over.
    fn close(&mut self, at: u64, granted: &[f64]) -> Sample {
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
        if (at + 1).is_multiple_of(COARSE.0) {
            let since = at + 1 - COARSE.0;
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

    /// The second that began at `at` is over; its samples by route.
    pub(super) fn close(&mut self, at: u64, snapshot: &Snapshot) -> BTreeMap<Arc<str>, Sample> {
        let closed = snapshot.routes.iter().filter_map(|route| {
            let curve = self.curves.get_mut(&route.label)?;
            let sample = curve.close(at, &fractions(route.in_force()));
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
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::balance::gate::Reason;
    use crate::live::Served;
    use crate::live::record::tests::ended;
    use crate::model::{PicoUsd, TargetName, UpstreamName};

    fn curve() -> Curve {
        Curve {
            targets: vec!["a".to_owned(), "b".to_owned()],
            configured: vec![0.75, 0.25],
            means: vec![None; 2],
            doings: vec![Doings::default(); 2],
            ..Curve::default()
        }
    }

    fn answered(target: &str, millis: u64, micro_usd: u128, outcome: Outcome) -> RequestEnd {
        let call = Call {
            served: Served {
                name: Some(TargetName::new(target).unwrap()),
                upstream: UpstreamName::new("p/m").unwrap(),
            },
            reason: Reason::Drawn,
            propensity: None,
            after: Duration::ZERO,
            outcome,
            status: None,
            total: Duration::from_millis(millis),
            first_content: None,
            tokens: None,
            estimated: false,
            cost: Some(PicoUsd::new(micro_usd * 1_000_000)),
        };
        RequestEnd {
            outcome,
            total: call.total,
            calls: vec![call],
            ..ended("chat", if outcome == Outcome::Ok { 200 } else { 502 })
        }
    }

    #[test]
    fn a_second_has_its_requests_times_cost_and_shares() {
        let mut curve = curve();
        for millis in 1..=100 {
            curve.saw(&answered("a", millis, 10, Outcome::Ok));
        }
        curve.saw(&answered("b", 5, 0, Outcome::ServerError));
        let sample = curve.close(7, &[0.9, 0.1]);
        assert_eq!((sample.at, sample.requests, sample.failed), (7, 101, 1));
        assert_eq!(sample.total_ms, Some([50.0, 95.0]), "of answers");
        assert!((sample.cost_usd - 0.001).abs() < 1e-12, "{sample:?}");
        assert!((sample.actual[0] - 100.0 / 101.0).abs() < 1e-12);
        assert_eq!(sample.granted, [0.9, 0.1]);
        let next = curve.close(8, &[0.9, 0.1]);
        assert_eq!((next.requests, next.total_ms), (0, None), "nothing twice");
        assert_eq!(next.actual, Vec::<f64>::new());
    }

    #[test]
    fn the_configured_weights_are_priced_by_what_the_targets_did() {
        let mut curve = curve();
        curve.saw(&answered("a", 100, 10, Outcome::Ok));
        assert_eq!(curve.close(1, &[1.0, 0.0]).configured, None, "b is unknown");
        for _ in 0..4 {
            curve.saw(&answered("b", 500, 30, Outcome::Ok));
        }
        curve.saw(&answered("a", 100, 10, Outcome::Ok));
        curve.saw(&answered("b", 0, 30, Outcome::ServerError));
        let instead = curve.close(2, &[0.5, 0.5]).configured.unwrap();
        let dollars = 6.0 * (0.75 * 10e-6 + 0.25 * 30e-6);
        assert!((instead.cost_usd - dollars).abs() < 1e-12, "{instead:?}");
        assert!((instead.total_ms - (75.0 + 125.0)).abs() < 1e-9);
        assert!((instead.failed - 6.0 * 0.25 * 0.2).abs() < 1e-9);
        for second in 3..100 {
            curve.close(second, &[0.5, 0.5]);
        }
        let later = curve.close(100, &[0.5, 0.5]).configured;
        assert!(later.is_some(), "what was known is not forgotten");
    }

    #[test]
    fn rings_are_bounded_and_coarse_samples_add_up() {
        let mut curve = curve();
        for second in 0..30_000 {
            curve.saw(&answered("a", 20, 1, Outcome::Ok));
            curve.close(second, &[1.0, 0.0]);
        }
        let fine = curve.shown(900);
        assert_eq!((fine.step, fine.samples.len()), (1, 900));
        let coarse = curve.shown(21_600);
        assert_eq!((coarse.step, coarse.samples.len()), (15, 1_440));
        assert!(coarse.samples.iter().all(|it| it.requests == 15));
        assert_eq!(coarse.samples.last().unwrap().at, 29_985);
        assert_eq!(curve.last_minute()[0].calls, 60);
    }
}
