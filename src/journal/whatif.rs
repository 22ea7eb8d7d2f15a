//! What another policy would have cost, from the journal of what happened.
//!
//! The other controller follows the journal's ticks ([`Follower`]) and says which shares it would have had in force at each
//! moment; each first attempt then counts as often as the other would have made it (see [`super::estimate`]). Probes,
//! retries and kept conversations were not drawn by share and are left out, of what happened as well.
//!
//! This answers only what the journal can know. It refuses
//! - where more than 5 % of the other's traffic would have gone where none went then: nobody knows what would have come of it;
//! - where a target was at a limit of its rate, or so many of its requests were silent that it got no more: what one request
//!   meets there depends on where the others go, and no weighting of single requests knows that;
//! - where a target's times depend on what is in flight there (see [`super::load`]), for the same reason. A bound on requests
//!   in flight that held a target is no reason by itself: an ill target without any queue meets it too, and there the
//!   estimates are right.
//!
//! How it fails: a target that was far from any limit may have one just above what it got; the other policy would have
//! found it. And the other controller is told what was measured under the shares of then.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::estimate::{Estimate, FEWEST_BLOCKS, Sums};
use super::follower::{Follower, Other};
use super::line::DrawLine;
use super::load::Load;
use super::play::Step;
use super::replay::{Heard, Replay};
use crate::balance::gate::GateOrder;
use crate::balance::{Decision, Plan, Share, UpstreamInput};
use crate::model::{Class, Outcome, RouteName, TargetName, Time, UpstreamName};

/// Length of a block, in microseconds.
const BLOCK_US: u64 = 10_000_000;
/// Largest part of the other's traffic that may have gone where none went then.
const MOST_UNSUPPORTED: f64 = 0.05;
/// Part of the ticks at a limit from which nothing is estimated: an accident of a second in ten minutes is none.
const MOST_LIMITED: f64 = 0.002;
/// How much a target's times may depend on what is in flight, in standard deviations. In simulations of ten minutes with a
/// queue it was at least 4, without one at most 2.9; chance exceeds 3.5 once in four thousand targets.
const MOST_LOAD: f64 = 3.5;
/// Fewest requests that the weighted ones may be worth.
const FEWEST_EFFECTIVE: f64 = 100.0;
/// How long tables are kept for requests that are still under way.
const KEPT: f64 = 1_200.0;

/// What another policy would have done to one route.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RouteWhatif {
    /// The route.
    pub route: RouteName,
    /// Requests that count.
    pub requests: u64,
    /// Requests that were not drawn by share, and are left out: probes, retries, kept conversations.
    pub left_out: u64,
    /// How many unweighted requests the weighted ones are worth.
    pub effective: f64,
    /// Part of the other's traffic that would have gone where none went then.
    pub unsupported: f64,
    /// Part of the ticks at which a target was at a limit of its rate: it refused, or asked to be left alone.
    pub rate_limited: f64,
    /// Part of the ticks at which a bound on requests in flight held a target.
    pub full: f64,
    /// Part of the ticks at which so many requests of a target had no content yet that it got no more.
    pub silent: f64,
    /// How much a target's times depend on what is in flight there, in standard deviations; the largest.
    pub load: f64,
    /// Why nothing can be said, in words; empty if something can.
    pub refused: Vec<String>,
    /// Dollars of an answer.
    pub cost: Option<Estimate>,
    /// Seconds to the end of an answer.
    pub seconds: Option<Estimate>,
    /// Seconds to the first token of a streamed answer.
    pub first_token: Option<Estimate>,
    /// Part of the requests that failed, clients' own mistakes apart.
    pub errors: Option<Estimate>,
}

/// Follows a journal and weighs its requests.
#[derive(Debug)]
pub struct Whatif {
    follower: Follower,
    /// What the gates went by since the last tick, by upstream.
    orders: Vec<GateOrder>,
    routes: BTreeMap<RouteName, Route>,
}

#[derive(Debug, Default)]
struct Route {
    /// The tables in force since each moment.
    history: VecDeque<(Time, Shares)>,
    ticks: u64,
    rate_limited: u64,
    full: u64,
    silent: u64,
    /// What was in flight at each target, by tick.
    flights: VecDeque<(Time, BTreeMap<TargetName, u32>)>,
    loads: BTreeMap<(TargetName, usize), Load>,
    requests: u64,
    left_out: u64,
    weight: f64,
    squares: f64,
    unsupported: f64,
    cost: Sums,
    seconds: Sums,
    first_token: Sums,
    errors: Sums,
}

/// The shares of a route's targets: then, and by the other.
type Shares = BTreeMap<TargetName, [f64; 2]>;

impl Whatif {
    /// The question what `other` would have done.
    pub fn new(other: Other) -> Self {
        Self {
            follower: Follower::new(other),
            orders: Vec::new(),
            routes: BTreeMap::new(),
        }
    }

