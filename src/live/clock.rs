//! The one place that reads a clock.
//!
//! Everything below is given the time, so it can be tested and replayed; everything above gets it here, so there is one
//! epoch to compare moments by. Moments are [`Time`]; tokio's instants appear only where something sleeps.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::model::Time;

/// A monotonic clock with its epoch; copies share the epoch.
///
/// It follows tokio's time, so a test that pauses that pauses this.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

/// Sleeping until [`Time::NEVER`] means sleeping this long: tokio's timers can't count to the end of `Time`.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 86_400);

impl Clock {
    /// A clock whose epoch is now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// The time since the epoch, to the microsecond.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> Time {
        Time::ZERO.after(Instant::now().saturating_duration_since(self.start))
    }

    /// The instant to sleep until; at most ten years after the epoch.
    pub fn instant_of(&self, time: Time) -> Instant {
        let span = time.since(Time::ZERO).min(FOREVER);
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
        let later = Time::from_micros(1_500_000);
        tokio::time::sleep_until(clock.instant_of(later)).await;
        assert!(clock.now() >= later, "not before");
        assert!(
            clock.now().since(later) <= Duration::from_millis(1),
            "and not after, but for the timer's grain: {:?}",
            clock.now()
        );
    }

    #[test]
    fn never_is_an_instant_too() {
        let clock = Clock::start();
        assert!(clock.instant_of(Time::NEVER) > clock.instant_of(Time::from_secs_f64(1e6)));
    }
}
