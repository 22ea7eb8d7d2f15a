//! Other processes that call themselves as this replica does.
//!
//! Problem: two processes with one name hide each other, and look like one replica that does well. Choice: each hears what
//! is told under its own name, of which it tells its own part alone; a process that began at another moment is another one.
//! In a takeover there are two on purpose, the one that ends with a word that it drains: that is no mistake.

use std::collections::BTreeMap;

use super::comings::Listening;
use crate::fleet::{Delta, LIVE};
use crate::live::Twin;
use crate::model::Time;

/// Most that are remembered: whoever writes to the engine may make up any number.
const MOST: usize = 16;

/// Those that were heard lately, by when they began.
#[derive(Debug, Default)]
pub(super) struct Twins {
    heard: BTreeMap<u64, Heard>,
    /// While the engine is away this replica hears nobody, which says nothing of them.
    listening: Listening,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    since: Time,
    at: Time,
    drains: bool,
}

impl Twins {
    /// Takes in what was told under this replica's name; `own` is when this process began.
    pub(super) fn hear(&mut self, delta: &Delta, own: u64, now: Time) {
        let epoch = delta.changed.epoch;
        if epoch == own {
            return;
        }
        if delta.leaves {
            self.heard.remove(&epoch);
            return;
        }
        if self.heard.len() >= MOST && !self.heard.contains_key(&epoch) {
            return;
        }
        let since = self.heard.get(&epoch).map_or(now, |heard| heard.since);
        let heard = Heard {
            since,
            at: now,
            drains: delta.drains,
        };
        self.heard.insert(epoch, heard);
    }

    /// One that is there and does not drain, the one that was heard first.
    pub(super) fn met(&mut self, now: Time) -> Option<Twin> {
        let since = self.listening.look(now);
        let silent = |heard: &Heard| now.secs_since(heard.at.max(since)) >= LIVE;
        self.heard.retain(|_, heard| !silent(heard));
        let stay = self.heard.iter().filter(|(_, heard)| !heard.drains);
        let first = stay.min_by_key(|(_, heard)| heard.since);
        first.map(|(epoch, heard)| Twin {
            began: Time::from_micros(*epoch),
            since: heard.since,
        })
    }

    /// Whether one is there that began after `own` and goes on under the name.
    pub(super) fn go_on_after(&self, own: u64, now: Time) -> bool {
        let mut later = self.heard.range(own..);
        later.any(|(_, heard)| !heard.drains && now.secs_since(heard.at) < LIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{ReplicaId, Report};

    fn at(seconds: f64) -> Time {
        Time::from_secs_f64(seconds)
    }

    fn told(epoch: u64) -> Delta {
        Delta {
            base: 0,
            presses: false,
            leaves: false,
            drains: false,
            changed: Report {
                replica: ReplicaId::new("a").unwrap(),
                epoch,
                sequence: 1,
                at: Time::ZERO,
                version: String::new(),
                plan: 0,
                orders: 0,
                groups: BTreeMap::new(),
                upstreams: BTreeMap::new(),
                routes: BTreeMap::new(),
            },
        }
    }

    fn since(twins: &mut Twins, now: f64) -> Option<Time> {
        twins.met(at(now)).map(|twin| twin.since)
    }

    #[test]
    fn who_speaks_under_this_name_is_another_and_is_gone_when_it_ends_or_falls_silent() {
        let mut twins = Twins::default();
        twins.hear(&told(7), 7, at(1.0));
        assert_eq!(since(&mut twins, 1.0), None, "that is this one itself");
        twins.hear(&told(3), 7, at(2.0));
        twins.hear(&told(3), 7, at(3.0));
        for second in 3..8 {
            let seen = since(&mut twins, f64::from(second));
            assert_eq!(seen, Some(at(2.0)), "{second}");
        }
        assert_eq!(since(&mut twins, 8.0), None, "it is silent");
        twins.hear(&told(3), 7, at(9.0));
        let word = Delta {
            leaves: true,
            ..told(3)
        };
        twins.hear(&word, 7, at(9.1));
        assert_eq!(since(&mut twins, 9.1), None, "it has ended");
    }

    #[test]
    fn an_engine_that_was_away_is_no_end_of_another() {
        let mut twins = Twins::default();
        twins.hear(&told(3), 7, at(1.0));
        assert_eq!(since(&mut twins, 2.0), Some(at(1.0)));
        // No look for half a minute.
        assert_eq!(since(&mut twins, 32.0), Some(at(1.0)), "nobody was heard");
        assert_eq!(since(&mut twins, 34.0), Some(at(1.0)));
        twins.hear(&told(3), 7, at(35.0));
        for second in 36..40 {
            assert_eq!(since(&mut twins, f64::from(second)), Some(at(1.0)));
        }
        assert_eq!(since(&mut twins, 40.0), None, "five seconds of listening");
    }

    #[test]
    fn one_that_drains_is_taken_over_from_and_none_to_speak_of() {
        let mut twins = Twins::default();
        let drains = Delta {
            drains: true,
            ..told(3)
        };
        twins.hear(&told(3), 7, at(1.0));
        assert_eq!(since(&mut twins, 1.5), Some(at(1.0)));
        twins.hear(&drains, 7, at(2.0));
        assert_eq!(since(&mut twins, 2.0), None);
        assert!(!twins.go_on_after(7, at(2.0)), "it began before");
        let mut older = Twins::default();
        older.hear(&told(7), 3, at(1.0));
        assert!(older.go_on_after(3, at(2.0)));
        assert!(!older.go_on_after(3, at(6.0)), "it is silent");
    }

    #[test]
    fn names_that_are_made_up_without_end_take_no_room() {
        let mut twins = Twins::default();
        for epoch in 0..1_000 {
            twins.hear(&told(epoch), 7, at(1.0));
        }
        assert_eq!(twins.heard.len(), MOST);
    }
}
