//! `sw-ucb`: sliding-window UCB on the loss.
//!
//! Source: Garivier and Moulines, "On upper-confidence bound policies for switching bandit problems", ALT 2011.
//!
//! Of each arm only what ended within the window counts. The arm with the least mean loss − ξ · √(ln n / nᵢ) is played, n
//! being all observations of the window and nᵢ the arm's own. An arm without any is played first, the one with the least
//! in flight; with more than five in flight and no answer yet it is played last, since answers come seconds
//! later and the textbook's rule would send it everything until then.
//!
//! Tuned: the window among 30, 60, 120, 180, 240 and 400 s over the base scenarios; ξ = 0.6 from an earlier
//! numerical prototype. It explores for ever: with fifty arms, most of what it does.

use std::collections::VecDeque;

use super::choice::{Luck, least, members};
use super::verdict::{Verdict, end};
use crate::model::{Event, Time};
use crate::sim::policy::{Asked, Attempt, Picked, Policy, Score};

/// In seconds.
const WINDOW: f64 = 180.0;
/// ξ, in units of loss.
const OPTIMISM: f64 = 0.6;
/// Requests in flight at an arm of which nothing is known.
const TRIALS: u32 = 5;

#[derive(Clone, Copy, Debug, Default)]
struct Arm {
    count: f64,
    sum: f64,
    in_flight: u32,
}

/// The bandit.
#[derive(Debug)]
pub(super) struct SwUcb {
    arms: Vec<Arm>,
    /// When, where and how large the losses of the window were.
    window: VecDeque<(Time, usize, f64)>,
    luck: Luck,
}

impl SwUcb {
    pub(super) fn new(count: usize, luck: Luck) -> Self {
        Self {
            arms: vec![Arm::default(); count],
            window: VecDeque::new(),
            luck,
        }
    }

    fn forget(&mut self, now: Time) {
        while let Some((at, target, loss)) = self.window.front() {
            if now.secs_since(*at) <= WINDOW {
                break;
            }
            let arm = &mut self.arms[*target];
            arm.count -= 1.0;
            arm.sum -= loss;
            self.window.pop_front();
        }
    }

    /// The lower bound of an arm's loss, given all observations of the window.
    fn bound(&self, target: usize, all: f64) -> f64 {
        let arm = &self.arms[target];
        if arm.count >= 0.5 {
            return arm.sum / arm.count - OPTIMISM * (all.ln().max(0.1) / arm.count).sqrt();
        }
        if arm.in_flight > TRIALS {
            f64::MAX
        } else {
            f64::from(arm.in_flight) - 1e6
        }
    }
}

impl Policy for SwUcb {
    fn set_present(&mut self, _: usize, _: bool, _: Time) {}

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        self.forget(asked.now);
        let candidates = members(asked.eligible, self.arms.len());
        let all: f64 = self.arms.iter().map(|arm| arm.count).sum();
        let bounds: Vec<f64> = (0..self.arms.len())
            .map(|target| self.bound(target, all.max(1.0)))
            .collect();
        let lowest = bounds[least(&candidates, |target| bounds[target])?];
        let best = candidates.into_iter();
        let best: Vec<usize> = best.filter(|target| bounds[*target] <= lowest).collect();
        self.luck.one_of(&best).map(Picked::of)
    }

    fn began(&mut self, attempt: &Attempt, _: Time) {
        self.arms[attempt.target].in_flight += 1;
    }

    fn happened(&mut self, attempt: &Attempt, event: &Event, score: Option<&Score>, now: Time) {
        let Some((_, verdict)) = end(event) else {
            return;
        };
        let arm = &mut self.arms[attempt.target];
        arm.in_flight = arm.in_flight.saturating_sub(1);
        if let Some(score) = score
            && verdict != Verdict::Nothing
        {
            arm.count += 1.0;
            arm.sum += score.loss;
            self.window.push_back((now, attempt.target, score.loss));
        }
    }

    fn tick(&mut self, _: Time) {}
}
