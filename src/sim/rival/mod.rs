//! The rivals: what else there is to choose a target by, each as its own project describes it.
//!
//! A controller is only as good as what it was compared with, so a rival is never made weaker than the real thing. Where a
//! product leaves something out that these worlds need (a price, a length of the answer, a utilisation that no provider
//! reports), its rival is told; where its documents leave a constant open, the one is taken that does best here, and
//! the file says so. Rivals see what the controller sees, at the same moments. What they make of it stands in one file
//! each, with its source.
//!
//! None of them asks what share was configured, except `static` and `envoy`; none of them looks at prices except
//! `openrouter` and the bandits, which learn from the very loss that the report is counted in. That is more than a
//! product could know, and makes them the strongest here.
//!
//! Held against an earlier numerical prototype over the base scenarios, mean regrets agree within 0.015, except for two
//! that were tuned since (`sw-ucb` 0.20 for 0.24, `exp3s` 0.31 for 0.33) and `bifrost` (0.29 for 0.33), which follows more of
//! the published formula now.

mod accrual;
mod bifrost;
mod bifrost_score;
mod breaker;
mod choice;
mod envoy;
mod exp3s;
mod litellm;
mod openrouter;
mod outlier;
mod peak_ewma;
mod prequal;
mod sw_ucb;
mod thompson;
mod verdict;

use accrual::Accrual;
use bifrost::Bifrost;
use breaker::Breaker;
use choice::Luck;
use envoy::Envoy;
use exp3s::Exp3S;
use litellm::LiteLlm;
use openrouter::OpenRouter;
use peak_ewma::PeakEwma;
use prequal::Prequal;
use sw_ucb::SwUcb;
use thompson::Thompson;

use super::plain::Plain;
use super::policy::Policy;
use crate::balance::Weight;
use crate::law::salt;

/// A rival that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rival {
    /// What it is called on the command line and in reports.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub says: &'static str,
}

/// All rivals, in the order of the reports.
pub const RIVALS: [Rival; 13] = [
    Rival {
        name: "equal",
        says: "draws evenly, whatever is configured or measured",
    },
    Rival {
        name: "static",
        says: "draws by the configured weights, whatever is measured, as most gateways do by default",
    },
    Rival {
        name: "litellm",
        says: "LiteLLM's latency-based routing: all to the least mean of the last ten seconds-per-token, five-second cooldowns",
    },
    Rival {
        name: "p2c-ewma",
        says: "Finagle's and Linkerd's peak EWMA: of two drawn, the one with less expected latency times requests in flight",
    },
    Rival {
        name: "p2c+accrual",
        says: "the same behind Finagle's failure accrual: dead for 5 to 300 s after five failures in a row or below 80 % success",
    },
    Rival {
        name: "envoy",
        says: "Envoy's outlier detection and client-side weighted round robin, with latency for the utilisation that nobody reports",
    },
    Rival {
        name: "bifrost",
        says: "Bifrost's published formula: every 5 s a score of errors, latency and utilisation, a band of the best, 25 % exploration",
    },
    Rival {
        name: "openrouter",
        says: "OpenRouter's documented default: price to the power of -2 among those without an outage in 30 s",
    },
    Rival {
        name: "thompson",
        says: "discounted Gaussian Thompson sampling of the loss, half-life 30 s",
    },
    Rival {
        name: "exp3s",
        says: "EXP3.S, the adversarial bandit that follows changes",
    },
    Rival {
        name: "sw-ucb",
        says: "sliding-window UCB over 180 s of losses",
    },
    Rival {
        name: "prequal",
        says: "Prequal's hot-cold rule on what passes by: of the less loaded, the one with the least latency",
    },
    Rival {
        name: "cb:thompson",
        says: "Thompson sampling behind a circuit breaker that keeps to Retry-After",
    },
];

/// The rival of this name for a replica, or `None` if there is none; `cb:` before any name puts the circuit breaker in
/// front of it.
///
/// `configured` are the weights of the scenario's targets, in its order. The same `seed` and `replica` choose the same.
pub fn by_name(
    name: &str,
    configured: &[Weight],
    seed: u64,
    replica: u64,
) -> Option<Box<dyn Policy>> {
    let count = configured.len();
    if let Some(inner) = name.strip_prefix("cb:") {
        let inner = by_name(inner, configured, seed, replica)?;
        return Some(Box::new(Breaker::new(inner, count)));
    }
    let luck = Luck::of(seed, replica, salt(name));
    Some(match name {
        "equal" => Box::new(Plain::equal(count, seed, replica)),
        "static" => Box::new(Plain::configured(configured, seed, replica)),
        "litellm" => Box::new(LiteLlm::new(count, luck)),
        "p2c-ewma" => Box::new(PeakEwma::new(count, luck)),
        "p2c+accrual" => {
            let jitter = Luck::of(seed, replica, salt("accrual"));
            Box::new(Accrual::new(PeakEwma::new(count, luck), count, jitter))
        }
        "envoy" => Box::new(Envoy::new(configured)),
        "bifrost" => Box::new(Bifrost::new(count, luck)),
        "openrouter" => Box::new(OpenRouter::new(count, luck)),
        "thompson" => Box::new(Thompson::new(count, luck)),
        "exp3s" => Box::new(Exp3S::new(count, luck)),
        "sw-ucb" => Box::new(SwUcb::new(count, luck)),
        "prequal" => Box::new(Prequal::new(count, luck)),
        _ => return None,
    })
}

#[cfg(test)]
mod bandit_tests;
#[cfg(test)]
#[path = "bench_tests.rs"]
mod bench;
#[cfg(test)]
mod breaker_tests;
#[cfg(test)]
mod gateway_tests;
#[cfg(test)]
mod tests;
