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
    /// Their requests without content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
    /// Their requests in flight, those with content included.
    pub in_flight: u32,
    /// Whether the next probe of it is this replica's to send, if it is ejected.
    pub probe_here: bool,
    /// Whether an extra request that shows whether it is well again is this replica's to send, if it serves.
    pub extra_here: bool,
    /// Replicas that share what is a number of requests, this one counted; at least 1.
    pub share_of: u32,
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
            pending: Vec::new(),
            in_flight: 0,
            probe_here: true,
            extra_here: true,
            share_of: 1,
            apart: false,
        }
    }
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