    /// `replay` has read a line, and this is what it was.
    pub fn follow(&mut self, replay: &Replay, heard: &Heard) {
        match heard {
            Heard::Config => {
                self.follower.configured(replay.player());
                self.orders.clear();
            }
            Heard::Checkpoint => self.follower.resumed(replay.player()),
            Heard::Tick(step) => self.tick(replay, step),
            Heard::Draw(draw) => self.draw(replay, draw),
            Heard::Other => self.orders.clear(),
        }
    }

    fn tick(&mut self, replay: &Replay, step: &Step) {
        let bounds = self.bounds(replay.plan(), step);
        self.orders.clone_from(&step.stepped.orders);
        let Some(other) = self.follower.step(replay.player(), step) else {
            // What it would have done from here on is not known: requests are left out until it is.
            for route in self.routes.values_mut() {
                route.remember(step.input.now, Shares::new());
            }
            return;
        };
        let now = step.input.now;
        for then in &step.stepped.decisions {
            let ours = other.decisions.iter().find(|ours| ours.route == then.route);
            let Some(ours) = ours else { continue };
            let obeyed = replay.player().obeys(&then.route);
            let route = self.routes.entry(then.route.clone()).or_default();
            route.meet(now, then, &bounds);
            route.remember(now, shares(then, ours, obeyed));
        }
    }

    /// What held each upstream before this tick.
    fn bounds<'a>(&self, plan: &'a Plan, step: &Step) -> BTreeMap<&'a str, Held> {
        let names = plan.upstreams().iter().map(UpstreamName::as_str);
        let told = names.zip(&step.input.upstreams).enumerate();
        let held = told.map(|(i, (name, told))| {
            let order = self.orders.get(i);
            let blocked = told.blocked_until > step.input.now;
            let held = Held {
                rate_limited: blocked || told.batch.count(Class::Throttle) > 0,
                full: order.is_some_and(|order| told.in_flight >= order.limit),
                silent: order.is_some_and(|order| is_silent(told, order)),
                in_flight: told.in_flight,
            };
            (name, held)
        });
        held.collect()
    }

    fn draw(&mut self, replay: &Replay, draw: &DrawLine) {
        let Some(route) = RouteName::new(&draw.route).ok() else {
            return;
        };
        let Some(route) = self.routes.get_mut(&route) else {
            return;
        };
        let block = replay.unix_us(draw.at) / BLOCK_US;
        route.draw(draw, block);
    }

    /// What would have been, by route.
    pub fn routes(&self) -> Vec<RouteWhatif> {
        let of = |(name, route): (&RouteName, &Route)| route.found(name);
        self.routes.iter().map(of).collect()
    }
}

/// What held an upstream.
#[derive(Clone, Copy, Debug)]
struct Held {
    rate_limited: bool,
    full: bool,
    silent: bool,
    in_flight: u32,
}

/// Whether as many requests had no content yet as may have none.
fn is_silent(told: &UpstreamInput, order: &GateOrder) -> bool {
    let mut pending = [0_u32; 2];
    for flight in &told.flights {
        pending[flight.kind.index()] += 1;
    }
    pending[0] >= order.pending_cap[0] || pending[1] >= order.pending_cap[1]
}

fn shares(then: &Decision, ours: &Decision, obeyed: bool) -> Shares {
    let mut shares = Shares::new();
    for (row, share) in then.rows.iter().zip(then.table.shares()) {
        let share = if obeyed { *share } else { row.configured };
        shares.entry(row.name.clone()).or_default()[0] = share.fraction();
    }
    for (row, share) in ours.rows.iter().zip(ours.table.shares()) {
        shares.entry(row.name.clone()).or_default()[1] = share.fraction();
    }
    shares
}

impl Route {
    /// Notes what held the targets, and how many requests they had.
    fn meet(&mut self, now: Time, then: &Decision, bounds: &BTreeMap<&str, Held>) {
        let rows = then.rows.iter().filter(|row| row.configured > Share::ZERO);
        let held = rows.filter_map(|row| Some((row, bounds.get(row.upstream.as_str())?)));
        let held: Vec<_> = held.collect();
        let any = |of: fn(&Held) -> bool| u64::from(held.iter().any(|(_, held)| of(held)));
        self.ticks += 1;
        self.rate_limited += any(|held| held.rate_limited);
        self.full += any(|held| held.full);
        self.silent += any(|held| held.silent);
        let flights = held
            .iter()
            .map(|(row, held)| (row.name.clone(), held.in_flight));
        if self.flights.back().is_some_and(|(at, _)| *at > now) {
            self.flights.clear();
        }
        while self
            .flights
            .front()
            .is_some_and(|(at, _)| now.secs_since(*at) > KEPT)
        {
            self.flights.pop_front();
        }
        self.flights.push_back((now, flights.collect()));
    }

    fn remember(&mut self, now: Time, shares: Shares) {
        if self.history.back().is_some_and(|(at, _)| *at > now) {
            // Another process began: its clock starts anew.
            self.history.clear();
        }
        while self.history.len() > 1 && now.secs_since(self.history[1].0) > KEPT {
            self.history.pop_front();
        }
        if self.history.back().is_none_or(|(_, last)| *last != shares) {
            self.history.push_back((now, shares));
        }
    }

