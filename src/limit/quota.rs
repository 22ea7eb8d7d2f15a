//! How many requests, or tokens, a minute.
//!
//! Problem: a client should get what it was promised, may come in bursts, and what an answer takes is known only when it has
//! ended. Choice: a bucket that holds a minute's worth and fills evenly. A request takes its one when it comes; tokens are
//! charged when they are known, and a bucket that is overdrawn lets nothing through until it is above nothing again: what
//! goes beyond is what was under way. Rejected: fixed minutes, which let two minutes' worth through around their border.
//!
//! Replicas that cannot ask each other have a part each: a bucket of several fills as much more slowly, and holds as much
//! less, though one whole.
//!
//! Counts are in 60-millionths, so that a rate per minute is a whole number per microsecond and nothing is rounded.

use std::time::Duration;

use crate::model::Time;

/// One, in the unit of the counts here.
const ONE: i64 = 60_000_000;
/// Deepest debt, in ones: an answer of a million tokens is still owed as a whole, and a wait stays a number.
const DEEPEST: i64 = 100_000_000;

/// Most that a bucket may be filled by in a minute.
pub const MOST_PER_MINUTE: u32 = 1_000_000_000;

/// A bucket. A plain value with one owner; times are passed in, and one that is earlier than the last counts as the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    level: i64,
    at: Time,
}

impl Bucket {
    /// A full bucket.
    pub fn full(per_minute: u32, now: Time) -> Self {
        Self {
            level: capacity(per_minute),
            at: now,
        }
    }

    /// Takes one out.
    ///
    /// # Errors
    /// There is none; how long it takes until there is.
    pub fn take(&mut self, rate: PerMinute, now: Time) -> Result<(), Duration> {
        self.fill(rate, now);
        if self.level < ONE {
            return Err(rate.time(ONE - self.level));
        }
        self.level -= ONE;
        Ok(())
    }

    /// Whether there is anything in it.
    ///
    /// # Errors
    /// There is nothing; how long it takes until there is.
    pub fn is_open(&mut self, rate: PerMinute, now: Time) -> Result<(), Duration> {
        self.fill(rate, now);
        if self.level <= 0 {
            return Err(rate.time(1 - self.level));
        }
        Ok(())
    }

    /// Takes `amount` out, also where there is less.
    pub fn charge(&mut self, rate: PerMinute, now: Time, amount: u64) {
        self.fill(rate, now);
        let amount = i64::try_from(amount).unwrap_or(DEEPEST).min(DEEPEST) * ONE;
        self.level = (self.level - amount).max(-DEEPEST * ONE);
    }

    /// Takes `amount` out as far as it is there.
    pub fn drain(&mut self, rate: PerMinute, now: Time, amount: u64) {
        self.fill(rate, now);
        let amount = i64::try_from(amount).unwrap_or(DEEPEST).min(DEEPEST) * ONE;
        self.level = (self.level - amount).max(self.level.min(0));
    }

    fn fill(&mut self, rate: PerMinute, now: Time) {
        let passed = now.as_micros().saturating_sub(self.at.as_micros());
        self.at = self.at.max(now);
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        let filled = passed.saturating_mul(i64::from(rate.all)) / i64::from(rate.parts.max(1));
        self.level = self.level.saturating_add(filled).min(rate.capacity());
    }
}

/// A rate per minute, or one of some equal parts of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerMinute {
    /// All of it.
    pub all: u32,
    /// Into how many parts it is divided; this is one of them.
    pub parts: u32,
}

impl PerMinute {
    /// All of a rate.
    pub const fn whole(all: u32) -> Self {
        Self { all, parts: 1 }
    }

    fn capacity(self) -> i64 {
        let whole = capacity(self.all);
        (whole / i64::from(self.parts.max(1))).max(whole.min(ONE))
    }

    /// How long it takes to fill in so much, rounded up.
    fn time(self, missing: i64) -> Duration {
        let micros = u64::try_from(missing).unwrap_or(0);
        let micros = micros.saturating_mul(u64::from(self.parts.max(1)));
        Duration::from_micros(micros.div_ceil(u64::from(self.all.max(1))))
    }
}

