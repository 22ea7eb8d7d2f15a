//! The one place that reads a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::model::Time;

/// A running clock; copies run together.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose epoch is now.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// The time since the epoch. Follows tokio's clock, so paused tests move it.
    #[expect(clippy::disallowed_methods, reason = "this is the place")]
    pub fn now(&self) -> Time {
        Time::ZERO.after(Instant::now().saturating_duration_since(self.start))
    }

    /// The runtime's instant of `time`, for timers.
    pub fn instant_of(&self, time: Time) -> Instant {
        self.start + Duration::from_micros(time.as_micros().min(u64::from(u32::MAX) * 1_000_000))
    }
}

/// Seconds since 1970, by the wall clock; 0 if it is set before that.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
