//! Another controller that follows a journal: another strategy, or another configuration, before the same inputs.
//!
//! It is told what was measured then, as far as it would have met it under its own shares (see [`super::crowd`]): no more
//! answers of a target that it would have left, though no more than there were of one that it would have preferred. What it
//! decides is what it would have decided at each moment on that evidence.
//!
//! A tick that makes it panic leaves it without a memory, as a tick of the recorded controller does ([`Player`]): it decides
//! nothing until the next checkpoint. Where a process starts anew, the other does, too, with what that process knew.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::crowd::Crowd;
use super::line::ConfigLine;
use super::play::{Player, Step};
use crate::balance::{
    Input, Memory, Plan, RouteInput, RouteSpec, Scored, Stepped, Strategy, TargetSpec,
    UpstreamInput, step,
};
use crate::model::{Price, RouteName, UpstreamName};

/// Who decides instead.
#[derive(Clone, Debug)]
pub enum Other {
    /// The same configuration under another strategy.
    Strategy(Strategy),
    /// Another configuration: its routes, and what its upstreams cost.
    Config {
        /// As the controller wants them.
        routes: Vec<RouteSpec>,
        /// By upstream.
        prices: BTreeMap<UpstreamName, Option<Price>>,
    },
}

impl Other {
    /// The routes where `then` were in force.
    fn routes(&self, then: &ConfigLine) -> Vec<RouteSpec> {
        match self {
            Self::Config { routes, .. } => routes.clone(),
            Self::Strategy(strategy) => {
                let specs = then.routes.iter().map(|route| RouteSpec {
                    strategy: *strategy,
                    ..route.spec.clone()
                });
                specs.collect()
            }
        }
    }
}

/// Another controller that follows a journal.
#[derive(Debug)]
pub struct Follower {
    other: Other,
    plan: Plan,
    memory: Option<Memory>,
    /// Places of its upstreams and routes in what was recorded.
    upstreams: Vec<Option<usize>>,
    routes: Vec<Option<usize>>,
    /// By its routes, the places in them of what was recorded there.
    targets: Vec<Vec<Option<u32>>>,
    /// By recorded upstream.
    crowds: Vec<Crowd>,
    /// By recorded upstream and route: the parts of the route's requests that go there, then and by the other.
    shares: BTreeMap<(usize, usize), [f64; 2]>,
}

impl Follower {
    /// One that has read nothing.
    pub fn new(other: Other) -> Self {
        Self {
            other,
            plan: Plan::default(),
            memory: None,
            upstreams: Vec::new(),
            routes: Vec::new(),
            targets: Vec::new(),
            crowds: Vec::new(),
            shares: BTreeMap::new(),
        }
    }

    /// The plan that it works for.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The player has read a `config` line.
    pub fn configured(&mut self, player: &Player) {
        let Some(config) = player.config() else {
            return;
        };
        let then = player.plan();
        let plan = Plan::new(self.other.routes(config), then.upstreams().iter().cloned());
        let place = |name: &UpstreamName| then.upstreams().iter().position(|known| known == name);
        self.upstreams = plan.upstreams().iter().map(place).collect();
        let place = |spec: &RouteSpec| then.routes().position(|known| known.name == spec.name);
        self.routes = plan.routes().map(place).collect();
        self.targets = plan.routes().map(|own| targets(then, own)).collect();
        self.crowds = vec![Crowd::default(); then.upstreams().len()];
        self.shares.clear();
        if plan != self.plan {
            self.memory = self
                .memory
                .take()
                .map(|memory| memory.carried(&self.plan, &plan));
            self.plan = plan;
        }
    }

    /// The player has read a `checkpoint`: the first one of each process is where the two part.
    pub fn resumed(&mut self, player: &Player) {
        if player.begins() {
            self.memory = None;
        }
        if self.memory.is_none() {
            let memory = player.memory();
            self.memory = memory.map(|memory| memory.carried(player.plan(), &self.plan));
        }
    }

    /// A tick was recorded. `None` where the other decides nothing: before the first checkpoint, and from a tick on that it
    /// cannot take.
    pub fn step(&mut self, player: &Player, recorded: &Step) -> Option<Stepped> {
        self.crowd(&recorded.input);
        let told = self.told(&recorded.input);
        let memory = self.memory.as_mut()?;
        let plan = &self.plan;
        let stepped = catch_unwind(AssertUnwindSafe(|| step(plan, memory, &told))).ok();
        match &stepped {
            // Half a tick may have been written into it.
            None => self.memory = None,
            Some(stepped) => {
                self.note_shares(player, recorded, stepped);
                self.note_orders(recorded, stepped);
            }
        }
        stepped
    }