fn capacity(per_minute: u32) -> i64 {
    i64::from(per_minute.min(MOST_PER_MINUTE)) * ONE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: f64) -> Time {
        Time::from_secs_f64(1000.0 + seconds)
    }

    #[test]
    fn a_minutes_worth_is_there_at_once_and_then_comes_evenly() {
        let mut bucket = Bucket::full(60, at(0.0));
        for _ in 0..60 {
            assert_eq!(bucket.take(PerMinute::whole(60), at(0.0)), Ok(()));
        }
        assert_eq!(
            bucket.take(PerMinute::whole(60), at(0.0)),
            Err(Duration::from_secs(1))
        );
        assert_eq!(
            bucket.take(PerMinute::whole(60), at(0.75)),
            Err(Duration::from_millis(250))
        );
        assert_eq!(bucket.take(PerMinute::whole(60), at(1.0)), Ok(()));
        assert_eq!(
            bucket.take(PerMinute::whole(60), at(0.5)),
            Err(Duration::from_secs(1)),
            "no way back"
        );
    }

    #[test]
    fn what_is_charged_beyond_what_is_there_is_owed() {
        let mut bucket = Bucket::full(600, at(0.0));
        assert_eq!(bucket.is_open(PerMinute::whole(600), at(0.0)), Ok(()));
        bucket.charge(PerMinute::whole(600), at(0.0), 1_000);
        let wait = bucket.is_open(PerMinute::whole(600), at(0.0)).unwrap_err();
        assert_eq!(
            wait.as_secs(),
            40,
            "400 are owed, ten come a second: {wait:?}"
        );
        assert!(bucket.is_open(PerMinute::whole(600), at(39.9)).is_err());
        assert_eq!(bucket.is_open(PerMinute::whole(600), at(40.1)), Ok(()));
    }

    #[test]
    fn parts_of_a_rate_are_the_rate() {
        let third = PerMinute { all: 60, parts: 3 };
        let mut buckets = [Bucket::full(60, at(0.0)); 3];
        let mut take = |now: Time| {
            let each = buckets.iter_mut();
            each.map(|one| u64::from(one.take(third, now).is_ok()))
                .sum::<u64>()
        };
        let at_once: u64 = (0..60).map(|_| take(at(0.0))).sum();
        assert_eq!(at_once, 60, "twenty each");
        let later: u64 = (0..600)
            .map(|tenth| take(at(f64::from(tenth) / 10.0)))
            .sum();
        assert!((57..=60).contains(&later), "{later} in a minute");
        let two = PerMinute { all: 2, parts: 3 };
        assert_eq!(
            Bucket::full(2, at(0.0)).take(two, at(0.0)),
            Ok(()),
            "one at least"
        );
    }

    #[test]
    fn draining_owes_nothing() {
        let mut bucket = Bucket::full(60, at(0.0));
        bucket.drain(PerMinute::whole(60), at(0.0), 100);
        assert_eq!(bucket.take(PerMinute::whole(60), at(1.0)), Ok(()));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 256,
            rng_seed: proptest::test_runner::RngSeed::Fixed(27),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// In any stretch no more gets through than a minute's worth and what comes in it, and who waits as told gets in.
        #[test]
        fn no_more_gets_through_than_was_promised(
            per_minute in 1_u32..5_000,
            gaps in prop::collection::vec(0_u64..5_000_000, 1..300),
        ) {
            let mut bucket = Bucket::full(per_minute, Time::ZERO);
            let (mut now, mut through) = (0_u64, 0_u64);
            for gap in gaps {
                now += gap;
                match bucket.take(PerMinute::whole(per_minute), Time::from_micros(now)) {
                    Ok(()) => through += 1,
                    Err(wait) => {
                        let then = Time::from_micros(now).after(wait);
                        prop_assert_eq!(bucket.clone().take(PerMinute::whole(per_minute), then), Ok(()));
                    }
                }
                let promised = u64::from(per_minute) * (60_000_000 + now);
                prop_assert!(through * 60_000_000 <= promised);
            }
        }
    }
}
