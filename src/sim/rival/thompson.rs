//! `thompson`: discounted Gaussian Thompson sampling of the loss.
//!
//! Source: Thompson, "On the likelihood that one unknown probability exceeds another", Biometrika 1933; with discounting:
//! Raj and Kalyani, "Taming non-stationary bandits: a Bayesian approach", arXiv 1707.09727; Qi, Guo, Zhu, "Thompson
//! sampling for non-stationary bandit problems", arXiv 2409.05181.
//!
//! Each arm's count, sum and sum of squares of its losses fade with a half-life. For a request, each arm draws a mean
//! from its posterior, one pseudo-observation at the pooled mean added to its own, with the pooled variance; the least
//! draw wins. So an arm is played as often as it is likely to be the best, and one that is not played becomes uncertain
//! again.
//!
//! Its signal is the loss that reports are counted in: time, price and faults in the proportions that are scored. No
//! product knows these. It ignores configured weights, queues, and Retry-After, and hears of a time-out when it ends.
//!
//! Tuned: the half-life among 10, 15, 20, 30, 45, 60 and 120 s over the base scenarios; 15 to 30 differ by less than the
//! noise.

use super::choice::{Luck, least, members};
use super::verdict::{Verdict, end};
use crate::model::{Event, Time};
use crate::sim::policy::{Asked, Attempt, Picked, Policy, Score};

/// In seconds.
const HALF_LIFE: f64 = 30.0;
/// The mean loss before anything is known: two typical answers.
const FIRST_GUESS: f64 = 2.0;
/// Pseudo-observations of variance 1 in the pooled variance, and the least that it may be: with none, the first two equal
/// losses would end all doubt.
const PRIOR_VARIANCE: f64 = 2.0;
const LEAST_VARIANCE: f64 = 0.02;

/// Discounted moments of an arm's losses.
#[derive(Clone, Copy, Debug, Default)]
struct Arm {
    count: f64,
    sum: f64,
    squares: f64,
}

/// The bandit.
#[derive(Debug)]
pub(super) struct Thompson {
    arms: Vec<Arm>,
    discounted: Time,
    luck: Luck,
}

impl Thompson {
    pub(super) fn new(count: usize, luck: Luck) -> Self {
        Self {
            arms: vec![Arm::default(); count],
            discounted: Time::ZERO,
            luck,
        }
    }

    fn discount(&mut self, now: Time) {
        let kept = 0.5_f64.powf(now.secs_since(self.discounted) / HALF_LIFE);
        self.discounted = now;
        for arm in &mut self.arms {
            arm.count *= kept;
            arm.sum *= kept;
            arm.squares *= kept;
        }
    }

    /// Mean and variance over the candidates.
    fn pooled(&self, candidates: &[usize]) -> (f64, f64) {
        let arms = || candidates.iter().map(|target| &self.arms[*target]);
        let count: f64 = arms().map(|arm| arm.count).sum();
        let sum: f64 = arms().map(|arm| arm.sum).sum();
        let mean = if count > 0.5 {
            sum / count
        } else {
            FIRST_GUESS
        };
        let within = arms().filter(|arm| arm.count > 0.0);
        let within: f64 = within
            .map(|arm| (arm.squares - arm.sum * arm.sum / arm.count).max(0.0))
            .sum();
        let variance = (within + PRIOR_VARIANCE) / (count + PRIOR_VARIANCE);
        (mean, variance.max(LEAST_VARIANCE))
    }
}

impl Policy for Thompson {
    fn set_present(&mut self, _: usize, _: bool, _: Time) {}

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        self.discount(asked.now);
        let candidates = members(asked.eligible, self.arms.len());
        let (mean, variance) = self.pooled(&candidates);
        let mut drawn = vec![0.0; self.arms.len()];
        for target in &candidates {
            let arm = &self.arms[*target];
            let posterior = (arm.sum + mean) / (arm.count + 1.0);
            let deviation = (variance / (arm.count + 1.0)).sqrt();
            drawn[*target] = posterior + deviation * self.luck.normal();
        }
        least(&candidates, |target| drawn[target]).map(Picked::of)
    }

    fn began(&mut self, _: &Attempt, _: Time) {}

    fn happened(&mut self, attempt: &Attempt, event: &Event, score: Option<&Score>, now: Time) {
        let (Some((_, verdict)), Some(score)) = (end(event), score) else {
            return;
        };
        if verdict != Verdict::Nothing {
            self.discount(now);
            let arm = &mut self.arms[attempt.target];
            arm.count += 1.0;
            arm.sum += score.loss;
            arm.squares += score.loss * score.loss;
        }
    }

    fn tick(&mut self, _: Time) {}
}
