//! The targets of a running scenario: laws, queues and limits, shared by all replicas.

use std::time::Duration;

use super::arrivals::Arrival;
use super::caches::Cache;
use super::scenario::{Scenario, SimTarget};
use crate::law::{Ask, Draws, Fate, State, Ticket, fate, salt};
use crate::model::{PicoUsd, Time, Tokens};

/// One target as it is.
#[derive(Debug)]
pub(super) struct Standing<'a> {
    pub(super) told: &'a SimTarget,
    pub(super) state: State,
    cache: Cache,
    salt: u64,
}

/// All targets as they are.
#[derive(Debug)]
pub(super) struct World<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) targets: Vec<Standing<'a>>,
    seed: u64,
    /// Dollars of a usual answer.
    usual: f64,
}

/// What an answer uses and costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bill {
    pub(super) tokens: Tokens,
    /// In pico-dollars.
    pub(super) cost: PicoUsd,
    /// Relative to a usual answer.
    pub(super) price: f64,
}

impl<'a> World<'a> {
    pub(super) fn new(scenario: &'a Scenario, seed: u64) -> Self {
        let targets = scenario.targets.iter().map(|(name, told)| Standing {
            told,
            state: State::default(),
            cache: Cache::default(),
            salt: salt(name),
        });
        Self {
            scenario,
            targets: targets.collect(),
            seed,
            usual: scenario.usual_dollars(),
        }
    }

    /// What the answer to this request would use and cost at `target`.
    pub(super) fn bill(&self, target: usize, arrival: &Arrival, now: Time) -> Bill {
        let told = self.targets[target].told;
        let tokens = Tokens {
            input: arrival.tokens_in,
            cached_input: self.targets[target].cache.cached(arrival, now),
            output: arrival.tokens_out,
            ..Tokens::default()
        };
        Bill {
            tokens,
            cost: self
                .scenario
                .price(told, now)
                .unwrap_or_default()
                .of(tokens),
            price: self.scenario.relative_price(told, tokens, now, self.usual),
        }
    }

    /// Sends a request to `target`: what it will experience there.
    pub(super) fn send(
        &mut self,
        target: usize,
        arrival: &Arrival,
        patience: Duration,
        now: Time,
    ) -> Fate {
        let asked = Ask {
            tokens_out: Some(arrival.tokens_out),
            at_most: None,
            client_fault: arrival.client_fault,
            uncached: arrival.tokens_in - self.targets[target].cache.cached(arrival, now),
            patience: Some(patience),
        };
        let at = &mut self.targets[target];
        let draws = Draws::of(self.seed, arrival.request, at.salt);
        let fate = fate(&at.told.law, &mut at.state, &asked, &draws, now);
        if let (Some(told), Fate::Answer(_)) = (&self.scenario.load.conversations, &fate) {
            at.cache.keep(arrival, now, told.lifetime);
        }
        fate
    }

    /// Somebody gives up who stands in line, or is served.
    pub(super) fn leave(&mut self, target: usize, ticket: Ticket, now: Time) {
        self.targets[target].state.queue.leave(ticket, now);
    }
}
