//! The newest report of each replica.
//!
//! A join-semilattice: taking a report in is idempotent, and the order does not matter, so a message may be lost, doubled or
//! late. The next one says all that it said.

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

/// The newest report of each replica, this one's own left out by whoever gathers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathering {
    replicas: BTreeMap<ReplicaId, Heard>,
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
        let known = self.replicas.get(&delta.changed.replica);
        let Some(report) = known.and_then(|known| delta.over(&known.report)) else {
            return false;
        };
        self.hear(report, now);
        true
    }

    /// Takes all in that `other` knows.
    pub fn join(&mut self, other: &Self) {
        for (replica, heard) in &other.replicas {
            self.take(replica, heard.clone());
        }
        self.exchanged_at = self.exchanged_at.max(other.exchanged_at);
    }

    /// The exchange went well at `now`: who is not here is not there.
    pub fn exchanged(&mut self, now: Time) {
        self.exchanged_at = self.exchanged_at.max(Some(now));
        self.replicas
            .retain(|_, heard| now.secs_since(heard.at) < REMEMBERED);
        while self.replicas.len() > MOST {
            let oldest = self.replicas.iter().min_by_key(|(_, heard)| heard.at);
            let Some(oldest) = oldest.map(|(replica, _)| replica.clone()) else {
                break;
            };
            self.replicas.remove(&oldest);
        }
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

    /// Forgets a replica, whose next report is news whatever its number.
    pub fn forget(&mut self, replica: &ReplicaId) {
        self.replicas.remove(replica);
    }

    /// All that are remembered, by name.
    pub fn replicas(&self) -> impl Iterator<Item = &Heard> {
        self.replicas.values()
    }

    /// Those that were heard of lately.
    pub fn live(&self, now: Time) -> impl Iterator<Item = &Heard> {
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
