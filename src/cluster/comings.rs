//! Who has come and who has gone, each noticed once.
//!
//! While this replica is itself out of reach of the engine it hears nobody, which says nothing of the others: that has a
//! line of its own, and who is silent is gone only after this one has listened for as long as silence takes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fleet::{Gathering, LIVE, ReplicaId};
use crate::model::Time;

/// Without a look for this long it did not listen. Looks come with each good round, which is once a second; doubled, a short
/// outage of the engine is told as the end of all others.
const DEAF: Duration = Duration::from_millis(2_500);

/// Since when this replica has listened, as its looks tell.
#[derive(Debug, Default)]
pub(super) struct Listening {
    /// Since when, and the last look.
    looks: Option<(Time, Time)>,
}

impl Listening {
    /// Looks at `now`; since when it has listened without a break.
    pub(super) fn look(&mut self, now: Time) -> Time {
        let since = match self.looks {
            Some((since, looked)) if now.since(looked) < DEAF => since,
            Some(_) | None => now,
        };
        self.looks = Some((since, now));
        since
    }
}

/// Who is there, as it was noticed.
#[derive(Debug, Default)]
pub(super) struct Comings {
    there: BTreeMap<ReplicaId, There>,
    listening: Listening,
}

#[derive(Clone, Copy, Debug)]
struct There {
    epoch: u64,
    /// When it last said anything.
    at: Time,
}

/// What became of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Coming {
    /// It is there.
    Came,
    /// Another process is there under its name, which began later.
    Again,
    /// It said that it leaves.
    Left,
    /// It has said nothing for so long.
    Silent(Duration),
}

impl Comings {
    /// What has changed since the last look; `own` is this replica's name.
    pub(super) fn look(
        &mut self,
        gathering: &Gathering,
        own: &ReplicaId,
        now: Time,
    ) -> Vec<(ReplicaId, Coming)> {
        let since = self.listening.look(now);
        let mut news = Vec::new();
        let live = gathering.live(now);
        for heard in live.filter(|heard| heard.report.replica != *own) {
            let (replica, epoch) = (&heard.report.replica, heard.report.epoch);
            let there = There {
                epoch,
                at: heard.at,
            };
            match self.there.insert(replica.clone(), there) {
                None => news.push((replica.clone(), Coming::Came)),
                Some(before) if before.epoch != epoch => {
                    news.push((replica.clone(), Coming::Again));
                }
                Some(_) => {}
            }
        }
        self.there.retain(|replica, there| {
            let heard = gathering.of(replica);
            let silent = now.since(heard.map_or(there.at, |heard| heard.at));
            let gone = match heard {
                Some(heard) if gathering.has_left(heard) => Coming::Left,
                _ if silent.as_secs_f64() < LIVE || now.secs_since(since) < LIVE => return true,
                _ => Coming::Silent(silent),
            };
            news.push((replica.clone(), gone));
            false
        });
        news
    }
}

#[cfg(test)]
#[path = "comings_tests.rs"]
mod tests;
