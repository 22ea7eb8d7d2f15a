//! How often a replica tells the others.

use std::time::Duration;

use crate::model::Time;

/// Between two tellings of a small fleet: a tick. Doubled, ten replicas lose a twentieth more in the suite's worlds.
const SHORTEST: Duration = Duration::from_millis(250);
/// Tellings a second that one replica hears: at a fraction of a millisecond each they are a few hundredths of a core. Halved,
/// fleets of more than fifteen tell each other less often than they tick; doubled, the engine of a hundred passes on 24,000 a
/// second.
const HEARD: u32 = 120;
/// Ticks do not come to the millisecond: this much before its time is early enough.
const EARLY: Duration = Duration::from_millis(50);
/// Tellings a second in the long run, and at once: what presses is told before its turn, but an outage of which each request
/// is news must not be a flood. One a second more than what is told anyway, and three faults in a row.
const SUSTAINED: f64 = 5.0;
const AT_ONCE: f64 = 3.0;
/// Between two ticks of a replica that something presses: what is heard in between is taken in by the second. Halved, an
/// outage of ten replicas is forty ticks a second; doubled, it is known a request later.
pub const LEAST_BETWEEN_TICKS: Duration = Duration::from_millis(50);

/// Time between two tellings of each of so many replicas.
pub fn telling(replicas: usize) -> Duration {
    let replicas = u32::try_from(replicas).unwrap_or(u32::MAX);
    (Duration::from_secs(1).saturating_mul(replicas) / HEARD).max(SHORTEST)
}

/// What was told lately.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    told_at: Option<Time>,
    /// Tellings that are left, as of `at`.
    left: f64,
    at: Time,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            told_at: None,
            left: AT_ONCE,
            at: Time::ZERO,
        }
    }
}

impl Pace {
    /// Whether one of so many replicas may tell something at `now`; `presses` is whether it should not wait for its turn.
    pub fn is_due(&mut self, now: Time, replicas: usize, presses: bool) -> bool {
        self.left = (self.left + SUSTAINED * now.secs_since(self.at)).min(AT_ONCE);
        self.at = now;
        let every = telling(replicas).saturating_sub(EARLY);
        let is_its_turn = self.told_at.is_none_or(|at| now.since(at) >= every);
        (is_its_turn || presses) && self.left >= 1.0
    }

    /// Seconds since something was told.
    pub fn silent_for(&self, now: Time) -> f64 {
        self.told_at.map_or(f64::INFINITY, |at| now.secs_since(at))
    }

    /// Something was told at `now`.
    pub fn told(&mut self, now: Time) {
        self.told_at = Some(now);
        self.left -= 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many are told in ten seconds of so many ticks a second.
    fn told(ticks: u32, replicas: usize, presses: bool) -> u32 {
        let (mut pace, mut told) = (Pace::default(), 0);
        for tick in 0..10 * ticks {
            let now = Time::from_secs_f64(1.0 + f64::from(tick) / f64::from(ticks));
            if pace.is_due(now, replicas, presses) {
                pace.told(now);
                told += 1;
            }
        }
        told
    }

    #[test]
    fn a_large_fleet_tells_less_often_so_that_each_hears_as_much() {
        assert_eq!(telling(3), SHORTEST);
        assert_eq!(telling(30), SHORTEST);
        assert_eq!(telling(120), Duration::from_secs(1));
        assert_eq!(told(4, 3, false), 40, "each tick");
        assert_eq!(told(4, 240, false), 5, "every two seconds");
    }

    #[test]
    fn what_presses_does_not_wait_and_is_no_flood() {
        let mut pace = Pace::default();
        let at = Time::from_secs_f64;
        assert!(pace.is_due(at(1.0), 240, false));
        assert!(pace.silent_for(at(1.0)).is_infinite());
        pace.told(at(1.0));
        assert!((pace.silent_for(at(1.5)) - 0.5).abs() < 1e-6);
        assert!(!pace.is_due(at(1.05), 240, false));
        assert!(pace.is_due(at(1.05), 240, true));
        let most = told(20, 3, true);
        assert!((50..=53).contains(&most), "{most} in ten seconds");
    }
}
