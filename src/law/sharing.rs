//! Several requests at once on one machine.
//!
//! A server of one's own works on as many requests at a time as it has slots, and each of its steps takes longer with every
//! one of them: a step costs what reading the weights costs, plus a part for each request in it. So with n requests in
//! service an answer takes 1 + c · (n − 1) times as long as alone, with c from 0 (nobody notices the others, as at a large
//! hosted service) to 1 (the machine does as much for all as for one: processor sharing). c is another one for the time
//! to the first token, since a prompt is worked on in one go; the others' tokens wait meanwhile, so where prompts are long
//! and answers short the c of the stream is above 1.
//!
//! n is taken at the moment a request's service begins, itself included; who comes or goes later changes nothing for it.
//! That keeps the whole fate known at arrival, and is right in the mean: the number met at the beginning is the mean number
//! at any time (arrivals that are Poisson see time averages), so T = W · (1 + c · λT) for a request of W seconds alone, which
//! for c = 1 is W / (1 − λW), the mean of processor sharing for every W. What it gets wrong is the scatter: of two that
//! overlap, the later one bears the whole delay.
//! Source of the mean: L. Kleinrock, "Time-shared systems: a theoretical treatment", Journal of the ACM 14, 1967.

use serde::{Deserialize, Serialize};

use super::{Number, number};

/// What each other request in service adds, as a part of the time alone; from 0 up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sharing {
    /// To the time to the first token, the prompt's part included.
    #[serde(deserialize_with = "number::non_negative")]
    pub first: Number,
    /// To the time per token.
    #[serde(deserialize_with = "number::non_negative")]
    pub stream: Number,
}

/// How many times longer than alone the two parts of an answer take, from 1 up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// The time to the first token, once its service has begun.
    pub first: f64,
    /// The time per token.
    pub stream: f64,
}

impl Sharing {
    /// Whether requests slow each other down at any time.
    pub fn is_felt(&self) -> bool {
        self.first.bounds().1 > 0.0 || self.stream.bounds().1 > 0.0
    }

    /// The pace with `others` in service when it begins, `seconds` after the law began.
    pub fn pace(&self, others: u64, seconds: f64) -> Pace {
        let others = others as f64;
        Pace {
            first: 1.0 + others * self.first.at(seconds),
            stream: 1.0 + others * self.stream.at(seconds),
        }
    }
}

#[cfg(test)]
#[path = "sharing_tests.rs"]
mod tests;
