//! What one upstream did: the batch of this tick, the histograms of the last minute, the sums since the start.
//!
//! One lock a meter, held for tens of nanoseconds and never across an `.await`.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::spread::Spread;
use super::window::Window;
use crate::balance::{Headroom, Tally};
use crate::model::{Class, Event, Finished, Outcome, PicoUsd, Time};

/// Span of a slice of first tokens and totals, and how many closed ones are kept: the last minute.
const QUICK: (Duration, usize) = (Duration::from_secs(5), 12);
/// The same for time per token and cost.
const SLOW: (Duration, usize) = (Duration::from_secs(20), 3);

/// What costs of 1,000 tokens are counted in, in pico-dollars: a tenth of a micro-dollar. The histogram's range is then
/// $0.001 to $60,000 of a million tokens; ten times as much would lose the cheapest models, which cost $0.01.
const COST_UNIT_PICO: u128 = 100_000;
/// The same in dollars.
pub const COST_UNIT_USD: f64 = COST_UNIT_PICO as f64 / 1e12;

/// Sums since the start of the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Attempts ended, by outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Tokens of prompts.
    pub tokens_in: u64,
    /// Tokens of answers.
    pub tokens_out: u64,
    /// What answers cost.
    pub cost: PicoUsd,
}

impl Totals {
    /// Attempts ended, whatever became of them.
    pub fn attempts(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Attempts that failed for a reason of the target's or of ours.
    pub fn failed(&self) -> u64 {
        let failed = self.outcomes.iter().filter(|(outcome, _)| {
            matches!(
                outcome.class(),
                Class::Fault | Class::Throttle | Class::OurFault
            )
        });
        failed.map(|(_, count)| count).sum()
    }
}

/// The recent past, in figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Recently {
    /// Milliseconds to the first token: median, 95th and 99th percentile.
    pub first_token_ms: Option<[f64; 3]>,
    /// Milliseconds of whole answers: the same.
    pub total_ms: Option<[f64; 3]>,
    /// Milliseconds per token of the answer: the same.
    pub per_token_ms: Option<[f64; 3]>,
    /// Median cost of 1,000 tokens, those of prompt and answer together, in dollars.
    pub usd_per_1k_tokens: Option<f64>,
}

/// How times of the last minute are spread: upper bounds of buckets in milliseconds, and how many fell into each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distributions {
    /// Times to the first token.
    pub first_token: Vec<(f64, u64)>,
    /// Times of whole answers.
    pub total: Vec<(f64, u64)>,
}

/// One upstream's meter.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) tally: Tally,
    /// What the last answer since the last tick said is left of the provider's limits.
    pub(super) headroom: Option<Headroom>,
    first_token: Window,
    total: Window,
    per_token: Window,
    cost: Window,
    totals: Totals,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            tally: Tally::default(),
            headroom: None,
            first_token: Window::new(QUICK.0, QUICK.1),
            total: Window::new(QUICK.0, QUICK.1),
            per_token: Window::new(SLOW.0, SLOW.1),
            cost: Window::new(SLOW.0, SLOW.1),
            totals: Totals::default(),
        }
    }
}

impl Meter {
    /// Takes an event into the histograms and the sums.
    pub(super) fn keep(&mut self, now: Time, event: &Event) {
        match event {
            Event::FirstContent(after) => self.first_token.record(now, micros(*after)),
            Event::Finished(end) => self.finished(now, end),
            Event::Dispatched(_) | Event::Gap => {}
        }
    }

    fn finished(&mut self, now: Time, end: &Finished) {
        *self.totals.outcomes.entry(end.outcome).or_default() += 1;
        if let Some(tokens) = end.tokens {
            self.totals.tokens_in += tokens.input;
            self.totals.tokens_out += tokens.output;
        }
        if let Some(cost) = end.cost {
            self.totals.cost += cost;
        }
        // A time-out is an answer that took at least this long: left out, the slowest would vanish.
        if end.outcome.class() == Class::Ok || matches!(end.outcome, Outcome::Timeout(_)) {
            self.total.record(now, micros(end.total));
        }
        let (Class::Ok, Some(tokens)) = (end.outcome.class(), end.tokens) else {
            return;
        };
        if let Some(first) = end.first_content
            && tokens.output > 0
        {
            let stream = micros(end.total.saturating_sub(first));
            self.per_token.record(now, stream / tokens.output);
        }
        let all = u128::from(tokens.input) + u128::from(tokens.output);
        if let (Some(cost), 1..) = (end.cost, all) {
            let per_1k = cost.pico().saturating_mul(1_000) / all / COST_UNIT_PICO;
            self.cost
                .record(now, u64::try_from(per_1k).unwrap_or(u64::MAX));
        }
    }

