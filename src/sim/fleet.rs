//! Several replicas of Weighbridge in one world, which tell each other what they measure, or don't.
//!
//! As in the daemon: each ticks four times a second, at moments of its own, and tells the others after a tick, as often as its
//! [`Pace`] lets it. What one told is known to the others [`DELAY`] later, at their next ticks. What presses waits for no tick:
//! whoever meets it ticks at once, and whoever hears of it does.

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
use crate::fleet::{LEAST_BETWEEN_TICKS, Pace, Report};
use crate::model::Time;

/// From a replica telling something to the others knowing it: a few times what a message takes through an engine in the same
/// building.
const DELAY: Duration = Duration::from_millis(10);

/// What is to be done at a moment, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Duty {
    /// A tick before its turn, since something presses.
    Hurry(usize),
    Tick(usize),
    /// A replica ends, and begins anew with what its neighbour remembers.
    Renew(usize),
}

/// What a replica told, and when the others know it.
#[derive(Clone, Debug)]
struct Told {
    report: Arc<Report>,
    known_at: Time,
}

/// A replica each, and what is between them.
#[derive(Debug)]
pub(super) struct Fleet<'a> {
    replicas: Replicas<'a, Ours>,
    agenda: BTreeSet<(Time, Duty)>,
    /// The last two that each told: the newest may not be known yet.
    told: BTreeMap<usize, [Option<Told>; 2]>,
    paces: Vec<Pace>,
    /// When each ticked last.
    ticked_at: Vec<Time>,
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
        }
        Self {
            paces: vec![Pace::default(); replicas.len()],
            ticked_at: vec![Time::ZERO; replicas.len()],
            replicas: Replicas(replicas),
            agenda,
            told: BTreeMap::new(),
        }
    }

    /// A replica takes in what the others told.
    fn listen(&mut self, i: usize, now: Time) {
        if !self.replicas.0[i].shares() {
            return;
        }
        let others = self.told.iter().filter(|(other, _)| **other != i);
        let newest = others.filter_map(|(_, told)| {
            let known = told.iter().flatten().filter(|told| told.known_at <= now);
            known.max_by_key(|told| told.known_at)
        });
        for told in newest {
            self.replicas.0[i].learn(&told.report, told.known_at);
        }
        self.replicas.0[i].exchanged(now);
    }

    /// A replica ticks at `now`, or as soon after it as it may.
    fn hurry(&mut self, i: usize, now: Time) {
        let at = now.max(self.ticked_at[i].after(LEAST_BETWEEN_TICKS));
        self.agenda.insert((at, Duty::Hurry(i)));
    }

    fn tick_one(&mut self, i: usize, now: Time) {
        self.ticked_at[i] = now;
        self.listen(i, now);
        self.replicas.tick_one(i, now);
        self.tell(i, now);
    }

    /// A replica tells what it knows, if it may.
    fn tell(&mut self, i: usize, now: Time) {
        let presses = self.replicas.0[i].is_urgent();
        let count = self.replicas.0.len();
        if !self.paces[i].is_due(now, count, presses) {
            return;
        }
        let Some(report) = self.replicas.0[i].report(now) else {
            return;
        };
        self.paces[i].told(now);
        let known_at = now.after(DELAY);
        let told = self.told.entry(i).or_default();
        told.swap(0, 1);
        told[1] = Some(Told {
            report: Arc::new(report),
            known_at,
        });
        if presses {
            for other in (0..count).filter(|other| *other != i) {
                self.hurry(other, known_at);
            }
        }
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
        let replica_of = self.replicas.0.get_mut(replica);
        if replica_of.is_some_and(|it| it.takes_pressing() && it.shares()) {
            self.hurry(replica, now);
        }
    }

    fn next_tick(&self, _: Time) -> Time {
        self.agenda.first().map_or(Time::NEVER, |(at, _)| *at)
    }

    fn tick(&mut self, now: Time) {
        while let Some((at, duty)) = self.agenda.first().copied().filter(|(at, _)| *at <= now) {
            self.agenda.pop_first();
            match duty {
                // A tick since then has taken it in.
                Duty::Hurry(i) if self.ticked_at[i] >= at => {}
                Duty::Hurry(i) => self.tick_one(i, now),
                Duty::Tick(i) => {
                    self.tick_one(i, now);
                    self.agenda.insert((at.after(TICK), duty));
                }
                Duty::Renew(i) => {
                    let neighbour = (i + 1) % self.replicas.0.len();
                    let memory = self.replicas.0[neighbour].memory();
                    self.replicas.0[i].renew(memory, now);
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "fleet_tests.rs"]
mod tests;
