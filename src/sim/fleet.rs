//! Several replicas of Weighbridge in one world, which tell each other what they measure, or don't.
//!
//! As in the daemon: each ticks four times a second and exchanges once a second, at moments of its own. An exchange leaves the
//! newest report where all can read it and reads what is there; what it read is known [`DELAY`] later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::arrivals::Arrival;
use super::decides::{Decides, Heard, Replicas};
use super::engine::TICK;
use super::ours::Ours;
use super::policy::{Asked, Attempt, Picked};
use super::world::World;
use crate::balance::Weight;
use crate::fleet::Report;
use crate::model::Time;

/// Time between two exchanges of one replica.
const EXCHANGE: Duration = Duration::from_secs(1);
/// From an exchange to what it read being known.
const DELAY: Duration = Duration::from_millis(50);

/// Least time between two exchanges of one replica, whatever there is to tell.
const LEAST_BETWEEN: Duration = Duration::from_millis(500);

/// What is to be done at a moment, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Duty {
    /// A replica gets to know what its exchange read.
    Learn(usize),
    Tick(usize),
    Exchange(usize),
    /// An exchange that another's news brought about.
    Look(usize),
    /// A replica ends, and begins anew with what its neighbour remembers.
    Renew(usize),
}

/// A replica each, and what is between them.
#[derive(Debug)]
pub(super) struct Fleet<'a> {
    replicas: Replicas<'a, Ours>,
    agenda: BTreeSet<(Time, Duty)>,
    /// The newest report of each, where all can read it.
    store: BTreeMap<usize, Arc<Report>>,
    /// What an exchange read and its replica does not know yet.
    on_the_way: BTreeMap<usize, Vec<Arc<Report>>>,
    /// When each exchanged last.
    exchanged: BTreeMap<usize, Time>,
}

impl<'a> Fleet<'a> {
    pub(super) fn new(replicas: &'a mut [Ours]) -> Self {
        let count = u32::try_from(replicas.len()).unwrap_or(u32::MAX).max(1);
        let mut agenda = BTreeSet::new();
        for (i, part) in (0..replicas.len()).zip(1_u32..) {
            // Nobody's moments are another's, as it would be by chance.
            agenda.insert((Time::ZERO.after(TICK * part / count), Duty::Tick(i)));
            if let Some(at) = replicas[i].renewed_at() {
                agenda.insert((at, Duty::Renew(i)));
            }
            if replicas[i].shares() {
                let at = Time::ZERO.after(EXCHANGE * part / count + DELAY / 2);
                agenda.insert((at, Duty::Exchange(i)));
            }
        }
        Self {
            replicas: Replicas(replicas),
            agenda,
            store: BTreeMap::new(),
            on_the_way: BTreeMap::new(),
            exchanged: BTreeMap::new(),
        }
    }

    /// A replica tells at once what it has to tell, and all others look.
    fn hurry(&mut self, i: usize, now: Time) {
        self.soon(i, now);
        for other in (0..self.replicas.0.len()).filter(|other| *other != i) {
            self.soon(other, now.after(DELAY));
        }
    }

    /// A replica exchanges at `now`, or as soon after it as it may.
    fn soon(&mut self, i: usize, now: Time) {
        let last = self.exchanged.get(&i);
        let at = last.map_or(now, |last| now.max(last.after(LEAST_BETWEEN)));
        self.agenda.insert((at, Duty::Look(i)));
    }

    fn exchange(&mut self, i: usize, now: Time) {
        let last = self.exchanged.get(&i);
        if last.is_some_and(|last| now.since(*last) < LEAST_BETWEEN) {
            return;
        }
        self.exchanged.insert(i, now);
        if let Some(report) = self.replicas.0[i].report(now) {
            self.store.insert(i, Arc::new(report));
        }
        let read = self.store.iter().filter(|(other, _)| **other != i);
        let read = read.map(|(_, report)| report.clone()).collect();
        self.on_the_way.insert(i, read);
        self.agenda.insert((now.after(DELAY), Duty::Learn(i)));
    }
}

impl Decides for Fleet<'_> {
    fn choose(
        &mut self,
        world: &World<'_>,
        arrival: &Arrival,
        asked: &Asked<'_>,
    ) -> Option<Picked> {
        self.replicas.choose(world, arrival, asked)
    }

    fn set_present(&mut self, target: usize, present: bool, now: Time) {
        self.replicas.set_present(target, present, now);
    }

    fn reloaded(&mut self, weights: &[Weight], now: Time) {
        self.replicas.reloaded(weights, now);
    }

    fn began(&mut self, replica: usize, attempt: &Attempt, now: Time) {
        self.replicas.began(replica, attempt, now);
    }

    fn happened(&mut self, replica: usize, attempt: &Attempt, heard: &Heard<'_>, now: Time) {
        self.replicas.happened(replica, attempt, heard, now);
    }

    fn next_tick(&self, _: Time) -> Time {
        self.agenda.first().map_or(Time::NEVER, |(at, _)| *at)
    }

    fn tick(&mut self, now: Time) {
        while let Some((at, duty)) = self.agenda.first().copied().filter(|(at, _)| *at <= now) {
            self.agenda.pop_first();
            match duty {
                Duty::Learn(i) => {
                    let read = self.on_the_way.remove(&i).unwrap_or_default();
                    self.replicas.0[i].learn(read, now);
                }
                Duty::Tick(i) => {
                    self.replicas.tick_one(i, now);
                    if self.replicas.0[i].is_urgent() {
                        self.hurry(i, now);
                    }
                    self.agenda.insert((at.after(TICK), duty));
                }
                Duty::Look(i) => self.exchange(i, now),
                Duty::Renew(i) => {
                    let neighbour = (i + 1) % self.replicas.0.len();
                    let memory = self.replicas.0[neighbour].memory();
                    self.replicas.0[i].renew(memory, now);
                }
                Duty::Exchange(i) => {
                    self.exchange(i, now);
                    self.agenda.insert((at.after(EXCHANGE), duty));
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "fleet_tests.rs"]
mod tests;
