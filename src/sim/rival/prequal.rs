//! `prequal`: Prequal's hot-cold rule, on what passes by.
//!
//! Source: Wydrowski, Kleinberg, Rumble, Archer, "Load is not what you should balance: Introducing Prequal", NSDI 2024.
//!
//! Prequal probes servers for their requests in flight and their latency at that load. A server whose requests in flight
//! are above a quantile of the pool is hot; of the cold ones the least latency is taken, and of hot ones alone the least
//! in flight. A provider of language models cannot be probed for either, so both are what the replica itself sees:
//! its own requests in flight, and a moving average of answers' times relative to a typical answer of the same length.
//! Up to four targets drawn evenly stand for the pool of probes. An attempt without an answer counts as six
//! typical answers, or a target that fails at once would be the quickest.
//!
//! What it cannot see: what others have in flight there, configured weights, prices; and it tries again only what is hot.
//!
//! Tuned: averages over ten answers. The quantile is the paper's 2^(−1/4).

use super::choice::{Luck, least, members};
use super::verdict::{Verdict, end};
use crate::model::{Event, Time};
use crate::sim::policy::{Asked, Attempt, Picked, Policy, Score};

/// Quantile of requests in flight above which a target is hot: the paper's default.
const HOT: f64 = 0.840_896;
/// Targets that are compared for a request.
const PROBES: usize = 4;
/// Part of an average that a new answer makes up.
const GAIN: f64 = 0.1;
/// What an attempt without an answer counts as, in typical answers.
const FAILED: f64 = 6.0;

#[derive(Clone, Copy, Debug, Default)]
struct Server {
    in_flight: u32,
    /// Average time in typical answers; 0 before the first, so that a newcomer is tried.
    latency: f64,
}

/// The rule.
#[derive(Debug)]
pub(super) struct Prequal {
    servers: Vec<Server>,
    luck: Luck,
}

impl Prequal {
    pub(super) fn new(count: usize, luck: Luck) -> Self {
        Self {
            servers: vec![Server::default(); count],
            luck,
        }
    }

    /// Most requests in flight that a cold server may have.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a position in the list, rounded down"
    )]
    fn bound(&self, candidates: &[usize]) -> u32 {
        let in_flight = candidates.iter().map(|i| self.servers[*i].in_flight);
        let mut sorted: Vec<u32> = in_flight.collect();
        sorted.sort_unstable();
        let place = sorted.len().saturating_sub(1) as f64 * HOT;
        sorted.get(place as usize).copied().unwrap_or_default()
    }

    /// Up to four of the candidates, drawn without putting back.
    fn probed(&mut self, mut candidates: Vec<usize>) -> Vec<usize> {
        for i in 0..candidates.len().min(PROBES) {
            let other = i + self.luck.below(candidates.len() - i);
            candidates.swap(i, other);
        }
        candidates.truncate(PROBES);
        candidates
    }
}

impl Policy for Prequal {
    fn set_present(&mut self, _: usize, _: bool, _: Time) {}

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        let candidates = members(asked.eligible, self.servers.len());
        let bound = self.bound(&candidates);
        let probed = self.probed(candidates);
        let in_flight = |target: usize| self.servers[target].in_flight;
        let cold = probed.iter().copied();
        let cold: Vec<usize> = cold.filter(|target| in_flight(*target) <= bound).collect();
        least(&cold, |target| self.servers[target].latency)
            .or_else(|| least(&probed, |target| f64::from(in_flight(target))))
            .map(Picked::of)
    }

    fn began(&mut self, attempt: &Attempt, _: Time) {
        self.servers[attempt.target].in_flight += 1;
    }

    fn happened(&mut self, attempt: &Attempt, event: &Event, score: Option<&Score>, _: Time) {
        let Some((_, verdict)) = end(event) else {
            return;
        };
        let server = &mut self.servers[attempt.target];
        server.in_flight = server.in_flight.saturating_sub(1);
        let found = match verdict {
            Verdict::Answered => score.and_then(|score| score.slowness),
            Verdict::Nothing => None,
            Verdict::Throttled | Verdict::TimedOut | Verdict::Failed | Verdict::Misconfigured => {
                Some(FAILED)
            }
        };
        if let Some(found) = found {
            server.latency = if server.latency <= 0.0 {
                found
            } else {
                server.latency + GAIN * (found - server.latency)
            };
        }
    }

    fn tick(&mut self, _: Time) {}
}
