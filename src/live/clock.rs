//! The one place that reads a clock.
//!
//! Everything below is given the time, so it can be tested and replayed; everything above gets it here, so there is one
//! epoch to compare moments by. Moments are [`Time`]; tokio's instants appear only where something sleeps.
//!
//! The epoch is 1970, as the wall clock has it when the process starts, so that moments mean the same after a restart.
//! From then on only the monotonic clock counts: if the wall clock is set while the process runs, moments go on as they did,
//! and are off by as much until the next start.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::model::Time;

/// A monotonic clock that began at the wall clock's time; copies share the beginning.
///
/// It follows tokio's time, so a test that pauses that pauses this.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    /// The wall clock's time then.
    began: Time,
}

/// Sleeping until [`Time::NEVER`] means sleeping this long: tokio's timers can't count to the end of `Time`.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 86_400);

impl Clock {
    /// A clock that goes on from the wall clock's time; from 1970 if that stands before.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn start() -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            start: Instant::now(),
            began: Time::ZERO.after(wall.unwrap_or_default()),
        }
    }

    /// The time since 1970, to the microsecond.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> Time {
        self.began
            .after(Instant::now().saturating_duration_since(self.start))
    }

    /// The instant to sleep until; at most ten years after the start, and not before it.
    pub fn instant_of(&self, time: Time) -> Instant {
        let span = time.since(self.began).min(FOREVER);
        self.start.checked_add(span).unwrap_or(self.start)
    }

    /// The wall clock, to compare with the times of files.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    /// Seconds since 1970 by the wall clock, for people and protocols; 0 if that clock stands before 1970.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn unix_seconds(&self) -> u64 {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sleep_until_a_time_ends_at_that_time() {
        let clock = Clock::start();
        let later = clock.now().after(Duration::from_millis(1_500));
        tokio::time::sleep_until(clock.instant_of(later)).await;
        assert!(clock.now() >= later, "not before");
        assert!(
            clock.now().since(later) <= Duration::from_millis(1),
            "and not after, but for the timer's grain: {:?}",
            clock.now()
        );
    }

    #[test]
    fn moments_are_those_of_the_wall_clock() {
        let clock = Clock::start();
        let wall = clock.wall().duration_since(SystemTime::UNIX_EPOCH);
        let apart = clock.now().as_secs_f64() - wall.unwrap().as_secs_f64();
        assert!(apart.abs() < 5.0, "apart by {apart} s");
    }

    #[test]
    fn never_is_an_instant_too() {
        let clock = Clock::start();
        let year = Duration::from_secs(365 * 86_400);
        assert!(clock.instant_of(Time::NEVER) > clock.instant_of(clock.now().after(year)));
        let start = clock.instant_of(Time::ZERO);
        assert_eq!(start, clock.start, "what is over needs no sleep");
    }
}
