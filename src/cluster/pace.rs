//! When rounds are made: one a second, some more when there is news, and fewer while the engine is away.

use std::time::Duration;

use crate::model::Time;

/// Between two rounds. Halved, evidence is half a second younger and the engine has twice as much to do; doubled, a tick
/// decides on what others saw two seconds ago.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// Rounds a second that news may add: an outage that ten targets share is told in two or three, and a storm of news costs
/// the engine no more than six rounds a second for each replica.
const EXTRA: f64 = 5.0;
/// Before it is tried again after one failure, and at most. A restart of the engine takes less than a second; with the longest
/// doubled, the fleet comes together again that much later.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Rounds that news may still add.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extra {
    left: f64,
    at: Time,
}

impl Extra {
    pub(super) const fn from(now: Time) -> Self {
        Self {
            left: EXTRA,
            at: now,
        }
    }

    /// How long news has to wait at `now`.
    pub(super) fn wait(&mut self, now: Time) -> Duration {
        self.left = (self.left + now.secs_since(self.at) * EXTRA).min(EXTRA);
        self.at = self.at.max(now);
        Duration::from_secs_f64(((1.0 - self.left) / EXTRA).max(0.0))
    }

    /// One was made.
    pub(super) fn spend(&mut self) {
        self.left = (self.left - 1.0).max(0.0);
    }
}

/// The pause after so many failures in a row, at least one; `luck` from 0 to 1 spreads replicas that lost the engine together.
pub(super) fn pause(failures: u32, luck: f64) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10));
    doubled
        .min(LONGEST_PAUSE)
        .mul_f64(0.75 + 0.5 * luck.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_adds_five_rounds_a_second_and_no_more() {
        let mut extra = Extra::from(Time::ZERO);
        let (mut now, mut made) = (Time::ZERO, 0);
        while now < Time::from_micros(10_000_000) {
            let wait = extra.wait(now);
            if wait.is_zero() {
                extra.spend();
                made += 1;
            }
            now = now.after(wait.max(Duration::from_millis(1)));
        }
        assert!((50..=55).contains(&made), "{made} in ten seconds");
    }

    #[test]
    fn pauses_grow_to_three_seconds_and_are_spread() {
        assert_eq!(pause(1, 0.5), FIRST_PAUSE);
        assert_eq!(pause(2, 0.5), FIRST_PAUSE * 2);
        assert_eq!(pause(u32::MAX, 0.5), LONGEST_PAUSE);
        assert!(pause(9, 0.0) < pause(9, 1.0));
    }
}
