//! What targets have in their prompt caches.
//!
//! A target that has served a turn has its prompt for the cache's lifetime; the next turn of the same conversation begins
//! with that prompt and finds it there. Each target has its own: who comes back after a turn elsewhere finds what was there
//! before. Providers cache in blocks of some hundred tokens and may drop a prompt earlier; here all of it is kept.

use std::collections::BTreeMap;

use super::arrivals::Arrival;
use crate::model::Time;

/// How often what has expired is thrown away, in prompts.
const SWEEP: usize = 4096;

/// The prompts in one target's cache, by conversation.
#[derive(Debug, Default)]
pub(super) struct Cache {
    prompts: BTreeMap<u64, Prompt>,
    since_sweep: usize,
}

#[derive(Clone, Copy, Debug)]
struct Prompt {
    tokens: u64,
    until: Time,
}

impl Cache {
    /// Tokens of this request's prompt that are in the cache.
    pub(super) fn cached(&self, arrival: &Arrival, now: Time) -> u64 {
        let known = arrival
            .conversation
            .and_then(|conversation| self.prompts.get(&conversation));
        let alive = known.filter(|prompt| prompt.until > now);
        alive.map_or(0, |prompt| prompt.tokens.min(arrival.tokens_in))
    }

    /// The target reads this request's prompt and has it for `lifetime` seconds.
    pub(super) fn keep(&mut self, arrival: &Arrival, now: Time, lifetime: f64) {
        let Some(conversation) = arrival.conversation else {
            return;
        };
        let prompt = Prompt {
            tokens: arrival.tokens_in,
            until: now.after_secs(lifetime),
        };
        self.prompts.insert(conversation, prompt);
        self.since_sweep += 1;
        if self.since_sweep >= SWEEP {
            self.since_sweep = 0;
            self.prompts.retain(|_, prompt| prompt.until > now);
        }
    }
}
