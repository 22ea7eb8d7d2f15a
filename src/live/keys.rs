//! Which of a provider's credentials work, and whose turn it is.
//!
//! Several keys share a provider's limits or outlive each other's revocation, so what one of them is told must not count
//! against the provider while another works. A key that was refused is set aside for half a minute, twice as long each time
//! in a row; one that is used up, for as long as the provider asks. When all are set aside the provider is as good as its
//! best key: that one is used, and what it is told counts.
//!
//! The one key of a provider is never set aside: what it is told is judged as the provider's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::config::Secret;
use crate::model::Time;

/// How long a refused key is set aside first. Half of it and a revoked key costs every request of a quiet provider a round
/// trip; twice of it and one that was refused by mistake is missed for a minute.
const FIRST_REFUSAL: Duration = Duration::from_secs(30);
/// Longest time that a key is set aside; what providers ask for beyond it is not believed.
const LONGEST: Duration = Duration::from_secs(600);
/// What a limit without a wait asks for.
const DEFAULT_WAIT: Duration = Duration::from_secs(1);

/// The keys of one provider, by their places in the configuration.
///
/// Owner of what is known of them: attempts write it. Kept across reloads for each key that stays.
#[derive(Debug)]
pub struct Keys {
    keys: Vec<Arc<Key>>,
    turn: AtomicU32,
}

/// What is known of one key.
#[derive(Debug, Default)]
struct Key {
    /// Microseconds; it is not used before.
    free_at: AtomicU64,
    /// Refusals in a row; above 0, the last thing said of it was a refusal.
    refusals: AtomicU32,
}

/// The key that an attempt uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its place.
    pub place: usize,
    /// Places that this attempt has used, one bit each.
    used: u64,
    /// Whether it was set aside and is used since all are.
    aside: bool,
}

// === impl Keys ===

impl Keys {
    /// Keys for `secrets`; what `before` knew of those that it had, it still knows.
    pub fn new(secrets: &[Secret], before: Option<(&[Secret], &Self)>) -> Self {
        let known = |secret: &Secret| {
            let (old, keys) = before?;
            let place = old.iter().position(|other| other == secret)?;
            keys.keys.get(place).cloned()
        };
        let keys = secrets.iter();
        Self {
            keys: keys.map(|key| known(key).unwrap_or_default()).collect(),
            turn: AtomicU32::new(0),
        }
    }

    /// Whether there are several, so that one can stand in for another.
    pub fn are_several(&self) -> bool {
        self.keys.len() > 1
    }

    /// The key of an attempt: of those that are free the next in turn, else the one that is used up and will be free first,
    /// else the one whose refusal is over first.
    pub fn first(&self, now: Time) -> Turn {
        let turn = |place: usize, aside| Turn {
            place,
            used: bit(place),
            aside,
        };
        if !self.are_several() {
            return turn(0, false);
        }
        if let Some(place) = self.free(now, 0) {
            return turn(place, false);
        }
        let soonest = self
            .keys
            .iter()
            .enumerate()
            .min_by_key(|(_, key)| (key.is_refused(), key.free_at()));
        turn(soonest.map_or(0, |(place, _)| place), true)
    }

    /// Another key for the same attempt: a free one that it has not used.
    pub fn other(&self, turn: Turn, now: Time) -> Option<Turn> {
        let place = self.free(now, turn.used)?;
        Some(Turn {
            place,
            used: turn.used | bit(place),
            aside: false,
        })
    }

    fn free(&self, now: Time, used: u64) -> Option<usize> {
        let free = || {
            let keys = self.keys.iter().enumerate();
            keys.filter(move |(place, key)| used & bit(*place) == 0 && key.free_at() <= now)
                .map(|(place, _)| place)
        };
        let many = u32::try_from(free().count())
            .ok()
            .filter(|many| *many > 0)?;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % many;
        free().nth(usize::try_from(turn).unwrap_or(0))
    }

    /// The key was refused: for how long it is set aside, if that is news. Of one attempt it is news once.
    pub fn refused(&self, turn: &mut Turn, now: Time) -> Option<Duration> {
        let key = self.keys.get(turn.place).filter(|_| self.are_several())?;
        if key.is_refused() && key.free_at() > now && !turn.aside {
            return None;
        }
        turn.aside = false;
        let before = key.refusals.fetch_add(1, Ordering::Relaxed);
        let factor = 2_u32.checked_pow(before).unwrap_or(u32::MAX);
        let time = FIRST_REFUSAL.saturating_mul(factor).min(LONGEST);
        key.free_at
            .store(now.after(time).as_micros(), Ordering::Relaxed);
        Some(time)
    }

    /// The key is used up for `wait`.
    pub fn used_up(&self, turn: Turn, now: Time, wait: Option<Duration>) {
        let Some(key) = self.keys.get(turn.place).filter(|_| self.are_several()) else {
            return;
        };
        let until = now.after(wait.unwrap_or(DEFAULT_WAIT).min(LONGEST));
        key.refusals.store(0, Ordering::Relaxed);
        key.free_at.store(until.as_micros(), Ordering::Relaxed);
    }

    /// The key was taken: it is free, if it was not.
    pub fn taken(&self, turn: Turn) {
        if let Some(key) = self.keys.get(turn.place)
            && (turn.aside || key.is_refused())
        {
            key.refusals.store(0, Ordering::Relaxed);
            key.free_at.store(0, Ordering::Relaxed);
        }
    }

    /// How long until a key is free that is not refused; `None` if all are refused.
    pub fn free_in(&self, now: Time) -> Option<Duration> {
        let works = |key: &&Arc<Key>| !key.is_refused() || key.free_at() <= now;
        let times = self.keys.iter().filter(works).map(|key| key.free_at());
        times.min().map(|time| time.since(now))
    }
}

// === impl Key ===

impl Key {
    fn free_at(&self) -> Time {
        Time::from_micros(self.free_at.load(Ordering::Relaxed))
    }

    fn is_refused(&self) -> bool {
        self.refusals.load(Ordering::Relaxed) > 0
    }
}

/// The bit of a place; a configuration has at most as many keys as there are bits.
fn bit(place: usize) -> u64 {
    let shift = u32::try_from(place).unwrap_or(u32::MAX);
    1_u64.checked_shl(shift).unwrap_or(0)
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
