//! What a run brought: one line a request, one line an attempt.

use crate::model::Time;

/// How a request ended for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A complete answer.
    Answered,
    /// Waited for until a deadline passed.
    TimedOut,
    /// An error, a refusal or a broken answer.
    Failed,
    /// The client's own mistake: it counts nowhere.
    ClientFault,
}

/// A request as its caller saw it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Served {
    /// When it came.
    pub at: Time,
    /// Seconds until its end.
    pub took: f64,
    /// Seconds until its first content, if it was streamed and content came.
    pub first: Option<f64>,
    /// How it ended.
    pub end: End,
    /// See [`super::loss`].
    pub loss: f64,
    /// What its answer cost relative to a usual one; 0 without an answer.
    pub price: f64,
    /// Dollars of its answer; 0 without one.
    pub dollars: f64,
    /// Tokens of its prompt.
    pub tokens_in: u32,
    /// Of those, found in a cache.
    pub cached_in: u32,
    /// Tokens of its answer, if one came.
    pub tokens_out: u32,
}

/// An attempt as its target saw it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// When it began.
    pub at: Time,
    /// Where.
    pub target: usize,
}

/// What a run brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Requests, in the order of their end.
    pub served: Vec<Served>,
    /// Attempts, in the order of their beginning.
    pub tried: Vec<Tried>,
}

impl Run {
    /// Mean loss of the requests that count.
    pub fn loss(&self) -> f64 {
        let counted = || self.counted();
        counted().map(|served| served.loss).sum::<f64>() / counted().count().max(1) as f64
    }

    /// The requests that count: the client's own mistakes do not.
    pub fn counted(&self) -> impl Iterator<Item = &Served> {
        self.served
            .iter()
            .filter(|served| served.end != End::ClientFault)
    }
}
