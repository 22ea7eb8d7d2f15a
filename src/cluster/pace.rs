//! When rounds are made: one a second, small ones between when there is news, and fewer while the engine is away.

use std::time::Duration;

use crate::live::{Topic, Topics};
use crate::model::Time;

/// Between two rounds. Halved, leases are asked for twice as often and the engine has more to do than ten commands; doubled, who
/// was lost sight of is seen again after four seconds.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// Commands a second that allowances which run low may add to those of the rounds, which are some five, and of what is told at
/// each tick, which are four or five: ten together is what a replica may ask of the engine. Halved, a rate or a budget at its
/// end is handed out by the rounds alone; doubled, one key at its rate is enough for more than ten.
const EXTRA: f64 = 0.5;
/// Most that quiet seconds save up: a budget that comes to its end is asked for some ten times in a few seconds. Doubled, a
/// crowd of such keys costs the engine that for twice as long.
const SAVED: f64 = 25.0;
/// The same two for what operators do, which should be everywhere at once and comes seldom: an order takes some twelve commands
/// at the one that is given it and at each that hears of it. Halved, the sixth of ten orders in a row waits for its second.
const ORDERS: f64 = 5.0;
const ORDERS_SAVED: f64 = 120.0;
/// Before it is tried again after one failure, and at most. A restart of the engine takes less than a second; with the longest
/// doubled, the fleet comes together again that much later.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Commands that news may still add.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extra {
    news: Bucket,
    orders: Bucket,
}

/// So many more each second, up to a most.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    each_second: f64,
    most: f64,
    at: Time,
}

impl Bucket {
    const fn full(each_second: f64, most: f64, at: Time) -> Self {
        Self {
            left: most,
            each_second,
            most,
            at,
        }
    }

    /// How long until so many are in it.
    fn wait(&mut self, needed: f64, now: Time) -> Duration {
        let since = now.secs_since(self.at);
        self.left = (self.left + since * self.each_second).min(self.most);
        self.at = self.at.max(now);
        Duration::from_secs_f64(((needed - self.left) / self.each_second).max(0.0))
    }
}

impl Extra {
    pub(super) const fn from(now: Time) -> Self {
        Self {
            news: Bucket::full(EXTRA, SAVED, now),
            orders: Bucket::full(ORDERS, ORDERS_SAVED, now),
        }
    }

    /// How long this news has to wait at `now`.
    pub(super) fn wait(&mut self, news: Topics, now: Time) -> Duration {
        if is_an_operators(news) {
            return self.orders.wait(1.0, now);
        }
        self.news.wait(1.0, now)
    }

    /// So many were sent for it.
    pub(super) fn spend(&mut self, news: Topics, commands: u64) {
        let bucket = if is_an_operators(news) {
            &mut self.orders
        } else {
            &mut self.news
        };
        bucket.left -= commands.min(1_000) as f64;
    }
}

fn is_an_operators(news: Topics) -> bool {
    news.has(Topic::Orders) || news.has(Topic::Keys)
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

    /// Commands that rounds of so many add in a minute, if there is news all the time.
    fn added(news: Topics, commands: u64) -> u64 {
        let mut extra = Extra::from(Time::ZERO);
        let (mut now, mut sent) = (Time::ZERO, 0);
        while now < Time::from_micros(60_000_000) {
            let wait = extra.wait(news, now);
            if wait.is_zero() {
                extra.spend(news, commands);
                sent += commands;
            }
            now = now.after(wait.max(Duration::from_millis(1)));
        }
        sent
    }

    #[test]
    fn news_adds_what_was_saved_up_and_then_so_many_commands_a_second() {
        for commands in [1, 3] {
            let sent = added(Topics::of(Topic::Leases), commands);
            assert!((53..=60).contains(&sent), "{sent} in a minute");
        }
        let sent = added(Topics::of(Topic::Orders), 12);
        assert!((415..=435).contains(&sent), "{sent} of operators");
    }

    #[test]
    fn pauses_grow_to_three_seconds_and_are_spread() {
        assert_eq!(pause(1, 0.5), FIRST_PAUSE);
        assert_eq!(pause(2, 0.5), FIRST_PAUSE * 2);
        assert_eq!(pause(u32::MAX, 0.5), LONGEST_PAUSE);
        assert!(pause(9, 0.0) < pause(9, 1.0));
    }
}
