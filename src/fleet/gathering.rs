//! The newest report of each replica.
//!
//! A join-semilattice: taking a report in is idempotent, and the order does not matter, so a message may be lost, doubled or
//! late. The next one says all that it said.
//!
//! A process that ends in an orderly way says so, and counts no more from then on. That is a word about its epoch, so it is
//! the same whether it comes before or after the last report, and says nothing of a process that began later under the same
//! name. It is not final: a process that still tells news [`LIVE`] seconds after it is there after all.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::delta::Delta;
use super::report::{ReplicaId, Report};
use crate::model::Time;

/// Seconds after which a replica that was not heard of counts no more: four reports in a row were lost. Halved, a slow
/// moment of the exchange takes half of the fleet away; doubled, what a replica that died had in flight counts for longer.
pub const LIVE: f64 = 5.0;
/// Seconds after which it is forgotten that a replica was there. Until then it is known what it said last, so that an older
/// message which comes late is no news.
const REMEMBERED: f64 = 600.0;
/// Most replicas that are held: beyond it, those that were not heard of for the longest go.
const MOST: usize = 4_096;

/// A report, and when it was first heard here.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The report.
    pub report: Arc<Report>,
    /// When, by the clock of this replica.
    pub at: Time,
}

/// That a process leaves: the one of this epoch, and all before it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Left {
    epoch: u64,
    /// When that was first heard.
    at: Time,
}

/// The newest report of each replica, this one's own left out by whoever gathers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathering {
    replicas: BTreeMap<ReplicaId, Heard>,
    /// Who has said that it leaves. It may be heard before any report: one that still stands in the engine is then no sign of
    /// life.
    left: BTreeMap<ReplicaId, Left>,
    /// When the exchange last went well, whether or not anybody else was there.
    exchanged_at: Option<Time>,
}

impl Gathering {
    /// Takes a report in that was heard at `now`; one that is not newer than what is known changes nothing.
    pub fn hear(&mut self, report: impl Into<Arc<Report>>, now: Time) {
        let report = report.into();
        let replica = report.replica.clone();
        self.take(&replica, Heard { report, at: now });
    }

    /// Takes a change in that was heard at `now`; whether it was of any use.
    pub fn hear_change(&mut self, delta: &Delta, now: Time) -> bool {
        let replica = &delta.changed.replica;
        if delta.leaves {
            let epoch = delta.changed.epoch;
            self.take_leave(replica, Left { epoch, at: now });
        }
        let known = self.replicas.get(replica);
        let Some(report) = known.and_then(|known| delta.over(&known.report)) else {
            return delta.leaves;
        };
        self.hear(report, now);
        true
    }

    /// Takes all in that `other` knows.
    pub fn join(&mut self, other: &Self) {
        for (replica, heard) in &other.replicas {
            self.take(replica, heard.clone());
        }
        for (replica, left) in &other.left {
            self.take_leave(replica, *left);
        }
        self.exchanged_at = self.exchanged_at.max(other.exchanged_at);
    }

    /// The exchange went well at `now`: who is not here is not there.
    pub fn exchanged(&mut self, now: Time) {
        self.exchanged_at = self.exchanged_at.max(Some(now));
        forget_old(&mut self.replicas, now, |heard| heard.at);
        forget_old(&mut self.left, now, |left| left.at);
    }

    fn take(&mut self, replica: &ReplicaId, heard: Heard) {
        match self.replicas.get_mut(replica) {
            Some(known) if known.report.number() > heard.report.number() => {}
            Some(known) if known.report.number() == heard.report.number() => {
                known.at = known.at.min(heard.at);
            }
            Some(known) => *known = heard,
            None => {
                self.replicas.insert(replica.clone(), heard);
            }
        }
    }

    fn take_leave(&mut self, replica: &ReplicaId, left: Left) {
        match self.left.get_mut(replica) {
            Some(known) if known.epoch > left.epoch => {}
            Some(known) if known.epoch == left.epoch => known.at = known.at.min(left.at),
            Some(known) => *known = left,
            None => {
                self.left.insert(replica.clone(), left);
            }
        }
    }

    /// Forgets a replica, whose next report is news whatever its number.
    pub fn forget(&mut self, replica: &ReplicaId) {
        self.replicas.remove(replica);
        self.left.remove(replica);
    }

    /// Whether the process that was heard has said that it leaves, and no more since.
    pub fn has_left(&self, heard: &Heard) -> bool {
        let left = self.left.get(&heard.report.replica);
        left.is_some_and(|left| {
            heard.report.epoch <= left.epoch && heard.at.secs_since(left.at) < LIVE
        })
    }

    /// When the process began that said last under this name that it leaves, in microseconds since 1970.
    pub fn left(&self, replica: &ReplicaId) -> Option<u64> {
        self.left.get(replica).map(|left| left.epoch)
    }

    /// All that are remembered, by name.
    pub fn replicas(&self) -> impl Iterator<Item = &Heard> {
        self.replicas.values()
    }

    /// Those that were heard of lately and have not left.
    pub fn live(&self, now: Time) -> impl Iterator<Item = &Heard> {
        let lately = self.lately(now);
        lately.filter(|heard| !self.has_left(heard))
    }

    /// Those that were heard of lately, also by their last word.
    pub fn lately(&self, now: Time) -> impl Iterator<Item = &Heard> {
        let heard = self.replicas.values();
        heard.filter(move |heard| now.secs_since(heard.at) < LIVE)
    }

    /// How many replicas share what is a number of requests, `own` counted: those that were there when the exchange went well
    /// last. While it does not, the others fall silent one after the other though they are likely there.
    pub fn together(&self, own: &ReplicaId, now: Time) -> u32 {
        let last = self.exchanged_at.unwrap_or(now).min(now);
        let others = self.live(last);
        let others = others.filter(|heard| heard.report.replica != *own);
        1 + u32::try_from(others.count()).unwrap_or(u32::MAX - 1)
    }

    /// The newest report of one replica.
    pub fn of(&self, replica: &ReplicaId) -> Option<&Heard> {
        self.replicas.get(replica)
    }

    /// Whether the exchange itself has not worked lately, so that nobody knows who is there.
    pub fn is_apart(&self, now: Time) -> bool {
        self.exchanged_at
            .is_none_or(|at| now.secs_since(at) >= LIVE)
    }
}

/// Lets go of what was heard too long ago, and of the oldest beyond what is held.
fn forget_old<T>(all: &mut BTreeMap<ReplicaId, T>, now: Time, at: impl Fn(&T) -> Time) {
    all.retain(|_, it| now.secs_since(at(it)) < REMEMBERED);
    while all.len() > MOST {
        let oldest = all.iter().min_by_key(|(_, it)| at(it));
        let Some(oldest) = oldest.map(|(replica, _)| replica.clone()) else {
            break;
        };
        all.remove(&oldest);
    }
}
