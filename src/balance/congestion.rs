//! Whether answers of one kind come late because they queue: the last ones against a slow baseline.
//!
//! A queue shifts all times, while noise and long tails shift some. So for streams the *least* of the last times to first
//! token is compared (after `CoDel`'s standing queue), and for unary answers, whose times say less one by one, the mean of
//! more of them. Nothing is said before a baseline is known, since a target that is slow from its first answer on may just be
//! slow.

use serde::{Deserialize, Serialize};

use super::possible::{MOST_COUNT, Odd, number, numbers, past};
use crate::model::Time;

/// Answers and seconds from which a baseline is known. Halved, the first quick answers of a busy target are the baseline;
/// doubled, a target that is full from the start is flooded for twice as long.
const LEAST_ANSWERS: f64 = 8.0;
const LEAST_SECONDS: f64 = 5.0;
/// Answers that the baseline is a mean of, at most.
const BASELINE: f64 = 40.0;
/// Part of that gain with which the baseline follows values that are above it, and what it learns while answers queue:
/// otherwise a queue that stays becomes normal within a minute.
const UPWARD: f64 = 0.6;
const WHILE_CONGESTED: f64 = 0.05;
/// A value moves the logarithm of the baseline as if it were at most this far away.
const MOST_DISTANCE: f64 = 1.0;

/// How one kind of answer shows a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test {
    /// How many of the last answers are compared.
    last: usize,
    /// How far above the baseline they must be.
    above: f64,
    /// Whether all of them must be, or their mean.
    all: bool,
}

/// The first token waits in the queue and nothing else of it does: six in a row that are 30 % late are no chance.
pub(super) const STREAMED: Test = Test {
    last: 6,
    above: 1.3,
    all: true,
};
/// A wait is a small part of a whole answer's time: 15 % in the mean of sixteen is more than three deviations.
pub(super) const UNARY: Test = Test {
    last: 16,
    above: 1.15,
    all: false,
};

/// The last answers of one kind, and what they usually take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Congestion {
    /// Logarithms of the last times, oldest first.
    last: Vec<f64>,
    /// The logarithm of the usual time.
    baseline: f64,
    answers: f64,
    began: Option<Time>,
}

impl Congestion {
    /// An answer of `seconds`; `congested` is whether answers queue as far as is known.
    pub(super) fn add(&mut self, test: Test, seconds: f64, now: Time, congested: bool) {
        let value = seconds.max(1e-3).ln();
        if self.last.len() >= test.last {
            self.last.remove(0);
        }
        self.last.push(value);
        if self.began.is_none() {
            self.baseline = value;
            self.began = Some(now);
        }
        self.answers += 1.0;
        let distance = (value - self.baseline).clamp(-MOST_DISTANCE, MOST_DISTANCE);
        let part = if congested {
            WHILE_CONGESTED
        } else if distance > test.above.ln().max(0.2) {
            UPWARD
        } else {
            1.0
        };
        self.baseline += part * distance / self.answers.min(BASELINE);
    }

    /// Whether the last answers show a queue.
    pub(super) fn shows_queue(&self, test: Test, now: Time) -> bool {
        let known = self.answers >= LEAST_ANSWERS
            && self
                .began
                .is_some_and(|began| now.secs_since(began) >= LEAST_SECONDS);
        known && self.is_full(test) && self.excess(test) > test.above.ln()
    }

    /// How far the last answers are above the baseline, as a logarithm.
    fn excess(&self, test: Test) -> f64 {
        let last = self.last.iter().copied();
        let value = if test.all {
            last.fold(f64::INFINITY, f64::min)
        } else {
            last.sum::<f64>() / self.last.len().max(1) as f64
        };
        value - self.baseline
    }

    /// Whether as many answers are known as the test compares.
    pub(super) const fn is_full(&self, test: Test) -> bool {
        self.last.len() >= test.last
    }

    /// The limit was just cut: answers to requests of before it say nothing of the new one. Half of them are dropped.
    pub(super) fn forget_half(&mut self) {
        self.last.drain(..self.last.len() / 2);
    }

    /// The last answers say nothing of what is now; the baseline does.
    pub(super) fn forget_last(&mut self) {
        self.last.clear();
    }
}

impl Congestion {
    /// Whether a run can have written it.
    pub(super) fn possible(&self, test: Test, stored: Time) -> Result<(), Odd> {
        let most = test.last as f64;
        number("number of times", self.last.len() as f64, (0.0, most))?;
        // Logarithms of a millisecond, below which times count for that, and of the largest number there is.
        let logarithms = (1e-3_f64.ln(), f64::MAX.ln());
        numbers("time", &self.last, logarithms)?;
        number("baseline", self.baseline, logarithms)?;
        number("answers", self.answers, (0.0, MOST_COUNT))?;
        past("began", self.began, stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(values: impl Iterator<Item = f64>) -> Congestion {
        let mut congestion = Congestion::default();
        for (i, value) in values.enumerate() {
            let now = Time::from_secs_f64(0.5 * i as f64);
            let queued = congestion.shows_queue(STREAMED, now);
            congestion.add(STREAMED, value, now, queued);
        }
        congestion
    }

    #[test]
    fn all_late_is_a_queue_and_some_late_is_not() {
        let usual = |i: usize| if i.is_multiple_of(2) { 0.4 } else { 0.6 };
        let now = Time::from_secs_f64(100.0);
        let late = fed((0..40).map(usual).chain((0..6).map(|i| usual(i) + 0.5)));
        assert!(late.shows_queue(STREAMED, now));
        let tails = fed((0..46).map(|i| if i % 5 == 0 { 5.0 } else { usual(i) }));
        assert!(!tails.shows_queue(STREAMED, now), "long tails are no queue");
    }

    #[test]
    fn nothing_is_said_before_a_baseline_is_known() {
        let growing = (0..8).map(|i| 0.5 + 0.5 * f64::from(i));
        let congestion = fed(growing);
        assert!(!congestion.shows_queue(STREAMED, Time::from_secs_f64(3.9)));
    }

    #[test]
    fn a_queue_that_stays_does_not_become_normal() {
        let congestion = fed((0..40).map(|_| 0.5).chain((0..120).map(|_| 1.0)));
        assert!(
            congestion.shows_queue(STREAMED, Time::from_secs_f64(100.0)),
            "after a minute at twice the usual time"
        );
    }
}
