//! What was learned, in a form that outlives the process, and how a start goes on from it.
//!
//! Problem: a start must not forget what targets are like, and must not take what it remembers for news either.
//! Choice: the plan is stored with the memory, so a start is a reload: what is still there is taken over by name. The time
//! in between has passed without anything seen, so uncertainty grows by it, faults fade, waits end, and nothing is in flight
//! any more. The rates at which requests came stay: the same clients come back.
//! Shares are stored apart and more often: they are small, and can be read whatever becomes of the memory's form.

use serde::{Deserialize, Serialize};

use super::Share;
use super::plan::{Plan, RouteSpec};
use super::step::{Memory, pools, rates};
use crate::model::{RouteName, TargetName, Time, UpstreamName};

/// A memory that says which plan it is of and from when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// When it was remembered.
    pub at: Time,
    /// What was worked for.
    pub routes: Vec<RouteSpec>,
    /// Upstreams, in the plan's order.
    pub upstreams: Vec<UpstreamName>,
    /// What was remembered.
    pub memory: Memory,
}

/// A memory that a start goes on with.
#[derive(Clone, Debug, PartialEq)]
pub struct Mended {
    /// The memory.
    pub memory: Memory,
    /// What of it was let go, since no run can have written it: which part, what was found, what was expected.
    pub dropped: Vec<String>,
}

/// The shares that were in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnedShares {
    /// When.
    pub at: Time,
    /// By route, those of each target by its name.
    pub routes: Vec<(RouteName, Vec<(TargetName, Share)>)>,
}

impl Learned {
    /// Good answers that it is made of.
    pub fn answers(&self) -> u64 {
        let upstreams = self.memory.upstreams.iter();
        upstreams.fold(0, |sum, it| sum.saturating_add(it.samples))
    }

    /// What is remembered of `plan` at the time `at`.
    pub fn of(plan: &Plan, memory: &Memory, at: Time) -> Self {
        Self {
            at,
            routes: plan.routes().cloned().collect(),
            upstreams: plan.upstreams().to_vec(),
            memory: memory.clone(),
        }
    }

    /// The memory with which `plan` goes on at the time `now`, without what no run can have written; `None` if it is of another time's form, or from the future:
    /// the clock was set back, and the moments in it would end waits in a day instead of a second.
    pub fn resumed(self, shares: Option<&LearnedShares>, plan: &Plan, now: Time) -> Option<Mended> {
        let old = Plan::new(self.routes, self.upstreams.iter().cloned());
        if old.upstreams() != self.upstreams || !self.memory.fits(&old) || self.at > now {
            return None;
        }
        let mut memory = self.memory;
        let mut dropped = memory.mend(&old, self.at);
        // What a tick works on and what is in force differ by the dead-band.
        let in_force = LearnedShares::of(&old, &memory, self.at);
        memory.put_shares(&old, &in_force);
        if let Some(shares) = shares {
            let odd = memory.put_shares(&old, shares);
            dropped.extend(odd.iter().map(|route| {
                format!(
                    "route {route}: its shares: they make no whole, and those of the memory hold"
                )
            }));
        }
        memory.rest(&old, now, now.secs_since(self.at));
        Some(Mended {
            memory: memory.carried(&old, plan),
            dropped,
        })
    }
}

impl LearnedShares {
    /// The shares that `memory` has in force.
    pub fn of(plan: &Plan, memory: &Memory, at: Time) -> Self {
        let routes = plan.routes().zip(memory.tables()).map(|(route, table)| {
            let names = route.targets.iter().map(|target| target.name.clone());
            let shares = names.zip(table.shares().iter().copied());
            (route.name.clone(), shares.collect())
        });
        Self {
            at,
            routes: routes.collect(),
        }
    }

    /// A memory that knows nothing but these shares.
    pub fn resumed(&self, plan: &Plan) -> Memory {
        let mut memory = Memory::new(plan);
        // What makes no whole is no share, and the configured ones hold.
        memory.put_shares(plan, self);
        memory
    }
}

impl Memory {
    /// Puts shares in force that are known by their names; a route that has other targets now keeps what it has. Tells whose
    /// shares are none.
    fn put_shares(&mut self, plan: &Plan, shares: &LearnedShares) -> Vec<RouteName> {
        let mut odd = Vec::new();
        for (route, memory) in plan.routes.iter().zip(&mut self.routes) {
            let known = shares
                .routes
                .iter()
                .find(|(name, _)| *name == route.spec.name);
            let Some((_, known)) = known else { continue };
            let sum: u64 = known.iter().map(|(_, share)| u64::from(share.ppm())).sum();
            if sum != u64::from(Share::WHOLE.ppm()) {
                odd.push(route.spec.name.clone());
                continue;
            }
            let share = |target: &super::plan::Target| {
                let share = known.iter().find(|(name, _)| *name == target.spec.name);
                share.map(|(_, share)| share.fraction())
            };
            let found: Option<Vec<f64>> = route.targets.iter().map(share).collect();
            if let Some(found) = found.filter(|found| found.len() == known.len()) {
                memory.put_shares(&found, &route.anchors);
            }
        }
        odd
    }

    /// `seconds` have passed until `now` in which nothing was seen.
    fn rest(&mut self, plan: &Plan, now: Time, seconds: f64) {
        let pools = pools(plan, &self.upstreams);
        let rates = rates(plan, &self.routes, &self.upstreams);
        for (i, (upstream, rates)) in self.upstreams.iter_mut().zip(rates).enumerate() {
            upstream.rest(&pools[plan.cohort_of[i]], rates, now, seconds);
        }
        for route in &mut self.routes {
            route.rest(seconds);
        }
        for cohort in &mut self.cohorts {
            cohort.hazard.decay(seconds);
        }
    }
}

#[cfg(test)]
#[path = "possible_tests.rs"]
mod possible_tests;
#[cfg(test)]
#[path = "learned_tests.rs"]
mod tests;
