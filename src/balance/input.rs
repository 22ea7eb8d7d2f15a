//! What a tick is told: plain values, the same type in the daemon, the simulator and the journal.

use serde::{Deserialize, Serialize};

use super::gate::{Cause, ProbeResult};
use super::peers::Peers;
use super::prompts::Line;
use super::sketch::Times;
use crate::model::{AnswerKind, Class, PicoUsd, Price, Time};

/// Largest normalised time to first token that counts in full; one hung answer must not outweigh hundreds.
pub const MOST_FIRST_TOKEN: f64 = 20.0;
/// Largest normalised time per token, and unary total, that counts in full.
pub const MOST_PER_TOKEN: f64 = 8.0;
/// Most recent events that a batch keeps in order.
pub(super) const MOST_RECENT: usize = 16;
/// Most unary totals that a batch keeps one by one.
pub const MOST_TOTALS: usize = 256;

/// Count, sum and sum of squares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moments {
    /// How many values.
    pub n: f64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
}

impl Moments {
    /// Adds one value.
    pub fn add(&mut self, value: f64) {
        self.n += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    /// The mean; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0.0).then(|| self.sum / self.n)
    }
}

/// What times are divided by before they are compared: seconds to the first token, and seconds per token.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reference {
    /// Seconds to the first token.
    pub first_token: f64,
    /// Seconds per token.
    pub per_token: f64,
}

impl Default for Reference {
    /// A middling hosted model; the cohort replaces it by what it sees.
    fn default() -> Self {
        Self {
            first_token: 0.5,
            per_token: 0.015,
        }
    }
}

/// One event in order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    /// When.
    pub at: Time,
    /// What it said about the target.
    pub class: Class,
    /// Seconds to the first token, where there was one.
    pub first_token: Option<f64>,
}

/// What one upstream did since the last tick.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Batch {
    /// Attempts sent: streamed, unary.
    pub dispatched: [u32; 2],
    /// Attempts ended, by [`Class::index`].
    pub classes: [u32; 6],
    /// Streams that were silent for too long; each counts as a fault of its own.
    pub gaps: u32,
    /// Of the faults, silences included, those of requests that were sent before its last ejection: they were counted then.
    #[serde(skip_serializing_if = "is_none_yet")]
    pub stale: u32,
    /// Normalised times to first token.
    pub first_token: Moments,
    /// Normalised times per token.
    pub per_token: Moments,
    /// Normalised totals of unary answers.
    pub unary: Moments,
    /// Seconds of unary answers, one by one, at most [`MOST_TOTALS`].
    pub unary_totals: Vec<f32>,
    /// How many more there were.
    pub unary_totals_more: u32,
    /// Times in seconds, as they are distributed.
    #[serde(default, skip_serializing_if = "Times::is_empty")]
    pub times: Times,
    /// Answers with known tokens.
    pub counted: u32,
    /// Their tokens in.
    pub tokens_in: u64,
    /// Of those, found in the provider's cache.
    #[serde(default)]
    pub tokens_cached: u64,
    /// Seconds to their first token over tokens in that were not cached.
    #[serde(default, skip_serializing_if = "Line::is_empty")]
    pub line: Line,
    /// Their tokens out.
    pub tokens_out: u64,
    /// Σ tokens in × seconds to the first token.
    pub tokens_in_by_first_token: f64,
    /// What answers cost.
    pub cost: PicoUsd,
    /// Answers with a known cost.
    pub costed: u32,
    /// The last events in order.
    pub recent: Vec<Recent>,
    /// How many did not fit.
    pub recent_more: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "what is left out of a text is asked by reference"
)]
fn is_none_yet(count: &u32) -> bool {
    *count == 0
}

impl Batch {
    /// Ends of `class`.
    pub fn count(&self, class: Class) -> u32 {
        self.classes[class.index()]
    }

    /// Adds an event in order, if it fits.
    pub fn note(&mut self, recent: Recent) {
        if self.recent.len() < MOST_RECENT {
            self.recent.push(recent);
        } else {
            self.recent_more += 1;
        }
    }
}

/// A request in flight that has no content yet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flight {
    /// Seconds since it was sent.
    pub age: f64,
    /// Streamed or unary.
    pub kind: AnswerKind,
    /// Whether it is the upstream's probe.
    pub probe: bool,
}

/// News from between the ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct News {
    /// `react` ejected it.
    pub ejected: Option<(Time, Cause)>,
    /// A probe was sent.
    pub probe_sent: bool,
    /// The last probe's result.
    pub probe: Option<ProbeResult>,
}

/// What the last answer said is left of its provider's limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Headroom {
    /// When it said so.
    pub at: Time,
    /// Of requests.
    pub requests: Option<Room>,
    /// Of tokens.
    pub tokens: Option<Room>,
}

/// What is left of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Room {
    /// What is left, in requests or tokens.
    pub remaining: f64,
    /// The whole of it.
    pub limit: Option<f64>,
    /// Seconds until it is whole again.
    pub resets_in: Option<f64>,
}
impl News {
    /// This and `later`, as one tick would have heard both.
    #[must_use]
    pub fn followed_by(self, later: Self) -> Self {
        let mut news = Self {
            ejected: later.ejected.or(self.ejected),
            probe_sent: self.probe_sent || later.probe_sent,
            probe: self.probe,
        };
        if let Some(result) = later.probe {
            news.add_probe(result);
        }
        news
    }

    /// Notes what a probe showed. Within one tick a failure hides a success, and either hides a void.
    pub(super) const fn add_probe(&mut self, result: ProbeResult) {
        match (self.probe, result) {
            (Some(ProbeResult::Failed(_)), _)
            | (Some(ProbeResult::Passed), ProbeResult::Passed | ProbeResult::Void) => {}
            (None | Some(ProbeResult::Passed | ProbeResult::Void), _) => self.probe = Some(result),
        }
    }
}

/// All that a tick is told about one upstream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpstreamInput {
    /// What it did.
    pub batch: Batch,
    /// What the batch's times were divided by.
    pub reference: Reference,
    /// Requests in flight, those with content included.
    pub in_flight: u32,
    /// Those without content yet.
    pub flights: Vec<Flight>,
    /// The gate's fault sum.
    pub fault_sum: f64,
    /// No requests before this moment.
    pub blocked_until: Time,
    /// What happened at the gate.
    pub news: News,
    /// Its price now.
    pub price: Option<Price>,
    /// What its provider said is left of its limits, if an answer since the last tick said it.
    #[serde(default)]
    pub headroom: Option<Headroom>,
    /// What the other replicas say about it; `None` where there are none. What they measured is in the batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peers: Option<Peers>,
}

/// What an application said of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Who gave the answer, by its place in the route.
    pub target: u32,
    /// How good it was, 0 to 1.
    pub score: f64,
    /// The score of the same answer that this one takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<Replaced>,
}

/// A score that does not count any more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replaced {
    /// What it was.
    pub score: f64,
    /// What is left of its weight, 0 to 1.
    pub weight: f64,
}

/// All that a tick is told about one route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteInput {
    /// Requests that came since the last tick.
    pub arrivals: u32,
    /// First picks since the last tick, by target.
    pub picked: Vec<u32>,
    /// What applications said of its answers since the last tick.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<Scored>,
}

/// All that a tick is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The time.
    pub now: Time,
    /// Seconds since the last tick.
    pub elapsed: f64,
    /// The plan's upstreams, in its order.
    pub upstreams: Vec<UpstreamInput>,
    /// The plan's routes, in its order.
    pub routes: Vec<RouteInput>,
}
