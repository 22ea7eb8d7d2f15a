//! Other ways to propose shares on the same safety layer.
//!
//! What is the safety layer worth, and what does the core add? That can only be told apart by putting another core on the
//! same layer. The simulator does; no configuration names these.

use std::f64::consts::SQRT_2;

use super::signal::Signal;
use super::strategy::Candidate;

/// Another core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// Thompson sampling: a share is the probability that the target is the best. It knows no configured shares.
    Thompson,
    /// Weights by measured loss: configured share times loss to the power of −12.
    Latency,
}

/// Exponent of [`Trial::Latency`]. With 4 and with 1, weights barely move: the mean regret over the base worlds was 0.137 and
/// 0.211 in an earlier numerical prototype, against 0.057.
const STEEPNESS: f64 = 12.0;
/// Least deviation of a loss, so that it can be divided by.
const LEAST_DEVIATION: f64 = 1e-6;
/// Steps of the integral, over so many deviations on each side. Half as many and equal targets differ in the third digit.
const STEPS: u32 = 96;
const DEVIATIONS: f64 = 4.0;

/// Relative shares of `members` under this core, before ramps; the others get 0.
pub(super) fn parts(trial: Trial, candidates: &[Candidate<'_>], members: &[usize]) -> Vec<f64> {
    let mut parts = vec![0.0; candidates.len()];
    match trial {
        Trial::Latency => {
            for i in members {
                let loss = candidates[*i].signal.loss().max(1e-6);
                parts[*i] = candidates[*i].anchor * loss.powf(-STEEPNESS);
            }
        }
        Trial::Thompson => {
            let takes_part =
                |i: &&usize| candidates[**i].ramp > 0.0 && candidates[**i].anchor > 0.0;
            let taking: Vec<usize> = members.iter().filter(takes_part).copied().collect();
            let beliefs: Vec<Belief> = taking
                .iter()
                .map(|i| candidates[*i].signal.into())
                .collect();
            for (i, part) in taking.into_iter().zip(least(&beliefs)) {
                parts[i] = part;
            }
        }
    }
    parts
}

/// A loss as it is believed to be: normal.
#[derive(Clone, Copy, Debug)]
struct Belief {
    mean: f64,
    deviation: f64,
}

impl From<&Signal> for Belief {
    fn from(signal: &Signal) -> Self {
        Self {
            mean: signal.loss(),
            deviation: signal.variance.max(0.0).sqrt().max(LEAST_DEVIATION),
        }
    }
}

/// The probability of each that it is the least of all: what sampling from the beliefs would show in the long run, integrated
/// instead of drawn, so that nothing here needs luck.
fn least(beliefs: &[Belief]) -> Vec<f64> {
    let low = beliefs.iter().map(|b| b.mean - DEVIATIONS * b.deviation);
    let high = beliefs.iter().map(|b| b.mean + DEVIATIONS * b.deviation);
    let (low, high) = (
        low.fold(f64::INFINITY, f64::min),
        high.fold(f64::INFINITY, f64::min),
    );
    let edge = |step: f64| low + (high - low) * step / f64::from(STEPS);
    let all_above = |at: f64| -> Vec<f64> { beliefs.iter().map(|b| b.above(at)).collect() };
    let mut parts = vec![0.0; beliefs.len()];
    let mut from = all_above(edge(0.0));
    for step in 0..STEPS {
        let middle = all_above(edge(f64::from(step) + 0.5));
        let to = all_above(edge(f64::from(step) + 1.0));
        let all: f64 = middle.iter().product();
        for (i, part) in parts.iter_mut().enumerate() {
            // What falls into this step, while all others are above its middle. By mass rather than density: a belief
            // that is narrower than a step is not missed.
            *part += (from[i] - to[i]) * all / middle[i];
        }
        from = to;
    }
    parts
}

impl Belief {
    /// The probability of a loss above `at`, and never quite nothing.
    fn above(&self, at: f64) -> f64 {
        let z = (at - self.mean) / self.deviation;
        (0.5 * erfc(z / SQRT_2)).max(1e-12)
    }
}

/// The complementary error function, to 1.2 · 10⁻⁷ of its value.
///
/// Source: Press et al., "Numerical Recipes in C", second edition, 1992, section 6.2 (`erfcc`).
fn erfc(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let t = 1.0 / (1.0 + 0.5 * x.abs());
    let sum = COEFFICIENTS.iter().rev().fold(0.0, |sum, c| sum * t + c);
    let tail = t * (-x * x + sum).exp();
    if x >= 0.0 { tail } else { 2.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(beliefs: &[(f64, f64)]) -> Vec<f64> {
        let belief = |(mean, deviation): &(f64, f64)| Belief {
            mean: *mean,
            deviation: *deviation,
        };
        let parts = least(&beliefs.iter().map(belief).collect::<Vec<_>>());
        let sum: f64 = parts.iter().sum();
        parts.into_iter().map(|part| part / sum).collect()
    }

    #[test]
    fn the_error_function_has_its_known_values() {
        for (x, expected) in [
            (0.0, 1.0),
            (0.5, 0.479_500_1),
            (1.0, 0.157_299_2),
            (-1.0, 1.842_700_8),
        ] {
            let found = erfc(x);
            assert!(
                (found - expected).abs() < 1e-6,
                "erfc({x}) is {expected}, found {found}"
            );
        }
    }

    #[test]
    fn equals_are_equally_likely_the_best() {
        for part in shares(&[(1.5, 0.1); 4]) {
            assert!((part - 0.25).abs() < 1e-6, "one of four: {part}");
        }
    }

    #[test]
    fn of_two_the_better_is_best_with_the_probability_of_their_difference() {
        // Two deviations of 0.3 and 0.4 make one of 0.5: a difference of 0.5 is one deviation.
        let found = shares(&[(1.0, 0.3), (1.5, 0.4)]);
        assert!(
            (found[0] - 0.841_345).abs() < 2e-3,
            "a normal deviate below 1: {found:?}"
        );
    }

    #[test]
    fn one_that_is_known_to_be_best_gets_all() {
        let found = shares(&[(1.0, 1e-3), (1.5, 0.05), (9.0, 0.1)]);
        assert!(found[0] > 0.999, "{found:?}");
        assert!(found.iter().all(|part| part.is_finite()), "{found:?}");
    }
}