    pub(super) fn distributions(&self, now: Time) -> Distributions {
        let reach = Duration::from_secs(60);
        let of = |window: &Window| {
            let merged = window.merged(now, reach);
            merged.map_or_else(Vec::new, |merged| buckets(&merged))
        };
        Distributions {
            first_token: of(&self.first_token),
            total: of(&self.total),
        }
    }

    /// The last minute in histograms.
    pub(super) fn spread(&self, now: Time) -> Spread {
        let reach = Duration::from_secs(60);
        Spread {
            first_token: self.first_token.merged(now, reach),
            total: self.total.merged(now, reach),
            per_token: self.per_token.merged(now, reach),
            cost: self.cost.merged(now, reach),
        }
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals.clone()
    }

    pub(super) fn recently(&self, now: Time) -> Recently {
        let reach = Duration::from_secs(60);
        let millis = |window: &Window| {
            let merged = window.merged(now, reach)?;
            Some([0.5, 0.95, 0.99].map(|q| merged.value_at_quantile(q) as f64 / 1e3))
        };
        Recently {
            first_token_ms: millis(&self.first_token),
            total_ms: millis(&self.total),
            per_token_ms: millis(&self.per_token),
            usd_per_1k_tokens: self
                .cost
                .merged(now, reach)
                .map(|merged| merged.value_at_quantile(0.5) as f64 * COST_UNIT_PICO as f64 / 1e12),
        }
    }
}

/// Each bucket of a distribution ends a fifth above the one before: seven hundred microseconds and ten minutes are some
/// seventy of them apart, and a bucket is as wide as a share of requests is known.
const STEP: f64 = 1.2;

/// The histogram in coarse buckets from its least value to its largest: upper bounds in milliseconds, and counts.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds of at most ten minutes"
)]
fn buckets(histogram: &Histogram<u32>) -> Vec<(f64, u64)> {
    let mut buckets = Vec::new();
    let mut from = histogram.min();
    while from <= histogram.max() {
        let to = ((from as f64 * STEP) as u64).max(from + 1);
        let count = histogram.count_between(from, to);
        buckets.push((to as f64 / 1e3, count));
        // A count between takes in all values that the histogram holds to be equal to its ends.
        from = histogram.highest_equivalent(to) + 1;
    }
    buckets
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Tokens;

    fn answered(input: u64, output: u64, pico: u128) -> Event {
        Event::Finished(Finished {
            outcome: Outcome::Ok,
            total: Duration::from_secs(1),
            first_content: None,
            tokens: Some(Tokens {
                input,
                output,
                ..Tokens::default()
            }),
            estimated: false,
            cost: Some(PicoUsd::new(pico)),
            wait: None,
        })
    }

    #[test]
    fn what_1000_tokens_cost_is_told_of_those_of_prompt_and_answer_together() {
        // Embeddings have tokens of the prompt alone.
        for (input, output, pico, expected) in [
            (7, 23, 11_400_000, 0.000_38),
            (1_000, 0, 20_000_000, 0.000_02),
            (10, 990, 60_000_000_000, 0.06),
        ] {
            let mut meter = Meter::default();
            meter.keep(Time::ZERO, &answered(input, output, pico));
            let found = meter.recently(Time::ZERO).usd_per_1k_tokens.unwrap();
            // The histogram's precision: below 1 %, and at its lower end eight units.
            let precision = f64::max(0.01 * expected, 8e-7);
            assert!((found - expected).abs() < precision, "{found}");
        }
        let mut meter = Meter::default();
        meter.keep(Time::ZERO, &answered(0, 0, 5));
        assert_eq!(meter.recently(Time::ZERO).usd_per_1k_tokens, None);
    }
}
