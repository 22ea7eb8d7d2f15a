//! Arrivals and token counts in the shape of a real trace.
//!
//! Source: the conversation trace of Azure's LLM inference service, one hour of November 2023 (Patel et al., "Splitwise",
//! ISCA 2024; `AzureLLMInferenceTrace_conv`, CC-BY-4.0, read 2026-11-22). What stands here is worked out from it: requests
//! a minute relative to their mean, and 5-percent quantiles of prompt and answer tokens. A minute of the trace becomes a
//! sixtieth of the demo's time; the mean rate is the demo's own.

use std::time::Duration;

use crate::law::Generator;

/// Requests in each whole minute of the trace, relative to the mean of all.
const RATES: [f64; 58] = [
    0.57, 0.80, 0.99, 1.06, 0.92, 0.82, 0.80, 0.78, 0.97, 0.89, 0.90, 0.90, 1.04, 0.98, 0.85, 0.84,
    0.84, 0.92, 1.03, 1.05, 1.05, 1.03, 1.22, 1.19, 1.16, 1.19, 1.30, 1.44, 1.43, 1.36, 1.34, 1.52,
    1.31, 1.24, 1.27, 1.26, 1.40, 0.93, 0.99, 0.95, 1.00, 1.07, 0.96, 1.08, 1.00, 1.13, 0.99, 0.75,
    0.66, 0.75, 0.80, 0.84, 0.77, 0.76, 0.73, 0.78, 0.74, 0.68,
];
/// The largest of them: arrivals are drawn at this rate and thinned.
const PEAK: f64 = 1.52;

/// Quantiles of prompt tokens at 0 %, 5 %, … 100 %, the last cut to keep the demo's bodies small.
const PROMPTS: [f64; 21] = [
    2.0, 181.0, 207.0, 372.0, 387.0, 396.0, 403.0, 414.0, 703.0, 984.0, 1020.0, 1045.0, 1071.0,
    1097.0, 1130.0, 1189.0, 1315.0, 1877.0, 2735.0, 4083.0, 4096.0,
];
/// Quantiles of answer tokens, the same way.
const ANSWERS: [f64; 21] = [
    7.0, 41.0, 54.0, 67.0, 77.0, 85.0, 91.0, 96.0, 103.0, 113.0, 129.0, 151.0, 177.0, 217.0, 384.0,
    395.0, 400.0, 411.0, 424.0, 451.0, 1000.0,
];

/// Part of the requests that are streamed.
const STREAMED: f64 = 0.4;

/// One request of the demo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Arrival {
    /// When, after the demo's start.
    pub(super) at: Duration,
    /// Numbers it, and with it its noise at every target.
    pub(super) number: u64,
    pub(super) prompt_tokens: u64,
    pub(super) answer_tokens: u64,
    pub(super) streamed: bool,
}

/// The arrivals of `span` at `rate` requests a second in the mean; the same seed gives the same ones.
pub(super) fn arrivals(seed: u64, span: Duration, rate: f64) -> Vec<Arrival> {
    let mut generator = Generator::of(seed, 0, 17);
    let mut arrivals = Vec::new();
    let mut at = 0.0;
    loop {
        at += -generator.uniform().max(1e-12).ln() / (rate * PEAK);
        if at >= span.as_secs_f64() {
            return arrivals;
        }
        let keep = generator.uniform() * PEAK < relative_rate(at / span.as_secs_f64());
        let (prompt, answer) = (generator.uniform(), generator.uniform());
        let streamed = generator.uniform() < STREAMED;
        if keep {
            arrivals.push(Arrival {
                at: Duration::from_secs_f64(at),
                number: arrivals.len() as u64,
                prompt_tokens: quantile(&PROMPTS, prompt),
                answer_tokens: quantile(&ANSWERS, answer),
                streamed,
            });
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of 0 to 1 times the table's length"
)]
fn relative_rate(part: f64) -> f64 {
    let place = (part * RATES.len() as f64) as usize;
    RATES[place.min(RATES.len() - 1)]
}

/// The value at `part` (0 to 1), straight between the quantiles around it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of 0 to 1 times the table's length, and token counts above 0"
)]
fn quantile(table: &[f64; 21], part: f64) -> u64 {
    let place = part.clamp(0.0, 1.0) * 20.0;
    let low = (place as usize).min(19);
    let value = table[low] + (table[low + 1] - table[low]) * (place - low as f64);
    value.round().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_rate_is_the_one_asked_for() {
        let many = arrivals(7, Duration::from_secs(600), 50.0);
        let rate = many.len() as f64 / 600.0;
        assert!(
            (48.0..52.0).contains(&rate),
            "asked for 50 a second, found {rate}"
        );
    }

    #[test]
    fn token_counts_have_the_traces_medians() {
        let many = arrivals(7, Duration::from_secs(600), 50.0);
        let mut answers: Vec<u64> = many.iter().map(|arrival| arrival.answer_tokens).collect();
        answers.sort_unstable();
        let median = answers[answers.len() / 2];
        assert!(
            (120..=140).contains(&median),
            "the trace's median is 129, found {median}"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_traffic() {
        let span = Duration::from_secs(10);
        assert_eq!(arrivals(3, span, 40.0), arrivals(3, span, 40.0));
        assert_ne!(arrivals(3, span, 40.0), arrivals(4, span, 40.0));
    }
}
