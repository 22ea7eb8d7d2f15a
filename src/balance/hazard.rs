//! How long unary answers take, from those that came and those that are still out.
//!
//! A unary answer says nothing before it is complete, so silence has to be judged by its age. This keeps a decayed
//! Nelson-Aalen estimate over log-spaced ages: answers are events, requests in flight add exposure, so nothing is biased
//! towards the quick answers that come first. Ages are divided by the target's own slowness before they enter.

use serde::{Deserialize, Serialize};

use super::possible::{MOST_COUNT, Odd, number, numbers};

/// Ages from 50 ms in steps of 12 %: the last bin begins at 156 s.
const BINS: usize = 72;
const LEAST_AGE: f64 = 0.05;
const STEP: f64 = 1.12;
/// Time constant of the decay, in seconds.
const MEMORY: f64 = 120.0;
/// Answers from which the estimate is used.
const ENOUGH: f64 = 30.0;
/// Cumulative hazard at the 99th percentile: −ln 0.01.
const P99: f64 = 4.6;

/// Answers and exposure by age.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Hazard {
    answers: Vec<f64>,
    exposure: Vec<f64>,
}

impl Default for Hazard {
    fn default() -> Self {
        Self {
            answers: vec![0.0; BINS],
            exposure: vec![0.0; BINS],
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the logarithm of a ratio of at least 1 is at least 0, and the result is clamped"
)]
fn bin(age: f64) -> usize {
    let steps = (age.max(LEAST_AGE) / LEAST_AGE).ln() / STEP.ln();
    (steps as usize).min(BINS - 1)
}

impl Hazard {
    /// `count` answers came at this age.
    pub(super) fn answered(&mut self, age: f64, count: f64) {
        self.answers[bin(age)] += count;
    }

    /// A request of this age was out for `seconds`.
    pub(super) fn exposed(&mut self, age: f64, seconds: f64) {
        self.exposure[bin(age)] += seconds;
    }

    /// Old answers fade.
    pub(super) fn decay(&mut self, elapsed: f64) {
        let keep = (-elapsed / MEMORY).exp();
        for cell in self.answers.iter_mut().chain(&mut self.exposure) {
            *cell *= keep;
        }
    }

    /// Answers expected per second from a request of this age, smoothed over neighbouring bins.
    pub(super) fn rate(&self, age: f64) -> f64 {
        let (low, high) = (bin(age).saturating_sub(1), (bin(age) + 1).min(BINS - 1));
        let exposure: f64 = self.exposure[low..=high].iter().sum();
        let answers: f64 = self.answers[low..=high].iter().sum();
        if exposure > 0.0 {
            answers / (exposure + 0.25)
        } else {
            0.0
        }
    }

    /// Whether enough answers are known.
    pub(super) fn is_known(&self) -> bool {
        self.answers.iter().sum::<f64>() >= ENOUGH
    }

    /// The age that one answer in a hundred exceeds; `None` while too little is known.
    pub(super) fn p99(&self) -> Option<f64> {
        if !self.is_known() {
            return None;
        }
        let mut cumulative = 0.0;
        let mut age = LEAST_AGE;
        let mut longest = None;
        for (answers, exposure) in self.answers.iter().zip(&self.exposure) {
            let width = age * (STEP - 1.0);
            if *exposure > 0.05 {
                cumulative += answers / exposure * width;
            }
            if cumulative >= P99 {
                return Some(age + width);
            }
            if *answers > 0.0 {
                longest = Some(age + width);
            }
            age *= STEP;
        }
        longest
    }
}

impl Hazard {
    /// Whether a run can have written it.
    pub(super) fn possible(&self) -> Result<(), Odd> {
        let bins = BINS as f64;
        number("number of ages", self.answers.len() as f64, (bins, bins))?;
        number("number of ages", self.exposure.len() as f64, (bins, bins))?;
        // A request is out for a second a second, so seconds are bounded as answers are.
        let cells = self.answers.iter().chain(&self.exposure);
        numbers("answers", cells, (0.0, MOST_COUNT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_p99_of_exponential_answers_is_found() {
        // Answers with a mean of 2 s, spread by their quantiles, watched every 0.1 s.
        let mut hazard = Hazard::default();
        for rank in 0..2_000 {
            let total = -2.0 * (1.0 - (f64::from(rank) + 0.5) / 2_000.0).ln();
            let mut age = 0.0;
            while age < total {
                hazard.exposed(age, 0.1f64.min(total - age));
                age += 0.1;
            }
            hazard.answered(total, 1.0);
        }
        let p99 = hazard.p99().unwrap();
        assert!((8.0..11.0).contains(&p99), "-2 ln 0.01 = 9.2, found {p99}");
        let rate = hazard.rate(2.0);
        assert!(
            (0.4..0.6).contains(&rate),
            "one answer per two seconds, found {rate}"
        );
    }

    #[test]
    fn little_is_not_taken_for_knowledge() {
        let mut hazard = Hazard::default();
        hazard.answered(1.0, 29.0);
        assert!(hazard.p99().is_none());
    }
}
