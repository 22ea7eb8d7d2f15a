//! What can be written, and what waits to be.

use std::collections::{HashMap, VecDeque};

use super::rows::{AlertRow, KeyRow, Message, Moved, Proposal, SteeringRow, Sums, UsageKey};
use crate::balance::{Learned, LearnedShares};
use crate::model::Time;

/// Rows of usage that wait for a disk, at most: 20 MB, and an hour of three hundred combinations.
const MOST_USAGE: usize = 20_000;
/// Moved decisions that wait, at most.
const MOST_MOVED: usize = 2_000;
/// Alerts, orders and keys that wait, at most. People make them; beyond this something runs wild.
const MOST_OTHERS: usize = 10_000;

/// One thing to write.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// What was used, to be added to what the books have of the same key.
    Usage(Vec<(UsageKey, Sums)>),
    /// Shares moved.
    Moved(Box<Moved>),
    /// The controller came to these shares, obeyed or not.
    Proposed(Proposal),
    /// A warning began, changed or ended.
    Alert(AlertRow),
    /// A webhook is to be told of an alert.
    Telling(Message),
    /// It need not be told any more.
    Told(Message),
    /// An order holds.
    Steering(SteeringRow),
    /// The order of this id has ended.
    SteeringEnded(String),
    /// A client key was made or revoked.
    Key(KeyRow),
    /// Client keys changed together: all of them are written, or none.
    Keys(Vec<KeyRow>),
    /// The client key of this hash is forgotten.
    KeyForgotten(String),
    /// The shares in force, in place of those before.
    Shares(LearnedShares),
    /// What the controller remembers, in place of what it did before.
    Learned(Box<Learned>),
    /// It is this late: what is older than it may be goes.
    Sweep(Time),
}

/// What was lost for want of room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Requests whose usage is not in the books.
    pub requests: u64,
    /// Anything else.
    pub rows: u64,
}

/// What waits to be written: bounded, and merged where a later write makes an earlier one needless.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) usage: HashMap<UsageKey, Sums>,
    pub(super) moved: VecDeque<Moved>,
    pub(super) others: VecDeque<Write>,
    pub(super) shares: Option<LearnedShares>,
    pub(super) learned: Option<Box<Learned>>,
    pub(super) sweep: Option<Time>,
}

impl Pending {
    /// Whether nothing waits but the time.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            usage,
            moved,
            others,
            shares,
            learned,
            sweep: _,
        } = self;
        usage.is_empty()
            && moved.is_empty()
            && others.is_empty()
            && shares.is_none()
            && learned.is_none()
    }

    /// What is lost if it is never written.
    pub(super) fn left(&self) -> Losses {
        let rows = self.moved.len() + self.others.len();
        Losses {
            requests: self.usage.values().map(|sums| sums.requests).sum(),
            rows: u64::try_from(rows).unwrap_or(u64::MAX),
        }
    }

    /// Takes one more in; gives what found no room.
    pub(super) fn add(&mut self, write: Write) -> Losses {
        let mut lost = Losses::default();
        match write {
            Write::Usage(rows) => {
                for (key, sums) in rows {
                    let has_room = self.usage.len() < MOST_USAGE;
                    match self.usage.get_mut(&key) {
                        Some(known) => known.add(&sums),
                        None if has_room => drop(self.usage.insert(key, sums)),
                        None => lost.requests += sums.requests,
                    }
                }
            }
            Write::Moved(moved) => {
                if self.moved.len() == MOST_MOVED {
                    self.moved.pop_front();
                    lost.rows += 1;
                }
                self.moved.push_back(*moved);
            }
            Write::Proposed(_)
            | Write::Alert(_)
            | Write::Telling(_)
            | Write::Told(_)
            | Write::Steering(_)
            | Write::SteeringEnded(_)
            | Write::Key(_)
            | Write::Keys(_)
            | Write::KeyForgotten(_) => {
                if self.others.len() == MOST_OTHERS {
                    self.others.pop_front();
                    lost.rows += 1;
                }
                self.others.push_back(write);
            }
            Write::Shares(shares) => self.shares = Some(shares),
            Write::Learned(learned) => self.learned = Some(learned),
            Write::Sweep(now) => self.sweep = Some(now),
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(minute: u64) -> Write {
        let key = UsageKey {
            minute,
            ..UsageKey::default()
        };
        let sums = Sums {
            requests: 2,
            ..Sums::default()
        };
        Write::Usage(vec![(key, sums)])
    }

    #[test]
    fn what_waits_for_a_disk_is_bounded_and_what_finds_no_room_is_counted() {
        let mut pending = Pending::default();
        let most = u64::try_from(MOST_USAGE).unwrap();
        let mut lost = Losses::default();
        for minute in 0..most + 3 {
            lost.requests += pending.add(used(minute)).requests;
        }
        assert_eq!(lost.requests, 6, "three rows of two requests");
        assert_eq!(pending.add(used(0)).requests, 0, "a known row grows");
        let key = UsageKey::default();
        assert_eq!(pending.usage[&key].requests, 4);
    }

    #[test]
    fn time_alone_is_nothing_to_write() {
        let mut pending = Pending::default();
        let lost = pending.add(Write::Sweep(Time::ZERO));
        assert_eq!(lost, Losses::default());
        assert!(pending.is_empty());
    }
}
