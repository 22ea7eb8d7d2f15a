//! A bench for one rival: says what happens to it, and counts what it picks.

use std::time::Duration;

use super::by_name;
use crate::balance::{Mask, Weight};
use crate::model::{AnswerKind, Event, Finished, Outcome, TargetIndex, Time};
use crate::sim::policy::{Asked, Attempt, Policy, Score};

/// A rival, and the time of its world.
pub(super) struct Bench {
    policy: Box<dyn Policy>,
    count: usize,
    pub(super) now: f64,
    attempts: u64,
    next_tick: f64,
    pub(super) prices: Vec<f64>,
}

impl Bench {
    /// A rival over targets of these weights.
    pub(super) fn of(name: &str, weights: &[f64]) -> Self {
        let configured: Vec<Weight> = weights.iter().map(|w| Weight::new(*w).unwrap()).collect();
        let mut policy = by_name(name, &configured, 1, 0).unwrap();
        for target in 0..weights.len() {
            policy.set_present(target, true, Time::ZERO);
        }
        Self {
            policy,
            count: weights.len(),
            now: 0.0,
            attempts: 0,
            next_tick: 0.25,
            prices: vec![1.0; weights.len()],
        }
    }

    pub(super) fn at(&self) -> Time {
        Time::from_secs_f64(self.now)
    }

    /// Lets time pass, with its ticks.
    pub(super) fn wait(&mut self, seconds: f64) {
        let until = self.now + seconds;
        while self.next_tick <= until {
            self.policy.tick(Time::from_secs_f64(self.next_tick));
            self.next_tick += 0.25;
        }
        self.now = until;
    }

    /// Whom it picks now, among these.
    pub(super) fn pick_among(&mut self, eligible: &Mask) -> Option<usize> {
        let asked = Asked {
            now: self.at(),
            request: self.attempts,
            kind: AnswerKind::Streamed,
            eligible,
            attempts: 0,
            conversation: None,
        };
        self.policy.pick(&asked).map(|picked| picked.target)
    }

    /// Whom it picks now, among all.
    pub(super) fn pick(&mut self) -> usize {
        let all: Mask = (0..self.count).map(TargetIndex::at).collect();
        self.pick_among(&all).unwrap()
    }

    /// A request begins at `target`.
    pub(super) fn begin(&mut self, target: usize) -> Attempt {
        let attempt = Attempt {
            id: self.attempts,
            request: self.attempts,
            target,
            kind: AnswerKind::Streamed,
            probe: false,
            started: self.at(),
            tokens_out: 100,
            price: self.prices[target],
        };
        self.attempts += 1;
        self.policy.began(&attempt, attempt.started);
        attempt
    }

    /// It ends now, as the time since its start says. A typical answer takes two seconds.
    pub(super) fn end(&mut self, attempt: &Attempt, outcome: Outcome, wait: Option<Duration>) {
        let total = self.at().since(attempt.started);
        let relative = total.as_secs_f64() / 2.0;
        let answered = outcome == Outcome::Ok;
        let score = Score {
            loss: if answered {
                relative + 0.5 * attempt.price
            } else {
                5.0 + relative
            },
            slowness: answered.then_some(relative),
        };
        let event = Event::Finished(Finished {
            outcome,
            total,
            first_content: None,
            tokens: None,
            estimated: false,
            cost: None,
            wait,
        });
        self.policy
            .happened(attempt, &event, Some(&score), self.at());
    }

    /// A whole attempt at `target` that takes `seconds`.
    pub(super) fn attempt(&mut self, target: usize, seconds: f64, outcome: Outcome) {
        let attempt = self.begin(target);
        self.wait(seconds);
        self.end(&attempt, outcome, None);
    }

    /// Shares of `picks` requests, one after the other, each ending as `fate` says.
    pub(super) fn shares(
        &mut self,
        picks: u32,
        fate: impl Fn(usize) -> (f64, Outcome),
    ) -> Vec<f64> {
        let mut counts = vec![0.0; self.count];
        for _ in 0..picks {
            let target = self.pick();
            counts[target] += 1.0 / f64::from(picks);
            let (seconds, outcome) = fate(target);
            self.attempt(target, seconds, outcome);
        }
        counts
    }
}

/// Everybody answers after as many seconds as stand here.
pub(super) fn answers(seconds: &[f64]) -> impl Fn(usize) -> (f64, Outcome) {
    move |target| (seconds[target], Outcome::Ok)
}