    /// What it is told of a recorded tick.
    fn told(&mut self, input: &Input) -> Input {
        let prices = match &self.other {
            Other::Strategy(_) => None,
            Other::Config { prices, .. } => Some(prices),
        };
        let names = self.plan.upstreams().iter();
        let crowds = &mut self.crowds;
        let upstream = |(name, place): (&UpstreamName, &Option<usize>)| {
            let told = place.and_then(|place| input.upstreams.get(place));
            let mut told: UpstreamInput = told.cloned().unwrap_or_default();
            if let Some(crowd) = place.and_then(|place| crowds.get_mut(place)) {
                told = crowd.told(told);
            }
            if let Some(price) = prices.and_then(|prices| prices.get(name)) {
                told.price = *price;
            }
            told
        };
        let route = |(place, targets): (&Option<usize>, &Vec<Option<u32>>)| {
            let told = place.and_then(|place| input.routes.get(place));
            let scores = told.map_or(&[][..], |told| &told.scores);
            // An answer is as good as it is, however many others the other would have had.
            let own = |scored: &Scored| {
                let target = targets.get(usize::try_from(scored.target).ok()?)?;
                let target = (*target)?;
                Some(Scored { target, ..*scored })
            };
            RouteInput {
                arrivals: told.map_or(0, |told| told.arrivals),
                picked: Vec::new(),
                scores: scores.iter().filter_map(own).collect(),
            }
        };
        Input {
            now: input.now,
            elapsed: input.elapsed,
            upstreams: names.zip(&self.upstreams).map(upstream).collect(),
            routes: self.routes.iter().zip(&self.targets).map(route).collect(),
        }
    }

    /// What was sent since the last tick, and would have been, under the shares that were in force after that one.
    fn crowd(&mut self, input: &Input) {
        let mut sent = vec![[0.0; 2]; self.crowds.len()];
        for ((upstream, route), parts) in &self.shares {
            let arrivals = input
                .routes
                .get(*route)
                .map_or(0.0, |told| f64::from(told.arrivals));
            if let Some(sent) = sent.get_mut(*upstream) {
                sent[0] += arrivals * parts[0];
                sent[1] += arrivals * parts[1];
            }
        }
        for (crowd, [then, other]) in self.crowds.iter_mut().zip(sent) {
            crowd.pass(input.elapsed, then, other);
        }
    }

    /// Notes what the gates go by until the next tick.
    fn note_orders(&mut self, recorded: &Step, ours: &Stepped) {
        for (place, order) in self.upstreams.iter().zip(&ours.orders) {
            let then = place.and_then(|place| recorded.stepped.orders.get(place));
            let crowd = place.and_then(|place| self.crowds.get_mut(place));
            if let (Some(then), Some(crowd)) = (then, crowd) {
                crowd.order(then, order);
            }
        }
    }

    /// Notes which shares are in force until the next tick.
    fn note_shares(&mut self, player: &Player, recorded: &Step, ours: &Stepped) {
        self.shares.clear();
        let then = player.plan();
        let routes: Vec<&RouteName> = then.routes().map(|route| &route.name).collect();
        let sides = [&recorded.stepped.decisions, &ours.decisions];
        for (side, decisions) in sides.into_iter().enumerate() {
            for decision in decisions {
                let Some(route) = routes.iter().position(|name| **name == decision.route) else {
                    continue;
                };
                let obeyed = side == 1 || player.obeys(&decision.route);
                for (row, share) in decision.rows.iter().zip(decision.table.shares()) {
                    let share = if obeyed { *share } else { row.configured };
                    let mut names = then.upstreams().iter();
                    if let Some(upstream) = names.position(|name| *name == row.upstream) {
                        let parts = self.shares.entry((upstream, route)).or_default();
                        parts[side] += share.fraction();
                    }
                }
            }
        }
    }
}

/// The places in the route `own` of the targets that a plan has under that name.
fn targets(then: &Plan, own: &RouteSpec) -> Vec<Option<u32>> {
    let was = then.routes().find(|known| known.name == own.name);
    let targets = was.into_iter().flat_map(|was| &was.targets);
    let place = |target: &TargetSpec| {
        let same = |is: &TargetSpec| is.name == target.name && is.upstream == target.upstream;
        let place = own.targets.iter().position(same)?;
        u32::try_from(place).ok()
    };
    targets.map(place).collect()
}

#[cfg(test)]
#[path = "follower_tests.rs"]
mod tests;
