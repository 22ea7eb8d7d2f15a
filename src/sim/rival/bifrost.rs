//! `bifrost`: Bifrost's adaptive load balancing by its published formula.
//!
//! Source: [`super::bifrost_score`] names the page. The product is closed; this is built from what it says in public.
//!
//! Every five seconds each route gets a weight from 1 to 1,000 and a state. More than 2 % faults in ten seconds, or a
//! latency penalty above a quarter, makes it degraded; more than 5 %, or any 429, failed: its weight is halved and it
//! gets nothing until a back-off is over; then it recovers, and is healthy again with less than 2 % faults and half of the
//! traffic that was expected for it. Requests go by weight to the routes within 5 % of the best, and one in four by
//! weight to the others, so that those can show that they are well.
//!
//! Not published, and so chosen to its advantage: a back-off of ten seconds; a rate counts from five requests on; a
//! recovering route keeps its halved weight, so it is tried by the exploration alone; a route without measurements
//! enters at full weight.
//!
//! What it cannot do: it is blind to prices and to configured weights, reacts a round late, and gives a quarter
//! of the traffic to whatever is not the best.
//!
//! Tuned: the tolerance of latency (0.05, 0.1, 0.15, 0.2, 0.25, 0.3 of the prediction) over the base scenarios.

use super::bifrost_score::{Measured, ROUND, Scene};
use super::choice::{Luck, members};
use super::verdict::{Verdict, said};
use crate::model::{Event, Time};
use crate::sim::policy::{Asked, Attempt, Picked, Policy, Score};

/// Fault rates of ten seconds that degrade and fail a route.
const DEGRADED: f64 = 0.02;
const FAILED: f64 = 0.05;
/// Requests below which a rate says nothing. Not published.
const ENOUGH: f64 = 5.0;
/// Rounds that make up those ten seconds.
const WATCHED: usize = 2;
/// The latency penalty that degrades.
const SLOW: f64 = 0.25;
/// Seconds that a failed route is left alone. Not published.
const BACK_OFF: f64 = 10.0;
/// What is left of the weight of a route that failed.
const HALVED: f64 = 0.5;
/// Part of the expected traffic that a recovering route must have had.
const PROVEN: f64 = 0.5;
/// Width of the band of the best, and the part of requests that goes to the others.
const BAND: f64 = 0.05;
const EXPLORATION: f64 = 0.25;

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Healthy,
    Degraded,
    Failed { until: f64 },
    Recovering,
}

#[derive(Clone, Debug)]
struct Route {
    state: State,
    measured: Measured,
    weight: f64,
    /// The part of all requests that this round's table has for it.
    expected: f64,
}

impl Route {
    fn is_out(&self) -> bool {
        matches!(self.state, State::Failed { .. })
    }

    fn fail(&mut self, seconds: f64) {
        self.weight *= HALVED;
        self.state = State::Failed {
            until: seconds + BACK_OFF,
        };
    }

    /// The state that follows from a round in which `requests` came in over all routes.
    fn judge(&mut self, scene: &Scene, requests: f64) {
        let (faults, seen) = self.measured.faults(WATCHED);
        let known = seen >= ENOUGH;
        match self.state {
            State::Failed { until } if until > scene.seconds => {}
            State::Failed { .. } => {
                self.measured.forget_errors();
                self.state = State::Recovering;
            }
            _ if known && faults > FAILED => self.fail(scene.seconds),
            State::Recovering => {
                let due = PROVEN * self.expected * requests;
                if faults < DEGRADED && self.measured.requests() >= due.max(1.0) {
                    self.state = State::Healthy;
                }
            }
            State::Healthy | State::Degraded => {
                let slow = self.measured.latency_penalty(scene.predicted) > SLOW;
                self.state = if slow || known && faults > DEGRADED {
                    State::Degraded
                } else {
                    State::Healthy
                };
            }
        }
    }
}

/// Bifrost's load balancer.
#[derive(Debug)]
pub(super) struct Bifrost {
    routes: Vec<Route>,
    next_round: Time,
    luck: Luck,
}

impl Bifrost {
    pub(super) fn new(count: usize, luck: Luck) -> Self {
        let route = Route {
            state: State::Healthy,
            measured: Measured::default(),
            weight: 1000.0,
            expected: 1.0 / count.max(1) as f64,
        };
        Self {
            routes: vec![route; count],
            next_round: Time::ZERO.after_secs(ROUND),
            luck,
        }
    }

    /// The chance of each of the candidates: the band of the best by weight, the others by weight.
    fn chances(&self, candidates: &[usize]) -> Vec<f64> {
        let mut chances = vec![0.0; self.routes.len()];
        let serving = candidates.iter().copied();
        let serving: Vec<usize> = serving.filter(|i| !self.routes[*i].is_out()).collect();
        let weight = |i: &usize| self.routes[*i].weight;
        let best = serving.iter().map(weight).fold(0.0, f64::max);
        let (band, others): (Vec<usize>, Vec<usize>) = serving
            .into_iter()
            .partition(|i| weight(i) >= (1.0 - BAND) * best);
        let explored = if others.is_empty() { 0.0 } else { EXPLORATION };
        for (group, part) in [(band, 1.0 - explored), (others, explored)] {
            let total: f64 = group.iter().map(weight).sum();
            for i in group {
                chances[i] = part * weight(&i) / total;
            }
        }
        chances
    }

    fn recompute(&mut self, seconds: f64) {
        for route in &mut self.routes {
            route.measured.smooth();
        }
        let slow = self.routes.iter().filter(|route| !route.is_out());
        let predicted = slow
            .filter_map(|route| route.measured.slow)
            .reduce(f64::min);
        let requests: f64 = self.routes.iter().map(|r| r.measured.requests()).sum();
        let healthy = self.routes.iter().filter(|route| !route.is_out()).count();
        for route in &mut self.routes {
            let mut scene = Scene {
                seconds,
                predicted,
                recovering: false,
            };
            let share = route.measured.requests() / requests.max(1.0);
            route.judge(&scene, requests);
            if !route.is_out() {
                scene.recovering = route.state == State::Recovering;
                let part = if scene.recovering { HALVED } else { 1.0 };
                route.weight = part * route.measured.weight(&scene, share * healthy as f64);
            }
            route.measured.turn();
        }
        let all: Vec<usize> = (0..self.routes.len()).collect();
        let chances = self.chances(&all);
        for (route, chance) in self.routes.iter_mut().zip(chances) {
            route.expected = chance;
        }
    }
}

impl Policy for Bifrost {
    fn set_present(&mut self, _: usize, _: bool, _: Time) {}

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        let candidates = members(asked.eligible, self.routes.len());
        let chances = self.chances(&candidates);
        let picked = self.luck.by_weight(&candidates, |target| chances[target]);
        picked.map(Picked::of)
    }

    fn began(&mut self, _: &Attempt, _: Time) {}

    fn happened(&mut self, attempt: &Attempt, event: &Event, score: Option<&Score>, now: Time) {
        let Some(verdict) = said(event) else {
            return;
        };
        let route = &mut self.routes[attempt.target];
        let slowness = score.and_then(|score| score.slowness);
        route.measured.note(verdict, slowness, now.as_secs_f64());
        if verdict == Verdict::Throttled && !route.is_out() {
            route.fail(now.as_secs_f64());
        }
    }

    fn tick(&mut self, now: Time) {
        if now >= self.next_round {
            self.next_round = now.after_secs(ROUND);
            self.recompute(now.as_secs_f64());
        }
    }
}