    fn draw(&mut self, draw: &DrawLine, block: u64) {
        let drawn = draw.propensity.filter(|p| *p > 0.0 && draw.attempt == 1);
        let (Some(propensity), Some(target)) = (drawn, &draw.target) else {
            self.left_out += 1;
            return;
        };
        let after = self.history.partition_point(|(at, _)| *at <= draw.at);
        let in_force = after.checked_sub(1).and_then(|i| self.history.get(i));
        let Some((_, shares)) = in_force.filter(|(_, shares)| !shares.is_empty()) else {
            self.left_out += 1;
            return;
        };
        let weight = shares.get(target).map_or(0.0, |[_, other]| *other) / propensity;
        let nowhere = shares.values().filter(|[then, _]| *then <= 0.0);
        self.unsupported += nowhere.map(|[_, other]| other).sum::<f64>();
        self.requests += 1;
        self.weight += weight;
        self.squares += weight * weight;
        self.count(draw, target, block, weight);
        self.weigh(draw, target, block);
    }

    /// Notes how long it took with so many in flight.
    fn weigh(&mut self, draw: &DrawLine, target: &TargetName, block: u64) {
        if draw.outcome != Outcome::Ok {
            return;
        }
        let after = self.flights.partition_point(|(at, _)| *at <= draw.at);
        let met = after.checked_sub(1).and_then(|i| self.flights.get(i));
        if let Some(in_flight) = met.and_then(|(_, flights)| flights.get(target)) {
            let micros = draw.first_us.unwrap_or(draw.total_us);
            let load = self.loads.entry((target.clone(), draw.answer.index()));
            load.or_default()
                .add(block, *in_flight, micros as f64 / 1e6);
        }
    }

    fn count(&mut self, draw: &DrawLine, target: &TargetName, block: u64, weight: f64) {
        let failed = match draw.outcome.class() {
            Class::Ok => 0.0,
            Class::Throttle | Class::Fault | Class::OurFault => 1.0,
            Class::ClientFault | Class::Cancelled => return,
        };
        self.errors.add(block, target, weight, failed);
        if draw.outcome != Outcome::Ok {
            return;
        }
        self.seconds
            .add(block, target, weight, draw.total_us as f64 / 1e6);
        if let Some(first) = draw.first_us {
            self.first_token
                .add(block, target, weight, first as f64 / 1e6);
        }
        if let Some(cost) = draw.cost {
            self.cost.add(block, target, weight, cost.usd());
        }
    }

    fn found(&self, route: &RouteName) -> RouteWhatif {
        let part = |count: f64, of: u64| count / (of as f64).max(1.0);
        let effective = if self.squares > 0.0 {
            self.weight * self.weight / self.squares
        } else {
            0.0
        };
        let mut found = RouteWhatif {
            route: route.clone(),
            requests: self.requests,
            left_out: self.left_out,
            effective,
            unsupported: part(self.unsupported, self.requests),
            rate_limited: part(self.rate_limited as f64, self.ticks),
            full: part(self.full as f64, self.ticks),
            silent: part(self.silent as f64, self.ticks),
            load: self
                .loads
                .values()
                .map(Load::dependence)
                .fold(0.0, f64::max),
            refused: Vec::new(),
            cost: None,
            seconds: None,
            first_token: None,
            errors: None,
        };
        found.refused = self.refusals(&found);
        if found.refused.is_empty() {
            found.cost = self.cost.estimate();
            found.seconds = self.seconds.estimate();
            found.first_token = self.first_token.estimate();
            found.errors = self.errors.fraction();
        }
        found
    }

    /// Why nothing can be said.
    fn refusals(&self, found: &RouteWhatif) -> Vec<String> {
        let mut words = Vec::new();
        if found.unsupported > MOST_UNSUPPORTED {
            words.push(format!(
                "{:.1} % of its traffic would have gone where none went then (5 % are too many): nobody knows what would have come of it",
                100.0 * found.unsupported
            ));
        }
        if found.rate_limited > MOST_LIMITED {
            words.push(format!(
                "a target was at a limit of its rate {:.1} % of the time: what one request met there depended on where the others went",
                100.0 * found.rate_limited
            ));
        }
        if found.silent > MOST_LIMITED {
            words.push(format!(
                "a target had so many requests without any content that it got no more, {:.1} % of the time",
                100.0 * found.silent
            ));
        }
        if found.load > MOST_LOAD {
            words.push(format!(
                "a target took longer the more requests it had ({:.1} standard deviations): other shares would have changed its times",
                found.load
            ));
        }
        let blocks = self.errors.blocks();
        if found.effective < FEWEST_EFFECTIVE || blocks < FEWEST_BLOCKS {
            words.push(format!(
                "not enough evidence: {} requests in {blocks} blocks of ten seconds are worth {:.0}; 100 in 12 are the least",
                found.requests, found.effective
            ));
        }
        words
    }
}
