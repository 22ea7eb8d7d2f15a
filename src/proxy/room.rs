//! What requests may take of this process at a time: how many there are, and how many bytes of their bodies are held.
//!
//! Above a bound nobody waits: a queue in front of a full house makes every answer late and none more likely. Who comes then
//! is told at once, and when to come again. Bytes are counted as they come in, not as they are announced: a length costs a
//! client nothing, and a few hundred announcements would fill any bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::reply::Reject;
use crate::model::Time;
use crate::wire::Code;

/// When it is worth coming again: most requests end within seconds, so some of them will have ended.
pub(super) const WAIT: Duration = Duration::from_secs(1);
/// Time between two lines of the log about those who were turned away, however many.
const TOLD_EVERY: u64 = 10_000_000;

/// Bodies that are held.
#[derive(Debug, Default)]
pub(super) struct Room {
    bytes: AtomicU64,
    /// Those who found none.
    pub(super) refusals: Refusals,
}

/// What one request holds of it; given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    room: Arc<Room>,
    bytes: u64,
}

/// Counts those who were turned away, so that the log hears of them in time and not of each.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    untold: AtomicU64,
    told: AtomicU64,
}

impl Held {
    /// Nothing yet.
    pub(super) fn none(room: &Arc<Room>) -> Self {
        Self {
            room: Arc::clone(room),
            bytes: 0,
        }
    }

    /// Takes `more` bytes of the `most` that all may hold.
    ///
    /// # Errors
    /// So much is not left.
    pub(super) fn take(&mut self, more: usize, most: u64) -> Result<(), Reject> {
        let more = more as u64;
        let before = self.room.bytes.fetch_add(more, Ordering::Relaxed);
        self.bytes += more;
        if before.saturating_add(more) <= most {
            return Ok(());
        }
        Err(turned_away("server.max_buffered").closing())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The answer to a request that finds no room. Its body was not read, so the connection ends.
pub(super) fn turned_away(bound: &str) -> Reject {
    let message =
        format!("this gateway has as much to do as it may ({bound}); try again in a moment");
    Reject::new(Code::Overloaded, message)
        .retry_after(Some(WAIT))
        .closing()
}

impl Refusals {
    /// One more at `now`; how many there were since the log last heard, if it is time to tell it again.
    pub(super) fn count(&self, now: Time) -> Option<u64> {
        self.untold.fetch_add(1, Ordering::Relaxed);
        let (now, told) = (now.as_micros(), self.told.load(Ordering::Relaxed));
        if told != 0 && now.saturating_sub(told) < TOLD_EVERY {
            return None;
        }
        let won = self
            .told
            .compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed);
        won.ok().map(|_| self.untold.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back_also_by_who_found_no_room() {
        let room = Arc::new(Room::default());
        let mut first = Held::none(&room);
        assert!(first.take(60, 100).is_ok());
        let mut second = Held::none(&room);
        assert!(second.take(41, 100).is_err(), "101 of 100");
        drop(second);
        assert!(first.take(40, 100).is_ok(), "all that is left");
        drop(first);
        assert_eq!(room.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_flood_of_refusals_is_a_line_in_ten_seconds() {
        let refusals = Refusals::default();
        let at = |seconds: u64| Time::from_micros(seconds * 1_000_000);
        let lines = |from: u64, to: u64| {
            let seconds = (from..to).flat_map(|second| [second; 100]);
            seconds
                .filter_map(|second| refusals.count(at(second)))
                .collect::<Vec<u64>>()
        };
        assert_eq!(lines(1, 31), [1, 1_000, 1_000], "the first one at once");
    }
}
