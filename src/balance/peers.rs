//! What the other replicas say about one upstream, as plain values.
//!
//! What they measured is in the batch already, as if this replica had measured it. Here is what cannot be added up: how the
//! upstream stands with them now, and what of the fleet's is this replica's to do.

use serde::{Deserialize, Serialize};

use super::gate::Cause;
use crate::model::AnswerKind;

/// What the other replicas say about one upstream at this tick. A replica whose evidence is contradicted by the others' has
/// no say in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is the answer to a question of its own"
)]
pub struct Peers {
    /// Replicas with evidence about it in the last seconds, this one not counted.
    pub replicas: u32,
    /// Of those, how many have it ejected now.
    pub ejected: u32,
    /// Why most of those have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Probes of peers that passed since the last tick.
    pub passed: u32,
    /// Probes of peers that failed since the last tick.
    pub failed: u32,
    /// Whether this replica had good answers from it in the last seconds, and hardly a fault.
    pub well_here: bool,
    /// What they had since the last tick, each for itself; it is in the batch as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<Ends>,
    /// Their requests without content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
    /// Unary answers that were due to them since the last tick, by the ages of their requests; those that came are in the
    /// batch.
    pub due: f64,
    /// Their requests in flight, those with content included.
    pub in_flight: u32,
    /// Whether the next probe of it is this replica's to send, if it is ejected.
    pub probe_here: bool,
    /// Whether an extra request that shows whether it is well again is this replica's to send, if it serves.
    pub extra_here: bool,
    /// Replicas that share what is a number of requests, this one counted; at least 1.
    pub share_of: u32,
    /// Where this replica stands when a part of a request is given out, 0 to 1: of ten that get three tenths each, those three
    /// below 0.3 get one. The places are even among replicas, and change from second to second.
    pub turn: f64,
    /// Whether the others are out of sight though they are likely there: then the batch is of this replica alone, and what
    /// the fleet was found to have room for is divided once and for all until they are seen again.
    pub apart: bool,
}

impl Default for Peers {
    /// A fleet of one.
    fn default() -> Self {
        Self {
            replicas: 0,
            ejected: 0,
            cause: None,
            passed: 0,
            failed: 0,
            well_here: false,
            ends: Vec::new(),
            pending: Vec::new(),
            due: 0.0,
            in_flight: 0,
            probe_here: true,
            extra_here: true,
            share_of: 1,
            turn: 0.5,
            apart: false,
        }
    }
}

impl Peers {
    /// The part of the fleet's room that is this replica's: all that it knows of where the others are out of sight.
    pub(super) fn part(&self) -> f64 {
        if self.apart {
            1.0
        } else {
            1.0 / f64::from(self.share_of.max(1))
        }
    }
}

/// Answers and faults of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends {
    /// Whose, as a number that is the same from tick to tick.
    pub who: u32,
    /// Good answers.
    pub ok: u32,
    /// Faults, stalls included.
    pub faults: u32,
    /// Streams that were silent for too long.
    pub gaps: u32,
}

/// Requests of a peer that have no content yet, alike in kind and age.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Streamed or unary.
    pub kind: AnswerKind,
    /// Seconds since they were sent, as the peer said it. Not as of now: some of them have ended since, and those that did
    /// must not be taken for late.
    pub age: f64,
    /// Seconds since the peer said it.
    pub behind: f64,
    /// How many.
    pub count: u32,
}
