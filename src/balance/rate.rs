//! How often something happens: events a second, whether there are fifty of them a second or one in two minutes.
//!
//! A window of ten seconds says nothing of a rate of one a minute but "ten times as much" just after an event and
//! "nothing" ever after; so the window is as long as it takes for some events to come.

use serde::{Deserialize, Serialize};

use super::possible::{MOST_RATE, MOST_SECONDS, Odd, number, numbers};

/// Shortest and longest window, in seconds. The shortest is what a burst takes to be known; with twice the longest a service
/// that falls from busy to idle would take its quiet for a busy one's pause for twenty minutes.
const WINDOW: (f64, f64) = (10.0, 600.0);
/// Events that a window should have. Halved, a rate jumps by half at each event; doubled, a change takes twice as long to
/// be known.
const EVENTS: f64 = 5.0;
/// Rate in the shortest window from which it is a burst whatever was before: three events within it are no chance.
const BURST: f64 = 0.3;

/// A smoothed rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Rate {
    /// Events per second in a window that is long enough, and in the shortest.
    steady: f64,
    latest: f64,
    /// Seconds since it is watched.
    age: f64,
}

impl Rate {
    /// `events` happened in the last `elapsed` seconds.
    pub(super) fn count(&mut self, events: f64, elapsed: f64) {
        let elapsed = elapsed.max(1e-3);
        let now = events / elapsed;
        self.age += elapsed;
        let toward = |rate: f64, window: f64| {
            // The plain mean while young.
            rate + (elapsed / window.min(self.age)).min(1.0) * (now - rate)
        };
        let window = (EVENTS / self.steady.max(1e-9)).clamp(WINDOW.0, WINDOW.1);
        (self.steady, self.latest) = (toward(self.steady, window), toward(self.latest, WINDOW.0));
    }

    /// Events per second.
    pub(super) fn per_second(&self) -> f64 {
        let burst = (self.latest / BURST).min(1.0);
        self.steady.max(burst * burst * self.latest)
    }
}

impl Rate {
    /// Whether a run can have written it.
    pub(super) fn possible(&self) -> Result<(), Odd> {
        numbers("rate", [&self.steady, &self.latest], (0.0, MOST_RATE))?;
        number("age", self.age, (0.0, MOST_SECONDS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After `seconds` of events `every` so many seconds, looked at four times a second: the last hundred values.
    fn watched(every: f64, seconds: f64) -> Vec<f64> {
        let mut rate = Rate::default();
        let (mut values, mut due) = (Vec::new(), 0.0);
        let mut now = 0.0;
        while now < seconds {
            now += 0.25;
            let mut events = 0.0;
            while due <= now {
                events += 1.0;
                due += every;
            }
            rate.count(events, 0.25);
            values.push(rate.per_second());
        }
        values.split_off(values.len().saturating_sub(100))
    }

    #[test]
    fn a_rate_is_known_between_its_events_as_well() {
        for (every, seconds) in [(0.02, 60.0), (1.0, 60.0), (20.0, 900.0), (120.0, 3600.0)] {
            let values = watched(every, seconds);
            for value in &values {
                let ratio = value * every;
                assert!(
                    (0.6..1.6).contains(&ratio),
                    "every {every} s: {ratio} of it"
                );
            }
        }
    }

    #[test]
    fn a_burst_after_an_idle_hour_is_known_in_two_seconds() {
        let mut rate = Rate::default();
        for tick in 0..14_400 {
            rate.count(f64::from(u8::from(tick % 400 == 0)), 0.25);
        }
        for _ in 0..8 {
            rate.count(5.0, 0.25);
        }
        assert!(rate.per_second() > 3.0, "20/s, found {}", rate.per_second());
    }
}
