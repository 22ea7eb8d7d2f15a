//! `litellm`: LiteLLM's latency-based routing with the router's cooldowns.
//!
//! Source: `litellm/router_strategy/lowest_latency.py` and `router_utils/cooldown_handlers.py` of LiteLLM 1.109.1, and
//! <https://docs.litellm.ai/docs/proxy/reliability>, read in October 2026.
//!
//! Every deployment keeps a list of its last ten latencies, each divided by the tokens of the answer; a time-out enters
//! as 1,000. A request goes to the least mean, evenly among equals; a deployment without a list counts as 0 and so comes
//! first. A deployment cools down for five seconds after a 429, after an error that says our own settings are wrong, and
//! when more than half of at least five requests of the current minute failed.
//!
//! Stronger than the product in three ways. The list rolls: the product keeps the first nine and replaces the tenth, so
//! that it hardly moves once full. Streams are judged by time per token of the whole answer, too: the product ranks
//! them by time to first token alone, which sees neither a slow stream nor a time-out. And a time-out cools down
//! at once, where the product waits for the minute's half. The list does not expire after an hour.
//!
//! Tuned: nothing; buffer 0, ten samples and five seconds are the defaults.

use std::collections::VecDeque;

use super::choice::{Luck, allowed_or_all, members};
use super::verdict::{Verdict, end};
use crate::model::{Event, Time};
use crate::sim::policy::{Asked, Attempt, Picked, Policy, Score};

/// `max_latency_list_size`.
const LIST: usize = 10;
/// What a time-out enters the list as, in seconds per token.
const TIMED_OUT: f64 = 1000.0;
/// `DEFAULT_COOLDOWN_TIME_SECONDS`.
const COOLDOWN: f64 = 5.0;
/// `DEFAULT_FAILURE_THRESHOLD_PERCENT` and `DEFAULT_FAILURE_THRESHOLD_MINIMUM_REQUESTS`.
const FAILING: f64 = 0.5;
const ENOUGH: u32 = 5;

/// One deployment, in LiteLLM's word for a target.
#[derive(Debug, Default)]
struct Deployment {
    /// Seconds per token of the last answers.
    latencies: VecDeque<f64>,
    cooling_until: Time,
    minute: Minute,
}

/// What came of the requests of one minute of the clock.
#[derive(Debug, Default)]
struct Minute {
    number: u64,
    answered: u32,
    failed: u32,
}

impl Deployment {
    /// Mean of the list; 0 without one.
    fn latency(&self) -> f64 {
        self.latencies.iter().sum::<f64>() / self.latencies.len().max(1) as f64
    }

    fn note(&mut self, latency: f64) {
        if self.latencies.len() == LIST {
            self.latencies.pop_front();
        }
        self.latencies.push_back(latency);
    }

    fn count(&mut self, verdict: Verdict, now: Time) {
        let number = now.as_micros() / 60_000_000;
        if self.minute.number != number {
            self.minute = Minute {
                number,
                ..Minute::default()
            };
        }
        self.minute.answered += u32::from(verdict == Verdict::Answered);
        self.minute.failed += u32::from(verdict.is_fault());
    }

    fn cools_down(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Throttled | Verdict::TimedOut | Verdict::Misconfigured => true,
            Verdict::Failed => {
                let all = self.minute.answered + self.minute.failed;
                all >= ENOUGH && f64::from(self.minute.failed) > FAILING * f64::from(all)
            }
            Verdict::Answered | Verdict::Nothing => false,
        }
    }
}

/// LiteLLM's router.
#[derive(Debug)]
pub(super) struct LiteLlm {
    deployments: Vec<Deployment>,
    luck: Luck,
}

impl LiteLlm {
    pub(super) fn new(count: usize, luck: Luck) -> Self {
        Self {
            deployments: (0..count).map(|_| Deployment::default()).collect(),
            luck,
        }
    }
}

impl Policy for LiteLlm {
    fn set_present(&mut self, _: usize, _: bool, _: Time) {}

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        let all = &self.deployments;
        let warm = |target: usize| all[target].cooling_until <= asked.now;
        let warm = allowed_or_all(asked.eligible, all.len(), warm);
        let candidates = members(&warm, all.len());
        let latency = |target: &usize| all[*target].latency();
        let least = candidates.iter().map(latency).fold(f64::INFINITY, f64::min);
        let best = candidates.iter().copied();
        let best: Vec<usize> = best.filter(|target| latency(target) <= least).collect();
        self.luck.one_of(&best).map(Picked::of)
    }

    fn began(&mut self, _: &Attempt, _: Time) {}

    fn happened(&mut self, attempt: &Attempt, event: &Event, _: Option<&Score>, now: Time) {
        let Some((end, verdict)) = end(event) else {
            return;
        };
        let deployment = &mut self.deployments[attempt.target];
        match verdict {
            Verdict::Answered => {
                let tokens = attempt.tokens_out.max(1) as f64;
                deployment.note(end.total.as_secs_f64() / tokens);
            }
            Verdict::TimedOut => deployment.note(TIMED_OUT),
            Verdict::Throttled | Verdict::Failed | Verdict::Misconfigured | Verdict::Nothing => {}
        }
        deployment.count(verdict, now);
        if deployment.cools_down(verdict) {
            deployment.cooling_until = now.after_secs(COOLDOWN);
        }
    }

    fn tick(&mut self, _: Time) {}
}
