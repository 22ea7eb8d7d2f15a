//! What the books hold, as plain values.

use serde::{Deserialize, Serialize};

use crate::balance::Decision;
use crate::model::{PicoUsd, Time};

/// Whose use it is, and when: what one row of usage is about. Texts that nobody gave are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UsageKey {
    /// Minutes since 1970.
    pub minute: u64,
    /// The route, `inline` or `direct`; empty where a request was refused before it had one.
    pub route: String,
    /// The target's name within its route, or `provider/model`.
    pub target: String,
    /// `provider/model`.
    pub upstream: String,
    /// The client key's name.
    pub key: String,
    /// The team.
    pub team: String,
    /// The feature of an application.
    pub feature: String,
    /// The user of an application.
    pub user: String,
}

/// Sums of what was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Requests, each counted where it ended.
    pub requests: u64,
    /// Those of them that failed for no reason of the client's.
    pub failed: u64,
    /// Calls to the target, of requests that ended here or elsewhere.
    pub calls: u64,
    /// Tokens of prompts, with those that the provider had in its cache.
    pub tokens_in: u64,
    /// Tokens of prompts that the provider had in its cache.
    pub tokens_cached: u64,
    /// Tokens of prompts that the provider wrote to its cache.
    pub tokens_cache_write: u64,
    /// Tokens of answers, with those of reasoning.
    pub tokens_out: u64,
    /// Tokens of answers that were spent on reasoning.
    pub tokens_reasoning: u64,
    /// What it cost.
    pub cost: PicoUsd,
    /// Calls with tokens and without a price: what they cost is not in `cost`.
    pub unpriced: u64,
    /// Calls whose tokens were worked out from sizes.
    pub estimated: u64,
    /// Microseconds to the first content, of all streams together.
    pub first_token_us_sum: u64,
    /// How many streams that are.
    pub first_token_n: u64,
    /// Microseconds from head to end, of all requests together that did not fail.
    pub total_us_sum: u64,
    /// How many requests that are.
    pub total_n: u64,
}

impl Sums {
    /// Adds what somebody else used.
    pub fn add(&mut self, other: &Self) {
        let (ours, theirs) = (self.counts_mut(), other.counts());
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            *ours = ours.saturating_add(theirs);
        }
        self.cost += other.cost;
    }

    /// All but the cost, in the order of [`super::usage::COLUMNS`].
    pub(super) fn counts(&self) -> [u64; 14] {
        let mut copy = *self;
        copy.counts_mut().map(|count| *count)
    }

    pub(super) fn counts_mut(&mut self) -> [&mut u64; 14] {
        [
            &mut self.requests,
            &mut self.failed,
            &mut self.calls,
            &mut self.tokens_in,
            &mut self.tokens_cached,
            &mut self.tokens_cache_write,
            &mut self.tokens_out,
            &mut self.tokens_reasoning,
            &mut self.unpriced,
            &mut self.estimated,
            &mut self.first_token_us_sum,
            &mut self.first_token_n,
            &mut self.total_us_sum,
            &mut self.total_n,
        ]
    }
}

/// A decision that moved shares, with the reason for every share.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// When.
    pub at: Time,
    /// The route's name.
    pub route: String,
    /// Which of its tables this was.
    pub table_version: u64,
    /// Of which configuration.
    pub config_generation: u64,
    /// The decision.
    pub decision: Decision,
}

/// The shares that the controller came to for a route, from a moment on until the next such row.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Since when.
    pub at: Time,
    /// The route's name.
    pub route: String,
    /// Whether they were in force (`mode = "auto"`), or only shown (`mode = "shadow"`).
    pub obeyed: bool,
    /// By target; none while the controller is off.
    pub shares: Vec<ProposedShare>,
}

/// A target's part of a [`Proposal`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposedShare {
    /// Its name.
    pub target: String,
    /// What the configured weights ask for, 0 to 1.
    pub configured: f64,
    /// What the controller came to, 0 to 1.
    pub share: f64,
}

/// A warning. `id` says which: a later row of the same id is the same warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRow {
    /// Unique.
    pub id: String,
    /// Of which kind.
    pub kind: String,
    /// About whom or what.
    pub subject: String,
    /// Since when.
    pub since: Time,
    /// Since when no more.
    pub resolved: Option<Time>,
    /// In words.
    pub message: String,
}

/// A message about an alert: who is to be told what of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The alert's.
    pub id: String,
    /// The webhook's name.
    pub webhook: String,
    /// Whether it says that the alert is over.
    pub is_over: bool,
}

/// An operator's order that holds, as whoever gave it wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SteeringRow {
    /// Unique.
    pub id: String,
    /// JSON.
    pub json: String,
}

/// A client key that was made or revoked here, without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// What tells whether a key is this one. Unique.
    pub hash: String,
    /// Its name.
    pub name: String,
    /// What it may, who made and who revoked it, in JSON.
    pub json: String,
    /// Since when it is not accepted any more.
    pub revoked_at: Option<Time>,
}
